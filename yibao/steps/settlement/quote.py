"""From cart to CONFIRM_WAIT in one request: who, where, what, on which prescription, and what each side would pay.

The platform is asked first, with nothing open; the walk through the table and the row come at the end, together.
"""

from datetime import datetime
from typing import Any

from yibao import audit, clock, ids, policies, tasks
from yibao.db import db, let_go
from yibao.errors import Refused
from yibao.money import fen
from yibao.policy import Policy
from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.credential import models as credentials
from yibao.steps.family import models as family
from yibao.steps.login.models import User, channel, current_user
from yibao.steps.settlement import institutions, legs, prescriptions, rules, shelf
from yibao.steps.settlement.models import Settlement

WALK = ("identified", "{prescription}", "lines_checked", "quoted")


def quote(body: dict[str, Any]) -> Settlement:
    """A settlement that waits to be confirmed. Raises Refused; nothing is kept then."""
    policy, now = policies.current(), clock.now()
    user = current_user()
    payer = user.person
    binding = _patient_binding(user, body, now)
    named = _named(binding) if binding else payer
    let_go()
    place = institutions.designated(body["institution_code"])
    lines = rules.lines_of(body["items"], shelf.items(), policy.pharmacy.max_quantity)
    patient = _known(named)
    rx = _prescription(body.get("prescription_no"), place["code"], patient, lines, now)
    rules.check_traces(lines, now.date() >= policy.pharmacy.trace_code_required_from)
    row = Settlement(
        number=ids.fresh("settlement"),
        user_id=user.id,
        channel=channel(),
        openid=user.openid or "",
        payer_name=payer.name,
        payer_id_type=payer.id_type,
        payer_id_number=payer.id_number,
        binding_id=binding.key if binding else None,
        patient_name=patient.name,
        patient_id_type=patient.id_type,
        patient_id_number=patient.id_number,
        psn_no=patient.psn_no,
        insutype=patient.insurance.kind if patient.insurance else "",
        insured_in=patient.insurance.area if patient.insurance else "",
        institution_code=place["code"],
        institution_name=place["name"],
        prescription_no=rx.number if rx else None,
        lines=[_kept(line, rx) for line in lines],
        policy_version=policy.version,
        prices_version=shelf.version(),
        created_at=now,
    )
    let_go()
    _price(row, patient)
    return _keep(row, policy, "prescription_loaded" if rx else "no_prescription_needed")


def _patient_binding(user: User, body: dict[str, Any], now: datetime) -> family.Binding | None:
    """The relative, by binding or by the code on the screen; None for oneself.

    Raises Refused CODE_EXPIRED, PAY_NOT_BOUND, REAUTH_REQUIRED.
    """
    key = body.get("patient_binding_id")
    if code := body.get("credential_code"):
        holder = credentials.who_is(code, now)
        if holder.user_id != user.id:
            raise Refused("CODE_EXPIRED", "this code is not on your screen")
        if key and key != holder.binding_id:
            raise Refused("FIELD_INVALID", fields={"credential_code": ["the code shows somebody else"]})
        key = holder.binding_id
    return family.patient(user.id, key) if key else None


def _named(binding: family.Binding) -> national.Person:
    return national.Person(
        psn_no=binding.psn_no, name=binding.name, id_type=binding.id_type, id_number=binding.id_number
    )


def _known(named: national.Person) -> national.Person:
    """The patient as the platform has them today (1101). Uninsured people pay everything themselves."""
    try:
        return national.person(named.name, named.id_type, named.id_number)
    except VendorRefused as refused:
        if refused.code == "NOT_INSURED":
            return national.Person(named.psn_no, named.name, named.id_type, named.id_number)
        if refused.code == "UNKNOWN_PERSON":
            raise Refused("PERSON_NOT_FOUND") from refused
        raise Refused(legs.our_code(refused, "VENDOR_ERROR")) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the national platform did not answer") from error


def _prescription(
    number: str | None, institution_code: str, patient: national.Person, lines: list[rules.Line], now: datetime
) -> rules.Prescription | None:
    """The prescription, read and held against the cart. Raises Refused RX_*."""
    if not number:
        if rules.needs_prescription(lines):
            raise Refused("RX_REQUIRED")
        return None
    rx = prescriptions.read(number, institution_code, patient)
    rules.check_prescription(rx, patient.id_number, lines, now)
    return rx


def _kept(line: rules.Line, rx: rules.Prescription | None) -> dict[str, Any]:
    """A line as the row keeps it: names and prices of the day."""
    item = line.item
    return {
        "code": item.code,
        "med_list_codg": item.med_list_codg,
        "name": item.name,
        "spec": item.spec,
        "kind": item.kind,
        "price_fen": item.price_fen,
        "quantity": line.quantity,
        "total_fen": line.total_fen,
        "trace_codes": list(line.trace_codes),
        "prescribed": rx is not None and item.code in rx.items,
    }


def _price(row: Settlement, patient: national.Person) -> None:
    """Ask the bureau for the split (2101). Raises Refused SPLIT_MISMATCH and what the bureau has against the cart."""
    total = sum(line["total_fen"] for line in row.lines)
    if patient.insurance is None:
        row.set_split(rules.Split(total, 0, 0, 0, 0, total))
        return
    bill = legs.bill_of(row.lines, row.number, row.prescription_no)
    try:
        found = national.preview(patient, row.institution_code, bill, row.created_at)
    except VendorRefused as refused:
        raise Refused(legs.our_code(refused), refused.message) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the bureau did not answer") from error
    split = legs.split_of(found)
    if split.total_fen != total:
        raise Refused("SPLIT_MISMATCH", f"the bureau says {split.total_fen} fen, the lines {total}")
    row.set_split(split)
    row.visit_no = found.visit_no
    row.in_scope_fen = _fen(found.raw.get("inscp_scp_amt"))
    row.first_pay_fen = _fen(found.raw.get("preselfpay_amt"))
    row.deductible_fen = _fen(found.raw.get("act_pay_dedc"))


def _fen(yuan: Any) -> int:
    """An amount that only explains the split: 0 when it is missing or makes no sense."""
    try:
        return fen(yuan)
    except ValueError:
        return 0


def _keep(row: Settlement, policy: Policy, by: str) -> Settlement:
    """Walk the table and keep the row; the quote ends by itself."""
    db.session.add(row)
    row.state = "CART"
    audit.moved("settlement", row.number, "NONE", "CART", "opened", "U")
    for event in WALK:
        row.move(event.format(prescription=by), "U" if event == "identified" else "S")
    row.quote_expires_at = clock.now() + policy.settlement.quote_valid_for
    tasks.at(row.quote_expires_at, legs.QUOTE_ENDS, row.number)
    db.session.commit()
    return row

"""An outpatient visit: 2201 挂号 to 2208 结算撤销 (sheet §2.7), priced and booked by the pharmacies' engine."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, select, update

from mock_providers import switches
from mock_providers.db import db
from mock_providers.national import benefit, fields, ledger, line_serials, policy, purchase, setlinfo
from mock_providers.national import outpatient_fields as tables
from mock_providers.national import outpatient_rules as rules
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.insured import check_credential, insured_person
from mock_providers.national.models import Encounter, FeeLine, Settlement
from mock_providers.national.person import standing
from mock_providers.national.pharmacy import operator, ours
from mock_providers.national.purchase import Purchase
from mock_providers.national.sale import place
from mock_providers.national.texts import Refused
from mock_providers.people import Person, world

OUTPATIENT, ALL_BATCHES, BUSINESSES = "outpatient", "0000", ("01301", "01302")
AGREED = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
switches.declare(
    "national.diagnosis_first",
    "price",
    ("price", "charge", "off"),
    kind="choice",
    source="nhsa §1.6 rule 4",
    why="2203 comes before the lines; refused without it is the price (2206, 2207), already 2204, or nothing",
)
switches.declare(
    "national.2207_amounts",
    "required",
    ("required", "optional"),
    kind="choice",
    source="nhsa §2.7",
    why="edition 1.24 demands the four amounts of 2206 in 2207, older ones do not know them; what is sent must agree",
)
switches.declare(
    "national.2202_with_lines",
    "refused",
    ("refused", "allowed"),
    kind="choice",
    source="nhsa §1.6 rule 4 (SIM)",
    why="2202 of a visit with lines that were not deleted (2205): refused, or it takes them along",
)


@transaction("2201")
def register(call: Call) -> dict[str, Any]:
    """挂号: a visit begins."""
    data = fields.node(call.input, "data")
    fields.check(data, tables.REGISTRATION)
    person = insured_person(call, data)
    check_credential(call, data, person, needed=True)
    where = place(call.envelope["fixmedins_code"])
    if where.kind == "pharmacy":
        raise Refused("SIM-KIND")
    begins = fields.moment(data, "begntime")
    assert begins is not None
    insutype = fields.text(data, "insutype", 6)
    ledger.may_settle(standing(person), insutype, policy.in_force(begins.date()))
    row = Encounter(
        mdtrt_id=ledger.new_mdtrt_id(),
        person=person.id,
        institution=where.code,
        insutype=insutype,
        ipt_otp_no=fields.text(data, "ipt_otp_no", 30),
        begun_at=begins,
        registered={**_kept(data, tables.REGISTRATION), "mdtrt_cert_no": ""},
        visit=None,
        diagnoses=[],
        cancelled=False,
    )
    db.session.add(row)
    return {"data": {"mdtrt_id": row.mdtrt_id, "psn_no": person.psn_no, "ipt_otp_no": row.ipt_otp_no}}


@transaction("2202")
def cancel(call: Call) -> None:
    """挂号撤销: the visit never took place."""
    data = fields.node(call.input, "data")
    fields.check(data, tables.CANCELLATION)
    row = _encounter(call, data)
    if row.ipt_otp_no != fields.text(data, "ipt_otp_no", 30):
        raise Refused("NOTHING")
    facts = _facts(row)
    if switches.value("national.2202_with_lines") == "allowed" and rules.state(facts) == "charged":
        _drop(row, _lines(row, ALL_BATCHES))
    else:
        rules.may(facts, "cancel")
    row.cancelled = True


@transaction("2203")
@transaction("2203A")
def visit(call: Call) -> None:
    """就诊信息上传: what the visit is for. Sent again, it replaces what was sent."""
    node = fields.node(call.input, "mdtrtinfo")
    fields.check(node, tables.VISIT)
    diagnoses = fields.rows(call.input, "diseinfo", empty="EMPTY", at_most=50)
    for one in diagnoses:
        fields.check(one, tables.DIAGNOSIS)
    row = _encounter(call, node)
    rules.may(_facts(row), "diagnose")
    row.visit = _kept(node, tables.VISIT)
    row.diagnoses = [_kept(one, tables.DIAGNOSIS) for one in diagnoses]
    begins = fields.moment(node, "begntime")
    assert begins is not None
    row.begun_at = begins


@transaction("2204")
def charge(call: Call) -> dict[str, Any]:
    """费用明细上传: lines, each told how it is cut."""
    given = fields.rows(call.input, "feedetail")
    for line in given:
        fields.check(line, tables.LINE)
    row = _encounter(call, given[0])
    for line in given[1:]:
        if _encounter(call, line) is not row:
            raise Refused("NOTHING")
    rules.may(_facts(row), "charge")
    if row.visit is None and switches.value("national.diagnosis_first") == "charge":
        raise Refused("SIM-NODIAG")
    _add_lines(row, given)
    terms = policy.in_force(row.begun_at.date())
    cuts = []
    for line in given:
        bought = purchase.read_line(line)
        item = bought.item
        part = benefit.split_line(
            benefit.Line(bought.quantity, bought.unit_price_fen, item.level, item.first_pay_bp, item.price_limit_fen),
            terms,
        )
        cuts.append({**setlinfo.cut(bought, part), "lmt_used_flag": "0"})
    return {"result": cuts}


def _add_lines(row: Encounter, given: Sequence[Mapping[str, Any]]) -> None:
    serials = [fields.text(line, "feedetl_sn", 30) for line in given]
    known = select(FeeLine.id).where(FeeLine.mdtrt_id == row.mdtrt_id, FeeLine.feedetl_sn.in_(serials))
    if len(set(serials)) != len(serials) or db.session.scalar(known.limit(1)):
        raise Refused("SIM-DUPLINE")
    for line, serial in zip(given, serials, strict=True):
        batch = fields.text(line, "chrg_bchno", 30)
        if batch == ALL_BATCHES:
            raise Refused("SIM-FORMAT", name=fields.name_of("chrg_bchno"))
        kept = {**ledger.kept(line), "feedetl_sn": serial}
        db.session.add(FeeLine(mdtrt_id=row.mdtrt_id, feedetl_sn=serial, chrg_bchno=batch, given=kept))
    line_serials.keep(row.institution, row.mdtrt_id, serials)


def _drop(row: Encounter, lines: Sequence[FeeLine]) -> None:
    """Lines that are taken back were never charged."""
    line_serials.release(row.mdtrt_id, [line.feedetl_sn for line in lines])
    db.session.execute(delete(FeeLine).where(FeeLine.id.in_([line.id for line in lines])))


@transaction("2205")
def withdraw(call: Call) -> None:
    """费用明细撤销: the lines of a batch, or (0000) all that are not settled."""
    data = fields.node(call.input, "data")
    fields.check(data, tables.WITHDRAWAL)
    row = _encounter(call, data)
    rules.may(_facts(row), "withdraw")
    batch = fields.text(data, "chrg_bchno", 30)
    lines = _lines(row, batch)
    if not lines:
        settled = select(FeeLine.id).where(FeeLine.mdtrt_id == row.mdtrt_id, FeeLine.chrg_bchno == batch)
        raise Refused("SIM-LINESETTLED" if db.session.scalar(settled.limit(1)) else "NO_LINES")
    _drop(row, lines)


@transaction("2206")
@transaction("2206A")
def preview(call: Call) -> dict[str, Any]:
    """预结算: what the open lines of a batch would cost whom."""
    row, bought, _ = _asked(call, "price")
    quote = ledger.presettle(bought)
    return {
        "setlinfo": setlinfo.setlinfo(quote, row.mdtrt_id, call.msgid),
        "setldetail": setlinfo.setldetail(quote),
    }


@transaction("2207")
@transaction("2207A")
def settle(call: Call) -> dict[str, Any]:
    """结算: as 2206, with the amounts of 2206 repeated, and booked."""
    row, bought, lines = _asked(call, "settle")
    data = fields.node(call.input, "data")
    fields.check(data, tables.SETTLEMENT)
    sent = {name: not fields.is_blank(data.get(name)) for name in AGREED}
    for name in AGREED:
        if not sent[name] and switches.value("national.2207_amounts") == "required":
            raise Refused("EMPTY", name=fields.name_of(name))
    made = ledger.commit_settlement(
        bought, call.msgid, mdtrt_id=row.mdtrt_id, kind=OUTPATIENT, infno=call.infno, about=_about(call, row)
    )
    if any(sent[name] and fields.number(data, name, 2) != Decimal(made.setlinfo[name]) for name in AGREED):
        raise Refused("QUOTE_DIFFERS")
    for line in lines:
        line.setl_id = made.setl_id
    return {"setlinfo": setlinfo.spoken(made.setlinfo), "setldetail": setlinfo.spoken(made.detail["setldetail"])}


@transaction("2208")
def refund(call: Call) -> dict[str, Any]:
    """结算撤销: everything goes back; the lines are open again."""
    data = fields.node(call.input, "data")
    fields.check(data, tables.REFUND)
    first = ours(call, data, OUTPATIENT)
    twin = ledger.reverse_settlement(first.setl_id, call.msgid, call.infno)
    reopen(first)
    return {
        "setlinfo": setlinfo.refund_2208(twin.setlinfo),
        "setldetail": setlinfo.spoken(twin.detail["setldetail"]),
    }


def reopen(first: Settlement) -> None:
    """The lines of a settlement that was given back can be deleted or settled again."""
    mine = FeeLine.mdtrt_id == first.mdtrt_id, FeeLine.setl_id == first.setl_id
    db.session.execute(update(FeeLine).where(*mine).values(setl_id=""))


def close(first: Settlement) -> bool:
    """The lines of a settlement whose refund did not take place are settled again, if they are still there."""
    serials = [line["feedetl_sn"] for line in first.detail["lines"]]
    still = (FeeLine.mdtrt_id == first.mdtrt_id, FeeLine.feedetl_sn.in_(serials), FeeLine.setl_id == "")
    lines = db.session.scalars(select(FeeLine).where(*still)).all()
    for line in lines:
        line.setl_id = first.setl_id
    return len(lines) == len(serials)


def _asked(call: Call, event: str) -> tuple[Encounter, Purchase, list[FeeLine]]:
    """The visit, its open lines as a purchase, and those lines, of a 2206 or 2207."""
    data = fields.node(call.input, "data")
    fields.check(data, tables.PRICE)
    person = insured_person(call, data)
    check_credential(call, data, person, BUSINESSES)
    row = _encounter(call, data)
    facts = _facts(row)
    rules.may(facts, event)
    lines = _lines(row, fields.text(data, "chrg_bchno", 30))
    if not lines:
        raise Refused(rules.SETTLED if rules.state(facts) == "settled" else "NO_LINES")
    if row.visit is None and switches.value("national.diagnosis_first") != "off":
        raise Refused("SIM-NODIAG")
    head = {**data, "begntime": f"{row.begun_at:%Y-%m-%d %H:%M:%S}", **_disease(row)}
    return row, purchase.read(person.id, row.institution, head, [line.given for line in lines]), lines


def _disease(row: Encounter) -> dict[str, str]:
    return {name: (row.visit or {}).get(name, "") for name in ("dise_codg", "dise_name")}


def _about(call: Call, row: Encounter) -> dict[str, str]:
    return {**operator(call), "ipt_otp_no": row.ipt_otp_no, "dept_name": row.registered["dept_name"]}


def _encounter(call: Call, node: Mapping[str, Any]) -> Encounter:
    """The visit that mdtrt_id and psn_no name together, at this institution. Raises Refused NOTHING."""
    row = db.session.scalar(select(Encounter).where(Encounter.mdtrt_id == fields.text(node, "mdtrt_id", 30, True)))
    person: Person | None = world().by_psn_no.get(fields.text(node, "psn_no", 30, True))
    asked = (person and person.id, call.envelope["fixmedins_code"])
    if row is None or (row.person, row.institution) != asked:
        raise Refused("NOTHING")
    return row


def _facts(row: Encounter) -> rules.Visit:
    rows = db.session.execute(
        select(Settlement.refunded, Settlement.refund_of).where(Settlement.mdtrt_id == row.mdtrt_id)
    )
    settled = [refunded for refunded, refund_of in rows if not refund_of]
    return rules.Visit(
        cancelled=row.cancelled,
        diagnosed=row.visit is not None,
        open_lines=db.session.scalar(select(func.count()).select_from(FeeLine).where(*_open(row, ALL_BATCHES))) or 0,
        live=settled.count(False),
        refunded=settled.count(True),
    )


def _open(row: Encounter, batch: str) -> list[Any]:
    mine: list[Any] = [FeeLine.mdtrt_id == row.mdtrt_id, FeeLine.setl_id == ""]
    return mine if batch == ALL_BATCHES else [*mine, FeeLine.chrg_bchno == batch]


def _lines(row: Encounter, batch: str) -> list[FeeLine]:
    """The lines of a batch (0000: of all batches) that are not settled."""
    return list(db.session.scalars(select(FeeLine).where(*_open(row, batch)).order_by(FeeLine.id)))


def _kept(node: Mapping[str, Any], table: Sequence[fields.Field]) -> dict[str, str]:
    return {field.name: fields.text(node, field.name, field.size) for field in table}

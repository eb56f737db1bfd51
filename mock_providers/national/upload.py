"""6201 费用明细上传: a bill becomes an order nobody has priced yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches, timers
from mock_providers.db import db
from mock_providers.national import amounts, authorisation, benefit, credential, fields, policy, setlinfo
from mock_providers.national import payment_fields as tables
from mock_providers.national import purchase as purchases
from mock_providers.national.centre import planned
from mock_providers.national.models import Encounter
from mock_providers.national.payment_models import PayOrder
from mock_providers.national.payment_rules import CASH_PAID, REVOKED
from mock_providers.national.person import standing
from mock_providers.national.spelling import plain, snake
from mock_providers.national.texts import Refused
from mock_providers.people import Institution, Person, world

EXPIRY = "national.pay_order_expiry"
PLACE_ON_EARTH = re.compile(r"-?\d{1,3}(\.\d+)?,-?\d{1,3}(\.\d+)?")
PHARMACY = "pharmacy"

outcomes.declare("national.6201", "system_error", "unavailable", "timeout", "refuse")
switches.declare(
    "national.pay_order_ttl_s",
    "900",
    ("300", "900", "1800"),
    kind="choice",
    source="domain §6.6",
    why="how long an order waits for its payment before the centre revokes it (ordStas 12): not published",
)
switches.declare(
    "national.mdtrt_id",
    "hospitals",
    ("hospitals", "registered", "any"),
    kind="choice",
    source="nhsa §3.1, §3.3 (INF)",
    why="mdtrtId of 6201 and of D001 is a visit of this person here that 2201 registered: at hospitals (a pharmacy "
    "has no 2201), everywhere, or it is never looked up",
)


@dataclass(frozen=True)
class Consent:
    """Who agreed to this bill. `number` is empty if only a decoded code was shown; 6202 then brings it."""

    patient: str
    payer: str
    number: str = ""


def upload(data: dict[str, Any]) -> dict[str, Any]:
    """Take a bill; nothing is worked out yet."""
    asked = snake(data)
    fields.check(asked, tables.UPLOAD)
    head = {field.name: fields.text(asked, field.name, 1000) for field in tables.UPLOAD}
    if head["uld_latlnt"] and not PLACE_ON_EARTH.fullmatch(head["uld_latlnt"]):
        raise Refused("SIM-FORMAT", name=fields.name_of("uld_latlnt"))
    place = world().institutions.get(head["org_codg"])
    if place is None:
        raise Refused("SIM-INST")
    person = _person(head)
    consent = _consent(head, person)
    check_encounter(head["mdtrt_id"], person, place)
    planned("national.6201", person.id, head["med_org_ord"])
    _diseases(asked)
    lines = [_line(row, head) for row in fields.rows(asked, "feedetail_list")]
    bill = purchases.read(person.id, place.code, _druginfo(head, person), lines)
    same = (PayOrder.org_codg == place.code, PayOrder.med_org_ord == head["med_org_ord"])
    if db.session.scalar(select(PayOrder.id).where(*same)):
        raise Refused("ORDER-EXISTS")
    order = _save(_druginfo(head, person), consent, plain(lines))
    return {
        "payOrdId": order.pay_ord_id,
        "payToken": order.pay_token,
        "orderStas": str(order.ord_stas),
        "extData": {"mdtrtId": order.mdtrt_id, "result": [_said_of(line, bill) for line in bill.lines]},
    }


def _person(head: Mapping[str, str]) -> Person:
    person = world().by_psn_no.get(head["psn_no"])
    if person is None:
        raise Refused("NO_PERSON")
    check_identity(person, head)
    now = standing(person)
    if now.insutype and now.area != head["insu_code"]:
        raise Refused("SIM-AREA")
    return person


def check_identity(person: Person, head: Mapping[str, str]) -> None:
    """`id_no` and `user_name` are this person's. Raises Refused."""
    if person.id_number.upper() != head["id_no"].upper():
        raise Refused("ID-DIFFERS")
    if person.name != head["user_name"]:
        raise Refused("NAME-DIFFERS")


def _consent(head: Mapping[str, str], person: Person) -> Consent:
    """The consent this bill rests on. With a payAuthNo alone the encounter must be named too."""
    number, token = head["pay_auth_no"], head["ec_token"]
    if not number and not token:
        raise Refused("EMPTY", name=fields.name_of("pay_auth_no"))
    if not token and not head["mdtrt_id"]:
        raise Refused("EMPTY", name=fields.name_of("mdtrt_id"))
    row = authorisation.authorisation(number, token)
    if row is not None and row.patient == person.id and authorisation.is_usable(row, ""):
        return Consent(row.patient, row.payer, row.number)
    if not number and row is None and credential.holder(token, head["org_codg"]) == person.id:
        return Consent(person.id, person.id)
    raise Refused("PAYAUTH" if number else "SIM-TOKEN")


def check_encounter(mdtrt_id: str, person: Person, place: Institution) -> None:
    """The visit was registered for this person at this institution, where the switch asks for it. Raises Refused."""
    asks = switches.value("national.mdtrt_id")
    if asks == "any" or not mdtrt_id or (asks == "hospitals" and place.kind == PHARMACY):
        return
    row = db.session.scalar(select(Encounter).where(Encounter.mdtrt_id == mdtrt_id))
    if row is None or row.cancelled or (row.person, row.institution) != (person.id, place.code):
        raise Refused("SIM-MDTRT")


def _diseases(asked: Mapping[str, Any]) -> None:
    if asked.get("diseinfo_list"):
        for row in fields.rows(asked, "diseinfo_list", at_most=50):
            fields.check(row, tables.DISEASE)


def _line(row: Mapping[str, Any], head: Mapping[str, str]) -> dict[str, Any]:
    """A line under the names of drugdetail; trace codes travel in extData here."""
    fields.check(row, tables.LINE)
    if fields.text(row, "psn_no", 30) not in ("", head["psn_no"]):
        raise Refused("SIM-LINEPERSON")
    if head["mdtrt_id"] and fields.text(row, "mdtrt_id", 30) not in ("", head["mdtrt_id"]):
        raise Refused("SIM-MDTRT")
    extra = row.get("ext_data")
    traces = extra.get("drugtracinfo") if isinstance(extra, Mapping) else None
    return {**row, "drugtracinfo": traces or row.get("drugtracinfo") or []}


def _druginfo(head: Mapping[str, str], person: Person) -> dict[str, str]:
    is_card = person.id_type == "id_card"
    return {**head, "mdtrt_cert_type": "02" if is_card else "99", "mdtrt_cert_no": person.id_number}


def _save(head: dict[str, str], consent: Consent, lines: list[dict]) -> PayOrder:
    now, serial = clock.now(), serials.number("payOrdId")
    order = PayOrder(
        pay_ord_id=f"ORD{head['insu_code']:0>6}{now:%Y%m%d%H%M%S}{serial:06d}",
        pay_token=serials.fresh_hex("payToken", 32),
        org_codg=head["org_codg"],
        med_org_ord=head["med_org_ord"],
        person=consent.patient,
        payer=consent.payer,
        pay_auth_no=consent.number,
        mdtrt_id=head["mdtrt_id"] or serials.fresh_digits("mdtrt_id", 12),
        ord_stas=0,
        head=head,
        lines=lines,
        created_at=now,
    )
    db.session.add(order)
    if consent.number:
        authorisation.spend(consent.number, order.pay_ord_id)
    lives = timedelta(seconds=int(switches.value("national.pay_order_ttl_s")))
    timers.at(now + lives, EXPIRY, order=order.pay_ord_id)
    return order


def _said_of(line: purchases.PurchaseLine, bill: purchases.Purchase) -> dict[str, Any]:
    """What the centre finds of one line, under the Hainan names."""
    item = line.item
    counted = benefit.Line(line.quantity, line.unit_price_fen, item.level, item.first_pay_bp, item.price_limit_fen)
    parts = benefit.split_line(counted, policy.in_force(bill.at.date()))
    return {
        "rxSn": line.feedetl_sn,
        "hosRxDetlNo": line.rxno,
        "amt": yuan(line.total_fen),
        "pfoAmt": yuan(parts.first_pay_fen),
        "ownpayAmt": yuan(parts.full_self_fen),
        "overlmtSelfpayAmt": yuan(parts.over_limit_fen),
        "chrgItemLv": item.level,
        "fulamtOwnpayFlag": "1" if parts.full_self_fen else "0",
        "ownpayRea": "",
        "hiLmtpric": "999999" if item.price_limit_fen is None else yuan(item.price_limit_fen),
        "selfpayProp": str(setlinfo.ratio(parts.first_pay_bp)),
    }


def yuan(fen: int) -> str:
    """Amounts travel as text: their zeros are signed too."""
    return str(amounts.yuan(fen))


@timers.handles(EXPIRY)
def expire(about: Mapping[str, Any]) -> None:
    """An order nobody paid for is revoked by the centre."""
    order = db.session.scalar(select(PayOrder).where(PayOrder.pay_ord_id == about["order"]))
    if order and order.ord_stas < CASH_PAID:
        order.ord_stas = REVOKED

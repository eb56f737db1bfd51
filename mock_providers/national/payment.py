"""The mobile payment centre for institutions: 6201 upload, 6202 order, 6301 query, 6401 revoke, 6203 refund."""

import hmac
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request
from flask.sansio.app import App
from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches, timers
from mock_providers.db import db
from mock_providers.national import (
    amounts,
    authorisation,
    benefit,
    channel,
    fields,
    ledger,
    payback,
    policy,
    setlinfo,
    wire,
)
from mock_providers.national import purchase as purchases
from mock_providers.national.authorisation import PayAuthorisation
from mock_providers.national.centre import planned, serve
from mock_providers.national.payment_models import PayOrder
from mock_providers.national.payment_rules import REVOKED, move
from mock_providers.national.texts import Refused
from mock_providers.people import Person, world

bp = Blueprint("national_payment", __name__)
settle_for_channel = channel.settle_for_channel
EXPIRY = "national.pay_order_expiry"

# 6201 (§3.3): field, longest, required by at least one live gateway. Names as in 2101 once the case is changed.
UPLOAD = (
    ("org_codg", 30, True),
    ("psn_no", 30, True),
    ("insutype", 6, True),
    ("insu_code", 6, True),
    ("med_org_ord", 64, True),
    ("begntime", 19, True),
    ("id_no", 50, True),
    ("user_name", 50, True),
    ("id_type", 6, True),
    ("ipt_otp_no", 30, True),
    ("dept_code", 30, True),
    ("dept_name", 100, True),
    ("caty", 10, True),
    ("med_type", 6, True),
    ("fee_type", 6, True),
    ("psn_setlway", 6, True),
    ("chrg_bchno", 30, True),
    ("pub_hosp_rfom_flag", 3, True),
    ("org_id", 64, False),
    ("init_rx_ord", 40, False),
    ("rx_circ_flag", 3, False),
    ("ec_token", 40, False),
    ("pay_auth_no", 40, False),
    ("mdtrt_id", 30, False),
    ("acct_used_flag", 3, False),
    ("uld_latlnt", 64, False),
)
ORDER_NAMES = ("pay_ord_id", "pay_token", "org_codg")
PERSON_NAMES = ("id_no", "user_name", "id_type")

outcomes.declare("national.6201", "system_error", "unavailable", "timeout", "refuse")
outcomes.declare(
    "national.6202",
    *("system_error", "unavailable", "timeout", "refuse", "account_locked", "cap_changed", "mutual_aid_paused"),
)
outcomes.declare("national.6301", "system_error", "unavailable")
outcomes.declare("national.6401", "system_error", "unavailable", "timeout", "refuse")
switches.declare(
    "national.pay_order_ttl_s",
    "900",
    ("300", "900", "1800"),
    kind="choice",
    source="domain §6.6",
    why="how long an order waits for its payment before the centre revokes it (ordStas 12): not published",
)
switches.declare(
    "national.centre_codes",
    "0_and_-1",
    ("0_and_-1",),
    kind="choice",
    source="nhsa §3.10",
    why="code of a refused call: not published, always -1; an appId nobody knows is refused without a signature",
)


def connect(app: App) -> None:
    """Offer the neighbours what they may ask the bureau (WeChat: consent; WeChat Pay: settle)."""
    app.extensions.update(
        authorise=authorisation.issue_authorisation,
        user_query=authorisation.user_query,
        national_public_id=authorisation.public_id,
        check_authorisation=channel.check_authorisation,
        settle=channel.settle_for_channel,
    )


def snake(value: Any) -> Any:
    """camelCase keys as the snake_case ones of the institutions' gateway, at every depth."""
    if isinstance(value, Mapping):
        return {re.sub(r"(?<!^)([A-Z])", r"_\1", k).lower(): snake(v) for k, v in value.items()}
    return [snake(v) for v in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """For a JSON column: numbers as the text they came in."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Decimal) else value


# 6201


def upload(data: dict[str, Any]) -> dict[str, Any]:
    """Take a bill; nothing is worked out yet."""
    asked = snake(data)
    head = {name: fields.text(asked, name, longest, needed) for name, longest, needed in UPLOAD}
    head["medfee_sumamt"] = plain(fields.number(asked, "medfee_sumamt", 2))
    if head["org_codg"] not in world().institutions:
        raise Refused("SIM-INST")
    person = _person(head)
    granted = _authorisation(head, person)
    planned("national.6201", person.id, head["med_org_ord"])
    lines = [_line(row) for row in fields.rows(asked, "feedetail_list")]
    bill = purchases.read(person.id, head["org_codg"], _druginfo(head, person), lines)
    if db.session.scalar(select(PayOrder.id).where(*_same_order(head))):
        raise Refused("ORDER-EXISTS")
    order = _save(head, person, granted, plain(lines))
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
    _is_same(person, head)
    return person


def _is_same(person: Person, head: Mapping[str, str]) -> None:
    if person.id_number.upper() != head["id_no"].upper():
        raise Refused("ID-DIFFERS")
    if person.name != head["user_name"]:
        raise Refused("NAME-DIFFERS")


def _authorisation(head: Mapping[str, str], person: Person) -> PayAuthorisation:
    """The consent this bill rests on. With a payAuthNo alone the encounter must be named too."""
    if not head["pay_auth_no"] and not head["ec_token"]:
        raise Refused("EMPTY", name=fields.name_of("pay_auth_no"))
    if not head["ec_token"] and not head["mdtrt_id"]:
        raise Refused("EMPTY", name=fields.name_of("mdtrt_id"))
    row = authorisation.authorisation(head["pay_auth_no"], head["ec_token"])
    if row is None or row.patient != person.id or not authorisation.is_usable(row, ""):
        raise Refused("PAYAUTH" if head["pay_auth_no"] else "SIM-TOKEN")
    return row


def _same_order(head: Mapping[str, str]) -> tuple[Any, ...]:
    return PayOrder.org_codg == head["org_codg"], PayOrder.med_org_ord == head["med_org_ord"]


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line under the names of drugdetail; trace codes travel in extData here."""
    extra = row.get("ext_data")
    traces = extra.get("drugtracinfo") if isinstance(extra, Mapping) else None
    return {**row, "drugtracinfo": traces or row.get("drugtracinfo") or []}


def _druginfo(head: Mapping[str, str], person: Person) -> dict[str, str]:
    is_card = person.id_type == "id_card"
    return {**head, "mdtrt_cert_type": "02" if is_card else "99", "mdtrt_cert_no": person.id_number}


def _save(head: dict[str, str], person: Person, granted: PayAuthorisation, lines: list[dict]) -> PayOrder:
    now, serial = clock.now(), serials.number("payOrdId")
    order = PayOrder(
        pay_ord_id=f"ORD{head['insu_code']:0>6}{now:%Y%m%d%H%M%S}{serial:06d}",
        pay_token=serials.fresh_hex("payToken", 32),
        org_codg=head["org_codg"],
        med_org_ord=head["med_org_ord"],
        person=person.id,
        payer=granted.payer,
        pay_auth_no=granted.number,
        mdtrt_id=head["mdtrt_id"] or serials.fresh_digits("mdtrt_id", 12),
        ord_stas=0,
        head=_druginfo(head, person),
        lines=lines,
        created_at=now,
    )
    db.session.add(order)
    granted.used_by = order.pay_ord_id
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
    if order and order.ord_stas < channel.rules.CASH_PAID:
        order.ord_stas = REVOKED


# 6202


def _order(head: Mapping[str, str]) -> PayOrder:
    """The order a call names, if it also knows its institution and token. Raises Refused."""
    order = db.session.scalar(select(PayOrder).where(PayOrder.pay_ord_id == head["pay_ord_id"]))
    if order is None or order.org_codg != head["org_codg"]:
        raise Refused("SIM-ORDER")
    if not hmac.compare_digest(order.pay_token.encode(), head["pay_token"].encode()):
        raise Refused("SIM-PAYTOKEN")
    return order


def place(data: dict[str, Any]) -> dict[str, Any]:
    """Run the pre-settlement and say who would pay what. Nothing is debited."""
    asked = snake(data)
    needed = (*ORDER_NAMES, "pay_auth_no", "org_biz_ser")
    head = {name: fields.text(asked, name, 64, True) for name in needed}
    flag = fields.text(asked, "acct_used_flag", 1)
    order = _order(head)
    if order.pay_auth_no != head["pay_auth_no"]:
        raise Refused("PAYAUTH")
    planned("national.6202", order.person, order.med_org_ord)
    order.ord_stas = move(order.ord_stas, "ordered")
    order.org_biz_ser = head["org_biz_ser"]
    if flag:
        order.head = {**order.head, "acct_used_flag": flag}
    quote = ledger.presettle(channel.purchase_of(order))
    _keep(order, quote)
    return _split_of(order)


def _keep(order: PayOrder, quote: ledger.Quote) -> None:
    split = quote.split
    order.fee_fen, order.fund_fen, order.cash_fen = split.total_fen, split.pooled_fen, split.cash_fen
    order.own_fen, order.mutual_fen, order.wallet_fen = split.own_fen, split.mutual_fen, split.wallet_fen
    info = setlinfo.setlinfo(quote, order.mdtrt_id, "")
    order.preset = setlinfo.as_text(info)


def _split_of(order: PayOrder) -> dict[str, Any]:
    assert order.fee_fen == order.fund_fen + order.account_fen + order.cash_fen
    return {
        "payOrdId": order.pay_ord_id,
        "ordStas": str(order.ord_stas),
        **channel.amounts_of(order),
        "deposit": "0.00",
        "hospPartAmt": "0.00",
        "othFeeAmt": "0.00",
        "extData": {"preSetl": order.preset},
    }


# 6301 and 6401


def _named(data: dict[str, Any]) -> PayOrder:
    asked = snake(data)
    head = {name: fields.text(asked, name, 64, True) for name in (*ORDER_NAMES, *PERSON_NAMES)}
    order = _order(head)
    _is_same(world().people[order.person], head)
    return order


def query(data: dict[str, Any]) -> dict[str, Any]:
    """How far an order is; money only once it was worked out."""
    order = _named(data)
    planned("national.6301", order.person, order.med_org_ord)
    return channel.told(order)


def revoke(data: dict[str, Any]) -> dict[str, Any]:
    """Take an unpaid upload back. CHOICE: once more on a revoked one is success again."""
    order = _named(data)
    planned("national.6401", order.person, order.med_org_ord)
    order.ord_stas = move(order.ord_stas, "revoked")
    return {"success": True, "message": "成功"}


CALLS = {
    "uldFeeInfo": upload,
    "pay_order": place,
    "refund_Order": payback.refund,
    "query_order_info": query,
    "revoke_order": revoke,
}
OLDER = {"hos.upload.fee": upload, "hos.refund.setl": payback.refund, "hos.revoke.order": revoke}


@bp.post("/org/local/api/hos/<any(uldFeeInfo, pay_order, refund_Order, query_order_info, revoke_order):name>")
def local(name: str) -> Response:
    """One path per transaction."""
    return serve(CALLS[name])


@bp.post("/pmc/api")
def older() -> Response:
    """The older Hainan form: one path, the transaction in transType."""
    return serve(_older)


def _older(data: dict[str, Any]) -> dict[str, Any]:
    call = OLDER.get(str(wire.parse(request.get_data()).get("transType")))
    if call is None:
        raise Refused("EMPTY", name="transType")
    return call(data)

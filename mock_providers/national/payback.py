"""6203 医保退费: the insurance money, the cash, or both go back; all of a part or, for cash, some of it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.national import authorisation, channel, fields, ledger
from mock_providers.national import payment_fields as tables
from mock_providers.national import payment_rules as rules
from mock_providers.national.centre import planned
from mock_providers.national.payment_models import PayOrder, PayRefund
from mock_providers.national.spelling import snake
from mock_providers.national.texts import Refused

AMOUNTS = ("totl_refd_amt", "psn_acct_refd_amt", "fund_refd_amt", "cash_refd_amt")
FAIL, UNKNOWN = "fail", "exception"

outcomes.declare("national.6203", "system_error", "unavailable", "timeout", "refuse", FAIL, UNKNOWN)
switches.declare(
    "national.revs_token_ttl_s",
    "86400",
    ("900", "86400"),
    kind="choice",
    source="nhsa §3.8 (name and purpose only)",
    why="6203 HI with revsToken in place of payAuthNo takes the insurance part back (ordStas 12, or 13 while the "
    "institution still has the cash), once, for this long after the settlement: how it is used is not published",
)


def refund(data: dict[str, Any]) -> dict[str, Any]:
    """Pay back. The same appRefdSn with the same content is answered again and not paid again (CHOICE)."""
    given = snake(data)
    asked = _read(given)
    order = channel.find(asked["pay_ord_id"])
    if order is None:
        raise Refused("SIM-ORDER")
    before = db.session.scalar(select(PayRefund).where(PayRefund.app_refd_sn == asked["app_refd_sn"]))
    is_reversal = _may(order, given, before)
    if before is not None and (before.order_id != order.id or before.asked != asked):
        raise Refused("SIM-REFDUP")
    if before is not None and before.pending_from is None:
        return before.answer
    state = order.ord_stas if before is None else before.pending_from
    assert state is not None
    after = rules.move(state, _event(order, asked, state, is_reversal))
    fate = planned("national.6203", order.person, asked["app_refd_sn"])
    if fate == FAIL:
        return _answer(order, asked["refd_type"], "FAIL")
    row = before or PayRefund(order_id=order.id, app_refd_sn=asked["app_refd_sn"], asked=asked, answer={})
    db.session.add(row)
    if fate == UNKNOWN:
        row.pending_from, order.ord_stas = state, rules.REFUNDING
        return _answer(order, asked["refd_type"], "EXP")
    if asked["refd_type"] != "CASH" or _gives_all(order, asked):
        ledger.reverse_settlement(order.setl_id, channel.message_id(order.org_codg))
    order.ord_stas, row.pending_from = after, None
    order.cash_refunded_fen += asked["cash_refd_amt"]
    row.answer = _answer(order, asked["refd_type"], "SUCC")
    return row.answer


def _read(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of §3.5, amounts in fen."""
    fields.check(given, tables.REFUND)
    asked: dict[str, Any] = {name: fields.text(given, name, 64, True) for name in ("pay_ord_id", "app_refd_sn")}
    moment = fields.text(given, "app_refd_time", 14, True)
    try:
        datetime.strptime(moment if len(moment) == 14 else "", "%Y%m%d%H%M%S").replace(tzinfo=fields.CHINA)
    except ValueError as error:
        raise Refused("SIM-FORMAT", name=fields.name_of("app_refd_time")) from error
    asked["refd_type"] = fields.one_of(given, "refd_type", rules.KINDS)
    return {**asked, **{name: fields.fen(given, name) for name in AMOUNTS}}


def _event(order: PayOrder, asked: dict[str, Any], state: int, is_reversal: bool) -> str:
    wanted = rules.Parts(asked["psn_acct_refd_amt"], asked["fund_refd_amt"], asked["cash_refd_amt"])
    left = order.cash_fen - order.cash_refunded_fen
    paid = channel.parts_of(order)
    event = rules.refund_event(asked["refd_type"], asked["totl_refd_amt"], wanted, paid, left)
    if not is_reversal:
        return event
    if event != "insurance_refunded":
        raise Refused("SIM-REFKIND")
    return rules.reversal_event(state, order.cash_fen)


def _gives_all(order: PayOrder, asked: dict[str, Any]) -> bool:
    """The last of the cash of an order the insurance had no part in: nothing of it stands any more."""
    left = order.cash_fen - order.cash_refunded_fen
    return not any(channel.parts_of(order).insurance) and asked["cash_refd_amt"] == left


def _may(order: PayOrder, given: dict[str, Any], before: PayRefund | None) -> bool:
    """One of ecToken, payAuthNo (the order's own or a fresh one of the same person) and revsToken; is it the last?"""
    number, token = fields.text(given, "pay_auth_no", 40), fields.text(given, "ec_token", 64)
    reversing = fields.text(given, "revs_token", 64)
    if not number and not token and not reversing:
        raise Refused("EMPTY", name=fields.name_of("pay_auth_no"))
    if sum(map(bool, (number, token, reversing))) > 1:
        raise Refused("SIM-FORMAT", name=fields.name_of("ec_token"))
    if reversing:
        if not _is_revs_token(order, reversing, before):
            raise Refused("SIM-REVSTOKEN")
        return True
    row = authorisation.authorisation(number, token)
    if row is None or row.patient != order.person or not authorisation.is_usable(row, order.pay_ord_id):
        raise Refused("PAYAUTH" if number else "SIM-TOKEN")
    return False


def _is_revs_token(order: PayOrder, shown: str, before: PayRefund | None) -> bool:
    made = ledger.settlement(order.setl_id) if order.setl_id else None
    if made is None or order.settled.get("revsToken") != shown:
        return False
    lives = timedelta(seconds=int(switches.value("national.revs_token_ttl_s")))
    return before is not None or clock.now() < made.at + lives


def _answer(order: PayOrder, kind: str, status: str) -> dict[str, Any]:
    """Of cash alone the insurance says nothing: no hiFefdSn, no hiTrnsDate, no hiTrnsTime."""
    now = clock.now()
    insurance = {
        "hiFefdSn": serials.fresh_digits("hiFefdSn", 20),
        "hiTrnsDate": f"{now:%Y%m%d}",
        "hiTrnsTime": f"{now:%H%M%S}",
    }
    return {
        "refdSn": f"REF{now:%Y%m%d%H%M%S}{serials.number('refdSn'):06d}",
        **(insurance if kind != "CASH" and status == "SUCC" else {}),
        "refStatus": status,
        "payOrdId": order.pay_ord_id,
    }

"""6203 医保退费: the insurance money, the cash, or both go back; all of a part or, for cash, some of it."""

from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, serials
from mock_providers.db import db
from mock_providers.national import authorisation, channel, fields, ledger
from mock_providers.national import payment_rules as rules
from mock_providers.national.centre import planned
from mock_providers.national.payment_models import PayOrder, PayRefund
from mock_providers.national.texts import Refused

AMOUNTS = ("totlRefdAmt", "psnAcctRefdAmt", "fundRefdAmt", "cashRefdAmt")
KINDS = ("ALL", "CASH", "HI")
FAILS = {"fail": "FAIL", "exception": "EXP"}

outcomes.declare("national.6203", "system_error", "unavailable", "timeout", "refuse", *FAILS)


def refund(data: dict[str, Any]) -> dict[str, Any]:
    """Pay back. The same appRefdSn with the same content is answered again and not paid again (CHOICE)."""
    asked = _read(data)
    order = channel.find(asked["payOrdId"])
    if order is None:
        raise Refused("SIM-ORDER")
    _may(order, data)
    before = db.session.scalar(select(PayRefund).where(PayRefund.app_refd_sn == asked["appRefdSn"]))
    if before is not None:
        if before.order_id != order.id or before.asked != asked:
            raise Refused("SIM-REFDUP")
        return before.answer
    wanted = rules.Parts(asked["psnAcctRefdAmt"], asked["fundRefdAmt"], asked["cashRefdAmt"])
    left = order.cash_fen - order.cash_refunded_fen
    event = rules.refund_event(asked["refdType"], asked["totlRefdAmt"], wanted, channel.parts_of(order), left)
    after = rules.move(order.ord_stas, event)
    failed = FAILS.get(planned("national.6203", order.person, asked["appRefdSn"]))
    if failed:
        return {**_answer(order, asked["refdType"]), "refStatus": failed}
    if asked["refdType"] != "CASH":
        ledger.reverse_settlement(order.setl_id, channel.message_id(order.org_codg))
    order.ord_stas = after
    order.cash_refunded_fen += asked["cashRefdAmt"]
    answer = _answer(order, asked["refdType"])
    db.session.add(PayRefund(order_id=order.id, app_refd_sn=asked["appRefdSn"], asked=asked, answer=answer))
    return answer


def _read(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of §3.5, amounts in fen."""
    asked: dict[str, Any] = {name: fields.text(data, name, 64, True) for name in ("payOrdId", "appRefdSn")}
    moment = fields.text(data, "appRefdTime", 14, True)
    if not (len(moment) == 14 and moment.isdecimal()):
        raise Refused("SIM-FORMAT", name="appRefdTime")
    asked["refdType"] = fields.one_of(data, "refdType", KINDS)
    return {**asked, **{name: fields.fen(data, name) for name in AMOUNTS}}


def _may(order: PayOrder, data: dict[str, Any]) -> None:
    """Either an ecToken or a payAuthNo, of the order itself or a fresh one of the same person."""
    number, token = fields.text(data, "payAuthNo", 40), fields.text(data, "ecToken", 40)
    if not number and not token:
        raise Refused("EMPTY", name=fields.name_of("pay_auth_no"))
    if number and token:
        raise Refused("SIM-FORMAT", name="ecToken")
    row = authorisation.authorisation(number, token)
    if row is None or row.patient != order.person or not authorisation.is_usable(row, order.pay_ord_id):
        raise Refused("PAYAUTH" if number else "SIM-TOKEN")


def _answer(order: PayOrder, kind: str) -> dict[str, Any]:
    now = clock.now()
    insurance = {} if kind == "CASH" else {"hiFefdSn": serials.fresh_digits("hiFefdSn", 20)}
    return {
        "refdSn": f"REF{now:%Y%m%d%H%M%S}{serials.number('refdSn'):06d}",
        **insurance,
        "hiTrnsDate": f"{now:%Y%m%d}",
        "hiTrnsTime": f"{now:%H%M%S}",
        "refStatus": "SUCC",
        "payOrdId": order.pay_ord_id,
    }

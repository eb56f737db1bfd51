"""Refunds of cash orders: accepted at once, finished by themselves a little later."""

from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import select

from mock_providers import clock, serials, switches, timers
from mock_providers.db import db
from mock_providers.wechatpay import door, failures, ledger, rules, shapes
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay.account import merchant, mine
from mock_providers.wechatpay.door import answer, body, path, planned, planned_on_read, route, signer
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.events import tell_refund
from mock_providers.wechatpay.models import MixedOrder, Order, Refund, order_by, refund_by
from mock_providers.wechatpay.partner import check_sub_merchant
from mock_providers.wechatpay.pay import check_callback, rfc3339
from mock_providers.wechatpay.sums import Parts, share

TELLS = {"SUCCESS": "REFUND.SUCCESS", "CLOSED": "REFUND.CLOSED", "ABNORMAL": "REFUND.ABNORMAL"}
GAP = timedelta(minutes=1)


@route("POST", "/v3/refund/domestic/refunds")
def create() -> Response:
    """Accepted, not yet refunded; the same number with the same content answers again."""
    asked = body(shapes.REFUND)
    _check(asked)
    check_scope(asked)
    order = _order(asked)
    numbers = [asked["out_refund_no"], *([order.out_trade_no] if order else [])]
    ends = planned("wechatpay.refunds", failures.REFUND, order.person if order else "", *numbers)
    refund = refund_by(mchid=merchant(), out_refund_no=asked["out_refund_no"])
    if refund is None:
        refund = _add(_refundable(order, asked), asked, failures.REFUND_ENDS.get(ends or "", "succeeded"))
    elif refund.asked != asked:
        raise Refusal("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试", 268498688)
    db.session.commit()
    return answer(view(refund))


def _check(asked: dict[str, Any]) -> None:
    if "transaction_id" not in asked and "out_trade_no" not in asked:
        raise e.wrong_value("/transaction_id", "", "one of two", "微信支付订单号与商户订单号不能同时为空")
    sources = asked["amount"].get("from")
    if sources and sum(one["amount"] for one in sources) != asked["amount"]["refund"]:
        raise e.wrong_value("/amount/from", "", "must add up to refund", "出资金额之和与退款金额不相等")
    check_callback("/notify_url", asked.get("notify_url"))


def check_scope(asked: dict[str, Any]) -> None:
    """A partner says for whom; a merchant needs not."""
    if "sp_mchid" in mine():
        check_sub_merchant(asked.get("sub_mchid"), status=404)


def _order(asked: dict[str, Any]) -> Order | None:
    return order_by(
        mchid=merchant(), **{key: asked[key] for key in ("transaction_id", "out_trade_no") if key in asked}
    )


def _refundable(order: Order | None, asked: dict[str, Any]) -> Order:
    if order is None or order.paid_at is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "订单不存在")
    now = clock.now()
    if asked["amount"]["total"] != order.total:
        raise Refusal("INVALID_REQUEST", "订单金额与原订单不一致")
    if now > order.paid_at + timedelta(days=rules.REFUND_DAYS):
        raise Refusal("INVALID_REQUEST", "订单已经超过可退款的最大期限")
    kept = [refund for refund in order.refunds if refund.state != "CLOSED"]
    if why := rules.may_refund(order.total, [refund.amount for refund in kept], asked["amount"]["refund"]):
        raise Refusal("INVALID_REQUEST", why)
    if kept and switches.on("wechatpay.refund_gap") and now < kept[-1].created_at + GAP:
        raise Refusal(switches.value("wechatpay.frequency_code"), "同一笔订单的部分退款需间隔1分钟")
    if ledger.available(order.mchid) < _parts(order, asked).net:
        raise Refusal("NOT_ENOUGH", failures.REFUND["not_enough"].message)
    return order


def _parts(order: Order, asked: dict[str, Any]) -> Parts:
    """The sides of a refund: its share of what the refunds before it left."""
    left = order.parts
    for refund in order.refunds:
        if refund.state != "CLOSED":
            left -= refund.parts
    return share(asked["amount"]["refund"], left)


def _add(order: Order, asked: dict[str, Any], ends: str) -> Refund:
    now = clock.now()
    parts = _parts(order, asked)
    refund = Refund(
        order=order,
        mchid=order.mchid,
        sp_mchid=order.sp_mchid,
        out_refund_no=asked["out_refund_no"],
        refund_id=f"5030{now:%Y%m%d}{serials.fresh_digits('wechatpay.refund', 17)}",
        state="PROCESSING",
        ends=ends,
        amount=parts.total,
        payer_amount=parts.payer,
        settled=parts.settled,
        fee=parts.fee,
        asked=asked,
        signer=signer(),
        created_at=now,
    )
    db.session.add(refund)
    order.happen("refunded")
    start_timer(refund)
    return refund


def start_timer(refund: Refund) -> None:
    """The money is on its way and will be there after a while."""
    due = clock.now() + timedelta(seconds=_seconds())
    timers.at(due, "wechatpay.refund", mchid=refund.mchid, out_refund_no=refund.out_refund_no)


def _seconds() -> float:
    """The switch takes any text; what is no number of seconds up to a year is the default."""
    said = switches.value("wechatpay.refund_seconds")
    return (
        float(said) if said.isdigit() and len(said) < 9 else float(switches.ALL["wechatpay.refund_seconds"].default)
    )


@timers.handles("wechatpay.refund")
def finish(about: dict) -> None:
    """The refund ends as planned; the merchant and a mixed order learn of it."""
    refund = refund_by(**about)
    if refund is None or (refund.state, bool(refund.remedy)) not in (("PROCESSING", False), ("ABNORMAL", True)):
        return
    refund.state = rules.move(rules.REFUND, refund.state, refund.ends)
    refund.ended_at = refund.ended_at or clock.now()
    if refund.state == "SUCCESS":
        refund.succeeded_at = clock.now()
        mixed = db.session.scalar(select(MixedOrder).filter_by(order_id=refund.order_id))
        if mixed and _counts(refund):
            mixed.happen("cash_refunded")
    url = refund.asked.get("notify_url")
    tell_refund(TELLS[refund.state], refund.out_refund_no, _notice(refund), url, refund)


def _counts(refund: Refund) -> bool:
    """Whether so much back makes the cash part of a mixed order a refunded one."""
    if switches.value("wechatpay.medical_partial_refund") == "counts":
        return True
    back = sum(one.amount for one in refund.order.refunds if one.state == "SUCCESS")
    return back >= refund.order.total


@route("GET", "/v3/refund/domestic/refunds/<out_refund_no>")
def query(out_refund_no: str) -> Response:
    """The refund as it stands."""
    number = path(shapes.REFUND_NUMBER)
    if "sp_mchid" in mine():
        check_sub_merchant(door.query(shapes.SUB_MERCHANT)["sub_mchid"], status=404)
    refund = refund_by(mchid=merchant(), **number)
    planned_on_read(
        "wechatpay.refund_query", failures.REFUND_QUERY, refund.order.person if refund else "", out_refund_no
    )
    if refund is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "退款单不存在")
    return answer(view(refund))


def _amount(refund: Refund) -> dict[str, Any]:
    back, of = refund.parts, refund.order.parts
    return {"total": of.total, "refund": back.total, "payer_total": of.payer, "payer_refund": back.payer}


def state_of(refund: Refund) -> str:
    """A stuck refund that is being helped is, as a switch says, on its way again or still stuck."""
    helped = refund.state == "ABNORMAL" and refund.remedy
    return switches.value("wechatpay.abnormal_refund_meanwhile") if helped else refund.state


def view(refund: Refund) -> dict[str, Any]:
    """A refund as create and query show it."""
    back, of = refund.parts, refund.order.parts
    shown: dict[str, Any] = {
        "amount": {
            **_amount(refund),
            "currency": "CNY",
            "discount_refund": back.total - back.payer,
            "from": refund.asked["amount"].get("from", []),
            "refund_fee": back.fee,
            "settlement_refund": back.settled,
            "settlement_total": of.settled,
        },
        "channel": channel(refund),
        "create_time": rfc3339(refund.created_at),
        "funds_account": refund.asked.get("funds_account", "UNSETTLED"),
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": refund.order.out_trade_no,
        "promotion_detail": _promotion(refund),
        "refund_id": refund.refund_id,
        "status": state_of(refund),
        "transaction_id": refund.order.transaction_id,
        "user_received_account": _received(refund),
    }
    if refund.succeeded_at:
        shown["success_time"] = rfc3339(refund.succeeded_at)
    return shown


def channel(refund: Refund) -> str:
    return "OTHER_BANKCARD" if refund.remedy else "ORIGINAL"


def _received(refund: Refund) -> str:
    return refund.remedy["received"] if refund.remedy else "支付用户零钱"


def _promotion(refund: Refund) -> list[dict[str, Any]]:
    """The coupon's share, as refunds call it: COUPON was paid for beforehand (CASH), DISCOUNT was not."""
    coupon = refund.order.coupon
    if not coupon:
        return []
    back = refund.parts
    one = {
        "promotion_id": coupon["coupon_id"],
        "scope": coupon["scope"],
        "type": "COUPON" if coupon["type"] == "CASH" else "DISCOUNT",
        "amount": coupon["amount"],
        "refund_amount": back.total - back.payer,
    }
    if goods := refund.asked.get("goods_detail"):
        one["goods_detail"] = goods
    return [one]


def _notice(refund: Refund) -> dict[str, Any]:
    """The plaintext of REFUND.*: its state is called refund_status here."""
    parties = {"mchid": refund.order.mchid}
    if refund.sp_mchid:
        parties = {"sp_mchid": refund.sp_mchid, "sub_mchid": refund.order.mchid}
    shown: dict[str, Any] = {
        "amount": _amount(refund),
        **parties,
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": refund.order.out_trade_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.state,
        "transaction_id": refund.order.transaction_id,
        "user_received_account": _received(refund),
    }
    if refund.succeeded_at:
        shown["success_time"] = rfc3339(refund.succeeded_at)
    return shown

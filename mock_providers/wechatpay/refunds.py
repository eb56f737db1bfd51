"""Refunds of cash orders: accepted at once, finished by themselves a little later."""

from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches, timers
from mock_providers.db import db
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay import rules, shapes
from mock_providers.wechatpay.account import merchant
from mock_providers.wechatpay.door import answer, body, path, planned, route, signer
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.models import MixedOrder, Order, Refund, order_by, refund_by
from mock_providers.wechatpay.pay import check_callback, rfc3339, tell

TARGET = "wechatpay.refunds"
FAILURES = {
    "not_enough": Refusal("NOT_ENOUGH", "基本账户余额不足，请充值后重新发起"),
    "account_abnormal": Refusal("USER_ACCOUNT_ABNORMAL", "用户账户异常或注销"),
    "system_error": Refusal("SYSTEM_ERROR", "系统异常，请用相同参数重新调用"),
    "frequency": Refusal("FREQUENCY_LIMITED", "频率过高"),
}
ENDS = {"closed": "closed", "abnormal": "stuck"}
outcomes.declare(TARGET, *FAILURES, *ENDS)
TELLS = {"SUCCESS": "REFUND.SUCCESS", "CLOSED": "REFUND.CLOSED", "ABNORMAL": "REFUND.ABNORMAL"}
GAP = timedelta(minutes=1)


@route("POST", "/v3/refund/domestic/refunds")
def create() -> Response:
    """Accepted, not yet refunded; the same number with the same content answers again."""
    asked = body(shapes.REFUND)
    _check(asked)
    order = _order(asked)
    ends = planned(TARGET, FAILURES, order.person if order else "", asked["out_refund_no"])
    refund = refund_by(mchid=merchant(), out_refund_no=asked["out_refund_no"])
    if refund is None:
        refund = _add(_refundable(order, asked), asked, ENDS.get(ends or "", "succeeded"))
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
    return order


def _add(order: Order, asked: dict[str, Any], ends: str) -> Refund:
    now = clock.now()
    refund = Refund(
        order=order,
        mchid=order.mchid,
        sp_mchid=order.sp_mchid,
        out_refund_no=asked["out_refund_no"],
        refund_id=f"5030{now:%Y%m%d}{serials.fresh_digits('wechatpay.refund', 17)}",
        state="PROCESSING",
        ends=ends,
        amount=asked["amount"]["refund"],
        asked=asked,
        signer=signer(),
        created_at=now,
    )
    db.session.add(refund)
    order.happen("refunded")
    after = timedelta(seconds=_seconds())
    timers.at(now + after, "wechatpay.refund", mchid=refund.mchid, out_refund_no=refund.out_refund_no)
    return refund


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
    if refund is None or refund.state != "PROCESSING":
        return
    refund.state = rules.move(rules.REFUND, refund.state, refund.ends)
    if refund.state == "SUCCESS":
        refund.succeeded_at = clock.now()
        mixed = db.session.scalar(select(MixedOrder).filter_by(order_id=refund.order_id))
        if mixed:
            mixed.happen("cash_refunded")
    url = refund.asked.get("notify_url")
    tell(TELLS[refund.state], refund.out_refund_no, _notice(refund), url, refund)


@route("GET", "/v3/refund/domestic/refunds/<out_refund_no>")
def query(out_refund_no: str) -> Response:
    """The refund as it stands."""
    refund = refund_by(mchid=merchant(), **path(shapes.REFUND_NUMBER))
    if refund is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "退款单不存在")
    return answer(view(refund))


def _amount(refund: Refund) -> dict[str, Any]:
    total = refund.order.total
    return {"total": total, "refund": refund.amount, "payer_total": total, "payer_refund": refund.amount}


def view(refund: Refund) -> dict[str, Any]:
    """A refund as create and query show it."""
    shown: dict[str, Any] = {
        "amount": {
            **_amount(refund),
            "currency": "CNY",
            "discount_refund": 0,
            "from": refund.asked["amount"].get("from", []),
            "refund_fee": 0,
            "settlement_refund": refund.amount,
            "settlement_total": refund.order.total,
        },
        "channel": "ORIGINAL",
        "create_time": rfc3339(refund.created_at),
        "funds_account": refund.asked.get("funds_account", "UNSETTLED"),
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": refund.order.out_trade_no,
        "promotion_detail": [],
        "refund_id": refund.refund_id,
        "status": refund.state,
        "transaction_id": refund.order.transaction_id,
        "user_received_account": "支付用户零钱",
    }
    if refund.succeeded_at:
        shown["success_time"] = rfc3339(refund.succeeded_at)
    return shown


def _notice(refund: Refund) -> dict[str, Any]:
    """The plaintext of REFUND.*: its state is called refund_status here."""
    shown: dict[str, Any] = {
        "amount": _amount(refund),
        "mchid": refund.order.mchid,
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": refund.order.out_trade_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.state,
        "transaction_id": refund.order.transaction_id,
        "user_received_account": "支付用户零钱",
    }
    if refund.succeeded_at:
        shown["success_time"] = rfc3339(refund.succeeded_at)
    return shown

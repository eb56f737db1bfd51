"""JSAPI and mini-program payment: create, query, close; what happens when the user pays or nobody does."""

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Response, current_app

from mock_providers import clock, journal, serials, switches, timers
from mock_providers.db import CHINA, db
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay import failures, rules, schema, shapes, sums, wire
from mock_providers.wechatpay.account import merchant, mine, official_appid
from mock_providers.wechatpay.door import (
    answer,
    body,
    nothing,
    path,
    planned,
    planned_on_read,
    query,
    route,
    signer,
)
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.events import tell
from mock_providers.wechatpay.models import Order, order_by

PREPAY_LIFE = timedelta(hours=2)
ORDER_LIFE = timedelta(days=7)
SOONEST = timedelta(minutes=1)
STRICT_URL = re.compile(r"^https://(?!localhost\b|127\.)[^/:]+(:\d+)?/")
DETAIL_BYTES = 6144


def rfc3339(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def check_callback(pointer: str, url: str | None) -> None:
    """Documents demand https and a public host; by default we hold to the gateway's own pattern, with a warning."""
    if not url or STRICT_URL.match(url):
        return
    if switches.value("wechatpay.callback_url") == "https_only":
        raise e.wrong_value(pointer, url, "https and a public host only", "回调地址须为外网可访问的https地址")
    journal.explain(warning_address=f"{pointer}: documents want https and a public host")


def person_of(appid: str, openid: str, message: str, internal: int | None = None) -> str:
    """The sample person behind an openid, or "" where nobody told us who knows. Raises Refusal."""
    find = current_app.extensions.get("person_of_openid")
    if find is None:
        return ""
    person = find(appid, openid)
    if person is None:
        raise Refusal("PARAM_ERROR", message, internal)
    return person


def check_appid(appid: str) -> None:
    """The mini program and the official account are both bound to the merchant."""
    if appid not in (mine()["appid"], official_appid()):
        raise Refusal("APPID_MCHID_NOT_MATCH", "商户号mch_id与appid不匹配")


def _paid(message: str = "该订单已支付", internal: int | None = None) -> Refusal:
    return Refusal(switches.value("wechatpay.paid_order_code"), message, internal)


@route("POST", "/v3/pay/transactions/jsapi")
def create() -> Response:
    """prepay_id for a new order, or again for the same one."""
    only(partner=False)
    asked = body(shapes.ORDER)
    closes_at = well_formed(asked)
    check_appid(asked["appid"])
    return prepaid(asked, asked["appid"], asked["payer"]["openid"], closes_at)


def only(*, partner: bool) -> None:
    """A partner does not sell, and a merchant has nobody to sell for."""
    if ("sp_mchid" in mine()) != partner:
        raise Refusal("NO_AUTH", "商户号该产品权限未开通，请前往商户平台>产品中心检查后重试")


def well_formed(asked: dict[str, Any]) -> datetime:
    """When the order will close by itself; Refusal for what is a PARAM_ERROR although it has the right shape."""
    if len(wire.compact(asked.get("detail", {}))) > DETAIL_BYTES:
        raise e.wrong_value("/detail", "", f"more than {DETAIL_BYTES} bytes", "优惠功能长度超过限制")
    check_callback("/notify_url", asked["notify_url"])
    return _closes_at(asked.get("time_expire"))


def prepaid(asked: dict[str, Any], appid: str, openid: str, closes_at: datetime) -> Response:
    """The answer to a create, whoever calls: `appid` and `openid` are the payer's."""
    person = person_of(appid, openid, "无效的openid", 268501013)
    planned("wechatpay.jsapi", failures.CREATE, person, asked["out_trade_no"])
    order = order_by(mchid=merchant(), out_trade_no=asked["out_trade_no"])
    if order is None:
        order = _add(asked, appid, openid, person, closes_at)
    else:
        _again(order, asked)
    db.session.commit()
    return answer({"prepay_id": order.prepay_id})


def _closes_at(time_expire: str | None) -> datetime:
    """Not sooner than in a minute, not later than the cap; seven days if nothing is said."""
    now = clock.now()
    if time_expire is None:
        return now + ORDER_LIFE
    try:
        wanted = schema.instant(time_expire)
    except ValueError as error:
        raise e.wrong_value("/time_expire", time_expire, str(error), "支付结束时间格式错误") from error
    cap = timedelta(days=int(switches.value("wechatpay.time_expire_cap_days")))
    return min(max(wanted, now + SOONEST), now + cap).astimezone(CHINA)


def _add(asked: dict[str, Any], appid: str, openid: str, person: str, closes_at: datetime) -> Order:
    now = clock.now()
    order = Order(
        out_trade_no=asked["out_trade_no"],
        prepay_id=_prepay_id(now),
        prepaid_at=now,
        appid=appid,
        mchid=merchant(),
        sp_mchid=mine().get("sp_mchid"),
        openid=openid,
        person=person,
        state="NOTPAY",
        total=asked["amount"]["total"],
        notify_url=asked["notify_url"],
        asked=asked,
        signer=signer(),
        created_at=now,
        closes_at=closes_at,
    )
    db.session.add(order)
    timers.at(closes_at, "wechatpay.close", mchid=order.mchid, out_trade_no=order.out_trade_no)
    return order


def _again(order: Order, asked: dict[str, Any]) -> None:
    if order.state == "CLOSED":
        raise Refusal("ORDER_CLOSED", "该订单已关闭，请重新下单")
    if order.state != "NOTPAY":
        raise _paid(internal=268498689)
    if order.asked != asked:
        raise Refusal("OUT_TRADE_NO_USED", "商户订单号重复")
    now = clock.now()
    if now - order.prepaid_at > PREPAY_LIFE:
        order.prepay_id, order.prepaid_at = _prepay_id(now), now


def _prepay_id(now: datetime) -> str:
    return f"wx{now:%Y%m%d%H%M%S}{serials.fresh_hex('wechatpay.prepay', 20)}"


@timers.handles("wechatpay.close")
def close_by_itself(about: dict) -> None:
    """Nobody paid in time."""
    order = order_by(**about)
    if order and order.state == "NOTPAY":
        order.happen("closed")


@route("GET", "/v3/pay/transactions/id/<transaction_id>")
def query_by_id(transaction_id: str) -> Response:
    """The order WeChat Pay gave this number when it was paid."""
    _check_caller()
    return shown(order_by(mchid=mine()["mchid"], **path(shapes.TRANSACTION_NUMBER)), transaction_id)


@route("GET", "/v3/pay/transactions/out-trade-no/<out_trade_no>")
def query_by_number(out_trade_no: str) -> Response:
    """The order the merchant gave this number."""
    _check_caller()
    return shown(order_by(mchid=mine()["mchid"], **path(shapes.ORDER_NUMBER)), out_trade_no)


def _check_caller() -> None:
    if query(shapes.MERCHANT)["mchid"] != mine()["mchid"]:
        raise other_merchant()


def other_merchant() -> Refusal:
    return Refusal("PARAM_ERROR", "订单号与商户号不匹配", 268447843)


def shown(order: Order | None, number: str) -> Response:
    """The answer to a query, whoever calls."""
    planned_on_read("wechatpay.query", failures.QUERY, order.person if order else "", number)
    if order is None:
        raise Refusal("ORDER_NOT_EXIST", "订单不存在")
    return answer(view(order))


@route("POST", "/v3/pay/transactions/out-trade-no/<out_trade_no>/close")
def close(out_trade_no: str) -> Response:
    """204, again for a closed order; a paid one is refused."""
    number = path(shapes.ORDER_NUMBER)
    body(shapes.MERCHANT)
    return closed(order_by(mchid=mine()["mchid"], **number), out_trade_no)


def closed(order: Order | None, number: str) -> Response:
    """The answer to a close, whoever calls."""
    planned("wechatpay.close", failures.CLOSE, order.person if order else "", number)
    if order is None:
        raise Refusal("ORDER_NOT_EXIST", "订单不存在")
    try:
        order.happen("closed")
    except rules.NotAllowed as error:
        raise _paid() from error
    db.session.commit()
    return nothing()


def view(order: Order) -> dict[str, Any]:
    """An order as queries and TRANSACTION.SUCCESS show it. What only a payment gives is absent before."""
    amount: dict[str, Any] = {"total": order.total, "currency": "CNY", "payer_currency": "CNY"}
    shown: dict[str, Any] = {
        "amount": amount,
        **_parties(order),
        "attach": order.asked.get("attach", ""),
        "out_trade_no": order.out_trade_no,
        "promotion_detail": [order.coupon] if order.coupon else [],
        "trade_state": order.state,
        "trade_state_desc": rules.TRADE_SAYS[order.state],
    }
    if device := order.asked.get("scene_info", {}).get("device_id"):
        shown["scene_info"] = {"device_id": device}
    if order.paid_at:
        amount["payer_total"] = order.parts.payer
        shown |= {
            "bank_type": "OTHERS",
            "payer": _payer(order),
            "success_time": rfc3339(order.paid_at),
            "trade_type": "JSAPI",
            "transaction_id": order.transaction_id,
        }
    return shown


def _parties(order: Order) -> dict[str, str]:
    if order.sp_mchid is None:
        return {"appid": order.appid, "mchid": order.mchid}
    return {
        name: order.asked[name] for name in ("sp_appid", "sp_mchid", "sub_appid", "sub_mchid") if name in order.asked
    }


def _payer(order: Order) -> dict[str, str]:
    return {"openid": order.openid} if order.sp_mchid is None else order.asked["payer"]


def pay(order: Order, coupon: str = "") -> None:
    """The user paid: the order is SUCCESS and its notification on the way. Raises rules.NotAllowed.

    `coupon` is NOCASH or CASH if a coupon paid for part of it.
    """
    now = clock.now()
    order.happen("paid")
    order.paid_at = now
    _settle(order, coupon)
    order.transaction_id = f"4200{now:%Y%m%d}{serials.fresh_digits('wechatpay.transaction', 16)}"
    tell("TRANSACTION.SUCCESS", order.out_trade_no, view(order), order.notify_url, order)


def _settle(order: Order, coupon: str) -> None:
    percent = sums.rate(switches.value("wechatpay.fee_rate"))
    off = sums.coupon_of(order.total) if coupon else 0
    parts = sums.paid(order.total, off, coupon == "CASH", percent)
    order.payer_total, order.settled, order.fee, order.fee_rate = (
        parts.payer,
        parts.settled,
        parts.fee,
        f"{percent:.2f}%",
    )
    if off:
        order.coupon = {
            "coupon_id": serials.fresh_digits("wechatpay.coupon", 11),
            "name": "样例代金券",
            "scope": "GLOBAL",
            "type": coupon,
            "amount": off,
            "stock_id": "1990001",
            "wechatpay_contribute": off if coupon == "CASH" else 0,
            "merchant_contribute": 0 if coupon == "CASH" else off,
            "other_contribute": 0,
            "currency": "CNY",
            "goods_detail": [],
        }

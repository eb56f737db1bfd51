"""The WeChat Pay cashier on the phone: what every tap reads, what it believes, and how it answers the page.

The cashier believes nothing but the merchant's signature. What the user, the bank or the bureau does is the
tap's `outcome`; where the phone names none, it is what `/_mock/outcomes` planned for this payer or order.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify, request

from mock_providers import clock, journal, outcomes
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.wechatpay import account, wire
from mock_providers.wechatpay.models import Order, order_by
from mock_providers.wechatpay.pay import PREPAY_LIFE

bp = Blueprint("phone_wechatpay", __name__)
SIGNED = ("timeStamp", "nonceStr", "package", "signType", "paySign")
MEMBERS = ("params", "outcome", "via")
ROUTES = ("mini_program", "h5")


class Declined(Exception):
    """The cashier does not let the user pay; the text is what follows `fail`."""


@dataclass(frozen=True)
class Tap:
    """What the page passed to wx.… and what is to happen. A persona is not needed: the order knows its payer.

    `via` is mini_program (wx.…) or h5 (WeixinJSBridge.invoke). `outcome` is None where the phone names none.
    """

    params: Mapping[str, Any]
    outcome: str | None
    via: str

    def end(self, target: str, possible: Collection[str], person: str, *refs: str) -> str:
        """What happens: said by the phone, else planned, else paid. Raises Problem for what cannot happen here."""
        if self.outcome is None:
            return outcomes.take(target, person, *refs, among=possible) or "paid"
        if self.outcome not in possible:
            says = f"this order cannot end as {self.outcome}: {', '.join(possible)}"
            raise Problem("OUTCOME_UNKNOWN", says, {"outcome": ["impossible"]})
        return self.outcome


def tap(known: Collection[str]) -> Tap:
    """The body of a tap. Raises Problem."""
    try:
        given = orjson.loads(request.get_data())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Problem("BODY_NOT_JSON", "send {params, outcome} as a JSON object")
    fields = {key: ["unknown field"] for key in given if key not in MEMBERS}
    if not isinstance(given.get("params"), dict):
        fields["params"] = ["an object is required: what the page passes to wx.request…"]
    outcome, via = given.get("outcome"), given.get("via", ROUTES[0])
    if not isinstance(outcome, str | None):
        fields["outcome"] = ["a string"]
    if via not in ROUTES:
        fields["via"] = [f"one of {', '.join(ROUTES)}"]
    if fields:
        raise Problem("FIELD_INVALID", f"wrong: {', '.join(sorted(map(str, fields)))[:200]}", fields)
    if outcome is not None and outcome not in known:
        raise Problem("OUTCOME_UNKNOWN", f"one of {', '.join(known)}", {"outcome": ["unknown"]})
    return Tap(given["params"], outcome, via)


def answer(tapped: Tap, call: str, said: str, **more: Any) -> Response:
    """What the page's callback gets: errMsg from wx.…, err_msg from WeixinJSBridge."""
    return jsonify({"errMsg" if tapped.via == "mini_program" else "err_msg": f"{call}:{said}", **more})


def declined(tapped: Tap, call: str, no: Declined) -> Response:
    """The user never got to pay."""
    journal.explain(declined=str(no))
    db.session.rollback()
    return answer(tapped, call, f"fail {no}")


def text(params: Mapping[str, Any], name: str) -> str:
    """A parameter of the call. Raises Declined."""
    value = params.get(name)
    if value is None or value == "":
        raise Declined(f"调用支付JSAPI缺少参数：{name}")
    if not isinstance(value, str):
        raise Declined(f"parameter error: parameter.{name} should be String instead of {type(value).__name__}")
    return value


def payable(params: Mapping[str, Any], expected: Order | None) -> Order:
    """The order behind the parameters, if the merchant really signed them and it can still be paid."""
    stamp, nonce, package, kind, signature = (text(params, name) for name in SIGNED)
    name, _, prepay_id = package.partition("=")
    order = order_by(prepay_id=prepay_id) if name == "prepay_id" and prepay_id else None
    if order is None or (expected is not None and order is not expected):
        raise Declined("package 须为 prepay_id=本订单的预支付交易会话标识")
    app_id = params.get("appId", params.get("appid", order.appid))
    if app_id != order.appid:
        raise Declined("appId 与下单时不一致")
    key = wire.read_certificate(account.of(order.sp_mchid)["merchant_certificate"])[0]
    message = wire.pay_message(order.appid, stamp, nonce, package)
    journal.explain(string_to_sign=message.decode(errors="replace"))
    if kind != "RSA" or not wire.verify(key, message, signature):
        raise Declined("支付验证签名失败")
    if order.state != "NOTPAY":
        raise Declined("该订单已关闭" if order.state == "CLOSED" else "该订单已支付")
    now = clock.now()
    if now > order.prepaid_at + PREPAY_LIFE or now >= order.closes_at:
        raise Declined("支付会话已过期，请重新下单")
    return order

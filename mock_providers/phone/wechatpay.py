"""The user's WeChat at the cashier: wx.requestPayment and wx.requestMedicalInsurancePay.

The cashier believes nothing but the merchant's signature. `outcome` is what the user, the bank or the bureau does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, jsonify, request

from mock_providers import clock, journal
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.wechatpay import account, medical, rules, wire
from mock_providers.wechatpay.models import MixedOrder, Order, mixed_by, order_by
from mock_providers.wechatpay.pay import PREPAY_LIFE, pay

bp = Blueprint("phone_wechatpay", __name__)
SIGNED = ("timeStamp", "nonceStr", "package", "signType", "paySign")
PAY_OUTCOMES = ("paid", "cancel", "insufficient", "expired")
MEDICAL_OUTCOMES = ("paid", "insurance_failed", "cash_failed", "insurance_failed_after_cash", "abandoned")
NEEDS_CASH = ("cash_failed", "insurance_failed_after_cash")
NEEDS_INSURANCE = ("insurance_failed", "cash_failed", "insurance_failed_after_cash")
BUREAU_FAILED = "医保局结算失败"
INSURANCE_FEES = {"gov_fee": "med_ins_gov_fee", "self_fee": "med_ins_self_fee", "other_fee": "med_ins_other_fee"}


class Declined(Exception):
    """The cashier does not let the user pay; the text is what follows `fail`."""


@dataclass(frozen=True)
class Tap:
    """What the page passed to wx.…, and what is to happen. A persona is not needed: the order knows its payer."""

    params: Mapping[str, Any]
    outcome: str


def _tap(outcomes: tuple[str, ...]) -> Tap:
    try:
        given = orjson.loads(request.get_data())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Problem("BODY_NOT_JSON", "send {params, outcome} as a JSON object")
    fields = {key: ["unknown field"] for key in given if key not in ("params", "outcome")}
    if not isinstance(given.get("params"), dict):
        fields["params"] = ["an object is required: what the page passes to wx.request…"]
    outcome = given.get("outcome", "paid")
    if not isinstance(outcome, str):
        fields["outcome"] = ["a string"]
    if fields:
        raise Problem("FIELD_INVALID", f"wrong: {', '.join(sorted(map(str, fields)))[:200]}", fields)
    if outcome not in outcomes:
        raise Problem("OUTCOME_UNKNOWN", f"one of {', '.join(outcomes)}", {"outcome": ["unknown"]})
    return Tap(given["params"], outcome)


def _answer(call: str, said: str) -> Response:
    return jsonify({"errMsg": f"{call}:{said}"})


@bp.post("/phone/wechatpay/pay")
def request_payment() -> Response:
    """wx.requestPayment: the user pays a JSAPI order, or does not."""
    tap = _tap(PAY_OUTCOMES)
    try:
        order = _checked(tap.params, None)
    except Declined as no:
        return _declined("requestPayment", no)
    if tap.outcome == "paid":
        pay(order)
        db.session.commit()
        return _answer("requestPayment", "ok")
    says = {"cancel": "fail cancel", "insufficient": "fail 余额不足", "expired": "fail 订单已过期"}
    return _answer("requestPayment", says[tap.outcome])


@bp.post("/phone/wechatpay/medical-pay")
def request_medical_pay() -> Response:
    """wx.requestMedicalInsurancePay: one password for the insurance part and the cash part."""
    call = "requestMedicalInsurancePay"
    tap = _tap(MEDICAL_OUTCOMES)
    try:
        mixed = _mixed(tap.params)
    except Declined as no:
        return _declined(call, no)
    _check_outcome(mixed, tap.outcome)
    if tap.outcome == "abandoned":
        return _answer(call, "fail")
    said = _settle(mixed, tap.outcome)
    db.session.commit()
    return _answer(call, said)


def _declined(call: str, no: Declined) -> Response:
    journal.explain(declined=str(no))
    db.session.rollback()
    return _answer(call, f"fail {no}")


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if value is None or value == "":
        raise Declined(f"调用支付JSAPI缺少参数：{name}")
    if not isinstance(value, str):
        raise Declined(f"parameter error: parameter.{name} should be String instead of {type(value).__name__}")
    return value


def _checked(params: Mapping[str, Any], expected: Order | None) -> Order:
    """The order behind the parameters, if the merchant really signed them and it can still be paid."""
    stamp, nonce, package, kind, signature = (_text(params, name) for name in SIGNED)
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


def _mixed(params: Mapping[str, Any]) -> MixedOrder:
    mixed = mixed_by(mix_trade_no=_text(params, "mixTradeNo"))
    if mixed is None or mixed.mix_state != "MIX_PAY_CREATED":
        raise Declined("混合订单不存在或已结束")
    if mixed.kind != rules.INSURANCE_ONLY:
        _checked(params, mixed.order)
    elif any(name in params for name in SIGNED):
        raise Declined("纯医保订单不应传入支付参数")
    return mixed


def _check_outcome(mixed: MixedOrder, outcome: str) -> None:
    no_cash = mixed.kind == rules.INSURANCE_ONLY and outcome in NEEDS_CASH
    no_insurance = mixed.kind == rules.CASH_ONLY and outcome in NEEDS_INSURANCE
    if no_cash or no_insurance:
        raise Problem("OUTCOME_UNKNOWN", f"a {mixed.kind} order cannot end as {outcome}", {"outcome": ["impossible"]})


def _settle(mixed: MixedOrder, outcome: str) -> str:
    """The bureau settles, then the cash is debited, as far as the outcome lets them; one transaction."""
    ok = True
    if mixed.kind != rules.CASH_ONLY:
        ok, mixed.fail_reason, mixed.passthrough = _bureau(mixed, outcome)
    event = outcome if ok or outcome != "paid" else "insurance_failed"
    if mixed.order and event in ("paid", "insurance_failed_after_cash"):
        pay(mixed.order)
    mixed.happen(event)
    if event != "paid":
        return "fail"
    mixed.paid_at = clock.now()
    medical.tell_paid(mixed)
    return "ok"


def _bureau(mixed: MixedOrder, outcome: str) -> tuple[bool, str, str]:
    """(settled, why not, what the bureau passed through as JSON)"""
    asked = mixed.asked
    fees = {name: asked[field] for name, field in INSURANCE_FEES.items()}
    done = current_app.extensions["settle"](
        pay_order_id=asked["pay_order_id"],
        pay_auth_no=asked["pay_auth_no"],
        cash_fee=asked["med_ins_cash_fee"],
        outcome=outcome,
        **fees,
    )
    passed = wire.compact(done.get("passthrough") or {}).decode()
    return bool(done.get("ok")), str(done.get("reason") or BUREAU_FAILED)[:200], passed if done.get("ok") else ""

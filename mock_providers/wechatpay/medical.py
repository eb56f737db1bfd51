"""Medical-insurance mixed orders: create, both queries, and the notification of their payment."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from mock_providers import clock, journal, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay import payer, rules, schema, shapes, wire
from mock_providers.wechatpay.account import merchant, mine
from mock_providers.wechatpay.door import answer, body, opener, path, planned, planned_on_read, query, route, signer
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.models import MixedOrder, Order, mixed_by, order_by
from mock_providers.wechatpay.partner import check_sub_merchant
from mock_providers.wechatpay.pay import check_appid, check_callback, rfc3339, tell
from mock_providers.wechatpay.schema import Text

TARGET = "wechatpay.med_ins"
LOST = "answer_lost"
SERIAL_IN_DOCUMENTS = 20
SYSTEM_ERROR = Refusal("SYSTEM_ERROR", "系统异常，请先查询订单，再用相同参数重试")
FREQUENCY = Refusal("FREQUENCY_LIMITED", "频率过高")
FAILURES = {
    "system_error": SYSTEM_ERROR,
    "frequency": FREQUENCY,
    "request_blocked": Refusal("REQUEST_BLOCKED", "暂不支持当前商户下单"),
    "openid_mismatch": Refusal("PARAM_ERROR", payer.MISMATCH, payer.OPENID_WRONG),
    "no_credential": payer.NO_CREDENTIAL,
    "identity_mismatch": payer.OTHER_ID,
    "name_mismatch": payer.OTHER_NAME,
    "not_family": payer.NOT_FAMILY,
    "authorisation_invalid": payer.BAD_AUTHORISATION,
    "authorisation_not_found": payer.NO_AUTHORISATION,
    "bureau_refused": payer.BUREAU_REFUSED,
}
QUERY_TARGET = "wechatpay.med_ins_query"
QUERY_FAILURES = {"system_error": SYSTEM_ERROR, "frequency": FREQUENCY}
outcomes.declare(TARGET, *FAILURES, LOST)
outcomes.declare(QUERY_TARGET, *QUERY_FAILURES)


@route("POST", "/v3/med-ins/orders")
def create() -> Response:
    """A new mixed order. A used number is ALREADY_EXISTS, even with the same content."""
    unseal = opener()
    held = mine()
    asked = body(shapes.PARTNER_MIXED_ORDER if "sp_mchid" in held else shapes.MIXED_ORDER)
    _check_parameters(asked)
    said = payer.opened(asked, "payer", unseal)
    relative = payer.opened(asked, "relative", unseal) if asked.get("pay_for_relatives") else None
    _check_partner(asked)
    check_appid(asked["appid"])
    person = payer.person_asked(asked)
    fate = _planned(person, asked)
    if mixed_by(mchid=merchant(), out_trade_no=asked["out_trade_no"]):
        raise Refusal("ALREADY_EXISTS", "订单已存在")
    _refuse(rules.fault(asked, _strictness()))
    payer.check_payer(person, said)
    order = _cash_order(asked)
    patient = payer.authorised(asked, person)
    payer.check_relative(person, relative, patient)
    mixed = _add(asked, person, order)
    db.session.commit()
    if fate == LOST:
        raise payer.worded(SYSTEM_ERROR)
    return answer(view(mixed))


def _check_partner(asked: Mapping[str, Any]) -> None:
    """What a partner says of its sub-merchant, its sub-merchant's app, and of who pays: at least one openid."""
    held = mine()
    if "sp_mchid" not in held:
        return
    if "openid" not in asked and "sub_openid" not in asked:
        raise e.wrong_value("/openid", "", "one of openid and sub_openid", "openid与sub_openid不能同时为空")
    if "sub_openid" in asked and "sub_appid" not in asked:
        raise e.wrong_value("/sub_appid", "", "required with sub_openid", "传入sub_openid时sub_appid必填")
    check_sub_merchant(asked["sub_mchid"])
    if asked.get("sub_appid", held["sub_appid"]) != held["sub_appid"]:
        raise Refusal("APPID_MCHID_NOT_MATCH", "sub_mch_id与sub_appid不匹配")


def _planned(person: str, asked: Mapping[str, Any]) -> str | None:
    try:
        return planned(TARGET, FAILURES, person, asked["out_trade_no"])
    except Refusal as refusal:
        raise payer.worded(refusal) from None


def _check_parameters(asked: dict[str, Any]) -> None:
    """What is a PARAM_ERROR although it has the right shape."""
    limit = int(switches.value("wechatpay.serial_no_length"))
    try:
        schema.read({"serial_no": Text(title="医疗机构订单号", most=limit)}, asked)
    except schema.Invalid as invalid:
        raise Refusal.of(invalid) from invalid
    check_callback("/callback_url", asked["callback_url"])
    if len(asked["serial_no"]) > SERIAL_IN_DOCUMENTS:
        journal.explain(warning_serial_no=f"longer than the {SERIAL_IN_DOCUMENTS} characters of the documents")
    if asked.get("pay_for_relatives") and "relative" not in asked:
        raise e.wrong_value("/relative", "", "required when pay_for_relatives is true", "亲属信息为空")
    check_instant(asked, "med_ins_order_create_time")
    if (content := asked.get("passthrough_request_content")) is not None:
        try:
            wire.orjson.loads(content)
        except ValueError as error:
            message = "透传内容须为JSON字符串"
            raise e.wrong_value("/passthrough_request_content", content, "not JSON", message) from error


def check_instant(asked: Mapping[str, Any], name: str) -> None:
    """A time, if given, is RFC 3339 and says its offset. Raises Refusal."""
    if name not in asked:
        return
    try:
        schema.instant(asked[name])
    except ValueError as error:
        raise e.wrong_value(f"/{name}", asked[name], str(error), "时间解析失败") from error


def _strictness() -> rules.Strictness:
    """The switches of §6.3."""
    stands = {name: switches.value(f"wechatpay.{name}") for name in (
        "insurance_only_zero", "cash_only_identities", "cash_only_zero_fees", "insurance_only_zero_cash",
        "medical_sum_order", "medical_negative_cash",
    )}  # fmt: skip
    return rules.Strictness(
        zero_insurance=stands["insurance_only_zero"] == "allow",
        cash_only_identities=stands["cash_only_identities"],
        zero_fees=stands["cash_only_zero_fees"] == "allow",
        zero_cash=stands["insurance_only_zero_cash"] == "allow",
        cash_first=stands["medical_sum_order"] == "cash_first",
        negative_computes=stands["medical_negative_cash"] == "RULE_LIMIT",
    )


def _refuse(fault: rules.Fault | None) -> None:
    if fault is not None:
        raise payer.worded(Refusal(fault.code, fault.message, fault.internal))


def _cash_order(asked: Mapping[str, Any]) -> Order | None:
    """The JSAPI order of the same number, payer and amount, still unpaid."""
    if "prepay_id" not in asked:
        return None
    order = order_by(mchid=merchant(), prepay_id=asked["prepay_id"])
    cash_only = asked["mix_pay_type"] == rules.CASH_ONLY
    wanted = (asked["out_trade_no"], "NOTPAY")
    if order is None or (order.out_trade_no, order.state) != wanted or not _same_payer(order, asked):
        _refuse(rules.CASH_ONLY_FIELDS if cash_only else rules.MIXED_FIELDS)
    elif order.total != asked["wechat_pay_cash_fee"]:
        _refuse(rules.AMOUNTS_WRONG)
    elif order.notify_url == asked["callback_url"]:
        _one_address_for_both(asked["callback_url"])
    return order


def _same_payer(order: Order, asked: Mapping[str, Any]) -> bool:
    """Whether the cash order is for the same app and user. A partner's may know both by two names."""
    pairs = (("appid", "openid"), ("sub_appid", "sub_openid"))
    users = {(asked.get(app), asked.get(openid)) for app, openid in pairs}
    return bool(users & order.users())


def _one_address_for_both(url: str) -> None:
    if switches.value("wechatpay.callback_url_shared") == "reject":
        issue = "must not be the notify_url of the cash order"
        raise e.wrong_value("/callback_url", url, issue, "医保回调地址不能与支付回调地址相同")
    journal.explain(warning_callback_url="the notify_url of the cash order; documents want two addresses")


def _add(asked: dict[str, Any], person: str, order: Order | None) -> MixedOrder:
    now = clock.now()
    mix, cash, insurance = rules.created(asked["mix_pay_type"])
    mixed = MixedOrder(
        mix_trade_no=f"{now:%Y%m%d%H%M%S}{serials.fresh_digits('wechatpay.mixed', 16)}",
        mchid=merchant(),
        sp_mchid=mine().get("sp_mchid"),
        out_trade_no=asked["out_trade_no"],
        order=order,
        kind=asked["mix_pay_type"],
        mix_state=mix,
        cash_state=cash,
        insurance_state=insurance,
        person=person,
        asked={key: value for key, value in asked.items() if key not in ("payer", "relative")},
        signer=signer(),
        created_at=now,
    )
    db.session.add(mixed)
    return mixed


@route("GET", "/v3/med-ins/orders/mix-trade-no/<mix_trade_no>")
def query_by_mix(mix_trade_no: str) -> Response:
    """A mixed order by WeChat Pay's number."""
    return _show(path(shapes.MIX_NUMBER))


@route("GET", "/v3/med-ins/orders/out-trade-no/<out_trade_no>")
def query_by_number(out_trade_no: str) -> Response:
    """A mixed order by the merchant's number."""
    return _show(path(shapes.OUT_NUMBER))


def _show(number: dict[str, str]) -> Response:
    if "sp_mchid" in mine():
        check_sub_merchant(query(shapes.SUB_MERCHANT)["sub_mchid"])
    mixed = mixed_by(mchid=merchant(), **number)
    refs = (mixed.out_trade_no, mixed.mix_trade_no) if mixed else tuple(number.values())
    planned_on_read(QUERY_TARGET, QUERY_FAILURES, mixed.person if mixed else "", *refs)
    if mixed is None:
        raise unknown()
    return answer(view(mixed))


def unknown() -> Refusal:
    """No such mixed order."""
    status, code = switches.value("wechatpay.medical_unknown_order").split()
    return Refusal(code, "未找到订单，请确认订单号是否正确", 268529515, status=int(status))


def view(mixed: MixedOrder) -> dict[str, Any]:
    """A mixed order as create, queries and notification show it; never who paid, never the transaction."""
    shown: dict[str, Any] = {
        "mix_trade_no": mixed.mix_trade_no,
        "mix_pay_status": mixed.mix_state,
        "self_pay_status": mixed.cash_state,
        "med_ins_pay_status": mixed.insurance_state,
        "pay_for_relatives": False,
        "med_ins_test_env": False,
        **mixed.asked,
    }
    if mixed.paid_at:
        shown["paid_time"] = rfc3339(mixed.paid_at)
    if mixed.passthrough:
        shown["passthrough_response_content"] = mixed.passthrough
    if mixed.insurance_state == "MED_INS_PAY_FAIL":
        shown["med_ins_fail_reason"] = mixed.fail_reason
    return shown


def tell_paid(mixed: MixedOrder) -> None:
    """MEDICAL_INSURANCE.SUCCESS to callback_url; failure and refund are not told."""
    fields = switches.value("wechatpay.medical_event_fields")
    more: dict[str, Any] = {"no_summary": fields == "neither", "no_type": fields != "both"}
    if switches.value("wechatpay.medical_retries") == "full":
        more["schedule"] = ""
    url = mixed.asked["callback_url"]
    tell("MEDICAL_INSURANCE.SUCCESS", mixed.out_trade_no, view(mixed), url, mixed, **more)

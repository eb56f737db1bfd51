"""Medical-insurance mixed orders: create, both queries, the merchant's report of a refund, and how they end."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, current_app

from mock_providers import clock, outcomes, people, serials, switches
from mock_providers.db import db
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay import rules, schema, shapes, wire
from mock_providers.wechatpay.account import merchant, mine
from mock_providers.wechatpay.door import answer, body, nothing, opener, path, planned, query, route, signer
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.models import MixedOrder, Order, mixed_by, order_by
from mock_providers.wechatpay.pay import check_appid, check_callback, person_of, rfc3339, tell
from mock_providers.wechatpay.schema import MOST_OF_UINT, Text

TARGET = "wechatpay.med_ins"
OPENID_WRONG, IDENTITY_WRONG, NAME_WRONG, UNBOUND, UNRELATED = 268510603, 268545961, 268545962, 268545963, 268545964
AUTHORISATION_WRONG, AUTHORISATION_UNKNOWN, BUREAU_SAYS_NO = 268547120, 268545967, 268510610
NO_CREDENTIAL = Refusal("PARAM_ERROR", "微信号未绑定医保电子凭证", UNBOUND)
OTHER_ID = Refusal("PARAM_ERROR", "入参个人身份ID摘要和医保电子凭证绑卡身份ID摘要不匹配", IDENTITY_WRONG)
OTHER_NAME = Refusal("PARAM_ERROR", "入参用户姓名和医保电子凭证绑卡姓名不匹配", NAME_WRONG)
NOT_FAMILY = Refusal("PARAM_ERROR", "亲属关系不存在，请确认亲属信息是否正确", UNRELATED)
BAD_AUTHORISATION = Refusal("PARAM_ERROR", "PAY_AUTH_NO 校验失败，请重新获取授权", AUTHORISATION_WRONG)
FAILURES = {
    "system_error": Refusal("SYSTEM_ERROR", "系统异常，请先查询订单，再用相同参数重试"),
    "frequency": Refusal("FREQUENCY_LIMITED", "频率过高"),
    "request_blocked": Refusal("REQUEST_BLOCKED", "暂不支持当前商户下单"),
    "no_credential": NO_CREDENTIAL,
    "identity_mismatch": OTHER_ID,
    "name_mismatch": OTHER_NAME,
    "not_family": NOT_FAMILY,
    "authorisation_invalid": BAD_AUTHORISATION,
    "authorisation_not_found": Refusal("PARAM_ERROR", "医保局未查询到授权信息", AUTHORISATION_UNKNOWN),
    "bureau_refused": Refusal("PARAM_ERROR", "医保局结算校验失败，请联系医保局确认", BUREAU_SAYS_NO),
}
outcomes.declare(TARGET, *FAILURES)


@route("POST", "/v3/med-ins/orders")
def create() -> Response:
    """A new mixed order. A used number is ALREADY_EXISTS, even with the same content."""
    unseal = opener()
    asked = body(shapes.MIXED_ORDER)
    _check_parameters(asked)
    payer = _opened(asked, "payer", unseal)
    relative = _opened(asked, "relative", unseal) if asked.get("pay_for_relatives") else None
    check_appid(asked["appid"])
    unknown = "请确认AppID与OpenID是否正确，两者是否匹配"
    person = person_of(asked["appid"], asked["openid"], unknown, OPENID_WRONG)
    planned(TARGET, FAILURES, person, asked["out_trade_no"])
    if mixed_by(mchid=merchant(), out_trade_no=asked["out_trade_no"]):
        raise Refusal("ALREADY_EXISTS", "订单已存在")
    _check_rules(asked)
    _check_payer(person, payer)
    order = _cash_order(asked)
    patient = _authorised(asked, person)
    _check_relative(person, relative, patient)
    mixed = _add(asked, person, order)
    db.session.commit()
    return answer(view(mixed))


def _check_parameters(asked: dict[str, Any]) -> None:
    """What is a PARAM_ERROR although it has the right shape."""
    limit = int(switches.value("wechatpay.serial_no_length"))
    try:
        schema.read({"serial_no": Text(title="医疗机构订单号", most=limit)}, asked)
    except schema.Invalid as invalid:
        raise Refusal.of(invalid) from invalid
    check_callback("/callback_url", asked["callback_url"])
    if asked.get("pay_for_relatives") and "relative" not in asked:
        raise e.wrong_value("/relative", "", "required when pay_for_relatives is true", "亲属信息为空")
    _instant(asked, "med_ins_order_create_time")
    if (content := asked.get("passthrough_request_content")) is not None:
        try:
            wire.orjson.loads(content)
        except ValueError as error:
            message = "透传内容须为JSON字符串"
            raise e.wrong_value("/passthrough_request_content", content, "not JSON", message) from error


def _instant(asked: Mapping[str, Any], name: str) -> None:
    if name not in asked:
        return
    try:
        schema.instant(asked[name])
    except ValueError as error:
        raise e.wrong_value(f"/{name}", asked[name], str(error), "时间解析失败") from error


def _opened(asked: Mapping[str, Any], key: str, unseal: Callable[[str, str], str]) -> tuple[str, str]:
    """(name, ID digest)"""
    sealed = asked[key]
    return unseal(f"/{key}/name", sealed["name"]), unseal(f"/{key}/id_digest", sealed["id_digest"])


def _check_rules(asked: Mapping[str, Any]) -> None:
    zero = switches.value("wechatpay.insurance_only_zero") == "allow"
    strict = rules.Strictness(zero, switches.value("wechatpay.cash_only_identities"))
    _refuse(rules.fault(asked, strict))


def _refuse(fault: rules.Fault | None) -> None:
    if fault is None:
        return
    status = int(switches.value("wechatpay.medical_rule_status")) if fault.code == "RULE_LIMIT" else None
    raise Refusal(fault.code, fault.message, fault.internal, status=status)


def _fresh(refusal: Refusal) -> Refusal:
    """The same refusal as a new exception: one that was raised keeps its traceback."""
    return Refusal(refusal.code, refusal.message, refusal.internal)


def digest(id_number: str) -> str:
    """MD5 of the upper-cased number, as the merchant must send it."""
    return hashlib.md5(id_number.upper().encode(), usedforsecurity=False).hexdigest()


def _check_payer(person: str, said: tuple[str, str]) -> None:
    """The payer must be who the credential says. Nothing is known where nobody told us the openid."""
    if not person:
        return
    holder = people.world().people[person]
    if holder.insurance is None:
        raise _fresh(NO_CREDENTIAL)
    if said[1] != digest(holder.id_number):
        raise _fresh(OTHER_ID)
    if said[0] != holder.name:
        raise _fresh(OTHER_NAME)


def _check_relative(person: str, relative: tuple[str, str] | None, patient: str | None) -> None:
    """The relative is the patient the bureau authorised, or family by the sample people's facts."""
    if not person or relative is None:
        return
    world = people.world().people
    found = next((one for one in world.values() if digest(one.id_number) == relative[1]), None)
    if found is None or found.name != relative[0]:
        raise _fresh(NOT_FAMILY)
    if found.id != patient if patient else not rules.related(world[person], found):
        raise _fresh(NOT_FAMILY)


def _cash_order(asked: Mapping[str, Any]) -> Order | None:
    """The JSAPI order of the same number, payer and amount, still unpaid."""
    if "prepay_id" not in asked:
        return None
    order = order_by(mchid=merchant(), prepay_id=asked["prepay_id"])
    wanted = (asked["out_trade_no"], asked["appid"], asked["openid"], "NOTPAY")
    if order is None or (order.out_trade_no, order.appid, order.openid, order.state) != wanted:
        cash_only = asked["mix_pay_type"] == rules.CASH_ONLY
        _refuse(rules.CASH_ONLY_FIELDS if cash_only else rules.MIXED_FIELDS)
    elif order.total != asked["wechat_pay_cash_fee"]:
        _refuse(rules.AMOUNTS_WRONG)
    return order


def _authorised(asked: Mapping[str, Any], person: str) -> str | None:
    """Whom the bureau let this payer pay for; None where there is no authorisation or no bureau. Raises Refusal."""
    check = current_app.extensions.get("check_authorisation")
    if check is None or "pay_auth_no" not in asked:
        return None
    fees = ("gov_fee", "self_fee", "other_fee", "cash_fee")
    amounts = {name: asked[f"med_ins_{name}"] for name in fees}
    granted = check(asked["pay_auth_no"], asked["pay_order_id"], amounts)
    if granted is None or person not in ("", granted["payer"]):
        raise _fresh(BAD_AUTHORISATION)
    if granted["family"] != asked.get("pay_for_relatives", False):
        raise _fresh(BAD_AUTHORISATION)
    return granted["patient"]


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
    return _show(mixed_by(mchid=merchant(), **path(shapes.MIX_NUMBER)))


@route("GET", "/v3/med-ins/orders/out-trade-no/<out_trade_no>")
def query_by_number(out_trade_no: str) -> Response:
    """A mixed order by the merchant's number."""
    return _show(mixed_by(mchid=merchant(), **path(shapes.OUT_NUMBER)))


def _unknown() -> Refusal:
    status, code = switches.value("wechatpay.medical_unknown_order").split()
    return Refusal(code, "未找到订单，请确认订单号是否正确", 268529515, status=int(status))


def _show(mixed: MixedOrder | None) -> Response:
    if mixed is None:
        raise _unknown()
    return answer(view(mixed))


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


@route("POST", "/v3/med-ins/refunds/notify")
def report_refund() -> Response:
    """The merchant says what the bureau gave back; the newest report counts."""
    number = query(shapes.MIX_NUMBER)
    told = body(shapes.REFUND_REPORT)
    _instant(told, "refund_time")
    parts = sum(told[f"med_refund_{part}_fee"] for part in ("gov", "self", "other"))
    if parts > MOST_OF_UINT:
        raise Refusal("PARAM_ERROR", "金额计算出现溢出，请检查退款金额", 268435464)
    mixed = mixed_by(mchid=merchant(), **number)
    if mixed is None:
        raise _unknown()
    if mixed.insurance_state == "NO_MED_INS_PAY":
        raise Refusal("RULE_LIMIT", "混合单中没有医保订单，无法接收医保退款通知")
    if told["med_refund_total_fee"] != parts:
        raise Refusal("RULE_LIMIT", "医保退款总金额与各项退款金额之和不相等", rules.TOTAL_WRONG.internal)
    if mixed.insurance_state not in ("MED_INS_PAY_SUCCESS", "MED_INS_PAY_REFUND"):
        raise Refusal("RULE_LIMIT", "混合单中的医保订单未支付成功，无法接收医保退款通知")
    mixed.refund_report = told
    mixed.happen("insurance_refunded")
    db.session.commit()
    return nothing()

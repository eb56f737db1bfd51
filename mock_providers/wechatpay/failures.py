"""Refusals of payment, refunds and bills that no input brings about: `/_mock/outcomes` asks for them."""

from collections.abc import Mapping

from mock_providers import outcomes
from mock_providers.wechatpay.errors import Refusal

PARTNER_NOT_AUTHORISED = "特约子商户商户号未授权服务商的产品权限"
COMMON = {
    "invalid_request": Refusal("INVALID_REQUEST", "无效请求"),
    "rule_limit": Refusal("RULE_LIMIT", "业务规则限制"),
    "frequency": Refusal("FREQUENCY_LIMITED", "频率过高"),
    "system_error": Refusal("SYSTEM_ERROR", "系统异常，请用相同参数重新调用"),
}
NO_MERCHANT = Refusal("MCH_NOT_EXISTS", "商户号不存在")
NO_AUTH = Refusal("NO_AUTH", "商户无权限")
TRADE_ERROR = Refusal("TRADE_ERROR", "交易错误")
LIMITED = {name: COMMON[name] for name in ("invalid_request", "frequency", "system_error")}

CREATE = {
    **COMMON,
    "no_auth": NO_AUTH,
    "mch_not_exists": NO_MERCHANT,
    "account_limited": Refusal("NO_AUTH", "商户收款功能已被限制", 268448010),
    "illegal_parameter": Refusal("INVALID_REQUEST", "请求中含有非法的额外参数", 270924358),
}
QUERY = {**COMMON, "trade_error": TRADE_ERROR, "mch_not_exists": NO_MERCHANT}
CLOSE = {
    **QUERY,
    "rule_limit": Refusal("RULE_LIMIT", "该订单不允许普通关单", 268449641),
}
REFUND = {
    **LIMITED,
    "not_enough": Refusal("NOT_ENOUGH", "基本账户余额不足，请充值后重新发起"),
    "account_abnormal": Refusal("USER_ACCOUNT_ABNORMAL", "用户账户异常或注销"),
    "no_auth": NO_AUTH,
    "request_blocked": Refusal("REQUEST_BLOCKED", "请求被拦截"),
    "mch_not_exists": Refusal("MCH_NOT_EXISTS", "商户号不存在", status=404),
}
REFUND_ENDS = {"closed": "closed", "abnormal": "stuck"}
REFUND_QUERY = {**LIMITED, "mch_not_exists": REFUND["mch_not_exists"]}
ABNORMAL = {**LIMITED, "no_auth": NO_AUTH, "mch_not_exists": REFUND["mch_not_exists"]}
BILL = {
    **LIMITED,
    "no_auth": NO_AUTH,
    "no_statement": Refusal("NO_STATEMENT_EXIST", "请求的账单文件不存在"),
    "creating": Refusal("STATEMENT_CREATING", "请求的账单正在生成中"),
}

TARGETS: Mapping[str, Mapping[str, Refusal]] = {
    "wechatpay.jsapi": CREATE,
    "wechatpay.query": QUERY,
    "wechatpay.close": CLOSE,
    "wechatpay.refund_query": REFUND_QUERY,
    "wechatpay.abnormal_refund": ABNORMAL,
    "wechatpay.bills": BILL,
    "wechatpay.bill_download": {name: BILL[name] for name in ("frequency", "system_error")},
}
for _target, _failures in TARGETS.items():
    outcomes.declare(_target, *_failures)
outcomes.declare("wechatpay.refunds", *REFUND, *REFUND_ENDS)

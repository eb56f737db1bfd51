"""WeChat Pay's refusals: HTTP status, code, literal message, and the internal number behind Request-ID."""

from typing import Any

from mock_providers.wechatpay.schema import Invalid

AUTHORIZATION_MALFORMED = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
AUTHORIZATION_MALFORMED_ON_PAY = "签名信息错误，验签失败"
SCHEME_UNKNOWN = "Http头Authorization认证类型不正确"
TIMESTAMP_OFF = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"
SERIAL_UNKNOWN = "商户证书序列号有误。请使用签名私钥匹配的证书序列号"
MERCHANT_UNKNOWN = "签名错误"
SYSTEM_ERROR = "系统异常，请稍后重试"
TOO_MANY = "请求超过频率限制"
HEADERS_MISSING = "Http头缺少Accept或User-Agent"
SERIAL_MISSING = "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)"
PLATFORM_SERIAL_UNKNOWN = "平台证书序列号Wechatpay-Serial错误"
NOT_SEALED = "请确认待处理的消息是否为加密后的密文"
MCHID_DIFFERS = "http header中的mchid与post payload中的mchid不匹配"
MERCHANT_STATES = {
    "certificate_expired": "商户证书已过期",
    "certificate_revoked": "商户证书已作废",
    "certificate_replaced": "已更换证书，请使用新证书",
    "no_apiv3_key": "商户未设置APIv3密钥。",
    "no_certificate": "商户未申请过证书。",
}

SIGNATURE_NUMBER = 268443699
# code: HTTP status, internal number. Numbers that were never published are the number of a bad parameter.
CODES = {
    "PARAM_ERROR": (400, 268435461),
    "INVALID_REQUEST": (400, 268435461),
    "APPID_MCHID_NOT_MATCH": (400, 268445527),
    "MCH_NOT_EXISTS": (400, 268443715),
    "ORDER_CLOSED": (400, 268447914),
    "ORDERPAID": (400, 268449538),
    "ORDER_PAID": (400, 268449538),
    "ALREADY_EXISTS": (400, 268512536),
    "SIGN_ERROR": (401, SIGNATURE_NUMBER),
    "NO_STATEMENT_EXIST": (400, 268435461),
    "STATEMENT_CREATING": (400, 268435461),
    "NO_AUTH": (403, 268448010),
    "NOT_ENOUGH": (403, 268435461),
    "USER_ACCOUNT_ABNORMAL": (403, 268435461),
    "OUT_TRADE_NO_USED": (403, 268498688),
    "TRADE_ERROR": (403, 268435461),
    "RULE_LIMIT": (403, 268449641),
    "REQUEST_BLOCKED": (403, 268448010),
    "ORDER_NOT_EXIST": (404, 268512771),
    "NOT_FOUND": (404, 268512771),
    "RESOURCE_NOT_EXISTS": (404, 268512771),
    "FREQUENCY_LIMITED": (429, 268447840),
    "RATELIMIT_EXCEEDED": (429, 268447840),
    "SYSTEM_ERROR": (500, 268435457),
    "SERVICE_UNAVAILABLE": (503, 268435457),
}


class Refusal(Exception):
    """An answer other than 2xx. `nameless` answers carry no Request-ID."""

    def __init__(
        self,
        code: str,
        message: str,
        internal: int | None = None,
        *,
        status: int | None = None,
        detail: dict[str, Any] | None = None,
        nameless: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.detail, self.nameless = code, message, detail, nameless
        self.status = status or CODES[code][0]
        self.internal = internal or CODES[code][1]

    @classmethod
    def of(cls, invalid: Invalid) -> "Refusal":
        """What the schema layer found, as an answer."""
        return cls("PARAM_ERROR", invalid.message, invalid.internal, detail=invalid.detail)


def wrong_value(
    pointer: str, value: Any, issue: str, message: str = "参数错误", internal: int | None = None
) -> Refusal:
    """A value that fits the schema and still means nothing."""
    detail = {"field": pointer, "value": value, "issue": issue, "location": "body"}
    return Refusal("PARAM_ERROR", message, internal, detail=detail)

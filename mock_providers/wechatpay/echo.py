"""POST /v3/security/echo: a merchant tries its signing, sealing and callbacks without any business."""

from dataclasses import dataclass

from flask import Response

from mock_providers.db import db
from mock_providers.wechatpay import shapes, wire
from mock_providers.wechatpay.account import mine
from mock_providers.wechatpay.answers import answer, random_hex, signer
from mock_providers.wechatpay.door import body, opener, route
from mock_providers.wechatpay.events import tell
from mock_providers.wechatpay.pay import check_callback
from mock_providers.wechatpay.schema import Field, Text

ECHO: dict[str, Field] = {
    "echo_message": Text(title="回显信息", most=1024, required=True),
    "encrypted_echo_message": Text(title="平台证书或微信支付公钥加密测试字段", most=1024),
    "notify_url": Text(title="商户回调地址", most=255, pattern=shapes.URL),
}


@dataclass
class _Caller:
    signer: str
    sp_mchid: str | None


@route("POST", "/v3/security/echo")
def echo() -> Response:
    """What was sent, and what was sealed for us sealed again for the merchant's certificate."""
    unseal = opener()
    asked = body(ECHO)
    check_callback("/notify_url", asked.get("notify_url"))
    shown = {"echo_message": asked["echo_message"]}
    told = dict(shown)
    if sealed := asked.get("encrypted_echo_message"):
        key = wire.read_certificate(mine()["merchant_certificate"])[0]
        again = wire.seal_rsa(key, unseal("/encrypted_echo_message", sealed))
        shown["encrypted_echo_message"] = again
        told["encrypt_echo_message"] = again
    caller = _Caller(signer(), mine().get("sp_mchid"))
    tell("SECURITY_ECHO.SUCCESS", f"echo-{random_hex(0, 16)}", told, asked.get("notify_url"), caller)
    db.session.commit()
    return answer(shown)

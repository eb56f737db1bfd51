"""GET /v3/certificates: the platform certificates, sealed with the merchant's APIv3 key."""

from typing import Any

from flask import Response

from mock_providers import switches
from mock_providers.db import CHINA
from mock_providers.wechatpay import schema, wire
from mock_providers.wechatpay.account import mine
from mock_providers.wechatpay.answers import answer, random_hex
from mock_providers.wechatpay.door import query, route
from mock_providers.wechatpay.errors import MERCHANT_STATES, Refusal

QUERY = {"algorithm_type": schema.Word(title="算法类型", words=("RSA", "SM2", "ALL"))}
GUIDE = "https://pay.weixin.qq.com/docs/merchant/products/platform-certificate/wxp-pub-key-guide.html"
NO_CERTIFICATE = f"无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引{GUIDE}"
NO_SM2 = "无可用的平台证书，该商户号未开通国密（SM2）证书，请使用 algorithm_type=RSA"


@route("GET", "/v3/certificates")
def certificates() -> Response:
    """One certificate, two while a new one is listed; 404 for a merchant who only ever had a public key."""
    asked = query(QUERY).get("algorithm_type")
    if switches.value("wechatpay.mode") == "pubkey":
        raise Refusal(switches.value("wechatpay.no_certificate"), NO_CERTIFICATE)
    if asked == "SM2":
        raise Refusal(switches.value("wechatpay.no_certificate"), NO_SM2)
    if switches.value("wechatpay.merchant_state") == "no_apiv3_key":
        raise Refusal("SIGN_ERROR", MERCHANT_STATES["no_apiv3_key"])
    merchant = mine()
    listed = [age for age in ("", "next_") if f"{age}platform_serial_no" in merchant]
    return answer(
        {"data": [_sealed(merchant, age, f"{random_hex(37, 42)}{at:02d}") for at, age in enumerate(listed)]}
    )


def _sealed(merchant: dict[str, Any], age: str, nonce: str) -> dict[str, Any]:
    pem = merchant[f"{age}platform_certificate"]
    _, start, end = wire.read_certificate(pem)
    return {
        "effective_time": start.astimezone(CHINA).isoformat(),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "associated_data": "certificate",
            "ciphertext": wire.seal_aes(merchant["apiv3_key"], nonce, "certificate", pem.encode()),
            "nonce": nonce,
        },
        "expire_time": end.astimezone(CHINA).isoformat(),
        "serial_no": merchant[f"{age}platform_serial_no"],
    }

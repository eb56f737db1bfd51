"""GET /v3/certificates: the platform certificate, sealed with the merchant's APIv3 key."""

import secrets

from flask import Response

from mock_providers import switches
from mock_providers.db import CHINA
from mock_providers.wechatpay import schema, wire
from mock_providers.wechatpay.account import mine
from mock_providers.wechatpay.door import answer, query, route
from mock_providers.wechatpay.errors import MERCHANT_STATES, Refusal

QUERY = {"algorithm_type": schema.Word(title="算法类型", words=("RSA", "SM2", "ALL"))}


@route("GET", "/v3/certificates")
def certificates() -> Response:
    """One certificate; 404 for a merchant who only ever had a public key."""
    if query(QUERY).get("algorithm_type") == "SM2" or switches.value("wechatpay.mode") == "pubkey":
        raise Refusal("RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")
    if switches.value("wechatpay.merchant_state") == "no_apiv3_key":
        raise Refusal("SIGN_ERROR", MERCHANT_STATES["no_apiv3_key"])
    merchant = mine()
    _, start, end = wire.read_certificate(merchant["platform_certificate"])
    nonce = secrets.token_hex(6)
    plain = merchant["platform_certificate"].encode()
    sealed = {
        "algorithm": "AEAD_AES_256_GCM",
        "associated_data": "certificate",
        "ciphertext": wire.seal_aes(merchant["apiv3_key"], nonce, "certificate", plain),
        "nonce": nonce,
    }
    one = {
        "effective_time": start.astimezone(CHINA).isoformat(),
        "encrypt_certificate": sealed,
        "expire_time": end.astimezone(CHINA).isoformat(),
        "serial_no": merchant["platform_serial_no"],
    }
    return answer({"data": [one]})

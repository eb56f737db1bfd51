"""A merchant who makes mistakes on purpose: what is sent and what is signed are set apart."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mock_providers.explain.merchant import Ring, Seen
from mock_providers.explain.report import Mask
from mock_providers.explain.rsa import Key

NOW = 1_735_787_045
SERIAL = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"
OTHER_SERIALS = {
    "1111111111111111111111111111111111111111": "serial_of_platform",
    "PUB_KEY_ID_00000000000000000000000000000001": "serial_is_public_key_id",
    "2222222222222222222222222222222222222222": "serial_replaced",
    "3333333333333333333333333333333333333333": "serial_of_other_account",
    "4444444444444444444444444444444444444444": "serial_of_other_space",
}
BODY = '{"appid":"wx1","amount":{"total":100},"attach":"a&b+%2B","note":"药品/一盒"}'.encode()
TARGET = "/v3/pay/transactions/jsapi"
QUERY = "/v3/bill/tradebill?bill_date=2025-01-02&note=a%2Fb%20c"
NONCE = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
APIV3, OTHER_APIV3 = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@cache
def key(name: str) -> Any:
    return rsa.generate_private_key(65537, 2048)


def public(name: str, cause: str = "") -> Key:
    return Key(name, key(name).public_key(), cause)


def pem() -> str:
    return key("merchant").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def ring(**more: Any) -> Ring:
    keys = (public("partner", "key_of_other_account"), public("elsewhere", "key_of_other_space"))
    held: dict[str, Any] = {
        "keys": (*keys, public("platform", "key_of_platform")),
        "serials": OTHER_SERIALS,
        "merchants": {"1900000100": "mchid_of_other_space"},
        "apiv3_key": APIV3,
        "other_apiv3_keys": (OTHER_APIV3,),
        "platform": {
            "PLATFORM": public("platform", "key_of_platform"),
            "PUB_KEY_ID_1": public("pubkey", "key_of_platform"),
        },
        "pems": (pem(),),
        "others": (sent(signed_body=None, body=b'{"other":"request"}', nonce="OTHERNONCE", target="/v3/other"),),
        "appids": ("wx-official", "wx-partner"),
        "mask": Mask([APIV3]),
    }
    return Ring("1900000001", SERIAL, public("merchant"), **{**held, **more})


def frame(parts: list[bytes]) -> bytes:
    return b"\n".join(parts) + b"\n"


def raw_sign(message: bytes, who: str = "merchant", hash_: Any = None, padding: Any = None) -> bytes:
    return key(who).sign(message, padding or PKCS1v15(), hash_ or SHA256())


def written(signature: bytes) -> str:
    return b64encode(signature).decode()


def sent(
    method: str = "POST",
    target: str = TARGET,
    body: bytes = BODY,
    *,
    stamp: Any = NOW,
    nonce: str = NONCE,
    scheme: str = "WECHATPAY2-SHA256-RSA2048",
    signed_method: str | None = None,
    signed_target: str | None = None,
    signed_stamp: Any = None,
    signed_nonce: str | None = None,
    signed_body: bytes | None = None,
    framed: Callable[[list[bytes]], bytes] = frame,
    signing: Callable[[bytes], bytes] = raw_sign,
    writing: Callable[[bytes], str] = written,
    wall: int | None = NOW,
    prefix: str = "/wechatpay",
    **pairs: str,
) -> Seen:
    """A request as it comes in; `signed_…` say where what was signed is not what is sent."""
    parts = [
        signed_method or method,
        target if signed_target is None else signed_target,
        str(stamp if signed_stamp is None else signed_stamp),
        nonce if signed_nonce is None else signed_nonce,
    ]
    message = framed([*(part.encode() for part in parts), body if signed_body is None else signed_body])
    shown = {
        "mchid": "1900000001",
        "nonce_str": nonce,
        "signature": writing(signing(message)),
        "timestamp": str(stamp),
        "serial_no": SERIAL,
        **pairs,
    }
    value = f"{scheme} " + ",".join(f'{k}="{v}"' for k, v in shown.items() if v)
    return Seen(method, prefix + target, {"authorization": value, "host": "127.0.0.1:8000"}, body, wall)


def got(**more: Any) -> Seen:
    return sent("GET", QUERY, b"", **more)


def pss(message: bytes) -> bytes:
    return raw_sign(message, padding=PSS(MGF1(SHA256()), 32))


def by(hash_: Any) -> Callable[[bytes], bytes]:
    return lambda message: raw_sign(message, hash_=hash_)


def bare(message: bytes) -> bytes:
    return key("merchant").sign(hashlib.sha256(message).digest(), PKCS1v15(), NoDigestInfo())


def twice(message: bytes) -> bytes:
    return raw_sign(hashlib.sha256(message).digest())


def prehashed(message: bytes) -> bytes:
    return key("merchant").sign(hashlib.sha256(message).digest(), PKCS1v15(), Prehashed(SHA256()))


def keyed(secret: str) -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(secret.encode(), message, "sha256")


def notified(
    body: bytes, *, by_: str = "platform", serial: str = "PLATFORM", signed: bytes | None = None, **more: Any
) -> Seen:
    """A notification as a receiver got it."""
    stamp, nonce = more.get("stamp", NOW), more.get("nonce", "nonce-of-ours")
    message = frame(
        [str(stamp).encode(), more.get("signed_nonce", nonce).encode(), body if signed is None else signed]
    )
    heads = {
        "wechatpay-timestamp": str(stamp),
        "wechatpay-nonce": nonce,
        "wechatpay-serial": serial,
        "wechatpay-signature": more.get("signature", written(raw_sign(message, by_))),
    }
    return Seen("POST", "/callbacks", {k: v for k, v in heads.items() if v}, body, NOW)


def envelope(secret: str = APIV3, aad: str = "transaction", shown: str | None = None, damage: bool = False) -> bytes:
    plain = b'{"out_trade_no":"T1","amount":{"total":100,"currency":"CNY"}}'
    sealed = bytearray(AESGCM(secret.encode()).encrypt(b"abcdefabcdef", plain, aad.encode()))
    if damage:
        sealed[20] ^= 1
    text = b64encode(bytes(sealed)).decode()
    aad = aad if shown is None else shown
    algorithm = '"algorithm":"AEAD_AES_256_GCM","original_type":"transaction"'
    resource = f'{{"ciphertext":"{text}","associated_data":"{aad}","nonce":"abcdefabcdef",{algorithm}}}'
    return f'{{"id":"EV-1","event_type":"TRANSACTION.SUCCESS","summary":"支付成功","resource":{resource}}}'.encode()


def paid(**changes: Any) -> dict[str, str]:
    """wx.requestPayment's parameters."""
    app, stamp, nonce = changes.get("app", "wx1"), changes.get("stamp", str(NOW)), changes.get("nonce", NONCE)
    package = changes.get("package", "prepay_id=wx201410272009395522657a690389285100")
    parts = [
        changes.get("signed_app", app),
        changes.get("signed_stamp", stamp),
        nonce,
        changes.get("signed_package", package),
    ]
    message = changes.get("framed", frame)([part.encode() for part in parts])
    signature = changes.get("writing", written)(changes.get("signing", raw_sign)(message))
    shown = {"appId": app, "timeStamp": stamp, "nonceStr": nonce, "package": package, "paySign": signature}
    return {**shown, "signType": changes.get("kind", "RSA")}


HASHES = {"sha1": SHA1(), "md5": MD5(), "sha512": SHA512()}

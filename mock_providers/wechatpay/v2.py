"""The one message of the old XML interface a v3 merchant still meets: a refund's result, sent to the address set in
the merchant platform when the request named none. Pure.

`req_info` is AES-256-ECB with PKCS#7 padding under the lower-case hex MD5 of the APIv2 key; nothing is signed.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7

STATES = {"SUCCESS": "SUCCESS", "CLOSED": "REFUNDCLOSE", "ABNORMAL": "CHANGE"}


def refund_notice(plain: Mapping[str, Any], appid: str, mchid: str, key: str, nonce: str) -> bytes:
    """The body, from the plaintext the v3 notification would have."""
    sealed = seal(key, _xml("root", _refund(plain)).encode())
    outer = {"return_code": "SUCCESS", "appid": appid, "mch_id": mchid, "nonce_str": nonce, "req_info": sealed}
    return _xml("xml", outer).encode()


def _refund(plain: Mapping[str, Any]) -> dict[str, Any]:
    amount = plain["amount"]
    return {
        "out_refund_no": plain["out_refund_no"],
        "out_trade_no": plain["out_trade_no"],
        "refund_account": "REFUND_SOURCE_UNSETTLED_FUNDS",
        "refund_fee": amount["refund"],
        "refund_id": plain["refund_id"],
        "refund_recv_accout": plain["user_received_account"],  # spelled so
        "refund_request_source": "API",
        "refund_status": STATES[plain["refund_status"]],
        "settlement_refund_fee": amount["payer_refund"],
        "settlement_total_fee": amount["payer_total"],
        "success_time": plain.get("success_time", "")[:19].replace("T", " "),
        "total_fee": amount["total"],
        "transaction_id": plain["transaction_id"],
    }


def _xml(root: str, fields: Mapping[str, Any]) -> str:
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    return f"<{root}>{inner}</{root}>"


def seal(key: str, plain: bytes) -> str:
    """AES-256-ECB, Base64."""
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    digest = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    encryptor = Cipher(AES(digest.encode()), ECB()).encryptor()  # noqa: S305 - the vendor's choice
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def heard(status: int | None, body: bytes) -> tuple[bool, str]:
    """The old interface wants its word in the body."""
    if status == 200 and b"SUCCESS" in body:
        return True, ""
    return False, "no answer" if status is None else f"status {status}, wanted 200 with return_code SUCCESS"

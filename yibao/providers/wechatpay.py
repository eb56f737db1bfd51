"""WeChat Pay APIv3: orders, refunds, medical-insurance orders, and the notices it sends.

Answers and notices are believed only after their signature over the raw bytes. Every call raises Unreachable (also
for an answer that is not signed as it should be: what happened is unknown) or VendorRefused (WeChat Pay's code).
Reading a notice raises Untrusted.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from flask import Response, current_app

from yibao import clock, ids
from yibao.db import current_space
from yibao.identity import check_character
from yibao.providers.http import Answer, Unreachable, Untrusted, VendorRefused, send

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS = 300
TRY_AGAIN = (202, 429)  # taken but not done yet; too fast: the same request again, later
ASK_CERTIFICATES_EVERY = 60.0
CARD_TYPES = {
    "id_card": "ID_CARD",
    "birth_certificate": "HOUSEHOLD_REGISTRATION",
    "hk_permit": "MAINLAND_TRAVEL_PERMIT_FOR_HK",
    "tw_permit": "MAINLAND_TRAVEL_PERMIT_FOR_TW",
    "passport": "FOREIGNER_PASSPORT",
}


@dataclass(frozen=True)
class Notice:
    """A verified, decrypted notification. `id` is the same in every repeat."""

    id: str
    event_type: str
    resource: dict[str, Any]


# cash orders


def create_order(
    out_trade_no: str, description: str, total_fen: int, openid: str, notify_url: str, expires_at: datetime
) -> str:
    """A JSAPI order's prepay_id. The same number with the same content answers again."""
    account = _account()
    answer = _call(
        "POST",
        "/v3/pay/transactions/jsapi",
        {
            "appid": account["appid"],
            "mchid": account["mchid"],
            "description": description[:127],
            "out_trade_no": out_trade_no,
            "time_expire": expires_at.isoformat(timespec="seconds"),
            "notify_url": notify_url,
            "amount": {"total": total_fen, "currency": "CNY"},
            "payer": {"openid": openid},
        },
    )
    return str(answer["prepay_id"])


def query_order(out_trade_no: str) -> dict[str, Any]:
    """The cash order as WeChat Pay has it: trade_state, transaction_id, amount …"""
    return _call("GET", f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={_account()['mchid']}")


def close_order(out_trade_no: str) -> None:
    """Close an unpaid order; closing twice is fine, a paid one is refused (ORDERPAID)."""
    _call("POST", f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close", {"mchid": _account()["mchid"]})


def create_refund(
    out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str, notify_url: str
) -> dict[str, Any]:
    """Ask for cash back. Accepted is not refunded: look at `status`, wait for the notice."""
    return _call(
        "POST",
        "/v3/refund/domestic/refunds",
        {
            "out_trade_no": out_trade_no,
            "out_refund_no": out_refund_no,
            "reason": _within(reason, 80),
            "notify_url": notify_url,
            "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"},
        },
    )


def query_refund(out_refund_no: str) -> dict[str, Any]:
    return _call("GET", f"/v3/refund/domestic/refunds/{out_refund_no}")


# medical-insurance orders


def create_medical_order(
    order: Mapping[str, Any],
    payer: tuple[str, str, str],
    relative: tuple[str, str, str] | None = None,
) -> dict[str, Any]:
    """POST /v3/med-ins/orders. `order` holds the plain fields but appid; people are (name, id_type, id_number).

    A repeat is not answered with the first result but refused with ALREADY_EXISTS: query instead.
    """
    account = _account()
    body: dict[str, Any] = {**order, "appid": account["appid"], "payer": _person(*payer)}
    body["pay_for_relatives"] = relative is not None
    if relative is not None:
        body["relative"] = _person(*relative)
    return _call("POST", "/v3/med-ins/orders", body)


def query_medical_order(out_trade_no: str) -> dict[str, Any]:
    return _call("GET", f"/v3/med-ins/orders/out-trade-no/{out_trade_no}")


def query_mixed_order(mix_trade_no: str) -> dict[str, Any]:
    return _call("GET", f"/v3/med-ins/orders/mix-trade-no/{mix_trade_no}")


def report_medical_refund(
    mix_trade_no: str, out_refund_no: str, gov_fen: int, self_fen: int, other_fen: int, refunded_at: datetime
) -> None:
    """Tell WeChat Pay that the insurance part went back. May be repeated; the newest report counts."""
    _call(
        "POST",
        f"/v3/med-ins/refunds/notify?mix_trade_no={mix_trade_no}",
        {
            "med_refund_total_fee": gov_fen + self_fen + other_fen,
            "med_refund_gov_fee": gov_fen,
            "med_refund_self_fee": self_fen,
            "med_refund_other_fee": other_fen,
            "refund_time": refunded_at.isoformat(timespec="seconds"),
            "out_refund_no": out_refund_no,
        },
    )


# what the phone is given


def pay_parameters(prepay_id: str) -> dict[str, str]:
    """The arguments of wx.requestPayment (and appId, which is signed but not passed there)."""
    account = _account()
    stamp, nonce, package = str(clock.wall_unix()), ids.nonce(), f"prepay_id={prepay_id}"
    text = f"{account['appid']}\n{stamp}\n{nonce}\n{package}\n"
    return {
        "appId": account["appid"],
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": _sign(text.encode()),
    }


def medical_pay_parameters(mix_trade_no: str, prepay_id: str | None) -> dict[str, str]:
    """The arguments of wx.requestMedicalInsurancePay; without a cash part the number is all there may be."""
    signed = pay_parameters(prepay_id) if prepay_id else {}
    return {"mixTradeNo": mix_trade_no, **signed}


# notices


def read_notice(headers: Mapping[str, str], raw_body: bytes) -> Notice:
    """Verify the bytes, then decrypt. Raises Untrusted, and Unreachable if its certificate cannot be fetched."""
    if headers.get("Wechatpay-Signature-Type", SCHEME) != SCHEME:
        raise Untrusted("unknown Wechatpay-Signature-Type")
    _verify(headers, raw_body)
    try:
        body = json.loads(raw_body)
        plain = json.loads(_decrypt(body["resource"]))
        notice = Notice(str(body["id"]), str(body["event_type"]), plain)
    except (ValueError, KeyError, TypeError, InvalidTag) as error:
        raise Untrusted(f"the notice cannot be opened: {error!r}") from error
    if not isinstance(plain, dict) or not notice.id:
        raise Untrusted("the notice has no id or no object inside")
    return notice


def ack() -> Response:
    """Taken, no need to send it again."""
    return Response(status=204)


def nack(message: str, status: int = 401) -> Response:
    """Not taken; WeChat Pay will try again."""
    body = json.dumps({"code": "FAIL", "message": message}, ensure_ascii=False)
    return Response(body, status, content_type="application/json")


# the wire


def id_digest(id_number: str) -> str:
    """MD5 of the upper-cased number, in lower-case hex. A number of 15 digits is made one of 18 first."""
    if len(id_number) == 15 and id_number.isascii() and id_number.isdigit():
        first = f"{id_number[:6]}19{id_number[6:]}"
        id_number = first + check_character(first)
    return hashlib.md5(id_number.upper().encode(), usedforsecurity=False).hexdigest()


def _account() -> Mapping[str, Any]:
    return current_app.config["SETTINGS"].vendor(current_space(), "wechatpay")


def _person(name: str, id_type: str, id_number: str) -> dict[str, str]:
    return {
        "name": _encrypt(name),
        "id_digest": _encrypt(id_digest(id_number)),
        "card_type": CARD_TYPES[id_type],
    }


def _within(text: str, size: int) -> str:
    """At most so many bytes of UTF-8, no character cut in half."""
    return text.encode()[:size].decode(errors="ignore")


def _call(method: str, target: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One signed call; its answer verified before it is read."""
    account = _account()
    base_url = account["base_url"].rstrip("/")
    payload = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {
        "Authorization": _authorization(account, method, urlsplit(base_url).path + target, payload),
        "Accept": "application/json",
        "User-Agent": "yibao",
        "Wechatpay-Serial": account.get("public_key_id") or account["platform_serial_no"],
        **({"Content-Type": "application/json"} if payload else {}),
    }
    answer = send(method, base_url + target, base_url=base_url, headers=headers, body=payload or None)
    if answer.status >= 500 or answer.status in TRY_AGAIN:
        raise Unreachable(f"HTTP {answer.status}")
    if answer.status >= 300:
        _refuse(answer)
    if target != "/v3/certificates":  # its own first answer cannot be verified before it is read
        try:
            _verify(answer.headers, answer.body)
        except Untrusted as error:
            raise Unreachable(f"the answer is not to be trusted: {error}") from error
    return _json(answer) if answer.status == 200 else {}


def _refuse(answer: Answer) -> None:
    try:
        body = json.loads(answer.body or b"{}")
        code, message = str(body.get("code", "")), str(body.get("message", ""))
    except (ValueError, AttributeError):
        code, message = "", ""
    inner = answer.headers.get("Request-ID", "").rpartition("-")[2]
    number = int(inner) if inner.isascii() and inner.isdigit() and len(inner) <= 12 else 0
    raise VendorRefused("wechatpay", code or f"HTTP_{answer.status}", message, answer.status, number)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.body)
    except ValueError as error:
        raise Unreachable("the answer is not JSON") from error
    if not isinstance(parsed, dict):
        raise Unreachable("the answer is not a JSON object")
    return parsed


def _authorization(account: Mapping[str, Any], method: str, target: str, body: bytes) -> str:
    stamp, nonce = str(clock.wall_unix()), ids.nonce()
    text = f"{method}\n{target}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
    return (
        f'{SCHEME} mchid="{account["mchid"]}",nonce_str="{nonce}",signature="{_sign(text)}",'
        f'timestamp="{stamp}",serial_no="{account["merchant_serial_no"]}"'
    )


def _sign(text: bytes) -> str:
    signature = private_key(_account()["merchant_private_key"]).sign(text, PKCS1v15(), SHA256())
    return b64encode(signature).decode()


def _verify(headers: Mapping[str, str], body: bytes) -> None:
    """Raises Untrusted unless a key of WeChat Pay signed these bytes within five minutes of now."""
    stamp, nonce = headers.get("Wechatpay-Timestamp", ""), headers.get("Wechatpay-Nonce", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise Untrusted("no Wechatpay-Timestamp")
    if abs(clock.wall_unix() - int(stamp)) > SKEW_SECONDS:
        raise Untrusted("the Wechatpay-Timestamp is more than five minutes off")
    key = _platform_key(headers.get("Wechatpay-Serial", ""))
    try:
        signature = b64decode(headers.get("Wechatpay-Signature", ""), validate=True)
        key.verify(signature, f"{stamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature) as error:
        raise Untrusted("the Wechatpay-Signature is wrong") from error


def _platform_key(serial: str) -> RSAPublicKey:
    """The key of this id: the WeChat Pay public key, the known certificate, or one fetched now."""
    account = _account()
    if serial and serial == account.get("public_key_id"):
        return public_key(account["public_key"])
    if serial and _same_serial(serial, account.get("platform_serial_no") or ""):
        return certificate_key(account["platform_certificate"])
    for known, pem in _certificates(serial).items():
        if _same_serial(serial, known):
            return certificate_key(pem)
    raise Untrusted("the Wechatpay-Serial is not one of WeChat Pay's")


def _same_serial(one: str, other: str) -> bool:
    """Serials are hex numbers; some print them in lower case or without leading zeros."""
    return one.upper().lstrip("0") == other.upper().lstrip("0")


def _certificates(wanted: str) -> dict[str, str]:
    """Serial → PEM of the platform certificates fetched before; asked again for a new serial, once a minute."""
    kept = current_app.extensions.setdefault("wechatpay_certificates", {})
    held, asked_at = kept.get((current_space(), _account()["mchid"]), ({}, float("-inf")))
    if any(_same_serial(wanted, known) for known in held):
        return held
    if not wanted or clock.monotonic() - asked_at < ASK_CERTIFICATES_EVERY:
        return held
    kept[(current_space(), _account()["mchid"])] = (held, clock.monotonic())
    rows = _call("GET", "/v3/certificates").get("data", [])
    try:
        held = {str(row["serial_no"]): _decrypt(row["encrypt_certificate"]) for row in rows}
    except (KeyError, TypeError, ValueError, InvalidTag) as error:
        raise Unreachable("the platform certificates cannot be read") from error
    kept[(current_space(), _account()["mchid"])] = (held, clock.monotonic())
    return held


def _decrypt(resource: Mapping[str, Any]) -> str:
    """AEAD_AES_256_GCM under the APIv3 key."""
    if resource["algorithm"] != "AEAD_AES_256_GCM":
        raise ValueError("unknown algorithm")
    key = AESGCM(_account()["apiv3_key"].encode())
    sealed = b64decode(resource["ciphertext"], validate=True)
    about = str(resource.get("associated_data") or "").encode()
    return key.decrypt(str(resource["nonce"]).encode(), sealed, about).decode()


def _encrypt(text: str) -> str:
    """A sensitive field, for the key that the request's Wechatpay-Serial names."""
    account = _account()
    if account.get("public_key_id"):
        key = public_key(account["public_key"])
    else:
        key = certificate_key(account["platform_certificate"])
    padding = OAEP(MGF1(SHA1()), SHA1(), None)  # noqa: S303 (the protocol says so)
    return b64encode(key.encrypt(text.encode(), padding)).decode()


@lru_cache(maxsize=1024)
def private_key(pem: str) -> RSAPrivateKey:
    """Parsed once per process."""
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@lru_cache(maxsize=1024)
def public_key(pem: str) -> RSAPublicKey:
    """Parsed once per process."""
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, RSAPublicKey)
    return key


@lru_cache(maxsize=1024)
def certificate_key(pem: str) -> RSAPublicKey:
    """The public key of a certificate, parsed once per process."""
    key = load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key

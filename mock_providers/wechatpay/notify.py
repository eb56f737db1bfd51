"""Notifications: what a merchant's address is told, how often, and what counts as heard.

What an attempt makes up (nonces, Request-ID) follows from the merchant's APIv3 key, the event, the number of the
attempt and its time, and from nothing else.
"""

import hmac
from datetime import datetime
from typing import Any

from mock_providers.db import CHINA
from mock_providers.webhooks import ladders
from mock_providers.webhooks.models import Event
from mock_providers.wechatpay import v2, wire
from mock_providers.wechatpay.account import signing_key

SCHEDULE = ladders.schedule("wechatpay")
_SAYS = {
    "TRANSACTION.SUCCESS": ("transaction", "支付成功"),
    "REFUND.SUCCESS": ("refund", "退款成功"),
    "REFUND.ABNORMAL": ("refund", "退款异常"),
    "REFUND.CLOSED": ("refund", "退款关闭"),
    "MEDICAL_INSURANCE.SUCCESS": ("medical-insurance", "医保混合支付成功"),
    "SECURITY_ECHO.SUCCESS": ("security", "回调通知成功"),
}
BARE = ("medical-insurance", "security")
NOT_VERIFYING = "the receiver does not verify: it took a signature probe for a notification"


def build(event: Event, credentials: dict[str, Any], now: datetime) -> tuple[list[tuple[str, str]], bytes]:
    """One attempt: the same id and content each time, sealed and signed afresh with wall time `now`.

    `event.about` says which key signs (`signer`), which optional fields are left out, and whether the first attempt
    is a `probe`.
    """
    about = event.about
    if about.get("v2"):
        return _build_v2(event, credentials, now)
    original, summary = _SAYS[event.type]
    usual = "" if original in BARE or about.get("bare_data") else original
    plain = wire.compact(event.plain)
    made = _made_up(credentials["apiv3_key"], event.notice_id, _tries(event), now.isoformat(), plain.decode())
    nonce = made[:6].hex()
    resource = {
        "original_type": original,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": wire.seal_aes(credentials["apiv3_key"], nonce, usual, plain),
        "associated_data": usual,
        "nonce": nonce,
    }
    envelope = {
        "id": event.notice_id,
        "create_time": event.created_at.astimezone(CHINA).isoformat(timespec="seconds"),
        "resource_type": "encrypt-resource",
        "event_type": event.type,
        "summary": summary,
        "resource": resource,
    }
    if about.get("no_type"):
        del resource["original_type"]
    if about.get("no_summary"):
        del envelope["summary"]
    body = wire.compact(envelope)
    key, serial = signing_key(credentials, about["signer"])
    signed = wire.signed_headers(key, serial, int(now.timestamp()), made[6:22].hex(), body)
    if _is_probe(event):
        signed["Wechatpay-Signature"] = wire.probe(signed["Wechatpay-Signature"], about["probe"])
    headers = {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": "Mozilla/4.0",
        "Request-ID": wire.request_id(made[22:43].hex(), 0),
        **signed,
    }
    return list(headers.items()), body


def _build_v2(event: Event, credentials: dict[str, Any], now: datetime) -> tuple[list[tuple[str, str]], bytes]:
    nonce = _made_up(credentials["apiv2_key"], event.notice_id, _tries(event), now.isoformat())[:16].hex()
    whose = credentials["appid"], credentials["mchid"], credentials["apiv2_key"]
    body = v2.refund_notice(event.plain, *whose, nonce)
    return [("Content-Type", "text/xml"), ("Accept", "*/*"), ("User-Agent", "Mozilla/4.0")], body


def accepted(status: int | None, headers: Any, body: bytes) -> tuple[bool, str]:
    """200 and 204 are heard, whatever the body says; everything else is tried again."""
    if status in (200, 204):
        return True, ""
    return False, "no answer" if status is None else f"status {status}, wanted 200 or 204"


def judged(event: Event, credentials: Any, status: int | None, body: bytes) -> tuple[bool, str]:
    """The same for one attempt of an event. A probe that is heard stays heard; the reason says what that means."""
    if event.about.get("v2"):
        return v2.heard(status, body)
    heard, why = accepted(status, (), body)
    return (True, NOT_VERIFYING) if heard and _is_probe(event) else (heard, why)


def _tries(event: Event) -> int:
    """How many attempts were made before this one."""
    return getattr(event, "tries", 0)


def _is_probe(event: Event) -> bool:
    return bool(event.about.get("probe")) and not _tries(event)


def _made_up(key: str, *parts: object) -> bytes:
    return hmac.digest(key.encode(), "\x1f".join(map(str, parts)).encode(), "sha512")

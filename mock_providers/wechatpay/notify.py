"""Notifications: what a merchant's address is told, how often, and what counts as heard."""

import secrets
from datetime import datetime
from typing import Any

from mock_providers.db import CHINA
from mock_providers.webhooks.models import Event
from mock_providers.wechatpay import wire
from mock_providers.wechatpay.account import signing_key

MINUTES, HOURS = 60, 3600
SCHEDULE: dict[str, tuple[int, ...]] = {
    "": (
        *(15, 15, 30),
        *(3 * MINUTES, 10 * MINUTES, 20 * MINUTES, 30 * MINUTES, 30 * MINUTES, 30 * MINUTES, 60 * MINUTES),
        *(3 * HOURS, 3 * HOURS, 3 * HOURS, 6 * HOURS, 6 * HOURS),
    ),
    "MEDICAL_INSURANCE.SUCCESS": (15, 15),
}
_SAYS = {
    "TRANSACTION.SUCCESS": ("transaction", "支付成功"),
    "REFUND.SUCCESS": ("refund", "退款成功"),
    "REFUND.ABNORMAL": ("refund", "退款异常"),
    "REFUND.CLOSED": ("refund", "退款关闭"),
    "MEDICAL_INSURANCE.SUCCESS": ("medical-insurance", "医保混合支付成功"),
}


def build(event: Event, credentials: dict[str, Any], now: datetime) -> tuple[list[tuple[str, str]], bytes]:
    """One attempt: the same id and content each time, sealed and signed afresh with wall time `now`.

    `event.about` says which key signs (`signer`) and which optional fields are left out.
    """
    about = event.about
    original, summary = _SAYS[event.type]
    usual = "" if original == "medical-insurance" or about.get("bare_data") else original
    nonce = secrets.token_hex(6)
    resource = {
        "original_type": original,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": wire.seal_aes(credentials["apiv3_key"], nonce, usual, wire.compact(event.plain)),
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
    signed = wire.signed_headers(key, serial, int(now.timestamp()), secrets.token_hex(16), body)
    headers = {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": "Mozilla/4.0",
        "Request-ID": wire.request_id(secrets.token_hex(21), 0),
        **signed,
    }
    return list(headers.items()), body


def accepted(status: int | None, headers: Any, body: bytes) -> tuple[bool, str]:
    """200 and 204 are heard, whatever the body says; everything else is tried again."""
    if status in (200, 204):
        return True, ""
    return False, "no answer" if status is None else f"status {status}, wanted 200 or 204"

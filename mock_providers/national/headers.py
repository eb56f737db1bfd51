"""Who calls the institutions' gateway: `x-tif-*` and `x-ca-*` request headers (sheet §1.4)."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from sqlalchemy import delete, select
from werkzeug.datastructures import Headers

from mock_providers import accounts, clock, journal, switches
from mock_providers.db import db
from mock_providers.national.models import GatewayNonce
from mock_providers.people import world

SKEW_SECONDS, NONCE_SECONDS = 300, 600
switches.declare(
    "national.gateway_auth",
    "x-tif",
    ("x-tif", "x-ca", "none"),
    kind="choice",
    source="nhsa §1.4",
    why="which province's request headers are checked",
)
switches.declare(
    "national.bad_signature",
    "http_401",
    ("http_401",),
    kind="choice",
    source="nhsa §1.4 (SIM)",
    why="allowed skew ±300 s of wall time, a nonce serves once in 600 s, the refusal is HTTP 401 with a short body",
)


class Unsigned(Exception):
    """The headers do not prove who calls; the text says why, for explanations only."""


def authenticate(headers: Headers, body: bytes) -> None:
    """Hold the request's headers against this space's secret. Raises Unsigned."""
    style = switches.value("national.gateway_auth")
    account = accounts.account("national")
    if style == "x-tif":
        _check_tif(headers, account)
    elif style == "x-ca":
        _check_ca(headers, body, account)


def _check_tif(headers: Headers, account: Mapping[str, Any]) -> None:
    stamp, nonce = headers.get("x-tif-timestamp", ""), headers.get("x-tif-nonce", "")
    shown = headers.get("x-tif-signature", "")
    right = tif_signature(stamp, account["secret"], nonce)
    journal.explain(string_to_sign=f"{stamp}<secret>{nonce}{stamp}", expected=right, shown=shown)
    if headers.get("x-tif-paasid") != account["paas_id"]:
        raise Unsigned("x-tif-paasid is not this space's")
    _check_stamp(stamp)
    if not 1 <= len(nonce) <= 64:
        raise Unsigned("x-tif-nonce is missing or too long")
    if not hmac.compare_digest(right.encode(), shown.encode()):
        raise Unsigned("x-tif-signature differs")
    _use_up(nonce)


def tif_signature(stamp: str, secret: str, nonce: str) -> str:
    """SHA-256 of timestamp, secret, nonce, timestamp; the body is not covered."""
    return hashlib.sha256(f"{stamp}{secret}{nonce}{stamp}".encode()).hexdigest()


def _check_ca(headers: Headers, body: bytes, account: Mapping[str, Any]) -> None:
    stamp, _, shown = headers.get("x-ca-signature", "").partition(":")
    right = ca_signature(stamp, account["secret"], body)
    journal.explain(string_to_sign=f"{stamp}\\n<body>", expected=f"{stamp}:{right}", shown=f"{stamp}:{shown}")
    _check_stamp(stamp)
    if headers.get("x-ca-key") not in world().institutions:
        raise Unsigned("x-ca-key is no institution")
    if not hmac.compare_digest(right.encode(), shown.encode()):
        raise Unsigned("x-ca-signature differs")


def ca_signature(stamp: str, secret: str, body: bytes) -> str:
    """Upper-case HMAC-SM3 over the timestamp, a line feed and the exact body."""
    mac = HMAC(secret.encode(), SM3())
    mac.update(stamp.encode() + b"\n" + body)
    return mac.finalize().hex().upper()


def _check_stamp(stamp: str) -> None:
    if not (stamp.isascii() and stamp.isdecimal()) or abs(int(stamp[:12]) - clock.wall_unix()) > SKEW_SECONDS:
        raise Unsigned(f"the timestamp is not within {SKEW_SECONDS} s of the wall clock")


def _use_up(nonce: str) -> None:
    now = clock.wall_unix()
    db.session.execute(delete(GatewayNonce).where(GatewayNonce.wall_seconds < now - NONCE_SECONDS))
    if db.session.scalar(select(GatewayNonce.id).where(GatewayNonce.nonce == nonce)):
        raise Unsigned("x-tif-nonce was used before")
    db.session.add(GatewayNonce(nonce=nonce, wall_seconds=now))
    db.session.flush()

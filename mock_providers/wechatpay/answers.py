"""The way out: JSON, the headers of every answer, the signature under it, and what somebody planned for it.

Everything an answer makes up (its Request-ID, its nonce) follows from the space's seed and the request (from wall
time where the request has no nonce), so the same story twice looks the same twice; nothing is written for it.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import Response, g, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from mock_providers import clock, journal, outcomes, serials, switches
from mock_providers.db import current_space, db, writing
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay import wire
from mock_providers.wechatpay.account import mine, signing_key
from mock_providers.wechatpay.errors import Refusal

JSON = "application/json; charset=utf-8"
TARGET = "wechatpay.response"
LANGUAGES = {"zh-cn": "zh-CN", "zh-hk": "zh-HK", "zh-tw": "zh-TW", "en": "en"}
PROBES = {"signature_probe": "base64", "signature_probe_not_base64": "not_base64"}
# What the gateway answers instead of the call's own answer; the call itself is not made.
FAULTS = {
    "system_error": ("SYSTEM_ERROR", e.SYSTEM_ERROR, 500),
    "bad_gateway": ("SERVICE_UNAVAILABLE", "服务下线，暂时不可用", 502),
    "unavailable": ("SERVICE_UNAVAILABLE", "服务不可用，过载保护", 503),
    "frequency": ("FREQUENCY_LIMITED", e.TOO_MANY, 429),
    "ratelimit": ("RATELIMIT_EXCEEDED", e.TOO_MANY, 429),
}
ACCEPTED, APPLIED = "accepted", "system_error_applied"
outcomes.declare(TARGET, *PROBES, *FAULTS, ACCEPTED, APPLIED)


def begin() -> None:
    """Make the answer's random bytes while the transaction is open."""
    given = request.headers.get("Authorization", "")
    nonce = "" if "nonce_str=" in given else clock.wall_ns()
    content = sha256(request.get_data()).digest() if request.content_length else b""
    g.random = serials.derive("wechatpay.answer", given, nonce, journal.raw_target(), content.hex(), size=64)


def random_hex(start: int, end: int) -> str:
    """Some of the answer's random bytes: 0 to 21 are its Request-ID, 21 to 37 its nonce, the rest is the call's."""
    if "random" not in g:
        g.write_mode = False
        begin()
    return g.random[start:end].hex()


# What was planned


def planned_for_answer() -> Response | None:
    """Look whether this call's answer was planned. A fault is used up and raised; 202 is used up and answered."""
    g.planned = None
    if not outcomes.anything(TARGET):
        return None
    known = outcomes.Outcome.__table__.c
    which = (known.space == current_space(), known.target == TARGET, known.ref.in_(("", _path())))
    g.planned = db.session.execute(db.select(known.outcome).where(*which).order_by(known.id).limit(1)).scalar()
    if g.planned in FAULTS:
        code, message, status = FAULTS[_use_up()]
        raise Refusal(code, message, status=status)
    if g.planned == ACCEPTED:
        _use_up()
        return Response(status=202, content_type=JSON)
    return None


def _path() -> str:
    return wire.bare_target(request.path)[:64]


def _use_up() -> str:
    planned, g.planned = g.planned, None
    with writing():
        outcomes.take(TARGET, "", _path())
    return planned


# Answers


def answer(content: Mapping[str, Any]) -> Response:
    """200 with JSON."""
    return Response(wire.compact(content), 200, content_type=JSON)


class Nothing(Response):
    """204 that says how long it is, as the real ones do and the framework would not."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Content-Length"] = "0"
        return headers


def nothing() -> Response:
    """204, which says it is JSON all the same."""
    return Nothing(status=204, content_type=JSON)


def refused(refusal: Refusal) -> Response:
    """Anything but 2xx. What was not committed is undone."""
    db.session.rollback()
    if "verdict" not in g.get("why", {}) or refusal.code != "SIGN_ERROR":
        journal.explain(refused=f"{refusal.code}: {refusal.message}")
    content = wire.error_body(refusal.code, refusal.message, refusal.detail)
    response = Response(content, refusal.status, content_type=JSON)
    g.nameless, g.internal = refusal.nameless, refusal.internal
    return response


def http(error: HTTPException) -> Response:
    """What the framework refuses (a body too big): the vendor would not answer with our documents."""
    return refused(Refusal("PARAM_ERROR", "请求体过大" if error.code == 413 else "请求不合法"))


def leave(response: Response) -> Response:
    """Headers of every answer; the signature of 2xx, of others only if a switch says so."""
    response.headers["Server"] = "nginx"
    if response.status_code in (404, 405) and not response.content_length:
        response.headers.pop("Content-Type", None)
        return response
    if response.status_code < 300 and g.get("planned") == APPLIED:
        _use_up()
        response = refused(Refusal("SYSTEM_ERROR", e.SYSTEM_ERROR))
        response.headers["Server"] = "nginx"
    headers = response.headers
    if not g.get("nameless"):
        headers["Request-ID"] = wire.request_id(random_hex(0, 21), g.get("internal", 0))
    headers["Content-Language"] = _language()
    headers["Cache-Control"] = "no-cache, must-revalidate"
    headers["X-Content-Type-Options"] = "nosniff"
    signed = response.status_code < 300 or switches.on("wechatpay.sign_errors")
    if signed and not g.get("unsigned"):  # a bill's file is not
        _sign(response)
    return response


def _language() -> str:
    """The first of our languages the caller names. What is said stays Chinese: no other text was published."""
    asked = request.headers.get("Accept-Language")
    if not asked or switches.value("wechatpay.content_language") != "asked":
        return "zh-CN"
    wanted = (one.partition(";")[0].strip().lower() for one in asked.split(","))
    return next((LANGUAGES[one] for one in wanted if one in LANGUAGES), "zh-CN")


# Signatures


def signer() -> str:
    """Which key signs for this caller: pubkey if the request named it, else the platform certificate's."""
    mode = switches.value("wechatpay.mode")
    if mode != "both":
        return mode
    return "pubkey" if request.headers.get("Wechatpay-Serial") == mine()["public_key_id"] else "cert"


def _sign(response: Response) -> None:
    forced = switches.value("wechatpay.response_key")
    key, serial = signing_key(mine(), signer() if forced == "request" else forced)
    content = response.get_data()
    nonce = random_hex(21, 37).upper()
    signed = wire.signed_headers(key, serial, clock.wall_unix(), nonce, content)
    if response.status_code < 300 and (form := _probe()):
        signed["Wechatpay-Signature"] = wire.probe(signed["Wechatpay-Signature"], form)
    response.headers.update(signed)


def _probe() -> str | None:
    """The form of the probe this answer carries, if it does."""
    if g.get("planned") in PROBES:
        return PROBES[_use_up()]
    rate = int(switches.value("wechatpay.probe_percent"))
    return switches.value("wechatpay.probe_form") if rate and _picked(rate) else None


def _picked(percent: int) -> bool:
    """Whether the seed picks this call; the same call again is never picked twice."""
    call = sha256(f"{request.method} {journal.raw_target()}\n".encode() + request.get_data()).hexdigest()[:32]
    with writing():
        if int.from_bytes(serials.derive("wechatpay.probe", call, size=4)) % 100 >= percent:
            return False
        return serials.number(f"probe {call}") == 1

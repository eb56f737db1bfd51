"""The door of the payment and prescription centres: open a sealed call, run it, seal what came of it."""

from collections.abc import Callable
from typing import Any

from flask import Response, g, request

from mock_providers import clock, journal, outcomes
from mock_providers.db import db
from mock_providers.national import wire
from mock_providers.national.authorisation import platform
from mock_providers.national.texts import Refused

Call = Callable[[dict[str, Any]], dict[str, Any]]
ALWAYS = {
    "system_error": "SIM-SYSTEM",
    "refuse": "SIM-REFUSED",
    "account_locked": "SIM-BUSY",
    "cap_changed": "SIM-CAP",
    "mutual_aid_paused": "SIM-AIDPAUSED",
}


class Unavailable(Exception):
    """Somebody asked for a gateway that does not get through: HTTP 503."""


def planned(target: str, person: str, ref: str) -> str:
    """Act on a result somebody asked for. Call it before anything is written: it commits what it used up.

    `unavailable` does nothing and answers 503; `timeout` does the work and then answers 503. The answer names a
    result the call itself must see to, or is "". Raises Refused, Unavailable.
    """
    asked = outcomes.take(target, person, ref)
    if asked is None:
        return ""
    db.session.commit()
    if asked == "unavailable":
        raise Unavailable
    if asked in ALWAYS:
        raise Refused(ALWAYS[asked])
    g.answer_is_lost = asked == "timeout"
    return asked


def serve(call: Call, version: str = wire.PAYMENT) -> Response:
    """Answer the sealed call at hand. Every refusal is HTTP 200 in the same wrapper, signed."""
    party, body = platform(), request.get_data()
    if wire.app_id(body) != party.app_id:
        return _reply(wire.stranger("appId不存在"))
    try:
        answer = wire.answer(_run(call, body, party, version), party, _now_ms(), version)
    except wire.Malformed as error:
        answer = _refused(str(error), party, version)
    except Refused as error:
        answer = _refused(error.text, party, version)
    except Unavailable:
        return _lost()
    return _lost() if g.pop("answer_is_lost", False) else _reply(answer)


def _run(call: Call, body: bytes, party: wire.Party, version: str) -> dict[str, Any]:
    data = wire.open_message(body, party, version)
    try:
        said = call(data)
    except RecursionError as error:
        raise wire.Malformed("报文嵌套过深") from error
    db.session.commit()
    return said


def _refused(message: str, party: wire.Party, version: str) -> bytes:
    db.session.rollback()
    journal.explain(verdict=message)
    return wire.refusal(message, party, _now_ms(), version)


def _now_ms() -> int:
    return clock.wall_ns() // 1_000_000


def _reply(body: bytes) -> Response:
    return Response(body, content_type="application/json;charset=UTF-8")


def _lost() -> Response:
    return Response("upstream request timeout", 503, content_type="text/plain")

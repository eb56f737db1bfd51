"""`/_mock/endpoints`: who is told besides the vendor's own address, with which keys; how soon they all answer."""

from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Blueprint, current_app, g, request
from marshmallow import fields, validate

from mock_providers import clock, serials, switches
from mock_providers.control import masking
from mock_providers.control.door import Page, Strict, page, route, text
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.webhooks import endpoints, engine, meter, receivers
from mock_providers.webhooks.endpoints import Endpoint

bp = Blueprint("control_endpoints", __name__)
VENDORS = tuple(receivers.terms())
A_NAME = validate.Regexp(
    r"^(?!\d+$)(?!meter$)[a-z0-9][a-z0-9._-]{0,39}\Z",
    error="1 to 40 of a-z, 0-9, . _ and -; not only digits, and not `meter`",
)
AN_ADDRESS = validate.Regexp(r"^https?://[!-~]{1,500}\Z", error="an http or https address of printable ASCII")
RESOLVE_SECONDS = 2.0


class Keys(Strict):
    """`credentials`: those of its own; the others are the account's. `new_secret`: make those that are not given."""

    url = fields.String(validate=AN_ADDRESS)
    events = fields.List(text(60), validate=validate.Length(0, 20))
    credentials = fields.Dict(keys=fields.String(), values=fields.Raw(), allow_none=True)
    new_secret = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    options = fields.Dict(keys=fields.String(), values=fields.Raw())


class NewEndpoint(Keys):
    vendor = fields.String(required=True, validate=validate.OneOf(VENDORS))
    url = fields.String(required=True, validate=AN_ADDRESS)
    name = fields.String(validate=A_NAME)


class SwitchOn(Strict):
    resend = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class SwitchOff(Strict):
    reason = text(150, load_default="by hand")


class Last(Strict):
    last = fields.Integer(load_default=meter.USUAL, validate=validate.Range(1, meter.MOST))


def endpoint_line(row: Endpoint, measured: dict[Any, Any] | None = None) -> dict[str, Any]:
    """An endpoint with its secrets shortened; `measured` is the meter's reading."""
    known = receivers.of(row.vendor)
    if measured is None:
        measured = meter.read()
    return {
        "id": row.id,
        "name": row.name,
        "vendor": row.vendor,
        "events": row.types or ["*"],
        "url": masking.target(row.url),
        "state": row.state,
        "since": row.since.isoformat(),
        "reason": row.reason,
        "credentials": known.shown(row.credentials) if known else {},
        "keys": "its own" if row.credentials else "the account's",
        "options": row.options,
        "failures": row.failures,
        "failing_since": row.failing_since.isoformat() if row.failing_since else None,
        "missed": endpoints.missed(row),
        "meter": measured.get((row.vendor, row.url, row.id)) or meter.summary(row.vendor, []),
    }


def _once(row: Endpoint) -> dict[str, Any]:
    """An endpoint with its own keys in clear: the one time they are shown. The journal keeps the shortened ones."""
    db.session.commit()
    said = endpoint_line(row)
    g.journal_answer = orjson.dumps(said)
    return {**said, "credentials": dict(row.credentials)}


def _one(which: str) -> Endpoint:
    row = endpoints.find(which)
    if row is None:
        there = ", ".join(one.name for one in endpoints.there()) or "none"
        raise Problem("NOT_FOUND", f"there is no endpoint {which[:40]!r} in this space; there are: {there}")
    return row


def _check_url(url: str) -> None:
    """Raises Problem ENDPOINT_URL_REFUSED where a callback could not go. No transaction is open while it resolves."""
    from mock_providers.webhooks.transport import Forbidden, checked_addresses

    db.session.rollback()
    allowed = current_app.config["SETTINGS"].allowed_hosts
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise _no(f"{url[:80]} is no address: {error}") from error
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise _no("an address names a host, and neither a user nor a fragment")
    try:
        checked_addresses(parts.hostname, port, allowed, RESOLVE_SECONDS)
    except Forbidden as error:
        raise _no(str(error)) from error
    except (OSError, UnicodeError) as error:
        if parts.hostname.lower() not in (name.lower() for name in allowed):
            raise _no(f"{parts.hostname} is not found, and not in MOCK_ALLOWED_HOSTS") from error


def _no(why: str) -> Problem:
    return Problem("ENDPOINT_URL_REFUSED", why, {"url": [why]})


def _put(row: Endpoint, given: dict[str, Any]) -> None:
    """What was given, checked against what the vendor settles with its receivers. Raises Problem."""
    known = receivers.terms()[row.vendor]
    credentials = dict(row.credentials or {})
    if "credentials" in given:
        credentials = {**credentials, **given["credentials"]} if given["credentials"] else {}
    if given["new_secret"]:
        credentials = {**credentials, **_made(known, set(given.get("credentials") or ()))}
    options = {**(row.options or {}), **given.get("options", {})}
    try:
        known.check(credentials, options)
    except receivers.Wrong as error:
        names = ", ".join(error.wrong)
        raise Problem(
            "FIELD_INVALID", f"see fields: {names}", {name: [why] for name, why in error.wrong.items()}
        ) from error
    row.credentials, row.options = credentials, options
    if "events" in given:
        row.types = [one for one in given["events"] if one != "*"] if "*" not in given["events"] else []
    if "url" in given:
        row.url, row.host = given["url"], engine.host_of(given["url"])


def _made(known: receivers.Terms, given: set[str]) -> dict[str, str]:
    return {
        name: one.made_of(serials.fresh(f"endpoint.{name}", 64))
        for name, one in known.credentials.items()
        if name not in given and one.secret
    }


@bp.before_request
def _hide() -> None:
    """The journal keeps the call without the keys in it, whatever becomes of it."""
    if not request.get_data():
        return
    try:
        given = orjson.loads(request.get_data())
        held = given.get("credentials")
    except (orjson.JSONDecodeError, AttributeError):
        g.journal_body = b""
        return
    if held:
        named = held if isinstance(held, dict) else ()
        g.journal_body = orjson.dumps({**given, "credentials": {str(name)[:40]: "…" for name in named}})


@route(bp, "GET", "/endpoints", query=Page)
def list_endpoints(asked: dict[str, Any]) -> dict[str, Any]:
    """Who is told besides; `receivers` is the meter of every address, the vendors' own ones included."""
    measured = meter.read()
    rows = [row for row in endpoints.there() if row.id > asked["after"]][: asked["limit"] + 1]
    return {
        **page(rows, asked["limit"], lambda row: endpoint_line(row, measured)),
        "receivers": _receivers(measured),
        "switched_off": {
            "after": switches.value("control.endpoint_off_after"),
            "failures": int(switches.value("control.endpoint_off_failures")),
            "own_addresses": "never",
        },
        "banner": endpoints.banner(),
    }


def _receivers(measured: dict[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"vendor": vendor, "endpoint": endpoints.name_of(id_), "url": masking.target(url), **said}
        for (vendor, url, id_), said in measured.items()
    ]


@route(bp, "GET", "/endpoints/meter", query=Last)
def read_meter(asked: dict[str, Any]) -> dict[str, Any]:
    """How soon every receiver answered its last attempts, against the vendor's limit."""
    from mock_providers.webhooks.transport import SECONDS

    return {
        "items": _receivers(meter.read(asked["last"])),
        "next": None,
        "last": asked["last"],
        "given_up_after_ms": SECONDS * 1000,
    }


@route(bp, "GET", "/endpoints/<which>")
def show_endpoint(which: str) -> dict[str, Any]:
    """One endpoint, by number or name. Its secrets were shown when they were set."""
    row = _one(which)
    return {**endpoint_line(row), "banner": [endpoints.line(row)] if row.state == endpoints.OFF else []}


@route(bp, "POST", "/endpoints", body=NewEndpoint)
def add_endpoint(given: dict[str, Any]) -> dict[str, Any]:
    """Tell a vendor's events to another address as well. Its own keys are shown in this answer and never again."""
    _check_url(given["url"])
    there = endpoints.there()
    if len(there) >= endpoints.MOST:
        raise Problem("STATE_CONFLICT", f"there are {endpoints.MOST} endpoints already; remove one first")
    name = given.get("name") or f"endpoint-{serials.number('endpoint')}"
    if any(row.name == name for row in there):
        raise Problem("STATE_CONFLICT", f"there is an endpoint {name} already; change or remove it")
    now = clock.now()
    row = Endpoint(name=name, vendor=given["vendor"], types=[], state=endpoints.ON, since=now, created_at=now)
    _put(row, given)
    db.session.add(row)
    db.session.flush()
    endpoints.note(row, "added", f"endpoint {name} is told {row.vendor} {' '.join(row.types) or 'everything'}")
    return _once(row)


@route(bp, "PATCH", "/endpoints/<which>", body=Keys)
def change_endpoint(which: str, given: dict[str, Any]) -> dict[str, Any]:
    """Change its address, events, keys or form; `credentials: null` means the account's again."""
    if "url" in given:
        _check_url(given["url"])
    row = _one(which)
    _put(row, given)
    if "url" in given:
        endpoints.moved(row)
    said = sorted(name for name, value in given.items() if value is not False)
    endpoints.note(row, "changed", f"endpoint {row.name}: {', '.join(said) or 'nothing'} changed")
    if given["new_secret"] or given.get("credentials"):
        return _once(row)
    db.session.commit()
    return endpoint_line(row)


@route(bp, "DELETE", "/endpoints/<which>")
def remove_endpoint(which: str) -> dict[str, Any]:
    """Tell it nothing more; what is on its way to it is cancelled. What it was told stays in the records."""
    row = _one(which)
    cancelled = endpoints.remove(row)
    db.session.commit()
    return {"removed": row.name, "cancelled": cancelled}


@route(bp, "POST", "/endpoints/<which>/on", body=SwitchOn)
def switch_on(which: str, given: dict[str, Any]) -> dict[str, Any]:
    """Send to it again; with `resend` also what it missed."""
    row = _one(which)
    if row.state == endpoints.ON and not given["resend"]:
        raise Problem("STATE_CONFLICT", f"endpoint {row.name} is on")
    sent = endpoints.turn_on(row, given["resend"])
    db.session.commit()
    return {**endpoint_line(row), "resent": sent}


@route(bp, "POST", "/endpoints/<which>/off", body=SwitchOff)
def switch_off(which: str, given: dict[str, Any]) -> dict[str, Any]:
    """Send it nothing for now; what it misses is kept and can be sent when it is switched on."""
    row = _one(which)
    if row.state == endpoints.OFF:
        raise Problem("STATE_CONFLICT", f"endpoint {row.name} is off already: {row.reason}")
    endpoints.turn_off(row, given["reason"], clock.now())
    db.session.commit()
    return endpoint_line(row)

"""`/_mock/faults`: damage to what comes next, by name, for whom, how often; and the catalogue of every name."""

from typing import Any

from flask import Blueprint, current_app
from marshmallow import ValidationError, fields, validate

from mock_providers import clock
from mock_providers.control import durations
from mock_providers.control.door import BIGGEST, Page, Strict, page, route, text
from mock_providers.control.time import Instant
from mock_providers.control.traffic import endpoint
from mock_providers.control.world import person
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.webhooks import fault_book
from mock_providers.webhooks.catalogue import ANSWER, CALLBACK, CATALOGUE, VERDICTS, Fault
from mock_providers.webhooks.fault_book import LONGEST_SECONDS, AskedFault

bp = Blueprint("control_faults", __name__)
MOST = 10_000
SCOPE = ("vendor", "event", "path", "ref", "person", "endpoint")


class End(Instant):
    """RFC 3339, or how long from now."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        length = durations.parse(value) if isinstance(value, str | int | float) else None
        if length is not None:
            return length
        try:
            return super()._deserialize(value, attr, data, **more)
        except ValidationError as error:
            raise ValidationError(["RFC 3339, such as 2025-12-01T10:00:00+08:00, or how long: 10m"]) from error


class Scope(Strict):
    vendor = text(20)
    event = text(60)
    path = text(200)
    ref = text(64)
    person = text(10)
    endpoint = text(40)


class NewFault(Scope):
    fault = text(40, required=True)
    next = fields.Integer(strict=True, validate=validate.Range(1, MOST))
    until = End()
    percent = fields.Integer(strict=True, load_default=100, validate=validate.Range(1, 100))
    seconds = fields.Float(validate=validate.Range(0.0, LONGEST_SECONDS, min_inclusive=False))


class FaultList(Page):
    fault = text(40)
    vendor = text(20)


class FaultFilter(Scope):
    id = fields.Integer(validate=validate.Range(1, BIGGEST))
    fault = text(40)


class Names(Strict):
    on = fields.String(validate=validate.OneOf([CALLBACK, ANSWER]))
    vendor = text(20)
    verdict = fields.String(validate=validate.OneOf(VERDICTS))


def fault_line(row: AskedFault) -> dict[str, Any]:
    known = CATALOGUE[row.name]
    scope = {"event" if name == "type" else name: value for name, value in row.scope().items()}
    return {
        "id": row.id,
        "fault": row.name,
        "on": row.on,
        "scope": scope,
        "left": row.left,
        "until": row.until.isoformat() if row.until else None,
        "percent": row.percent,
        "seconds": row.seconds or known.seconds or None,
        "struck": row.struck,
        "expected": known.verdict,
        "banner": fault_book.line(row),
    }


def name_line(fault: Fault) -> dict[str, Any]:
    return {
        "name": fault.name,
        "on": fault.on,
        "vendors": list(fault.vendors),
        "expected": fault.verdict,
        "says": fault.says,
        "sources": fault.sources,
        "seconds": fault.seconds or None,
    }


@route(bp, "GET", "/faults", query=FaultList)
def list_faults(asked: dict[str, Any]) -> dict[str, Any]:
    """The faults that can still strike, oldest first."""
    rows = [row for row in fault_book.active() if row.id > asked["after"]]
    rows = [
        row for row in rows if asked.get("fault") in (None, row.name) and asked.get("vendor") in (None, row.vendor)
    ]
    return {**page(rows[: asked["limit"] + 1], asked["limit"], fault_line), "banner": fault_book.banner()}


@route(bp, "POST", "/faults", body=NewFault)
def add_fault(given: dict[str, Any]) -> dict[str, Any]:
    """Damage what comes next: the next n (one, unless said), or everything until a business time."""
    if "person" in given:
        person(given["person"])
    known = current_app.extensions["sender"].vendors
    if given.get("vendor") and given["vendor"] not in known:
        raise Problem("FIELD_INVALID", f"no vendor {given['vendor']!r}: {', '.join(known)}", {"vendor": ["unknown"]})
    if "endpoint" in given:
        given["endpoint"] = endpoint(given["endpoint"], given.get("vendor", "")).name
    until = given.get("until")
    if until is not None and not hasattr(until, "tzinfo"):
        until = clock.now() + until
    fault_book.sweep(clock.now())
    row = fault_book.add(
        given["fault"],
        left=given.get("next", 1 if until is None else None),
        until=until,
        percent=given["percent"],
        seconds=given.get("seconds", 0.0),
        **_columns({name: given[name] for name in SCOPE if name in given}),
    )
    db.session.commit()
    return fault_line(row)


@route(bp, "DELETE", "/faults", query=FaultFilter)
def remove_faults(asked: dict[str, Any]) -> dict[str, Any]:
    """Forget faults: all of them, or those named."""
    removed = fault_book.remove(**_columns(asked))
    db.session.commit()
    return {"removed": {"fault": removed}}


@route(bp, "GET", "/faults/catalogue", query=Names)
def catalogue(asked: dict[str, Any]) -> dict[str, Any]:
    """Every fault by name, what an honest party does about it, and where that is written."""
    rows = [
        fault
        for fault in CATALOGUE.values()
        if asked.get("on") in (None, fault.on)
        and ("vendor" not in asked or fault.concerns(asked["vendor"]))
        and asked.get("verdict") in (None, fault.verdict)
    ]
    return {"items": [name_line(fault) for fault in rows], "next": None, "verdicts": VERDICTS}


def _columns(named: dict[str, Any]) -> dict[str, Any]:
    """The API's words as the table's."""
    words = {"event": "type", "fault": "name"}
    return {words.get(name, name): value for name, value in named.items()}

"""`/_mock/wait`: block until an event is there (and was delivered), on the wall or in business time.

`clock=wall` (the default) waits `within` on the wall and moves nothing: what is due meanwhile happens by itself,
unless the clock stands still. `clock=business` waits no time at all: it moves the space's clock from one due thing to
the next, until the event is there or `within` of business time has gone by; then the clock stands (or runs on) there.
"""

from typing import Any

from flask import Blueprint, current_app, g
from marshmallow import fields, validate
from sqlalchemy import select

from mock_providers import clock
from mock_providers.control import why
from mock_providers.control.door import Strict, route, text
from mock_providers.control.time import Length
from mock_providers.control.traffic import delivery_line, endpoint, event_line
from mock_providers.control.walk import Walk, lock
from mock_providers.control.world import person
from mock_providers.db import current_space, db
from mock_providers.errors import Problem
from mock_providers.retention import alive
from mock_providers.webhooks.models import Delivery, Event

bp = Blueprint("control_wait", __name__)
LONGEST_WAIT = 300.0
LOOK_AGAIN_SECONDS = 0.25
COLUMNS = {"event": Event.type, "ref": Event.ref, "vendor": Event.vendor, "person": Event.person}
NEAREST = (("event", "ref", "vendor", "person"), ("event", "ref"), ("ref",), ("person", "event"), ("event",), ())


class Wait(Strict):
    event = text(60)
    ref = text(64)
    vendor = text(20)
    person = text(10)
    delivered = fields.Boolean(load_default=False)
    endpoint = text(40)
    within = Length(load_default=None)
    clock = fields.String(load_default="wall", validate=validate.OneOf(["wall", "business"]))


@route(bp, "GET", "/wait", query=Wait)
def wait(asked: dict[str, Any]) -> dict[str, Any]:
    """Block until there is such an event (and it was delivered); 408 with the nearest match if not in time."""
    if "person" in asked:
        person(asked["person"])
    known = current_app.extensions["sender"].vendors
    if asked.get("vendor") and asked["vendor"] not in known:
        raise Problem("FIELD_INVALID", f"no vendor {asked['vendor']!r}: {', '.join(known)}", {"vendor": ["unknown"]})
    seconds = asked["within"].total_seconds() if asked["within"] is not None else 5.0
    if asked["clock"] == "business":
        found, more = _walked(asked, seconds)
    else:
        seconds = min(seconds, LONGEST_WAIT)
        found, more = _waited(asked, seconds), {}
    if found:
        return {**found, **more}
    db.session.rollback()
    g.pop("facts", None)  # the clock may have been moved meanwhile
    raise Problem(
        "WAITED_TOO_LONG",
        f"not within {seconds:g} s of {'business time' if more else 'wall time'}: {_wanted_in_words(asked)}",
        nearest=_nearest(asked),
        queue=_queue(),
        **more,
    )


def _waited(asked: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    end = clock.monotonic() + seconds
    sender = current_app.extensions["sender"]
    while True:
        seen = sender.version
        if found := _found(asked):
            return found
        left = end - clock.monotonic()
        if left <= 0:
            return None
        with sender.changed:
            if sender.version == seen:
                sender.changed.wait(min(left, LOOK_AGAIN_SECONDS))


def _walked(asked: dict[str, Any], seconds: float) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Move the clock to what is due next, again and again. What fired is said either way."""
    db.session.rollback()
    walk = Walk(current_app._get_current_object(), current_space())  # type: ignore[attr-defined]
    with lock(walk.space):
        now, frozen = walk.now()
        end = now + Length().deserialize(seconds)
        while (found := _found(asked)) is None and now < end:
            db.session.rollback()
            due = walk.next_due()
            walk.to(max(now, min(due or end, end)), frozen)
            now = max(walk.now()[0], due or end)
        db.session.rollback()
        return found or _found(asked), {"now": walk.now()[0].isoformat(), "fired": walk.fired}


def _wanted_in_words(asked: dict[str, Any]) -> str:
    said = " ".join(f"{name} {asked[name]}" for name in COLUMNS if name in asked) or "any event"
    whom = f" to endpoint {asked['endpoint']}" if "endpoint" in asked else ""
    return f"{said}{', delivered' if asked['delivered'] else ''}{whom}"


def _wanted(asked: dict[str, Any], names: Any) -> Any:
    wanted = select(Event).where(alive(Event)).order_by(Event.id.desc()).limit(1)
    for name in names:
        if name in asked:
            wanted = wanted.where(COLUMNS[name] == asked[name])
    return wanted


def _found(asked: dict[str, Any]) -> dict[str, Any] | None:
    db.session.rollback()
    wanted = _wanted(asked, COLUMNS)
    if asked["delivered"]:
        told = select(Delivery.event_id).where(Delivery.state == "delivered", _to(asked))
        wanted = wanted.where(Event.id.in_(told))
    row = db.session.scalar(wanted)
    return {"event": event_line(row), "deliveries": [delivery_line(one) for one in _of(row)]} if row else None


def _to(asked: dict[str, Any]) -> Any:
    """Which receiver must have it: the vendor's own address, unless an endpoint is named."""
    if "endpoint" not in asked:
        return Delivery.endpoint_id.is_(None)
    return Delivery.endpoint_id == endpoint(asked["endpoint"]).id


def _of(row: Event) -> list[Delivery]:
    theirs = select(Delivery).where(Delivery.event_id == row.id).order_by(Delivery.id).limit(20)
    return list(db.session.scalars(theirs))


def _nearest(asked: dict[str, Any]) -> dict[str, Any] | None:
    """The event that fits best, how far it is, and in which of the wanted things it differs."""
    for names in NEAREST:
        if row := db.session.scalar(_wanted(asked, names)):
            deliveries = _of(row)
            other = [name for name in COLUMNS if name in asked and getattr(row, COLUMNS[name].key) != asked[name]]
            return {
                "event": event_line(row),
                "deliveries": [delivery_line(one) for one in deliveries],
                "differs_in": other,
                "why": [why.explained(one)["verdict"] for one in deliveries],
            }
    return None


def _queue() -> list[dict[str, Any]]:
    open_ = select(Delivery).where(Delivery.state.in_(("pending", "leased", "held")), alive(Delivery))
    return [delivery_line(row) for row in db.session.scalars(open_.order_by(Delivery.next_at).limit(20))]

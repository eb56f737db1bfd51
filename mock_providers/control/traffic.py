"""`/_mock/events`, `deliveries`, `attempts`, `calls`: what was told to whom, what came in, with exact bytes."""

import re
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app
from marshmallow import ValidationError, fields, validate
from sqlalchemy import select

from mock_providers import bounds, clock, journal
from mock_providers.control import banner, masking
from mock_providers.control.door import BIGGEST, ID, Page, Strict, fresh, page, route, text
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.journal import Call
from mock_providers.retention import alive
from mock_providers.webhooks import edits, endpoints, engine, fault_book, faults, plan_book
from mock_providers.webhooks.catalogue import CALLBACK, CATALOGUE
from mock_providers.webhooks.endpoints import Endpoint
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.webhooks.resend import SIGNATURES

bp = Blueprint("control_traffic", __name__)
STATES = ("pending", "leased", "delivered", "failed", "held", "cancelled")


def address(given: str) -> None:
    """Raises ValidationError where a callback could never go."""
    try:
        parts = urlsplit(given)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s\x00-\x1f]", given):
        raise ValidationError("an http or https address with a host, such as http://127.0.0.1:9000/notify")


class EventList(Page):
    vendor = text(20)
    type = text(60)
    ref = text(64)


class DeliveryList(EventList):
    state = fields.String(validate=validate.OneOf(STATES))
    event = fields.Integer(validate=validate.Range(1, BIGGEST))
    endpoint = text(40)


class AttemptList(Page):
    delivery = fields.Integer(validate=validate.Range(1, BIGGEST))
    ref = text(64)
    accepted = fields.Boolean()
    status = fields.Integer(validate=validate.Range(100, 599))


class CallList(Page):
    door = text(20)
    vendor = text(20)
    status = fields.Integer(validate=validate.Range(100, 599))


class Resend(Strict):
    to = fields.String(validate=[validate.Length(1, 500), address])
    edit = fields.Dict(keys=fields.String(validate=validate.Length(1, 100)))
    signature = fields.String(load_default="fresh", validate=validate.OneOf(SIGNATURES))
    fault = text(40)
    endpoint = text(40)


def one(model: Any, id_: int) -> Any:
    """A row of this space. Raises Problem NOT_FOUND."""
    row = db.session.scalar(select(model).where(model.id == id_, alive(model)))
    if row is None:
        gone = ", or no longer: see `retention`" if bounds.went(model.__tablename__, id_) else ""
        raise Problem("NOT_FOUND", f"there is no {model.__tablename__} {id_} in this space{gone}")
    return row


def endpoint(which: str, vendor: str = "") -> Endpoint:
    """An endpoint by name or number. Raises Problem FIELD_INVALID."""
    row = endpoints.find(which)
    if row is None or vendor not in ("", row.vendor):
        why = f"no endpoint {which!r}{f' of {vendor}' if vendor else ''}"
        raise Problem("FIELD_INVALID", why, {"endpoint": ["unknown"]})
    return row


def paged(model: Any, asked: dict[str, Any], show: Any, **filters: Any) -> dict[str, Any]:
    wanted = select(model).where(model.id > asked["after"], alive(model)).order_by(model.id).limit(asked["limit"] + 1)
    for name in filters.keys() & asked.keys():
        wanted = wanted.where(filters[name] == asked[name])
    if model is Delivery and {"vendor", "type", "ref"} & asked.keys():
        wanted = wanted.join(Event, Event.id == Delivery.event_id)
    if model is Attempt and "ref" in asked:
        wanted = wanted.join(Delivery, Delivery.id == Attempt.delivery_id)
        wanted = wanted.join(Event, Event.id == Delivery.event_id)
    found = page(list(db.session.scalars(wanted)), asked["limit"], show)
    return {**found, "retention": bounds.told([model.__tablename__], asked["after"])}


def event_line(row: Event) -> dict[str, Any]:
    return {
        "id": row.id,
        "notice_id": row.notice_id,
        "vendor": row.vendor,
        "type": row.type,
        "ref": row.ref,
        "created_at": row.created_at.isoformat(),
        "wall_ns": row.wall_ns,
    }


def delivery_line(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.id,
        "event": row.event_id,
        "endpoint": endpoints.name_of(row.endpoint_id),
        "url": masking.target(row.url),
        "state": row.state,
        "tries": row.tries,
        "next_at": row.next_at.isoformat() if row.next_at else None,
        "reason": row.reason,
        "plan": row.plan_id,
        "planned": row.plan_did,
        "behind": row.behind_id,
        "interrupted": row.interrupted,
        "how": {**row.how, "edit": masking.tree(row.how.get("edit", {}))} if row.how else None,
    }


def attempt_line(row: Attempt) -> dict[str, Any]:
    return {
        "id": row.id,
        "delivery": row.delivery_id,
        "number": row.number,
        "at": row.at.isoformat(),
        "wall_ns": row.wall_ns,
        "ms": row.ms,
        "url": masking.target(row.url),
        "status": row.status,
        "accepted": row.accepted,
        "reason": row.reason,
        "fault": row.fault,
        "after_crash": row.after_crash,
    }


def call_line(row: Call) -> dict[str, Any]:
    why = row.why or {}
    fault = why.get("fault") or {}
    return {
        "id": row.id,
        "door": row.door,
        "at": row.at.isoformat(),
        "wall_ns": row.wall_ns,
        "ms": row.ms,
        "method": row.method,
        "target": masking.target(row.target),
        "status": None if fault.get("heard") else row.status,
        "verdict": why.get("verdict"),
        "fault": why.get("fault"),
    }


@route(bp, "GET", "/events", query=EventList)
def events(asked: dict[str, Any]) -> dict[str, Any]:
    """What happened at the vendors, oldest first."""
    return paged(Event, asked, event_line, vendor=Event.vendor, type=Event.type, ref=Event.ref)


@route(bp, "GET", f"/events/{ID}")
def event(id_: int) -> dict[str, Any]:
    """One event: its plaintext (masked) and its deliveries."""
    row = one(Event, id_)
    theirs = db.session.scalars(select(Delivery).where(Delivery.event_id == id_).order_by(Delivery.id).limit(500))
    return {
        **event_line(row),
        "plain": masking.tree(row.plain),
        "about": masking.tree(row.about),
        "deliveries": [delivery_line(delivery) for delivery in theirs],
    }


@route(bp, "POST", f"/events/{ID}/resend", body=Resend)
def resend(id_: int, given: dict[str, Any]) -> dict[str, Any]:
    """Send it once more, outside the ladder: to the same or another address, fresh, stale or wrongly signed.

    `edit` changes the clear text before it is sealed and signed again: a merge patch, and members such as
    `/amount/total` that are JSON pointers. `fault` names one of the catalogue for this one, `endpoint` who is told it
    with keys of its own.
    """
    row = one(Event, id_)
    _check_again(row, given)
    whom = endpoint(given["endpoint"], row.vendor) if "endpoint" in given else None
    url = (
        given.get("to")
        or (whom and whom.url)
        or db.session.scalar(select(Delivery.url).where(Delivery.event_id == id_).order_by(Delivery.id).limit(1))
    )
    if url is None:
        raise Problem("STATE_CONFLICT", "this event has no address; give one in `to`")
    how = {"signature": given["signature"], "edit": given.get("edit", {}), "fault": given.get("fault")}
    again = Delivery(event_id=row.id, url=url, host=engine.host_of(url), next_at=clock.now(), how=how)
    again.endpoint_id = whom.id if whom else None
    db.session.add(again)
    return _committed(again)


def _check_again(row: Event, given: dict[str, Any]) -> None:
    """Raises Problem where the edit leads nowhere or the fault cannot be done to this event."""
    try:
        edits.edited(row.plain, given.get("edit", {}))
    except edits.NoSuchPlace as error:
        raise Problem("FIELD_INVALID", str(error), {"edit": [str(error)]}) from error
    if "fault" not in given:
        return
    fault_book.check(given["fault"], on=CALLBACK, vendor=row.vendor)
    if given["signature"] != "fresh":
        raise Problem(
            "FIELD_INVALID", "a fault signs as it must; leave out `signature`", {"signature": ["not with a fault"]}
        )
    if not faults.fits(CATALOGUE[given["fault"]], row.vendor, current_app.extensions["damages"], row):
        why = f"{given['fault']} cannot be done to this {row.type}"
        raise Problem("FIELD_INVALID", why, {"fault": ["does not fit this event"]})


def _committed(row: Delivery) -> dict[str, Any]:
    from flask import g

    g.emitted = True
    db.session.commit()
    return delivery_line(row)


@route(bp, "GET", "/deliveries", query=DeliveryList)
def deliveries(asked: dict[str, Any]) -> dict[str, Any]:
    """Events on their way to an address."""
    if "endpoint" in asked:
        asked["endpoint"] = endpoint(asked["endpoint"]).id
    by, of = {"vendor": Event.vendor, "type": Event.type, "ref": Event.ref}, {"endpoint": Delivery.endpoint_id}
    found = paged(Delivery, asked, delivery_line, state=Delivery.state, event=Delivery.event_id, **by, **of)
    return {**found, "banner": banner.lines()}


@route(bp, "GET", f"/deliveries/{ID}")
def delivery(id_: int) -> dict[str, Any]:
    """One delivery with its attempts."""
    row = one(Delivery, id_)
    tries = db.session.scalars(select(Attempt).where(Attempt.delivery_id == id_).order_by(Attempt.id).limit(500))
    return {**delivery_line(row), "attempts": [attempt_line(attempt) for attempt in tries]}


def _act(id_: int, action: str) -> dict[str, Any]:
    row = one(Delivery, id_)
    state = engine.may(row.state, action)
    if state is None:
        being_sent = " (it is on the wire)" if row.state == "leased" else ""
        raise Problem("STATE_CONFLICT", f"delivery {id_} is {row.state}{being_sent}; {action} is not possible")
    row.state = state
    if action in ("release", "send-now"):
        row.next_at, row.behind_id = clock.now(), None
    elif state == "cancelled":
        row.next_at, row.behind_id = None, None
        plan_book.passed([id_], clock.now())
    return _committed(row)


@route(bp, "POST", f"/deliveries/{ID}/hold")
def hold(id_: int) -> dict[str, Any]:
    """Keep it back until released."""
    return _act(id_, "hold")


@route(bp, "POST", f"/deliveries/{ID}/release")
def release(id_: int) -> dict[str, Any]:
    """Let a held one go."""
    return _act(id_, "release")


@route(bp, "POST", f"/deliveries/{ID}/send-now")
def send_now(id_: int) -> dict[str, Any]:
    """Try it now, whatever the ladder says."""
    return _act(id_, "send-now")


@route(bp, "POST", f"/deliveries/{ID}/cancel")
def cancel(id_: int) -> dict[str, Any]:
    """Never send it."""
    return _act(id_, "cancel")


@route(bp, "GET", "/attempts", query=AttemptList)
def attempts(asked: dict[str, Any]) -> dict[str, Any]:
    """Single tries."""
    by = {"delivery": Attempt.delivery_id, "status": Attempt.status, "accepted": Attempt.accepted}
    return paged(Attempt, asked, attempt_line, ref=Event.ref, **by)


@route(bp, "GET", f"/attempts/{ID}")
def attempt(id_: int) -> dict[str, Any]:
    """One try, exact bytes both ways."""
    row = one(Attempt, id_)
    return {**attempt_line(row), "url": row.url, **_bytes(row), "partial": _capped(row.response_body)}


@route(bp, "GET", "/calls", query=CallList)
def calls(asked: dict[str, Any]) -> dict[str, Any]:
    """What the app under test sent."""
    fresh()
    if "vendor" in asked:
        asked["door"] = asked.pop("vendor")
    return paged(Call, asked, call_line, door=Call.door, status=Call.status)


@route(bp, "GET", f"/calls/{ID}")
def call(id_: int) -> dict[str, Any]:
    """One call, exact bytes both ways, and why it was refused."""
    fresh()
    row = one(Call, id_)
    partial = len(row.request_body) >= journal.BODY_AT_MOST or len(row.response_body) >= journal.BODY_AT_MOST
    return {**call_line(row), "target": row.target, "why": row.why, **_bytes(row), "partial": partial}


def _capped(body: bytes) -> bool:
    from mock_providers.webhooks.transport import BODY_AT_MOST

    return len(body) >= BODY_AT_MOST


def _bytes(row: Any) -> dict[str, Any]:
    return {
        "request": {"headers": row.request_headers, "body_base64": b64encode(row.request_body).decode()},
        "response": {"headers": row.response_headers, "body_base64": b64encode(row.response_body).decode()},
    }

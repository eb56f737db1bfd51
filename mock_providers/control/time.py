"""`/_mock/clock`: look at a space's business time, freeze it, set it, move it forward."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app
from marshmallow import ValidationError, fields, validate, validates_schema

from mock_providers import clock
from mock_providers.control import durations
from mock_providers.control.door import Strict, route
from mock_providers.control.walk import Walk, lock
from mock_providers.db import CHINA, current_space, db

bp = Blueprint("control_clock", __name__)
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=CHINA), datetime(2199, 12, 31, tzinfo=CHINA)


class Length(fields.Field):
    """A duration."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> timedelta:
        length = durations.parse(value) if isinstance(value, str | int | float) else None
        if length is None:
            raise ValidationError("90s, 15m, 2h, 3d, PT2H or seconds; not negative, at most a century")
        return length


class Instant(fields.Field):
    """RFC 3339, with an offset."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> datetime:
        try:
            at = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ValidationError("RFC 3339, such as 2025-12-01T10:00:00+08:00") from error
        if at.tzinfo is None:
            raise ValidationError("says no offset; +08:00 is China")
        try:
            if EARLIEST <= at <= LATEST:
                return at.astimezone(CHINA)
        except OverflowError:
            pass
        raise ValidationError("between 1970 and 2199")


class Move(Strict):
    """At most one of set, advance, to; at most one of freeze, resume."""

    set = Instant()
    advance = Length()
    to = fields.String(validate=validate.OneOf(["next"]))
    freeze = fields.Boolean(truthy={True}, falsy={False})
    resume = fields.Boolean(truthy={True}, falsy={False})

    @validates_schema
    def one_way(self, data: dict[str, Any], **_: Any) -> None:
        if len({"set", "advance", "to"} & data.keys()) > 1:
            raise ValidationError("only one of set, advance, to", "set")
        if data.get("freeze") and data.get("resume"):
            raise ValidationError("freeze and resume exclude each other", "freeze")


def stand() -> dict[str, Any]:
    """How the clock stands."""
    walk = Walk(current_app._get_current_object(), current_space())  # type: ignore[attr-defined]
    now, frozen = walk.now()
    due = walk.next_due()
    return {"now": now.isoformat(), "frozen": frozen, "wall": clock.wall().isoformat(), "next_due": _said(due)}


def _said(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


@route(bp, "GET", "/clock")
def look() -> dict[str, Any]:
    """Business time of the space, whether it stands still, and when something is due next."""
    db.session.rollback()
    return stand()


@route(bp, "POST", "/clock", body=Move)
def move(given: dict[str, Any]) -> dict[str, Any]:
    """Set, advance, freeze or resume; answers when all work that fell due on the way has run."""
    db.session.rollback()
    walk = Walk(current_app._get_current_object(), current_space())  # type: ignore[attr-defined]
    with lock(walk.space), walk.sender.alone(walk.space):  # what is on its way belongs to the time before
        now, frozen = walk.now()
        frozen = bool(given.get("freeze")) or (frozen and not given.get("resume"))
        target = given.get("set") or now + given.get("advance", timedelta())
        if given.get("to"):
            target = max(walk.next_due() or now, now)
        if target < now or not {"set", "advance", "to"} & given.keys():
            walk.leave(target, frozen)
        else:
            walk.to(min(target, LATEST), frozen)
    return {**stand(), "fired": walk.fired}

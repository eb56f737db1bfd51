"""The one reader of time in this half: wall time for signature headers, business time for everything else.

Business time belongs to a space. It runs with the wall, shifted, or stands still.
"""

import time
from datetime import UTC, datetime, timedelta

from flask import Flask, g
from sqlalchemy import select

from mock_providers import spaces
from mock_providers.db import CHINA, current_space, db
from mock_providers.spaces import Space


def wall() -> datetime:
    """Wall time, +08:00."""
    return datetime.now(UTC).astimezone(CHINA)


def wall_ns() -> int:
    """Wall time as whole nanoseconds since 1970: one order for everything that was seen."""
    return time.time_ns()


def wall_unix() -> int:
    """Wall time as Unix seconds, as signature headers carry it."""
    return int(time.time())


def monotonic() -> float:
    """Seconds that only grow, for measuring how long something took."""
    return time.perf_counter()


def now(space: str | None = None) -> datetime:
    """Business time of a space (the current one if none is named), +08:00."""
    table = Space.__table__.c
    row = db.session.execute(
        select(table.offset_ms, table.frozen_at).where(table.name == (space or current_space()))
    ).first()
    if row is None:
        return wall()
    return row.frozen_at or wall() + timedelta(milliseconds=row.offset_ms)


def unix(space: str | None = None) -> int:
    """Business time as whole Unix seconds."""
    return int(now(space).timestamp())


def starting_offset_ms(start: str) -> int:
    """How far a clock that begins at `start` (RFC 3339, or `now`) stands from the wall."""
    return 0 if start == "now" else round((datetime.fromisoformat(start) - wall()).total_seconds() * 1000)


def ensure_default(app: Flask) -> None:
    """The space `default` always exists; its clock begins at `settings.start` and runs."""
    settings = app.config["SETTINGS"]
    with app.app_context():
        g.write_mode = False
        there = spaces.exists("default")
        db.session.rollback()
        if not there:
            g.write_mode = True
            spaces.create("default", settings.seed, starting_offset_ms(settings.start))
            db.session.commit()

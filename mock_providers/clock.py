"""The one reader of time in this half: wall time for signature headers, business time for everything else.

Business time belongs to a space. It runs with the wall, shifted, or stands still.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, g
from sqlalchemy import select, update

from mock_providers import spaces
from mock_providers.db import CHINA, current_space, db
from mock_providers.spaces import Space

Hands = tuple[int, datetime | None]


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
    return shown(hands(space or current_space()))


def shown(stands: Hands) -> datetime:
    """The time a clock that stands like this shows at this moment, to the millisecond."""
    offset_ms, frozen_at = stands
    at = frozen_at or wall() + timedelta(milliseconds=offset_ms)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def instant(ms: int | None) -> datetime | None:
    """An instant kept as milliseconds since 1970, +08:00."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, CHINA)


def hands(space: str) -> Hands:
    """How a space's clock stands."""
    known = spaces.facts(space)
    return (known.offset_ms, known.frozen_at) if known else (0, None)


def is_frozen(space: str) -> bool:
    """Whether business time stands still."""
    return hands(space)[1] is not None


def stand(space: str, at: datetime, walking: bool = False) -> None:
    """Stop a space's clock at an instant, in the open transaction. `walking`: only until a walk has ended."""
    _move(space, frozen_at=at, walking=walking)


def run(space: str, at: datetime) -> None:
    """Let a space's clock run on from an instant, in the open transaction."""
    _move(space, frozen_at=None, walking=False, offset_ms=_offset_ms(at))


def _move(space: str, **hands: Any) -> None:
    moved = update(Space).where(Space.name == space).values(**hands)
    db.session.execute(moved, execution_options={"synchronize_session": False})
    g.pop("facts", None)


def end_walks() -> None:
    """After a crash: a clock that stood only while a walk went on runs again from where it was."""
    table = Space.__table__.c
    for name, at in db.session.execute(select(table.name, table.frozen_at).where(table.walking)).all():
        run(name, at)


def _offset_ms(at: datetime) -> int:
    return round((at - wall()).total_seconds() * 1000)


def unix(space: str | None = None) -> int:
    """Business time as whole Unix seconds."""
    return int(now(space).timestamp())


def starting_at(start: str) -> datetime:
    """The instant a clock that begins at `start` (RFC 3339, or `now`) shows at first."""
    return wall() if start == "now" else datetime.fromisoformat(start)


def starting_offset_ms(start: str) -> int:
    """How far such a clock stands from the wall."""
    return 0 if start == "now" else _offset_ms(starting_at(start))


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

"""The one reader of time in the back end. The app is given its clock: the system's, or a space's in the simulator."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from flask import current_app

from yibao.db import current_space

CHINA = timezone(timedelta(hours=8))
Clock = Callable[[str], datetime]


def system(space: str) -> datetime:
    """Wall time, whatever the space."""
    return datetime.now(UTC).astimezone(CHINA)


def now() -> datetime:
    """Business time in the current space, +08:00, to the millisecond (as the database keeps it)."""
    at = current_app.extensions["clock"](current_space())
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def wall_unix() -> int:
    """Wall time as Unix seconds: only for signature headers."""
    return int(time.time())


def wall_ns() -> int:
    """Wall time in nanoseconds: one order for everything that was seen."""
    return time.time_ns()


def monotonic() -> float:
    return time.perf_counter()

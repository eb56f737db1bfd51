"""What to do with a delivery next. Pure: time and answers come in as arguments.

`tries` counts the attempts made so far, the one just made included. A schedule is the vendor's list of
pauses in seconds: WeChat Pay's fifteen pauses make sixteen attempts over 24 h 4 min.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

NEXT = {
    ("pending", "hold"): "held",
    ("pending", "send-now"): "pending",
    ("pending", "cancel"): "cancelled",
    ("held", "release"): "pending",
    ("held", "send-now"): "pending",
    ("held", "cancel"): "cancelled",
    ("delivered", "send-now"): "pending",
    ("failed", "send-now"): "pending",
    ("cancelled", "send-now"): "pending",
}


class Step(NamedTuple):
    """Where a delivery stands after an attempt."""

    state: str
    next_at: datetime | None


def next_due(schedule: Sequence[int], tries: int, accepted: bool, now: datetime) -> datetime | None:
    """When to try again; None means stop."""
    if accepted or tries > len(schedule):
        return None
    return now + timedelta(seconds=schedule[tries - 1])


def after(schedule: Sequence[int], tries: int, accepted: bool, now: datetime) -> Step:
    """The state an attempt at `now` leaves its delivery in."""
    if accepted:
        return Step("delivered", None)
    due = next_due(schedule, tries, accepted, now)
    return Step("pending", due) if due else Step("failed", None)


def ladder(schedule: Sequence[int], first: datetime) -> list[datetime]:
    """Every instant of a delivery that is never accepted."""
    instants = [first]
    for seconds in schedule:
        instants.append(instants[-1] + timedelta(seconds=seconds))
    return instants


def schedule_for(table: Mapping[str, Sequence[int]], event_type: str) -> Sequence[int]:
    """The pauses for this type of event; the key "" is for all others."""
    return table.get(event_type, table[""])


def may(state: str, action: str) -> str | None:
    """The state an action of a tester leads to, None if it cannot be done now."""
    return NEXT.get((state, action))


def host_of(url: str) -> str:
    """Host and port of an address; empty if it has none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()[:255]
    except ValueError:
        return ""

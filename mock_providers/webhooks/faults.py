"""Damage done on purpose to a callback: what every vendor's requests can suffer, and how a vendor adds its own.

Pure. A damage takes a `Case`, builds what it needs with the vendor's own `build`, and answers what is to be sent:
the last one is the attempt, those before it go first.
"""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha512
from typing import Any

from mock_providers.webhooks.catalogue import CATALOGUE, Fault

Build = Callable[..., tuple[Any, ...]]
SKEW = timedelta(minutes=10)
HUGE = 1024 * 1024
GARBAGE = b"\x1f\x8b\xff\xfe this is not what was agreed \x00"


@dataclass(frozen=True)
class Sent:
    """One request. `way`: how its bytes go out (empty: as usual), with pauses of `seconds` in all."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    way: str = ""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")

    def with_header(self, name: str, value: str | None) -> "Sent":
        """The same with a header set, or without it."""
        kept = [(known, old) for known, old in self.headers if known.lower() != name.lower()]
        return replace(self, headers=(*kept, *([] if value is None else [(name, value)])))


@dataclass(frozen=True)
class Case:
    """What an attempt is made from. `seconds`: how long a slow fault takes."""

    event: Any
    credentials: Any
    now: datetime
    build: Build
    seconds: float = 0.0

    def sent(self, *, plain: Mapping[str, Any] | None = None, notice_id: str = "", **changes: Any) -> Sent:
        """The request as the vendor makes it, with another content, id, `credentials` or `now`."""
        event = self.event
        if plain is not None or notice_id:
            event = copy.copy(event)
            event.plain = event.plain if plain is None else plain
            event.notice_id = notice_id or event.notice_id
        given = {"credentials": self.credentials, "now": self.now, **changes}
        headers, body, *query = self.build(event, given["credentials"], given["now"])
        return Sent(tuple(headers), body, query[0] if query else {})

    def draw(self, what: str, size: int = 32) -> bytes:
        """Bytes made up for this attempt: the same for the same event, try and purpose."""
        tries = getattr(self.event, "tries", 0)
        return sha512(f"{self.event.notice_id}\x1f{tries}\x1f{what}".encode()).digest()[:size]


Damage = Callable[[Case], Sent | Sequence[Sent]]
Fits = Callable[[str, Any], bool]


@dataclass(frozen=True)
class Vendor:
    """A vendor's own damages, and whether a fault fits an event."""

    damages: Mapping[str, Damage]
    fits: Fits


def turned(text: str, place: int = 10) -> str:
    """A text with one character exchanged for another of the same alphabet."""
    place = min(place, len(text) - 1)
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def edited(plain: Mapping[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """A copy of a content with one value exchanged, however deep."""
    made = copy.deepcopy(dict(plain))
    inner: Any = made
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return made


def _empty(case: Case) -> Sent:
    return replace(case.sent(), body=b"")


def _garbage(case: Case) -> Sent:
    return replace(case.sent(), body=GARBAGE)


def _huge(case: Case) -> Sent:
    sent = case.sent()
    return replace(sent, body=sent.body + b" " * HUGE)


def _truncated(case: Case) -> Sent:
    sent = case.sent()
    return replace(sent, body=sent.body[: len(sent.body) // 2])


def _lower_case(case: Case) -> Sent:
    sent = case.sent()
    return replace(sent, headers=tuple((name.lower(), value) for name, value in sent.headers))


def _by_way(way: str) -> Damage:
    return lambda case: replace(case.sent(), way=way, seconds=case.seconds)


def _replayed(case: Case) -> list[Sent]:
    sent = case.sent()
    return [sent, sent]


def _anew(case: Case) -> list[Sent]:
    return [case.sent(), case.sent(now=case.now + timedelta(seconds=1))]


def replaced_json(sent: Sent, **changes: Any) -> dict[str, Any]:
    """The members of a JSON body with some set, and those set to None left out."""
    members = {**json.loads(sent.body), **changes}
    return {name: value for name, value in members.items() if value is not None}


GENERIC: dict[str, Damage] = {
    "content_type_wrong": lambda case: case.sent().with_header("Content-Type", "text/plain"),
    "content_type_missing": lambda case: case.sent().with_header("Content-Type", None),
    "headers_in_lower_case": _lower_case,
    "body_empty": _empty,
    "body_garbage": _garbage,
    "body_huge": _huge,
    "body_truncated": _truncated,
    "body_cut_off": _by_way("cut_off"),
    "connection_reset": _by_way("reset"),
    "body_slow": _by_way("slow"),
    "body_dribbled": _by_way("dribbled"),
    "nonce_replayed": _replayed,
    "sent_twice_at_once": _by_way("twice"),
    "sent_anew": _anew,
    "timestamp_stale": lambda case: case.sent(now=case.now - SKEW),
    "timestamp_future": lambda case: case.sent(now=case.now + SKEW),
}


def fits(fault: Fault, vendor: str, known: Mapping[str, Vendor], event: Any) -> bool:
    """Whether this fault can be done to this event of a vendor."""
    if not fault.concerns(vendor):
        return False
    own = known.get(vendor)
    return own.fits(fault.name, event) if own else fault.name in GENERIC


def damaged(name: str, vendor: str, known: Mapping[str, Vendor], case: Case) -> list[Sent]:
    """What to send instead. The last one is the attempt."""
    own = known.get(vendor)
    damage = (own.damages.get(name) if own else None) or GENERIC[name]
    made = damage(replace(case, seconds=case.seconds or CATALOGUE[name].seconds))
    return [made] if isinstance(made, Sent) else list(made)

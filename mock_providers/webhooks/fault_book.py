"""Faults that were asked for: which, for whom, how often, until when; and which one a callback or a call gets.

A callback gets its fault in the transaction that claims it, and keeps it until the attempt is stored: after a crash
the same fault is done, not a second one. Nothing is random: a fault of less than 100 percent draws from the seed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Index, String, bindparam, delete, null, select, update
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, serials
from mock_providers.db import InSpace, Model, Moment, current_space, db
from mock_providers.errors import Problem
from mock_providers.people import world
from mock_providers.webhooks import faults
from mock_providers.webhooks.catalogue import ANSWER, CALLBACK, CATALOGUE
from mock_providers.webhooks.models import Delivery

LONGEST_SECONDS = 30.0
WHAT = {CALLBACK: "a callback", ANSWER: "an answer"}
SCOPE = ("vendor", "type", "path", "ref", "person", "endpoint")


class AskedFault(InSpace, Model):
    """A fault of the catalogue for what comes next. Empty scopes match anything; `left` None: until its time.

    `endpoint` empty is the vendor's own address: who listens besides changes nothing for it.
    `nth` is its number in the space and `seen` how often it could have struck: the draws of `percent` rest on them.
    """

    __tablename__ = "fault"
    __table_args__ = (Index(None, "space", "on"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    on: Mapped[str] = mapped_column(String(10))
    vendor: Mapped[str] = mapped_column(String(20), default="")
    type: Mapped[str] = mapped_column(String(60), default="")
    path: Mapped[str] = mapped_column(String(200), default="")
    ref: Mapped[str] = mapped_column(String(64), default="")
    person: Mapped[str] = mapped_column(String(10), default="")
    endpoint: Mapped[str] = mapped_column(String(40), default="", server_default="")
    percent: Mapped[int] = mapped_column(default=100)
    seconds: Mapped[float] = mapped_column(default=0.0)
    left: Mapped[int | None]
    until: Mapped[datetime | None] = mapped_column(Moment)
    nth: Mapped[int]
    seen: Mapped[int] = mapped_column(default=0)
    struck: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)

    def scope(self) -> dict[str, str]:
        return {name: value for name in SCOPE if (value := getattr(self, name))}

    def note(self) -> dict[str, Any]:
        """What the attempt or the call it strikes remembers."""
        known = CATALOGUE[self.name]
        found = {"id": self.id, "name": self.name, "expected": known.verdict}
        return found | ({"seconds": self.seconds or known.seconds} if known.seconds else {})


TABLE: Any = AskedFault.__table__
_OPEN = select(TABLE).where(TABLE.c.space == bindparam("here"), TABLE.c.on == bindparam("on")).order_by(TABLE.c.id)


def check(name: str, on: str = "", **scope: Any) -> None:
    """Raises Problem FAULT_UNKNOWN or FIELD_INVALID. `on`: what it must damage, if that is given."""
    known = CATALOGUE.get(name)
    if known is None:
        near = sorted(CATALOGUE, key=lambda other: -_alike(name, other))[:5]
        raise Problem("FAULT_UNKNOWN", f"no fault {name[:60]!r}; near it: {', '.join(near)}", {"fault": ["unknown"]})
    if on not in ("", known.on):
        raise Problem(
            "FIELD_INVALID",
            f"{name} damages {WHAT[known.on]}, not {WHAT[on]}",
            {"fault": [f"is for {WHAT[known.on]}"]},
        )
    vendor = scope.get("vendor")
    if vendor and not known.concerns(vendor):
        raise Problem("FIELD_INVALID", f"{name} is for {', '.join(known.vendors)}", {"vendor": ["not its vendor"]})
    for foreign in ("path",) if known.on == CALLBACK else ("type", "endpoint"):
        if not scope.get(foreign):
            continue
        field = {"type": "event"}.get(foreign, foreign)
        raise Problem(
            "FIELD_INVALID", f"{name} damages {WHAT[known.on]}: it has no {field}", {field: ["not its scope"]}
        )
    if scope.get("seconds") and not known.seconds:
        raise Problem("FIELD_INVALID", f"{name} takes no seconds", {"seconds": ["not for this fault"]})


def _alike(one: str, other: str) -> int:
    return len(set(one.lower().split("_")) & set(other.split("_")))


def add(name: str, *, left: int | None = 1, until: datetime | None = None, percent: int = 100, seconds: float = 0.0,
        **scope: str) -> AskedFault:  # fmt: skip
    """Ask for a fault in the open transaction. Without an end it ends after one. Raises Problem."""
    check(name, seconds=seconds, **scope)
    now = clock.now()
    if until is not None and until <= now:
        raise Problem("FIELD_INVALID", f"it would end at {until.isoformat()}, and it is {now.isoformat()}",
                      {"until": ["is over"]})  # fmt: skip
    if left is None and until is None:
        raise Problem("FIELD_INVALID", "a fault ends by itself: give next or until", {"next": ["an end is missing"]})
    about = {"percent": percent, "seconds": seconds, "left": left, "until": until, "created_at": now}
    row = AskedFault(name=name, on=CATALOGUE[name].on, nth=serials.number("fault"), **about, **scope)
    db.session.add(row)
    db.session.flush()
    return row


def active() -> list[AskedFault]:
    """The faults of this space that can still strike, oldest first."""
    now = clock.now()
    rows = db.session.scalars(select(AskedFault).order_by(AskedFault.id))
    return [row for row in rows if row.until is None or row.until > now]


def banner() -> list[str]:
    """One line for every fault that can still strike."""
    return [line(row) for row in active()]


def line(row: AskedFault) -> str:
    """A fault in one line: what, for whom, how often, until when."""
    whom = " ".join(f"{name} {value}" for name, value in row.scope().items()) or f"space {row.space}"
    ends = [f"after {row.left} more"] if row.left is not None else []
    ends += [f"at {row.until.isoformat()}"] if row.until else []
    chance = f", {row.percent} percent" if row.percent < 100 else ""
    return f"fault {row.id}: {row.name} [{whom}]{chance} struck {row.struck}, ends {' or '.join(ends)}"


# Callbacks


def assign(jobs: Iterable[Any], now: datetime) -> None:
    """Give the jobs just claimed their faults, in the same transaction. One that has its fault already keeps it."""
    open_ = None
    for job in jobs:
        if job.fault or (job.how or {}).get("signature", "fresh") != "fresh":
            continue
        if named := (job.how or {}).get("fault"):
            job.fault = {"name": named, "expected": CATALOGUE[named].verdict}
            continue
        if open_ is None:
            open_ = list(db.session.execute(_OPEN, {"here": current_space(), "on": CALLBACK}))
        if open_ and (taken := _for_event(open_, job, now)):
            job.fault = taken
            open_ = None


def _for_event(open_: list[Any], job: Any, now: datetime) -> dict[str, Any] | None:
    known = current_app.extensions["damages"]
    for row in open_:
        event = job.event
        wanted = (getattr(row, name) for name in ("vendor", "type", "ref", "person"))
        given = (event.vendor, event.type, event.ref, event.person)
        if not all(map(_same, wanted, given)) or not _is_open(row, now):
            continue
        if row.endpoint != (job.endpoint.name if job.endpoint else ""):
            continue
        if faults.fits(CATALOGUE[row.name], event.vendor, known, event) and (struck := strike(row.id)):
            return struck
    return None


def _is_open(row: Any, now: datetime) -> bool:
    return (row.left is None or row.left > 0) and (row.until is None or row.until > now)


def strike(id_: int) -> dict[str, Any] | None:
    """Use a fault up by one in the open transaction; what to remember, None if its draw or somebody else won."""
    row = db.session.get(AskedFault, id_, populate_existing=True)
    if row is None or row.left == 0:
        return None
    row.seen += 1
    if row.percent < 100 and int.from_bytes(serials.derive("fault", row.nth, row.seen, size=8)) % 100 >= row.percent:
        db.session.flush()
        return None
    note = row.note()
    row.struck += 1
    if row.left is not None:
        row.left -= 1
        if not row.left:
            db.session.delete(row)
    db.session.flush()
    return note


# Answers


def for_call(vendor: str, path: str, shown: Callable[[], bytes]) -> list[Any]:
    """The faults that may strike the answer of this call, oldest first. `shown` gives everything the caller sent.

    An order or a person is known by its number standing in the call: one that is sealed is not seen.
    """
    rows = db.session.execute(_OPEN, {"here": current_space(), "on": ANSWER}).all()
    if not rows:
        return []
    now = clock.now()
    return [row._mapping for row in rows if _is_open(row, now) and _concerns(row, vendor, path, shown)]


def _concerns(row: Any, vendor: str, path: str, shown: Callable[[], bytes]) -> bool:
    if row.vendor not in ("", vendor) or not CATALOGUE[row.name].concerns(vendor):
        return False
    if not (_same(row.path, path) or _same(row.path, f"/{vendor}{path}")):
        return False
    if row.ref and row.ref.encode() not in shown():
        return False
    return not row.person or any(mark.encode() in shown() for mark in _marks(row.person))


def _same(wanted: str, given: str) -> bool:
    """`REFUND.*` begins with REFUND., nothing wanted is anything."""
    return wanted in ("", given) or (wanted.endswith("*") and given.startswith(wanted[:-1]))


def _marks(person: str) -> list[str]:
    """The numbers a person goes by in a call."""
    who = world().people.get(person)
    if who is None:
        return []
    marks = [who.id_number, getattr(who, "psn_no", ""), getattr(who, "phone", "")]
    if tell := current_app.extensions.get("openids_of"):
        marks += tell(person)
    return [mark for mark in marks if mark]


# Taking back


def remove(**which: Any) -> int:
    """Forget faults: all of this space, or those with this id, name or scope; how many. The caller commits."""
    gone = delete(AskedFault).where(AskedFault.space == current_space())
    for name, value in which.items():
        gone = gone.where(getattr(AskedFault, name) == value)
    result = db.session.execute(gone.execution_options(synchronize_session=False))
    return result.rowcount  # type: ignore[attr-defined]


def let_go(space: str) -> None:
    """Deliveries that were given a fault and not sent yet (a crash, a stop) leave whole. The caller commits."""
    given = update(Delivery).where(Delivery.space == space, Delivery.fault.is_not(None), Delivery.state != "leased")
    db.session.execute(given.values(fault=null()).execution_options(synchronize_session=False))


def sweep(now: datetime) -> None:
    """Forget faults whose time is over. The caller commits."""
    over = delete(AskedFault).where(AskedFault.space == current_space(), AskedFault.until <= now)
    db.session.execute(over.execution_options(synchronize_session=False))

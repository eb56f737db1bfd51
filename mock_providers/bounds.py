"""How much of what was seen is kept: so many calls and so many events a space, so many bytes of disk for all spaces.

The oldest go first, when it is about bytes those of the space that holds most: a loud tester does not cost a quiet
one his story. What is still on its way stays, however old. What had to go is counted by space and kind, and every
list says so. Freed pages are used again, so the file stops growing.
"""

from collections import Counter
from collections.abc import Iterable
from math import ceil
from typing import Any

from flask import current_app
from sqlalchemy import JSON, LargeBinary, String, delete, exists, func, literal, select, text, type_coerce
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import retention
from mock_providers.db import Model, current_space, db
from mock_providers.retention import alive

AT_ONCE = 2_000  # rows of a kind that go in one transaction: others want to write as well
EVERY = 1_000
ROOM = 0.1  # who drops for want of bytes makes room for some time
OWN_PART = 4
SWEEPS = 20
LOOK_AGAIN = 1.05
ROW_BYTES = 200
SETTLED = ("delivered", "failed", "cancelled")
WEIGHED = ("call", "event", "attempt")


class Dropped(Model):
    """How many rows of a kind (a table) were dropped in a space, the highest id among them, and when it was seen."""

    __tablename__ = "dropped"
    space: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    rows: Mapped[int]
    up_to: Mapped[int]
    wall_ns: Mapped[int]


DROPPED: Any = Dropped.__table__


def _table(kind: str) -> Any:
    return db.metadata.tables[kind]


class Bounds:
    """The limits of one process, and when to weigh again."""

    def __init__(self, rows: int, bytes_: int) -> None:
        self.rows, self.bytes = rows, bytes_
        self.look_at = bytes_
        self.gone: Counter[str] = Counter()
        self.came: Counter[str] = Counter()
        self.known: set[str] = set()

    def grew(self, spaces: Iterable[str]) -> None:
        """So many rows came (a space is named for each). Now and then, and when a space is new to us, trim."""
        self.came.update(spaces)
        if self.came.total() >= EVERY or not self.known.issuperset(self.came):
            self.trim(self.came)
            self.known.update(self.came)
            self.came.clear()

    def trim(self, spaces: Iterable[str]) -> None:
        """Drop what is too much in these spaces, and whatever is too much in all. The caller commits."""
        for space in spaces:
            self.gone["call"] += _drop_calls(space, _count("call", space) - self.rows)
            self.gone["event"] += _drop_events(space, _count("event", space) - self.rows)
            self.gone["timer"] += _drop_timers(space, self.rows)
        if (used := used_bytes()) > self.look_at:
            self._slim(used)

    def _slim(self, used: int) -> None:
        """Make room: what was reset away goes first. A part is for what was seen, however much vendors remember."""
        if all(retention.sweep() for _ in range(SWEEPS)):
            return  # there may be more of it: next time
        held = weights()
        excess = min(used - self.bytes, held.total() - self.bytes // OWN_PART)
        before = self.gone.total()
        if excess > 0:
            self._drop(held, excess + round(self.bytes * ROOM))
        self.look_at = self.bytes if self.gone.total() > before else round(used * LOOK_AGAIN)

    def _drop(self, held: Counter[str], excess: int) -> None:
        for space, weight in held.most_common():
            if excess <= 0:
                return
            part = min(1.0, excess / weight)
            self.gone["call"] += _drop_calls(space, ceil(_count("call", space) * part))
            self.gone["event"] += _drop_events(space, ceil(_count("event", space) * part))
            excess -= round(weight * part)


def used_bytes() -> int:
    """What the database holds, without free pages."""
    if db.engine.dialect.name != "sqlite":
        return 0
    asked = (text(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
    pages, free, size = (int(db.session.execute(one).scalar_one()) for one in asked)
    return (pages - free) * size


def weights() -> Counter[str]:
    """Bytes of calls, events and attempts, by space."""
    held: Counter[str] = Counter()
    for kind in WEIGHED:
        table = _table(kind)
        long = [c for c in table.c if isinstance(c.type, JSON | LargeBinary)]
        size = sum((func.coalesce(func.length(type_coerce(c, LargeBinary)), 0) for c in long), literal(ROW_BYTES))
        for space, weight in db.session.execute(select(table.c.space, func.sum(size)).group_by(table.c.space)):
            held[space] += int(weight)
    return held


def _count(kind: str, space: str) -> int:
    table = _table(kind)
    wanted = select(func.count()).where(table.c.space == space, alive(table, space))
    return db.session.scalar(wanted.select_from(table)) or 0


def _drop_calls(space: str, many: int) -> int:
    if many <= 0:
        return 0
    table = _table("call")
    ids = select(table.c.id, table.c.wall_ns).where(table.c.space == space, alive(table, space))
    oldest = db.session.execute(ids.order_by(table.c.id).limit(min(many, AT_ONCE))).all()
    return _remove(space, table, oldest)


def _drop_events(space: str, many: int) -> int:
    """The oldest of which nothing is on its way, with their deliveries, attempts and what plans did to them."""
    if many <= 0:
        return 0
    event, delivery, attempt, step = map(_table, ("event", "delivery", "attempt", "plan_step"))
    open_ = exists().where(delivery.c.event_id == event.c.id, delivery.c.state.not_in(SETTLED))
    ids = select(event.c.id, event.c.wall_ns).where(event.c.space == space, alive(event, space), ~open_)
    oldest = db.session.execute(ids.order_by(event.c.id).limit(min(many, AT_ONCE))).all()
    for some in _pieces([row.id for row in oldest]):
        theirs = select(delivery.c.id, literal(0).label("wall_ns")).where(delivery.c.event_id.in_(some))
        sent = db.session.execute(theirs).all()
        tries = select(attempt.c.id, attempt.c.wall_ns).where(attempt.c.delivery_id.in_([row.id for row in sent]))
        _remove(space, attempt, db.session.execute(tries).all())
        _remove(space, delivery, sent)
        db.session.execute(delete(step).where(step.c.event_id.in_(some)))
    return _remove(space, event, oldest)


def _drop_timers(space: str, keep: int) -> int:
    """Of timers that went off the newest are kept; nobody pages through them by number."""
    timer = _table("timer")
    done = select(timer.c.done_ns).where(timer.c.space == space, timer.c.done_ns.is_not(None))
    edge = db.session.scalar(done.order_by(timer.c.done_ns.desc()).offset(keep).limit(1))
    if edge is None:
        return 0
    old = delete(timer).where(timer.c.space == space, timer.c.done_ns <= edge)
    return db.session.execute(old).rowcount  # type: ignore[attr-defined]


def _pieces(ids: list[int]) -> list[list[int]]:
    return [ids[start : start + 500] for start in range(0, len(ids), 500)]


def _remove(space: str, table: Any, rows: Any) -> int:
    """Delete these (id, wall_ns) and count them as dropped."""
    if not rows:
        return 0
    for some in _pieces([row.id for row in rows]):
        db.session.execute(delete(table).where(table.c.id.in_(some)))
    note(space, table.name, len(rows), max(row.id for row in rows), max(row.wall_ns for row in rows))
    return len(rows)


def note(space: str, kind: str, rows: int, up_to: int = 0, wall_ns: int = 0) -> None:
    """Count rows that are gone. The caller commits."""
    row = insert(DROPPED).values(space=space, kind=kind, rows=rows, up_to=up_to, wall_ns=wall_ns)
    more = {
        "rows": DROPPED.c.rows + row.excluded.rows,
        "up_to": func.max(DROPPED.c.up_to, row.excluded.up_to),
        "wall_ns": func.max(DROPPED.c.wall_ns, row.excluded.wall_ns),
    }
    db.session.execute(row.on_conflict_do_update(index_elements=["space", "kind"], set_=more))


def told(kinds: Iterable[str], after: int, by: str = "up_to") -> dict[str, Any]:
    """What a list says about itself: what is kept, how many rows are gone, whether any that followed `after` are.

    `by` is the column `after` is compared with: an id, or an instant of wall time.
    """
    bounds = current_app.extensions["bounds"]
    mine = select(DROPPED).where(DROPPED.c.space == current_space(), DROPPED.c.kind.in_(list(kinds)))
    gone = db.session.execute(mine).all()
    return {
        "rows_at_most": bounds.rows,
        "bytes_at_most": bounds.bytes,
        "dropped": sum(row.rows for row in gone),
        "gap": any(getattr(row, by) > after for row in gone),
    }


def went(kind: str, id_: int) -> bool:
    """Whether a row with this id may have been there and was dropped."""
    mine = select(DROPPED.c.up_to).where(DROPPED.c.space == current_space(), DROPPED.c.kind == kind)
    return id_ <= (db.session.scalar(mine) or 0)

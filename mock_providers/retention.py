"""Forgetting traffic at once: a mark below which a space's rows are gone, and rows removed behind it later.

Deleting ten thousand events with their bytes takes SQLite a quarter of a second; moving a mark takes a
millisecond. Ids are never used twice (AUTOINCREMENT), so what comes after the mark is what came later.
"""

from functools import cache
from typing import Any

from sqlalchemy import String, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import Model, current_space, db

CHUNK = 250


class Mark(Model):
    """Rows of `kind` (a table) in `space` up to this id are gone. `swept`: they are removed too."""

    __tablename__ = "mark"
    space: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    up_to: Mapped[int]
    swept: Mapped[bool] = mapped_column(default=False)


MARK: Any = Mark.__table__
_NEW = insert(MARK)
_MOVE = _NEW.on_conflict_do_update(
    index_elements=["space", "kind"], set_={"up_to": _NEW.excluded.up_to, "swept": _NEW.excluded.swept}
)


def alive(model: Any, space: Any = None) -> Any:
    """Condition: a row of a model or table that was not reset away. `space` may be a column."""
    table = getattr(model, "__table__", model)
    which = current_space() if space is None else space
    up_to = select(MARK.c.up_to).where(MARK.c.space == which, MARK.c.kind == table.name)
    return table.c.id > func.coalesce(up_to.correlate_except(MARK).scalar_subquery(), 0)


def forget(space: str, tables: list[Any]) -> dict[str, int]:
    """Move the marks of a space past everything there is; how many rows that hid. The caller commits."""
    hidden, moved = {}, []
    for table in tables:
        count, newest = db.session.execute(_there(table), {"which": space}).one()
        hidden[str(table.name)] = count
        if count:
            moved.append({"space": space, "kind": table.name, "up_to": newest, "swept": False})
    if moved:
        db.session.execute(_MOVE, moved)
    return hidden


@cache
def _there(table: Any) -> Any:
    """How many rows a space has in a table, and the newest: a statement made once, which costs more than it."""
    which: Any = bindparam("which")
    return select(func.count(), func.max(table.c.id)).where(table.c.space == which, alive(table, which))


def sweep() -> bool:
    """Remove a few hidden rows, children first; whether there may be more. The caller commits."""
    order = {table.name: place for place, table in enumerate(reversed(db.metadata.sorted_tables))}
    marks = db.session.execute(select(MARK.c.space, MARK.c.kind, MARK.c.up_to).where(~MARK.c.swept)).all()
    if not marks:
        return False
    space, kind, up_to = min(marks, key=lambda mark: (order[mark.kind], mark.space))
    table = db.metadata.tables[kind]
    some = select(table.c.id).where(table.c.space == space, table.c.id <= up_to).limit(CHUNK)
    gone = db.session.execute(delete(table).where(table.c.id.in_(some))).rowcount  # type: ignore[attr-defined]
    if gone < CHUNK:
        done = MARK.update().where(MARK.c.space == space, MARK.c.kind == kind, MARK.c.up_to == up_to)
        db.session.execute(done.values(swept=True))
    return True

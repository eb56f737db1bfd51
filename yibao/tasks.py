"""Work the back end does by itself when business time has come: ask again, expire, remind."""

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, g
from sqlalchemy import JSON, Index, String, delete, false, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import clock
from yibao.db import InSpace, Model, Moment, db

Handler = Callable[[str, dict[str, Any]], None]
HANDLERS: dict[str, Handler] = {}
TICK_SECONDS = 0.5
RETRY = timedelta(seconds=30)


class Task(InSpace, Model):
    """Due at a business instant. `ref` is the row it is about; one open task per (kind, ref) is kept.

    It stays until it was done: `running` is put off meanwhile, so that it comes again after a crash.
    """

    __tablename__ = "task"
    __table_args__ = (Index(None, "space", "due_at"), Index(None, "space", "kind", "ref"))
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    ref: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime] = mapped_column(Moment)
    about: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    running: Mapped[bool] = mapped_column(default=False, server_default=false())


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register `handler(ref, about)`. It commits by itself and may call providers (no transaction is open)."""

    def register(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return register


def at(due_at: datetime, kind: str, ref: str, **about: Any) -> None:
    """Plan a task in the open transaction, in place of an earlier one of the same kind for the same row."""
    drop(kind, ref)
    db.session.add(Task(kind=kind, ref=ref, due_at=due_at, about=about))


def drop(kind: str, ref: str) -> None:
    """Call off the tasks of a kind for a row."""
    db.session.execute(delete(Task).where(Task.kind == kind, Task.ref == ref))


def next_due() -> datetime | None:
    """When the current space's next task is due."""
    return db.session.scalar(select(Task.due_at).order_by(Task.due_at, Task.id).limit(1))


def run_due(now: datetime) -> list[dict[str, Any]]:
    """Do what is due in the current space, oldest first; say what was done."""
    done: list[dict[str, Any]] = []
    while True:
        task = db.session.scalars(
            select(Task).where(Task.due_at <= now).order_by(Task.due_at, Task.id).limit(1)
        ).first()
        if task is None:
            db.session.rollback()
            return done
        id_, kind, ref, about = task.id, task.kind, task.ref, task.about
        done.append({"kind": kind, "ref": ref, "due_at": task.due_at.isoformat()})
        task.running, task.due_at = True, now + RETRY
        db.session.commit()
        try:
            HANDLERS[kind](ref, about)
            db.session.rollback()
            db.session.execute(delete(Task).where(Task.id == id_, Task.running))
            db.session.commit()
        except Exception:
            db.session.rollback()
            at(now + RETRY, kind, ref, **about)
            db.session.commit()
            raise


class Ticker:
    """Runs due tasks of every space that has some, while the clock runs by itself: of one space one after another, of
    several at once, so that a provider that is slow in one of them does not hold up the others.

    What fell due since it looked last waits for its next look: calls and callbacks of the same moment come first, so
    that a story in which time stands still has one order.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.stopped = threading.Event()
        self.one_at_a_time: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.at_work: set[str] = set()

    def start(self) -> None:
        threading.Thread(target=self._run, name="tasks", daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()

    def _run(self) -> None:
        seen: set[int] = set()
        while not self.stopped.wait(TICK_SECONDS):
            with self.app.app_context():
                g.write_mode = False
                spaces = db.session.scalars(select(Task.__table__.c.space).distinct()).all()
            seen = {id_ for space in sorted(spaces) for id_ in self._look(space, seen)}

    def _look(self, space: str, seen: set[int]) -> set[int]:
        """Run what is due in a space, if some of it was due when it was looked at last; what is due."""
        with self.app.app_context():
            g.space, g.write_mode = space, False
            now = clock.now()
            due = set(db.session.scalars(select(Task.id).where(Task.due_at <= now)))
        if due & seen and space not in self.at_work:
            self.at_work.add(space)
            threading.Thread(target=self._work, args=(space, now), name=f"tasks-{space}", daemon=True).start()
        return due

    def _work(self, space: str, now: datetime) -> None:
        try:
            self.run(space, now)
        finally:
            self.at_work.discard(space)

    def run(self, space: str, now: datetime) -> list[dict[str, Any]]:
        """Run one space's due tasks; a failing one is logged and tried again 30 s later."""
        with self.one_at_a_time[space], self.app.app_context():
            g.space = space
            try:
                return run_due(now)
            except Exception:
                self.app.logger.exception("a task failed in space %s", space)
                db.session.rollback()
                return []

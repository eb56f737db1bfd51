"""Things that will happen by themselves in business time: an order closes, a refund completes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import current_app, g
from sqlalchemy import JSON, Index, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock
from mock_providers.db import InSpace, Model, Moment, current_space, db

HANDLERS: dict[str, Callable[[dict], None]] = {}


class Timer(InSpace, Model):
    """Due at a business instant; kept with `done_ns` once it was handled, and with `error` if that failed."""

    __tablename__ = "timer"
    __table_args__ = (Index(None, "space", "done_ns", "due_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime] = mapped_column(Moment)
    about: Mapped[dict] = mapped_column(JSON)
    done_ns: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(200), default="")


_ADD = insert(Timer.__table__)  # type: ignore[arg-type]


def handles(kind: str) -> Callable[[Callable[[dict], None]], Callable[[dict], None]]:
    """Register what happens when a timer of this kind is due. The handler runs inside a transaction."""

    def register(handler: Callable[[dict], None]) -> Callable[[dict], None]:
        HANDLERS[kind] = handler
        return handler

    return register


def at(due_at: datetime, kind: str, **about: object) -> None:
    """Start a timer in the open transaction."""
    g.emitted = True  # the dispatcher looks again when it is committed
    row = {"space": current_space(), "kind": kind, "due_at": due_at, "about": about, "error": ""}
    db.session.execute(_ADD, row)


def _waiting(until: datetime | None = None) -> Any:
    wanted = select(Timer).where(Timer.done_ns.is_(None)).order_by(Timer.due_at, Timer.id).limit(1)
    return wanted if until is None else wanted.where(Timer.due_at <= until)


def next_due() -> datetime | None:
    """When the current space's next timer is due."""
    timer = db.session.scalars(_waiting()).first()
    return timer.due_at if timer else None


def run_due(now: datetime) -> list[dict]:
    """Handle what is due in the current space, each in a transaction of its own; say what fired.

    A handler that raises changes nothing; its timer is marked with the error and does not come again.
    """
    fired: list[dict] = []
    while True:
        timer = db.session.scalars(_waiting(now)).first()
        if timer is None:
            db.session.rollback()
            return fired
        said = {"what": "timer", "at": timer.due_at.isoformat(), "kind": timer.kind, **timer.about}
        if error := _handle(timer):
            said["error"] = error
        fired.append(said)


def _handle(timer: Timer) -> str:
    id_, kind, about = timer.id, timer.kind, timer.about
    timer.done_ns = clock.wall_ns()
    try:
        HANDLERS[kind](about)
        db.session.commit()
        return ""
    except Exception as problem:
        db.session.rollback()
        current_app.logger.exception("timer %s failed: %s", kind, about)
        failed = db.session.get_one(Timer, id_)
        failed.done_ns, failed.error = clock.wall_ns(), f"{type(problem).__name__}: {problem}"[:200]
        db.session.commit()
        return failed.error

"""Things that will happen by themselves in business time: an order closes, a refund completes."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import JSON, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Moment, db

HANDLERS: dict[str, Callable[[dict], None]] = {}


class Timer(InSpace, db.Model):  # type: ignore[name-defined, misc]
    """Due at a business instant; deleted in the transaction that handles it."""

    __tablename__ = "timer"
    __table_args__ = (Index(None, "space", "due_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime] = mapped_column(Moment)
    about: Mapped[dict] = mapped_column(JSON)


def handles(kind: str) -> Callable[[Callable[[dict], None]], Callable[[dict], None]]:
    """Register what happens when a timer of this kind is due. The handler runs inside a transaction."""

    def register(handler: Callable[[dict], None]) -> Callable[[dict], None]:
        HANDLERS[kind] = handler
        return handler

    return register


def at(due_at: datetime, kind: str, **about: object) -> None:
    """Start a timer in the open transaction."""
    db.session.add(Timer(kind=kind, due_at=due_at, about=about))


def next_due() -> datetime | None:
    """When the current space's next timer is due."""
    return db.session.scalar(select(Timer.due_at).order_by(Timer.due_at, Timer.id).limit(1))


def run_due(now: datetime) -> list[dict]:
    """Handle what is due in the current space, each in a transaction of its own; say what fired."""
    fired = []
    while True:
        timer = db.session.scalars(
            select(Timer).where(Timer.due_at <= now).order_by(Timer.due_at, Timer.id).limit(1)
        ).first()
        if timer is None:
            db.session.rollback()
            return fired
        fired.append({"kind": timer.kind, "due_at": timer.due_at.isoformat(), **timer.about})
        db.session.delete(timer)
        HANDLERS[timer.kind](timer.about)
        db.session.commit()

"""Twice is once: a provider's message is applied the first time it is seen, in the transaction that applies it."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from yibao import clock
from yibao.db import InSpace, Model, Moment, current_space, db


class Received(InSpace, Model):
    """One message of a provider, known by the provider's own id for it."""

    __tablename__ = "received"
    __table_args__ = (UniqueConstraint("space", "provider", "event_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(96))
    at: Mapped[datetime] = mapped_column(Moment)


def first_time(provider: str, event_id: str) -> bool:
    """True once per message; the row stands or falls with the open transaction."""
    row = insert(Received).values(space=current_space(), provider=provider, event_id=event_id, at=clock.now())
    done = db.session.execute(
        row.on_conflict_do_nothing().returning(Received.id), execution_options={"all_spaces": True}
    )
    return done.first() is not None

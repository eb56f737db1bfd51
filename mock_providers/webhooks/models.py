"""Event → Delivery → Attempt: what happened, whom to tell, and each try with its exact bytes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import g
from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from mock_providers import clock, serials
from mock_providers.db import InSpace, Model, Moment, db
from mock_providers.webhooks import engine

NO_ID_TWICE = {"sqlite_autoincrement": True}
OF_ENDPOINTS = text("endpoint_id IS NOT NULL")


class Event(InSpace, Model):
    """A fact a vendor tells. `notice_id` is the vendor's own id for it and stays the same over retries."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("space", "notice_id"), Index(None, "space", "ref"), NO_ID_TWICE)
    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[str] = mapped_column(String(64))
    vendor: Mapped[str] = mapped_column(String(20))
    type: Mapped[str] = mapped_column(String(60))
    ref: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(10), default="", server_default="")
    plain: Mapped[dict[str, Any]] = mapped_column(JSON)
    about: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(Moment)
    wall_ns: Mapped[int]


class Delivery(InSpace, Model):
    """One event on its way to one address. state: pending, leased, delivered, failed, held, cancelled.

    `how` is set when a tester sends it once more: edited fields, and how it is signed. `plan_id` and `plan_did` say
    which plan touched it and how; one that waits behind another leaves once that one was tried. `interrupted` counts
    tries cut off by the end of the process, of which there is no attempt; `cut_off_ns` stands until the next one.
    `endpoint_id`: which further receiver it is for (endpoints.py); None is the vendor's own address.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(None, "state", "space", "next_at"),
        Index(None, "endpoint_id", sqlite_where=OF_ENDPOINTS, postgresql_where=OF_ENDPOINTS),
        NO_ID_TWICE,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(512))
    host: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(12), default="pending")
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    leased_at_ns: Mapped[int | None]
    how: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(200), default="")
    plan_id: Mapped[int | None]
    plan_did: Mapped[str] = mapped_column(String(120), default="", server_default="")
    behind_id: Mapped[int | None] = mapped_column(index=True)
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    interrupted: Mapped[int] = mapped_column(default=0, server_default="0")
    cut_off_ns: Mapped[int | None]
    endpoint_id: Mapped[int | None]


class Attempt(InSpace, Model):
    """One try: exact request and response bytes, how long it took, and what came of it; its fault, if it had one.

    `after_crash`: the try before it was cut off by the end of the process; the receiver may have had it already.
    """

    __tablename__ = "attempt"
    __table_args__ = NO_ID_TWICE
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(Moment)
    wall_ns: Mapped[int]
    ms: Mapped[float]
    url: Mapped[str] = mapped_column(String(512))
    request_headers: Mapped[list] = mapped_column(JSON)
    request_body: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    response_headers: Mapped[list] = mapped_column(JSON, default=list)
    response_body: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    accepted: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(200), default="")
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after_crash: Mapped[bool] = mapped_column(default=False, server_default="0")


ON_EMIT: list[Callable[[Event, list[Delivery]], None]] = []


def emit(
    vendor: str, type: str, ref: str, plain: dict[str, Any], url: str, *, person: str = "", **about: Any
) -> Event:
    """Write an event and its delivery into the open transaction; the sender wakes after the commit.

    `plain` is the vendor's plaintext, `ref` the business number people search for, `person` whose it is, `about`
    whatever the vendor's `notify.build` needs besides. Who is in ON_EMIT may change the deliveries, in order.
    """
    row = Event(
        vendor=vendor,
        notice_id=f"EV-{serials.fresh_hex('notice', 32)}",
        type=type,
        ref=ref,
        person=person,
        plain=plain,
        about=about,
        created_at=clock.now(),
        wall_ns=clock.wall_ns(),
    )
    db.session.add(row)
    db.session.flush()
    first = Delivery(event_id=row.id, url=url, host=engine.host_of(url), state="pending", next_at=row.created_at)
    db.session.add(first)
    db.session.flush()
    deliveries = [first]
    for act in ON_EMIT:
        act(row, deliveries)
    g.emitted = True
    return row


def twin(one: Delivery) -> Delivery:
    """The same event once more to the same address, in the same state, under the same plan."""
    where, how = ("event_id", "endpoint_id", "url", "host"), ("state", "next_at", "reason")
    names = (*where, *how, "plan_id", "plan_did", "behind_id")
    return Delivery(**{name: getattr(one, name) for name in names})


@event.listens_for(db.session, "after_commit")
def _wake(session: Session) -> None:
    if g and g.pop("emitted", False):
        from flask import current_app

        if sender := current_app.extensions.get("sender"):
            sender.wake()

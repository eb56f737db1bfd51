"""What changed, who changed it and under which policy; and alarms: things that must not have happened."""

from datetime import datetime
from typing import Any

from blinker import Signal
from flask import g, has_request_context
from sqlalchemy import JSON, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import clock
from yibao.db import InSpace, Model, Moment, db

CHANNELS = {"wechat": "hn_mini"}  # a session's door, as policies call it
transition = Signal("sent inside the transaction, with machine as sender and ref, event: a fact, noted just now")


def channel() -> str:
    """The channel at hand, as policies call it; what the system does by itself it does for the mini program."""
    door = g.get("channel", "wechat")
    return CHANNELS.get(door, door)


class AuditEntry(InSpace, Model):
    """One transition or alarm. `machine` names the state table, `ref` the row it happened to."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "space", "wall_ns"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), default="state")
    machine: Mapped[str] = mapped_column(String(30))
    ref: Mapped[str] = mapped_column(String(64), index=True)
    before: Mapped[str] = mapped_column(String(30), default="")
    after: Mapped[str] = mapped_column(String(30), default="")
    event: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(60))
    channel: Mapped[str] = mapped_column(String(20), default=channel)
    policy_version: Mapped[str] = mapped_column(String(20), default="")
    request_id: Mapped[str] = mapped_column(String(40), default="")
    about: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(Moment)
    wall_ns: Mapped[int]


def moved(machine: str, ref: str, before: str, after: str, event: str, actor: str, **about: Any) -> None:
    """Note a transition in the open transaction. actor: U user, R relative, S system, V vendor, C clerk."""
    _add("state", machine, ref, event, actor, before=before, after=after, about=about)
    transition.send(machine, ref=ref, event=event)


def alarm(machine: str, ref: str, event: str, **about: Any) -> None:
    """Note something that must be looked at (an amount that differs, a forged message)."""
    _add("alarm", machine, ref, event, "S", about=about)


def _add(kind: str, machine: str, ref: str, event: str, actor: str, **more: Any) -> None:
    db.session.add(
        AuditEntry(
            kind=kind,
            machine=machine,
            ref=ref,
            event=event,
            actor=actor,
            policy_version=g.get("policy_version", ""),
            request_id=g.get("request_id", "") if has_request_context() else "",
            at=clock.now(),
            wall_ns=clock.wall_ns(),
            **more,
        )
    )


def entries(after_ns: int, limit: int) -> list[dict[str, Any]]:
    """What the timeline shows of this space, oldest first."""
    rows = select(AuditEntry).where(AuditEntry.wall_ns > after_ns).order_by(AuditEntry.wall_ns).limit(limit)
    return [
        {
            "kind": row.kind,
            "machine": row.machine,
            "ref": row.ref,
            "event": row.event,
            "from": row.before,
            "to": row.after,
            "actor": row.actor,
            "about": row.about,
            "at": row.at.isoformat(),
            "wall_ns": row.wall_ns,
        }
        for row in db.session.scalars(rows)
    ]

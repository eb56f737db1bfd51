"""The outbox of subscribe messages: planned in the transaction of the fact, sent by a task after its commit.

At most once per fact: SENDING is committed before WeChat is called, and what a crash or silence left in it is
UNKNOWN, never sent again. A message that fails changes nothing but its own row.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from flask import current_app
from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit, clock, tasks
from yibao.db import InSpace, Model, Moment, current_space, db
from yibao.identity import mask_name
from yibao.providers import wechat
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.family.models import Binding, by_key
from yibao.steps.login.models import User, holder_of
from yibao.steps.messages import rules
from yibao.steps.settlement.models import Settlement

SEND = "messages.send"
OUTBOX = "outbox"


class Message(InSpace, Model):
    """One fact to be told. `ref` is the binding or settlement; `reason` says why it did not arrive."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("space", "purpose", "ref", "event"), Index(None, "space", "state"))
    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(32))
    event: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(16), default="PLANNED")
    reason: Mapped[str] = mapped_column(String(60), default="")
    planned_at: Mapped[datetime] = mapped_column(Moment)

    def move(self, event: str, reason: str = "") -> None:
        """Take one edge of the table and note it."""
        before, self.state = self.state, rules.move(self.state, event)
        self.reason = reason[:60]
        about = {"reason": self.reason} if reason else {}
        audit.moved("message", self.ref, before, self.state, f"{self.purpose}:{event}", "S", **about)


@cache
def wordings() -> Mapping[str, rules.Wording]:
    """What is said for each purpose. Raises rules.BadMessage."""
    return rules.wordings(tomllib.loads((files(__package__) / "messages.toml").read_text("utf-8")))


def template_ids() -> Mapping[str, str]:
    """The template of each purpose in this mini program; those it has not applied for are missing."""
    held = current_app.config["SETTINGS"].vendor(current_space(), "wechat").get("templates") or {}
    return {purpose: held[purpose] for purpose in rules.PURPOSES if held.get(purpose)}


@audit.transition.connect
def _plan(machine: str, ref: str, event: str, **_: Any) -> None:
    """A fact worth telling goes to the outbox, in the transaction that makes it one."""
    purpose = rules.FACTS.get((machine, event))
    if purpose is None:
        return
    row = insert(Message).values(
        space=current_space(),
        purpose=purpose,
        ref=ref,
        event=event,
        state="PLANNED",
        reason="",
        planned_at=clock.now(),
    )
    db.session.execute(row.on_conflict_do_nothing(), execution_options={"all_spaces": True})
    tasks.at(clock.now(), SEND, OUTBOX)


@tasks.handles(SEND)
def send_all(ref: str, about: dict[str, Any]) -> None:
    """Send what is planned, oldest first. Anything found in SENDING was cut off by a crash."""
    known = template_ids()
    for row in db.session.scalars(select(Message).where(Message.state == "SENDING")):
        row.move("cut_off")
    waiting = list(db.session.scalars(select(Message).where(Message.state == "PLANNED").order_by(Message.id)))
    db.session.commit()
    for row in waiting:
        _send(row, known.get(row.purpose))


def _send(row: Message, template_id: str | None) -> None:
    to, values = _fact(row)
    openid = to.openid if to else None
    if openid is None or template_id is None:
        row.move("drop", "nobody to tell" if openid is None else "no template")
        db.session.commit()
        return
    wording = wordings()[row.purpose]
    data = wording.filled(values)
    row.move("send")
    db.session.commit()
    event, reason = _told(openid, template_id, wording.page, data)
    row.move(event, reason)
    db.session.commit()


def _told(openid: str, template_id: str, page: str, data: Mapping[str, str]) -> tuple[str, str]:
    """What came of the call, as an event of the table."""
    try:
        wechat.send_message(openid, template_id, page, data)
    except VendorRefused as refused:
        unwanted = refused.code == rules.NOT_SUBSCRIBED
        return ("not_subscribed" if unwanted else "refused"), f"WeChat {refused.code}"
    except Unreachable as error:
        return "no_answer", str(error)
    return "sent", ""


def _fact(row: Message) -> tuple[User | None, dict[str, str]]:
    """Who is told, and what fills the words."""
    at = rules.instant(row.planned_at)
    if row.purpose in ("settlement", "refund"):
        return _of_settlement(db.session.scalars(select(Settlement).filter_by(number=row.ref)).one(), at)
    binding = by_key(row.ref)
    assert binding is not None  # nothing of bindings is deleted
    return _of_binding(binding, row.purpose, at)


def _of_settlement(settlement: Settlement, at: str) -> tuple[User | None, dict[str, str]]:
    split = settlement.split
    return db.session.get(User, settlement.user_id), {
        "institution": settlement.institution_name,
        "total": rules.amount(split.total_fen),
        "insured": rules.amount(split.insured_fen),
        "cash": rules.amount(split.cash_fen),
        "at": at,
    }


def _of_binding(binding: Binding, purpose: str, at: str) -> tuple[User | None, dict[str, str]]:
    """The binder hears that it is done; the relative, if a user of ours, that something is asked of them."""
    binder = db.session.get(User, binding.user_id)
    if purpose == "binding_done":
        return binder, {"relative": mask_name(binding.name), "at": at}
    relative = holder_of(binding.id_type, binding.id_number)
    return relative, {"binder": mask_name(binder.name if binder and binder.name else "亲属"), "at": at}

"""Bindings of relatives and the pictures of their papers. Nothing of them is deleted: an ended one is history."""

from collections.abc import Callable
from datetime import date, datetime

from flask import g
from sqlalchemy import Date, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit, clock, ids, policies, tasks
from yibao.db import InSpace, Model, Moment, db
from yibao.errors import Refused
from yibao.steps.commitment import models as letters
from yibao.steps.family import rules
from yibao.steps.login.models import User, real_name_removing

EXPIRE, CHECK, REVIEW, COME_OF_AGE, UNBIND = (
    "family.expire",
    "family.check",
    "family.review",
    "family.come_of_age",
    "family.unbind",
)

# A later step adds a function that says whether a binding (by its key) has an open order.
open_order_checks: list[Callable[[str], bool]] = []


class Binding(InSpace, Model):
    """One binding of one relative by one user, from draft to history.

    `reason` is the code that ended or last stopped it; `replaces` the binding an edit takes the place of;
    `expires_at` when a draft or an awaited face is given up; `usable_from` the policy's effect of binding.
    """

    __tablename__ = "binding"
    __table_args__ = (
        UniqueConstraint("space", "key"),
        Index(None, "space", "user_id"),
        Index(None, "space", "id_type", "id_number"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default="DRAFT")
    reason: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(String(200), default="")
    channel: Mapped[str] = mapped_column(String(20), default="hn_mini")
    hospital: Mapped[str] = mapped_column(String(12), default="")
    notice_version: Mapped[str] = mapped_column(String(20))
    notice_read_at: Mapped[datetime | None] = mapped_column(Moment)
    name: Mapped[str] = mapped_column(String(60), default="")
    id_type: Mapped[str] = mapped_column(String(20), default="")
    id_number: Mapped[str] = mapped_column(String(32), default="")
    relation: Mapped[str] = mapped_column(String(20), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    nationality: Mapped[str] = mapped_column(String(3), default="")
    gender: Mapped[str] = mapped_column(String(6), default="")
    born_on: Mapped[date | None] = mapped_column(Date)
    mother_name: Mapped[str] = mapped_column(String(60), default="")
    mother_id_number: Mapped[str] = mapped_column(String(32), default="")
    psn_no: Mapped[str] = mapped_column(String(30), default="")
    policy_version: Mapped[str] = mapped_column(String(20), default="")
    replaces: Mapped[str] = mapped_column(String(32), default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    waiting_since: Mapped[datetime | None] = mapped_column(Moment)
    next_retry_at: Mapped[datetime | None] = mapped_column(Moment)
    active_at: Mapped[datetime | None] = mapped_column(Moment)
    usable_from: Mapped[datetime | None] = mapped_column(Moment)
    unbinds_at: Mapped[datetime | None] = mapped_column(Moment)
    reauth_until: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def target(self) -> str:
        """What letters and face tickets of this binding are about."""
        return f"binding:{self.key}"

    @property
    def face_subject(self) -> str:
        """Whose face is asked for now: "relative", "mother" or nobody's."""
        if self.state not in ("FACE_PENDING", "REAUTH_REQUIRED") or self.born_on is None:
            return ""
        if self.state == "REAUTH_REQUIRED":
            return "relative"
        return rules.face_subject(self.id_type, self.born_on, clock.now().date(), policies.current()) or "relative"

    def move(self, event: str, actor: str = "U", **about: object) -> None:
        """Take the event's step in the table and note it. Raises Refused (see rules.move)."""
        if self.is_overdue:
            raise Refused("BINDING_EXPIRED")
        self._go(event, actor, **about)

    def _go(self, event: str, actor: str, **about: object) -> None:
        policies.current()
        before, self.state = self.state, rules.move(self.state, event, self.reason)
        if self.state in rules.ENDED:
            self.ended_at = clock.now()
        audit.moved("binding", self.key, before, self.state, event, actor, **about)

    @property
    def is_overdue(self) -> bool:
        """Whether its time is over although the task that expires it has not run yet."""
        waits = self.state in rules.DRAFTS or self.state == "FACE_PENDING"
        return waits and self.expires_at is not None and clock.now() >= self.expires_at

    def end(self, event: str, actor: str, reason: str = "", **about: object) -> None:
        """Into an end state: letters are void, tasks are called off."""
        self._go(event, actor, **({"reason": reason} if reason else {}), **about)
        self.reason = reason or self.reason
        self.expires_at = self.next_retry_at = None
        letters.revoke(self.target, actor)
        for kind in (EXPIRE, CHECK, REVIEW, COME_OF_AGE, UNBIND):
            tasks.drop(kind, self.key)

    def activate(self, actor: str) -> None:
        """Bound. An edited binding takes the old one's place; a child's 16th birthday is put in the diary."""
        policy, now = policies.current(), clock.now()
        assert self.born_on is not None
        self.move("activate", actor)
        self.active_at, self.usable_from = now, rules.usable_from(now, policy.effect.bind)
        self.policy_version, self.reason, self.expires_at, self.reauth_until = policy.version, "", None, None
        tasks.drop(EXPIRE, self.key)
        adult_on = rules.adult_on(self.born_on, policy.age_rule)
        if policy.age_rule.reauth_at_adult and now.date() < adult_on:
            tasks.at(rules.midnight(adult_on), COME_OF_AGE, self.key)
        if self.replaces:
            old = by_key(self.replaces)
            if old is not None and old.state in rules.BOUND:
                old.end("replace", "S", by=self.key)

    def give_up(self) -> None:
        """The binder ends it, bound or not. Raises Refused UNBIND_PENDING_ORDER, STATE_CONFLICT."""
        if self.state not in rules.BOUND:
            self.end("cancel", "U")
            return
        if any(check(self.key) for check in open_order_checks):
            raise Refused("UNBIND_PENDING_ORDER")
        edit = self.open_edit()
        if edit is not None:
            edit.end("cancel", "U")
        now = clock.now()
        self.unbinds_at = rules.usable_from(now, policies.current().effect.unbind)
        if self.unbinds_at > now:
            tasks.at(self.unbinds_at, UNBIND, self.key)
        else:
            self.end("unbind", "U")

    def open_edit(self) -> "Binding | None":
        """The binding under way that is to take this one's place."""
        rows = select(Binding).where(Binding.replaces == self.key, Binding.state.not_in(rules.ENDED))
        return next((row for row in db.session.scalars(rows) if not row.is_overdue), None)

    def expire_at(self, due_at: datetime) -> None:
        """Give it up at an instant unless it has gone on by then."""
        self.expires_at = due_at
        tasks.at(due_at, EXPIRE, self.key)

    def materials(self) -> list["Material"]:
        """The pictures uploaded for what is typed now, oldest first."""
        rows = select(Material).filter_by(binding=self.key, dropped=False).order_by(Material.id)
        return list(db.session.scalars(rows))


class Material(InSpace, Model):
    """One picture; the file is kept under its hash. `dropped`: it belonged to data that was typed anew."""

    __tablename__ = "material"
    __table_args__ = (Index(None, "space", "binding"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    binding: Mapped[str] = mapped_column(String(32))
    type: Mapped[str] = mapped_column(String(30))
    sha256: Mapped[str] = mapped_column(String(64))
    given_sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(3))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    dropped: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(Moment)


def draft(user_id: int, hospital: str, channel: str) -> Binding:
    """A new draft; the notice in force now is the one to be read."""
    policy, now = policies.current(), clock.now()
    binding = Binding(
        key=ids.fresh("binding"),
        user_id=user_id,
        hospital=hospital,
        channel=channel,
        notice_version=policy.notice.version,
        policy_version=policy.version,
        created_at=now,
    )
    db.session.add(binding)
    binding.expire_at(now + policy.family_account.draft_kept_for)
    audit.moved("binding", binding.key, "NONE", "DRAFT", "start", "U")
    return binding


def by_key(key: str) -> Binding | None:
    return db.session.scalars(select(Binding).filter_by(key=key)).first()


def mine(key: str) -> Binding:
    """The caller's own binding. Raises Refused NOT_FOUND for anybody else's."""
    binding = db.session.scalars(select(Binding).filter_by(key=key, user_id=g.user_id)).first()
    if binding is None:
        raise Refused("NOT_FOUND")
    return binding


def of_me(user: User, key: str) -> Binding:
    """A binding in which the user is the relative. Raises Refused NOT_FOUND."""
    about_me = select(Binding).filter_by(key=key, id_type=user.id_type, id_number=user.id_number)
    binding = db.session.scalars(about_me.where(Binding.state.in_(rules.COUNTED))).first()
    if binding is None or user.id_number is None:
        raise Refused("NOT_FOUND")
    return binding


def seen_by(user: User, key: str) -> Binding:
    """A binding of which the user is one side or the other. Raises Refused NOT_FOUND."""
    binding = by_key(key)
    return binding if binding is not None and binding.user_id == user.id else of_me(user, key)


def check_duplicate(binding: Binding) -> None:
    """Raises Refused FA_DUPLICATE if the user has, or is getting, a binding of this person."""
    others = select(Binding).where(
        Binding.user_id == binding.user_id,
        Binding.id_type == binding.id_type,
        Binding.id_number == binding.id_number,
        Binding.key.not_in((binding.key, binding.replaces)),
        Binding.state.not_in(rules.ENDED),
    )
    if any(not other.is_overdue for other in db.session.scalars(others)):
        raise Refused("FA_DUPLICATE")


def count(binding: Binding) -> rules.Count:
    """What the limits are held against: every other binding under way or in force."""
    others = Binding.key.not_in((binding.key, binding.replaces)), Binding.state.in_(rules.COUNTED)
    relations = select(Binding.relation).where(Binding.user_id == binding.user_id, *others)
    binders = select(Binding.user_id).where(
        Binding.user_id != binding.user_id,
        Binding.id_type == binding.id_type,
        Binding.id_number == binding.id_number,
        *others,
    )
    return rules.Count(list(db.session.scalars(relations)), len(set(db.session.scalars(binders))))


def patient(user_id: int, key: str) -> Binding:
    """The relative a user acts for. Raises Refused PAY_NOT_BOUND or REAUTH_REQUIRED."""
    binding = db.session.scalars(select(Binding).filter_by(key=key, user_id=user_id)).first()
    now = clock.now()
    if (
        binding is None
        or binding.state not in rules.BOUND
        or binding.usable_from is None
        or now < binding.usable_from
    ):
        raise Refused("PAY_NOT_BOUND")
    if rules.is_blocked(binding.state, binding.reauth_until, now):
        raise Refused("REAUTH_REQUIRED")
    return binding


@real_name_removing.connect
def _keep_the_person(user: User) -> None:
    held = select(Binding.id).where(Binding.user_id == user.id, Binding.state.in_(rules.COUNTED)).limit(1)
    if db.session.scalars(held).first() is not None:
        raise Refused("STATE_CONFLICT", "unbind the relatives first")


@letters.letter_sealed.connect
def _letter_signed(letter: letters.Letter) -> None:
    if letter.target.startswith("binding:"):
        binding = by_key(letter.target.removeprefix("binding:"))
        assert binding is not None
        binding.move("sign", letter=letter.key)

"""Face tickets. A later step opens one for its purpose, hears of its end through `face_finished`, consumes it once.

The way of a ticket: `open_ticket` in the step's transaction, commit, `request_check` (asks the vendor), the phone
does the check, `settle` (asks the vendor) or `told` (its signed notice); nobody else is believed. No picture and no
score is kept.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from blinker import Signal
from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit, clock, ids, inbox, tasks
from yibao.db import InSpace, Model, Moment, db
from yibao.errors import Refused
from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.face import rules
from yibao.steps.face.vendors import VENDORS, Check
from yibao.steps.login import models as login
from yibao.steps.login import rules as login_rules
from yibao.steps.login.models import User

T = TypeVar("T")
EXPIRE = "face.expire"

face_finished = Signal("sent with the ticket, inside the transaction that ends it (PASSED, FAILED, LOCKED, EXPIRED)")


@dataclass(frozen=True)
class Subject:
    """Whose face it must be."""

    name: str
    id_type: str
    id_number: str


class FaceTicket(InSpace, Model):
    """One face check: for one purpose, of one subject, about one target (a binding, an order).

    `vendor` recognises it and knows it by `verify_id`; `page_url` is its page, where it has one.
    """

    __tablename__ = "face_ticket"
    __table_args__ = (UniqueConstraint("space", "number"), Index(None, "space", "user_id", "id_number"))
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int]
    openid: Mapped[str] = mapped_column(String(128))
    purpose: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    id_type: Mapped[str] = mapped_column(String(20))
    id_number: Mapped[str] = mapped_column(String(50))
    state: Mapped[str] = mapped_column(String(10), default="ISSUED")
    code: Mapped[str] = mapped_column(String(24), default="")
    vendor: Mapped[str] = mapped_column(String(10), default=rules.WECHAT, server_default=rules.WECHAT)
    verify_id: Mapped[str] = mapped_column(String(256), default="")
    page_url: Mapped[str] = mapped_column(String(500), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def is_waiting(self) -> bool:
        return self.state in rules.WAITING

    @property
    def check(self) -> Check:
        """What the vendor is asked about."""
        return Check(self.number, self.openid, self.name, self.id_type, self.id_number, self.verify_id)

    def apply(self, event: str, code: str = "", actor: str = "V") -> None:
        """One move by the table; the end of the ticket is told to whoever waits for it."""
        before, self.state = self.state, rules.move(self.state, event)
        if event != "scored":
            self.code = code
        if before == self.state:
            return
        audit.moved("face", self.number, before, self.state, event, actor, purpose=self.purpose, code=code)
        if self.state in ("PASSED", "FAILED", "LOCKED", "EXPIRED"):
            self.finished_at = clock.now()
            tasks.drop(EXPIRE, self.number)
            face_finished.send(self)


def open_ticket(purpose: str, subject: Subject, target: str, user: User) -> FaceTicket:
    """A ticket in the open transaction; commit, then `request_check`. Raises Refused FACE_LOCKED."""
    now = clock.now()
    until = rules.locked_until(fails(user.id, subject), now)
    if until is not None:
        raise Refused("FACE_LOCKED", locked_until=until.isoformat())
    ticket = FaceTicket(
        number=ids.fresh("face"),
        user_id=user.id,
        openid=user.openid or "",
        vendor=rules.NATIONAL if login.channel() == login_rules.NATIONAL else rules.WECHAT,
        purpose=purpose,
        target=target,
        name=subject.name,
        id_type=subject.id_type,
        id_number=subject.id_number,
        state="ISSUED",
        code="",
        verify_id="",
        page_url="",
        created_at=now,
        expires_at=now + rules.TICKET_LIFE,
    )
    db.session.add(ticket)
    audit.moved("face", ticket.number, "NONE", "ISSUED", "issue", "U", purpose=purpose)
    tasks.at(ticket.expires_at, EXPIRE, ticket.number)
    return ticket


def request_check(ticket: FaceTicket) -> FaceTicket:
    """Get the verify_id, or the page, for the phone. No transaction may be open; commits.

    Raises Refused FACE_VENDOR_DOWN after three tries, VENDOR_ERROR if the vendor says no.
    """
    number, check, vendor = ticket.number, ticket.check, VENDORS[ticket.vendor]
    try:
        begun = _three_times(lambda: vendor.begin(check))
    except (Unreachable, VendorRefused) as error:
        raise _give_up(number, error) from error
    ticket = by_number(number)
    ticket.verify_id, ticket.page_url = begun
    db.session.commit()
    return ticket


def settle(number: str, user_id: int) -> FaceTicket:
    """Ask the vendor how the check went and let the ticket end by it. Commits.

    Raises Refused with the ticket's code unless it passed; a ticket that ended before answers the same again.
    """
    ticket = by_number(number, user_id)
    _end_in_time(ticket)
    db.session.commit()
    if not ticket.is_waiting:
        return _answer(ticket)
    if not ticket.verify_id:
        raise Refused("FACE_VENDOR_DOWN", "the vendor never began this check; open a new one")
    check, vendor = ticket.check, VENDORS[ticket.vendor]
    try:
        code = _three_times(lambda: vendor.result(check))
    except (Unreachable, VendorRefused) as error:
        raise _give_up(number, error) from error
    ticket = by_number(number, user_id)
    _conclude(ticket, code)
    db.session.commit()
    return _answer(ticket)


def told(notice: national.FaceResult) -> None:
    """A verified notice of the national platform: what it says holds, once, while the ticket waits. Caller commits.

    Raises Refused CALLBACK_UNKNOWN for a check that is not ours.
    """
    ticket = find(notice.serial)
    if ticket is None or ticket.vendor != rules.NATIONAL or ticket.verify_id not in ("", notice.face_token):
        raise Refused("CALLBACK_UNKNOWN", ref=notice.serial[:64])
    if inbox.first_time("national", f"face:{notice.serial}:{notice.status}"[:96]):
        _end_in_time(ticket)
        _conclude(ticket, rules.code_of_national(notice.status, notice.fail_code))


def _end_in_time(ticket: FaceTicket) -> None:
    """Over before it was finished: too late, or opened before the fail that locked."""
    if ticket.is_waiting and clock.now() >= ticket.expires_at:
        ticket.apply("expired", "FACE_TIMEOUT", "S")
    if ticket.is_waiting and rules.locked_until(fails(ticket.user_id, _subject(ticket)), clock.now()):
        ticket.apply("locked", "FACE_LOCKED", "S")


def _conclude(ticket: FaceTicket, code: str) -> None:
    """Let a waiting ticket go where the vendor's result takes it."""
    if ticket.is_waiting:
        for event in rules.events_of(code, len(fails(ticket.user_id, _subject(ticket)))):
            ticket.apply(event, code)


def consume(number: str, purpose: str, target: str) -> FaceTicket:
    """Use a passed ticket, once, for what it was opened for. The caller commits.

    Raises Refused NOT_FOUND, FACE_NOT_FINISHED or FACE_TICKET_USED.
    """
    ticket = by_number(number)
    if (ticket.purpose, ticket.target) != (purpose, target) or ticket.used_at is not None:
        raise Refused("FACE_TICKET_USED")
    if ticket.state != "PASSED":
        raise Refused(ticket.code or "FACE_NOT_FINISHED")
    ticket.used_at = clock.now()
    return ticket


def by_number(number: str, user_id: int | None = None) -> FaceTicket:
    """The ticket as the database has it now. Raises Refused NOT_FOUND, also for somebody else's."""
    ticket = find(number)
    if ticket is None or user_id not in (None, ticket.user_id):
        raise Refused("NOT_FOUND")
    return ticket


def find(number: str) -> FaceTicket | None:
    rows = select(FaceTicket).filter_by(number=number).execution_options(populate_existing=True)
    return db.session.scalars(rows).first()


def fails(user_id: int, subject: Subject) -> list[datetime]:
    """When this user failed on this subject since the last pass, within the longest lock, oldest first."""
    rows = (
        select(FaceTicket)
        .filter_by(user_id=user_id, id_type=subject.id_type, id_number=subject.id_number)
        .where(FaceTicket.finished_at > clock.now() - rules.LOCK)
        .order_by(FaceTicket.finished_at, FaceTicket.id)
    )
    found: list[datetime] = []
    for ticket in db.session.scalars(rows):
        if ticket.state == "PASSED":
            found.clear()
        elif ticket.code in rules.COUNTED and ticket.finished_at is not None:
            found.append(ticket.finished_at)
    return found


@tasks.handles(EXPIRE)
def expire(number: str, about: dict[str, object]) -> None:
    """Nobody came back in time."""
    ticket = by_number(number)
    if ticket.is_waiting and clock.now() >= ticket.expires_at:
        ticket.apply("expired", "FACE_TIMEOUT", "S")
        db.session.commit()


def _subject(ticket: FaceTicket) -> Subject:
    return Subject(ticket.name, ticket.id_type, ticket.id_number)


def _answer(ticket: FaceTicket) -> FaceTicket:
    if ticket.state != "PASSED":
        raise Refused(ticket.code)
    return ticket


def _three_times(call: Callable[[], T]) -> T:
    for _ in range(rules.VENDOR_TRIES - 1):
        with suppress(Unreachable):
            return call()
    return call()


def _give_up(number: str, error: Unreachable | VendorRefused) -> Refused:
    """The ticket is in ERROR; it may be asked for again while it lives."""
    code = "FACE_VENDOR_DOWN" if isinstance(error, Unreachable) else "VENDOR_ERROR"
    ticket = by_number(number)
    if ticket.is_waiting and ticket.state != "ERROR":
        ticket.apply("vendor_down", code)
    db.session.commit()
    words = f"{ticket.vendor} refused with {error.code}" if isinstance(error, VendorRefused) else ""
    return Refused(code, words)

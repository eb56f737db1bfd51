"""Users of WeChat and of the national app, the person each is bound to, and their sessions."""

from datetime import date, datetime, timedelta

from blinker import Signal
from flask import g
from sqlalchemy import Date, String, UniqueConstraint, delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit, auth, clock, ids
from yibao.db import InSpace, Model, Moment, current_space, db
from yibao.errors import Refused
from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.providers.national import Insurance, Person
from yibao.steps.login import rules

NATIONAL_LOGIN_LIFE = timedelta(minutes=10)
real_name_removing = Signal("sent with the user before the person is taken off; a receiver may raise Refused")
face_confirmed = Signal("sent with a user; a receiver answers True if the person's own face was recognised")


class User(InSpace, Model):
    """Somebody who logs in: by WeChat (`openid`), by the national platform (`national_sub`), or by both.

    The person fields are empty until the real name is bound; a national log-in brings it along.
    """

    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("space", "openid"),
        UniqueConstraint("space", "national_sub"),
        UniqueConstraint("space", "id_type", "id_number"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str | None] = mapped_column(String(128))
    national_sub: Mapped[str | None] = mapped_column(String(255))
    unionid: Mapped[str | None] = mapped_column(String(128))
    phone: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Moment)
    name: Mapped[str | None] = mapped_column(String(100))
    id_type: Mapped[str | None] = mapped_column(String(20))
    id_number: Mapped[str | None] = mapped_column(String(50))
    psn_no: Mapped[str | None] = mapped_column(String(30))
    gender: Mapped[str | None] = mapped_column(String(6))
    born_on: Mapped[date | None] = mapped_column(Date)
    insutype: Mapped[str | None] = mapped_column(String(6))
    insured_in: Mapped[str | None] = mapped_column(String(6))
    bound_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def is_bound(self) -> bool:
        return self.id_number is not None

    @property
    def person(self) -> Person:
        """The bound person as the national platform knows it. Raises Refused REAL_NAME_REQUIRED."""
        if self.id_number is None:
            raise Refused("REAL_NAME_REQUIRED")
        insurance = Insurance(self.insutype or "", "", "", self.insured_in or "", 0)
        return Person(
            psn_no=self.psn_no or "",
            name=self.name or "",
            id_type=self.id_type or "",
            id_number=self.id_number,
            gender=self.gender or "",
            born_on=self.born_on,
            insurances=(insurance,) if self.insutype else (),
        )

    def bind(self, person: Person, now: datetime) -> None:
        """Become this person. Raises Refused REAL_NAME_BOUND or REAL_NAME_TAKEN."""
        if self.id_number is not None:
            if (self.id_type, self.id_number) != (person.id_type, person.id_number):
                raise Refused("REAL_NAME_BOUND")
        elif holder_of(person.id_type, person.id_number) is not None:
            raise Refused("REAL_NAME_TAKEN")
        else:
            audit.moved("real_name", str(self.id), "NONE", "BOUND", "bind", "U")
            self.bound_at = now
        self.name, self.id_type, self.id_number = person.name, person.id_type, person.id_number
        self.psn_no, self.gender, self.born_on = person.psn_no, person.gender, person.born_on
        insurance = person.insurance
        self.insutype, self.insured_in = (insurance.kind, insurance.area) if insurance else (None, None)

    def unbind(self, event: str = "unbind", actor: str = "U") -> None:
        """Be nobody again. Raises Refused REAL_NAME_REQUIRED, or what a later step has against it."""
        if self.id_number is None:
            raise Refused("REAL_NAME_REQUIRED")
        real_name_removing.send(self)
        self.name = self.id_type = self.id_number = self.psn_no = self.gender = None
        self.born_on = self.insutype = self.insured_in = self.bound_at = None
        audit.moved("real_name", str(self.id), "BOUND", "NONE", event, actor)


class Session(InSpace, Model):
    """One login, by `channel` wechat or nhsa_app. Every refresh makes the next rotation; an older token ends it."""

    __tablename__ = "session"
    __table_args__ = (UniqueConstraint("space", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int] = mapped_column(index=True)
    channel: Mapped[str] = mapped_column(String(10), default=rules.WECHAT, server_default=rules.WECHAT)
    rotation: Mapped[int] = mapped_column(default=0)
    rotated_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    end_reason: Mapped[str] = mapped_column(String(20), default="")

    def is_alive(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.rotated_at + auth.REFRESH_LIFE

    def end(self, reason: str) -> None:
        self.ended_at, self.end_reason = clock.now(), reason
        audit.moved("session", self.number, "OPEN", "ENDED", reason, "U")

    def tokens(self) -> dict[str, object]:
        """A fresh pair for the front end."""
        now, space = clock.now(), current_space()
        return {
            "access_token": auth.mint(self.user_id, self.number, space, now),
            "refresh_token": auth.mint_refresh(self.user_id, self.number, space, self.rotation, now),
            "expires_in": int(auth.ACCESS_LIFE.total_seconds()),
            "token_type": "Bearer",
        }


class NationalLogin(InSpace, Model):
    """An attempt to log in that is on the platform's page. `return_to`: the front end's page, or ""."""

    __tablename__ = "national_login"
    __table_args__ = (UniqueConstraint("space", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    return_to: Mapped[str] = mapped_column(String(500), default="")
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


def current_user() -> User:
    """The caller, after `auth.required`."""
    return db.session.get_one(User, g.user_id)


def holder_of(id_type: str, id_number: str) -> User | None:
    """The user bound to this document."""
    return db.session.scalars(select(User).filter_by(id_type=id_type, id_number=id_number)).first()


def user_of(openid: str, unionid: str | None) -> User:
    """The user of an openid, made on first sight."""
    row = insert(User).values(space=current_space(), openid=openid, unionid=unionid, created_at=clock.now())
    db.session.execute(row.on_conflict_do_nothing(), execution_options={"all_spaces": True})
    user = db.session.scalars(select(User).filter_by(openid=openid)).one()
    user.unionid = unionid or user.unionid
    return user


def national_user(sub: str, person: Person, phone: str) -> User:
    """The user of somebody the national platform vouches for, made and bound on first sight.

    Whoever is bound to the document already is the same user, if it was their own face that said so. A document
    that was only typed into another account gives way: anybody can type it. Raises Refused REAL_NAME_BOUND, or
    what a later step has against taking a person off.
    """
    holder, known = holder_of(person.id_type, person.id_number), user_by_sub(sub)
    if holder is not None and holder is not known and holder.national_sub is None and not _is_confirmed(holder):
        holder.unbind("displaced", "S")
        db.session.flush()
        holder = None
    user = holder or known or User(created_at=clock.now())
    if known is not None and known is not user:
        known.national_sub = None
        db.session.flush()
    user.national_sub, user.phone = sub, user.phone or phone[:20] or None
    db.session.add(user)
    db.session.flush()
    user.bind(person, clock.now())
    return user


def user_by_sub(sub: str) -> User | None:
    return db.session.scalars(select(User).filter_by(national_sub=sub)).first()


def _is_confirmed(user: User) -> bool:
    return any(answer for _, answer in face_confirmed.send(user))


def begin_national(state: str, nonce: str, verifier: str, return_to: str) -> None:
    """Note an attempt; those whose time is over are swept out. The caller commits."""
    now = clock.now()
    db.session.execute(delete(NationalLogin).where(NationalLogin.expires_at <= now))
    more = {"return_to": return_to, "expires_at": now + NATIONAL_LOGIN_LIFE}
    db.session.add(NationalLogin(state=state, nonce=nonce, verifier=verifier, **more))


def national_attempt(state: str) -> NationalLogin:
    """An attempt that nobody came back from yet. Raises Refused LOGIN_STATE_INVALID."""
    row = db.session.scalars(select(NationalLogin).filter_by(state=state, used_at=None)).first()
    if row is None or clock.now() >= row.expires_at:
        raise Refused("LOGIN_STATE_INVALID")
    return row


def use_up(attempt: NationalLogin) -> None:
    """Once: of two at the same instant the second is refused. Raises Refused LOGIN_STATE_INVALID."""
    unused = NationalLogin.id == attempt.id, NationalLogin.used_at.is_(None)
    done = db.session.execute(
        update(NationalLogin).where(*unused).values(used_at=clock.now()).returning(NationalLogin.id)
    )
    if done.first() is None:
        raise Refused("LOGIN_STATE_INVALID")


def open_session(user: User, channel: str = rules.WECHAT) -> Session:
    """A new login of this user."""
    now = clock.now()
    row = Session(number=ids.fresh("session"), user_id=user.id, channel=channel, rotation=0, rotated_at=now)
    db.session.add(row)
    audit.moved("session", row.number, "NONE", "OPEN", "login", "U")
    return row


def session_by(number: str) -> Session | None:
    return db.session.scalars(select(Session).filter_by(number=number)).first()


def require_alive(user_id: int, number: str) -> None:
    """Raises Refused SESSION_EXPIRED unless this user's session goes on; `channel` says by which door it came."""
    row = session_by(number)
    if row is None or row.user_id != user_id or not row.is_alive(clock.now()):
        raise Refused("SESSION_EXPIRED")
    g.channel = row.channel


def channel() -> str:
    """By which door the caller came, once `auth.required` saw it: wechat or nhsa_app."""
    return str(g.get("channel", rules.WECHAT))


def registered(name: str, id_type: str, id_number: str) -> Person:
    """Ask 1101. Raises Refused PERSON_NOT_FOUND (also for another name), PERSON_DECEASED or VENDOR_ERROR."""
    try:
        person = national.person(name, id_type, id_number)
    except VendorRefused as refused:
        raise rules.refusal(rules.PERSON_REFUSALS, refused) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the national platform did not answer") from error
    rules.must_be_the_same(name, person.name)
    if person.id_number != id_number:
        raise Refused("VENDOR_ERROR", "the national platform answered about somebody else")
    return person

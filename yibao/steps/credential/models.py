"""医保电子凭证: one per user and person, and the codes shown for it."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit
from yibao.db import InSpace, Model, Moment, db
from yibao.errors import Refused
from yibao.providers.national import Person
from yibao.steps.credential import rules
from yibao.steps.login.models import User, face_confirmed

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Credential(InSpace, Model):
    """A user's e-credential. Bound to the person too: another person on the same account starts afresh."""

    __tablename__ = "credential"
    __table_args__ = (UniqueConstraint("space", "user_id", "psn_no"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    psn_no: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20), default="NONE")
    activated_at: Mapped[datetime | None] = mapped_column(Moment)

    def apply(self, event: str, actor: str) -> None:
        """Move by the table; showing a code leaves no trace. Raises what rules.move raises."""
        before, self.state = self.state, rules.move(self.state, event)
        if before != self.state:
            audit.moved("credential", self.psn_no, before, self.state, event, actor)


class ShownCode(InSpace, Model):
    """A code on somebody's screen, and whose it is."""

    __tablename__ = "shown_code"
    __table_args__ = (UniqueConstraint("space", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(28))
    user_id: Mapped[int] = mapped_column(index=True)
    binding_id: Mapped[str | None] = mapped_column(String(32))
    psn_no: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(100))
    id_type: Mapped[str] = mapped_column(String(20))
    id_number: Mapped[str] = mapped_column(String(50))
    expires_at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True)
class Holder:
    """Whose credential a code shows; `user_id` is the phone it was shown on."""

    user_id: int
    binding_id: str | None
    psn_no: str
    name: str
    id_type: str
    id_number: str


def of(user: User) -> Credential | None:
    """The credential of the user as the person they are now. Raises Refused REAL_NAME_REQUIRED."""
    rows = select(Credential).filter_by(user_id=user.id, psn_no=user.person.psn_no)
    return db.session.scalars(rows).first()


def state_of(user: User) -> str:
    """NONE, FACE_PENDING, ACTIVE or FROZEN."""
    held = of(user)
    return held.state if held else "NONE"


def require_active(user: User) -> None:
    """Raises Refused REAL_NAME_REQUIRED, CREDENTIAL_INACTIVE or CREDENTIAL_FROZEN."""
    rules.move(state_of(user), "show_code")


def apply(user: User, event: str, actor: str) -> Credential:
    """Move the user's credential, made on the first event."""
    held = of(user)
    if held is None:
        held = Credential(user_id=user.id, psn_no=user.person.psn_no, state="NONE")
        db.session.add(held)
    held.apply(event, actor)
    return held


@face_confirmed.connect
def is_confirmed(user: User) -> bool:
    """Whether the user's face was found to be the person's whose name they gave."""
    held = of(user)
    return held is not None and held.activated_at is not None


def freeze(user: User) -> None:
    """The person is dead or locked. The caller commits."""
    apply(user, "freeze", "S")


def face_passed(user: User, now: datetime) -> None:
    """Own face recognised: the credential is active. The caller commits."""
    apply(user, "face_passed", "V").activated_at = now


def issue_code(user_id: int, person: Person, now: datetime, binding_id: str | None = None) -> ShownCode:
    """A fresh code for a person's credential, on this user's screen. Codes that are over are swept out."""
    db.session.execute(delete(ShownCode).where(ShownCode.user_id == user_id, ShownCode.expires_at <= now))
    length = rules.CODE_LENGTH - len(rules.CODE_PREFIX)
    row = ShownCode(
        code=rules.CODE_PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(length)),
        user_id=user_id,
        binding_id=binding_id,
        psn_no=person.psn_no,
        name=person.name,
        id_type=person.id_type,
        id_number=person.id_number,
        expires_at=now + rules.CODE_LIFE,
    )
    db.session.add(row)
    return row


def who_is(code: str, now: datetime) -> Holder:
    """Whose code this is. Raises Refused CODE_EXPIRED."""
    row = db.session.scalars(select(ShownCode).filter_by(code=code)).first()
    if row is None or now >= row.expires_at:
        raise Refused("CODE_EXPIRED")
    return Holder(row.user_id, row.binding_id, row.psn_no, row.name, row.id_type, row.id_number)


def qr_svg(text: str) -> str:
    """The text as a QR picture that a page can show as it is."""
    import segno

    return segno.make(text, error="m", micro=False).svg_inline(scale=8, border=2)

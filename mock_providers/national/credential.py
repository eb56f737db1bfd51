"""医保电子凭证: who has one, the codes a phone shows, the tokens institutions get for them.

A code is shown for `ec_refresh_s`, can be decoded once within `ec_decode_s`, and becomes an ecToken that is bound to
the institution and business type that decoded it. A relative's code (亲情账户) is the relative's own credential.
"""

from datetime import datetime, timedelta

from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, serials, switches
from mock_providers.db import InSpace, Model, Moment, db
from mock_providers.errors import Problem
from mock_providers.national.person import beginning, standing
from mock_providers.people import Person, world

BUSINESS = {
    "01101": "挂号",
    "01102": "住院建档",
    "01103": "入院登记",
    "01104": "缴预缴金",
    "01201": "问诊",
    "01202": "预约检查",
    "01203": "检查",
    "01204": "治疗",
    "01301": "结算",
    "01302": "取药",
    "01303": "取报告",
    "01304": "打印票据清单",
    "01305": "病历复印",
    "02121": "药店购药",
    "02122": "下载外购处方",
    "03131": "APP线上身份认证",
    "04107": "线上支付授权",
}
MEMBERS = 5
switches.declare(
    "national.credential_default",
    "active",
    ("active", "none"),
    kind="choice",
    source="nhsa §4.1",
    why="whether everybody insured begins with an activated credential, or has to activate it first",
)
switches.declare(
    "national.ec_refresh_s",
    "60",
    (),
    kind="choice",
    source="nhsa §4.1 (SIM)",
    why="seconds after which a phone shows the next code: public pages contradict each other",
)
switches.declare(
    "national.ec_decode_s",
    "180",
    (),
    kind="choice",
    source="nhsa §4.1 (SIM)",
    why="seconds within which a shown code can be decoded, once",
)
switches.declare(
    "national.ec_token_ttl_s",
    "300",
    (),
    kind="choice",
    source="nhsa §4.1; domain §6.1 (SIM)",
    why="seconds an ecToken lives: short-lived, no figure published",
)
switches.declare(
    "national.ec_token_business",
    "institution",
    ("institution", "business"),
    kind="choice",
    source="nhsa §4.1",
    why="a token is bound to one business type, but pharmacies and hospitals use one for 1101 and the settlement: "
    "checked is the institution, or also that a settlement's token was decoded for settling (02121, 01301, 01302)",
)


class Credential(InSpace, Model):
    """Somebody's credential, once it was touched. state: ACTIVE, FROZEN."""

    __tablename__ = "national_credential"
    __table_args__ = (UniqueConstraint("space", "person"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(8), default="ACTIVE")
    activated_at: Mapped[datetime] = mapped_column(Moment)


class FamilyMember(InSpace, Model):
    """`member` is in the family account (亲情账户) of `holder`: the holder's phone can show the member's code."""

    __tablename__ = "national_family_member"
    __table_args__ = (UniqueConstraint("space", "holder", "member"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(String(10))
    member: Mapped[str] = mapped_column(String(10))
    since: Mapped[datetime] = mapped_column(Moment)


class ShownCode(InSpace, Model):
    """A code of `person`, on `shown_by`'s phone or from a face terminal. `institution`: only there, if set.

    `out_biz_no` and `auth_no` belong to a face terminal (EcAuth, AuthCheck).
    """

    __tablename__ = "national_shown_code"
    __table_args__ = (UniqueConstraint("space", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(10))
    shown_by: Mapped[str] = mapped_column(String(10))
    institution: Mapped[str] = mapped_column(String(30), default="")
    out_biz_no: Mapped[str] = mapped_column(String(64), default="")
    auth_no: Mapped[str] = mapped_column(String(64), default="", index=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    decoded_at: Mapped[datetime | None] = mapped_column(Moment)


class EcToken(InSpace, Model):
    """What an institution got for a code."""

    __tablename__ = "national_ec_token"
    __table_args__ = (UniqueConstraint("space", "token"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(10))
    institution: Mapped[str] = mapped_column(String(30))
    business: Mapped[str] = mapped_column(String(5))
    expires_at: Mapped[datetime] = mapped_column(Moment)


def seconds(name: str) -> timedelta:
    """A switch in seconds; its default where somebody set no number."""
    value = switches.value(name)
    return timedelta(seconds=int(value if value.isascii() and value.isdigit() else switches.ALL[name].default))


def state_of(person: Person) -> str:
    """NONE, ACTIVE or FROZEN. The dead and the uninsured have none."""
    now = standing(person)
    if now.deceased_on or not now.insutype:
        return "FROZEN" if now.deceased_on else "NONE"
    row = db.session.scalar(select(Credential).where(Credential.person == person.id))
    if row is not None:
        return row.state
    return "ACTIVE" if switches.value("national.credential_default") == "active" else "NONE"


def activate(person: Person) -> None:
    """Name, number and face were right. Raises Problem STATE_CONFLICT if there is nothing to activate."""
    now = standing(person)
    if now.deceased_on or not now.insutype or now.status == "0":
        raise Problem("STATE_CONFLICT", f"{person.id} is not insured, or dead: there is no credential to activate")
    if state_of(person) == "FROZEN":
        raise Problem("STATE_CONFLICT", f"the credential of {person.id} is frozen")
    row = db.session.scalar(select(Credential).where(Credential.person == person.id))
    if row is None:
        db.session.add(Credential(person=person.id, state="ACTIVE", activated_at=clock.now()))


def freeze(person: Person, frozen: bool = True) -> None:
    """Lock somebody's credential, or unlock it."""
    row = db.session.scalar(select(Credential).where(Credential.person == person.id))
    if row is None:
        row = Credential(person=person.id, activated_at=clock.now())
        db.session.add(row)
    row.state = "FROZEN" if frozen else "ACTIVE"


def members_of(holder: Person) -> list[str]:
    """Whose codes this phone can show besides the holder's own."""
    said = select(FamilyMember.member).where(FamilyMember.holder == holder.id)
    added = db.session.scalars(said.order_by(FamilyMember.id))
    return [*beginning()["family_account"].get(holder.id, []), *added]


def admit(holder: Person, member: Person) -> None:
    """Put somebody into a family account. Raises Problem STATE_CONFLICT: full, or oneself."""
    known = members_of(holder)
    if member.id in known:
        return
    if member.id == holder.id or len(known) >= MEMBERS:
        why = "nobody is a relative of themselves" if member.id == holder.id else f"{MEMBERS} members are the most"
        raise Problem("STATE_CONFLICT", why)
    db.session.add(FamilyMember(holder=holder.id, member=member.id, since=clock.now()))


def show(shown_by: Person, person: Person, institution: str = "") -> ShownCode:
    """A fresh code on a phone. Raises Problem STATE_CONFLICT: no active credential, or not in the family account."""
    if person.id != shown_by.id and person.id not in members_of(shown_by):
        raise Problem("STATE_CONFLICT", f"{person.id} is not in the family account of {shown_by.id}")
    for who in {shown_by.id, person.id}:
        if (state := state_of(world().people[who])) != "ACTIVE":
            raise Problem("STATE_CONFLICT", f"the credential of {who} is {state}, not ACTIVE")
    code = "424" + serials.fresh_digits("ec_code", 25)
    return _shown(ShownCode(code=code, person=person.id, shown_by=shown_by.id, institution=institution))


def face_shown(person: Person, institution: str, out_biz_no: str) -> ShownCode:
    """A face that passed at a terminal: a value in place of the code, and an authNo. Raises Problem."""
    if (state := state_of(person)) != "ACTIVE":
        raise Problem("STATE_CONFLICT", f"the credential of {person.id} is {state}, not ACTIVE")
    row = ShownCode(
        code="ano" + serials.fresh_digits("ec_face", 25),
        person=person.id,
        shown_by=person.id,
        institution=institution,
        out_biz_no=out_biz_no,
        auth_no=serials.fresh_hex("auth_no", 64),
    )
    return _shown(row)


def _shown(row: ShownCode) -> ShownCode:
    row.made_at = clock.now()
    db.session.add(row)
    db.session.flush()
    return row


def decodable(row: ShownCode | None, institution: str) -> bool:
    """Whether this institution may still decode it."""
    if row is None or row.decoded_at is not None or row.institution not in ("", institution):
        return False
    return clock.now() - row.made_at < seconds("national.ec_decode_s")


def waiting_at(institution: str) -> ShownCode | None:
    """The newest code shown at an institution's terminal that nobody has decoded."""
    said = select(ShownCode).where(ShownCode.institution == institution, ShownCode.decoded_at.is_(None))
    row = db.session.scalars(said.order_by(ShownCode.id.desc()).limit(1)).first()
    return row if decodable(row, institution) else None


def decode(row: ShownCode, institution: str, business: str) -> EcToken:
    """Use a code up for a token."""
    row.decoded_at = clock.now()
    return grant(world().people[row.person], institution, business)


def grant(person: Person, institution: str, business: str) -> EcToken:
    """A token of the region's form: six digits, `ec`, 30 more; 38 characters."""
    token = EcToken(
        token=f"{standing(person).area}ec{serials.fresh_hex('ec_token', 30)}",
        person=person.id,
        institution=institution,
        business=business,
        expires_at=clock.now() + seconds("national.ec_token_ttl_s"),
    )
    db.session.add(token)
    return token


def holder(token: str, institution: str = "", businesses: tuple[str, ...] = ()) -> str | None:
    """Whose token this is, while it lives and at the institution it was given to: a persona id.

    An empty `institution` asks about the person only; `businesses` counts where `national.ec_token_business` says so.
    """
    row = db.session.scalar(select(EcToken).where(EcToken.token == token))
    if row is None or row.expires_at <= clock.now() or institution not in ("", row.institution):
        return None
    strict = businesses and switches.value("national.ec_token_business") == "business"
    return None if strict and row.business not in businesses else row.person


def index_of(person: Person) -> str:
    """ecIndexNo: the same for ever, 32 hex digits."""
    return serials.derive("ec_index", person.id, size=16).hex()

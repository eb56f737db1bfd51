"""Letters and their seals. A letter belongs to a `target` of a later step ("binding:<key>"); `letter_sealed` tells
that step, inside the open transaction, that its letter was signed.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from blinker import Namespace
from flask import current_app
from sqlalchemy import JSON, Index, LargeBinary, String, Text, UniqueConstraint, event, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit, clock, ids, policies, texts
from yibao.db import InSpace, Model, Moment, db
from yibao.errors import Refused
from yibao.steps.commitment import rules

letter_sealed = Namespace().signal("letter-sealed")


@dataclass(frozen=True)
class Signer:
    """Who signs: the name for the text, and the number that only its hash and mask are kept of."""

    name: str
    id_number: str


class Letter(InSpace, Model):
    """One rendered 承诺书. `fields` are the masked values in it; `stale`: the data changed after it was rendered."""

    __tablename__ = "letter"
    __table_args__ = (UniqueConstraint("space", "key"), Index(None, "space", "target"))
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(26))
    user_id: Mapped[int]
    target: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), default="RENDERED")
    stale: Mapped[bool] = mapped_column(default=False)
    template_id: Mapped[str] = mapped_column(String(40))
    template_version: Mapped[str] = mapped_column(String(20))
    lang: Mapped[str] = mapped_column(String(8))
    rendered_html: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str] = mapped_column(String(64))
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    signer_name: Mapped[str] = mapped_column(String(60))
    signer_id_hash: Mapped[str] = mapped_column(String(64))
    signed_by_guardian_of: Mapped[str] = mapped_column(String(60), default="")
    supersedes: Mapped[str] = mapped_column(String(26), default="")
    policy_version: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(20), default=audit.channel)
    device: Mapped[str] = mapped_column(String(120), default="")
    signature_png: Mapped[bytes | None] = mapped_column(LargeBinary)
    strokes: Mapped[list[Any] | None] = mapped_column(JSON)
    signature_sha256: Mapped[str] = mapped_column(String(64), default="")
    rendered_at: Mapped[datetime] = mapped_column(Moment)
    viewed_at: Mapped[datetime | None] = mapped_column(Moment)
    signed_at: Mapped[datetime | None] = mapped_column(Moment)

    def move(self, event: str, actor: str = "U") -> None:
        """Take the event's step in the table, and note it."""
        policies.current()
        before, self.state = self.state, rules.move(self.state, event)
        if before != self.state:
            audit.moved("letter", self.key, before, self.state, event, actor)

    def view(self) -> None:
        """The reader opened it; the first time counts."""
        if self.state == "RENDERED":
            self.move("view")
            self.viewed_at = clock.now()

    def sign(self, png: bytes, strokes: list[Any], device: str) -> None:
        """Take the signature and seal the letter, for good."""
        now = clock.now()
        self.signed_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self.signature_png, self.strokes, self.device = png, strokes, device
        self.signature_sha256 = rules.sha256(png)
        self.move("sign")
        db.session.add(_seal_of(self))
        self.move("seal", "S")
        letter_sealed.send(self)


class Seal(InSpace, Model):
    """What was sealed. Rows are only ever added."""

    __tablename__ = "letter_seal"
    __table_args__ = (UniqueConstraint("space", "letter"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    letter: Mapped[str] = mapped_column(String(26))
    content_sha256: Mapped[str] = mapped_column(String(64))
    signature_sha256: Mapped[str] = mapped_column(String(64))
    signed_at: Mapped[str] = mapped_column(String(40))
    signer_id_hash: Mapped[str] = mapped_column(String(64))
    template_version: Mapped[str] = mapped_column(String(20))
    seal_sha256: Mapped[str] = mapped_column(String(64))


@event.listens_for(Seal, "before_update")
@event.listens_for(Seal, "before_delete")
def _only_added(mapper: Any, connection: Any, seal: Seal) -> NoReturn:
    raise RuntimeError("a seal is never changed")


def _signed_at(letter: Letter) -> str:
    return letter.signed_at.isoformat(timespec="milliseconds") if letter.signed_at else ""


def _seal_of(letter: Letter) -> Seal:
    parts = {
        "content_sha256": letter.content_sha256,
        "signature_sha256": letter.signature_sha256,
        "signed_at": _signed_at(letter),
        "signer_id_hash": letter.signer_id_hash,
    }
    sealed = rules.seal(**parts, version=letter.template_version)
    return Seal(letter=letter.key, **parts, template_version=letter.template_version, seal_sha256=sealed)


def id_hash(id_number: str) -> str:
    """A number's keyed hash: equal for equal numbers, of no use to somebody who only has the database."""
    return hmac.new(current_app.config["SIGNING_KEY"].encode(), id_number.encode(), hashlib.sha256).hexdigest()


def render(user_id: int, target: str, signer: Signer, values: Mapping[str, str], guardian_of: str = "") -> Letter:
    """A new letter from the template in force, in place of the target's earlier one. `values` are already masked."""
    policy, now = policies.current(), clock.now()
    text = texts.load()[policy.letter.template_id, policy.letter.version]
    key = rules.ulid(now, ids.fresh("letter", 20))
    own = {"letter_id": key, "template": f"{text.id} {text.version}", "date": f"{now:%Y-%m-%d}"}
    filled = {**values, **own}
    markup = text.html(filled)
    earlier = latest(target)
    if earlier is not None and earlier.state not in ("SUPERSEDED", "REVOKED"):
        earlier.move("supersede", "S")
    letter = Letter(
        key=key,
        user_id=user_id,
        target=target,
        template_id=text.id,
        template_version=text.version,
        lang=text.lang,
        rendered_html=markup,
        content_sha256=rules.sha256(texts.canonical(markup)),
        fields={name: filled[name] for name in text.fields},
        signer_name=signer.name,
        signer_id_hash=id_hash(signer.id_number),
        signed_by_guardian_of=guardian_of,
        supersedes=earlier.key if earlier else "",
        policy_version=policy.version,
        rendered_at=now,
    )
    db.session.add(letter)
    audit.moved("letter", key, "TEMPLATE", "RENDERED", "render", "U", target=target)
    db.session.flush()
    return letter


def latest(target: str) -> Letter | None:
    """The newest letter of a target."""
    return db.session.scalars(select(Letter).filter_by(target=target).order_by(Letter.id.desc()).limit(1)).first()


def sealed(target: str) -> Letter:
    """The target's sealed letter. Raises Refused LETTER_STALE or LETTER_MISSING."""
    letter = latest(target)
    if letter is None or letter.state != "SEALED":
        raise Refused("LETTER_MISSING")
    if letter.stale:
        raise Refused("LETTER_STALE")
    return letter


def outdate(target: str) -> None:
    """The data behind a target's letter changed: it can no longer be signed or used."""
    letter = latest(target)
    if letter is not None:
        letter.stale = True


def revoke(target: str, actor: str) -> None:
    """The target ended: its letters are void, and kept."""
    for letter in db.session.scalars(select(Letter).filter_by(target=target)):
        if letter.state not in ("SUPERSEDED", "REVOKED"):
            letter.move("revoke", actor)


def verify(letter: Letter) -> dict[str, Any]:
    """Every hash computed again from what is stored, against the seal. Raises Refused LETTER_MISSING."""
    seal = db.session.scalars(select(Seal).filter_by(letter=letter.key)).first()
    if seal is None:
        raise Refused("LETTER_MISSING")
    content = rules.sha256(texts.canonical(letter.rendered_html))
    signature = rules.sha256(letter.signature_png or b"")
    again = rules.seal(content, signature, _signed_at(letter), letter.signer_id_hash, letter.template_version)
    found = {
        "content_matches": content == seal.content_sha256 == letter.content_sha256,
        "signature_matches": signature == seal.signature_sha256 == letter.signature_sha256,
        "seal_matches": again == seal.seal_sha256,
    }
    return {
        "id": letter.key,
        "state": letter.state,
        "template_id": letter.template_id,
        "template_version": letter.template_version,
        "signed_at": letter.signed_at,
        "content_sha256": content,
        "signature_sha256": signature,
        "seal_sha256": seal.seal_sha256,
        **found,
        "intact": all(found.values()),
    }

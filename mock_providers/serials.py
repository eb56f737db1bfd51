"""Everything this half makes up, number by number. Same seed and same calls give the same values."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, current_space, db
from mock_providers.spaces import Space


class Serial(InSpace, Model):
    """How many values of a kind were made in a space."""

    __tablename__ = "serial"
    __table_args__ = (UniqueConstraint("space", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    n: Mapped[int]


def number(kind: str) -> int:
    """The next whole number of this kind in this space: 1, 2, 3 …"""
    row = insert(Serial).values(space=current_space(), kind=kind, n=1)
    row = row.on_conflict_do_update(index_elements=["space", "kind"], set_={"n": Serial.n + 1})
    return db.session.execute(row.returning(Serial.n), execution_options={"all_spaces": True}).scalar_one()


def derive(*parts: object, size: int = 32) -> bytes:
    """`size` bytes (at most 64) that depend on the space, its seed and the parts, and on nothing else."""
    table = Space.__table__.c
    seed = db.session.scalar(select(table.seed).where(table.name == current_space()))
    text = "\x1f".join(map(str, (current_space(), *parts)))
    return hmac.new(str(seed).encode(), text.encode(), hashlib.sha512).digest()[:size]


def fresh(kind: str, size: int = 32) -> bytes:
    """`size` bytes nobody has seen before in this space."""
    return derive(kind, number(kind), size=size)


def fresh_hex(kind: str, length: int) -> str:
    return fresh(kind, (length + 1) // 2).hex()[:length]


def fresh_text(kind: str, length: int) -> str:
    """Letters, digits, - and _."""
    return urlsafe_b64encode(fresh(kind, min(64, length))).decode()[:length]


def fresh_digits(kind: str, length: int) -> str:
    return str(int.from_bytes(fresh(kind, 32))).zfill(length)[-length:]

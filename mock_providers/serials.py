"""Everything this half makes up, number by number. Same seed and same calls give the same values."""

import hmac
from base64 import urlsafe_b64encode
from typing import Any

from sqlalchemy import String, UniqueConstraint, bindparam
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import spaces
from mock_providers.db import InSpace, Model, current_space, db


class Serial(InSpace, Model):
    """How many values of a kind were made in a space."""

    __tablename__ = "serial"
    __table_args__ = (UniqueConstraint("space", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    n: Mapped[int]


_TABLE: Any = Serial.__table__
_NEXT = (
    insert(_TABLE)
    .values(space=bindparam("space"), kind=bindparam("kind"), n=1)
    .on_conflict_do_update(index_elements=["space", "kind"], set_={"n": _TABLE.c.n + 1})
    .returning(_TABLE.c.n)
)


def number(kind: str) -> int:
    """The next whole number of this kind in this space: 1, 2, 3 …"""
    return db.session.execute(_NEXT, {"space": current_space(), "kind": kind}).scalar_one()


def derive(*parts: object, size: int = 32) -> bytes:
    """`size` bytes (at most 64) that depend on the space, its seed and the parts, and on nothing else."""
    known = spaces.facts(current_space())
    seed = str(known.seed if known else None)
    text = "\x1f".join(map(str, (current_space(), *parts)))
    return hmac.digest(seed.encode(), text.encode(), "sha512")[:size]


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

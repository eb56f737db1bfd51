"""Business numbers of the back end, counted per space: same seed and same calls give the same numbers."""

import hashlib
import hmac
import itertools

from flask import current_app
from sqlalchemy import String, UniqueConstraint
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from yibao import clock
from yibao.db import InSpace, Model, current_space, db


class Count(InSpace, Model):
    """How many numbers of a kind were given out in a space."""

    __tablename__ = "count"
    __table_args__ = (UniqueConstraint("space", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    n: Mapped[int]


def number(kind: str) -> int:
    """The next whole number of this kind in this space."""
    row = insert(Count).values(space=current_space(), kind=kind, n=1)
    row = row.on_conflict_do_update(index_elements=["space", "kind"], set_={"n": Count.n + 1})
    return db.session.execute(row.returning(Count.n), execution_options={"all_spaces": True}).scalar_one()


def fresh(kind: str, length: int = 16) -> str:
    """An id of lower-case hex that is new in this space and says nothing about the others."""
    seed = str(current_app.config["SETTINGS"].seed).encode()
    text = f"{current_space()}\x1f{kind}\x1f{number(kind)}"
    return hmac.new(seed, text.encode(), hashlib.sha256).hexdigest()[:length]


def nonce(length: int = 32) -> str:
    """Hex nobody can guess and nobody was given before: it follows from our own key, the wall clock and a count."""
    turn = next(current_app.extensions.setdefault("nonces", itertools.count()))
    key = current_app.config["SIGNING_KEY"].encode()
    return hmac.new(key, f"{clock.wall_ns()}\x1f{turn}".encode(), hashlib.sha512).hexdigest()[:length]

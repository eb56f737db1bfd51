"""Spaces: every tester has a world of their own, with its own people, orders, keys, clock, seed and journal."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from flask import Flask, g, has_request_context, request
from sqlalchemy import String, bindparam, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import Model, Moment, current_space, db
from mock_providers.errors import Problem

NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,31}$")
PREFIX = re.compile(r"^/s/([^/]+)(/.*)$")
__all__ = ["Space", "create", "current_space", "entered", "exists", "find_by", "named", "names"]


class Space(Model):
    """One world. The clock is `frozen_at` if set, else wall time plus `offset_ms`.

    `walking`: the clock stands still only while an advance works through what is due.
    """

    __tablename__ = "space"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    seed: Mapped[int]
    offset_ms: Mapped[int] = mapped_column(default=0)
    frozen_at: Mapped[datetime | None] = mapped_column(Moment)
    walking: Mapped[bool] = mapped_column(default=False)


def names() -> list[str]:
    """All spaces, in order of name."""
    return list(db.session.scalars(select(Space.name).order_by(Space.name)))


class Facts(NamedTuple):
    """What nearly every request wants to know of its space."""

    seed: int
    offset_ms: int
    frozen_at: datetime | None


_TABLE = Space.__table__.c
_FACTS = select(_TABLE.seed, _TABLE.offset_ms, _TABLE.frozen_at).where(_TABLE.name == bindparam("name"))


def facts(name: str) -> Facts | None:
    """Seed and clock of a space. Read once per request: a request lives in one moment's settings."""
    held: dict[str, Facts | None] = g.setdefault("facts", {}) if has_request_context() else {}
    if name not in held:
        row = db.session.execute(_FACTS, {"name": name}).first()
        held[name] = Facts(*row) if row else None
    return held[name]


def exists(name: str) -> bool:
    table = Space.__table__.c  # not through the mapper: this runs at start and before every request
    return db.session.execute(select(table.name).where(table.name == name)).first() is not None


def create(name: str, seed: int, offset_ms: int) -> None:
    """Add a space to the open transaction; its clock stands `offset_ms` from the wall.

    Raises Problem SPACE_NAME or SPACE_EXISTS.
    """
    if not NAME.match(name):
        raise Problem("SPACE_NAME", "a space name is 1 to 32 of a-z, 0-9 and -")
    if exists(name):
        raise Problem("SPACE_EXISTS", f"there is a space {name} already")
    db.session.execute(insert(Space).values(name=name, seed=seed, offset_ms=offset_ms))


def named(name: str) -> str:
    """The name itself, if there is such a space. Raises Problem SPACE_UNKNOWN."""
    if not exists(name):
        raise Problem("SPACE_UNKNOWN", f"there is no space {name[:40]!r}; make it with POST /_mock/spaces")
    return name


@contextmanager
def entered(app: Flask, name: str) -> Iterator[None]:
    """An app context inside a space, for work that is not a request."""
    with app.app_context():
        g.space = name
        yield


def find_by(finders: dict[str, Callable[[], str | None]]) -> Callable[[], None]:
    """A before_request hook. Order: X-Yibao-Space, the credential the call carries, /s/<space>/, default.

    `finders` maps a mount (`wechat`) to a function that reads the credential of a request at that vendor.
    """

    def find() -> None:
        said = request.headers.get("X-Yibao-Space")
        if said:
            g.space = named(said)
            return
        mount = request.path.split("/", 2)[1]
        carried = finders[mount]() if mount in finders else None
        prefixed = request.environ.get("yibao.space")
        g.space = carried or (named(prefixed) if prefixed else "default")

    return find


class PathPrefix:
    """WSGI: take `/s/<space>` off the path and remember it."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if found := PREFIX.match(environ["PATH_INFO"]):
            environ = {**environ, "yibao.space": found[1], "PATH_INFO": found[2]}
        return self.app(environ, start_response)

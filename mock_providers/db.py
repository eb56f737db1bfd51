"""The database of this half: a session per request, one writer at a time, every row in a space.

Rules of the file: a transaction that may write begins IMMEDIATE under one lock per process, so it never
fails half-way with "database is locked"; one that only reads takes neither. A query sees its own space
unless it says `execution_options(all_spaces=True)`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Flask, g, has_app_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Engine, MetaData, String, event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.types import TypeDecorator

CHINA = timezone(timedelta(hours=8))
LOG_AT_MOST = f"journal_size_limit={64 * 1024 * 1024}"  # what the write-ahead log keeps on disk once it was bigger
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


class Moment(TypeDecorator[datetime]):
    """An instant, kept as whole milliseconds since 1970 and given back in +08:00."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1000, CHINA)


def current_space() -> str:
    """The space this request or piece of work belongs to."""
    return g.get("space", "default") if has_app_context() else "default"


class InSpace:
    """A row that belongs to one tester's world; stamped on insert, filtered on every query."""

    space: Mapped[str] = mapped_column(String(32), default=current_space, index=True)


def writes(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a GET view that changes something (a token is minted, a code is used up)."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def in_write_mode() -> bool:
    """Whether the work at hand may write. Requests decide by method; everything else may."""
    return g.get("write_mode", True) if has_app_context() else True


@contextmanager
def writing() -> Iterator[None]:
    """A writing transaction of its own, whatever the request is."""
    mode = g.get("write_mode", True)
    db.session.rollback()
    g.write_mode = True
    try:
        yield
        db.session.commit()
    finally:
        db.session.rollback()
        g.write_mode = mode


def _choose_mode(app: Flask) -> None:
    def choose() -> None:
        view = app.view_functions.get(request.endpoint or "")
        g.write_mode = request.method not in ("GET", "HEAD", "OPTIONS") or getattr(view, "writes", False)

    app.before_request(choose)


@event.listens_for(db.session, "do_orm_execute")
def _only_this_space(state: ORMExecuteState) -> None:
    if not state.is_orm_statement or state.is_column_load or state.execution_options.get("all_spaces"):
        return
    state.statement = state.statement.options(_rows_of(current_space()))


@lru_cache(maxsize=256)
def _rows_of(space: str) -> Any:
    """The filter of one space, made once: making it costs a third of a small query."""
    return with_loader_criteria(InSpace, lambda cls: cls.space == space, include_aliases=True)


@event.listens_for(db.session, "before_flush")
def _no_write_while_reading(session: Session, *_: Any) -> None:
    if not in_write_mode() and (session.new or session.dirty or session.deleted):
        raise RuntimeError("this request only reads; mark its view with @writes")


def _prepare(engine: Engine) -> None:
    """SQLite: write-ahead log, real BEGINs, and the one lock writers queue on."""
    lock = threading.Lock()
    holder: list[int] = []

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            LOG_AT_MOST,
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        if not in_write_mode():
            connection.exec_driver_sql("BEGIN")
            return
        me = threading.get_ident()
        if me in holder:
            raise RuntimeError("a second writing transaction inside the first")
        if not lock.acquire(timeout=30):
            raise TimeoutError("the database has been busy for 30 s")
        holder.append(me)
        connection.info["lock"] = me
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def checkin(connection: Any, record: Any) -> None:
        if record.info.pop("lock", None) is not None:
            holder.clear()
            lock.release()


def init(app: Flask, url: str) -> None:
    """Bind the database to the app and bring its tables up to date."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 48, "max_overflow": 16}
    db.init_app(app)
    _choose_mode(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare(db.engine)
        migrate(db.engine)


def migrate(engine: Engine) -> None:
    """Run the migrations this database has not had. Alembic is imported only when there are any."""
    from importlib.resources import files

    versions = files(__package__) / "migrations" / "versions"
    newest = max(entry.name[:4] for entry in versions.iterdir() if entry.name[:4].isdigit())
    found = None
    with engine.connect() as connection:
        if engine.dialect.has_table(connection, "alembic_version"):
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found == newest:
        return
    if found is not None and found > newest:
        raise RuntimeError(f"the database is of version {found}, this program knows {newest}: use the newer program")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files(__package__) / "migrations").replace("%", "%%"))
    with engine.connect() as connection:
        keys = connection.connection.driver_connection
        if engine.dialect.name == "sqlite" and keys:  # a table made anew must not take its children's rows along
            keys.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if engine.dialect.name == "sqlite" and keys:
            keys.execute("PRAGMA foreign_keys=ON")

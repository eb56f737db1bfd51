"""Who was a user before there was a national channel still is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from yibao import create_app, spaces
from yibao.db import db
from yibao.settings import Settings
from yibao.steps.face.models import FaceTicket
from yibao.steps.login.models import Session, User, user_of
from yibao.steps.settlement.models import Settlement

ROOT = Path(__file__).parents[3]


def of_the_second_version(place: Path) -> None:
    """A database as the version before made it, with one user and one session in it."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "yibao" / "migrations"))
    engine = create_engine(f"sqlite:///{place / 'yibao.sqlite'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO user (openid, created_at, space) VALUES ('oOLD', 0, 'default')")
        connection.exec_driver_sql(
            "INSERT INTO session (number, user_id, rotation, rotated_at, end_reason, space) "
            "VALUES ('s1', 1, 0, 0, '', 'default')"
        )
    engine.dispose()


def test_users_and_sessions_of_the_version_before_are_wechats(tmp_path: Path) -> None:
    of_the_second_version(tmp_path)
    app = create_app(Settings(data=tmp_path, background=False))
    with spaces.entered(app, "default"):
        (user,), (session,) = db.session.query(User).all(), db.session.query(Session).all()
        assert (user.openid, user.national_sub, session.channel) == ("oOLD", None, "wechat")
        assert user_of("oOLD", None).id == user.id
        assert db.session.query(Settlement).all() == db.session.query(FaceTicket).all() == []
        db.session.commit()

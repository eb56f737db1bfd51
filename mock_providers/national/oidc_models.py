"""What the national log-in keeps: codes on their way, grants, and the tokens of each grant."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mock_providers.db import InSpace, Model, Moment


class LoginGrant(InSpace, Model):
    """Somebody let a client in: for which scopes, and when they showed who they are. Ended: no token works."""

    __tablename__ = "national_login_grant"
    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str] = mapped_column(String(200))
    nonce: Mapped[str] = mapped_column(String(255), default="")
    authenticated_at: Mapped[datetime] = mapped_column(Moment)
    auth_time: Mapped[int]
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class LoginCode(InSpace, Model):
    """An authorisation code, good once. `challenge` is PKCE's S256, empty without."""

    __tablename__ = "national_login_code"
    __table_args__ = (UniqueConstraint("space", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("national_login_grant.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(64))
    redirect_uri: Mapped[str] = mapped_column(String(500))
    challenge: Mapped[str] = mapped_column(String(128), default="")
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    grant: Mapped[LoginGrant] = relationship()


class LoginToken(InSpace, Model):
    """kind: access, refresh. A refresh token serves once; its use ends it."""

    __tablename__ = "national_login_token"
    __table_args__ = (UniqueConstraint("token"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("national_login_grant.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    token: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    grant: Mapped[LoginGrant] = relationship()

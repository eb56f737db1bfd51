"""What an official account's web authorisation leaves behind: consents with their codes, and access tokens."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment


class OauthGrant(InSpace, Model):
    """What somebody agreed to: a code for one exchange, then a refresh token. `snapshot`: a virtual user."""

    __tablename__ = "wechat_oauth_grant"
    __table_args__ = (UniqueConstraint("space", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    appid: Mapped[str] = mapped_column(String(32))
    openid: Mapped[str] = mapped_column(String(28))
    person: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str] = mapped_column(String(20))
    snapshot: Mapped[bool]
    made_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    refresh_token: Mapped[str | None] = mapped_column(String(160), unique=True)
    refresh_until: Mapped[datetime | None] = mapped_column(Moment)


class OauthToken(InSpace, Model):
    """An access token of a grant. Refreshing prolongs it while it lives; then another takes its place."""

    __tablename__ = "wechat_oauth_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey(OauthGrant.id), index=True)
    token: Mapped[str] = mapped_column(String(160), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment)

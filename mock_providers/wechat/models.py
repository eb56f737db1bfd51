"""What WeChat remembers: who uses which app, codes, keys, tokens, quotas spent, and face checks."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment


class WechatUser(InSpace, Model):
    """A person who has opened an app. `session_key` is the one in force; at most one is."""

    __tablename__ = "wechat_user"
    __table_args__ = (UniqueConstraint("space", "appid", "openid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    appid: Mapped[str] = mapped_column(String(32))
    openid: Mapped[str] = mapped_column(String(28))
    person: Mapped[str] = mapped_column(String(10))
    session_key: Mapped[str | None] = mapped_column(String(24))
    session_until: Mapped[datetime | None] = mapped_column(Moment)


class WechatCode(InSpace, Model):
    """A code the phone was given. kind: login, phone (good for one exchange), sealed (SHA-256 of encryptedData)."""

    __tablename__ = "wechat_code"
    __table_args__ = (UniqueConstraint("space", "kind", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    code: Mapped[str] = mapped_column(String(64))
    appid: Mapped[str] = mapped_column(String(32))
    person: Mapped[str] = mapped_column(String(10))
    made_at: Mapped[datetime] = mapped_column(Moment)
    used: Mapped[bool] = mapped_column(default=False)


class WechatToken(InSpace, Model):
    """An access token of an app (the mini program if none). kind: plain, stable. `ends_at`: a newer one took over."""

    __tablename__ = "wechat_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    appid: Mapped[str | None] = mapped_column(String(32))
    token: Mapped[str] = mapped_column(String(160), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime | None] = mapped_column(Moment)


class WechatUse(InSpace, Model):
    """How often something limited was used since `began_at`."""

    __tablename__ = "wechat_use"
    __table_args__ = (UniqueConstraint("space", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    began_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    n: Mapped[int]


class FaceCheck(InSpace, Model):
    """One face verification. state: CREATED, IN_PROGRESS, DONE (then `verify_ret` is its result)."""

    __tablename__ = "wechat_face_check"
    __table_args__ = (UniqueConstraint("space", "out_seq_no"), UniqueConstraint("space", "verify_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    verify_id: Mapped[str] = mapped_column(String(256))
    out_seq_no: Mapped[str] = mapped_column(String(32))
    openid: Mapped[str] = mapped_column(String(28))
    cert_type: Mapped[str] = mapped_column(String(32))
    cert_name: Mapped[str] = mapped_column(String(128))
    cert_no: Mapped[str] = mapped_column(String(18))
    state: Mapped[str] = mapped_column(String(12), default="CREATED")
    verify_ret: Mapped[int | None]
    expires_at: Mapped[datetime] = mapped_column(Moment)


class WechatIdKey(InSpace, Model):
    """A user_id_key of face recognition 1.0: it stands for a name and a number."""

    __tablename__ = "wechat_id_key"
    __table_args__ = (UniqueConstraint("space", "user_id_key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id_key: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(128))
    number: Mapped[str] = mapped_column(String(18))
    expires_at: Mapped[datetime] = mapped_column(Moment)


class Recognition(InSpace, Model):
    """One finished face recognition 1.0. `identify_ret` 0 is a pass; no `user_id_key` if name and number came."""

    __tablename__ = "wechat_recognition"
    __table_args__ = (UniqueConstraint("space", "verify_result"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    verify_result: Mapped[str] = mapped_column(String(128))
    openid: Mapped[str] = mapped_column(String(28))
    user_id_key: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(128))
    number: Mapped[str] = mapped_column(String(18))
    alive_type: Mapped[int]
    digits: Mapped[str] = mapped_column(String(8))
    identify_ret: Mapped[int]
    finished_at: Mapped[datetime] = mapped_column(Moment)


class UncheckedPage(InSpace, Model):
    """A page a mini-program code was made for without looking whether it is published."""

    __tablename__ = "wechat_unchecked_page"
    __table_args__ = (UniqueConstraint("space", "path"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(1024))


class WechatLink(InSpace, Model):
    """A URL scheme or URL link into the mini program. kind: scheme, link. No `expires_at`: for good."""

    __tablename__ = "wechat_link"
    __table_args__ = (UniqueConstraint("space", "kind", "ticket"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    ticket: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(1024))
    query: Mapped[str] = mapped_column(String(1024))
    env_version: Mapped[str] = mapped_column(String(8))
    expires_at: Mapped[datetime | None] = mapped_column(Moment)

"""What WeChat remembers about messages: where an app wants them pushed, who subscribed to what, and what was sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment


class WechatPush(InSpace, Model):
    """Where the messages of an app go. app: mini_program, official_account; mode: plaintext, compatible, safe."""

    __tablename__ = "wechat_push"
    __table_args__ = (UniqueConstraint("space", "app"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    app: Mapped[str] = mapped_column(String(20))
    url: Mapped[str] = mapped_column(String(250))
    mode: Mapped[str] = mapped_column(String(12))
    format: Mapped[str] = mapped_column(String(4))
    verified_at: Mapped[datetime] = mapped_column(Moment)


class WechatSubscription(InSpace, Model):
    """A user and a template: `units` one-time acceptances left, `standing` a long-term one, `refused` in settings."""

    __tablename__ = "wechat_subscription"
    __table_args__ = (UniqueConstraint("space", "openid", "template_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(String(28))
    template_id: Mapped[str] = mapped_column(String(43))
    units: Mapped[int] = mapped_column(default=0)
    standing: Mapped[bool] = mapped_column(default=False)
    refused: Mapped[bool] = mapped_column(default=False)


class WechatMainSwitch(InSpace, Model):
    """A user who switched all subscribe messages of an app off (or on again)."""

    __tablename__ = "wechat_main_switch"
    __table_args__ = (UniqueConstraint("space", "openid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(String(28))
    is_on: Mapped[bool]


class WechatMessage(InSpace, Model):
    """A subscribe message on somebody's phone, as it reads there."""

    __tablename__ = "wechat_message"
    __table_args__ = (Index(None, "space", "person"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    msg_id: Mapped[str] = mapped_column(String(20))
    appid: Mapped[str] = mapped_column(String(32))
    openid: Mapped[str] = mapped_column(String(28))
    person: Mapped[str] = mapped_column(String(10))
    template_id: Mapped[str] = mapped_column(String(43))
    title: Mapped[str] = mapped_column(String(60))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    page: Mapped[str] = mapped_column(String(1024), default="")
    miniprogram_state: Mapped[str] = mapped_column(String(10))
    lang: Mapped[str] = mapped_column(String(5))
    at: Mapped[datetime] = mapped_column(Moment)

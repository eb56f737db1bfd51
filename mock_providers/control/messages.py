"""`/_mock/push` and `/_mock/people/<id>/messages`: where WeChat pushes to, and what arrived on somebody's phone."""

from typing import Any

from flask import Blueprint
from marshmallow import fields, validate
from sqlalchemy import delete, select

from mock_providers import accounts
from mock_providers.control.door import Page, Strict, page, route, text
from mock_providers.control.world import person
from mock_providers.db import db
from mock_providers.wechat import push
from mock_providers.wechat.message_models import WechatMessage, WechatPush

bp = Blueprint("control_messages", __name__)


class App(Strict):
    app = fields.String(load_default="mini_program", validate=validate.OneOf(tuple(push.APPS)))


class Address(App):
    url = text(250, required=True)
    mode = fields.String(load_default="safe", validate=validate.OneOf(push.MODES))
    format = fields.String(load_default="json", validate=validate.OneOf(("json", "xml")))


def address_line(row: WechatPush) -> dict[str, Any]:
    account = accounts.account(push.APPS[row.app])
    return {
        "app": row.app,
        "appid": account["appid"],
        "original_id": account["original_id"],
        "url": row.url,
        "mode": row.mode,
        "format": row.format,
        "verified_at": row.verified_at.isoformat(),
    }


@route(bp, "GET", "/push")
def show_push() -> dict[str, Any]:
    """Where the mini program and the official account have their messages pushed."""
    return {"items": [address_line(row) for row in db.session.scalars(select(WechatPush))], "next": None}


@route(bp, "POST", "/push", body=Address)
def set_push(given: dict[str, Any]) -> dict[str, Any]:
    """Set it (消息推送): the address must answer GET with the raw echostr before it is taken."""
    push.check_url(given["url"])
    push.verify(given["app"], given["url"])
    row = push.put(given["app"], given["url"], given["mode"], given["format"])
    db.session.commit()
    return address_line(row)


@route(bp, "DELETE", "/push", query=App)
def remove_push(asked: dict[str, Any]) -> dict[str, Any]:
    """Push nothing to that app's owner any more."""
    gone = db.session.execute(delete(WechatPush).where(WechatPush.app == asked["app"]))
    db.session.commit()
    return {"removed": {"wechat_push": gone.rowcount}}  # type: ignore[attr-defined]


def message_line(row: WechatMessage) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at.isoformat(),
        "title": row.title,
        "lines": row.lines,
        "page": row.page or None,
        "template_id": row.template_id,
        "msg_id": row.msg_id,
        "miniprogram_state": row.miniprogram_state,
        "lang": row.lang,
    }


@route(bp, "GET", "/people/<id_>/messages", query=Page)
def list_messages(id_: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The subscribe messages (订阅消息) a person's WeChat shows, oldest first."""
    who = person(id_)
    wanted = select(WechatMessage).where(WechatMessage.person == who.id, WechatMessage.id > asked["after"])
    rows = db.session.scalars(wanted.order_by(WechatMessage.id).limit(asked["limit"] + 1))
    return page(list(rows), asked["limit"], message_line)

"""WeChat: tokens, log-in, phone number, face verification, and the door to the insurance user query."""

from typing import Any

from flask import Flask, current_app, request
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from mock_providers import accounts, serials
from mock_providers.db import db
from mock_providers.wechat import (
    authorize,
    codes,
    face,
    insurance,
    links,
    login,
    masks,
    notify,
    oauth,
    paid,
    phone,
    quota,
    recognition,
    rids,
    snapshot,
    subscribe,
    templates,
    tokens,
    users,
    wire,
)
from mock_providers.wechat.door import MINI_PROGRAM, OFFICIAL_ACCOUNT, bp
from mock_providers.wechat.models import WechatToken
from mock_providers.wechat.oauth_models import OauthToken
from mock_providers.wechat.users import openid_of, person_of_openid

NAME = "wechat"
__all__ = ["NAME", "bp", "connect", "notify", "openid_of", "person_of_openid", "space_of"]
ROOMS = (
    authorize,
    codes,
    face,
    insurance,
    links,
    login,
    masks,
    oauth,
    paid,
    phone,
    quota,
    recognition,
    rids,
    snapshot,
    subscribe,
    tokens,
)
OF_USERS = ("/sns/userinfo", "/sns/auth")


@accounts.maker(MINI_PROGRAM)
def credentials() -> dict[str, Any]:
    """A mini program of this space's own."""
    return {**_credentials("wechat"), "templates": templates.of_back_end()}


@accounts.later(MINI_PROGRAM, "templates")
def templates_of_old() -> dict[str, Any]:
    """The templates of a mini program that was made before there were any."""
    return dict(templates.of_back_end())


@accounts.maker(OFFICIAL_ACCOUNT)
def official_account() -> dict[str, Any]:
    """An official account (公众号) of the same owner."""
    return _credentials("official_account")


def _credentials(kind: str) -> dict[str, Any]:
    appid = "wx" + serials.derive(f"{kind}.appid", size=8).hex()
    return {
        "public_id": appid,
        "base_url": f"{current_app.config['SETTINGS'].public_url}/wechat",
        "appid": appid,
        "secret": serials.derive(f"{kind}.secret", size=16).hex(),
        "original_id": "gh_" + serials.derive(f"{kind}.original_id", size=6).hex(),
        "push_token": wire.alphanumeric(serials.derive(f"{kind}.push_token"), 32),
        "encoding_aes_key": wire.alphanumeric(serials.derive(f"{kind}.encoding_aes_key", size=64), 43),
    }


def space_of() -> str | None:
    """The space of the appid, access token or partner number that a call shows."""
    path = request.path.removeprefix(f"/{NAME}")
    if "/mipuserquery/" in path:
        return insurance.space_of_partner(path.rpartition("/")[2])
    if token := request.args.get("access_token"):
        row = OauthToken.__table__.c if path in OF_USERS else WechatToken.__table__.c
        if space := db.session.scalar(select(row.space).where(row.token == token)):
            return space
    if appid := request.args.get("appid"):
        return _space_of_app(appid)
    return _space_of_app(_appid_in_body()) if path == "/cgi-bin/stable_token" else None


def _space_of_app(appid: str | None) -> str | None:
    return accounts.space_of(MINI_PROGRAM, appid) or accounts.space_of(OFFICIAL_ACCOUNT, appid)


def _appid_in_body() -> str | None:
    try:
        appid = wire.parse(request.get_data()).get("appid")
    except (ValueError, HTTPException):
        return None
    return appid if isinstance(appid, str) else None


def connect(app: Flask) -> None:
    """Let the other vendors ask who is behind an openid."""
    app.extensions["person_of_openid"] = users.person_of_openid
    app.extensions["openids_of"] = lambda person: [
        users.openid_of(accounts.account(app_)["appid"], person) for app_ in (MINI_PROGRAM, OFFICIAL_ACCOUNT)
    ]

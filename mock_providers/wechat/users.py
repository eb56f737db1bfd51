"""Who is who: a person's openid in an app, the session key in force, and the codes a phone is handed."""

import hashlib
from datetime import timedelta

from sqlalchemy import select

from mock_providers import accounts, clock, serials, switches
from mock_providers.db import db
from mock_providers.wechat import wire
from mock_providers.wechat.door import Refused, caller, number
from mock_providers.wechat.models import WechatCode, WechatUser

CODE_LIFE = timedelta(minutes=5)
SEALED = "sealed"

switches.declare(
    "wechat.session_key_seconds",
    "259200",
    (),
    kind="choice",
    source="wechat.md §2.1, §10.3",
    why="how long a session_key lives is not published",
)
switches.declare(
    "wechat.login_replaces_session_key",
    "on",
    ("on", "off"),
    kind="choice",
    source="wechat.md §2.1, §3.2",
    why="a new wx.login may replace the session_key; on shows the classic decryption failure",
)


def openid_of(appid: str, person: str) -> str:
    """The openid a person has in an app."""
    return wire.user_id(serials.derive("openid", appid, person))


def unionid_of(person: str) -> str:
    """The same in every app of one open-platform account."""
    return wire.user_id(serials.derive("unionid", person))


def user(appid: str, openid: str) -> WechatUser | None:
    """The user an app knows under an openid."""
    return db.session.scalar(select(WechatUser).where(WechatUser.appid == appid, WechatUser.openid == openid))


def person_of_openid(appid: str, openid: str) -> str | None:
    """The person behind an openid, once he has opened the app."""
    known = user(appid, openid)
    return known.person if known else None


def opened_by(appid: str, person: str) -> WechatUser:
    """The person's row in an app, made the first time."""
    openid = openid_of(appid, person)
    known = user(appid, openid)
    if known is None:
        known = WechatUser(appid=appid, openid=openid, person=person)
        db.session.add(known)
    return known


def has_session(who: WechatUser) -> bool:
    """Whether a session key is in force."""
    return bool(who.session_until and clock.now() < who.session_until)


def begin_session(who: WechatUser) -> None:
    """A session key in force: a new one, unless one lives and is to be kept."""
    if has_session(who) and not switches.on("wechat.login_replaces_session_key"):
        return
    new_key(who)
    who.session_until = clock.now() + timedelta(seconds=number("wechat.session_key_seconds"))


def new_key(who: WechatUser) -> None:
    """Another session key with the life of the one before."""
    who.session_key = wire.session_key(serials.fresh("session_key", 16))


def issue(kind: str, appid: str, person: str) -> str:
    """A code for one exchange within five minutes. kind: login, phone."""
    grain = serials.fresh(f"{kind}_code", 64)
    code = wire.login_code(grain) if kind == "login" else grain[:32].hex()
    db.session.add(WechatCode(kind=kind, code=code, appid=appid, person=person, made_at=clock.now()))
    return code


def sealed(appid: str, person: str, encrypted: str) -> None:
    """Remember encryptedData made for a user, by its SHA-256."""
    seal = hashlib.sha256(encrypted.encode()).hexdigest()
    db.session.add(WechatCode(kind=SEALED, code=seal, appid=appid, person=person, made_at=clock.now()))


def code(kind: str, given: str) -> WechatCode | None:
    """The code a caller shows, used or not, old or new."""
    wanted = select(WechatCode).where(WechatCode.kind == kind, WechatCode.code == given)
    return db.session.scalar(wanted.with_for_update())


def mini_program_only(errcode: int) -> None:
    """Refuse the token of an official account."""
    if caller() != own_appid():
        raise Refused(errcode)


def own_appid() -> str:
    """The app of the current space."""
    return accounts.account("wechat")["appid"]

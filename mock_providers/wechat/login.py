"""Log-in: a code for an openid and a session key; is that key still in force; give me another."""

import hmac
from datetime import timedelta
from typing import Any

from flask import request

from mock_providers import accounts, clock, outcomes, people, switches
from mock_providers.journal import explain
from mock_providers.wechat import quota, users, wire
from mock_providers.wechat.door import Refused, api, caller, check_app, number, planned
from mock_providers.wechat.models import WechatUser

TOURIST = "touristappid"
PERSONA = "wechat.unknown_code_persona"

outcomes.declare("wechat.jscode2session", "blocked", "system_error", "rate_limited", "ip_not_allowed", "http_500")
outcomes.declare("wechat.checksession", "system_error", "rate_limited", "http_500")
outcomes.declare("wechat.resetusersessionkey", "system_error", "rate_limited", "http_500")
switches.declare(
    PERSONA,
    "",
    (),
    kind="relaxation",
    source="wechat.md §2.1",
    why="a code we never gave (WeChat DevTools, tourist appid) logs this persona in, every time; empty refuses it",
)
switches.declare(
    "wechat.used_code_seconds",
    "300",
    (),
    kind="choice",
    source="wechat.md §2.1",
    why="how long after its making a used code is answered with 40163 rather than 40029 is not published",
)
switches.declare(
    "wechat.open_platform",
    "unbound",
    ("unbound", "bound"),
    kind="choice",
    source="wechat.md §2.1",
    why="only an app bound to an open-platform account gets a unionid",
)


@api("/sns/jscode2session", "GET", token=False, changes=True)
def jscode2session() -> dict[str, Any]:
    """The openid and session key behind a wx.login code."""
    given = request.args.to_dict()
    if given.get("appid") == TOURIST and persona():
        own = accounts.account("wechat")
        given.update(appid=own["appid"], secret=own["secret"])
    check_app(given, "authorization_code")
    if not given.get("js_code"):
        raise Refused(41008)
    who = _exchanged(given["js_code"])
    if not users.has_session(who):
        users.new_key(who)
        who.session_until = clock.now() + timedelta(seconds=number("wechat.session_key_seconds"))
    answer = {"session_key": who.session_key, "openid": who.openid}
    if switches.value("wechat.open_platform") == "bound":
        answer["unionid"] = users.unionid_of(who.person)
    return answer


def _exchanged(code: str) -> WechatUser:
    """The user whose code this is; the code is spent."""
    appid = caller()
    row = users.code("login", code)
    if row is None:
        return _stand_in(appid)
    if row.appid != appid:
        explain(code="made for another appid", appid=row.appid)
        raise Refused(40029)
    quota.spend("code2session", "minute", row.person)
    age = clock.now() - row.made_at
    if row.used:
        explain(code="used before")
        raise Refused(40163 if age < timedelta(seconds=number("wechat.used_code_seconds")) else 40029)
    if age >= users.CODE_LIFE:
        explain(code="expired")
        raise Refused(40029)
    planned("wechat.jscode2session", row.person)
    row.used = True
    return users.opened_by(appid, row.person)


def _stand_in(appid: str) -> WechatUser:
    """Named relaxation: a code from DevTools logs the chosen persona in."""
    person = persona()
    if not person:
        explain(code="never given out here")
        raise Refused(40029)
    explain(relaxed=PERSONA)
    planned("wechat.jscode2session", person)
    return users.opened_by(appid, person)


def persona() -> str:
    """Whom unknown codes stand for; empty when nobody, or nobody we know."""
    wanted = switches.value(PERSONA)
    return wanted if wanted in people.world().people else ""


@api("/wxa/checksession", "GET")
def checksession() -> dict[str, Any]:
    """Whether the caller holds the session key in force."""
    planned("wechat.checksession", _signed_by_session().person)
    return {"errcode": 0, "errmsg": "ok"}


@api("/wxa/resetusersessionkey", "GET", changes=True)
def resetusersessionkey() -> dict[str, Any]:
    """Another session key; it ends when the old one would have."""
    who = _signed_by_session()
    planned("wechat.resetusersessionkey", who.person)
    quota.spend("resetusersessionkey", "minute")
    users.new_key(who)
    return {"errcode": 0, "errmsg": "ok", "openid": who.openid, "session_key": who.session_key}


def _signed_by_session() -> WechatUser:
    """The user whose session key signed the empty message."""
    given = request.args
    if not given.get("openid") or not given.get("signature"):
        raise Refused(40097)
    who = users.user(caller(), given["openid"])
    if who is None:
        raise Refused(40003)
    if given.get("sig_method") != "hmac_sha256":
        raise Refused(87008)
    if not users.has_session(who):
        raise Refused(87007)
    expected = wire.session_signature(who.session_key or "")
    if not hmac.compare_digest(given["signature"].encode(), expected.encode()):
        explain(expected=expected, key="the session_key as base64 text, not decoded")
        raise Refused(87009)
    return who

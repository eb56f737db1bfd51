"""Official-account web authorisation, server side: a code for tokens, tokens for who the user is."""

from datetime import datetime, timedelta
from typing import Any

from flask import request
from sqlalchemy import select

from mock_providers import clock, outcomes, people, serials, switches
from mock_providers.db import db
from mock_providers.journal import explain
from mock_providers.wechat import quota, users, wire
from mock_providers.wechat.door import Refused, api, app_of, caller, check_app, number, planned
from mock_providers.wechat.oauth_models import OauthGrant, OauthToken

USERINFO = "snsapi_userinfo"
SCOPES = ("snsapi_base", USERINFO)
LIFE = timedelta(seconds=7200)
REFRESH_LIFE = timedelta(days=30)
REGION = {
    "zh_CN": ("海南", "海口", "中国"),
    "zh_TW": ("海南", "海口", "中國"),
    "en": ("Hainan", "Haikou", "China"),
}

outcomes.declare("wechat.oauth_access_token", "system_error", "rate_limited", "ip_not_allowed", "http_500")
outcomes.declare("wechat.oauth_refresh_token", "system_error", "password_changed", "http_500")
outcomes.declare("wechat.userinfo", "system_error", "unauthorized", "token_superseded", "token_expired", "http_500")
switches.declare(
    "wechat.oauth_code_expired",
    "42003",
    ("42003", "40029"),
    kind="choice",
    source="wechat.md §7.2",
    why="the list has 42003 for an expired OAuth code, but 40029 reads 'invalid or expired' in another",
)
switches.declare(
    "wechat.userinfo_region",
    "empty",
    ("empty", "filled"),
    kind="choice",
    source="wechat.md §7.4",
    why="since late 2021 sex is reported to be 0 and the region empty; the documentation still shows them filled",
)


def grant(appid: str, person: str, scope: str, snapshot: bool) -> str:
    """The code of a consent, or of a silent one. A snapshot user has an openid of its own."""
    openid = users.openid_of(appid, f"snapshot {person}") if snapshot else users.opened_by(appid, person).openid
    code = wire.login_code(serials.fresh("oauth_code", 64))
    about = {"appid": appid, "openid": openid, "person": person, "scope": scope, "snapshot": snapshot}
    db.session.add(OauthGrant(code=code, made_at=clock.now(), **about))
    return code


@api("/sns/oauth2/access_token", "GET", token=False, changes=True)
def oauth_access_token() -> dict[str, Any]:
    """A code becomes an access token and a refresh token."""
    check_app(request.args, "authorization_code")
    if not request.args.get("code"):
        raise Refused(41008)
    quota.spend("oauth_access_token", "minute")
    now = clock.now()
    row = _exchanged(request.args["code"], now)
    row.used_at = now
    row.refresh_token = wire.access_token(serials.fresh("oauth_refresh", 64))
    row.refresh_until = now + REFRESH_LIFE
    answer = _five(row, _minted(row, now))
    if row.snapshot:
        return {**answer, "is_snapshotuser": 1}
    return answer | _unionid(row)


def _exchanged(code: str, now: datetime) -> OauthGrant:
    row = db.session.scalar(select(OauthGrant).where(OauthGrant.code == code).with_for_update())
    if row is None or row.appid != caller():
        explain(code="never given out here" if row is None else "made for another appid")
        raise Refused(40029)
    age = now - row.made_at
    if row.used_at:
        explain(code="used before")
        raise Refused(40163 if age < timedelta(seconds=number("wechat.used_code_seconds")) else 40029)
    if age >= users.CODE_LIFE:
        explain(code="expired")
        raise Refused(int(switches.value("wechat.oauth_code_expired")))
    planned("wechat.oauth_access_token", row.person)
    return row


@api("/sns/oauth2/refresh_token", "GET", token=False, changes=True)
def oauth_refresh_token() -> dict[str, Any]:
    """The access token lives on, or another takes its place. The refresh token stays and ages."""
    given = request.args
    if not given.get("appid"):
        raise Refused(41002)
    if app_of(given["appid"]) is None:
        raise Refused(40013)
    if given.get("grant_type") != "refresh_token":
        raise Refused(40002)
    if not given.get("refresh_token"):
        raise Refused(41003)
    row = db.session.scalar(select(OauthGrant).where(OauthGrant.refresh_token == given["refresh_token"]))
    if row is None or row.refresh_until is None or row.appid != given["appid"]:
        raise Refused(40030)
    now = clock.now()
    if now >= row.refresh_until:
        raise Refused(42002)
    planned("wechat.oauth_refresh_token", row.person)
    newest = select(OauthToken).where(OauthToken.grant_id == row.id).order_by(OauthToken.id.desc()).limit(1)
    living = db.session.scalars(newest).first()
    if living is None or now >= living.expires_at:
        living = _minted(row, now)
    living.expires_at = now + LIFE
    return _five(row, living)


def _minted(row: OauthGrant, now: datetime) -> OauthToken:
    token = wire.access_token(serials.fresh("oauth_token", 64))
    made = OauthToken(grant_id=row.id, token=token, expires_at=now + LIFE)
    db.session.add(made)
    return made


def _five(row: OauthGrant, token: OauthToken) -> dict[str, Any]:
    return {
        "access_token": token.token,
        "expires_in": int(LIFE.total_seconds()),
        "refresh_token": row.refresh_token,
        "openid": row.openid,
        "scope": row.scope,
    }


def _unionid(row: OauthGrant) -> dict[str, str]:
    told = row.scope == USERINFO and switches.value("wechat.open_platform") == "bound"
    return {"unionid": users.unionid_of(row.person)} if told else {}


@api("/sns/userinfo", "GET", token=False)
def userinfo() -> dict[str, Any]:
    """Who the user is, if the user agreed to that."""
    row = _granted()
    if row.scope != USERINFO or row.snapshot:
        explain(scope=row.scope, snapshot=row.snapshot)
        raise Refused(48001)
    planned("wechat.userinfo", row.person)
    who = people.world().people[row.person]
    filled = switches.value("wechat.userinfo_region") == "filled"
    region = REGION.get(request.args.get("lang", ""), REGION["zh_CN"]) if filled else ("", "", "")
    return {
        "openid": row.openid,
        "nickname": f"样例用户{who.id}",
        "sex": {"male": 1, "female": 2}.get(who.gender, 0) if filled else 0,
        **dict(zip(("province", "city", "country"), region, strict=True)),
        "headimgurl": "",
        "privilege": [],
        **_unionid(row),
    }


@api("/sns/auth", "GET", token=False)
def auth() -> dict[str, Any]:
    """Whether an access token is good for an openid."""
    _granted()
    return {"errcode": 0, "errmsg": "ok"}


def _granted() -> OauthGrant:
    """The consent behind the access token, which must be of the openid named with it."""
    token = request.args.get("access_token", "")
    if not token:
        raise Refused(41001)
    if not wire.TOKEN.fullmatch(token):
        raise Refused(int(switches.value("wechat.malformed_token")))
    found = select(OauthGrant, OauthToken.expires_at).join(OauthToken, OauthToken.grant_id == OauthGrant.id)
    row = db.session.execute(found.where(OauthToken.token == token)).first()
    if row is None:
        raise Refused(40001)
    if clock.now() >= row.expires_at:
        raise Refused(42001)
    if request.args.get("openid") != row.OauthGrant.openid:
        raise Refused(40003)
    return row.OauthGrant

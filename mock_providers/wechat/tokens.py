"""Access tokens, plain and stable. The two kinds do not end each other."""

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from flask import request
from sqlalchemy import func, select

from mock_providers import accounts, clock, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.journal import explain
from mock_providers.wechat import limits, quota, wire
from mock_providers.wechat.door import MINI_PROGRAM, Refused, address, api, body, caller, check_app, planned, text
from mock_providers.wechat.models import WechatToken

LIFE = timedelta(seconds=7200)
OVERLAP = timedelta(minutes=5)
FORCED_APART = timedelta(seconds=30)
TROUBLE = (
    "system_error",
    "daily_quota",
    "ip_not_allowed",
    "secret_frozen",
    "account_frozen",
    "appsecret_invalid",
    "token_forbidden",
    "confirmation_waiting",
    "confirmation_pending",
    "confirmation_needed",
    "confirmation_retry",
    "confirmation_open",
    "ip_refused_a_day",
    "ip_refused_an_hour",
    "user_limited",
    "http_500",
)

outcomes.declare("wechat.token", *TROUBLE)
outcomes.declare("wechat.stable_token", *TROUBLE, "rate_limited")
switches.declare(
    "wechat.ip_whitelist",
    "",
    (),
    kind="relaxation",
    source="wechat.md §0.5",
    why="addresses and networks (10.0.0.0/8), divided by commas, that may ask for tokens; empty lets everybody",
)
switches.declare(
    "wechat.forced_refreshes_spent",
    "45009",
    ("45009", "45011", "same_token"),
    kind="choice",
    source="wechat.md §1.2",
    why="what the 21st forced refresh of a day answers is documented only as a quota",
)


@api("/cgi-bin/token", "GET", token=False, changes=True)
def token() -> dict[str, Any]:
    """A new plain token; the one before works for five more minutes."""
    check_app(request.args, "client_credential")
    _check_address()
    planned("wechat.token")
    quota.spend("token", "day")
    now = clock.now()
    end_living("plain", now, now + OVERLAP)
    return _answer(mint("plain", now), now)


@api("/cgi-bin/stable_token", "POST", token=False)
def stable_token() -> dict[str, Any]:
    """The stable token: the living one, a new one near its end, or a new one by force."""
    given = body()
    check_app({name: text(given, name) for name in ("appid", "secret", "grant_type")}, "client_credential")
    force = given.get("force_refresh") or False
    if not isinstance(force, bool):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    _check_address()
    planned("wechat.stable_token")
    quota.spend("stable_token", "minute")
    quota.spend("stable_token", "day")
    now = clock.now()
    return _answer(_forced(now) if force else _current(now), now)


def _forced(now: datetime) -> WechatToken:
    last = limits.last(f"{caller()}.day.forced_refresh")
    if last and now - last < FORCED_APART:
        return _current(now)
    if not quota.has_left("forced_refresh", "day"):
        spent = switches.value("wechat.forced_refreshes_spent")
        if spent == "same_token":
            return _current(now)
        raise Refused(int(spent))
    end_living("stable", now, now)
    return mint("stable", now)


def _current(now: datetime) -> WechatToken:
    """Normal mode. In its last five minutes a token has a successor, and both work until its end."""
    newest = select(WechatToken).where(*_own("stable"), WechatToken.ends_at.is_(None))
    row = db.session.scalars(newest.order_by(WechatToken.id.desc()).limit(1).with_for_update()).first()
    if row and now < row.expires_at - OVERLAP:
        return row
    if row and now < row.expires_at:
        row.ends_at = row.expires_at
    return mint("stable", now)


def _check_address() -> None:
    """Only a white-listed caller gets a token. What is no network in the list admits nobody."""
    allowed = switches.value("wechat.ip_whitelist")
    if allowed and not any(_holds(part.strip(), address()) for part in allowed.split(",")):
        explain(whitelist=allowed)
        raise Refused(40164, ip=address())


def _holds(network: str, one: str) -> bool:
    try:
        return ip_address(one) in ip_network(network, strict=False)
    except ValueError:
        return False


def end_living(kind: str, now: datetime, at: datetime) -> None:
    """Every living token of a kind of the calling app ends at `at`, or earlier if it would anyway."""
    living = select(WechatToken).where(*_own(kind), WechatToken.expires_at > now)
    for row in db.session.scalars(living.with_for_update()):
        row.ends_at = min(row.ends_at or row.expires_at, at)


def mint(kind: str, now: datetime) -> WechatToken:
    """A new token of 7200 s."""
    token = wire.access_token(serials.fresh("token", 64))
    row = WechatToken(kind=kind, appid=caller(), token=token, expires_at=now + LIFE)
    db.session.add(row)
    return row


def _own(kind: str) -> tuple[Any, ...]:
    """Conditions: the calling app's tokens of a kind. Rows without an appid are the mini program's."""
    appid = func.coalesce(WechatToken.appid, accounts.account(MINI_PROGRAM)["appid"])
    return WechatToken.kind == kind, appid == caller()


def _answer(row: WechatToken, now: datetime) -> dict[str, Any]:
    return {"access_token": row.token, "expires_in": int((row.expires_at - now).total_seconds())}

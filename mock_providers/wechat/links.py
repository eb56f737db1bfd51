"""URL schemes (weixin://dl/business/?t=…) and URL links (https://wxaurl.cn/…) into the mini program."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches
from mock_providers.db import CHINA, db
from mock_providers.errors import Problem
from mock_providers.journal import explain
from mock_providers.wechat import app_pages, limits, users, wire
from mock_providers.wechat.door import Refused, api, body, caller, planned
from mock_providers.wechat.models import WechatLink

MADE_A_DAY, MADE_A_SECOND, OPENED_A_DAY, FOR_GOOD_AT_MOST = 500_000, 100, 3_000_000, 100_000
AT_MOST = timedelta(days=30)
AT_LEAST = timedelta(minutes=1)
SCENES = {"scheme": 1065, "link": 1194}
TROUBLE = (
    "system_error",
    "not_eligible",
    "generation_banned",
    "not_published",
    "too_many_a_second",
    "daily_quota",
    "long_term_full",
    "unauthorized",
    "http_500",
)

outcomes.declare("wechat.generatescheme", *TROUBLE)
outcomes.declare("wechat.generate_urllink", *TROUBLE)
switches.declare(
    "wechat.link_without_expiry",
    "30_days",
    ("30_days", "for_good"),
    kind="choice",
    source="wechat.md §6.2",
    why="at most 30 days is what the newer page says, also of links made with is_expire false; the older one had "
    "links for good",
)
switches.declare(
    "wechat.link_bad_kind",
    "40097",
    ("40097", "85401"),
    kind="choice",
    source="wechat.md §6.2, §10.3",
    why="what a wrong expire_type or cloud_base answers is not published",
)


@api("/wxa/generatescheme", "POST")
def generatescheme() -> dict[str, Any]:
    """A link that opens WeChat from text messages, mail and other apps."""
    users.mini_program_only(48001)
    given = body()
    jump = given.get("jump_wxa") or {}
    if not isinstance(jump, dict):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    made = _made("scheme", jump, given)
    return {"errcode": 0, "errmsg": "ok", "openlink": f"weixin://dl/business/?t={made.ticket}"}


@api("/wxa/generate_urllink", "POST")
def generate_urllink() -> dict[str, Any]:
    """A web address that opens the mini program."""
    users.mini_program_only(48001)
    given = body()
    cloud = given.get("cloud_base")
    if cloud is not None and not (isinstance(cloud, dict) and isinstance(cloud.get("env"), str) and cloud["env"]):
        explain(cloud_base="an object with the text env")
        raise Refused(int(switches.value("wechat.link_bad_kind")))
    made = _made("link", given, given)
    return {"errcode": 0, "errmsg": "ok", "url_link": f"https://wxaurl.cn/{made.ticket}"}


def _made(kind: str, where: dict[str, Any], given: dict[str, Any]) -> WechatLink:
    link = WechatLink(
        kind=kind,
        path=_path(where),
        query=_query(where),
        env_version=app_pages.env_version(where),
        expires_at=_expiry(given),
        ticket="",
    )
    planned(f"wechat.generate{'scheme' if kind == 'scheme' else '_urllink'}")
    if not limits.spend(f"{caller()}.second.links", MADE_A_SECOND, timedelta(seconds=1)):
        raise Refused(44990)
    if not limits.spend(f"{caller()}.day.links", MADE_A_DAY, limits.DAY):
        raise Refused(45009)
    if link.expires_at is None and not limits.spend(f"{caller()}.forever.links", FOR_GOOD_AT_MOST, limits.FOREVER):
        raise Refused(85400)
    link.ticket = wire.alphanumeric(serials.fresh(f"link_{kind}", 32), 11)
    db.session.add(link)
    return link


def _path(where: dict[str, Any]) -> str:
    """The page, checked; a leading / is let pass, as WeChat's own examples have one."""
    path = where.get("path")
    if path is None or path == "":
        if not (found := app_pages.home()):
            raise Refused(85079)
        return found
    if not isinstance(path, str) or "?" in path or not app_pages.is_published(path.removeprefix("/")):
        explain(path="not published, see the switch wechat.published_pages", published=app_pages.published())
        raise Refused(40165)
    return path.removeprefix("/")


def _query(where: dict[str, Any]) -> str:
    query = where.get("query")
    if query is None:
        return ""
    if not isinstance(query, str) or len(query) > 1024 or not app_pages.QUERY.fullmatch(query):
        explain(query="at most 1024 of letters, digits and !#$&'()*+,/:;=?@-._~%")
        raise Refused(40212)
    return query


def _expiry(given: dict[str, Any]) -> datetime | None:
    """When a link ends, from is_expire, expire_type and its time or interval."""
    now, expires = clock.now(), given.get("is_expire")
    if expires is not None and not isinstance(expires, bool):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    kind = given.get("expire_type")
    if kind not in (None, 0, 1) or isinstance(kind, bool):
        raise Refused(int(switches.value("wechat.link_bad_kind")))
    if not expires:
        return None if switches.value("wechat.link_without_expiry") == "for_good" else now + AT_MOST
    if kind == 1:
        days = given.get("expire_interval")
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= AT_MOST.days:
            explain(expire_interval="1 to 30 days")
            raise Refused(85402)
        return now + timedelta(days=days)
    at = given.get("expire_time")
    earliest, latest = (now + AT_LEAST).timestamp(), (now + AT_MOST).timestamp()
    if isinstance(at, bool) or not isinstance(at, int) or not int(earliest) <= at <= latest:
        explain(expire_time="Unix seconds, 1 minute to 30 days ahead", earliest=int(earliest), latest=int(latest))
        raise Refused(85401)
    return datetime.fromtimestamp(at, CHINA)


def opened(link: str) -> dict[str, Any]:
    """What the mini program gets when somebody opens a link. Raises Problem."""
    found = _found(link)
    if found is None:
        raise Problem("NOT_FOUND", "no such link in this space", {"link": ["unknown"]})
    if found.expires_at and clock.now() >= found.expires_at:
        raise Problem("STATE_CONFLICT", f"the link ended at {found.expires_at.isoformat()}", {"link": ["expired"]})
    if not limits.spend(f"{caller()}.day.links_opened", OPENED_A_DAY, limits.DAY):
        raise Problem("STATE_CONFLICT", "links were opened 3,000,000 times today", {"link": ["quota"]})
    launch = {
        "path": found.path,
        "query": app_pages.query_of(found.query),
        "scene": SCENES[found.kind],
        "referrerInfo": {},
    }
    return {"appId": users.own_appid(), "envVersion": found.env_version, "launch": launch}


def _found(link: str) -> WechatLink | None:
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme == "weixin":
        kind, ticket = "scheme", parse_qs(parts.query).get("t", [""])[0]
    else:
        kind, ticket = "link", parts.path.strip("/") if parts.hostname == "wxaurl.cn" else ""
    return db.session.scalar(select(WechatLink).where(WechatLink.kind == kind, WechatLink.ticket == ticket))

"""URL schemes and URL links: every field and error of wechat.md §6.2."""

import re

import pytest
from sqlalchemy import select

from mock_providers import spaces
from mock_providers.db import db
from mock_providers.wechat import links
from mock_providers.wechat.models import WechatLink, WechatUse
from tests.mock_providers.wechat.conformance.test_face import official_token
from tests.mock_providers.wechat.conftest import T0, World

SCHEME, LINK = "/wxa/generatescheme", "/wxa/generate_urllink"
NOW = int(T0.timestamp())
DAY = 86400


def made(world: World, path: str, /, where: dict | None = None, **expiry: object) -> dict:
    body = {"jump_wxa": where or {}, **expiry} if path == SCHEME else {**(where or {}), **expiry}
    return world.post(path, body, access_token=world.token())


def address(answer: dict) -> str:
    assert answer["errcode"] == 0 and answer["errmsg"] == "ok", answer
    return answer.get("openlink") or answer["url_link"]


def test_a_scheme_and_a_link_look_like_wechats(world: World) -> None:
    scheme, link = made(world, SCHEME), made(world, LINK)
    assert set(scheme) == {"errcode", "errmsg", "openlink"} and set(link) == {"errcode", "errmsg", "url_link"}
    assert re.fullmatch(r"weixin://dl/business/\?t=[0-9A-Za-z]{11}", address(scheme))
    assert re.fullmatch(r"https://wxaurl\.cn/[0-9A-Za-z]{11}", address(link))
    assert address(made(world, SCHEME)) != address(scheme)
    assert address(world.post(SCHEME, {}, access_token=world.token()))


@pytest.mark.parametrize(("path", "scene"), [(SCHEME, 1065), (LINK, 1194)])
def test_a_link_opens_its_page_with_its_query(world: World, path: str, scene: int) -> None:
    where = {"path": "/pages/pay/index", "query": "a=1&b=%E6%A0%B7", "env_version": "trial"}
    said = world.phone("open-link", link=address(made(world, path, where)))
    assert said == {
        "appId": world.account["appid"],
        "envVersion": "trial",
        "launch": {
            "path": "pages/pay/index",
            "query": {"a": "1", "b": "%E6%A0%B7"},
            "scene": scene,
            "referrerInfo": {},
        },
    }
    home = world.phone("open-link", link=address(made(world, path)))
    assert home["launch"]["path"] == "pages/index/index" and home["envVersion"] == "release"


REFUSED = [
    ({"path": "pages/nowhere/index"}, {}, 40165, "invalid weapp pagepath"),
    ({"path": "pages/index/index?a=1"}, {}, 40165, "invalid weapp pagepath"),
    ({"path": 5}, {}, 40165, "invalid weapp pagepath"),
    ({"query": "q" * 1025}, {}, 40212, "invalid query"),
    ({"query": "样=1"}, {}, 40212, "invalid query"),
    ({"query": 'a="'}, {}, 40212, "invalid query"),
    ({"query": 5}, {}, 40212, "invalid query"),
    ({"env_version": "beta"}, {}, 40097, "invalid args"),
    ({}, {"is_expire": "true"}, 47001, "data format error"),
    ({}, {"is_expire": True, "expire_type": 2}, 40097, "invalid args"),
    ({}, {"is_expire": True, "expire_type": "1"}, 40097, "invalid args"),
    ({}, {"is_expire": True, "expire_type": True}, 40097, "invalid args"),
    ({}, {"is_expire": True}, 85401, "invalid expire_time"),
    ({}, {"is_expire": True, "expire_time": NOW + 59}, 85401, "invalid expire_time"),
    ({}, {"is_expire": True, "expire_time": NOW - 59}, 85401, "invalid expire_time"),
    ({}, {"is_expire": True, "expire_time": NOW + 30 * DAY + 1}, 85401, "invalid expire_time"),
    ({}, {"is_expire": True, "expire_type": 0, "expire_time": str(NOW + DAY)}, 85401, "invalid expire_time"),
    ({}, {"is_expire": True, "expire_type": 0, "expire_interval": 3}, 85401, "invalid expire_time"),
    ({}, {"is_expire": True, "expire_type": 1}, 85402, "invalid expire_interval"),
    ({}, {"is_expire": True, "expire_type": 1, "expire_interval": 0}, 85402, "invalid expire_interval"),
    ({}, {"is_expire": True, "expire_type": 1, "expire_interval": 31}, 85402, "invalid expire_interval"),
    ({}, {"is_expire": True, "expire_type": 1, "expire_interval": 1.5}, 85402, "invalid expire_interval"),
    ({}, {"is_expire": True, "expire_type": 1, "expire_time": NOW + DAY}, 85402, "invalid expire_interval"),
]


@pytest.mark.parametrize("path", [SCHEME, LINK])
def test_every_bad_field_is_refused(world: World, path: str) -> None:
    for where, expiry, errcode, text in REFUSED:
        answer = made(world, path, where, **expiry)
        assert (where, expiry, answer["errcode"]) == (where, expiry, errcode)
        assert re.fullmatch(re.escape(text) + r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", answer["errmsg"])
    with spaces.entered(world.app, "default"):
        assert db.session.scalars(select(WechatLink)).all() == []


@pytest.mark.parametrize("path", [SCHEME, LINK])
def test_the_limits_themselves_are_taken(world: World, path: str) -> None:
    for where, expiry in (
        ({"query": "q" * 1024}, {}),
        ({"query": "!#$&'()*+,/:;=?@-._~%"}, {}),
        ({}, {"is_expire": False, "expire_time": 1}),
        ({}, {"is_expire": True, "expire_time": NOW + 60}),
        ({}, {"is_expire": True, "expire_type": 0, "expire_time": NOW + 30 * DAY}),
        ({}, {"is_expire": True, "expire_type": 1, "expire_interval": 1}),
        ({}, {"is_expire": True, "expire_type": 1, "expire_interval": 30}),
    ):
        assert address(made(world, path, where, **expiry))


def test_the_members_of_a_scheme_and_a_link_have_types(world: World) -> None:
    token = world.token()
    assert world.post(SCHEME, {"jump_wxa": "pages/index/index"}, access_token=token)["errcode"] == 47001
    for cloud in ("env", {}, {"env": ""}, {"env": 5}):
        assert world.post(LINK, {"cloud_base": cloud}, access_token=token)["errcode"] == 40097
    assert address(world.post(LINK, {"cloud_base": {"env": "prod", "domain": "a.b"}}, access_token=token))


@pytest.mark.parametrize(
    ("expiry", "days"),
    [
        ({}, 30),
        ({"is_expire": True, "expire_type": 1, "expire_interval": 2}, 2),
        ({"is_expire": True, "expire_time": NOW + DAY}, 1),
    ],
)
def test_a_link_ends_when_it_should(world: World, expiry: dict, days: int) -> None:
    link = address(made(world, LINK, **expiry))
    world.advance(days * DAY - 1)
    assert world.phone("open-link", link=link)["envVersion"] == "release"
    world.advance(1)
    assert world.phone("open-link", 409, link=link)["code"] == "STATE_CONFLICT"


def test_links_for_good_are_an_older_rule_with_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert links.FOR_GOOD_AT_MOST == 100_000
    monkeypatch.setattr(links, "FOR_GOOD_AT_MOST", 1)
    world.switch("wechat.link_without_expiry", "for_good")
    link = address(made(world, SCHEME))
    assert made(world, LINK)["errcode"] == 85400
    assert address(made(world, LINK, is_expire=True, expire_type=1, expire_interval=1))
    world.advance(400 * DAY)
    assert world.phone("open-link", link=link)["launch"]["scene"] == 1065


def test_the_quotas_of_making_and_opening(world: World) -> None:
    link = address(made(world, SCHEME))
    assert (links.MADE_A_SECOND, links.MADE_A_DAY, links.OPENED_A_DAY) == (100, 500_000, 3_000_000)
    use(world, "second.links", 99)
    assert address(made(world, LINK))
    assert made(world, SCHEME)["errcode"] == 44990
    world.advance(1)
    use(world, "day.links", 499_999)
    assert address(made(world, SCHEME))
    assert made(world, LINK)["errcode"] == 45009
    world.phone("open-link", link=link)
    use(world, "day.links_opened", 3_000_000)
    assert world.phone("open-link", 409, link=link)["code"] == "STATE_CONFLICT"
    world.advance(DAY)
    assert address(made(world, LINK))


def use(world: World, name: str, n: int) -> None:
    with spaces.entered(world.app, "default"):
        db.session.scalars(select(WechatUse).where(WechatUse.name == f"{world.account['appid']}.{name}")).one().n = n
        db.session.commit()


@pytest.mark.parametrize(
    ("outcome", "errcode"),
    [
        ("system_error", -1),
        ("not_eligible", 40002),
        ("generation_banned", 40013),
        ("not_published", 85079),
        ("too_many_a_second", 44990),
        ("daily_quota", 45009),
        ("long_term_full", 85400),
    ],
)
def test_every_error_of_the_table_can_be_planned(world: World, outcome: str, errcode: int) -> None:
    for path in (SCHEME, LINK):
        world.plan(f"wechat.{path.rpartition('/')[2]}", outcome)
        assert made(world, path)["errcode"] == errcode


def test_nothing_published_makes_no_link(world: World) -> None:
    world.switch("wechat.published_pages", "-")
    assert made(world, SCHEME)["errcode"] == 85079
    assert made(world, LINK, {"path": "pages/index/index"})["errcode"] == 40165


def test_method_token_body_and_another_app_are_refused(world: World) -> None:
    token = world.token()
    for path in (SCHEME, LINK):
        assert world.get(path, access_token=token)["errcode"] == 43002
        assert world.post(path, {})["errcode"] == 41001
        assert world.post(path, b"", access_token=token)["errcode"] == 44002
        assert world.post(path, b"x", access_token=token)["errcode"] == 47001
        assert world.post(path, {}, access_token=official_token(world))["errcode"] == 48001


@pytest.mark.parametrize(
    "link", ["weixin://dl/business/?t=x", "https://wxaurl.cn/x", "https://a.b/c", "http://[", "x"]
)
def test_a_link_nobody_made_is_not_found(world: World, link: str) -> None:
    assert world.phone("open-link", 404, link=link)["code"] == "NOT_FOUND"

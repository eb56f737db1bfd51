"""wechat.md §0 and §11, checks 16, 17, 34, 35: how every answer and refusal looks on the wire."""

import re
from typing import Any

import pytest

from mock_providers.wechat import wire
from tests.mock_providers.wechat.conftest import T0, World

ONE_FOR_ALL = True
RID = "[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"
PHONE = "/wxa/business/getuserphonenumber"
JSON, TEXT = "application/json; encoding=utf-8", "text/plain"
GET_APIS = {
    "/cgi-bin/token": JSON,
    "/sns/jscode2session": TEXT,
    "/sns/oauth2/access_token": TEXT,
    "/sns/oauth2/refresh_token": JSON,
    "/sns/userinfo": TEXT,
    "/sns/auth": JSON,
    "/wxa/checksession": JSON,
    "/wxa/resetusersessionkey": JSON,
    "/wxa/getpaidunionid": JSON,
}
POST_APIS = {
    "/cgi-bin/stable_token": JSON,
    "/cgi-bin/clear_quota": JSON,
    "/cgi-bin/openapi/rid/get": JSON,
    "/wxa/business/getuserphonenumber": JSON,
    "/wxa/business/checkencryptedmsg": JSON,
}
WITH_TOKEN = [path for path in (*GET_APIS, *POST_APIS) if path.startswith("/wxa/") or path[9:] in ("clear_quota",)]
TEXTS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by "
    "getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
    40014: "invalid access_token",
    42001: "access_token expired",
    41001: "access_token missing",
    40003: "invalid openid",
    40013: "invalid appid",
    40066: "invalid url",
    43002: "require POST method",
    43001: "require GET method",
    44002: "empty post data",
    47001: "data format error",
    40097: "invalid args",
    45009: "reach max api daily quota limit, could get access_token by getStableAccessToken, "
    "more details at https://mmbizurl.cn/s/JtxxFh33r",
    45011: "api minute-quota reach limit  mustslower  retry next minute",
    48001: "api unauthorized",
    48004: "api forbidden for irregularities, view more on mp.weixin.qq.com",
    48006: "forbid to clear quota because of reaching the limit",
    50002: "user limited",
    40002: "invalid grant_type",
    40029: "invalid code",
    40163: "code been used",
    40226: "code blocked",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    40125: "invalid appsecret, view more at http://t.cn/RAEkdVq",
    40164: "invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist",
    87007: "session_key is not existd or expired",
    87008: "invalid sig_method",
    87009: "invalid signature",
    89300: "invalid trade",
}
ANY_API = {
    "system_error": -1,
    "daily_quota": 45009,
    "rate_limited": 45011,
    "unauthorized": 48001,
    "api_banned": 48004,
    "user_limited": 50002,
    "account_frozen": 50007,
    "token_superseded": 40001,
    "token_expired": 42001,
}


def answered(world: World, path: str, method: str = "GET", **about: Any) -> Any:
    return world.client.open(f"/wechat{path}", method=method, **about)


@pytest.mark.parametrize(("errcode", "said"), TEXTS.items())
def test_an_error_is_said_in_these_words(errcode: int, said: str) -> None:
    assert wire.ERRORS[errcode] == said


@pytest.mark.parametrize(("path", "kind"), [*GET_APIS.items(), *POST_APIS.items()])
def test_a_refusal_has_a_number_a_rid_and_the_type_of_its_family(world: World, path: str, kind: str) -> None:
    answer = answered(world, path, "POST" if path in POST_APIS else "GET")
    body = answer.get_json(force=True)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert set(body) == {"errcode", "errmsg"} and type(body["errcode"]) is int
    divider = ", " if path.startswith("/sns/") else " "
    assert re.search(f"{divider}rid: {RID}$", body["errmsg"])
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert "Transfer-Encoding" not in answer.headers


def test_the_type_of_other_interfaces_is_a_switch(world: World) -> None:
    other = "application/json; charset=utf-8"
    world.switch("wechat.content_type_elsewhere", other)
    for path in ("/wxa/checksession", "/cgi-bin/stable_token", "/cgi-bin/message/subscribe/send", "/nothing/here"):
        assert answered(world, path).headers["Content-Type"] == other
    for path in ("/cgi-bin/token", "/wxa/business/getuserphonenumber", "/wxa/getwxacodeunlimit"):
        assert answered(world, path).headers["Content-Type"] == JSON


@pytest.mark.parametrize("path", ["/sns/auth", "/sns/oauth2/refresh_token", "/sns/nothing"])
def test_only_three_interfaces_of_sns_are_known_to_answer_text(world: World, path: str) -> None:
    assert answered(world, path).headers["Content-Type"] == JSON
    world.switch("wechat.content_type_sns", TEXT)
    assert answered(world, path).headers["Content-Type"] == TEXT
    assert answered(world, "/sns/userinfo").headers["Content-Type"] == TEXT


@pytest.mark.parametrize("path", WITH_TOKEN)
def test_w16_without_a_token_in_the_query(world: World, path: str) -> None:
    method = "POST" if path in POST_APIS else "GET"
    for given in ({}, {"json": {"access_token": world.token()}}):
        body = answered(world, path, method, **given).get_json(force=True)
        assert body["errcode"] == 41001 and body["errmsg"].startswith("access_token missing rid: ")


@pytest.mark.parametrize("path", [*GET_APIS, *POST_APIS])
def test_w17_the_first_group_of_a_rid_is_the_time(world: World, path: str) -> None:
    world.advance(12_345)
    errmsg = answered(world, path, "POST" if path in POST_APIS else "GET").get_json(force=True)["errmsg"]
    assert int(errmsg[-26:-18], 16) == int(T0.timestamp()) + 12_345


@pytest.mark.parametrize("path", POST_APIS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_post_interface_wants_post(world: World, path: str, method: str) -> None:
    body = answered(world, path, method).get_json(force=True)
    assert body["errcode"] == 43002 and body["errmsg"].startswith("require POST method")


@pytest.mark.parametrize("path", GET_APIS)
def test_a_get_interface_reads_only_the_query_or_wants_get(world: World, path: str) -> None:
    assert answered(world, path, "PUT").get_json(force=True)["errcode"] == 43001
    assert answered(world, path, "POST").get_json(force=True)["errcode"] in (41001, 41002)
    world.switch("wechat.post_on_get", "43001")
    body = answered(world, path, "POST").get_json(force=True)
    assert body["errcode"] == 43001 and body["errmsg"].startswith("require GET method")


@pytest.mark.parametrize("path", [path for path in POST_APIS if path != "/cgi-bin/stable_token"])
@pytest.mark.parametrize(
    ("body", "errcode"), [(b"", 44002), (b"code=x", 47001), (b"[]", 47001), (b'"x"', 47001), (b"{", 47001)]
)
def test_w34_a_body_is_one_json_object(world: World, path: str, body: bytes, errcode: int) -> None:
    answer = answered(world, path, "POST", data=body, query_string={"access_token": world.token()})
    assert answer.get_json(force=True)["errcode"] == errcode


@pytest.mark.parametrize("kind", [None, "text/plain; charset=ISO-8859-1", "application/json;charset=utf-8", "x"])
def test_json_is_read_whatever_its_type_is_called(world: World, kind: str | None) -> None:
    code = world.phone("phone-number", person="P01")["code"]
    headers = {"Content-Type": kind} if kind else {}
    body = b'{"code":"' + code.encode() + b'"}'
    query = {"access_token": world.token()}
    answer = answered(world, PHONE, "POST", data=body, headers=headers, query_string=query)
    assert answer.get_json(force=True)["errcode"] == 0


@pytest.mark.parametrize("path", POST_APIS)
def test_w35_a_chunked_post_gets_412_and_nothing(world: World, path: str) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    answer = answered(world, path, "POST", headers=chunked, environ_overrides={"yibao.chunked": True})
    assert (answer.status_code, answer.data) == (412, b"") and "Content-Type" not in answer.headers
    world.switch("wechat.chunked_post", "accepted")
    assert answered(world, path, "POST", environ_overrides={"yibao.chunked": True}).status_code == 200


@pytest.mark.parametrize("more", [{"access_token": "98_x"}, {"debug": "1"}, {"appid2": "y"}])
def test_parameters_nobody_asked_for_are_tolerated(world: World, more: dict) -> None:
    code = world.phone("login", person="P01")["code"]
    assert "openid" in world.session(code, **more)


def test_an_app_sends_its_secret_along_where_none_is_needed(world: World) -> None:
    query = {"access_token": world.token(), **world.app_keys()}
    assert world.get("/wxa/checksession", **query)["errcode"] == 40097


@pytest.mark.parametrize("host", ["api.weixin.qq.com", "api2.weixin.qq.com", "sh.api.weixin.qq.com"])
def test_other_regions_have_other_hosts(world: World, host: str) -> None:
    answer = world.client.get("/cgi-bin/token", base_url=f"https://{host}")
    assert answer.get_json(force=True)["errcode"] == 41002


@pytest.mark.parametrize(("outcome", "errcode"), ANY_API.items())
def test_any_interface_with_a_token_can_be_in_trouble(world: World, outcome: str, errcode: int) -> None:
    token = world.token()
    world.plan("wechat.api", outcome, ref=PHONE)
    assert world.get("/wxa/checksession", access_token=token)["errcode"] == 40097
    assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == errcode
    assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == 40029
    world.plan("wechat.api", outcome)
    assert world.get("/wxa/checksession", access_token=token)["errcode"] == errcode
    assert world.get("/wxa/checksession", access_token=token)["errcode"] == 40097


def test_any_interface_can_break(world: World) -> None:
    world.plan("wechat.api", "http_500")
    answer = answered(world, "/wxa/checksession", query_string={"access_token": world.token()})
    assert (answer.status_code, answer.data) == (500, b"")


@pytest.mark.parametrize(
    "path", ["/", "/cgi-bin/nothing", "/sns/x", "/wxa/business/", "/connect/oauth2/authorise", "/cgi-bin/token/"]
)
def test_an_unknown_address_is_an_invalid_url(world: World, path: str) -> None:
    body = answered(world, path).get_json(force=True)
    assert body["errcode"] == 40066 and body["errmsg"].startswith("invalid url")

"""wechat.md §0.3, §0.5, §0.6, §1, §2: quotas and who may ask; what a rid stands for."""

import json
import re
from typing import Any

import pytest

from mock_providers.wechat import wire
from tests.mock_providers.wechat.conftest import World

ONE_FOR_ALL = True
PHONE = "/wxa/business/getuserphonenumber"
TOKEN_TROUBLE = {
    "system_error": -1,
    "appsecret_invalid": 40001,
    "ip_not_allowed": 40164,
    "secret_frozen": 40243,
    "daily_quota": 45009,
    "token_forbidden": 50004,
    "account_frozen": 50007,
    "user_limited": 50002,
    "confirmation_waiting": 89501,
    "confirmation_pending": 89502,
    "confirmation_needed": 89503,
    "confirmation_retry": 89504,
    "confirmation_open": 89505,
    "ip_refused_a_day": 89506,
    "ip_refused_an_hour": 89507,
}
DAY = 86_400


def plain(world: World) -> dict:
    return world.get("/cgi-bin/token", **world.app_keys(grant_type="client_credential"))


def stable(world: World, **more: Any) -> dict:
    return world.post("/cgi-bin/stable_token", world.app_keys(grant_type="client_credential", **more))


def cleared(world: World, token: str, **body: Any) -> dict:
    return world.post("/cgi-bin/clear_quota", body or {"appid": world.account["appid"]}, access_token=token)


def rid_of(answer: dict) -> str:
    return re.search(r"rid: (\S+)$", answer["errmsg"])[1]


def looked_up(world: World, rid: Any, token: str) -> dict:
    return world.post("/cgi-bin/openapi/rid/get", {"rid": rid}, access_token=token)


@pytest.mark.parametrize(("outcome", "errcode"), TOKEN_TROUBLE.items())
def test_every_trouble_of_the_token_interfaces(world: World, outcome: str, errcode: int) -> None:
    for target, ask in (("wechat.token", plain), ("wechat.stable_token", stable)):
        world.plan(target, outcome)
        answer = ask(world)
        assert answer["errcode"] == errcode and re.search(r" rid: \S+$", answer["errmsg"])
        assert "access_token" in ask(world)


@pytest.mark.parametrize(
    ("allowed", "good"),
    [
        ("127.0.0.1", True),
        ("10.0.0.1, 127.0.0.0/8", True),
        ("10.0.0.1", False),
        ("nonsense", False),
        ("::1", False),
    ],
)
def test_a_white_list_of_addresses(world: World, allowed: str, good: bool) -> None:
    world.switch("wechat.ip_whitelist", allowed)
    for answer in (plain(world), stable(world)):
        assert ("access_token" in answer) is good
        found = re.match(r"invalid ip (\S+) ipv6 ::ffff:(\S+), not in whitelist", answer.get("errmsg", ""))
        assert good or (answer["errcode"] == 40164 and found.groups() == ("127.0.0.1", "127.0.0.1"))


def test_a_wrong_secret_can_also_be_40001(world: World) -> None:
    world.switch("wechat.wrong_secret", "40001")
    query = world.app_keys(grant_type="client_credential") | {"secret": "x"}
    assert world.get("/cgi-bin/token", **query)["errcode"] == 40001


@pytest.mark.parametrize(("window", "errcode", "wait"), [("day", 45009, 14 * 3600), ("minute", 45011, 60)])
def test_every_interface_can_have_a_quota(world: World, window: str, errcode: int, wait: int) -> None:
    world.switch(f"wechat.api_{window}_quota", "2")
    token = world.token()
    for _ in range(2):
        assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == 40029
        assert world.get("/wxa/checksession", access_token=token)["errcode"] == 40097
    assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == errcode
    assert world.get("/wxa/checksession", access_token=token)["errcode"] == errcode
    world.advance(wait)
    assert world.post(PHONE, {"code": "x"}, access_token=world.token())["errcode"] == 40029


def test_every_app_has_its_own_quota_of_an_interface(world: World) -> None:
    world.switch("wechat.api_day_quota", "1")
    other = world.official_account
    query = {"appid": other["appid"], "secret": other["secret"], "grant_type": "client_credential"}
    for token in (world.token(), world.post("/cgi-bin/stable_token", query)["access_token"]):
        assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == 40029
        assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == 45009


def test_the_phone_interface_can_have_a_quota_of_its_own(world: World) -> None:
    world.switch("wechat.getuserphonenumber_a_minute", "1")
    token = world.token()
    answers = [world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] for _ in range(2)]
    assert answers == [40029, 45011]


def test_one_apps_quota_is_not_the_others(world: World) -> None:
    world.switch("wechat.token_daily_quota", "1")
    plain(world)
    other = world.official_account
    query = {"appid": other["appid"], "secret": other["secret"], "grant_type": "client_credential"}
    assert "access_token" in world.get("/cgi-bin/token", **query)
    assert plain(world)["errcode"] == 45009


# clear_quota (§0.6)


def test_clearing_gives_the_daily_quotas_back(world: World) -> None:
    token = world.token()
    world.switch("wechat.token_daily_quota", "1")
    assert [plain(world).get("errcode") for _ in range(2)] == [None, 45009]
    assert cleared(world, token) == {"errcode": 0, "errmsg": "ok"}
    assert [plain(world).get("errcode") for _ in range(2)] == [None, 45009]


def test_the_eleventh_clearing_of_a_month_is_refused(world: World) -> None:
    token = world.token()
    assert [cleared(world, token)["errcode"] for _ in range(11)] == [0] * 10 + [48006]
    world.advance(30 * DAY)  # from 1 December
    assert cleared(world, world.token())["errcode"] == 48006
    world.advance(DAY)
    assert cleared(world, world.token())["errcode"] == 0


@pytest.mark.parametrize("appid", ["", "wx00000000000000ff"])
def test_clearing_names_the_apps_own_appid(world: World, appid: str) -> None:
    assert cleared(world, world.token(), appid=appid)["errcode"] == 40013
    assert cleared(world, world.token(), appid=world.official_account["appid"])["errcode"] == 40013


# rid/get (§0.3)


def test_a_rid_leads_to_the_refused_call(world: World) -> None:
    token = world.token()
    sent = world.client.post(f"/wechat{PHONE}?access_token={token}", json={"code": "x"})
    refused = sent.get_json(force=True)
    answer = looked_up(world, rid_of(refused), token)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
    request = answer["request"]
    names = {"invoke_time", "cost_in_ms", "request_url", "request_body", "response_body", "client_ip"}
    assert set(request) == names
    assert request["request_url"] == f"access_token={token}"
    assert json.loads(request["request_body"]) == {"code": "x"}
    assert json.loads(request["response_body"]) == refused


@pytest.mark.parametrize(
    ("rid", "errcode"), [("", 76002), ("x", 76002), ("0" * 26, 76002), (f"{'0' * 8}-{'0' * 8}-{'0' * 8}", 76001)]
)
def test_a_rid_that_is_none(world: World, rid: str, errcode: int) -> None:
    assert looked_up(world, rid, world.token())["errcode"] == errcode


def test_another_accounts_rid_is_not_shown(world: World) -> None:
    other = world.official_account
    query = {"appid": other["appid"], "secret": other["secret"], "grant_type": "client_credential"}
    theirs = world.post("/cgi-bin/stable_token", query)["access_token"]
    refused = world.post(PHONE, {"code": "x"}, access_token=world.token())
    assert looked_up(world, rid_of(refused), theirs)["errcode"] == 76003
    assert looked_up(world, rid_of(refused), world.token())["errcode"] == 0


def test_a_rid_is_kept_seven_days(world: World) -> None:
    refused = world.post(PHONE, {"code": "x"}, access_token=world.token())
    world.advance(7 * DAY - 1)
    assert looked_up(world, rid_of(refused), world.token())["errcode"] == 0
    world.advance(1)
    assert looked_up(world, rid_of(refused), world.token())["errcode"] == 76004
    world.switch("wechat.rid_too_old", "76001")
    assert looked_up(world, rid_of(refused), world.token())["errcode"] == 76001


@pytest.mark.parametrize(("switch", "errcode"), [("76022", 76022), ("76001", 76001), ("found", 0)])
def test_a_rid_of_sns_is_not_looked_up(world: World, switch: str, errcode: int) -> None:
    world.switch("wechat.rid_of_sns", switch)
    rid = rid_of(world.get("/sns/jscode2session"))
    assert looked_up(world, rid, world.token())["errcode"] == errcode


def test_every_text_of_these_codes_is_known() -> None:
    assert all(wire.ERRORS[code] for code in (*TOKEN_TROUBLE.values(), 48006, 76001, 76002, 76003, 76004, 76022))

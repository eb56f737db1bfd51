"""wechat.md §1 and §11, checks 1–17: access tokens."""

import re

import pytest

from tests.mock_providers.wechat.conftest import T0, World

ONE_FOR_ALL = True

RID = re.compile(r"rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$")


def plain(world: World) -> str:
    return world.get("/cgi-bin/token", **world.app_keys(grant_type="client_credential"))["access_token"]


def stable(world: World, **more: object) -> dict:
    return world.post("/cgi-bin/stable_token", world.app_keys(grant_type="client_credential", **more))


def verdict(world: World, token: str) -> int:
    """0 when the token opens a door: then the body is looked at."""
    errcode = world.post("/wxa/business/getuserphonenumber", {"code": "x"}, access_token=token)["errcode"]
    return 0 if errcode == 40029 else errcode


def test_w01_a_token_is_answered_without_an_envelope(world: World) -> None:
    answer = world.client.get("/wechat/cgi-bin/token", query_string=world.app_keys(grant_type="client_credential"))
    assert answer.headers["Content-Type"] == "application/json; encoding=utf-8"
    assert set(answer.get_json(force=True)) == {"access_token", "expires_in"}
    assert answer.get_json(force=True)["expires_in"] == 7200
    assert int(answer.headers["Content-Length"]) == len(answer.data)


def refused(world: World, given: dict, errcode: int, said: str) -> None:
    """Both token interfaces refuse this, in these words and with a rid."""
    query = world.app_keys(grant_type="client_credential") | given
    for answer in (world.get("/cgi-bin/token", **query), world.post("/cgi-bin/stable_token", query)):
        assert answer["errcode"] == errcode
        assert answer["errmsg"].startswith(said) and RID.search(answer["errmsg"])


@pytest.mark.parametrize("secret", ["0" * 32, "x"])
def test_w02_a_wrong_secret_is_refused(world: World, secret: str) -> None:
    refused(world, {"secret": secret}, 40125, "invalid appsecret")


@pytest.mark.parametrize("appid", ["wx0000000000000000", "x", "WX"])
def test_w03_an_unknown_appid_or_one_in_another_case_is_refused(world: World, appid: str) -> None:
    refused(world, {"appid": world.account["appid"].upper() if appid == "WX" else appid}, 40013, "invalid appid")


@pytest.mark.parametrize(("name", "errcode", "said"), [("appid", 41002, "appid"), ("secret", 41004, "appsecret")])
def test_w04_a_missing_appid_or_secret_is_named(world: World, name: str, errcode: int, said: str) -> None:
    refused(world, {name: ""}, errcode, f"{said} missing")


@pytest.mark.parametrize("grant_type", ["x", "", "authorization_code"])
def test_w05_another_grant_type_is_refused(world: World, grant_type: str) -> None:
    refused(world, {"grant_type": grant_type}, 40002, "invalid grant_type")


def test_w07_the_old_token_works_five_more_minutes(world: World) -> None:
    a, b = plain(world), plain(world)
    assert a != b
    world.advance(299)
    assert (verdict(world, a), verdict(world, b)) == (0, 0)
    world.advance(2)
    assert (verdict(world, a), verdict(world, b)) == (40001, 0)


def test_w08_a_token_nobody_replaced_expires(world: World) -> None:
    token = plain(world)
    world.advance(7199)
    assert verdict(world, token) == 0
    world.advance(2)
    answer = world.post("/wxa/business/getuserphonenumber", {"code": "x"}, access_token=token)
    assert answer["errcode"] == 42001 and answer["errmsg"].startswith("access_token expired")


def test_the_two_kinds_do_not_end_each_other(world: World) -> None:
    token, other = plain(world), stable(world)["access_token"]
    stable(world, force_refresh=True)
    assert verdict(world, token) == 0
    other = stable(world)["access_token"]
    plain(world)
    world.advance(301)
    assert verdict(world, other) == 0


def test_w09_the_stable_token_stays_and_its_life_runs(world: World) -> None:
    first = stable(world)
    world.advance(6855)
    assert stable(world) == {"access_token": first["access_token"], "expires_in": 345}


def test_w10_in_the_last_five_minutes_there_is_a_successor(world: World) -> None:
    old = stable(world)["access_token"]
    world.advance(6901)
    new = stable(world)
    assert new["access_token"] != old and new["expires_in"] == 7200
    world.advance(298)
    assert (verdict(world, old), verdict(world, new["access_token"])) == (0, 0)
    world.advance(2)
    assert (verdict(world, old), verdict(world, new["access_token"])) == (40001, 0)


def test_a_stable_token_nobody_renewed_expires(world: World) -> None:
    old = stable(world)["access_token"]
    world.advance(7300)
    assert stable(world)["access_token"] != old
    assert verdict(world, old) == 42001


def test_w11_force_ends_the_old_token_at_once(world: World) -> None:
    old = stable(world)["access_token"]
    new = stable(world, force_refresh=True)
    assert new["access_token"] != old and new["expires_in"] == 7200
    assert (verdict(world, old), verdict(world, new["access_token"])) == (40001, 0)


def test_w12_force_within_30_seconds_is_normal_mode(world: World) -> None:
    first = stable(world, force_refresh=True)["access_token"]
    world.advance(29)
    assert stable(world, force_refresh=True) == {"access_token": first, "expires_in": 7171}
    world.advance(1)
    assert stable(world, force_refresh=True)["access_token"] != first


@pytest.mark.parametrize(("switch", "errcode"), [("45009", 45009), ("45011", 45011), ("same_token", None)])
def test_w13_the_21st_force_of_a_day(world: World, switch: str, errcode: int | None) -> None:
    world.switch("wechat.forced_refreshes_spent", switch)
    for _ in range(20):
        last = stable(world, force_refresh=True)
        assert "errcode" not in last
        world.advance(31)
    answer = stable(world, force_refresh=True)
    assert answer.get("errcode") == errcode
    assert errcode or answer["access_token"] == last["access_token"]
    world.advance(24 * 3600)
    assert "errcode" not in stable(world, force_refresh=True)


def test_w14_stable_token_wants_post(world: World) -> None:
    answer = world.get("/cgi-bin/stable_token", **world.app_keys(grant_type="client_credential"))
    assert answer["errcode"] == 43002 and answer["errmsg"].startswith("require POST method")


@pytest.mark.parametrize(
    ("body", "errcode"),
    [(b"", 44002), (b"grant_type=client_credential", 47001), (b"[]", 47001), (b'{"appid": 1}', 47001)],
)
def test_stable_token_reads_only_json(world: World, body: bytes, errcode: int) -> None:
    assert world.post("/cgi-bin/stable_token", body)["errcode"] == errcode


def test_force_refresh_is_a_boolean(world: World) -> None:
    assert stable(world, force_refresh="true")["errcode"] == 47001
    world.switch("wechat.wrong_json_type", "40097")
    assert stable(world, force_refresh=1)["errcode"] == 40097


@pytest.mark.parametrize("path", ["/wxa/business/getuserphonenumber", "/cityservice/face/identify/getverifyid"])
def test_w16_a_token_counts_only_in_the_query(world: World, path: str) -> None:
    for body in ({}, {"access_token": world.token()}):
        answer = world.post(path, body)
        assert answer["errcode"] == 41001 and answer["errmsg"].startswith("access_token missing")
    assert world.get("/wxa/checksession")["errcode"] == 41001


def test_w17_a_rid_begins_with_the_business_time(world: World) -> None:
    world.advance(1_000_000)
    errmsg = world.get("/cgi-bin/token")["errmsg"]
    assert int(RID.search(errmsg)[1], 16) == int(T0.timestamp()) + 1_000_000


def test_unknown_and_malformed_tokens(world: World) -> None:
    assert verdict(world, "98_abc") == 40001
    assert verdict(world, "a b") == 40014
    world.switch("wechat.malformed_token", "40001")
    assert verdict(world, "a b") == 40001


def test_the_daily_quota_of_plain_tokens_ends_with_the_day(world: World) -> None:
    world.switch("wechat.token_daily_quota", "2")
    query = world.app_keys(grant_type="client_credential")
    assert [world.get("/cgi-bin/token", **query).get("errcode") for _ in range(3)] == [None, None, 45009]
    world.advance(14 * 3600)
    assert "errcode" not in world.get("/cgi-bin/token", **query)
    world.switch("wechat.quota_day", "rolling")
    world.switch("wechat.token_daily_quota", "9")
    assert "errcode" not in world.get("/cgi-bin/token", **query)


@pytest.mark.parametrize(
    ("outcome", "errcode"),
    [
        ("system_error", -1),
        ("daily_quota", 45009),
        ("ip_not_allowed", 40164),
        ("secret_frozen", 40243),
        ("account_frozen", 50007),
    ],
)
def test_a_planned_trouble_happens_once(world: World, outcome: str, errcode: int) -> None:
    query = world.app_keys(grant_type="client_credential")
    world.plan("wechat.token", outcome)
    assert world.get("/cgi-bin/token", **query)["errcode"] == errcode
    assert "errcode" not in world.get("/cgi-bin/token", **query)
    world.plan("wechat.stable_token", outcome)
    assert world.post("/cgi-bin/stable_token", query)["errcode"] == errcode


def test_a_refused_call_ends_no_token(world: World) -> None:
    token = plain(world)
    world.plan("wechat.token", "system_error")
    world.get("/cgi-bin/token", **world.app_keys(grant_type="client_credential"))
    world.advance(301)
    assert verdict(world, token) == 0


def test_the_order_of_checks_can_be_turned(world: World) -> None:
    assert world.get("/cgi-bin/token")["errcode"] == 41002
    world.switch("wechat.check_order", "grant-appid-secret")
    assert world.get("/cgi-bin/token")["errcode"] == 40002


@pytest.mark.parametrize(("window", "errcode"), [("minute", 45011), ("day", 45009)])
def test_stable_tokens_have_quotas_too(world: World, window: str, errcode: int) -> None:
    world.switch(f"wechat.stable_token_a_{window}", "1")
    assert "errcode" not in stable(world)
    assert stable(world)["errcode"] == errcode

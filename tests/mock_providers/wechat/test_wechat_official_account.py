"""The second app of a space: an official account beside the mini program."""

import pytest

from mock_providers import spaces
from mock_providers.db import db
from mock_providers.wechat import users
from mock_providers.wechat.models import WechatUser
from tests.mock_providers.wechat.conftest import World

PHONE = "/wxa/business/getuserphonenumber"


def keys(world: World, **other: object) -> dict:
    account = world.official_account
    return {"appid": account["appid"], "secret": account["secret"], **other}


def test_credentials_show_both_apps(world: World) -> None:
    shown = world.client.get("/_mock/credentials").json
    names = {"base_url", "appid", "secret", "original_id", "push_token", "encoding_aes_key"}
    assert set(shown["wechat_official_account"]) == names <= set(shown["wechat"])
    shared = {name for name in names if shown["wechat"][name] == shown["wechat_official_account"][name]}
    assert shared == {"base_url"}


def test_each_app_has_tokens_of_its_own(world: World) -> None:
    mini = world.get("/cgi-bin/token", **world.app_keys(grant_type="client_credential"))["access_token"]
    for _ in range(2):
        world.get("/cgi-bin/token", **keys(world, grant_type="client_credential"))
    world.advance(301)
    assert world.post(PHONE, {"code": "x"}, access_token=mini)["errcode"] == 40029
    body = keys(world, grant_type="client_credential")
    stable = world.post("/cgi-bin/stable_token", body)["access_token"]
    assert stable != world.token()
    world.post("/cgi-bin/stable_token", body | {"force_refresh": True})
    assert world.post(PHONE, {"code": "x"}, access_token=stable)["errcode"] == 40001
    assert world.post(PHONE, {"code": "x"}, access_token=world.token())["errcode"] == 40029


def test_one_apps_secret_does_not_open_the_other(world: World) -> None:
    query = {"appid": world.official_account["appid"], "secret": world.account["secret"]}
    assert world.get("/cgi-bin/token", **query, grant_type="client_credential")["errcode"] == 40125


def test_a_login_code_belongs_to_one_app(world: World) -> None:
    code = world.phone("login", person="P01")["code"]
    query = keys(world, js_code=code, grant_type="authorization_code")
    assert world.get("/sns/jscode2session", **query)["errcode"] == 40029
    assert "openid" in world.session(code)


@pytest.mark.parametrize("switch", ["40013", "40029"])
def test_a_phone_code_belongs_to_one_app(world: World, switch: str) -> None:
    world.switch("wechat.phone_code_of_other_app", switch)
    code = world.phone("phone-number", person="P01")["code"]
    token = world.post("/cgi-bin/stable_token", keys(world, grant_type="client_credential"))["access_token"]
    assert world.post(PHONE, {"code": code}, access_token=token)["errcode"] == int(switch)


def test_a_person_has_another_openid_and_session_in_the_other_app(world: World) -> None:
    known = world.log_in()["openid"]
    with spaces.entered(world.app, "default"):
        other = users.opened_by(world.official_account["appid"], "P01").openid
        db.session.commit()
        assert db.session.query(WechatUser).count() == 2
    assert known != other
    query = {"openid": other, "signature": "0" * 64, "sig_method": "hmac_sha256", "access_token": world.token()}
    assert world.get("/wxa/checksession", **query)["errcode"] == 40003


def test_the_space_is_found_by_either_appid(world: World) -> None:
    assert world.client.post("/_mock/spaces", json={"name": "next-door"}).status_code == 200
    theirs = world.client.get("/s/next-door/_mock/credentials").json
    for app in ("wechat", "wechat_official_account"):
        query = {"appid": theirs[app]["appid"], "secret": theirs[app]["secret"], "grant_type": "client_credential"}
        assert "access_token" in world.get("/cgi-bin/token", **query)
        token = world.post("/cgi-bin/stable_token", query)["access_token"]
        assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == 40029

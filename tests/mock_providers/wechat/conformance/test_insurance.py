"""wechat.md §6.4 and §11, checks 73 and 74: the way to an insurance payment, from a mini program and from a page."""

import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from mock_providers import accounts, spaces
from mock_providers.db import db
from tests.mock_providers.wechat.conftest import World

ONE_FOR_ALL = True
APP = "wxe183cd55df4b4369"
BACK = "https://hospital.example/pay?order=1"
PARAMS = {
    "authType": "2",
    "isDepart": "2",
    "bizType": "04107",
    "appid": "",
    "cityCode": "460100",
    "channel": "AAGR9DOVLY8NPDAKZW8EJJQF",
    "orgChnlCrtfCodg": "BqK1kMStlhVDgN2uHf4EsLK/F2LjZPYJ81nK2eYQqxu",
    "orgCodg": "H46010000001",
    "orgAppId": "1GR5OQQ3F004BF60C80A00007B6F5A3C",
    "redirectUrl": BACK,
}
FIXED = ("authType", "isDepart", "bizType")


def navigated(world: World, **body: Any) -> dict:
    return world.phone("insurance-authorisation", **({"person": "P01"} | body))


def page(**other: str | None) -> str:
    return f"/wechat/oauth/code?{urlencode({k: v for k, v in (PARAMS | other).items() if v is not None})}"


def tapped(world: World, address: str = "", **body: Any) -> dict:
    return world.phone("oauth", **({"person": "P01", "url": address or page()} | body))


def decided(world: World, decision: str, address: str = "") -> str:
    answer = world.client.post(address or page(), data={"person": "P01", "decision": decision})
    assert answer.status_code == 302
    return answer.headers["Location"]


def queried(world: World, code: str, openid: str, host: str = "", status: int = 200, **other: str) -> dict:
    """userQuery as a back end sends it: HMAC over partner and timestamp."""
    with spaces.entered(world.app, "default"):
        mip = accounts.account("national")["mip"]
        db.session.commit()
    partner, at = other.get("partner", mip["partner_id"]), "1764554400000"
    key = other.get("key", mip["partner_secret"]).encode()
    headers = {
        "god-portal-timestamp": at,
        "god-portal-signature": hmac.new(key, (partner + at).encode(), hashlib.sha256).hexdigest(),
        "god-portal-request-id": "0" * 32,
    }
    answer = world.client.post(
        f"{host or '/wechat/api'}/mipuserquery/userQuery/{partner}",
        data=json.dumps({"qrcode": code, "openid": openid}),
        headers=headers,
        base_url="https://test-receiver.tengmed.com" if host else None,
    )
    assert answer.status_code == status
    return answer.get_json(force=True)


def test_w73_a_confirmed_authorisation_comes_back_with_a_code(world: World) -> None:
    said = navigated(world)
    assert said["errMsg"] == "navigateToMiniProgram:ok" and said["authCode"]
    back = {"appId": APP, "extraData": {"authCode": said["authCode"]}}
    assert said["onShow"] == {"scene": 1038, "referrerInfo": back}


def test_w73_a_cancelled_authorisation_comes_back_without(world: World) -> None:
    said = navigated(world, outcome="deny")
    assert said == {
        "errMsg": "navigateToMiniProgram:ok",
        "onShow": {"scene": 1038, "referrerInfo": {"appId": APP, "extraData": {}}},
    }


def test_w73_a_cancelled_dialog_goes_nowhere(world: World) -> None:
    assert navigated(world, outcome="cancel_dialog") == {"errMsg": "navigateToMiniProgram:fail cancel"}


def test_w74_a_code_becomes_a_payment_number(world: World) -> None:
    openid = world.log_in()["openid"]
    answer = queried(world, navigated(world)["authCode"], openid)
    assert answer["code"] == 0 and re.fullmatch(r"AUTH\d{6}\d+", answer["pay_auth_no"])
    assert answer["family_pay_auth_no"] == "" and answer["user_name"] and answer["user_card_no"] and answer["city_id"]


def test_w74_the_test_host_answers_too(world: World) -> None:
    openid = world.log_in()["openid"]
    assert queried(world, navigated(world)["authCode"], openid, host="/testapi")["code"] == 0


def test_w74_for_a_relative_it_is_the_family_number(world: World) -> None:
    openid = world.log_in()["openid"]
    for said in (navigated(world, for_person="P03"), navigated(world, params={"familyId": "P03"})):
        answer = queried(world, said["authCode"], openid)
        assert answer["pay_auth_no"] == "" and re.fullmatch(r"AUTH\d{6}\d+", answer["family_pay_auth_no"])


@pytest.mark.parametrize("other", [{"key": "wrong"}, {"partner": "NOBODY"}])
def test_w74_a_wrong_signature_or_partner_is_refused(world: World, other: dict) -> None:
    openid, code = world.log_in()["openid"], navigated(world)["authCode"]
    answer = queried(world, code, openid, **other)
    assert answer["code"] != 0 and "pay_auth_no" not in answer
    assert queried(world, code, openid)["code"] == 0


def test_w74_a_code_works_once_for_fifteen_minutes(world: World) -> None:
    openid, used, late = world.log_in()["openid"], navigated(world)["authCode"], navigated(world)["authCode"]
    world.advance(899)
    assert queried(world, used, openid)["code"] == 0
    assert queried(world, used, openid)["code"] != 0
    world.advance(1)
    assert queried(world, late, openid)["code"] != 0
    assert queried(world, "garbage", openid)["code"] != 0


def test_w74_the_life_uses_and_status_of_a_refusal_are_switches(world: World) -> None:
    world.switch("national.auth_code_ttl_s", "60")
    world.switch("national.auth_code_uses", "many")
    world.switch("wechat.user_query_refused_status", "401")
    openid, code = world.log_in()["openid"], navigated(world)["authCode"]
    assert queried(world, code, openid)["code"] == queried(world, code, openid)["code"] == 0
    world.advance(60)
    assert queried(world, code, openid, status=401)["code"] != 0


def test_w74_another_users_openid_is_refused(world: World) -> None:
    world.log_in()
    assert queried(world, navigated(world)["authCode"], world.log_in("P02")["openid"])["code"] != 0


# the page (H5 and official accounts)


@pytest.mark.parametrize("host", ["card.wecity.qq.com", "mitest.wecity.qq.com"])
def test_the_page_asks_and_the_code_comes_back_on_the_redirect(world: World, host: str) -> None:
    answer = world.client.get(page().removeprefix("/wechat"), base_url=f"https://{host}")
    assert answer.status_code == 200 and "同意授权" in answer.text and "H46010000001" in answer.text
    target = urlsplit(decided(world, "allow"))
    assert target.netloc == "hospital.example"
    back = dict(parse_qsl(target.query))
    assert set(back) == {"order", "authCode"}
    assert queried(world, back["authCode"], world.log_in()["openid"])["code"] == 0


def test_a_code_of_the_page_goes_with_the_official_accounts_openid(world: World) -> None:
    account = world.official_account
    given = {"appid": account["appid"], "redirect_uri": "http://127.0.0.1/cb", "response_type": "code"}
    address = "/wechat/connect/oauth2/authorize?" + urlencode({**given, "scope": "snsapi_base", "state": "1"})
    code = dict(parse_qsl(urlsplit(tapped(world, address)["redirect"]).query))["code"]
    query = {"appid": account["appid"], "secret": account["secret"], "grant_type": "authorization_code", "code": code}
    openid = world.get("/sns/oauth2/access_token", **query)["openid"]
    back = dict(parse_qsl(urlsplit(tapped(world)["redirect"]).query))
    assert queried(world, back["authCode"], openid)["code"] == 0


def test_a_refusal_on_the_page_brings_no_code(world: World) -> None:
    assert decided(world, "deny") == BACK
    assert tapped(world, outcome="deny") == {"redirect": BACK}


def test_the_page_serves_a_relative(world: World) -> None:
    back = dict(parse_qsl(urlsplit(tapped(world, page(familyId="P03"))["redirect"]).query))
    assert queried(world, back["authCode"], world.log_in()["openid"])["family_pay_auth_no"]
    assert "familyId" in tapped(world, page(familyId="P99"))["page"]["text"]


@pytest.mark.parametrize("name", [*(name for name in PARAMS if name != "appid")])
def test_the_page_says_which_parameter_is_missing(world: World, name: str) -> None:
    answer = world.client.get(page(**{name: None}))
    assert answer.status_code == 200 and f"参数错误:{name}" in answer.text
    assert name in tapped(world, page(**{name: ""}))["page"]["text"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "1") for name in FIXED),
        ("cityCode", "46010"),
        ("orgCodg", "X46010000001"),
        ("redirectUrl", "javascript:alert(1)"),
        ("redirectUrl", "http://[x"),
        ("redirectUrl", "https://a b/"),
    ],
)
def test_the_page_says_which_parameter_is_wrong(world: World, name: str, value: str) -> None:
    assert name in tapped(world, page(**{name: value}))["page"]["text"]


def test_the_page_can_ask_for_the_redirect_only(world: World) -> None:
    world.switch("wechat.insurance_page", "redirect_only")
    assert "authCode=" in tapped(world, f"/oauth/code?{urlencode({'redirectUrl': BACK})}")["redirect"]
    assert "page" in tapped(world, "/oauth/code?orgCodg=x")


def test_a_browser_chooses_who_holds_the_phone_here_too(world: World) -> None:
    browser = {"Accept": "text/html"}
    world.client.delete_cookie("wechat_phone_of")
    assert "选择微信用户" in world.client.get(page(), headers=browser).text
    assert world.client.post(page(), data={"person": "P02"}, headers=browser).status_code == 303
    assert "P02" in world.client.get(page(), headers=browser).text

"""wechat.md §2.4, §3 and §11, checks 31–38 and 77: phone numbers, open data, a unionid after a payment."""

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mock_providers import accounts, clock, spaces
from mock_providers.db import db
from mock_providers.wechat import users, wire
from tests.mock_providers.wechat.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

ONE_FOR_ALL = True
PHONE = "/wxa/business/getuserphonenumber"
CHECK = "/wxa/business/checkencryptedmsg"
PAID = "/wxa/getpaidunionid"
VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors" / "wechat.toml").read_text("utf-8"))
DAY = 86_400


@pytest.mark.parametrize("vector", VECTORS["open_data"], ids=lambda vector: vector["member"])
def test_w37_the_published_data_opens(vector: dict) -> None:
    plain = json.loads(wire.decrypt_open_data(vector["encrypted"], vector["session_key"], vector["iv"]))
    assert plain[vector["member"]] == vector["value"]
    assert plain["watermark"]["timestamp"] == 1477314187


@pytest.mark.parametrize("vector", VECTORS["raw_data_signature"])
def test_w37_raw_data_is_signed_as_published(vector: dict) -> None:
    assert wire.raw_data_signature(vector["raw_data"], vector["session_key"]) == vector["signature"]


def test_the_older_form_holds_the_same_four_members(world: World) -> None:
    key = world.log_in()["session_key"]
    detail = world.phone("phone-number", person="P01")
    assert set(detail) == {"errMsg", "code", "encryptedData", "iv", "cloudID"}
    plain = json.loads(wire.decrypt_open_data(detail["encryptedData"], key, detail["iv"]))
    answer = world.post(PHONE, {"code": detail["code"]}, access_token=world.token())
    assert plain == answer["phone_info"]
    assert plain["watermark"]["appid"] == world.account["appid"]


def test_a_profile_is_anonymous_and_signed(world: World) -> None:
    key = world.log_in()["session_key"]
    said = world.phone("user-profile", person="P01", desc="用于展示")
    assert said["errMsg"] == "getUserProfile:ok" and said["userInfo"]["nickName"] == "微信用户"
    assert json.loads(said["rawData"]) == said["userInfo"]
    assert said["signature"] == hashlib.sha1((said["rawData"] + key).encode()).hexdigest()
    plain = json.loads(wire.decrypt_open_data(said["encryptedData"], key, said["iv"]))
    assert plain.pop("watermark")["appid"] == world.account["appid"] and plain == said["userInfo"]
    assert world.phone("user-profile", person="P01", desc="x", outcome="deny") == {
        "errMsg": "getUserProfile:fail auth deny"
    }
    assert world.phone("user-profile", person="P01", desc="x" * 31)["errMsg"].startswith("getUserProfile:fail desc")
    assert "signature" not in world.phone("user-profile", person="P02", desc="x")


# the button (check 77)


def test_w77_a_refused_number_has_no_code(world: World) -> None:
    denied = {"errMsg": "getPhoneNumber:fail user deny"}
    assert world.phone("phone-number", person="P01", outcome="deny") == denied
    world.plan("wechat.phone_number_button", "deny", person="P01")
    assert world.phone("phone-number", person="P01") == denied
    assert world.phone("phone-number", person="P01")["errMsg"] == "getPhoneNumber:ok"
    world.switch("wechat.phone_number_deny", "getPhoneNumber:fail:user deny")
    assert world.phone("phone-number", person="P01", outcome="deny")["errMsg"] == "getPhoneNumber:fail:user deny"


@pytest.mark.parametrize(("outcome", "errno"), [("quota_spent", 1400001), ("no_permission", 102)])
def test_w77_a_number_the_app_may_not_ask_for(world: World, outcome: str, errno: int) -> None:
    said = world.phone("phone-number", person="P01", outcome=outcome)
    assert said["errno"] == errno and said["errMsg"].startswith("getPhoneNumber:fail") and "code" not in said


def test_w77_a_spent_package_shows_on_the_phone(world: World) -> None:
    world.switch("wechat.phone_number_package", "1")
    codes = [world.phone("phone-number", person="P01")["code"] for _ in range(2)]
    token = world.token()
    assert world.post(PHONE, {"code": "x"}, access_token=token)["errcode"] == 40029
    assert "code" in world.phone("phone-number", person="P01")
    assert world.post(PHONE, {"code": codes[0]}, access_token=token)["errcode"] == 0
    assert world.phone("phone-number", person="P01")["errno"] == 1400001
    world.switch("wechat.phone_number_package", "0")
    assert "code" in world.phone("phone-number", person="P01")


def test_an_unknown_outcome_is_named(world: World) -> None:
    assert world.phone("phone-number", 400, person="P01", outcome="x")["code"] == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("outcome", "errcode"), [("system_error", -1), ("rate_limited", 45011), ("unauthorized", 48001)]
)
def test_a_planned_trouble_leaves_the_phone_code_good(world: World, outcome: str, errcode: int) -> None:
    code = world.phone("phone-number", person="P01")["code"]
    world.plan("wechat.getuserphonenumber", outcome, person="P01")
    assert world.post(PHONE, {"code": code}, access_token=world.token())["errcode"] == errcode
    assert world.post(PHONE, {"code": code}, access_token=world.token())["errcode"] == 0


# checkencryptedmsg (§3.1)


def sealed(world: World) -> str:
    world.log_in()
    data = world.phone("phone-number", person="P01")["encryptedData"]
    return hashlib.sha256(data.encode()).hexdigest()


def asked(world: World, seal: Any) -> dict:
    return world.post(CHECK, {"encrypted_msg_hash": seal}, access_token=world.token())


def test_data_made_here_is_recognised_for_three_days(world: World) -> None:
    seal = sealed(world)
    with spaces.entered(world.app, "default"):
        made = clock.unix()
    expected = {"errcode": 0, "errmsg": "ok", "vaild": True, "create_time": made}
    assert asked(world, seal) == asked(world, seal.upper()) == expected
    world.advance(3 * DAY - 1)
    assert asked(world, seal)["vaild"] is True
    world.advance(1)
    answer = asked(world, seal)
    assert answer["errcode"] == 1 and answer["errmsg"].startswith("data not exit rid: ")


@pytest.mark.parametrize(
    ("seal", "errcode"), [("0" * 64, 1), ("", 40097), ("x", 40097), ("0" * 40, 40097), (1, 47001)]
)
def test_data_nobody_made(world: World, seal: Any, errcode: int) -> None:
    assert asked(world, seal)["errcode"] == errcode


def test_data_of_another_app_is_not_recognised(world: World) -> None:
    seal, other = sealed(world), world.official_account
    query = {"appid": other["appid"], "secret": other["secret"], "grant_type": "client_credential"}
    token = world.post("/cgi-bin/stable_token", query)["access_token"]
    assert world.post(CHECK, {"encrypted_msg_hash": seal}, access_token=token)["errcode"] == 1


# getpaidunionid (§2.4)


@pytest.fixture
def paid(world: World) -> Any:
    """An order of P01's, paid now, as WeChat Pay would tell it."""
    world.switch("wechat.open_platform", "bound")
    openid = world.log_in()["openid"]
    with spaces.entered(world.app, "default"):
        at = clock.now()
    held, appid = world.app.extensions.get("paid_order"), world.account["appid"]

    def order(transaction_id: str, mchid: str, out_trade_no: str) -> dict | None:
        known = transaction_id == "42" or (mchid, out_trade_no) == ("19", "o-1")
        return {"users": {(appid, openid)}, "paid_at": at} if known else None

    world.app.extensions["paid_order"] = order
    yield openid
    world.app.extensions["paid_order"] = held


@pytest.mark.parametrize("named", [{"transaction_id": "42"}, {"mch_id": "19", "out_trade_no": "o-1"}])
def test_a_payer_has_a_unionid_for_five_minutes(world: World, paid: str, named: dict) -> None:
    query = {"access_token": world.token(), "openid": paid, **named}
    with spaces.entered(world.app, "default"):
        expected = {"errcode": 0, "errmsg": "ok", "unionid": users.unionid_of("P01")}
    assert world.get(PAID, **query) == expected
    world.advance(299)
    assert world.get(PAID, **query) == expected
    world.advance(1)
    assert world.get(PAID, **query)["errcode"] == 89300


@pytest.mark.parametrize(
    ("given", "errcode"),
    [
        ({"openid": ""}, 40003),
        ({"openid": "o" * 28}, 40003),
        ({"transaction_id": ""}, 40097),
        ({"transaction_id": "", "mch_id": "19"}, 40097),
        ({"transaction_id": "", "out_trade_no": "o-1"}, 40097),
        ({"transaction_id": "43"}, 89300),
    ],
)
def test_a_payment_nobody_made(world: World, paid: str, given: dict, errcode: int) -> None:
    query = {"access_token": world.token(), "openid": paid, "transaction_id": "42"} | given
    answer = world.get(PAID, **query)
    assert answer["errcode"] == errcode and re.search(r" rid: \S+$", answer["errmsg"])


def test_somebody_elses_payment_or_an_unbound_app(world: World, paid: str) -> None:
    other = world.log_in("P02")["openid"]
    query = {"access_token": world.token(), "transaction_id": "42"}
    assert world.get(PAID, **query, openid=other)["errcode"] == 89300
    world.plan("wechat.getpaidunionid", "invalid_trade")
    assert world.get(PAID, **query, openid=paid)["errcode"] == 89300
    assert world.get(PAID, **query, openid=paid)["errcode"] == 0
    world.switch("wechat.open_platform", "unbound")
    assert world.get(PAID, **query, openid=paid)["errcode"] == 89002


def test_without_wechat_pay_next_door_nobody_has_paid(world: World) -> None:
    world.switch("wechat.open_platform", "bound")
    openid = world.log_in()["openid"]
    held = world.app.extensions.pop("paid_order", None)
    query = {"access_token": world.token(), "openid": openid, "transaction_id": "42"}
    assert world.get(PAID, **query)["errcode"] == 89300
    if held:
        world.app.extensions["paid_order"] = held


def test_the_words_of_both_tables() -> None:
    assert wire.ERRORS[89300] == "invalid trade" and wire.ERRORS[1] == "data not exit"


def test_a_real_order_once_paid_gives_the_unionid(world: World) -> None:
    world.switch("wechat.open_platform", "bound")
    openid = world.log_in()["openid"]
    with spaces.entered(world.app, "default"):
        merchant = Merchant(world.client, accounts.account("wechatpay"))
        db.session.commit()
    prepay_id = merchant.create("o-paid-1", openid=openid)
    query = {"access_token": world.token(), "openid": openid}
    named = {"mch_id": merchant.held["mchid"], "out_trade_no": "o-paid-1"}
    assert world.get(PAID, **query, **named)["errcode"] == 89300
    tap = world.client.post("/_mock/phone/wechatpay/pay", json={"params": merchant.pay_params(prepay_id)})
    assert tap.status_code == 200
    number = merchant.query("o-paid-1")["transaction_id"]
    for way in (named, {"transaction_id": number}):
        assert world.get(PAID, **query, **way)["unionid"]

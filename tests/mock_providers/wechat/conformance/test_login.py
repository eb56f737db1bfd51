"""wechat.md §2, §3 and §11, checks 18–38: log-in and phone number."""

import hashlib
import hmac
import re
from base64 import b64decode

import pytest
from sqlalchemy import select

from mock_providers import journal, spaces, wechat
from mock_providers.db import db
from mock_providers.wechat import users, wire
from tests.mock_providers.wechat.conftest import T0, World

ONE_FOR_ALL = True

RID = "[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"
OTHER = "wx00000000000000ff"
PHONE = "/wxa/business/getuserphonenumber"


def test_w18_a_code_becomes_openid_and_session_key(world: World) -> None:
    query = world.app_keys(js_code=world.phone("login", person="P01")["code"], grant_type="authorization_code")
    answer = world.client.get("/wechat/sns/jscode2session", query_string=query)
    assert answer.headers["Content-Type"] == "text/plain"
    body = answer.get_json(force=True)
    assert set(body) == {"openid", "session_key"}
    assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", body["openid"])
    assert re.fullmatch(r"[0-9A-Za-z+/]{22}==", body["session_key"])


def test_the_openid_stays_and_leads_back_to_the_person(world: World) -> None:
    first, second = world.log_in(), world.log_in()
    assert first["openid"] == second["openid"] != world.log_in("P02")["openid"]
    with spaces.entered(world.app, "default"):
        ask = world.app.extensions["person_of_openid"]
        assert ask(world.account["appid"], first["openid"]) == "P01"
        assert ask(OTHER, first["openid"]) is None
        assert wechat.openid_of(world.account["appid"], "P01") == first["openid"]


def test_w19_a_bound_app_also_gets_the_unionid(world: World) -> None:
    world.switch("wechat.open_platform", "bound")
    answer = world.log_in()
    with spaces.entered(world.app, "default"):
        assert answer["unionid"] == users.unionid_of("P01") != answer["openid"]
        assert users.openid_of(OTHER, "P01") != answer["openid"]


def test_w20_a_code_works_once(world: World) -> None:
    code = world.phone("login", person="P01")["code"]
    world.session(code)
    answer = world.session(code)
    assert set(answer) == {"errcode", "errmsg"} and answer["errcode"] == 40163
    assert re.fullmatch(f"code been used, rid: {RID}", answer["errmsg"])
    world.advance(300)
    assert world.session(code)["errcode"] == 40029


def test_w21_an_unknown_code_is_refused(world: World) -> None:
    answer = world.session("garbage")
    assert answer["errcode"] == 40029 and re.fullmatch(f"invalid code, rid: {RID}", answer["errmsg"])


def test_w22_a_code_lives_five_minutes(world: World) -> None:
    codes = [world.phone("login", person="P01")["code"] for _ in range(2)]
    world.advance(299)
    assert "openid" in world.session(codes[0])
    world.advance(2)
    assert world.session(codes[1])["errcode"] == 40029


def test_w23_another_apps_code_is_refused(world: World) -> None:
    assert world.session(world.phone("login", person="P01", appid=OTHER)["code"])["errcode"] == 40029


@pytest.mark.parametrize(
    ("given", "errcode", "said"),
    [
        ({"appid": ""}, 41002, "appid missing, rid: "),
        ({"appid": OTHER}, 40013, "invalid appid, rid: "),
        ({"secret": "x"}, 40125, "invalid appsecret, view more at http://t.cn/RAEkdVq, rid: "),
        ({"secret": ""}, 41004, "appsecret missing, rid: "),
        ({"grant_type": "client_credential"}, 40002, "invalid grant_type, rid: "),
        ({"js_code": ""}, 41008, "missing code, rid: "),
    ],
)
def test_w24_wrong_parameters_are_named(world: World, given: dict, errcode: int, said: str) -> None:
    query = world.app_keys(js_code="x", grant_type="authorization_code") | given
    answer = world.get("/sns/jscode2session", **query)
    assert answer["errcode"] == errcode and answer["errmsg"].startswith(said)


def test_parameters_in_a_post_body_are_not_seen(world: World) -> None:
    query = world.app_keys(js_code=world.phone("login", person="P01")["code"], grant_type="authorization_code")
    answer = world.post("/sns/jscode2session", query)
    assert answer["errcode"] == 41002 and answer["errmsg"].startswith("appid missing, rid: ")
    assert "openid" in world.post("/sns/jscode2session", b"", **query)
    world.switch("wechat.post_on_get", "43001")
    assert world.post("/sns/jscode2session", b"", **query)["errcode"] == 43001


def test_w25_the_101st_call_of_one_user_in_a_minute(world: World) -> None:
    code = world.phone("login", person="P01")["code"]
    world.session(code)
    assert {world.session(code)["errcode"] for _ in range(99)} == {40163}
    assert world.session(world.phone("login", person="P01")["code"])["errcode"] == 45011
    assert "openid" in world.log_in("P02")
    world.advance(60)
    assert "openid" in world.log_in("P01")


@pytest.mark.parametrize(("outcome", "errcode"), [("blocked", 40226), ("system_error", -1), ("rate_limited", 45011)])
def test_w26_a_planned_refusal_of_one_person(world: World, outcome: str, errcode: int) -> None:
    world.plan("wechat.jscode2session", outcome, person="P01")
    assert "openid" in world.log_in("P02")
    code = world.phone("login", person="P01")["code"]
    assert world.session(code)["errcode"] == errcode
    assert "openid" in world.session(code)


def test_a_broken_vendor_answers_500_with_nothing(world: World) -> None:
    world.plan("wechat.jscode2session", "http_500")
    query = world.app_keys(js_code=world.phone("login", person="P01")["code"], grant_type="authorization_code")
    answer = world.client.get("/wechat/sns/jscode2session", query_string=query)
    assert (answer.status_code, answer.data) == (500, b"")


def checked(world: World, openid: str, signature: str, path: str = "checksession", **more: str) -> dict:
    query = {"sig_method": "hmac_sha256", "access_token": world.token(), **more}
    return world.get(f"/wxa/{path}", openid=openid, signature=signature, **query)


def test_w28_checksession_with_the_published_key(world: World) -> None:
    published = "tiihtNczf5v6AKRyjwEUhQ=="
    known = world.log_in(session_key=published)
    openid = known["openid"]
    assert known["session_key"] == published
    right = "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735"
    assert checked(world, openid, right) == {"errcode": 0, "errmsg": "ok"}
    assert checked(world, openid, right.upper())["errcode"] == 87009
    assert checked(world, openid, right, sig_method="md5")["errcode"] == 87008
    assert checked(world, "o" * 28, right)["errcode"] == 40003
    assert checked(world, openid, "")["errcode"] == 40097
    world.advance(259_200)
    assert checked(world, openid, right)["errcode"] == 87007


@pytest.mark.parametrize("key", ["short", "dGlpaHROY3pmNXY2QUtSeWp3RVVoUQ", "%" * 24, 7])
def test_a_session_key_of_ones_own_is_sixteen_bytes_in_base64(world: World, key: object) -> None:
    answer = world.client.post("/_mock/phone/wechat/login", json={"person": "P01", "session_key": key})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "FIELD_INVALID")


def test_a_new_login_ends_the_old_key_unless_told_to_keep_it(world: World) -> None:
    first = world.log_in()
    second = world.log_in()
    assert first["session_key"] != second["session_key"]
    assert checked(world, first["openid"], wire.session_signature(first["session_key"]))["errcode"] == 87009
    world.switch("wechat.login_replaces_session_key", "off")
    assert world.log_in()["session_key"] == second["session_key"]


@pytest.mark.parametrize("path", ["checksession", "resetusersessionkey"])
@pytest.mark.parametrize(
    ("given", "errcode"),
    [
        ({"openid": ""}, 40097),
        ({"openid": "o" * 28}, 40003),
        ({"signature": ""}, 40097),
        ({"signature": "0" * 64}, 87009),
        ({"sig_method": ""}, 87008),
        ({"sig_method": "hmac_sha1"}, 87008),
        ({"access_token": "98_x"}, 40001),
    ],
)
def test_wrong_parameters_of_both_are_named(world: World, path: str, given: dict, errcode: int) -> None:
    known = world.log_in()
    query = {"openid": known["openid"], "signature": wire.session_signature(known["session_key"])}
    query |= {"sig_method": "hmac_sha256", "access_token": world.token()}
    answer = world.get(f"/wxa/{path}", **(query | given))
    assert answer["errcode"] == errcode and answer["errmsg"].startswith(wire.ERRORS[errcode])
    assert world.get(f"/wxa/{path}", **query)["errcode"] == 0


@pytest.mark.parametrize("path", ["checksession", "resetusersessionkey"])
@pytest.mark.parametrize(("outcome", "errcode"), [("system_error", -1), ("rate_limited", 45011)])
def test_a_planned_trouble_of_both_happens_once(world: World, path: str, outcome: str, errcode: int) -> None:
    known = world.log_in()
    signature = wire.session_signature(known["session_key"])
    world.plan(f"wechat.{path}", outcome, person="P01")
    assert checked(world, known["openid"], signature, path=path)["errcode"] == errcode
    assert checked(world, known["openid"], signature, path=path)["errcode"] == 0


def test_w29_another_signature_method_is_refused(world: World) -> None:
    known = world.log_in()
    signature = wire.session_signature(known["session_key"])
    for method in ("md5", "HMAC_SHA256", "hmac_sha1"):
        assert checked(world, known["openid"], signature, sig_method=method)["errcode"] == 87008


def test_w28_the_decoded_key_signs_nothing(world: World) -> None:
    published = hmac.new(b64decode("tiihtNczf5v6AKRyjwEUhQ=="), b"", hashlib.sha256).hexdigest()
    assert published.startswith("96502def") and published.endswith("1bf0")
    known = world.log_in()
    decoded = hmac.new(b64decode(known["session_key"]), b"", hashlib.sha256).hexdigest()
    assert checked(world, known["openid"], decoded)["errcode"] == 87009


def test_w30_a_reset_key_inherits_the_end_of_the_old(world: World) -> None:
    first = world.log_in()
    world.advance(259_000)
    signature = wire.session_signature(first["session_key"])
    answer = checked(world, first["openid"], signature, path="resetusersessionkey")
    assert answer["openid"] == first["openid"] and answer["session_key"] != first["session_key"]
    assert checked(world, first["openid"], signature)["errcode"] == 87009
    signature = wire.session_signature(answer["session_key"])
    assert checked(world, first["openid"], signature)["errcode"] == 0
    world.advance(200)
    assert checked(world, first["openid"], signature)["errcode"] == 87007


def test_w31_a_phone_code_becomes_a_number(world: World) -> None:
    code = world.phone("phone-number", person="P01")["code"]
    assert re.fullmatch(r"[0-9a-f]{64}", code)
    world.advance(100)
    assert world.post(PHONE, {"code": code}, access_token=world.token()) == {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": "15400000001",
            "purePhoneNumber": "15400000001",
            "countryCode": "86",
            "watermark": {"timestamp": int(T0.timestamp()), "appid": world.account["appid"]},
        },
    }


def test_w32_a_phone_code_works_once_for_five_minutes_and_is_no_login_code(world: World) -> None:
    used, late = (world.phone("phone-number", person="P01")["code"] for _ in range(2))
    token = world.token()
    world.post(PHONE, {"code": used}, access_token=token)
    answer = world.post(PHONE, {"code": used}, access_token=token)
    assert answer["errcode"] == 40029
    assert re.fullmatch(rf"invalid code hint: \[[^\]]+\] rid: {RID}", answer["errmsg"])
    assert world.session(late)["errcode"] == 40029
    login = world.phone("login", person="P01")["code"]
    assert world.post(PHONE, {"code": login}, access_token=token)["errcode"] == 40029
    world.advance(301)
    assert world.post(PHONE, {"code": late}, access_token=token)["errcode"] == 40029


@pytest.mark.parametrize(
    ("body", "errcode"), [(b"code=x", 47001), (b"", 44002), (b'{"code":1}', 47001), (b"{}", 40029)]
)
def test_w34_what_is_no_json_is_refused(world: World, body: bytes, errcode: int) -> None:
    answer = world.post(PHONE, body, access_token=world.token())
    assert answer["errcode"] == errcode


@pytest.mark.parametrize("sign", ["yibao.chunked", "HTTP_TRANSFER_ENCODING"])
def test_w35_a_chunked_post_gets_412(world: World, sign: str) -> None:
    overrides = {sign: "chunked", "wsgi.input_terminated": True}
    paths = (PHONE, "/cgi-bin/stable_token", "/cityservice/face/identify/getverifyid")
    for path in paths:
        answer = world.client.post(f"/wechat{path}", data=b"{}", environ_overrides=overrides)
        assert (answer.status_code, answer.data) == (412, b"")
    world.switch("wechat.chunked_post", "accepted")
    answer = world.client.post(f"/wechat{PHONE}", data=b"{}", environ_overrides=overrides)
    assert answer.get_json(force=True)["errcode"] == 41001


def test_w36_another_apps_phone_code(world: World) -> None:
    code = world.phone("phone-number", person="P01", appid=OTHER)["code"]
    assert world.post(PHONE, {"code": code}, access_token=world.token())["errcode"] == 40013
    world.switch("wechat.phone_code_of_other_app", "40029")
    assert world.post(PHONE, {"code": code}, access_token=world.token())["errcode"] == 40029


def test_an_openid_sent_along_must_be_the_right_one(world: World) -> None:
    code = world.phone("phone-number", person="P01")["code"]
    other = world.log_in("P02")["openid"]
    assert world.post(PHONE, {"code": code, "openid": other}, access_token=world.token())["errcode"] == 40003
    world.switch("wechat.phone_openid", "ignored")
    assert world.post(PHONE, {"code": code, "openid": other}, access_token=world.token())["errcode"] == 0


def test_w38_open_data_from_before_a_new_login_does_not_open(world: World) -> None:
    old = world.log_in()["session_key"]
    data = world.phone("phone-number", person="P01")
    new = world.log_in()["session_key"]
    assert b"15400000001" in wire.decrypt_open_data(data["encryptedData"], old, data["iv"])
    try:
        opened = wire.decrypt_open_data(data["encryptedData"], new, data["iv"])
    except ValueError:
        return
    assert b"15400000001" not in opened


def test_without_a_session_there_is_only_a_code(world: World) -> None:
    assert set(world.phone("phone-number", person="P02")) == {"code", "errMsg"}


def test_43001_43002_40066_other_methods_and_addresses(world: World) -> None:
    assert world.client.put("/wechat/sns/jscode2session").get_json(force=True)["errcode"] == 43001
    assert world.client.delete(f"/wechat{PHONE}").get_json(force=True)["errcode"] == 43002
    for path in ("/", "/cgi-bin/nothing", "/sns/", "/wxa/business"):
        answer = world.get(path)
        assert answer["errcode"] == 40066 and answer["errmsg"].startswith("invalid url")
    assert world.client.options("/wechat/x").get_json(force=True)["errcode"] == 40066


def test_the_real_host_name_leads_here_too(world: World) -> None:
    answer = world.client.get("/cgi-bin/token", base_url="https://api.weixin.qq.com")
    assert answer.get_json(force=True)["errcode"] == 41002


def test_a_persona_stands_in_for_devtools_codes_when_told_to(world: World) -> None:
    mock_code = world.phone("login", person="P01", appid="touristappid")["code"]
    assert world.session(mock_code)["errcode"] == 40029
    world.switch("wechat.unknown_code_persona", "P02")
    query = {"appid": "touristappid", "secret": "", "js_code": mock_code, "grant_type": "authorization_code"}
    for asked in (query, world.app_keys(js_code="0bDevTools", grant_type="authorization_code"), query):
        answer = world.client.get("/wechat/sns/jscode2session", query_string=asked)
        assert answer.headers["X-Yibao-Relaxed"] == "wechat.unknown_code_persona"
        with spaces.entered(world.app, "default"):
            assert answer.get_json(force=True)["openid"] == users.openid_of(world.account["appid"], "P02")
    assert relaxations(world) == [{"relaxed": "wechat.unknown_code_persona"}] * 3
    used = world.phone("login", person="P01")["code"]
    world.session(used)
    assert world.session(used)["errcode"] == 40163


def relaxations(world: World) -> list[dict]:
    world.app.extensions["journal"].flush()
    with spaces.entered(world.app, "default"):
        whys = db.session.scalars(select(journal.Call.why).order_by(journal.Call.id))
        return [why for why in whys if why and "relaxed" in why]


def test_a_persona_nobody_knows_stands_in_for_nobody(world: World) -> None:
    world.switch("wechat.unknown_code_persona", "P99")
    assert world.session("x")["errcode"] == 40029
    query = {"appid": "touristappid", "js_code": "x", "grant_type": "authorization_code"}
    assert world.get("/sns/jscode2session", **query)["errcode"] == 40013


def test_resets_of_session_keys_have_a_quota(world: World) -> None:
    world.switch("wechat.resetusersessionkey_a_minute", "1")
    known = world.log_in()
    signature = wire.session_signature(known["session_key"])
    answer = checked(world, known["openid"], signature, path="resetusersessionkey")
    signature = wire.session_signature(answer["session_key"])
    assert checked(world, known["openid"], signature, path="resetusersessionkey")["errcode"] == 45011

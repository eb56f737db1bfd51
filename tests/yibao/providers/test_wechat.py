"""How the back end speaks to WeChat."""

import pytest
import requests

from yibao.db import db
from yibao.providers import http, wechat
from yibao.providers.http import Unreachable, Untrusted, VendorRefused
from yibao.providers.national import payer
from yibao.spaces import entered
from yibao.steps.login.models import User

PHONE = "/wxa/business/getuserphonenumber"
TOKEN = "/cgi-bin/stable_token"
QUERY = "/api/mipuserquery/userQuery/SIMPARTNER01"
FOUND = {"errcode": 0, "errmsg": "ok", "phone_info": {"phoneNumber": "15400000001"}}
GONE = {"errcode": 40001, "errmsg": "invalid credential"}


@pytest.fixture(autouse=True)
def inside(yibao):
    with entered(yibao, "default"):
        yield


def tokens_used(vendors, path=PHONE):
    return [call.url.partition("access_token=")[2] for call in vendors.calls if path in call.url]


def test_one_token_serves_until_it_is_nearly_over(vendors, business_time):
    vendors.on(PHONE, FOUND)
    wechat.phone_number("a")
    wechat.phone_number("b")
    assert len(vendors.sent(TOKEN)) == 1
    business_time.advance(seconds=7141)
    vendors.on(TOKEN, {"access_token": "TOKEN-2", "expires_in": 7200})
    wechat.phone_number("c")
    assert tokens_used(vendors) == ["TOKEN-1", "TOKEN-1", "TOKEN-2"]


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_token_wechat_forgot_is_replaced_once(vendors, errcode):
    vendors.on(PHONE, {**GONE, "errcode": errcode}, FOUND)
    fresh = {"access_token": "TOKEN-2", "expires_in": 7200}
    vendors.on(TOKEN, {"access_token": "TOKEN-1", "expires_in": 7200}, fresh)
    assert wechat.phone_number("a") == "15400000001"
    assert tokens_used(vendors) == ["TOKEN-1", "TOKEN-2"]


def test_a_dead_token_that_comes_back_is_refreshed_by_force(vendors):
    same = {"access_token": "TOKEN-1", "expires_in": 7000}
    vendors.on(TOKEN, same, same, {"access_token": "TOKEN-2", "expires_in": 7200})
    vendors.on(PHONE, GONE, FOUND)
    wechat.phone_number("a")
    assert [body.get("force_refresh", False) for body in vendors.sent(TOKEN)] == [False, False, True]


def test_a_second_refusal_of_the_token_is_final(vendors):
    vendors.on(PHONE, GONE)
    vendors.on(TOKEN, {"access_token": "A", "expires_in": 7200}, {"access_token": "B", "expires_in": 7200})
    with pytest.raises(VendorRefused) as caught:
        wechat.phone_number("a")
    assert caught.value.code == "40001"
    assert len(tokens_used(vendors)) == 2


def test_each_space_has_its_own_token(yibao, vendors):
    vendors.on(PHONE, FOUND)
    wechat.phone_number("a")
    with entered(yibao, "other"):
        wechat.phone_number("a")
    assert len(vendors.sent(TOKEN)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"oops", {}),
        (412, b"", {}),
        (200, b"<html>", {}),
        (200, b"[]", {}),
        (302, b"", {"Location": "http://elsewhere.test/"}),
        (200, b'{"errcode": 0}', {}),
        {"errcode": -1, "errmsg": "system error"},
        requests.ConnectTimeout("slow"),
    ],
)
def test_what_says_nothing_is_unreachable(vendors, answer):
    for path in (
        "/sns/jscode2session",
        PHONE,
        "/cityservice/face/identify/getverifyid",
        "/cityservice/face/identify/queryverifyinfo",
    ):
        vendors.on(path, answer)
    for call in (
        lambda: wechat.code_to_session("a"),
        lambda: wechat.phone_number("a"),
        lambda: wechat.begin_face("serial", "o", "n", "i"),
        lambda: wechat.face_result("serial", "o", "v", "n", "i"),
    ):
        with pytest.raises(Unreachable):
            call()
    vendors.on(TOKEN, (200, b"{}", {}))
    with pytest.raises(Unreachable):
        wechat._token(dead="TOKEN-1")


def test_a_login_gives_openid_and_unionid(vendors):
    vendors.on("/sns/jscode2session", {"openid": "o1", "session_key": "x", "unionid": "u1"})
    assert wechat.code_to_session("a") == wechat.WechatUser("o1", "u1")
    assert "js_code=a&grant_type=authorization_code" in vendors.calls[-1].url


def test_the_published_cert_hash_comes_out():
    digest = wechat.cert_hash("IDENTITY_CARD", "张三", "310101199801011234")
    assert digest == "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b"


def test_a_body_is_raw_utf8_with_its_length(vendors):
    vendors.on("/cityservice/face/identify/getverifyid", {"errcode": 0, "verify_id": "v"})
    wechat.begin_face("serial", "o", "林样一", "469099198803159034")
    sent = vendors.calls[-1]
    assert "林样一".encode() in sent.body
    assert sent.headers["Content-Length"] == str(len(sent.body))


def test_the_published_portal_signature_comes_out():
    signature = payer.portal_signature("SIMPARTNERSECRET", "SIMPARTNER01", "1735787045000")
    assert signature == "d40f1132299e0789c23951729e8c08cad98b68e2fcccf4370dffd53e3e6e8e51"


def answer(**fields):
    return {
        "code": 0,
        "message": "success",
        "user_name": "林样一",
        "user_card_no": "46909919331006937x",
        "pay_auth_no": "",
        "family_pay_auth_no": "",
        **fields,
    }


def test_who_authorised_a_payment(vendors):
    vendors.on(QUERY, answer(pay_auth_no="AUTH1", psn_no="46"))
    payer = wechat.authorised_payer("code", "o1")
    assert payer == wechat.Payer("林样一", "46909919331006937X", "AUTH1", False, "46")
    assert vendors.sent(QUERY) == [{"qrcode": "code", "openid": "o1"}]
    assert len(vendors.calls[-1].headers["god-portal-request-id"]) == 32


def test_a_relatives_authorisation_is_told_apart(vendors):
    vendors.on(QUERY, answer(family_pay_auth_no="AUTH2"))
    payer = wechat.authorised_payer("code", "o1")
    assert (payer.pay_auth_no, payer.for_relative) == ("AUTH2", True)


@pytest.mark.parametrize("fields", [{}, {"pay_auth_no": "A", "family_pay_auth_no": "B"}])
def test_an_authorisation_is_one_or_the_other(vendors, fields):
    vendors.on(QUERY, answer(**fields))
    with pytest.raises(Unreachable):
        wechat.authorised_payer("code", "o1")


def test_an_unknown_authorisation_is_refused(vendors):
    vendors.on(QUERY, {"code": 1001, "message": "no"})
    with pytest.raises(VendorRefused, match="1001"):
        wechat.authorised_payer("code", "o1")


def test_no_call_leaves_while_a_transaction_is_open(vendors):
    db.session.query(User).first()
    with pytest.raises(RuntimeError, match="law 2"):
        wechat.code_to_session("a")


def test_no_call_goes_to_another_host(vendors):
    with pytest.raises(Untrusted):
        http.send("GET", "http://elsewhere.test/x", base_url="http://vendors.test")


def test_an_endless_answer_is_cut(vendors):
    vendors.on("/sns/jscode2session", (200, b"x" * (http.ANSWER_AT_MOST + 1), {}))
    with pytest.raises(Unreachable, match="larger"):
        wechat.code_to_session("a")


def test_a_refusal_carries_wechats_own_words(vendors):
    vendors.on("/sns/jscode2session", (200, b'{"errcode":40029,"errmsg":"invalid code"}', {}))
    with pytest.raises(VendorRefused) as caught:
        wechat.code_to_session("a")
    assert (caught.value.vendor, caught.value.code) == ("wechat", "40029")

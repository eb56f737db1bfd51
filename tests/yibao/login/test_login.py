"""Log in, stay logged in, be somebody."""

import pytest

from tests.yibao.conftest import P01, Phone, gateway_refusal, person_answer


def refused(response, code):
    assert response.get_json()["code"] == code
    return response


def test_a_code_becomes_tokens_and_the_session_key_is_kept_nowhere(phone, yibao):
    phone.log_in()
    assert phone.tokens["token_type"] == "Bearer"
    assert phone.tokens["expires_in"] == 600
    me = phone.call("get", "/me").get_json()
    assert me["real_name"] is False
    assert me["openid_masked"] == "oSAM…0001"
    assert b"c2Vzc2lvbg" not in b"".join(path.read_bytes() for path in yibao.config["SETTINGS"].data.iterdir())


def test_the_same_openid_is_the_same_user(phone, client, vendors):
    first = phone.log_in().call("post", "/me/phone", {"code": "x"})
    refused(first, "VENDOR_ERROR")  # nothing scripted: WeChat does not answer
    vendors.on("/wxa/business/getuserphonenumber", {"errcode": 0, "phone_info": {"phoneNumber": "15400000001"}})
    assert phone.call("post", "/me/phone", {"code": "x"}).get_json()["phone_masked"] == "154****0001"
    again = Phone(client, vendors).log_in()
    assert again.call("get", "/me").get_json()["phone_masked"] == "154****0001"


@pytest.mark.parametrize(
    ("errcode", "code"),
    [
        (40029, "LOGIN_CODE_INVALID"),
        (40163, "LOGIN_CODE_USED"),
        (40226, "LOGIN_BLOCKED"),
        (45011, "LOGIN_TOO_OFTEN"),
        (40013, "VENDOR_ERROR"),
        (-1, "VENDOR_ERROR"),
    ],
)
def test_wechats_refusals_have_our_words(phone, vendors, errcode, code):
    vendors.on("/sns/jscode2session", {"errcode": errcode, "errmsg": "no, rid: 1"})
    refused(phone.call("post", "/login/wechat", {"code": "abc"}), code)


@pytest.mark.parametrize(("errcode", "code"), [(40029, "PHONE_CODE_INVALID"), (40013, "PHONE_CODE_INVALID")])
def test_a_phone_code_wechat_does_not_know(phone, vendors, errcode, code):
    vendors.on("/wxa/business/getuserphonenumber", {"errcode": errcode, "errmsg": "invalid code"})
    refused(phone.log_in().call("post", "/me/phone", {"code": "abc"}), code)


def test_refreshing_gives_a_new_pair_and_the_old_one_ends_the_session(phone):
    phone.log_in()
    old = phone.tokens["refresh_token"]
    fresh = phone.call("post", "/login/refresh", {"refresh_token": old}).get_json()
    phone.tokens = fresh
    assert phone.call("get", "/me").status_code == 200
    refused(phone.call("post", "/login/refresh", {"refresh_token": old}), "TOKEN_INVALID")
    refused(phone.call("get", "/me"), "SESSION_EXPIRED")
    refused(phone.call("post", "/login/refresh", {"refresh_token": fresh["refresh_token"]}), "SESSION_EXPIRED")


def test_half_an_hour_of_silence_ends_the_session(phone, business_time):
    phone.log_in()
    business_time.advance(minutes=29)
    refused(phone.call("get", "/me"), "SESSION_EXPIRED")  # the access token alone lives ten minutes
    phone.tokens = phone.call("post", "/login/refresh", {"refresh_token": phone.tokens["refresh_token"]}).get_json()
    assert phone.call("get", "/me").status_code == 200
    business_time.advance(minutes=31)
    last = phone.call("post", "/login/refresh", {"refresh_token": phone.tokens["refresh_token"]})
    refused(last, "SESSION_EXPIRED")


def test_logging_out_kills_both_tokens(phone):
    phone.log_in()
    assert phone.call("post", "/logout").status_code == 204
    refused(phone.call("get", "/me"), "SESSION_EXPIRED")
    answer = phone.call("post", "/login/refresh", {"refresh_token": phone.tokens["refresh_token"]})
    refused(answer, "SESSION_EXPIRED")


def test_a_refresh_token_is_no_access_token_nor_the_reverse(phone):
    phone.log_in()
    header = {"Authorization": f"Bearer {phone.tokens['refresh_token']}"}
    refused(phone.call("get", "/me", **header), "TOKEN_INVALID")
    answer = phone.call("post", "/login/refresh", {"refresh_token": phone.tokens["access_token"]})
    refused(answer, "TOKEN_INVALID")


def test_a_refresh_token_finds_its_own_space(client, vendors):
    phone = Phone(client, vendors, "other").log_in()
    phone.space = {}
    token = phone.tokens["refresh_token"]
    wrong = phone.call("post", "/login/refresh", {"refresh_token": token}, **{"X-Yibao-Space": "default"})
    refused(wrong, "TOKEN_INVALID")
    phone.tokens = phone.call("post", "/login/refresh", {"refresh_token": token}).get_json()
    assert phone.call("get", "/me").status_code == 200


def test_binding_the_real_name_shows_it_masked(phone):
    me = phone.log_in().bind().call("get", "/me").get_json()
    assert (me["name_masked"], me["id_number_masked"]) == ("林*一", "469***********9034")
    assert (me["insutype"], me["insured_in"], me["real_name"]) == ("310", "460100", True)


def test_binding_the_same_person_again_changes_nothing(phone):
    assert phone.log_in().bind().bind().call("get", "/me").get_json()["real_name"] is True


def test_another_person_on_a_bound_account_is_refused(phone, vendors):
    other = {"name": "陈样二", "id_type": "id_card", "id_number": "469099199007029049"}
    phone.log_in().bind()
    vendors.on("/gateway", person_answer(**other))
    refused(phone.call("post", "/me/real-name", other), "REAL_NAME_BOUND")


def test_a_person_is_on_one_account_until_taken_off(phone, client, vendors):
    phone.log_in().bind()
    second = Phone(client, vendors).log_in("oSECONDOPENID000000000000002")
    vendors.on("/gateway", person_answer(**P01))
    refused(second.call("post", "/me/real-name", P01), "REAL_NAME_TAKEN")
    assert phone.call("delete", "/me/real-name").status_code == 204
    refused(phone.call("delete", "/me/real-name"), "REAL_NAME_REQUIRED")
    assert second.call("post", "/me/real-name", P01).status_code == 200


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (gateway_refusal("FSI-该参保人的基本信息为空"), "PERSON_NOT_FOUND"),
        (gateway_refusal("该参保人的参保信息为空"), "PERSON_NOT_FOUND"),
        (gateway_refusal("FSI-该人员已死亡"), "PERSON_DECEASED"),
        (gateway_refusal("FSI-什么都不对"), "VENDOR_ERROR"),
        (person_answer(**{**P01, "name": "林样壹"}), "PERSON_NOT_FOUND"),
        (person_answer(**{**P01, "id_number": "469099199007029049"}), "VENDOR_ERROR"),
        ((502, b"<html>", {}), "VENDOR_ERROR"),
    ],
)
def test_what_1101_says_against_it(phone, vendors, answer, code):
    phone.log_in()
    vendors.on("/gateway", answer)
    refused(phone.call("post", "/me/real-name", P01), code)
    assert phone.call("get", "/me").get_json()["real_name"] is False


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("469099198803159035", "ID_CHECKSUM"),
        ("46909919880230903X", "ID_DATE"),
        ("4690991988031590", "ID_FORMAT"),
        ("11010519491231002X", "REAL_ID_REFUSED"),
    ],
)
def test_numbers_that_are_refused_before_anybody_is_asked(phone, vendors, number, code):
    phone.log_in()
    before = len(vendors.calls)
    response = refused(phone.call("post", "/me/real-name", {**P01, "id_number": number}), code)
    assert number not in response.get_data(as_text=True)
    assert len(vendors.calls) == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "样" * 51},
        {"name": "林\u0000样"},
        {"name": "林\ud800"},
        {"name": None},
        {"name": 7},
        {"id_type": "birth_certificate"},
        {"id_number": ["4"]},
        {"id_number": "4" * 1000},
        {"more": 1},
    ],
)
def test_bad_real_names_are_field_errors(phone, change):
    response = refused(phone.log_in().call("post", "/me/real-name", {**P01, **change}), "FIELD_INVALID")
    assert list(response.get_json()["fields"]) == list(change)


@pytest.mark.parametrize("code", ["", "a" * 129, "空", "a b", 5, None, {}, "\ud83d\ude00"])
def test_bad_codes_are_field_errors(phone, code):
    refused(phone.call("post", "/login/wechat", {"code": code}), "FIELD_INVALID")

"""The institutions' gateway: headers, envelope, answers (protocol sheet §1, §B.2)."""

import hashlib
import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import accounts, clock, outcomes, switches
from mock_providers.db import db
from mock_providers.national import headers as wire_headers
from tests.mock_providers.national.bureau import Gateway, envelope, signed, writing

SIGN_IN = {"signIn": {"opter_no": "001", "mac": "00-00-00-00-00-01", "ip": "10.0.0.1"}}


@pytest.fixture
def call(mocks: Flask, client: FlaskClient) -> Gateway:
    return Gateway(mocks, client)


def put(app: Flask, name: str, value: str) -> None:
    with writing(app):
        switches.put(name, value)


def test_the_published_vectors_of_both_header_styles() -> None:
    nonce = "0123456789abcdef0123456789abcdef"
    assert wire_headers.tif_signature("1735787045", "SIMPAASTOKEN0000000000000000001", nonce) == (
        "2fe062520fd136a25b3a8e599f46d8eb908e48c556082ab907f8f0ca73ca0cfe"
    )
    assert wire_headers.ca_signature("1735787045", "SIMSECRET", b'{"infno":"9001"}') == (
        "B157CE2082C6F62ACA7E3DCD3B37C1F48FCFB44873D4C65C35785AA2F5D7BF81"
    )


def test_signing_in_gives_a_number_and_the_answer_has_the_sheets_form(call: Gateway) -> None:
    answer = call("9001", SIGN_IN)
    assert list(answer) == (
        [
            "infcode",
            "inf_refmsgid",
            "refmsg_time",
            "respond_time",
            "enctype",
            "signtype",
            "cainfo",
            "warn_msg",
            "err_msg",
            "output",
        ]
    )
    assert (answer["infcode"], answer["err_msg"]) == (0, None)
    assert re.fullmatch(r"460000\d{24}", answer["inf_refmsgid"])
    assert re.fullmatch(r"\d{17}", answer["refmsg_time"]) and answer["refmsg_time"] <= answer["respond_time"]
    node = answer["output"]["signinoutb"]
    assert re.fullmatch(r"\d{5,8}", node["sign_no"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", node["sign_time"])


def test_a_sign_in_number_is_good_until_signing_out(call: Gateway) -> None:
    number = call.output("9001", SIGN_IN)["signinoutb"]["sign_no"]
    who = call.who("469099198803159034")
    call.output("1101", who, sign_no=number)
    out = call.output("9002", {"signOut": {"sign_no": number, "opter_no": "001"}})
    assert out["signoutoutb"]["sign_time"]
    assert "签到流水号无效" in call.refusal("1101", who, sign_no=number)
    assert "签到流水号无效" in call.refusal("9002", {"signOut": {"sign_no": number, "opter_no": "001"}})


def test_a_region_can_demand_the_sign_in_number(mocks: Flask, call: Gateway) -> None:
    put(mocks, "national.sign_no", "required")
    who = call.who("469099198803159034")
    assert "签到流水号无效" in call.refusal("1101", who)
    number = call.output("9001", SIGN_IN)["signinoutb"]["sign_no"]
    call.output("1101", who, sign_no=number)


@pytest.mark.parametrize(
    "path",
    [
        "/national",
        "/national/",
        "/national/mbs-fsi/web/api/fsi/callService",
        "/national/hss-call-service-interface",
        "/national/fsi/1101",
        "/national/fsi/api/fsiPsnInfoService/queryPsnInfo",
    ],
)
def test_every_endpoint_style_reaches_the_same_transaction(call: Gateway, path: str) -> None:
    assert call.output("1101", call.who("469099198803159034"), path=path)["baseinfo"]["psn_name"] == "林样一"


def test_a_path_of_another_transaction_is_refused(call: Gateway) -> None:
    who = call.who("469099198803159034")
    assert "服务地址不符" in call.refusal("1101", who, path="/national/fsi/1201")
    assert "服务地址不符" in call.refusal("1101", who, path="/national/fsi/api/signInSignOutService/signIn")
    assert "未知交易编号" in call.refusal("1101", who, path="/national/fsi/api/no/such")


def test_an_unknown_number_gets_the_short_answer(call: Gateway) -> None:
    answer = call("9999", {"data": {}})
    assert list(answer) == ["type", "infcode", "err_msg"]
    assert (answer["type"], answer["infcode"]) == ("error", -1)
    assert "未知交易编号" in answer["err_msg"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":1e99999}'])
def test_what_is_no_json_object_is_refused(mocks: Flask, client: FlaskClient, body: bytes) -> None:
    answer = client.post("/national/fsi/gateway", data=body, headers=signed(mocks))
    assert answer.status_code == 200 and answer.get_json()["infcode"] == -1


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"msgid": ""}, "发送方报文ID不能为空"),
        ({"msgid": "M" * 31}, "发送方报文ID长度超过限制"),
        ({"infno": ""}, "交易编号不能为空"),
        ({"opter": None}, "经办人不能为空"),
        ({"opter_type": "9"}, "经办人类别格式"),
        ({"inf_time": "2025/01/02 03:04:05"}, "交易时间格式"),
        ({"inf_time": "2025-02-30 00:00:00"}, "交易时间格式"),
        ({"mdtrtarea_admvs": "46010"}, "就医地医保区划格式"),
        ({"fixmedins_code": "H00000000000"}, "定点医药机构编码不存在"),
        ({"input": {}}, "交易输入不能为空"),
        ({"input": []}, "交易输入不能为空"),
        ({"input": "x"}, "交易输入格式"),
        ({"recer_sys_code": {"a": 1}}, "接收方系统代码格式"),
        ({"dev_safe_info": "x" * 2001}, "设备安全信息长度"),
    ],
)
def test_an_envelope_that_breaks_a_rule_names_the_field(call: Gateway, changed: dict[str, Any], text: str) -> None:
    body = {**envelope("9001", SIGN_IN), **changed}
    answer = call.client.post("/national", json=body, headers=signed(call.app)).get_json()
    assert answer["infcode"] == -1 and text in answer["err_msg"]


def test_a_message_number_is_taken_once_and_a_refused_one_may_come_again(call: Gateway) -> None:
    who, wrong = call.who("469099198803159034"), call.who("46909919880315904X")
    assert call("1101", wrong, msgid="M1")["infcode"] == -1
    call.output("1101", who, msgid="M1")
    assert call.refusal("1101", who, msgid="M1") == "FSI-发送方报文ID重复"


@pytest.mark.parametrize(
    "changed",
    [
        {"x-tif-signature": "0" * 64},
        {"x-tif-signature": "签"},
        {"x-tif-signature": ""},
        {"x-tif-paasid": "SOMEBODY"},
        {"x-tif-nonce": ""},
        {"x-tif-timestamp": "soon"},
        {"x-tif-timestamp": "²"},
        {"x-tif-timestamp": "9" * 400},
    ],
)
def test_headers_that_prove_nothing_get_401_and_the_short_answer(
    mocks: Flask, client: FlaskClient, changed: dict[str, str]
) -> None:
    headers = {k: v.encode().decode("latin-1") for k, v in {**signed(mocks), **changed}.items()}
    answer = client.post("/national/fsi/gateway", json=envelope("9001", SIGN_IN), headers=headers)
    assert answer.status_code == 401
    assert answer.get_json() == {"type": "error", "infcode": -1, "err_msg": "签名验证失败"}


@pytest.mark.parametrize("seconds, status", [(-301, 401), (-299, 200), (299, 200), (302, 401)])
def test_the_wall_clock_decides_about_skew(mocks: Flask, client: FlaskClient, seconds: int, status: int) -> None:
    headers = signed(mocks, stamp=str(clock.wall_unix() + seconds))
    assert client.post("/national", json=envelope("9001", SIGN_IN), headers=headers).status_code == status


def test_a_nonce_is_used_up_even_by_a_refused_transaction(mocks: Flask, client: FlaskClient) -> None:
    headers = signed(mocks, nonce="f" * 32)
    first = client.post("/national", json=envelope("9999", {"a": 1}), headers=headers)
    again = client.post("/national", json=envelope("9001", SIGN_IN), headers=headers)
    assert (first.status_code, again.status_code) == (200, 401)


def test_a_region_can_use_x_ca_headers_that_cover_the_body(mocks: Flask, client: FlaskClient) -> None:
    put(mocks, "national.gateway_auth", "x-ca")
    with mocks.app_context():
        secret = accounts.account("national")["secret"]
        db.session.commit()
    body, stamp = json.dumps(envelope("9001", SIGN_IN)).encode(), str(clock.wall_unix())
    shown = f"{stamp}:{wire_headers.ca_signature(stamp, secret, body)}"
    headers = {"x-ca-key": "P46019900008", "x-ca-signature": shown}
    assert client.post("/national", data=body, headers=headers).get_json()["infcode"] == 0
    assert client.post("/national", data=body + b" ", headers=headers).status_code == 401
    stranger = {**headers, "x-ca-key": "P1"}
    assert client.post("/national", data=body, headers=stranger).status_code == 401


def test_a_region_can_go_without_headers(mocks: Flask, client: FlaskClient) -> None:
    put(mocks, "national.gateway_auth", "none")
    assert client.post("/national", json=envelope("9001", SIGN_IN)).get_json()["infcode"] == 0


def test_infcode_and_err_msg_follow_the_region(mocks: Flask, call: Gateway) -> None:
    put(mocks, "national.infcode_type", "string")
    put(mocks, "national.success_err_msg", "success")
    answer = call("9001", SIGN_IN)
    assert (answer["infcode"], answer["err_msg"]) == ("0", "success")
    assert call("9001", {"signIn": {}})["infcode"] == "-1"


def test_a_planned_outcome_makes_one_call_fail(mocks: Flask, call: Gateway) -> None:
    with writing(mocks):
        outcomes.plan("national.1101", "system_busy", person="P01")
    assert call.output("1101", call.who("469099199007029049"))
    assert "系统繁忙" in call.refusal("1101", call.who("469099198803159034"))
    assert call.output("1101", call.who("469099198803159034"))


def test_the_paas_id_tells_the_space(mocks: Flask, client: FlaskClient) -> None:
    from mock_providers import spaces

    with writing(mocks):
        spaces.create("other", 7, 0)
    with spaces.entered(mocks, "other"):
        theirs = accounts.account("national")
        db.session.commit()
    stamp = str(clock.wall_unix())
    text = f"{stamp}{theirs['secret']}n{stamp}"
    headers = {
        "x-tif-paasid": theirs["paas_id"],
        "x-tif-timestamp": stamp,
        "x-tif-nonce": "n",
        "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
    }
    assert client.post("/national", json=envelope("9001", SIGN_IN), headers=headers).get_json()["infcode"] == 0

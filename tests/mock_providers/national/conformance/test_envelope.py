"""nhsa.md §B.2 and §1: envelope, endpoints, headers, answers."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from mock_providers import clock
from mock_providers.accounts import Account
from mock_providers.db import db
from mock_providers.national import gateway, services
from tests.mock_providers.national.conformance.fixtures import (
    PHARMACY,
    Bureau,
    e1,
    line,
    number,
    purchase,
)

VECTOR_AT = 1735787045
SIGN_IN = {"signIn": {"opter_no": "001", "mac": "00-00-00-00-00-01", "ip": "10.0.0.1"}}
WHO_P1 = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number("P1")}}


def with_secret(bureau: Bureau, secret: str) -> None:
    with bureau.writing():
        row = db.session.scalars(select(Account).where(Account.vendor == "national")).one()
        row.secret = {**row.secret, "secret": secret}


@pytest.fixture
def vector(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The x-tif headers of the sheet's vector, at its moment."""
    with_secret(bureau, "SIMPAASTOKEN0000000000000000001")
    monkeypatch.setattr(clock, "wall_unix", lambda: VECTOR_AT)
    return {
        "x-tif-paasid": bureau.account["paas_id"],
        "x-tif-timestamp": str(VECTOR_AT),
        "x-tif-nonce": "0123456789abcdef0123456789abcdef",
        "x-tif-signature": "2fe062520fd136a25b3a8e599f46d8eb908e48c556082ab907f8f0ca73ca0cfe",
    }


def body(bureau: Bureau, infno: str = "9001", content: Any = SIGN_IN, **more: Any) -> bytes:
    return json.dumps(bureau.envelope(infno, content, **more), ensure_ascii=False).encode()


def test_n01_signing_in_gives_a_number_and_an_answer_of_the_sheets_form(bureau: Bureau) -> None:
    answer = bureau("9001", SIGN_IN)
    node = answer["output"]["signinoutb"]
    assert answer["infcode"] == 0 and 0 < len(node["sign_no"]) <= 30
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", node["sign_time"])
    assert len(answer["inf_refmsgid"]) == 30 and answer["inf_refmsgid"].startswith("460000")
    assert re.fullmatch(r"\d{17}", answer["refmsg_time"]) and re.fullmatch(r"\d{17}", answer["respond_time"])
    assert answer["refmsg_time"] <= answer["respond_time"]


def test_n02_a_number_that_was_signed_out_serves_no_more(bureau: Bureau) -> None:
    sign_no = bureau.sign_in()
    assert bureau.output("1101", WHO_P1, sign_no=sign_no)
    out = bureau.output("9002", {"signOut": {"sign_no": sign_no, "opter_no": "001"}})
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", out["signoutoutb"]["sign_time"])
    assert "签到流水号无效" in bureau.refusal("1101", WHO_P1, sign_no=sign_no)


def test_n03_a_number_ends_with_its_day_and_belongs_to_its_operator(bureau: Bureau) -> None:
    sign_no = bureau.sign_in()
    assert "签到流水号无效" in bureau.refusal("1101", WHO_P1, sign_no=sign_no, opter="002")
    bureau.switch("sign_no_operator", "any")
    assert bureau.output("1101", WHO_P1, sign_no=sign_no, opter="002")
    bureau.advance(days=1)
    assert "签到流水号无效" in bureau.refusal("1101", WHO_P1, sign_no=sign_no)


def test_n03_a_region_can_demand_the_number_everywhere(bureau: Bureau) -> None:
    bureau.switch("sign_no", "required")
    assert "签到流水号无效" in bureau.refusal("1101", WHO_P1)
    assert bureau.output("1101", WHO_P1, sign_no=bureau.sign_in())


def test_n04_an_unknown_number_gets_the_short_body(bureau: Bureau) -> None:
    answer = bureau("9999", {"data": {}})
    assert (list(answer), answer["type"], answer["infcode"]) == (["type", "infcode", "err_msg"], "error", -1)
    assert "未知交易编号" in answer["err_msg"]


def test_n05_a_message_without_msgid_is_refused(bureau: Bureau) -> None:
    assert "不能为空" in bureau.refusal("1101", WHO_P1, msgid=None)


def test_n06_a_msgid_that_was_taken_is_not_taken_again(bureau: Bureau) -> None:
    msgid = bureau.envelope("1101", WHO_P1)["msgid"]
    assert bureau.settle(e1(), msgid=msgid)
    assert bureau.refusal("2102", e1(), msgid=msgid) == "FSI-发送方报文ID重复"
    assert bureau.balance("P1") == "422.00"


@pytest.mark.parametrize(
    "field", [f for f in gateway.ENVELOPE if f.needed and f.name != "infno"], ids=lambda f: f.name
)
def test_n05_every_required_field_of_the_envelope_is_missed_by_name(bureau: Bureau, field: Any) -> None:
    for nothing in (None, ""):
        assert "不能为空" in bureau.refusal("1101", WHO_P1, **{field.name: nothing})


@pytest.mark.parametrize(
    "field", [f for f in gateway.ENVELOPE if f.kind == "C" and f.name != "infno"], ids=lambda f: f.name
)
def test_n12_every_field_of_the_envelope_has_its_length(bureau: Bureau, field: Any) -> None:
    too_long = "9" * (field.size + 1)
    assert "长度超过限制" in bureau.refusal("1101", WHO_P1, **{field.name: too_long})


@pytest.mark.parametrize("infno, text", [("", "交易编号不能为空"), ("2102222", "长度超过限制")])
def test_n05_the_number_itself_is_a_field_like_the_others(bureau: Bureau, infno: str, text: str) -> None:
    assert text in bureau.refusal(infno, WHO_P1)


@pytest.mark.parametrize("name", ["dev_no", "dev_safe_info", "cainfo", "signtype", "fixmedins_soft_fcty", "enc_type"])
def test_n12_what_is_optional_is_taken_up_to_its_length(bureau: Bureau, name: str) -> None:
    size = next(f.size for f in gateway.ENVELOPE if f.name == name)
    assert bureau.output("1101", WHO_P1, **{name: "9" * size})


@pytest.mark.parametrize("infver, opter_type", [("V1.0", "1"), ("1.0", "2"), ("1.0.0", "3"), (1, 1)])
def test_n12_every_spelling_of_version_and_operator_type_is_taken(
    bureau: Bureau, infver: Any, opter_type: Any
) -> None:
    extra = {"recer_admdvs": "440100", "appname": "x", "anything": {"a": 1}}
    assert bureau.output("1101", WHO_P1, infver=infver, opter_type=opter_type, **extra)


@pytest.mark.parametrize("code", ["FSI_LOCAL", "MBS_LOCAL", "YBXT", "HIS", "99"])
def test_n12_every_receiver_system_seen_is_taken(bureau: Bureau, code: str) -> None:
    assert bureau.output("1101", WHO_P1, recer_sys_code=code)


@pytest.mark.parametrize(
    "changed", [{"opter_type": "4"}, {"mdtrtarea_admvs": "46010x"}, {"insuplc_admdvs": "4601"}, {"input": "x"}]
)
def test_n12_a_value_of_no_dictionary_is_refused(bureau: Bureau, changed: dict[str, Any]) -> None:
    assert "格式" in bureau.refusal("1101", WHO_P1, **changed)


@pytest.mark.parametrize("moment", ["2025/01/02 03:04:05", "2025-01-02", "20250102030405", "2025-13-02 03:04:05"])
def test_n13_a_time_of_another_format_is_refused(bureau: Bureau, moment: str) -> None:
    assert "格式" in bureau.refusal("1101", WHO_P1, inf_time=moment)


def test_n14_infcode_can_be_text_in_success_and_failure(bureau: Bureau) -> None:
    bureau.switch("infcode_type", "string")
    assert '"infcode":"0"' in bureau.send("1101", WHO_P1).get_data(as_text=True)
    assert '"infcode":"-1"' in bureau.send("1101", {"data": {}}).get_data(as_text=True)


@pytest.mark.parametrize("value, said", [("null", None), ("empty", ""), ("success", "success")])
def test_n15_err_msg_of_a_success_follows_the_region(bureau: Bureau, value: str, said: Any) -> None:
    bureau.switch("success_err_msg", value)
    assert bureau("1101", WHO_P1)["err_msg"] == said


def test_n15_a_failure_has_no_output_and_never_another_code(bureau: Bureau) -> None:
    answer = bureau("2102", purchase("P6", line("A1", 1, "1.00")))
    assert (answer["infcode"], answer["output"], len(answer["inf_refmsgid"])) == (-1, None, 30)


@pytest.mark.parametrize(
    "msgid",
    ["H" + "46010500001" + "20250102030405" + "123", "P46010500001-20250102-030405-1", "x", "报文一"],
)
def test_n06_other_shapes_of_msgid_are_taken_with_a_hint(bureau: Bureau, msgid: str) -> None:
    answer = bureau("1101", WHO_P1, msgid=msgid)
    assert answer["infcode"] == 0 and "发送方报文ID" in answer["warn_msg"]
    assert bureau("1101", WHO_P1)["warn_msg"] is None
    bureau.switch("msgid_warning", "off")
    assert bureau("1101", WHO_P1, msgid=msgid + "2")["warn_msg"] is None


def test_n07_the_published_x_tif_vector_is_accepted(bureau: Bureau, vector: dict[str, str]) -> None:
    answer = bureau.post(body(bureau), vector)
    assert (answer.status_code, answer.get_json()["infcode"]) == (200, 0)


def test_n08_the_vector_with_another_last_digit_is_not(bureau: Bureau, vector: dict[str, str]) -> None:
    answer = bureau.post(body(bureau), {**vector, "x-tif-signature": vector["x-tif-signature"][:-1] + "f"})
    assert answer.status_code == 401
    assert answer.get_json() == {"type": "error", "infcode": -1, "err_msg": "签名验证失败"}


@pytest.mark.parametrize("off", [-301, 301])
def test_n09_a_timestamp_too_far_from_the_wall_is_refused(
    bureau: Bureau, vector: dict[str, str], monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    monkeypatch.setattr(clock, "wall_unix", lambda: VECTOR_AT + off)
    assert bureau.post(body(bureau), vector).status_code == 401


def test_n09_the_edge_of_the_skew_is_accepted(
    bureau: Bureau, vector: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "wall_unix", lambda: VECTOR_AT - 300)
    assert bureau.post(body(bureau), vector).status_code == 200


def test_n10_a_nonce_serves_once_in_its_life(
    bureau: Bureau, vector: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bureau.post(body(bureau), vector).status_code == 200
    assert bureau.post(body(bureau), vector).status_code == 401
    later = bureau.headers(stamp=str(VECTOR_AT + 601), nonce=vector["x-tif-nonce"])
    with_secret(bureau, bureau.account["secret"])
    monkeypatch.setattr(clock, "wall_unix", lambda: VECTOR_AT + 601)
    assert bureau.post(body(bureau), later).status_code == 200


def test_n10_a_nonce_of_a_refused_call_is_used_up_too(bureau: Bureau) -> None:
    headers = bureau.headers(nonce="once")
    assert bureau.post(body(bureau, "9999"), headers).status_code == 200
    assert bureau.post(body(bureau), headers).status_code == 401


def test_n11_the_published_x_ca_vector_covers_the_body(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    with_secret(bureau, "SIMSECRET")
    bureau.switch("gateway_auth", "x-ca")
    monkeypatch.setattr(clock, "wall_unix", lambda: VECTOR_AT)
    mac = "B157CE2082C6F62ACA7E3DCD3B37C1F48FCFB44873D4C65C35785AA2F5D7BF81"
    headers = {"x-ca-key": PHARMACY, "x-ca-signature": f"{VECTOR_AT}:{mac}"}
    accepted = bureau.post(b'{"infno":"9001"}', headers)
    assert accepted.status_code == 200 and "不能为空" in accepted.get_json()["err_msg"]
    assert bureau.post(b'{"infno": "9001"}', headers).status_code == 401
    assert bureau.post(b'{"infno":"9001"}', {**headers, "x-ca-key": "P00000000000"}).status_code == 401
    assert bureau.post(b'{"infno":"9001"}', bureau.headers()).status_code == 401


STYLES = [
    *("", "/", "/fsi/gateway", "/mbs-fsi/web/api/fsi/callService", "/hss-call-service-interface"),
    *("/1101", "/fsi/1101", "/fsi/api/1101", "/fsi/gateway/1101", "/fsi/api/fsiPsnInfoService/queryPsnInfo"),
]


@pytest.mark.parametrize("path", STYLES)
def test_n07_every_endpoint_style_reaches_the_transaction(bureau: Bureau, path: str) -> None:
    assert bureau.output("1101", WHO_P1, path=path)["baseinfo"]["psn_name"] == "测试甲"


@pytest.mark.parametrize("path, infno", sorted(services.SERVICES.items()))
def test_n04_every_service_path_is_its_transactions_and_no_others(bureau: Bureau, path: str, infno: str) -> None:
    other = "9001" if infno != "9001" else "1101"
    assert "服务地址不符" in bureau.refusal(other, {"data": {}}, path=f"/fsi/api/{path}")


@pytest.mark.parametrize("infno", sorted(gateway.TRANSACTIONS))
def test_n04_every_transaction_has_a_path_that_ends_with_its_number(bureau: Bureau, infno: str) -> None:
    assert bureau(infno, {"x": 1}, path=f"/fsi/api/{infno}").get("type") != "error"


def test_n12_an_input_too_long_is_refused_where_the_region_counts(bureau: Bureau) -> None:
    big = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number("P1"), "note": "x" * 40_000}}
    assert bureau.output("1101", big)
    bureau.switch("input_limit", "40000")
    assert "长度超过限制" in bureau.refusal("1101", big)


def test_n15_a_call_can_be_answered_too_late_or_not_at_all(bureau: Bureau) -> None:
    bureau.plan("national.2102", "timeout")
    lost = bureau.send("2102", e1())
    assert (lost.status_code, lost.get_json()["infcode"]) == (504, -1)
    assert bureau.balance("P1") == "422.00"
    bureau.plan("national.2102", "unavailable")
    assert bureau.send("2102", e1()).status_code == 503
    bureau.plan("national.2102", "system_busy", person="P1")
    assert "系统繁忙" in bureau.refusal("2102", e1())
    assert bureau.balance("P1") == "422.00"

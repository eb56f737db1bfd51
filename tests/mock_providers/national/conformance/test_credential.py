"""§B.7: the credential service; and every row of §4.1 and §4.2."""

import re
from typing import Any

import pytest

from tests.mock_providers.national.conformance.fixtures import (
    HOSPITAL,
    PHARMACY,
    Bureau,
    e1,
    e5,
    line,
    number,
    purchase,
)

QUERY = "/national/localcfc/api/hsecfc/localQrCodeQuery"
ASKED = {
    "businessType": "02121",
    "operatorId": "001",
    "operatorName": "测试员",
    "officeId": "01",
    "officeName": "收银台",
    "deviceType": "",
}


def tap(bureau: Bureau, what: str, **said: Any) -> dict[str, Any]:
    """Something the person does on the national app, or at a terminal."""
    answer = bureau.client.post(f"/_mock/phone/national/{what}", json=said, headers={"X-Yibao-Space": bureau.space})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def shown(bureau: Bureau, person: str = "P1", **more: Any) -> str:
    return tap(bureau, "code", person=person, **more)["ecQrCode"]


def ask(bureau: Bureau, trans_type: str = "ec.query", org: str = PHARMACY, **data: Any) -> dict[str, Any]:
    """A message of the driver; a member given as None is left out."""
    asked = {"orgId": org, **(ASKED if trans_type == "ec.query" else {}), **data}
    message = {
        "orgId": org,
        "transType": trans_type,
        "data": {name: value for name, value in asked.items() if value is not None},
        "extra": {},
    }
    answer = bureau.client.post(QUERY, json=message, headers={"X-Yibao-Space": bureau.space})
    assert answer.status_code == 200
    return answer.get_json()


def token(bureau: Bureau, person: str = "P1", **more: Any) -> str:
    return ask(bureau, ecQrCode=shown(bureau, person), **more)["data"]["ecToken"]


def test_n66_a_shown_code_is_decoded_into_an_identity_and_a_token(bureau: Bureau) -> None:
    code = shown(bureau)
    assert re.fullmatch(r"424\d{25}", code)
    answer = ask(bureau, ecQrCode=code)
    assert (answer["code"], answer["type"]) == (0, "success")
    data = answer["data"]
    assert (data["userName"], data["idNo"], data["idType"]) == ("测试甲", number("P1"), "01")
    assert re.fullmatch(r"460100ec[0-9a-f]{30}", data["ecToken"]) and data["insuOrg"] == "460100"
    lengths = {"ecIndexNo": 32, "chnlId": 32, "authNo": 64, "birthday": 10}
    assert {name: len(data[name]) for name in lengths} == lengths


def test_n67_a_code_is_decoded_once(bureau: Bureau) -> None:
    code = shown(bureau)
    ask(bureau, ecQrCode=code)
    again = ask(bureau, ecQrCode=code)
    assert again["code"] != 0 and again["success"] is False and "data" not in again


def test_n68_another_kind_of_code_is_named(bureau: Bureau) -> None:
    answer = ask(bureau, ecQrCode="134567890123456789")
    assert (answer["success"], answer["code"]) == (False, 500159)
    assert "请使用医保电子凭证二维码" in answer["message"]


@pytest.mark.parametrize("seconds, code", [(179, 0), (181, 500160)])
def test_n69_a_code_can_be_decoded_for_180_seconds(bureau: Bureau, seconds: int, code: int) -> None:
    held = shown(bureau)
    bureau.advance(seconds=seconds)
    assert ask(bureau, ecQrCode=held)["code"] == code


def test_n70_a_token_is_good_only_where_it_was_given(bureau: Bureau) -> None:
    mine = token(bureau)
    said = {"mdtrt_cert_type": "01", "mdtrt_cert_no": mine}
    assert "电子凭证授权已失效" in bureau.refusal("2102", e1(**said), fixmedins_code=HOSPITAL)
    assert bureau.settle(e1(**said))["acct_pay"] == 78


def test_n71_a_relatives_code_is_the_relatives_own_credential(bureau: Bureau) -> None:
    held = ask(bureau, ecQrCode=shown(bureau, "P1", for_person="P5"))["data"]
    assert held["idNo"] == number("P5")
    info = bureau.settle(e5(mdtrt_cert_type="01", mdtrt_cert_no=held["ecToken"]))
    assert (info["acct_pay"], info["psn_cash_pay"], bureau.balance("P1")) == (0, info["medfee_sumamt"], "500.00")


def test_a_token_names_its_person_in_1101_until_it_runs_out(bureau: Bureau) -> None:
    held = {"data": {"mdtrt_cert_type": "01", "mdtrt_cert_no": token(bureau)}}
    assert bureau.output("1101", held)["baseinfo"]["certno"] == number("P1")
    bureau.advance(seconds=301)
    assert "电子凭证授权已失效" in bureau.refusal("1101", held)


def test_a_token_of_somebody_else_does_not_settle(bureau: Bureau) -> None:
    said = {"mdtrt_cert_type": "01", "mdtrt_cert_no": token(bureau, "P2")}
    assert bureau.refusal("2102", e1(**said))
    assert bureau.balance("P1") == "500.00"


@pytest.mark.parametrize("business, is_good", [("02121", True), ("01301", False), ("01101", False)])
def test_where_the_switch_says_so_a_settlement_needs_a_token_decoded_for_settling(
    bureau: Bureau, business: str, is_good: bool
) -> None:
    bureau.switch("ec_token_business", "business")
    said = {"mdtrt_cert_type": "01", "mdtrt_cert_no": token(bureau, businessType=business)}
    answer = bureau("2102", purchase("P1", line("A1", 1, "10.00"), **said))
    assert (int(answer["infcode"]) == 0) is is_good


@pytest.mark.parametrize(
    "change, code",
    [
        ({"businessType": None}, 500101),
        ({"businessType": "09999"}, 500104),
        ({"businessType": "021211"}, 500102),
        ({"operatorId": ""}, 500101),
        ({"operatorName": None}, 500101),
        ({"officeId": None}, 500101),
        ({"officeName": "长" * 31}, 500102),
        ({"deviceType": "D" * 31}, 500102),
        ({"operatorId": 7}, 500165),
        ({"orgId": "P00000000000"}, 500103),
    ],
)
def test_every_field_of_ec_query_is_checked_and_the_code_stays_good(
    bureau: Bureau, change: dict[str, Any], code: int
) -> None:
    held = shown(bureau)
    assert ask(bureau, ecQrCode=held, **change)["code"] == code
    assert ask(bureau, ecQrCode=held)["code"] == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": 1}', b"\xff", b'{"transType":"x","data":{}}'])
def test_nonsense_is_refused_in_the_services_own_form(bureau: Bureau, body: bytes) -> None:
    headers = {"X-Yibao-Space": bureau.space}
    answer = bureau.client.post(QUERY, data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 200 and answer.get_json()["success"] is False


def test_the_drivers_own_scanner_reads_the_code_held_before_it(bureau: Bureau) -> None:
    assert ask(bureau)["code"] == 500162
    code = shown(bureau, institution=PHARMACY)
    assert ask(bureau, "iot.gain.ec.qrcode", gainWay="FACE")["code"] == 500162
    assert ask(bureau, "iot.gain.ec.qrcode", gainWay="MOBILE")["data"]["ecQrCode"] == code
    assert ask(bureau)["data"]["ecQrCode"] == code


def test_a_code_held_before_one_institution_is_not_anothers(bureau: Bureau) -> None:
    code = shown(bureau, institution=PHARMACY)
    assert ask(bureau, org=HOSPITAL, ecQrCode=code)["code"] == 500160


def test_a_face_at_a_terminal_becomes_a_token_by_its_number_or_its_value(bureau: Bureau) -> None:
    said = tap(bureau, "face-brush", person="P1", institution=PHARMACY, outBizNo="F1")
    assert said["ecQrCode"].startswith("ano") and len(said["authNo"]) == 64
    told = ask(bureau, "EcAuth", outBizNo="F1")["data"]
    assert told["authNo"] == said["authNo"]
    checked = ask(bureau, "AuthCheck", authNo=told["authNo"], businessType="02121")["data"]
    assert checked["idNo"] == number("P1")
    assert ask(bureau, "AuthCheck", authNo=told["authNo"])["code"] == 500163
    other = tap(bureau, "face-brush", person="P1", institution=PHARMACY)
    assert ask(bureau, ecQrCode=other["ecQrCode"])["data"]["ecToken"]


def test_a_face_that_fails_gives_nothing(bureau: Bureau) -> None:
    assert tap(bureau, "face-brush", person="P1", institution=PHARMACY, outBizNo="F2", outcome="mismatch") == {
        "face": "mismatch"
    }
    assert ask(bureau, "EcAuth", outBizNo="F2")["code"] == 500162


def test_settle_notify_is_heard_once(bureau: Bureau) -> None:
    said = {"outBizNo": "S1", "medicalSettleState": "SUCCESS", "bizType": "settle", "totalFee": "78.00"}
    assert ask(bureau, "SettleNotify", **said)["code"] == 0
    assert ask(bureau, "SettleNotify", **said)["code"] == 0
    assert ask(bureau, "SettleNotify", **{**said, "medicalSettleState": "PERHAPS"})["code"] == 500165
    assert ask(bureau, "SettleNotify", **{**said, "totalFee": "78.001"})["code"] == 500165


def test_who_has_not_activated_a_credential_shows_no_code_until_they_have(bureau: Bureau) -> None:
    bureau.switch("credential_default", "none")
    headers = {"X-Yibao-Space": bureau.space}
    refused = bureau.client.post("/_mock/phone/national/code", json={"person": "P1"}, headers=headers)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "STATE_CONFLICT")
    assert tap(bureau, "credential", person="P1", outcome="mismatch")["state"] == "NONE"
    assert tap(bureau, "credential", person="P1")["state"] == "ACTIVE"
    assert ask(bureau, ecQrCode=shown(bureau))["code"] == 0


def test_a_family_account_holds_five_members(bureau: Bureau) -> None:
    headers = {"X-Yibao-Space": bureau.space}
    for member in ("P3", "P4", "P6", "P7"):
        tap(bureau, "family-member", person="P1", member=member)
    sixth = {"person": "P1", "member": "P2"}
    assert bureau.client.post("/_mock/phone/national/family-member", json=sixth, headers=headers).status_code == 409
    stranger = {"person": "P2", "for_person": "P1"}
    assert bureau.client.post("/_mock/phone/national/code", json=stranger, headers=headers).status_code == 409

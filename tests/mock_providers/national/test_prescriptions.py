"""The prescription centre: sample data that is checked, and D005."""

from typing import Any

import pytest

from mock_providers.db import db
from mock_providers.national import prescriptions, wire
from mock_providers.national.prescription_models import PrescriptionStart
from mock_providers.people import BadData, world
from tests.mock_providers.national.institution import PHARMACY, Institution

ONE = """
[prescriptions.R1]
person = "P01"
institution = "H46019900005"
items = { D01 = 2 }
diagnosis = ["J03.900", "急性扁桃体炎"]
"""


def ask(who: Institution, number: str, person: str = "P01", **change: Any) -> dict[str, Any]:
    patient = world().people[person]
    data = {
        "hiRxno": number,
        "fixmedinsCode": PHARMACY,
        "psnName": patient.name,
        "psnCertType": "01",
        "certno": patient.id_number,
        **change,
    }
    return who.call("/fixmedins/hospRxDetlQuery", data, wire.PRESCRIPTION)


CASES = [
    ("RXSAMPLE-E2", "P04", {"D01": 2, "D17": 1}, 1),
    ("RXSAMPLE-E3", "P02", {"D09": 3, "D13": 2, "D25": 1}, 2),
    ("RXSAMPLE-E4", "P08", {"D09": 6, "D14": 6}, 1),
    ("RXSAMPLE-E5", "P24", {"D24": 1}, 3),
    ("RXSAMPLE-E5B", "P03", {"D24": 1}, 3),
    ("RXSAMPLE-E7", "P11", {"D01": 2}, 1),
]


@pytest.mark.parametrize(("number", "person", "items", "level"), CASES)
def test_every_settlement_case_has_its_prescription(
    pharmacy: Institution, number: str, person: str, items: dict[str, int], level: int
) -> None:
    said = ask(pharmacy, number, person)
    assert (said["rxStasCodg"], said["rxUsedStasCodg"], said["rxPaperFlag"]) == ("1", "1", "0")
    assert world().institutions[said["fixmedinsCode"]].level == level
    counts = {world().by_list_code[row["medListCodg"]].code: row["drugCnt"] for row in said["rxDetlList"]}
    assert counts == {code: f"{n}.0000" for code, n in items.items()}
    assert said["rxOtpinfo"]["patnName"] == world().people[person].name


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("RXSAMPLE-P01", {"rxStasCodg": "1", "rxUsedStasCodg": "1", "rxExraAttrCode": "02"}),
        ("RXSAMPLE-EXPIRED", {"rxStasCodg": "2", "rxStasName": "已失效"}),
        ("RXSAMPLE-USED", {"rxStasCodg": "1", "rxUsedStasCodg": "2"}),
        ("RXSAMPLE-REVOKED", {"rxStasCodg": "3", "rxStasName": "已撤销"}),
        ("RXSAMPLE-PAPER", {"rxPaperFlag": "1", "rxExraAttrCode": "01"}),
        ("RXSAMPLE-LONG", {"longRxFlag": "1", "valiDays": "84"}),
    ],
)
def test_every_refusal_has_its_prescription(pharmacy: Institution, number: str, said: dict[str, str]) -> None:
    answer = ask(pharmacy, number)
    assert {key: answer[key] for key in said} == said


def test_moving_the_clock_lets_prescriptions_run_out(pharmacy: Institution) -> None:
    pharmacy.advance(days=10)
    assert ask(pharmacy, "RXSAMPLE-P01")["rxStasCodg"] == "1"
    pharmacy.advance(days=3)
    assert ask(pharmacy, "RXSAMPLE-P01")["rxStasCodg"] == "2"
    assert ask(pharmacy, "RXSAMPLE-LONG")["rxStasCodg"] == "1"
    pharmacy.advance(days=82)
    assert ask(pharmacy, "RXSAMPLE-LONG")["rxStasCodg"] == "2"


def test_a_settlement_uses_a_prescription_and_a_refund_frees_it(pharmacy: Institution) -> None:
    order, split = pharmacy.settled("P01", {"D01": 2}, rxno="RXSAMPLE-P01")
    assert ask(pharmacy, "RXSAMPLE-P01")["rxUsedStasCodg"] == "2"
    second = pharmacy.upload("P01", {"D01": 2}, rxno="RXSAMPLE-P01")
    assert "处方已使用" in pharmacy.place(second)["refused"]
    assert pharmacy.refund(order, split)["refStatus"] == "SUCC"
    assert ask(pharmacy, "RXSAMPLE-P01")["rxUsedStasCodg"] == "1"


@pytest.mark.parametrize(
    ("number", "items", "says"),
    [
        ("", {"D01": 2}, "处方药未上传处方号"),
        ("RXSAMPLE-NONE", {"D01": 2}, "未查询到处方信息"),
        ("RXSAMPLE-E2", {"D01": 2}, "处方与就诊人不一致"),
        ("RXSAMPLE-EXPIRED", {"D01": 2}, "处方已失效"),
        ("RXSAMPLE-USED", {"D01": 2}, "处方已使用"),
        ("RXSAMPLE-REVOKED", {"D01": 2}, "处方已失效或已撤销"),
        ("RXSAMPLE-PAPER", {"D24": 1}, "双通道药品须使用电子处方"),
        ("RXSAMPLE-P01", {"D01": 3}, "药品与处方不一致"),
    ],
)
def test_a_bill_on_a_prescription_that_does_not_hold_is_refused(
    pharmacy: Institution, number: str, items: dict[str, int], says: str
) -> None:
    assert says in pharmacy.place(pharmacy.upload("P01", items, rxno=number))["refused"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hiRxno": "RX0"}, "未查询到处方信息"),
        ({"hiRxno": ""}, "不能为空"),
        ({"fixmedinsCode": "P0"}, "定点医药机构编码不存在"),
        ({"certno": "469099199007029049"}, "处方与就诊人不一致"),
        ({"psnName": "林样十"}, "处方与就诊人不一致"),
        ({"psnCertType": {"a": 1}}, "格式不正确"),
    ],
)
def test_a_query_that_is_wrong_is_refused(pharmacy: Institution, change: dict[str, Any], says: str) -> None:
    assert says in ask(pharmacy, **{"number": "RXSAMPLE-P01", **change})["refused"]


def test_the_prescription_centre_speaks_version_1_0_0(pharmacy: Institution) -> None:
    body = wire.seal({"hiRxno": "RXSAMPLE-P01"}, pharmacy.party, 1, wire.PAYMENT)
    said = pharmacy.client.post("/national/fixmedins/hospRxDetlQuery", data=body).get_json()
    assert said["message"] == "version应为1.0.0" and said["version"] == "1.0.0"


def test_a_planned_failure_happens_once(pharmacy: Institution) -> None:
    pharmacy.plan("national.D005", "system_error", ref="RXSAMPLE-P01")
    assert "系统繁忙" in ask(pharmacy, "RXSAMPLE-P01")["refused"]
    assert ask(pharmacy, "RXSAMPLE-P01")["hiRxno"] == "RXSAMPLE-P01"


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('"P01"', '"P99"', "R1.person"),
        ("H46019900005", "P46019900008", "R1.institution"),
        ("D01 = 2", "D99 = 2", "R1.items"),
        ("D01 = 2", "D01 = 0", "R1.items"),
        ("D01 = 2", "", "R1.items"),
        ('"J03.900", ', "", "R1.diagnosis"),
        ("person", "persona", "R1"),
        ("diagnosis", "diagnoses", "R1"),
        ("[prescriptions.R1]", "[other]", "prescriptions"),
        ("= { D01", "= D01", "prescriptions.toml"),
    ],
)
def test_wrong_data_is_named_by_file_and_key(old: str, new: str, names: str) -> None:
    with pytest.raises(BadData, match=names) as error:
        prescriptions.read(ONE.replace(old, new, 1))
    assert "prescriptions.toml" in str(error.value)


@pytest.mark.parametrize(
    "line", ['state = "lost"', "valid_days = 4", "long = true\nvalid_days = 85", "valid_days = 0"]
)
def test_wrong_states_and_lengths_are_named_too(line: str) -> None:
    with pytest.raises(BadData, match=r"prescriptions\.R1\.(state|valid_days)"):
        prescriptions.read(ONE + line + "\n")
    assert prescriptions.read(ONE)["R1"].valid_days == 3


def test_a_space_that_never_looked_has_no_prescriptions_issued(pharmacy: Institution) -> None:
    with pharmacy.inside():
        assert prescriptions.find("RX0") is None
        assert db.session.query(PrescriptionStart).count() == 0

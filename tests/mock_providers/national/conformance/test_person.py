"""nhsa.md §B.3: person and institution."""

from decimal import Decimal

import pytest

from tests.mock_providers.national.conformance.fixtures import HOSPITAL, PHARMACY, Bureau


def by_card(number: str) -> dict[str, dict[str, str]]:
    return {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number}}


@pytest.mark.parametrize("number", ["46010519000101001X", "46010519000101001x"])
def test_n16_n17_1101_gives_p1_to_the_letter_with_either_x(bureau: Bureau, number: str) -> None:
    found = bureau.output("1101", by_card(number))
    base, (row,) = found["baseinfo"], found["insuinfo"]
    assert (base["psn_no"], base["psn_cert_type"], base["certno"], base["gend"], base["brdy"]) == (
        "46000000000000000000000001",
        "01",
        "46010519000101001X",
        "1",
        "1900-01-01",
    )
    assert (row["balc"], row["insutype"], row["psn_insu_stas"], row["cvlserv_flag"], row["insuplc_admdvs"]) == (
        Decimal("500.00"),
        "310",
        "1",
        "0",
        "460100",
    )
    assert found["idetinfo"] == []


def test_n19_an_unknown_token_is_refused(bureau: Bureau) -> None:
    data = {"mdtrt_cert_type": "01", "mdtrt_cert_no": "460100ec000000000000000000000000000000"}
    assert "电子凭证授权已失效" in bureau.refusal("1101", {"data": data})


def test_n20_a_social_security_card_needs_its_identification_code(bureau: Bureau) -> None:
    data = {"mdtrt_cert_type": "03", "mdtrt_cert_no": "46010519000101001X"}
    assert "不能为空" in bureau.refusal("1101", {"data": data})


def test_n21_an_unknown_person_is_a_failure_and_no_empty_list(bureau: Bureau) -> None:
    assert "该参保人的基本信息为空" in bureau.refusal("1101", by_card("11010519491231002X"))


def test_n22_a_bad_check_digit_is_refused(bureau: Bureau) -> None:
    assert "证件号码" in bureau.refusal("1101", by_card("460105190001010011"))


def test_n23_a_person_without_insurance_row_is_refused(bureau: Bureau) -> None:
    assert "该参保人的参保信息为空" in bureau.refusal("1101", by_card("460105190001010095"))


def test_n25_1201_finds_the_pharmacy(bureau: Bureau) -> None:
    asked = {"fixmedins_type": "2", "fixmedins_code": PHARMACY}
    (row,) = bureau.output("1201", {"medinsinfo": asked})["medinsinfo"]
    assert (row["fixmedins_code"], row["fixmedins_type"], row["uscc"]) == (PHARMACY, "2", "91460100MA00000150")


def test_n26_1201_of_the_wrong_type_finds_nothing(bureau: Bureau) -> None:
    asked = {"fixmedins_type": "1", "fixmedins_code": PHARMACY}
    assert "未查询到任何有效相关的记录" in bureau.refusal("1201", {"medinsinfo": asked})
    (row,) = bureau.output("1201", {"medinsinfo": {**asked, "fixmedins_code": HOSPITAL}})["medinsinfo"]
    assert row["fixmedins_name"] == "测试医院"


@pytest.mark.parametrize(
    "who, balance, insutype, status",
    [
        ("P1", "500.00", "310", "1"),
        ("P2", "20.00", "310", "1"),
        ("P3", "500.00", "310", "1"),
        ("P4", "50.00", "310", "1"),
        ("P5", "0.00", "390", "1"),
        ("P6", "88.00", "310", "2"),
        ("P7", "300.00", "310", "1"),
    ],
)
def test_n16_everybody_of_b1_stands_as_the_sheet_says(
    bureau: Bureau, who: str, balance: str, insutype: str, status: str
) -> None:
    (row,) = bureau.person(who)["insuinfo"]
    assert (f"{row['balc']:.2f}", row["insutype"], row["psn_insu_stas"]) == (balance, insutype, status)

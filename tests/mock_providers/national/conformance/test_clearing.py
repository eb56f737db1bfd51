"""§B.5: queries and clearing (checks 55 to 58), the field tables of §2.9 and §2.10, and the files between them."""

import io
import zipfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.national import clearing_rules as rules
from mock_providers.national.clearing_rules import Entry
from tests.mock_providers.national.conformance.fixtures import (
    BASKETS,
    HOSPITAL,
    PHARMACY,
    Bureau,
    e1,
    e3,
    named,
    psn_no,
)

DAY = {"stmt_begndate": "2025-01-02", "stmt_enddate": "2025-01-02"}


def totals(bureau: Bureau, medfee: str, fund: str, acct: str, count: int, **change: Any) -> str:
    """3201's stmt_rslt."""
    data = {
        "insutype": "310",
        "clr_type": "41",
        "setl_optins": "460199",
        **DAY,
        "medfee_sumamt": medfee,
        "fund_pay_sumamt": fund,
        "acct_pay": acct,
        "fixmedins_setl_cnt": count,
        **change,
    }
    return bureau.output("3201", {"data": data})["stmtinfo"]["stmt_rslt"]


def row_of(info: Mapping[str, Any], **change: str) -> dict[str, str]:
    """A settlement as the institution writes it into its detail file."""
    names = [name for name in rules.COLUMNS if name != "refd_setl_flag"]
    return {**{name: str(info[name]) for name in names}, "refd_setl_flag": "0", **change}


def packed(rows: Sequence[Mapping[str, str]], encoding: str = "utf-8") -> bytes:
    text = "".join("\t".join(row[name] for name in rules.COLUMNS) + "\n" for row in rows)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("detail.txt", text.encode(encoding))
    return out.getvalue()


def uploaded(bureau: Bureau, content: bytes) -> str:
    node = {"in": b64encode(content).decode(), "filename": "detail.zip", "fixmedins_code": PHARMACY}
    return bureau.output("9101", {"fsUploadIn": node})["file_qury_no"]


def downloaded(bureau: Bureau, number: str) -> list[list[str]]:
    """The text file inside a file of ours, its cells."""
    node = {"file_qury_no": number, "filename": "plc", "fixmedins_code": PHARMACY}
    answer = bureau.send("9102", {"fsDownloadIn": node})
    assert answer.content_type == "application/octet-stream", answer.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    return [line.split("\t") for line in text.splitlines()]


def detail(bureau: Bureau, content: bytes, **change: Any) -> list[dict[str, str]]:
    """3202 with this file: the rows of its result file."""
    data = {
        "setl_optins": "460199",
        "file_qury_no": uploaded(bureau, content),
        **DAY,
        "medfee_sumamt": "78.00",
        "fund_pay_sumamt": "0.00",
        "cash_payamt": "0.00",
        "fixmedins_setl_cnt": 1,
        "clr_type": "41",
        **change,
    }
    number = bureau.output("3202", {"data": data})["fileinfo"]["file_qury_no"]
    return [dict(zip(rules.RESULT, cells, strict=True)) for cells in downloaded(bureau, number)]


def test_n55_the_lines_of_a_settlement_add_up_to_it(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    rows = bureau.output("5204", {"data": named(info)})
    assert len(rows) == 3
    assert sum(row["det_item_fee_sumamt"] for row in rows) == Decimal("78.00")
    assert {row["chrgitm_lv"] for row in rows} == {"01", "02", "03"}


def test_n56_one_settlement_balances_the_day(bureau: Bureau) -> None:
    bureau.settle(e1())
    assert totals(bureau, "78.00", "0.00", "78.00", 1) == "0"


@pytest.mark.parametrize(
    "sums",
    [
        ("78.01", "0.00", "78.00", 1),
        ("78.00", "0.01", "78.00", 1),
        ("78.00", "0.00", "77.99", 1),
        ("78.00", "0.00", "78.00", 2),
    ],
)
def test_n57_any_figure_that_differs_unbalances_the_day(bureau: Bureau, sums: tuple[str, str, str, int]) -> None:
    bureau.settle(e1())
    assert totals(bureau, *sums) == "1"


def test_n58_a_line_only_the_centre_has_is_101(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    (row,) = detail(bureau, packed([]))
    assert (row["stmt_rslt"], row["setl_id"], row["medfee_sumamt"]) == ("101", info["setl_id"], "78.00")
    assert row["msgid"] == info["medins_setl_id"]


def test_a_detail_file_that_agrees_leaves_nothing_to_say(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    assert detail(bureau, packed([row_of(info)])) == []
    assert detail(bureau, packed([row_of(info)], "gb18030")) == []


def test_a_line_only_the_institution_has_is_102_and_one_that_differs_103(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    rows = [row_of(info, acct_pay="77.00"), row_of(info, setl_id="999")]
    assert {row["setl_id"]: row["stmt_rslt"] for row in detail(bureau, packed(rows))} == {
        info["setl_id"]: "103",
        "999": "102",
    }


def test_a_refund_counts_on_its_own_day_and_the_sums_of_that_day_may_be_negative(bureau: Bureau) -> None:
    info = bureau.settle(e3())
    bureau.advance(days=1)
    bureau.refund(info)
    assert totals(bureau, "300.00", "138.00", "162.00", 1) == "0"
    tomorrow = {"stmt_begndate": "2025-01-03", "stmt_enddate": "2025-01-03"}
    assert totals(bureau, "-300.00", "-138.00", "-162.00", 1, **tomorrow) == "0"
    assert totals(bureau, "0.00", "0.00", "0.00", 2, stmt_enddate="2025-01-03") == "0"


def test_what_2601_reversed_is_in_no_sum(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    bureau.reverse(info["medins_setl_id"])
    assert totals(bureau, "0.00", "0.00", "0.00", 0) == "0"
    assert "未查询到" in bureau.refusal("5203", {"data": named(info)})


def test_guangzhous_names_of_3201_are_taken(bureau: Bureau) -> None:
    bureau.settle(e1())
    change = {"setl_optins": None, "clr_optins": "460199", "acct_pay": None, "cash_payamt": "0.00"}
    data = {"insutype": "310", "clr_type": "41", **DAY, "medfee_sumamt": "78.00", "fund_pay_sumamt": "0.00"}
    given_names = {**data, "fixmedins_setl_cnt": 1, **{k: v for k, v in change.items() if v is not None}}
    assert bureau.output("3201", {"data": given_names})["stmtinfo"] == {
        "setl_optins": "460199",
        "stmt_rslt": "0",
        "stmt_rslt_dscr": "平",
    }


def test_another_institution_sees_none_of_it(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    for infno in ("5203", "5204"):
        assert "未查询到" in bureau.refusal(infno, {"data": named(info)}, fixmedins_code=HOSPITAL)
    bureau.switch("query_scope", "all")
    assert bureau.output("5203", {"data": named(info)}, fixmedins_code=HOSPITAL)


@pytest.mark.parametrize("basket", sorted(BASKETS))
def test_5203_shows_a_settlement_as_it_was_answered_and_what_stands_beside_it(bureau: Bureau, basket: str) -> None:
    info = bureau.settle(BASKETS[basket]())
    shown = bureau.output("5203", {"data": named(info)})
    assert info.items() <= shown["setlinfo"].items()
    assert shown["setlinfo"]["refd_setl_flag"] == "0" and shown["setlinfo"]["fixmedins_code"] == PHARMACY
    assert (shown["setlinfo"]["psn_pay"], shown["setlinfo"]["cash_payamt"]) == (
        info["psn_part_amt"],
        info["psn_cash_pay"],
    )
    bureau.refund(info)
    assert bureau.output("5203", {"data": named(info)})["setlinfo"]["refd_setl_flag"] == "1"


def test_5201_lists_purchases_by_time_and_kind(bureau: Bureau) -> None:
    first = bureau.settle(e1())
    bureau.advance(days=1)
    asked = {"psn_no": psn_no("P1")}
    found = bureau.output("5201", {"data": {**asked, "med_type": "41"}})["mdtrtinfo"]
    assert [row["mdtrt_id"] for row in found] == [first["mdtrt_id"]]
    later = {**asked, "begntime": "2025-01-03 00:00:00"}
    assert "未查询到" in bureau.refusal("5201", {"data": later})


def test_5206_says_what_the_year_and_the_month_used_up(bureau: Bureau) -> None:
    bureau.settle(e3())
    asked = {"psn_no": psn_no("P3")}
    year = bureau.output("5206", {"data": {**asked, "cum_ym": "2025"}})["cuminfo"]
    month = bureau.output("5206", {"data": {**asked, "cum_ym": "202501"}})["cuminfo"]
    assert [row["cum"] for row in month] == [Decimal("50.00"), Decimal("138.00")]
    assert [row["cum"] for row in year] == [Decimal("50.00"), Decimal("638.00")]
    assert "格式" in bureau.refusal("5206", {"data": {**asked, "cum_ym": "25-01"}})


def test_5301_shows_a_chronic_disease_or_says_there_is_none(bureau: Bureau) -> None:
    (row,) = bureau.output("5301", {"data": {"psn_no": psn_no("P3")}})["feedetail"]
    assert row == {
        "opsp_dise_code": "M01600",
        "opsp_dise_name": "糖尿病",
        "begndate": "2024-01-01",
        "enddate": "2026-12-31",
    }
    assert "未查询到" in bureau.refusal("5301", {"data": {"psn_no": psn_no("P1")}})


APPLICATION = {
    "clr_type": "41",
    "clr_way": "1",
    "setlym": "202501",
    "psntime": 1,
    "medfee_sumamt": "78.00",
    "med_sumfee": "78.00",
    "fund_appy_sum": "0.00",
    "cash_payamt": "0.00",
    "acct_pay": "78.00",
    "begndate": "2025-01-01",
    "enddate": "2025-01-31",
}


def test_a_clearing_application_stands_once_until_it_is_withdrawn(bureau: Bureau) -> None:
    bureau.settle(e1())
    number = bureau.output("3203", {"data": APPLICATION})["result"]["clr_appy_evt_id"]
    assert "已有有效的清算申请" in bureau.refusal("3203", {"data": APPLICATION})
    assert bureau.output("3204", {"data": {"clr_appy_evt_id": number}}) == {}
    assert "未查询到" in bureau.refusal("3204", {"data": {"clr_appy_evt_id": number}})
    assert bureau.output("3203", {"data": APPLICATION})


def test_a_clearing_application_with_other_sums_is_refused_unless_the_switch_says_so(bureau: Bureau) -> None:
    bureau.settle(e1())
    wrong = {"data": {**APPLICATION, "medfee_sumamt": "79.00"}}
    assert "与中心数据不一致" in bureau.refusal("3203", wrong)
    bureau.switch("clearing_sums", "ignored")
    assert bureau.output("3203", wrong)


REQUIRED = [
    *[("3201", name) for name in ("insutype", "clr_type", "setl_optins", "stmt_begndate", "stmt_enddate")],
    *[("3201", name) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "fixmedins_setl_cnt")],
    *[("3203", name) for name in APPLICATION],
]


@pytest.mark.parametrize("infno, name", REQUIRED)
def test_every_required_field_of_clearing_is_missed_by_its_name(bureau: Bureau, infno: str, name: str) -> None:
    sums = {
        "insutype": "310",
        "clr_type": "41",
        "setl_optins": "460199",
        **DAY,
        "medfee_sumamt": "0.00",
        "fund_pay_sumamt": "0.00",
        "acct_pay": "0.00",
        "fixmedins_setl_cnt": 0,
    }
    whole = APPLICATION if infno == "3203" else sums
    data = {key: value for key, value in whole.items() if key != name}
    assert "不能为空" in bureau.refusal(infno, {"data": data})


@pytest.mark.parametrize(
    "content, why",
    [
        (b"not a zip", "zip"),
        (packed([]) + b"", None),
        (packed([{**dict.fromkeys(rules.COLUMNS, "1"), "acct_pay": "x"}]), "金额格式"),
        (packed([{**dict.fromkeys(rules.COLUMNS, "1"), "refd_setl_flag": "0\t1"}]), "应有7列"),
    ],
)
def test_a_detail_file_that_cannot_be_read_is_refused_with_the_reason(
    bureau: Bureau, content: bytes, why: str | None
) -> None:
    if why is None:
        assert detail(bureau, content) == []
        return
    data = {
        "setl_optins": "460199",
        "file_qury_no": uploaded(bureau, content),
        **DAY,
        "medfee_sumamt": "0.00",
        "fund_pay_sumamt": "0.00",
        "cash_payamt": "0.00",
        "fixmedins_setl_cnt": 0,
    }
    assert why in bureau.refusal("3202", {"data": data})


def test_a_file_is_its_institutions_own_and_lives_a_week(bureau: Bureau) -> None:
    number = uploaded(bureau, b"x")
    node = {"file_qury_no": number, "filename": "plc", "fixmedins_code": PHARMACY}
    assert bureau.send("9102", {"data": node}).get_data() == b"x"
    other = {**node, "fixmedins_code": HOSPITAL}
    assert "不存在" in bureau.refusal("9102", {"data": other}, fixmedins_code=HOSPITAL)
    assert bureau.refusal("9102", {"data": other})
    bureau.advance(days=8)
    assert "不存在或已过期" in bureau.refusal("9102", {"data": node})


@pytest.mark.parametrize("content", ["", "%%%", {"a": 1}, 7, ["x"]])
def test_an_upload_of_no_bytes_is_refused(bureau: Bureau, content: Any) -> None:
    node = {"in": content, "filename": "f", "fixmedins_code": PHARMACY}
    assert "文件数据" in bureau.refusal("9101", {"fsUploadIn": node})


def test_bytes_may_come_as_a_list_and_go_as_base64(bureau: Bureau) -> None:
    node = {"in": [104, 105, -1], "filename": "f", "fixmedins_code": PHARMACY}
    number = bureau.output("9101", {"fsUploadIn": node})["file_qury_no"]
    bureau.switch("download_form", "base64")
    asked = {"file_qury_no": number, "filename": "plc", "fixmedins_code": PHARMACY}
    assert bureau.output("9102", {"fsDownloadIn": asked})["in"] == b64encode(b"hi\xff").decode()


ENTRIES = st.lists(
    st.builds(
        Entry,
        setl_id=st.sampled_from([str(number) for number in range(8)]),
        mdtrt_id=st.sampled_from(["1", "2"]),
        psn_no=st.sampled_from(["1", "2"]),
        medfee_fen=st.integers(-9, 9),
        fund_fen=st.integers(-9, 9),
        account_fen=st.integers(-9, 9),
        refunded=st.sampled_from(["0", "1"]),
    ),
    unique_by=lambda entry: entry.setl_id,
)


@given(ENTRIES, ENTRIES)
def test_every_line_is_compared_and_sides_are_never_mixed_up(centre: list[Entry], institution: list[Entry]) -> None:
    found = {entry.setl_id: result for entry, result in rules.compare(centre, institution)}
    ours, theirs = {e.setl_id: e for e in centre}, {e.setl_id: e for e in institution}
    for number in {*ours, *theirs}:
        if number not in theirs:
            assert found[number] == "101"
        elif number not in ours:
            assert found[number] == "102"
        else:
            assert (found.get(number) == "103") is (ours[number].facts != theirs[number].facts)
    assert set(found) <= {*ours, *theirs}

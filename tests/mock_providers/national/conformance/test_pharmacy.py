"""nhsa.md §B.4: the pharmacy's counter, and the examples of §C to the fen."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.mock_providers.national.conformance.fixtures import (
    BASKETS,
    HOSPITAL,
    Bureau,
    e1,
    e2,
    e3,
    e4,
    e5,
    identities,
    line,
    line_identities,
    money,
    number,
    psn_no,
    purchase,
)

# basket: fulamt overlmt preself inscp | dedc hifp fund | psn_part acct mulaid cash balc
EXPECTED = {
    "E1": "78.00 15.00 2.00 3.60 57.40 0.00 0.00 0.00 78.00 78.00 0.00 0.00 422.00",
    "E2": "66.00 0.00 0.00 1.50 64.50 0.00 0.00 0.00 66.00 66.00 46.00 0.00 0.00",
    "E3": "300.00 0.00 0.00 20.00 280.00 50.00 138.00 138.00 162.00 162.00 0.00 0.00 338.00",
    "E4": "88.00 0.00 0.00 6.00 82.00 0.00 0.00 0.00 88.00 50.00 0.00 38.00 0.00",
    "E5": "45.60 16.20 0.00 0.00 29.40 0.00 0.00 0.00 45.60 0.00 0.00 45.60 0.00",
}
AMOUNTS = (
    *("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc"),
    *("hifp_pay", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "acct_mulaid_pay", "psn_cash_pay", "balc"),
)
DETAIL = {
    "E1": [("310200", "57.40", "500.00", "78.00")],
    "E2": [("310200", "64.50", "320.00", "66.00")],
    "E3": [("310100", "280.00", "2000.00", "138.00"), ("310200", "280.00", "500.00", "162.00")],
    "E4": [("310200", "82.00", "50.00", "50.00")],
    "E5": [],
}
SETLINFO_TEXT = """
setl_id mdtrt_id psn_no psn_cert_type certno psn_name gend naty brdy age insutype psn_type cvlserv_flag
setl_time mdtrt_cert_type med_type medfee_sumamt fulamt_ownpay_amt overlmt_selfpay preselfpay_amt
inscp_scp_amt act_pay_dedc hifp_pay pool_prop_selfpay cvlserv_pay hifes_pay hifmi_pay hifob_pay maf_pay
oth_pay fund_pay_sumamt psn_part_amt acct_pay psn_cash_pay hosp_part_amt balc acct_mulaid_pay medins_setl_id
clr_optins clr_way clr_type
"""
SETLINFO = SETLINFO_TEXT.split()
DETLCUTINFO_TEXT = """
feedetl_sn det_item_fee_sumamt cnt pric pric_uplmt_amt selfpay_prop fulamt_ownpay_amt overlmt_amt
preselfpay_amt inscp_scp_amt chrgitm_lv med_chrgitm_type bas_medn_flag hi_nego_drug_flag chld_medc_flag
list_sp_item_flag drt_reim_flag memo
"""
DETLCUTINFO = DETLCUTINFO_TEXT.split()


@pytest.mark.parametrize("name", sorted(BASKETS))
@pytest.mark.parametrize("infno", ["2101", "2102"])
def test_n27_n28_n39_n41_n43_n44_e1_to_e5_to_the_fen(bureau: Bureau, infno: str, name: str) -> None:
    output = bureau.output(infno, BASKETS[name]())
    info = output["setlinfo"]
    assert money(info, *AMOUNTS) == EXPECTED[name].split()
    names = ("inscp_scp_amt", "crt_payb_lmt_amt", "fund_payamt")
    assert [(row["fund_pay_type"], *money(row, *names)) for row in output["setldetail"]] == DETAIL[name]
    assert (info["clr_type"], info["clr_optins"], info["hosp_part_amt"]) == ("41", "460199", 0)
    identities(info)
    line_identities(output["detlcutinfo"])


def test_n27_2101_prices_and_books_nothing(bureau: Bureau) -> None:
    info = bureau.output("2101", e1())["setlinfo"]
    assert "setl_id" not in info
    assert (money(info, "balc"), bureau.balance("P1")) == (["422.00"], "500.00")


def test_n28_2102_books_e1_and_names_the_senders_message(bureau: Bureau) -> None:
    msgid = bureau.envelope("2102", {})["msgid"]
    output = bureau.output("2102", e1(), msgid=msgid)
    info = output["setlinfo"]
    assert list(output) == ["setlinfo", "setldetail", "detlcutinfo"] and list(info) == SETLINFO
    assert info["setl_id"] and (info["medins_setl_id"], info["clr_type"]) == (msgid, "41")
    assert [list(row) for row in output["detlcutinfo"]] == [DETLCUTINFO] * 3
    assert bureau.balance("P1") == "422.00"


def test_n29_the_second_line_of_e1_is_cut_as_the_sheet_says(bureau: Bureau) -> None:
    row = bureau.output("2102", e1())["detlcutinfo"][1]
    names = ("overlmt_amt", "preselfpay_amt", "inscp_scp_amt", "fulamt_ownpay_amt")
    assert money(row, *names) == ["2.00", "3.60", "32.40", "0.00"]
    assert (row["pric_uplmt_amt"], row["selfpay_prop"], row["chrgitm_lv"]) == (36, Decimal("0.1"), "02")


def test_n30_a_header_that_is_not_the_sum_of_the_lines_is_refused(bureau: Bureau) -> None:
    assert "总额不一致" in bureau.refusal("2102", e1(medfee_sumamt="78.01"))
    assert bureau.balance("P1") == "500.00"


def test_n31_a_line_that_is_not_price_times_quantity_is_refused(bureau: Bureau) -> None:
    basket = e1(medfee_sumamt="78.05")
    basket["drugdetail"][0]["det_item_fee_sumamt"] = "25.05"
    assert bureau.refusal("2102", basket) == "FSI-结算费用明细总额与结算信息医疗费总额不一致"


def test_n32_an_unknown_item_is_refused(bureau: Bureau) -> None:
    basket = e1()
    basket["drugdetail"][2]["med_list_codg"] = "XN02BEA001A001010199999"
    assert bureau.refusal("2102", basket) == "FSI-医疗目录编码不存在或未对照"


def test_n33_a_line_serial_given_twice_is_refused(bureau: Bureau) -> None:
    basket = e1()
    basket["drugdetail"][1]["feedetl_sn"] = basket["drugdetail"][0]["feedetl_sn"]
    assert bureau.refusal("2102", basket) == "FSI-费用明细流水号重复"


def test_n34_without_the_account_everything_is_cash(bureau: Bureau) -> None:
    info = bureau.settle(e1(acct_used_flag="0"))
    assert money(info, "acct_pay", "psn_cash_pay", "psn_part_amt", "balc") == ["0.00", "78.00", "78.00", "500.00"]
    assert bureau.balance("P1") == "500.00"


def test_n35_a_prescription_drug_needs_a_prescription_number(bureau: Bureau) -> None:
    assert bureau.refusal("2102", purchase("P1", line("B3", 1, "10.00"))) == "FSI-处方药未上传处方号"


def test_n36_with_a_prescription_number_it_is_sold(bureau: Bureau) -> None:
    info = bureau.settle(purchase("P1", line("B3", 1, "10.00", rxno="RX1", rx_circ_flag="1")))
    assert money(info, "preselfpay_amt", "acct_pay") == ["1.00", "10.00"]


def test_n37_a_suspended_person_is_refused(bureau: Bureau) -> None:
    basket = purchase("P6", line("A1", 1, "10.00"))
    assert bureau.refusal("2102", basket) == "FSI-该参保人参保状态为暂停参保，不能办理结算"
    bureau.switch("suspended_person", "account_only")
    assert money(bureau.settle(basket), "fund_pay_sumamt", "acct_pay") == ["0.00", "10.00"]


def test_n38_a_scheme_the_person_is_not_in_is_refused(bureau: Bureau) -> None:
    assert "该参保人的参保信息为空" in bureau.refusal("2102", e1(insutype="390"))


def test_n39_mutual_aid_debits_the_authoriser_after_the_own_account(bureau: Bureau) -> None:
    bureau.settle(e2())
    assert (bureau.balance("P2"), bureau.balance("P7")) == ("0.00", "254.00")


def test_n40_the_exclusive_reading_shows_mutual_aid_beside_the_account(bureau: Bureau) -> None:
    bureau.switch("acct_mulaid_mode", "exclusive")
    info = bureau.settle(e2())
    assert money(info, "acct_pay", "acct_mulaid_pay", "psn_cash_pay", "psn_part_amt") == [
        *("20.00", "46.00", "0.00", "66.00")
    ]
    identities(info, exclusive=True)
    assert bureau.balance("P7") == "254.00"


def test_n41_e3_uses_up_deductible_and_limit(bureau: Bureau) -> None:
    info = bureau.settle(e3())
    assert info["pool_prop_selfpay"] == Decimal("0.6")
    counted = bureau.look("P3")
    assert (counted["deductible_paid_fen"], counted["pooled_used_fen"]) == (5000, 63800)
    again = bureau.output("2101", e3())
    assert money(again["setlinfo"], "act_pay_dedc", "hifp_pay") == ["0.00", "168.00"]
    assert money(again["setldetail"][0], "crt_payb_lmt_amt") == ["1862.00"]


def test_n42_the_other_reading_of_the_fund_sum_includes_the_account(bureau: Bureau) -> None:
    bureau.switch("fund_sum_includes_account", "true")
    for basket in (e1, e3, e4):
        info = bureau.settle(basket())
        assert info["medfee_sumamt"] == info["fund_pay_sumamt"] + info["psn_cash_pay"]


def test_n44_a_resident_without_account_pays_cash_and_has_no_sources(bureau: Bureau) -> None:
    output = bureau.output("2102", e5())
    assert (output["setldetail"], bureau.balance("P5")) == ([], "0.00")


def test_n45_trace_codes_are_asked_for_from_the_policys_day_and_sell_once(bureau: Bureau) -> None:
    when = {"begntime": "2025-07-01 09:00:00"}
    codes = [{"drug_trac_codg": "81000000000000000001"}, {"drug_trac_codg": "81000000000000000002"}]
    bare, traced = line("A1", 2, "1.00"), line("A1", 2, "1.00", drugtracinfo=codes)
    bureau.advance(days=180)
    assert bureau.refusal("2102", purchase("P1", bare, **when)) == "FSI-药品追溯码未上传"
    assert bureau.settle(purchase("P1", traced, **when))
    assert "已被使用" in bureau.refusal("2102", purchase("P1", traced, **when))
    bureau.switch("trace_code_policy", "off")
    assert bureau.settle(purchase("P1", bare, **when))


@pytest.mark.parametrize("basket", [e1, e2, e3, e4, e5])
@pytest.mark.parametrize("flag", ["0", "1"])
def test_n46_the_identities_hold_on_every_success(
    bureau: Bureau, basket: Callable[..., dict[str, Any]], flag: str
) -> None:
    for infno in ("2101", "2102", "2102"):
        output = bureau.output(infno, basket(acct_used_flag=flag))
        identities(output["setlinfo"])
        line_identities(output["detlcutinfo"])


def test_n46_header_amounts_are_the_sums_of_the_lines(bureau: Bureau) -> None:
    output = bureau.output(
        "2102", purchase("P1", line("B2", 1, "4.52"), line("B1", 3, "41.117"), line("C1", 2, "0.5"))
    )
    info, rows = output["setlinfo"], output["detlcutinfo"]
    pairs = {"overlmt_selfpay": "overlmt_amt", "medfee_sumamt": "det_item_fee_sumamt"}
    for name in ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"):
        assert info[name] == sum(row[pairs.get(name, name)] for row in rows)
    assert money(rows[0], "preselfpay_amt", "inscp_scp_amt") == ["0.23", "4.29"]


def test_n41_a_settlement_stops_at_the_yearly_limit(bureau: Bureau) -> None:
    bureau.set("P3", pooled_used_fen=250_000 - 10_000)
    info = bureau.settle(e3())
    assert money(info, "hifp_pay", "acct_pay") == ["100.00", "200.00"]
    assert bureau.look("P3")["pooled_used_fen"] == 250_000


def test_n28_a_hospital_does_not_settle_over_the_pharmacies_counter(bureau: Bureau) -> None:
    assert "不能办理此业务" in bureau.refusal("2102", e1(), fixmedins_code=HOSPITAL)


def test_n38_the_credential_must_be_the_persons(bureau: Bureau) -> None:
    assert "就诊凭证与人员编号不一致" in bureau.refusal("2102", e1(mdtrt_cert_no=number("P2")))
    assert "该参保人的基本信息为空" in bureau.refusal("2102", e1(psn_no="1"))
    assert "参保地" in bureau.refusal("2102", e1(), insuplc_admdvs="440100")
    assert "不能为空" in bureau.refusal("2102", e1(), insuplc_admdvs="")
    assert bureau.balance("P1") == "500.00" and psn_no("P1")

"""1101, 1201, 1312, 2001 and 2101 over the wire (protocol sheet §2, §B.3, §B.4, §C)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from mock_providers import clock, switches
from mock_providers.db import db
from mock_providers.journal import Call
from mock_providers.people import check_character, world
from tests.mock_providers.national.bureau import Gateway, adjust, head, line, look, writing


@pytest.fixture
def call(mocks: Flask, client: FlaskClient) -> Gateway:
    return Gateway(mocks, client)


def put(app: Flask, name: str, value: str) -> None:
    with writing(app):
        switches.put(name, value)


def document(kind: str, number: str, **more: str) -> dict[str, Any]:
    about = {"mdtrt_cert_type": "99", "mdtrt_cert_no": number, "psn_cert_type": kind, "certno": number}
    return {"data": {**about, **more}}


def test_1101_gives_the_registered_person_to_the_letter(call: Gateway) -> None:
    found = call.output("1101", call.who("469099198803159034"))
    assert found["baseinfo"] == {
        "psn_no": "46000000000000000001",
        "psn_cert_type": "01",
        "certno": "469099198803159034",
        "psn_name": "林样一",
        "gend": "1",
        "naty": "",
        "brdy": "1988-03-15",
        "age": Decimal("37.0"),
        "exp_content": "",
    }
    (row,) = found["insuinfo"]
    assert (row["balc"], row["insutype"], row["psn_type"], row["psn_insu_stas"]) == (
        Decimal("3286.50"),
        "310",
        "1101",
        "1",
    )
    assert (row["cvlserv_flag"], row["insuplc_admdvs"], found["idetinfo"]) == ("0", "460100", [])


def test_amounts_are_numbers_with_two_decimals_in_the_text(call: Gateway) -> None:
    text = call.send("1101", call.who("469099198803159034")).get_data(as_text=True)
    assert '"balc":3286.50' in text


def test_1101_takes_a_lower_case_check_character(call: Gateway) -> None:
    adjust(call.app, "P18", deceased_on=None)
    assert call.output("1101", call.who("46909919331006937x"))["baseinfo"]["certno"] == "46909919331006937X"


def test_1101_shows_the_registered_name_whatever_was_typed(call: Gateway) -> None:
    found = call.output("1101", call.who("469099198509099253", psn_name="张样叁"))
    assert found["baseinfo"]["psn_name"] == "张样三"


def test_1101_shows_where_and_how_somebody_is_insured(call: Gateway) -> None:
    elsewhere = call.output("1101", call.who("469099199308089205"))["insuinfo"][0]
    assert elsewhere["insuplc_admdvs"] == "440100"
    stopped = call.output("1101", call.who("469099199701179231"))["insuinfo"][0]
    assert (stopped["psn_insu_stas"], stopped["paus_insu_date"]) == ("2", "2025-08-01")


@pytest.mark.parametrize("kind, number, name", [("04", "H00000014", "何樣港"), ("08", "XSAMPLE015", "SAMPLE MARIA")])
def test_1101_finds_people_with_other_documents(call: Gateway, kind: str, number: str, name: str) -> None:
    found = call.output("1101", document(kind, number, psn_name=name))["baseinfo"]
    assert (found["psn_name"], found["psn_cert_type"]) == (name, kind)
    assert call.refusal("1101", document("06", number)) == "该参保人的基本信息为空"


def test_1101_knows_a_newborn_by_the_birth_certificate(mocks: Flask, call: Gateway) -> None:
    found = call.output("1101", document("99", "Z990000006"))
    assert (found["baseinfo"]["psn_name"], found["insuinfo"]) == ("林样六", [])
    mother = json.loads(found["baseinfo"]["exp_content"])
    assert mother == {"mother_name": "王样七", "mother_certno": "469099198911239146"}
    put(mocks, "national.newborn", "refused")
    assert call.refusal("1101", document("99", "Z990000006")) == "该参保人的参保信息为空"


@pytest.mark.parametrize(
    "data, text",
    [
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "469099199506309192"}, "该参保人的参保信息为空"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "46909919900307001X"}, "该参保人的基本信息为空"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "46010519000101001X"}, "该参保人的基本信息为空"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "469099199104269269"}, "证件号码校验"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "460105190001010011"}, "证件号码校验"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "469099200104269269"}, "尚未同步"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": "46909919331006937X"}, "死亡"),
        ({"mdtrt_cert_type": "02", "mdtrt_cert_no": ""}, "就诊凭证编号不能为空"),
        ({"mdtrt_cert_no": "469099198803159034"}, "就诊凭证类型不能为空"),
        ({"mdtrt_cert_type": "7", "mdtrt_cert_no": "1"}, "就诊凭证类型格式"),
        ({"mdtrt_cert_type": "01", "mdtrt_cert_no": "nobody"}, "电子凭证授权已失效"),
        ({"mdtrt_cert_type": "03", "mdtrt_cert_no": "469099198803159034"}, "卡识别码不能为空"),
        ({"mdtrt_cert_type": "08", "mdtrt_cert_no": "E1"}, "就诊凭证类型格式"),
        ({"mdtrt_cert_type": "99", "mdtrt_cert_no": "E12345678"}, "该参保人的基本信息为空"),
    ],
)
def test_1101_refuses_in_the_platforms_words(call: Gateway, data: dict[str, Any], text: str) -> None:
    assert text in call.refusal("1101", {"data": data})


def test_1101_takes_a_social_security_card(call: Gateway) -> None:
    card = {"mdtrt_cert_type": "03", "mdtrt_cert_no": "469099198803159034", "card_sn": "A1"}
    assert call.output("1101", {"data": card})["baseinfo"]["psn_name"] == "林样一"


def test_somebody_enters_the_provincial_copy_when_business_time_comes(mocks: Flask, call: Gateway) -> None:
    who = call.who("469099200104269269")
    assert "尚未同步" in call.refusal("1101", who)
    adjust(mocks, "P13", in_provincial_copy_from="2025-12-01T09:00:00+08:00")
    assert call.output("1101", who)["insuinfo"][0]["psn_insu_stas"] == "1"


def test_a_real_looking_number_is_refused_and_kept_nowhere(mocks: Flask, call: Gateway) -> None:
    number = "46010619900307001" + check_character("46010619900307001")
    assert "不是样例号码" in call.refusal("1101", call.who(number))
    mocks.extensions["journal"].flush()
    with mocks.app_context():
        kept = db.session.scalars(select(Call)).all()
        assert len(kept) == 1
        assert number.encode() not in kept[0].request_body + kept[0].response_body + repr(kept[0].why).encode()
        assert b"1101" in kept[0].request_body


@pytest.mark.parametrize("spoilt", [{"mdtrt_cert_type": ""}, {"psn_name": "样" * 51}, {}])
def test_two_real_looking_numbers_are_kept_nowhere_whatever_else_is_wrong(
    mocks: Flask, call: Gateway, spoilt: dict[str, str]
) -> None:
    one, two = (stem + check_character(stem) for stem in ("46010619900307001", "46010619900307003"))
    call.refusal("1101", call.who(one, certno=two, **spoilt))
    mocks.extensions["journal"].flush()
    with mocks.app_context():
        (kept,) = db.session.scalars(select(Call)).all()
        assert not any(number.encode() in kept.request_body for number in (one, two))
        assert b"1101" in kept.request_body


def test_1201_lists_designated_institutions_by_type_code_and_name(call: Gateway) -> None:
    ask = {"fixmedins_type": "2", "fixmedins_code": "P46019900008"}
    (row,) = call.output("1201", {"medinsinfo": ask})["medinsinfo"]
    assert row == {
        "fixmedins_code": "P46019900008",
        "fixmedins_name": "样安大药房(总店)",
        "uscc": "91460199MA0000082B",
        "fixmedins_type": "2",
        "hosp_lv": None,
    }
    fuzzy = call.output("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_name": "人民医院"}})
    assert [row["hosp_lv"] for row in fuzzy["medinsinfo"]] == ["02", "05"]
    for wrong in ({**ask, "fixmedins_type": "1"}, {"fixmedins_type": "1", "fixmedins_code": "H46019900007"}):
        assert call.refusal("1201", {"medinsinfo": wrong}) == "未查询到任何有效相关的记录"


def test_1312_pages_through_what_insurance_may_pay(call: Gateway) -> None:
    ask = {"updt_time": "2025-12-01 00:00:00", "page_num": 1, "page_size": 10}
    first = call.output("1312", {"data": ask})
    payable = [item for item in world().items.values() if item.kind not in ("food", "daily")]
    assert first["recordCounts"] == len(payable) and len(first["data"]) == first["size"] == 10
    assert (first["pages"], first["firstPage"], first["lastPage"]) == (-(-len(payable) // 10), True, False)
    last = call.output("1312", {"data": {**ask, "page_num": first["pages"]}})
    assert last["lastPage"] and last["startRow"] == (first["pages"] - 1) * 10 + 1
    beyond = call.output("1312", {"data": {**ask, "page_num": 99}})
    assert (beyond["data"], beyond["size"], beyond["lastPage"]) == ([], 0, True)
    one = call.output("1312", {"data": {**ask, "hilist_name": "司美格鲁肽"}})["data"]
    assert [(row["hilist_code"], row["chrgitm_lv"]) for row in one] == [("XSAMPLE024A001010199924", "02")]


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"updt_time": ""}, "更新时间不能为空"),
        ({"page_num": 0}, "当前页数格式"),
        ({"page_size": 101}, "本页数据量格式"),
        ({"page_num": None}, "当前页数不能为空"),
        ({"page_size": 1.5}, "本页数据量格式"),
    ],
)
def test_1312_wants_its_paging_fields(call: Gateway, changed: dict[str, Any], text: str) -> None:
    ask = {"updt_time": "2025-12-01 00:00:00", "page_num": 1, "page_size": 10, **changed}
    assert text in call.refusal("1312", {"data": ask})


def test_2001_says_what_somebody_is_entitled_to(call: Gateway) -> None:
    ask = {"insutype": "310", "fixmedins_code": "P46019900008", "med_type": "41", "begntime": "2025-12-01 10:00:00"}
    flags = {}
    for who in ("P01", "P11"):
        rows = call.output("2001", {"data": {**ask, "psn_no": world().people[who].psn_no}})["trtinfo"]
        flags[who] = [(row["fund_pay_type"], row["trt_enjymnt_flag"]) for row in rows]
    assert flags == {"P01": [("310100", "1"), ("310200", "1")], "P11": [("310100", "0"), ("310200", "1")]}
    wrong = {**ask, "psn_no": world().people["P01"].psn_no, "insutype": "390"}
    assert call.refusal("2001", {"data": wrong}) == "该参保人的参保信息为空"


def test_2101_prices_e1_and_changes_nothing(mocks: Flask, call: Gateway) -> None:
    before = look(mocks, "P01")
    output = call.output("2101", call.preview("P01", line("D05"), line("D07")))
    assert list(output) == ["setlinfo", "setldetail", "detlcutinfo"]
    info = output["setlinfo"]
    money = (
        "medfee_sumamt",
        "preselfpay_amt",
        "inscp_scp_amt",
        "fund_pay_sumamt",
        "acct_pay",
        "psn_cash_pay",
        "balc",
    )
    assert [str(info[name]) for name in money] == ["31.30", "1.85", "29.45", "0.00", "31.30", "0.00", "3255.20"]
    assert "setl_id" not in info and info["mdtrt_id"].isdecimal() and len(info["medins_setl_id"]) == 30
    assert (info["clr_type"], info["clr_optins"], info["pool_prop_selfpay"]) == ("41", "460199", 0)
    (account,) = output["setldetail"]
    assert (account["fund_pay_type"], str(account["fund_payamt"])) == ("310200", "31.30")
    first = output["detlcutinfo"][0]
    assert (str(first["selfpay_prop"]), str(first["preselfpay_amt"]), first["chrgitm_lv"]) == ("0.1000", "1.85", "02")
    assert (first["pric_uplmt_amt"], first["med_chrgitm_type"], str(first["cnt"])) == (999999, "09", "1.0000")
    assert look(mocks, "P01") == before


def test_2101_pays_from_the_fund_on_a_prescription(mocks: Flask, call: Gateway) -> None:
    adjust(mocks, "P04", mutual_aid_from="P01")
    bill = call.preview("P04", line("D01", 2, "RXSAMPLE-E2"), line("D17", 1, "RXSAMPLE-E2"), begntime=_now(mocks))
    output = call.output("2101", bill)
    info = output["setlinfo"]
    names = ("act_pay_dedc", "hifp_pay", "pool_prop_selfpay", "acct_pay", "acct_mulaid_pay", "psn_cash_pay", "balc")
    assert [str(info[n]) for n in names] == ["10.00", "27.59", "0.7000", "25.81", "25.81", "0.00", "0.00"]
    assert [row["fund_pay_type"] for row in output["setldetail"]] == ["390100", "310200"]
    assert str(output["setldetail"][0]["crt_payb_lmt_amt"]) == "500.00"


def _now(app: Flask) -> str:
    with app.app_context():
        return clock.now().strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("rxno, text", [("RXSAMPLE-EXPIRED", "失效"), ("RXSAMPLE-USED", "已使用")])
def test_2101_refuses_prescriptions_that_no_longer_serve(mocks: Flask, call: Gateway, rxno: str, text: str) -> None:
    assert text in call.refusal("2101", call.preview("P01", line("D01", 1, rxno), begntime=_now(mocks)))


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"psn_no": ""}, "人员编号不能为空"),
        ({"psn_no": "1"}, "该参保人的基本信息为空"),
        ({"insutype": "390"}, "该参保人的参保信息为空"),
        ({"medfee_sumamt": "12.81"}, "明细总额与结算信息医疗费总额不一致"),
        ({"medfee_sumamt": "12.805"}, "医疗费总额格式"),
        ({"medfee_sumamt": "NaN"}, "医疗费总额格式"),
        ({"medfee_sumamt": "1e400"}, "医疗费总额格式"),
        ({"medfee_sumamt": True}, "医疗费总额格式"),
        ({"medfee_sumamt": None}, "医疗费总额不能为空"),
        ({"begntime": "yesterday"}, "开始时间格式"),
        ({"acct_used_flag": ""}, "个人账户使用标志不能为空"),
        ({"mdtrt_cert_no": "469099199007029049"}, "就诊凭证与人员编号不一致"),
        ({"mdtrt_cert_type": "01", "mdtrt_cert_no": "x"}, "电子凭证授权已失效"),
    ],
)
def test_2101_refuses_a_header_that_is_wrong(call: Gateway, changed: dict[str, Any], text: str) -> None:
    assert text in call.refusal("2101", call.preview("P01", line("D07"), **changed))


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"med_list_codg": "XN02BEA001A001010199901"}, "医疗目录编码不存在"),
        ({"det_item_fee_sumamt": "12.85"}, "明细总额"),
        ({"cnt": "0"}, "明细总额"),
        ({"cnt": "-1"}, "数量格式"),
        ({"cnt": "1.00001"}, "数量格式"),
        ({"pric": ""}, "单价不能为空"),
        ({"rx_circ_flag": "2"}, "外购处方标志格式"),
        ({"feedetl_sn": ""}, "费用明细流水号不能为空"),
        ({"drugtracinfo": []}, "药品追溯码未上传"),
        ({"drugtracinfo": [{}]}, "药品追溯码不能为空"),
        ({"drugtracinfo": "83"}, "药品追溯码格式"),
        ({"drugtracinfo": [{"drug_trac_codg": "83000300000000000001"}]}, "药品追溯码已被使用"),
    ],
)
def test_2101_refuses_a_line_that_is_wrong(call: Gateway, changed: dict[str, Any], text: str) -> None:
    assert text in call.refusal("2101", call.preview("P01", {**line("D07"), **changed}))


def test_2101_refuses_lists_that_are_none_and_repeated_lines(call: Gateway) -> None:
    one = line("D07")
    twice = call.preview("P01", one, {**line("D07"), "feedetl_sn": one["feedetl_sn"]})
    assert call.refusal("2101", twice) == "FSI-费用明细流水号重复"
    assert call.refusal("2101", {**twice, "drugdetail": []}) == "费用明细List不能为空"
    assert "购药明细格式" in call.refusal("2101", {**twice, "drugdetail": "x"})
    assert call.refusal("2101", {"druginfo": head("P01", [one]), "drugdetail": [one] * 501})


def test_2101_wants_the_right_region_of_insurance(call: Gateway) -> None:
    bill = call.preview("P01", line("D07"))
    assert call.refusal("2101", bill, insuplc_admdvs="") == "参保地医保区划不能为空"
    assert "参保地区划" in call.refusal("2101", bill, insuplc_admdvs="440100")


def test_a_number_may_come_as_number_or_text(call: Gateway) -> None:
    row = {**line("D07"), "cnt": 1, "pric": 12.8, "det_item_fee_sumamt": 12.8}
    bill = {"druginfo": {**head("P01", [line("D07")]), "medfee_sumamt": 12.8}, "drugdetail": [row]}
    assert str(call.output("2101", bill)["setlinfo"]["medfee_sumamt"]) == "12.80"

"""The catalogue (§2.11, check 59), its download, what a pharmacy tells of its goods (§2.12), and 1161/1162."""

import io
import zipfile
from typing import Any

import pytest

from mock_providers.national.catalogue_files import COLUMNS, OTHERS
from mock_providers.national.dictionaries import DICTIONARIES
from tests.mock_providers.national.conformance.fixtures import (
    PHARMACY,
    WORLD,
    Bureau,
    line,
    number,
    purchase,
)

PAGE = {"updt_time": "2025-01-02 00:00:00", "page_num": 1, "page_size": 100}
TRACE = "83000000000000000001"


def page(bureau: Bureau, infno: str, **asked: Any) -> dict[str, Any]:
    return bureau.output(infno, {"data": {**PAGE, **asked}})


def test_n59_six_items_in_pages_of_two(bureau: Bureau) -> None:
    first, last = page(bureau, "1312", page_size=2), page(bureau, "1312", page_size=2, page_num=3)
    assert len(first["data"]) == 2
    assert (first["recordCounts"], first["pages"], first["firstPage"], first["lastPage"]) == (6, 3, True, False)
    assert (last["firstPage"], last["lastPage"], last["startRow"], last["size"]) == (False, True, 5, 2)


def test_1301_is_a_zip_of_one_text_file_in_the_published_order_of_columns(bureau: Bureau) -> None:
    told = bureau.output("1301", {"data": {"ver": "0"}})
    assert told["data_cnt"] == 6
    node = {"file_qury_no": told["file_qury_no"], "filename": "plc", "fixmedins_code": PHARMACY}
    answer = bureau.send("9102", {"fsDownloadIn": node})
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        (name,) = archive.namelist()
        rows = [row.split("\t") for row in archive.read(name).decode().splitlines()]
    assert len(COLUMNS) == 92 and COLUMNS[0] == "med_list_codg" and COLUMNS[-1] == "nat_hi_druglist_chrgitm_lv"
    assert all(len(row) == len(COLUMNS) for row in rows)
    by_code = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}
    b3 = by_code[WORLD.items["B3"].med_list_codg]
    assert (b3["otc_flag_name"], b3["nat_hi_druglist_chrgitm_lv"], b3["vali_flag"]) == ("处方药", "02", "1")


def test_1301_has_nothing_new_for_who_has_the_newest_version(bureau: Bureau) -> None:
    assert bureau.output("1301", {"data": {"ver": "F001"}})["data_cnt"] == 0
    assert bureau.output("1301", {"data": {"ver": ""}} | {"data": {"ver": "0", "x": 1}})["data_cnt"] == 6
    assert "未查询到" in bureau.refusal("1301", {"data": {"ver": "F999"}})


@pytest.mark.parametrize("infno", OTHERS)
def test_a_download_nobody_published_says_there_is_nothing(bureau: Bureau, infno: str) -> None:
    assert "未查询到" in bureau.refusal(infno, {"data": {"ver": "0"}})


@pytest.mark.parametrize("infno", ["1304", "1312", "1316", "1317", "1318", "1319"])
@pytest.mark.parametrize("name", PAGE)
def test_every_page_wants_its_time_number_and_size(bureau: Bureau, infno: str, name: str) -> None:
    asked = {key: value for key, value in PAGE.items() if key != name}
    assert "不能为空" in bureau.refusal(infno, {"data": asked})


def test_the_mappings_ceilings_and_ratios_are_those_a_settlement_uses(bureau: Bureau) -> None:
    b1 = WORLD.items["B1"].med_list_codg
    assert page(bureau, "1304")["recordCounts"] == 0
    assert page(bureau, "1316", med_list_codg=b1)["data"][0]["hilist_code"] == b1
    assert page(bureau, "1317", medins_list_codg="B1")["data"][0]["med_list_codg"] == b1
    (ceiling,) = page(bureau, "1318")["data"]
    assert (ceiling["hilist_code"], f"{ceiling['hilist_pric_uplmt_amt']:.2f}") == (b1, "36.00")
    ratios = {row["hilist_code"]: f"{row['selfpay_prop']:.4f}" for row in page(bureau, "1319")["data"]}
    assert ratios == {item.med_list_codg: f"{RATIO[code]:.4f}" for code, item in WORLD.items.items()}


RATIO = {"A1": 0, "B1": 0.1, "B2": 0.05, "B3": 0.1, "B4": 0.2, "C1": 1}


@pytest.mark.parametrize("name", sorted(DICTIONARIES))
def test_1901_gives_every_dictionary_of_the_sheet(bureau: Bureau, name: str) -> None:
    asked = {"type": name, "admdvs": "460000", "date": "2025-01-02"}
    rows = bureau.output("1901", {"data": asked})["list"]
    assert {row["value"]: row["label"] for row in rows} == DICTIONARIES[name]
    assert [row["sort"] for row in rows] == list(range(1, len(rows) + 1))


def test_1901_knows_no_other_dictionary(bureau: Bureau) -> None:
    asked = {"type": "nothing", "admdvs": "460000", "date": "2025-01-02"}
    assert "未查询到" in bureau.refusal("1901", {"data": asked})
    assert "不能为空" in bureau.refusal("1901", {"data": {"admdvs": "460000", "date": "2025-01-02"}})


def sale(**change: Any) -> dict[str, Any]:
    node = {
        "med_list_codg": WORLD.items["A1"].med_list_codg,
        "fixmedins_hilist_id": "A1",
        "fixmedins_hilist_name": "测试药品A1",
        "fixmedins_bchno": "B001",
        "phar_name": "测试药师",
        "phar_prac_cert_no": "YS0001",
        "mdtrt_sn": "S001",
        "manu_lotnum": "L001",
        "rx_flag": "0",
        "trdn_flag": "0",
        "rtal_docno": "R001",
        "sel_retn_cnt": 1,
        "sel_retn_time": "2025-01-02 03:00:00",
        "sel_retn_opter_name": "测试员",
        "mdtrt_setl_type": "2",
        "drugtracinfo": [{"drug_trac_codg": TRACE}],
        **change,
    }
    return {"selinfo": {name: value for name, value in node.items() if value is not None}}


def settle(bureau: Bureau, trace: str = TRACE) -> dict[str, Any]:
    return bureau.settle(purchase("P1", line("A1", 1, "10.00", drugtracinfo=[{"drug_trac_codg": trace}])))


def test_a_pack_sells_once_until_it_comes_back(bureau: Bureau) -> None:
    assert bureau.output("3505", sale())["result"]["retRslt"] == "1"
    assert "流水号重复" in bureau.refusal("3505", sale())
    assert "追溯码已被使用" in bureau.refusal("3505", sale(rtal_docno="R002"))
    bought = purchase("P1", line("A1", 1, "10.00", drugtracinfo=[{"drug_trac_codg": TRACE}]))
    assert "追溯码已被使用" in bureau.refusal("2102", bought)
    assert bureau.output("3506", sale())["result"]["rtal_docno"] == "R001"
    assert settle(bureau)["acct_pay"] == 10


def test_the_upload_of_a_settled_sale_names_its_settlement(bureau: Bureau) -> None:
    info = settle(bureau)
    assert "追溯码已被使用" in bureau.refusal("3505", sale())
    assert bureau.output("3505", sale(setl_id=info["setl_id"]))
    assert "不能退货" in bureau.refusal("3506", sale(setl_id=info["setl_id"]))
    bureau.refund(info)
    assert bureau.output("3506", sale(setl_id=info["setl_id"]))
    assert settle(bureau)["acct_pay"] == 10


@pytest.mark.parametrize(
    "change, text",
    [
        ({"med_list_codg": "XNOBODY"}, "医疗目录编码"),
        ({"drugtracinfo": []}, "追溯码未上传"),
        ({"drugtracinfo": "x"}, "格式"),
        ({"drugtracinfo": [{"drug_trac_codg": TRACE}] * 2}, "追溯码已被使用"),
        ({"setl_id": "1"}, "未查询到"),
        ({"rtal_docno": "R" * 41}, "长度"),
        ({"rx_flag": "9"}, "格式"),
        *[({name: None}, "不能为空") for name in ("rtal_docno", "mdtrt_sn", "phar_name", "sel_retn_cnt")],
    ],
)
def test_a_wrong_sale_is_refused_and_nothing_is_kept(bureau: Bureau, change: dict[str, Any], text: str) -> None:
    assert text in bureau.refusal("3505", sale(**change))
    assert bureau.output("3505", sale())


def test_what_was_not_sold_cannot_come_back_nor_twice(bureau: Bureau) -> None:
    assert "未查询到" in bureau.refusal("3506", sale())
    bureau.output("3505", sale())
    bureau.output("3506", sale())
    assert "流水号重复" in bureau.refusal("3506", sale())


def test_1161_reads_a_card_and_1162_decodes_a_code(bureau: Bureau) -> None:
    asked = {
        "mdtrt_cert_no": number("P1"),
        "card_sn": "C1",
        "businessType": "02121",
        "operatorId": "1",
        "operatorName": "测试员",
        "officeId": "1",
        "officeName": "收银台",
    }
    token = bureau.output("1161", {"data": asked})["ecToken"]
    held = {"data": {"mdtrt_cert_type": "01", "mdtrt_cert_no": token}}
    assert bureau.output("1101", held)["baseinfo"]["certno"] == number("P1")
    assert "不能为空" in bureau.refusal("1161", {"data": {**asked, "card_sn": ""}})
    shown = bureau.client.post(
        "/_mock/phone/national/code", json={"person": "P2"}, headers={"X-Yibao-Space": bureau.space}
    ).get_json()
    decoded = bureau.output("1162", {"data": {**asked, "ecQrCode": shown["ecQrCode"]}})
    assert decoded["idNo"] == number("P2")
    assert "已失效" in bureau.refusal("1162", {"data": {**asked, "ecQrCode": shown["ecQrCode"]}})

"""D001-D007: a hospital's prescription is checked, signed, uploaded, sold against, asked after and taken back."""

from base64 import b64encode
from typing import Any

import pytest

from mock_providers.national import wire
from tests.mock_providers.national.conformance.centre import Centre, Prescriber
from tests.mock_providers.national.conformance.fixtures import HOSPITAL, PHARMACY, WORLD, Bureau, line, purchase
from tests.mock_providers.national.conformance.test_credential import token
from tests.mock_providers.national.conformance.test_outpatient import Visit

BOUGHT = ("B3", 2, "100.00")


@pytest.fixture
def hospital(bureau: Bureau) -> Prescriber:
    return Prescriber(bureau)


def basket(rxno: str, who: str = "P1", count: int = 2) -> dict[str, Any]:
    return purchase(who, line("B3", count, "100.00", rxno=rxno))


def states(hospital: Prescriber, rxno: str, name: str = "hospRxDetlQuery") -> tuple[str, str]:
    said = hospital.ask(name, hospital.asking(rxno))
    return said["rxStasCodg"], said["rxUsedStasCodg"]


# the way of a prescription


def test_a_prescription_gets_its_numbers_its_signature_and_is_valid(hospital: Prescriber) -> None:
    draft = hospital.draft({"B3": 2})
    checked = hospital.ask("uploadChk", draft)
    assert len(checked["hiRxno"]) == 30 and len(checked["rxTraceCode"]) == 20
    assert "未查询到处方信息" in hospital.ask("hospRxDetlQuery", hospital.asking(checked["hiRxno"]))["refused"]
    twenty = hospital.signed_fields(checked, draft)
    signing = hospital.signing(twenty)
    signed = hospital.ask("rxFixmedinsSign", signing)
    assert signed["rxFile"] == signing["originalRxFile"]
    assert wire.signed_by(signing["originalValue"], signed["signDigest"], hospital.party)
    assert "测试医院" in signed["signCertDn"] and signed["signCertSn"]
    said = hospital.ask(
        "rxFileUpld", {**twenty, "rxFile": signed["rxFile"], "signDigest": signed["signDigest"], "extras": {"a": "1"}}
    )
    assert (said["rxStasCodg"], said["rxStasName"]) == ("1", "有效")


def test_it_can_be_sold_against_once_and_a_refund_frees_it(hospital: Prescriber) -> None:
    bureau, rxno = hospital.bureau, hospital.prescribe({"B3": 2})
    bureau.switch("rxno_check", "centre")
    assert states(hospital, rxno) == ("1", "1")
    info = bureau.settle(basket(rxno))
    assert states(hospital, rxno) == ("1", "2")
    assert "处方已使用" in bureau.refusal("2102", basket(rxno))
    bureau.refund(info)
    assert states(hospital, rxno) == ("1", "1")
    order, split = Centre(bureau).paid(basket(rxno))
    assert states(hospital, rxno) == ("1", "2")
    back = Centre(bureau).refund(order, "ALL", split["psnAcctPay"], split["fundPay"], split["ownPayAmt"])
    assert back["refStatus"] == "SUCC" and states(hospital, rxno) == ("1", "1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"count": 3}, "药品与处方不一致"),
        ({"who": "P2"}, "处方与就诊人不一致"),
        ({"rxno": "4600000000"}, "未查询到处方信息"),
        ({"rxno": ""}, "处方药未上传处方号"),
    ],
)
def test_what_is_not_prescribed_is_not_sold(hospital: Prescriber, change: dict[str, Any], says: str) -> None:
    rxno = hospital.prescribe({"B3": 2})
    hospital.bureau.switch("rxno_check", "centre")
    sold = basket(**{"rxno": rxno, **change})
    assert says in hospital.bureau.refusal("2102", sold)
    assert says in Centre(hospital.bureau).place(Centre(hospital.bureau).upload(sold))["refused"]
    assert states(hospital, rxno) == ("1", "1")


def test_it_runs_out_on_the_minute(hospital: Prescriber) -> None:
    rxno = hospital.prescribe({"B3": 2})
    hospital.bureau.switch("rxno_check", "centre")
    hospital.bureau.advance(days=3)
    assert states(hospital, rxno) == ("1", "1")
    hospital.bureau.advance(seconds=1)
    assert states(hospital, rxno) == ("2", "1")
    sold = basket(rxno)
    sold["druginfo"]["begntime"] = hospital.bureau.now()
    assert "处方已失效或已撤销" in hospital.bureau.refusal("2102", sold)
    assert "处方已失效" in hospital.ask("rxUndo", hospital.undoing(rxno))["refused"]


def test_a_revoked_one_is_not_sold_and_a_sold_one_is_not_revoked(hospital: Prescriber) -> None:
    hospital.bureau.switch("rxno_check", "centre")
    gone, sold = hospital.prescribe({"B3": 2}), hospital.prescribe({"B3": 2})
    said = hospital.ask("rxUndo", hospital.undoing(gone))
    assert said == {"hiRxno": gone, "rxStasCodg": "3", "rxStasName": "已撤销"}
    assert hospital.ask("rxUndo", hospital.undoing(gone)) == said and states(hospital, gone) == ("3", "1")
    assert "处方已失效或已撤销" in hospital.bureau.refusal("2102", basket(gone))
    info = hospital.bureau.settle(basket(sold))
    assert "处方已使用" in hospital.ask("rxUndo", hospital.undoing(sold))["refused"]
    hospital.bureau.refund(info)
    assert hospital.ask("rxUndo", hospital.undoing(sold))["rxStasCodg"] == "3"


def test_only_its_hospital_takes_it_back(hospital: Prescriber) -> None:
    rxno = hospital.prescribe({"B3": 2})
    refused = hospital.ask("rxUndo", hospital.undoing(rxno, fixmedinsCode=PHARMACY))["refused"]
    assert "该类定点医药机构不能办理此业务" in refused
    assert "未查询到处方信息" in hospital.ask("rxUndo", hospital.undoing("4600"))["refused"]
    assert "定点医药机构编码不存在" in hospital.ask("rxUndo", hospital.undoing(rxno, fixmedinsCode="H0"))["refused"]


# D005, D006, D007


def test_d005_tells_what_the_hospital_sent(hospital: Prescriber) -> None:
    rxno = hospital.prescribe({"B3": 2, "B1": 1}, longRxFlag="1", days=84)
    said = Centre(hospital.bureau).call("/fixmedins/hospRxDetlQuery", hospital.asking(rxno), wire.PRESCRIPTION)
    assert (said["fixmedinsCode"], said["fixmedinsName"]) == (HOSPITAL, "测试医院")
    assert (said["valiDays"], said["longRxFlag"], said["rxExraAttrName"]) == ("84", "1", "门诊统筹处方")
    assert [(row["medListCodg"], row["drugCnt"]) for row in said["rxDetlList"]] == [
        (WORLD.items["B3"].med_list_codg, "2"),
        (WORLD.items["B1"].med_list_codg, "1"),
    ]
    visit = said["rxOtpinfo"]
    assert (visit["patnName"], visit["insutype"], visit["pharName"]) == (WORLD.people["P1"].name, "310", "测试药师")
    assert said["rxDiseList"][0]["diagCode"] == visit["maindiagCode"] == "J06.900"


def test_d006_tells_what_the_pharmacist_said_and_when(hospital: Prescriber) -> None:
    bureau, kept = hospital.bureau, []
    for seconds, outcome in (("0", ""), ("0", "audit_rejected"), ("600", "")):
        bureau.switch("rx_audit_s", seconds)
        if outcome:
            bureau.plan("national.D003", outcome)
        kept.append(hospital.prescribe({"B3": 2}))
    said = [hospital.ask("rxChkInfoQuery", hospital.asking(rxno)) for rxno in kept]
    assert [one["rxChkStasCodg"] for one in said] == ["1", "2", "0"]
    assert said[1]["rxChkOpnn"] and said[0]["rxChkTime"] and "rxChkTime" not in said[2]
    assert said[0]["pharName"] == "测试药师" and {one["rxStasCodg"] for one in said} == {"1"}
    bureau.switch("rxno_check", "centre")
    assert "处方审核未通过" in bureau.refusal("2102", basket(kept[1]))
    assert "处方尚未审核" in bureau.refusal("2102", basket(kept[2]))
    bureau.advance(seconds=600)
    assert hospital.ask("rxChkInfoQuery", hospital.asking(kept[2]))["rxChkStasCodg"] == "1"
    assert bureau.settle(basket(kept[2]))


def test_d007_tells_when_and_with_what_it_was_filled(hospital: Prescriber) -> None:
    rxno = hospital.prescribe({"B3": 2})
    before = hospital.ask("rxSetlInfoQuery", hospital.asking(rxno))
    assert before["rxUsedStasCodg"] == "1" and not {"setlTime", "seltdelts"} & set(before)
    hospital.bureau.settle(basket(rxno))
    said = hospital.ask("rxSetlInfoQuery", hospital.asking(rxno))
    assert (said["rxUsedStasName"], said["setlTime"]) == ("已使用", hospital.bureau.now())
    (sold,) = said["seltdelts"]
    item = WORLD.items["B3"]
    assert (sold["medListCodg"], sold["cnt"], sold["drugDosform"]) == (item.med_list_codg, "2", "片剂")
    assert (sold["drugSpec"], sold["takeDrugFlag"]) == (item.spec, "1")


@pytest.mark.parametrize("name", ["hospRxDetlQuery", "rxChkInfoQuery", "rxSetlInfoQuery"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hiRxno": "4600"}, "未查询到处方信息"),
        ({"certno": "460105190001010028"}, "处方与就诊人不一致"),
        ({"psnName": "测试乙"}, "处方与就诊人不一致"),
        ({"mdtrtId": "V9"}, "就诊ID不存在或与订单不一致"),
        ({"fixmedinsCode": "H0"}, "定点医药机构编码不存在"),
    ],
)
def test_a_query_names_the_patient_and_the_visit(
    hospital: Prescriber, name: str, change: dict[str, str], says: str
) -> None:
    rxno = hospital.prescribe({"B3": 2})
    assert says in hospital.ask(name, hospital.asking(rxno, **change))["refused"]


@pytest.mark.parametrize("name", ["rxChkInfoQuery", "rxSetlInfoQuery"])
def test_audit_and_filling_are_told_to_the_issuer_alone(hospital: Prescriber, name: str) -> None:
    rxno = hospital.prescribe({"B3": 2})
    assert "不是本机构开具" in hospital.ask(name, hospital.asking(rxno, fixmedinsCode=PHARMACY))["refused"]


# D001


def changed(draft: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A draft with one thing changed: `valiDays`, `mdtrtinfo.certno`, `rxdrugdetail.0.drugCnt`."""
    *way, last = path.split(".")
    node: Any = draft
    for step in way:
        node = node[int(step)] if step.isdecimal() else node[step]
    node[last] = value
    return draft


D001 = [
    ("valiDays", "0", "处方有效天数超过规定"),
    ("valiDays", "4", "处方有效天数超过规定"),
    ("valiEndTime", "2025-01-05 03:04:06", "处方有效截止时间与开方时间、有效天数不一致"),
    ("mdtrtCertNo", "460105190001010028", "就诊凭证与人员编号不一致"),
    ("mdtrtCertType", "01", "电子凭证令牌不能为空"),
    ("mdtrtCertType", "03", "卡识别码不能为空"),
    ("bizTypeCode", "03", "业务类型代码格式不正确"),
    ("rxExraAttrCode", "04", "处方附加属性代码格式不正确"),
    ("mdtrtinfo.fixmedinsCode", PHARMACY, "该类定点医药机构不能办理此业务"),
    ("mdtrtinfo.fixmedinsCode", "H0", "定点医药机构编码不存在"),
    ("mdtrtinfo.psnNo", "46000000000000000000000099", "该参保人的基本信息为空"),
    ("mdtrtinfo.patnName", "测试乙", "处方与就诊人不一致"),
    ("mdtrtinfo.maindiagCode", "J07", "主诊断与诊断信息不一致"),
    ("diseinfo.0.maindiagFlag", "0", "主诊断与诊断信息不一致"),
    ("rxdrugdetail.0.medListCodg", "X0", "医疗目录编码不存在"),
    ("rxdrugdetail.0.drugCnt", "0", "药品总用药量格式不正确"),
    ("rxdrugdetail.0.rxItemTypeCode", "14", "处方项目分类代码格式不正确"),
    ("rxdrugdetail.0.usedFrquCodg", "", "使用频次编码不能为空"),
    ("rxdrugdetail.0.rxItemTypeCode", "13", "处方整剂用法编号不能为空"),
    ("rxdrugdetail.0.hospApprFlag", "2", "自费原因类型不能为空"),
    ("rxdrugdetail", [], "处方明细信息不能为空"),
    ("diseinfo", [], "不能为空"),
    ("mdtrtinfo", {}, "就诊信息不能为空"),
]


@pytest.mark.parametrize(("path", "value", "says"), D001)
def test_a_prescription_that_does_not_hold_gets_no_number(
    hospital: Prescriber, path: str, value: Any, says: str
) -> None:
    assert says in hospital.ask("uploadChk", changed(hospital.draft({"B3": 2}), path, value))["refused"]


def test_a_reason_is_given_for_what_the_patient_pays_alone(hospital: Prescriber) -> None:
    draft = hospital.draft({"B3": 2})
    draft["rxdrugdetail"][0] |= {"hospApprFlag": "2", "selfPayRea": "6"}
    assert "自费原因描述不能为空" in hospital.ask("uploadChk", draft)["refused"]
    draft["rxdrugdetail"][0]["realDscr"] = "患者要求"
    assert hospital.ask("uploadChk", draft)["hiRxno"]


def test_herbs_say_once_how_they_are_taken(hospital: Prescriber) -> None:
    way = {"rxUsedWayCodg": "1", "rxUsedWayName": "口服", "rxFrquCodg": "11", "rxFrquName": "每日一次"}
    draft = hospital.draft({"B3": 2}, **way, rxDosunt="剂", rxDoscnt="1")
    for name in ("medcWayCodg", "medcWayDscr", "usedFrquCodg", "usedFrquName", "sinDosunt", "sinDoscnt"):
        del draft["rxdrugdetail"][0][name]
    draft["rxdrugdetail"][0]["rxItemTypeCode"] = "13"
    assert hospital.ask("uploadChk", draft)["hiRxno"]


def test_a_decoded_code_is_the_patients_own(hospital: Prescriber) -> None:
    mine = token(hospital.bureau, "P1", org=HOSPITAL)
    other = token(hospital.bureau, "P2", org=HOSPITAL)
    shown = {"mdtrtCertType": "01", "mdtrtCertNo": mine}
    assert hospital.ask("uploadChk", hospital.draft({"B3": 1}, **shown, ecToken=mine))["hiRxno"]
    refused = hospital.ask("uploadChk", hospital.draft({"B3": 1}, **shown, ecToken=other))["refused"]
    assert "电子凭证授权已失效" in refused
    online = hospital.draft({"B3": 1}, **shown, ecToken=mine, bizTypeCode="02")
    assert "电子凭证线上身份核验流水号不能为空" in hospital.ask("uploadChk", online)["refused"]
    assert hospital.ask("uploadChk", {**online, "authNo": "A1"})["hiRxno"]


def test_the_visit_is_one_that_2201_registered_unless_the_switch_says_any(hospital: Prescriber) -> None:
    visit = Visit(hospital.bureau)
    hospital.bureau.switch("mdtrt_id", "hospitals")
    draft = hospital.draft({"B3": 2})
    assert "就诊ID不存在" in hospital.ask("uploadChk", draft)["refused"]
    draft["mdtrtinfo"]["mdtrtId"] = visit.mdtrt_id
    assert hospital.ask("uploadChk", draft)["hiRxno"]


def test_until_it_is_uploaded_a_prescription_can_be_checked_again_and_keeps_its_numbers(hospital: Prescriber) -> None:
    draft = hospital.draft({"B3": 2})
    first = hospital.ask("uploadChk", draft)
    assert hospital.ask("uploadChk", hospital.draft({"B3": 1}, hospRxno=draft["hospRxno"])) == first
    rxno = hospital.prescribe({"B3": 2}, hospRxno="RX-ONE")
    again = hospital.ask("uploadChk", hospital.draft({"B3": 2}, hospRxno="RX-ONE"))
    assert "定点医疗机构处方编号重复" in again["refused"] and states(hospital, rxno) == ("1", "1")


# D002 and D003


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"originalValue": "???"}, "原始待签名处方信息格式不正确"),
        ({"originalValue": b64encode(b"[1]").decode()}, "原始待签名处方信息格式不正确"),
        ({"originalValue": b64encode(b"{}").decode()}, "处方追溯码不能为空"),
        ({"originalRxFile": b64encode(b"GIF89a").decode()}, "处方文件不是PDF或OFD"),
        ({"originalRxFile": "???"}, "处方文件不是PDF或OFD"),
        ({"fixmedinsCode": PHARMACY}, "该类定点医药机构不能办理此业务"),
        ({"fixmedinsCode": ""}, "定点医药机构编号不能为空"),
    ],
)
def test_what_cannot_be_signed_is_refused(hospital: Prescriber, change: dict[str, str], says: str) -> None:
    draft = hospital.draft({"B3": 2})
    twenty = hospital.signed_fields(hospital.ask("uploadChk", draft), draft)
    assert says in hospital.ask("rxFixmedinsSign", {**hospital.signing(twenty), **change})["refused"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("rxTraceCode", "0" * 20, "处方追溯码不正确"),
        ("hiRxno", "4600", "未查询到处方信息"),
        ("patnName", "测试乙", "处方与就诊人不一致"),
        ("mdtrtId", "V9", "处方与就诊人不一致"),
        ("pharName", "", "药师姓名不能为空"),
    ],
)
def test_what_is_signed_is_what_was_checked(hospital: Prescriber, name: str, value: str, says: str) -> None:
    draft = hospital.draft({"B3": 2})
    twenty = hospital.signed_fields(hospital.ask("uploadChk", draft), draft)
    assert says in hospital.ask("rxFixmedinsSign", hospital.signing({**twenty, name: value}))["refused"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("rxTraceCode", "0" * 20, "处方追溯码不正确"),
        ("pharName", "别的药师", "处方信息与医保电子签名的内容不一致"),
        ("signDigest", "AAAA", "处方信息与医保电子签名的内容不一致"),
        ("rxFile", b64encode(b"%PDF-1.7 other").decode(), "处方信息与医保电子签名的内容不一致"),
        ("rxFile", b64encode(b"other").decode(), "处方文件不是PDF或OFD"),
    ],
)
def test_what_is_uploaded_is_what_was_signed(hospital: Prescriber, name: str, value: str, says: str) -> None:
    sent = hospital.ready({"B3": 2})
    assert says in hospital.ask("rxFileUpld", {**sent, name: value})["refused"]
    assert hospital.ask("rxFileUpld", sent)["rxStasCodg"] == "1"


def test_nothing_unsigned_is_uploaded_and_nothing_twice(hospital: Prescriber) -> None:
    draft = hospital.draft({"B3": 2})
    twenty = hospital.signed_fields(hospital.ask("uploadChk", draft), draft)
    unsigned = {**twenty, "rxFile": b64encode(b"%PDF-1.7").decode(), "signDigest": "x"}
    assert "与医保电子签名的内容不一致" in hospital.ask("rxFileUpld", unsigned)["refused"]
    sent = hospital.ready({"B3": 2})
    first = hospital.ask("rxFileUpld", sent)
    assert "处方已上传，不能重复上传" in hospital.ask("rxFileUpld", sent)["refused"]
    twenty = {name: sent[name] for name in sent if name not in ("rxFile", "signDigest")}
    assert "处方已上传" in hospital.ask("rxFixmedinsSign", hospital.signing(twenty))["refused"]
    hospital.bureau.switch("rx_upload_again", "answered")
    assert hospital.ask("rxFileUpld", sent) == first
    assert "内容不一致" in hospital.ask("rxFileUpld", {**sent, "pharName": "别的药师"})["refused"]


def test_a_trace_code_lives_as_long_as_its_prescription(hospital: Prescriber) -> None:
    sent = hospital.ready({"B3": 2})
    hospital.bureau.advance(days=3, seconds=1)
    assert "处方追溯码不正确" in hospital.ask("rxFileUpld", sent)["refused"]


@pytest.mark.parametrize("number", ["D001", "D002", "D003", "D004", "D005", "D006", "D007"])
def test_a_planned_failure_happens_once(hospital: Prescriber, number: str) -> None:
    rxno = hospital.prescribe({"B3": 2})
    draft = hospital.draft({"B3": 2})
    checked = hospital.ask("uploadChk", draft)
    calls: dict[str, Any] = {
        "D001": lambda: hospital.ask("uploadChk", draft),
        "D002": lambda: hospital.ask("rxFixmedinsSign", hospital.signing(hospital.signed_fields(checked, draft))),
        "D003": lambda: hospital.ask("rxFileUpld", ready),
        "D004": lambda: hospital.ask("rxUndo", hospital.undoing(rxno)),
        "D005": lambda: hospital.ask("hospRxDetlQuery", hospital.asking(rxno)),
        "D006": lambda: hospital.ask("rxChkInfoQuery", hospital.asking(rxno)),
        "D007": lambda: hospital.ask("rxSetlInfoQuery", hospital.asking(rxno)),
    }
    ready = hospital.ready({"B3": 1}) if number == "D003" else {}
    hospital.bureau.plan(f"national.{number}", "system_error")
    assert "系统繁忙" in calls[number]()["refused"] and "refused" not in calls[number]()


def test_the_centre_speaks_version_1_0_0(hospital: Prescriber) -> None:
    said = hospital.call("/fixmedins/uploadChk", hospital.draft({"B3": 2}), wire.PRESCRIPTION)
    assert said["hiRxno"]
    body = wire.seal(hospital.draft({"B3": 2}), hospital.party, 1735787045000, wire.PAYMENT)
    answer = hospital.send("/fixmedins/uploadChk", body)
    assert (answer["message"], answer["version"]) == ("version应为1.0.0", "1.0.0")

"""nhsa.md §B.8, checks 72-90: consent, order, payment, notice, refund, and the encrypted message."""

import json
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from sqlalchemy import select

from mock_providers import accounts, clock
from mock_providers.db import db
from mock_providers.national import payment_rules as rules
from mock_providers.national import wire
from mock_providers.national.texts import Refused
from mock_providers.webhooks.models import Attempt, Event
from mock_providers.wechat import users
from tests.mock_providers.national.conformance.centre import HOS, STAMP, Centre
from tests.mock_providers.national.conformance.fixtures import (
    HOSPITAL,
    WORLD,
    Bureau,
    e1,
    e2,
    e3,
    e4,
    e5,
    line,
    purchase,
)
from tests.mock_providers.national.conformance.test_credential import token
from tests.mock_providers.national.conformance.test_outpatient import Visit
from tests.mock_providers.webhooks.toy import Ear, sender_of

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors" / "nhsa.toml").read_text("utf-8"))
V, KEY = VECTORS["envelope"], VECTORS["sm2"]
MONEY = ("feeSumamt", "fundPay", "psnAcctPay", "selfAcctPay", "acctMulaidPay", "ownPayAmt")


@pytest.fixture
def centre(bureau: Bureau) -> Centre:
    return Centre(bureau)


def money(said: dict[str, Any]) -> tuple[str, ...]:
    return tuple(said[name] for name in MONEY)


def notices(bureau: Bureau) -> list[Event]:
    with bureau.reading():
        return list(db.session.scalars(select(Event).where(Event.type == "6302")))


def openid_of(bureau: Bureau, who: str) -> str:
    with bureau.writing():
        return users.opened_by(accounts.account("wechat")["appid"], who).openid


# 72, 73: the user query


def test_n72_a_consent_becomes_a_payment_number_of_the_person_whose_credential_was_authorised(centre: Centre) -> None:
    said = centre.user_query(centre.consent("P1"), openid_of(centre.bureau, "P1"))
    assert (said["code"], said["message"]) == (0, "success")
    assert (said["user_name"], said["user_card_no"]) == (WORLD.people["P1"].name, WORLD.people["P1"].id_number)
    assert said["pay_auth_no"].startswith("AUTH") and len(said["pay_auth_no"]) <= 40
    assert said["family_pay_auth_no"] == ""


def test_n72_for_a_relative_the_family_number_is_filled_instead(centre: Centre) -> None:
    said = centre.user_query(centre.consent("P1", "P5"), openid_of(centre.bureau, "P1"))
    assert said["pay_auth_no"] == "" and said["family_pay_auth_no"].startswith("AUTH")
    assert said["user_name"] == WORLD.people["P5"].name


def test_n73_a_code_works_once_and_a_wrong_signature_never(centre: Centre) -> None:
    code = centre.consent("P1")
    wrong = centre.user_query(code, **{"god-portal-signature": "0" * 64})
    assert wrong["code"] != 0 and not {"pay_auth_no", "family_pay_auth_no"} & set(wrong)
    assert centre.user_query(code)["code"] == 0
    again = centre.user_query(code)
    assert again["code"] != 0 and "pay_auth_no" not in again


def test_n73_nobody_elses_openid_and_no_other_body_gets_a_number(centre: Centre) -> None:
    code = centre.consent("P1")
    for shown in (openid_of(centre.bureau, "P2"), "o-nobody"):
        assert centre.user_query(code, shown)["code"] != 0
    for wrong in ("", None, ["x"], "no such code"):
        assert centre.user_query(wrong)["code"] != 0
    assert centre.user_query(code, openid_of(centre.bureau, "P1"))["code"] == 0


def test_n73_the_other_headers_are_looked_at_if_the_switch_says_so(centre: Centre) -> None:
    odd = {"god-portal-request-id": "1"}
    assert centre.user_query(centre.consent("P1"), **odd)["code"] == 0
    centre.bureau.switch("user_query_headers", "all")
    assert centre.user_query(centre.consent("P1"), **odd)["code"] == 10007
    assert centre.user_query(centre.consent("P1"))["code"] == 0


def test_n72_a_payment_number_lives_600_seconds_and_starts_one_order(centre: Centre) -> None:
    number = centre.grant("P1")
    centre.bureau.advance(seconds=599)
    assert centre.upload(e1(), payAuthNo=number)["payOrdId"]
    assert "PAY_AUTH_NO" in centre.upload(e1(), payAuthNo=number)["refused"]
    late = centre.grant("P1")
    centre.bureau.advance(seconds=600)
    assert "PAY_AUTH_NO" in centre.upload(e1(), payAuthNo=late)["refused"]


# 74, 75: 6201


def test_n74_lines_that_do_not_add_up_make_no_order(centre: Centre) -> None:
    said = centre.upload(e1(), medfeeSumamt="78.01", medOrgOrd="ORDER1")
    assert "结算费用明细总额与结算信息医疗费总额不一致" in said["refused"]
    assert centre.upload(e1(), medOrgOrd="ORDER1")["payOrdId"]


def test_n75_an_upload_gives_an_order_a_token_and_what_becomes_of_each_line(centre: Centre) -> None:
    said = centre.upload(e1())
    assert said["payOrdId"].startswith("ORD460100") and said["payToken"] and said["orderStas"] == "0"
    assert said["extData"]["mdtrtId"]
    first, second, third = said["extData"]["result"]
    assert (first["amt"], first["pfoAmt"], first["selfpayProp"], first["chrgItemLv"]) == (
        *("25.00", "0.00", "0.0000"),
        "01",
    )
    assert (second["overlmtSelfpayAmt"], second["pfoAmt"], second["hiLmtpric"]) == ("2.00", "3.60", "36.00")
    assert (third["ownpayAmt"], third["fulamtOwnpayFlag"]) == ("15.00", "1")


def test_n75_an_order_number_is_used_once_by_an_institution(centre: Centre) -> None:
    centre.upload(e1(), medOrgOrd="ORDER1")
    assert centre.upload(e1(), medOrgOrd="ORDER1")["refused"] == "订单已存在"


def test_n75_a_consent_must_be_shown_and_with_a_payment_number_alone_the_visit(centre: Centre) -> None:
    number = centre.grant("P1")
    assert "支付授权码不能为空" in centre.upload(e1(), payAuthNo="")["refused"]
    assert "就诊ID不能为空" in centre.upload(e1(), payAuthNo=number, mdtrtId="")["refused"]
    with_token = centre.user_query(centre.consent("P1"))["ec_token"]
    assert centre.upload(e1(), ecToken=with_token, mdtrtId="")["payOrdId"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"idNo": "460105190001010028"}, "入参个人身份ID摘要和医保电子凭证绑卡身份ID摘要不匹配"),
        ({"userName": "测试乙"}, "入参用户姓名和医保电子凭证绑卡姓名不匹配"),
        ({"psnNo": "46000000000000000000000099"}, "该参保人的基本信息为空"),
        ({"insuCode": "460200"}, "参保地区划与参保信息不一致"),
        ({"orgCodg": "P46010500009"}, "定点医药机构编码不存在"),
        ({"feedetailList": []}, "费用明细List不能为空"),
        ({"uldLatlnt": "here"}, "用户经纬度格式不正确"),
        ({"diseinfoList": [{"diagType": "8"}]}, "诊断类别格式不正确"),
        ({"diseinfoList": "x"}, "格式不正确"),
    ],
)
def test_n74_what_does_not_fit_the_person_or_the_place_makes_no_order(
    centre: Centre, change: dict[str, Any], says: str
) -> None:
    number = centre.grant("P1")
    data = {**centre.bill(e1(), payAuthNo=number), **change}
    assert says in centre.call(f"{HOS}uldFeeInfo", data)["refused"]
    assert centre.upload(e1(), payAuthNo=number, medOrgOrd=data["medOrgOrd"])["payOrdId"]


def test_n74_a_line_of_somebody_else_or_of_another_visit_is_refused(centre: Centre) -> None:
    basket = e1()
    basket["drugdetail"][0]["psn_no"] = WORLD.people["P2"].psn_no
    assert "费用明细与订单的人员编号不一致" in centre.upload(basket)["refused"]
    basket = e1()
    basket["drugdetail"][0]["mdtrt_id"] = "V9"
    assert "就诊ID不存在或与订单不一致" in centre.upload(basket)["refused"]


def test_n75_everything_the_sheet_names_is_tolerated(centre: Centre) -> None:
    inpatient = {
        "oprnOprtCode": "1", "oprnOprtName": "x", "fpscNo": "1", "latechbFlag": "0", "gesoVal": 12, "fetts": 1,
        "fetusCnt": 1, "pretFlag": "0", "birctrlType": "1", "birctrlMatnDate": "2025-01-01", "copFlag": "0",
        "matnType": "1", "dscgDeptCodg": "1", "dscgDeptName": "x", "dscgWay": "1", "dieDate": "2025-01-01",
        "admDiagDscr": "x", "admDeptCodg": "1", "admDeptName": "x", "admBed": "1", "extData": {"any": ["thing"]},
        "diseinfoList": [{"diagType": "1", "diagCode": "J06.900"}], "uldLatlnt": "110.35,20.02", "unknown": {"a": 1},
    }  # fmt: skip
    assert centre.upload(e1(), **inpatient)["payOrdId"]


# 76-78: 6202


def test_n76_the_pooled_fund_and_the_account_of_e3(centre: Centre) -> None:
    split = centre.place(centre.upload(e3()))
    assert money(split) == ("300.00", "138.00", "162.00", "162.00", "0.00", "0.00")
    assert split["ordStas"] == "1" and centre.bureau.balance("P3") == "500.00"
    assert split["extData"]["preSetl"]["hifp_pay"] == "138.00"
    assert (split["deposit"], split["hospPartAmt"], split["othFeeAmt"]) == ("0.00", "0.00", "0.00")


@pytest.mark.parametrize(("mode", "acct_pay"), [("inclusive", "66.00"), ("exclusive", "20.00")])
def test_n77_mutual_aid_of_e2_is_a_part_of_the_account_share_in_either_reading(
    centre: Centre, mode: str, acct_pay: str
) -> None:
    centre.bureau.switch("acct_mulaid_mode", mode)
    split = centre.place(centre.upload(e2()))
    assert money(split) == ("66.00", "0.00", "66.00", "20.00", "46.00", "0.00")
    assert split["extData"]["preSetl"]["acct_pay"] == acct_pay


def test_n78_what_the_account_cannot_pay_is_cash(centre: Centre) -> None:
    assert money(centre.place(centre.upload(e4()))) == ("88.00", "0.00", "50.00", "50.00", "0.00", "38.00")
    assert money(centre.place(centre.upload(e5()))) == ("45.60", "0.00", "0.00", "0.00", "0.00", "45.60")
    assert money(centre.place(centre.upload(e1()))) == ("78.00", "0.00", "78.00", "78.00", "0.00", "0.00")


@pytest.mark.parametrize(
    ("flag", "account"), [("", "78.00"), ("1", "78.00"), ("0", "0.00"), (0, "0.00"), (1, "78.00"), (None, "78.00")]
)
def test_n78_the_account_is_used_unless_the_flag_says_0(centre: Centre, flag: Any, account: str) -> None:
    split = centre.place(centre.upload(e1()), acctUsedFlag=flag)
    assert split["psnAcctPay"] == account and split["feeSumamt"] == "78.00"


def test_n78_asked_again_the_order_is_priced_again_until_the_channel_has_it(centre: Centre) -> None:
    order = centre.upload(e1())
    first = centre.place(order)
    assert centre.place(order) == first
    assert centre.place(order, acctUsedFlag="0")["ownPayAmt"] == "78.00"
    split = centre.place(order, acctUsedFlag="1")
    centre.taken(order)
    again = centre.place(order)
    assert money(again) == money(split) and again["ordStas"] == "2"
    for change in ({"acctUsedFlag": "0"}, {"orgBizSer": "other"}):
        assert "当前订单状态不允许支付下单" in centre.place(order, **change)["refused"]
    assert centre.pay(order, split)["ok"]
    assert "当前订单状态不允许支付下单" in centre.place(order)["refused"]


def test_n78_a_deposit_is_used_up_to_the_cash_share(centre: Centre) -> None:
    order = centre.upload(e4())
    assert [centre.place(order, deposit=d)["deposit"] for d in ("10.00", "38.00", "100.00")] == [
        *("10.00", "38.00", "38.00")
    ]
    centre.bureau.switch("deposit", "ignored")
    assert centre.place(order, deposit="10.00")["deposit"] == "0.00"
    assert "押金格式不正确" in centre.place(order, deposit="-1")["refused"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"payOrdId": "ORD0"}, "订单不存在"),
        ({"orgCodg": HOSPITAL}, "订单不存在"),
        ({"payToken": "x"}, "payToken不正确"),
        ({"payAuthNo": "AUTH"}, "PAY_AUTH_NO 校验失败，请确认无误后重试"),
        ({"mdtrtId": "V9"}, "就诊ID不存在或与订单不一致"),
        ({"acctUsedFlag": "2"}, "个人账户使用标志格式不正确"),
    ],
)
def test_n78_an_order_is_placed_by_whom_it_belongs_to(centre: Centre, change: dict[str, Any], says: str) -> None:
    order = centre.upload(e1())
    assert says in centre.place({**order, **change}, **change)["refused"]
    assert centre.state(order) == "0"


# 6201 with a code the institution decoded itself


def test_n75_a_decoded_code_uploads_and_the_payment_number_comes_with_6202(centre: Centre) -> None:
    order = centre.upload(e1(), ecToken=token(centre.bureau, "P1"))
    other, mine = centre.grant("P2"), centre.grant("P1")
    assert "PAY_AUTH_NO" in centre.place({**order, "payAuthNo": other})["refused"]
    order["payAuthNo"] = mine
    split = centre.place(order)
    assert centre.pay(order, split)["ok"] and centre.bureau.balance("P1") == "422.00"
    assert "PAY_AUTH_NO" in centre.upload(e1(), payAuthNo=mine)["refused"]


# outpatient orders


def test_n75_a_hospitals_order_belongs_to_a_visit_that_2201_registered(bureau: Bureau) -> None:
    centre, visit = Centre(bureau, HOSPITAL), Visit(bureau)
    refused = "就诊ID不存在或与订单不一致"
    assert refused in centre.upload(e1(med_type="11"))["refused"]
    assert (
        refused
        in centre.upload(purchase("P2", line("A1", 1, "1.00"), med_type="11"), mdtrtId=visit.mdtrt_id)["refused"]
    )
    order, _ = centre.paid(e1(med_type="11"), mdtrtId=visit.mdtrt_id)
    assert centre.query(order)["hiRgstSn"] == visit.mdtrt_id
    bureau.switch("mdtrt_id", "registered")
    assert refused in Centre(bureau).upload(e1())["refused"]
    bureau.switch("mdtrt_id", "any")
    assert centre.upload(e1(med_type="11"))["payOrdId"]


# 79-81: payment and notice


def test_n79_one_notice_tells_of_the_payment_and_6301_agrees(centre: Centre) -> None:
    order, split = centre.paid(e3())
    (notice,) = notices(centre.bureau)
    told = notice.plain
    assert (told["callType"], told["payOrdId"], told["medOrgOrd"]) == ("02", order["payOrdId"], order["medOrgOrd"])
    assert [told[n] for n in ("feeSumamt", "ownpayAmt", "ownPayAmt", "psnAcctPay", "fundPay")] == [
        *("300.00", "0.00", "0.00", "162.00", "138.00")
    ]
    assert told["revsToken"] and told["ordStas"] == "6" and told["setlType"] == "HI"
    said = centre.query(order)
    assert said["ordStas"] == "6" and money(said) == money(split)
    same = ("revsToken", "hiChrgTime", "hiDocSn", "hiRgstSn", "orgName", "orgCode", "ecCode", "traceTime", "callType")
    assert all(said[name] == told[name] for name in same)
    assert centre.bureau.balance("P3") == "338.00"


def test_n79_the_notice_carries_the_settlement_under_the_names_of_the_notice(centre: Centre) -> None:
    centre.paid(e3())
    extra = notices(centre.bureau)[0].plain["extData"]
    (info,) = extra["setlinfo"]
    names = """setlId mdtrtId setltime insutype psnType medType psnNo clrType clrWay clrOptins medfeeSumamt hifpPay
    fundPaySumamt psnPay acctPay othPay psnCashPay psnPartAmt hospPartAmt mafPay fulAmtOwnpayAmt"""
    assert set(names.split()) <= set(info)
    assert (info["medfeeSumamt"], info["hifpPay"], info["acctPay"], info["psnPay"]) == (
        *("300.00", "138.00", "162.00"),
        "162.00",
    )
    fund, account = extra["setldetail"]
    keys = "fundpaytype inscpscpamt crtpayblmtamt fundpayamt fundpaytypename setlprocinfo"
    assert set(fund) == set(account) == set(keys.split())
    assert (fund["fundpaytype"], fund["fundpayamt"]) == ("310100", "138.00")
    assert (account["fundpaytype"], account["fundpayamt"]) == ("310200", "162.00")


def test_n79_with_cash_all_of_it_is_settled(centre: Centre) -> None:
    order, _ = centre.paid(e4())
    assert centre.query(order)["setlType"] == "ALL" and centre.bureau.balance("P4") == "0.00"


@pytest.mark.parametrize(("value", "names"), [("ownpayAmt", {"ownpayAmt"}), ("ownPayAmt", {"ownPayAmt"})])
def test_n79_the_cash_share_has_either_spelling(centre: Centre, value: str, names: set[str]) -> None:
    centre.bureau.switch("notice_cash_field", value)
    centre.paid(e4())
    assert {"ownpayAmt", "ownPayAmt"} & set(notices(centre.bureau)[0].plain) == names


def test_n79_before_the_payment_6301_tells_no_money_if_the_switch_says_so(centre: Centre) -> None:
    centre.bureau.switch("6301_early_money", "absent")
    order = centre.upload(e1())
    split = centre.place(order)
    assert not {*MONEY, "revsToken", "hiDocSn"} & set(centre.query(order))
    centre.taken(order)
    said = centre.query(order)
    assert said["ordStas"] == "2" and "feeSumamt" not in said
    assert centre.pay(order, split)["ok"] and money(centre.query(order)) == money(split)


def heard(centre: Centre, ear: Ear) -> list[dict[str, Any]]:
    return [wire.open_message(body, centre.party) for _, _, body in ear.heard]


@pytest.fixture
def ear(bureau: Bureau) -> Iterator[Ear]:
    sender = sender_of(bureau.app)
    before, listening = sender.post, Ear(500)
    sender.post = listening
    yield listening
    sender.post = before


def test_n80_a_notice_nobody_takes_is_told_again_with_the_same_amounts(centre: Centre, ear: Ear) -> None:
    order, _ = centre.paid(e3())
    sender = sender_of(centre.bureau.app)
    with centre.bureau.reading():
        now = clock.now()
    sender.deliver_due(centre.bureau.space, now + timedelta(seconds=400))
    assert len(ear.heard) == 4
    first, *rest = heard(centre, ear)
    assert first["payOrdId"] == order["payOrdId"] and all(one == first for one in rest)
    ear.answer = 200
    sender.deliver_due(centre.bureau.space, now + timedelta(hours=2))
    assert len(ear.heard) == 5 and heard(centre, ear)[-1] == first
    with centre.bureau.reading():
        attempts = list(db.session.scalars(select(Attempt).order_by(Attempt.id)))
    gaps = [round((b.at - a.at).total_seconds()) for a, b in pairwise(attempts)]
    assert gaps == [15, 60, 300, 3600] and attempts[-1].accepted


def test_n80_the_notice_may_be_plain(centre: Centre, ear: Ear) -> None:
    centre.bureau.switch("notice_form", "plain")
    order, _ = centre.paid(e1())
    with centre.bureau.reading():
        now = clock.now()
    sender_of(centre.bureau.app).deliver_due(centre.bureau.space, now)
    (body,) = (body for _, _, body in ear.heard)
    assert json.loads(body)["medOrgOrd"] == order["medOrgOrd"]


def test_n81_an_upload_is_revoked_before_the_payment_and_never_after(centre: Centre) -> None:
    for steps in (0, 1, 2):
        order = centre.upload(e1())
        split = centre.place(order) if steps else {}
        if steps == 2:
            centre.taken(order)
        assert centre.revoke(order) == {"success": True, "message": "成功"}
        assert centre.state(order) == "12" and centre.revoke(order)["success"]
        assert "当前订单状态不允许支付下单" in centre.place(order)["refused"]
        if steps:
            assert not centre.pay(order, split)["ok"]
    paid, _ = centre.paid(e1())
    assert "当前订单状态不允许撤销" in centre.revoke(paid)["refused"]
    assert centre.bureau.balance("P1") == "422.00" and len(notices(centre.bureau)) == 1


# 82-84: 6203


def test_n82_everything_goes_back(centre: Centre) -> None:
    before = centre.bureau.look("P3")
    order, _ = centre.paid(e3())
    assert centre.bureau.look("P3") != before
    said = centre.refund(order, "ALL", "162.00", "138.00", "0.00")
    assert said["refStatus"] == "SUCC" and said["hiFefdSn"] and said["refdSn"]
    assert len(said["hiTrnsDate"]) == 8 and len(said["hiTrnsTime"]) == 6
    assert centre.state(order) == "7" and centre.bureau.balance("P3") == "500.00"
    assert centre.bureau.look("P3") == before


def test_n82_the_same_refund_number_is_answered_again_and_pays_once(centre: Centre) -> None:
    order, _ = centre.paid(e3())
    asked = ("ALL", "162.00", "138.00", "0.00")
    first = centre.refund(order, *asked, appRefdSn="R")
    assert centre.refund(order, *asked, appRefdSn="R") == first and centre.bureau.balance("P3") == "500.00"
    assert "当前订单状态不允许退费" in centre.refund(order, *asked)["refused"]
    other, _ = centre.paid(e3())
    assert "退费单号重复" in centre.refund(other, *asked, appRefdSn="R")["refused"]


REFUSALS = [
    (("ALL", "162.00", "138.00", "0.00"), {"totlRefdAmt": "299.99"}, "之和不一致"),
    (("ALL", "161.99", "138.00", "0.00"), {}, "须全额"),
    (("ALL", "162.00", "137.99", "0.00"), {}, "须全额"),
    (("ALL", "162.01", "138.00", "0.00"), {}, "超过可退金额"),
    (("ALL", "162.00", "138.00", "0.01"), {}, "超过可退金额"),
    (("HI", "100.00", "138.00", "0.00"), {}, "须全额"),
    (("CASH", "0.00", "0.00", "0.00"), {}, "退费类型与退费金额不符"),
    (("CASH", "0.00", "0.00", "0.01"), {}, "超过可退金额"),
    (("SOME", "162.00", "138.00", "0.00"), {}, "退费类型格式不正确"),
    (("ALL", "162.00", "138.00", "0.00"), {"payAuthNo": None}, "支付授权码不能为空"),
    (("ALL", "162.00", "138.00", "0.00"), {"ecToken": "x"}, "电子凭证令牌格式不正确"),
    (("ALL", "162.00", "138.00", "0.00"), {"payAuthNo": "AUTH"}, "PAY_AUTH_NO"),
    (("ALL", "162.00", "138.00", "0.00"), {"payAuthNo": None, "ecToken": "x"}, "电子凭证授权已失效"),
    (("ALL", "162.00", "138.00", "0.00"), {"payAuthNo": None, "revsToken": "x"}, "revsToken不正确"),
    (("ALL", "162.00", "138.00", "0.00"), {"appRefdTime": "2025-01-02 03"}, "退费申请时间格式不正确"),
    (("ALL", "162.00", "138.00", "0.00"), {"appRefdTime": "20251302031000"}, "退费申请时间格式不正确"),
    (("ALL", "162.00", "138.00", "0.00"), {"payOrdId": "ORD0"}, "订单不存在"),
]


@pytest.mark.parametrize(("asked", "change", "says"), REFUSALS)
def test_n83_a_refund_that_does_not_fit_changes_nothing(
    centre: Centre, asked: tuple[str, ...], change: dict[str, Any], says: str
) -> None:
    order, _ = centre.paid(e3())
    assert says in centre.refund(order, *asked, **change)["refused"]
    assert centre.state(order) == "6" and centre.bureau.balance("P3") == "338.00"


def test_n84_cash_goes_back_in_parts_and_says_nothing_of_the_insurance(centre: Centre) -> None:
    order, _ = centre.paid(e4())
    some = centre.refund(order, "CASH", "0.00", "0.00", "8.00")
    assert not {"hiFefdSn", "hiTrnsDate", "hiTrnsTime"} & set(some) and centre.state(order) == "10"
    assert "超过可退金额" in centre.refund(order, "CASH", "0.00", "0.00", "30.01")["refused"]
    assert "超过可退金额" in centre.refund(order, "ALL", "50.00", "0.00", "38.00")["refused"]
    assert centre.refund(order, "HI", "50.00", "0.00", "0.00")["hiFefdSn"]
    assert centre.state(order) == "11" and centre.bureau.balance("P4") == "50.00"
    assert centre.refund(order, "CASH", "0.00", "0.00", "30.00")["refStatus"] == "SUCC"
    assert centre.state(order) == "7"


def test_n84_each_part_alone_and_then_the_other(centre: Centre) -> None:
    order, _ = centre.paid(e4())
    centre.refund(order, "HI", "50.00", "0.00", "0.00")
    assert centre.state(order) == "8"
    centre.refund(order, "CASH", "0.00", "0.00", "38.00")
    assert centre.state(order) == "7"
    other, _ = centre.paid(e4())
    centre.refund(other, "CASH", "0.00", "0.00", "38.00")
    assert centre.state(other) == "9"
    centre.refund(other, "HI", "50.00", "0.00", "0.00")
    assert centre.state(other) == "7" and centre.bureau.balance("P4") == "50.00"


def test_n84_an_order_in_cash_alone_is_undone_with_the_last_of_its_cash(centre: Centre) -> None:
    order, _ = centre.paid(e5())
    assert "退费类型与退费金额不符" in centre.refund(order, "HI", "0.00", "0.00", "0.00")["refused"]
    centre.refund(order, "CASH", "0.00", "0.00", "40.00")
    with centre.bureau.reading():
        assert _settled(order) is False
    centre.refund(order, "CASH", "0.00", "0.00", "5.60")
    with centre.bureau.reading():
        assert _settled(order) is True
    assert centre.state(order) == "9"


def _settled(order: dict[str, Any]) -> bool:
    """Whether the order's settlement was given back."""
    from mock_providers.national import channel, ledger

    row = channel.find(order["payOrdId"])
    made = ledger.settlement(row.setl_id) if row else None
    assert made
    return made.refunded


def test_n84_a_refund_whose_end_is_unknown_is_17_and_ends_when_asked_again(centre: Centre) -> None:
    order, _ = centre.paid(e4())
    asked = ("ALL", "50.00", "0.00", "38.00")
    centre.bureau.plan("national.6203", "exception")
    assert centre.refund(order, *asked, appRefdSn="R")["refStatus"] == "EXP"
    assert centre.state(order) == "17" and centre.bureau.balance("P4") == "0.00"
    assert "当前订单状态不允许退费" in centre.refund(order, *asked)["refused"]
    done = centre.refund(order, *asked, appRefdSn="R")
    assert done["refStatus"] == "SUCC" and centre.refund(order, *asked, appRefdSn="R") == done
    assert centre.state(order) == "7" and centre.bureau.balance("P4") == "50.00"


def test_n84_a_refund_that_failed_can_be_asked_for_again(centre: Centre) -> None:
    order, _ = centre.paid(e4())
    asked = ("ALL", "50.00", "0.00", "38.00")
    centre.bureau.plan("national.6203", "fail")
    assert centre.refund(order, *asked, appRefdSn="R")["refStatus"] == "FAIL" and centre.state(order) == "6"
    assert centre.refund(order, *asked, appRefdSn="R")["refStatus"] == "SUCC"


# revsToken


def revs(centre: Centre, order: dict[str, Any], *asked: str, **change: Any) -> dict[str, Any]:
    shown = centre.query(order)["revsToken"]
    return centre.refund(order, *asked, **{"payAuthNo": None, "revsToken": shown, **change})


def test_n79_the_revs_token_reverses_the_insurance_once_and_the_cash_follows(centre: Centre) -> None:
    order, _ = centre.paid(e4())
    assert "退费类型与退费金额不符" in revs(centre, order, "ALL", "50.00", "0.00", "38.00")["refused"]
    first = revs(centre, order, "HI", "50.00", "0.00", "0.00", appRefdSn="R")
    assert first["refStatus"] == "SUCC" and centre.state(order) == "13" and centre.bureau.balance("P4") == "50.00"
    assert revs(centre, order, "HI", "50.00", "0.00", "0.00", appRefdSn="R") == first
    assert "当前订单状态不允许冲正" in revs(centre, order, "HI", "50.00", "0.00", "0.00")["refused"]
    centre.refund(order, "CASH", "0.00", "0.00", "8.00")
    assert centre.state(order) == "11"
    centre.refund(order, "CASH", "0.00", "0.00", "30.00")
    assert centre.state(order) == "7"


def test_n79_without_cash_a_reversed_order_is_revoked(centre: Centre) -> None:
    order, _ = centre.paid(e3())
    assert revs(centre, order, "HI", "162.00", "138.00", "0.00")["refStatus"] == "SUCC"
    assert centre.state(order) == "12" and centre.bureau.balance("P3") == "500.00"


def test_n79_a_revs_token_is_this_orders_and_lives_a_day(centre: Centre) -> None:
    order, other = centre.paid(e3())[0], centre.paid(e1())[0]
    strange = centre.query(other)["revsToken"]
    refused = "revsToken不正确或已失效"
    assert refused in revs(centre, order, "HI", "162.00", "138.00", "0.00", revsToken=strange)["refused"]
    centre.bureau.advance(hours=24)
    assert refused in revs(centre, order, "HI", "162.00", "138.00", "0.00")["refused"]
    assert centre.refund(order, "HI", "162.00", "138.00", "0.00")["refStatus"] == "SUCC"


# order states: failures on the way


@pytest.mark.parametrize(
    ("outcome", "planned", "state"),
    [
        ("insurance_failed", "", "15"),
        ("insurance_failed_after_cash", "", "15"),
        ("insurance_failed_after_cash", "cash_reversal_failed", "16"),
        ("insurance_failed", "cash_reversal_failed", "15"),
        ("paid", "exception", "14"),
        ("paid", "refuse", "15"),
        ("cash_failed", "", "4"),
    ],
)
def test_n81_every_end_of_a_payment_has_its_state_and_moves_only_the_money_it_says(
    centre: Centre, outcome: str, planned: str, state: str
) -> None:
    order = centre.upload(e4())
    split = centre.place(order)
    if planned:
        centre.bureau.plan("national.settle", planned)
    said = centre.pay(order, split, outcome=outcome)
    is_booked = state == "4"
    assert said["ok"] is is_booked and centre.state(order) == state
    assert centre.bureau.balance("P4") == ("0.00" if is_booked else "50.00")
    assert len(notices(centre.bureau)) == int(is_booked)
    for again in (centre.pay(order, split), centre.place(order), centre.revoke(order)):
        assert not again.get("ok") and ("refused" in again or "reason" in again)
    refused = centre.refund(order, "ALL", "50.00", "0.00", "38.00")
    assert "当前订单状态不允许退费" in refused["refused"] and centre.state(order) == state


def test_n81_insurance_without_its_cash_is_reversed_to_12_or_given_back_to_8(centre: Centre) -> None:
    for by_token, state in ((True, "12"), (False, "8")):
        order = centre.upload(e4())
        assert centre.pay(order, centre.place(order), outcome="cash_failed")["ok"]
        (revs if by_token else Centre.refund)(centre, order, "HI", "50.00", "0.00", "0.00")
        assert centre.state(order) == state and centre.bureau.balance("P4") == "50.00"


def test_n81_every_state_but_the_resting_ones_is_left_by_the_table_alone() -> None:
    states = {state for state, _ in rules.NEXT} | set(rules.NEXT.values())
    assert states == set(range(17)) and rules.REFUNDING == 17
    ends = states - {state for state, _ in rules.NEXT}
    assert ends == {rules.REFUNDED, rules.EXCEPTION, rules.FAILED, rules.CASH_STUCK}
    events = {event for _, event in rules.NEXT}
    for state in states:
        for event in events:
            if (state, event) not in rules.NEXT:
                with pytest.raises(Refused, match="当前订单状态不允许"):
                    rules.move(state, event)


def test_n79_the_channel_cannot_take_what_differs_from_6202(centre: Centre) -> None:
    order = centre.upload(e3())
    split = centre.place(order)
    for fee in ("gov_fee", "self_fee", "other_fee", "cash_fee"):
        fees = {"gov_fee": 13800, "self_fee": 16200, "other_fee": 0, "cash_fee": 0}
        fees[fee] += 1
        with centre.bureau.writing():
            said = centre.bureau.app.extensions["check_authorisation"](order["payAuthNo"], order["payOrdId"], fees)
        assert said == {"refused": "order"} and centre.state(order) == "1"
    assert centre.pay(order, split)["ok"]


# 85-89: the message


def _envelope(**change: Any) -> bytes:
    names = {"appId": "app_id", "encData": "encdata", "timestamp": "timestamp", "version": "version"}
    fields = {name: V[key] for name, key in names.items()}
    fields |= {"encType": "SM4", "signType": "SM2", "signData": V["sign_data_app_secret"], **change}
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("user_id", "right", "wrong"),
    [
        ("appSecret", "sign_data_app_secret", "sign_data_default"),
        ("default", "sign_data_default", "sign_data_app_secret"),
    ],
)
def test_n85_the_vector_decrypts_and_verifies_under_the_configured_user_id_only(
    user_id: str, right: str, wrong: str
) -> None:
    party = wire.Party(V["app_id"], V["app_secret"], KEY["private"], KEY["public"], user_id)
    assert wire.open_message(_envelope(signData=V[right]), party) == json.loads(V["plain"])
    with pytest.raises(wire.Malformed, match="验签失败"):
        wire.open_message(_envelope(signData=V[wrong]), party)


def sealed(centre: Centre, **change: Any) -> dict[str, Any]:
    order = centre.upload(e1())
    message = json.loads(wire.seal(centre.named(order), centre.party, STAMP))
    return {**message, **change}


def post(centre: Centre, message: dict[str, Any]) -> dict[str, Any]:
    return centre.send(f"{HOS}query_order_info", json.dumps(message).encode())


def test_n86_hexadecimal_in_lower_case_is_read(centre: Centre) -> None:
    message = sealed(centre)
    assert post(centre, {**message, "encData": message["encData"].lower()})["code"] == 0
    assert message["encData"] == message["encData"].upper()


def test_n87_calls_and_answers_are_signed_under_the_other_user_id_too(centre: Centre) -> None:
    message = sealed(centre)
    centre.bureau.switch("sm2_user_id", "default")
    said = post(centre, message)
    assert (said["code"], said["message"]) == (-1, "验签失败")
    centre.party = replace(centre.party, user_id="default")
    assert centre.paid(e1())[1]["feeSumamt"] == "78.00"


def test_n88_a_signature_in_der_is_refused(centre: Centre) -> None:
    message = sealed(centre)
    raw = b64decode(message["signData"])
    assert len(raw) == 64 and len(message["signData"]) == 88
    r, s = (int.from_bytes(part) for part in (raw[:32], raw[32:]))
    said = post(centre, {**message, "signData": b64encode(encode_dss_signature(r, s)).decode()})
    assert (said["code"], said["message"], said["success"]) == (-1, "验签失败", False)
    assert post(centre, message)["code"] == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"timestamp": "1735787045001"}, "验签失败"),
        ({"transType": "x"}, "验签失败"),
        ({"version": "1.0.0"}, "version应为2.0.1"),
        ({"encType": "AES"}, "encType应为SM4"),
        ({"signType": ""}, "signType应为SM2"),
        ({"encData": "00"}, "encData解密失败"),
        ({"signData": ""}, "signData不能为空"),
        ({"timestamp": "soon"}, "timestamp应为"),
    ],
)
def test_n89_what_was_changed_on_the_way_is_refused(centre: Centre, change: dict[str, Any], says: str) -> None:
    assert says in post(centre, sealed(centre, **change))["message"]


def test_n89_extra_and_empty_fields_are_not_signed(centre: Centre) -> None:
    assert post(centre, sealed(centre, extra={"a": 1}, transType="", other=None, more=[]))["code"] == 0


def test_n89_numbers_are_signed_as_they_stand(centre: Centre) -> None:
    data = centre.bill(e1(), payAuthNo=centre.grant("P1"))
    text = wire.compact(data).replace('"78.00"', "78.00").replace('"cnt":2', '"cnt":2.0000')
    as_sent = wire.parse(text)
    assert wire.compact(as_sent) == text and "78.00" in text
    assert centre.call(f"{HOS}uldFeeInfo", as_sent)["payOrdId"]
    message = json.loads(wire.seal(as_sent, centre.party, STAMP))
    shorter = wire.parse(text.replace("78.00", "78.0"))
    message["encData"] = json.loads(wire.seal(shorter, centre.party, STAMP))["encData"]
    assert centre.send(f"{HOS}uldFeeInfo", json.dumps(message).encode())["message"] == "验签失败"


@pytest.mark.parametrize(
    ("form", "taken", "refused"),
    [
        ("either", (str(STAMP), "20250102030405"), ("20251302030405", "123456789012345")),
        ("ms", (str(STAMP),), ("20250102030405",)),
        ("datetime", ("20250102030405",), (str(STAMP), "20250231000000")),
    ],
)
def test_n89_the_timestamp_has_the_form_the_switch_says(
    centre: Centre, form: str, taken: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    order = centre.upload(e1())
    centre.bureau.switch("centre_timestamp", form)
    for stamp in (*taken, *refused):
        message = {"appId": centre.party.app_id, "timestamp": stamp, "version": "2.0.1"}
        message |= {"encType": "SM4", "signType": "SM2"}
        data = wire.pruned(centre.named(order))
        message["signData"] = wire.sign(wire.string_to_sign(message, data, centre.party.app_secret), centre.party)
        key = wire.message_key(centre.party.app_id, centre.party.app_secret)
        message["encData"] = wire.encrypt(key, wire.compact(data).encode())
        said = post(centre, message)
        assert (said["code"] == 0) is (stamp in taken), (stamp, said)
        assert len(said["timestamp"]) == (14 if form == "datetime" else 13)


# the older Hainan form


def test_n75_the_older_form_knows_upload_refund_revoke_and_the_insured_query(centre: Centre) -> None:
    number = centre.grant("P3")
    order = centre.call("/pmc/api", centre.bill(e3(), payAuthNo=number), transType="hos.upload.fee")
    order |= {"payAuthNo": number, "medOrgOrd": "M", "who": "P3"}
    split = centre.place(order)
    assert centre.pay(order, split)["ok"]
    data = centre.refunding(order, "ALL", "162.00", "138.00", "0.00", appId="37B0")
    assert centre.call("/pmc/api", data, transType="hos.refund.setl")["refStatus"] == "SUCC"
    other = centre.upload(e1())
    assert centre.call("/pmc/api", centre.named(other), transType="hos.revoke.order")["success"] is True
    assert "transType不能为空" in centre.call("/pmc/api", data, transType="hos.other")["refused"]


def insured(who: str, **change: Any) -> dict[str, Any]:
    person = WORLD.people[who]
    named = {"idNo": person.id_number, "userName": person.name, "idType": "01", "insuCode": "460100"}
    return {"appId": "37B0", "orgCodg": HOSPITAL, "medType": "11", **named, **change}


def test_n75_the_insured_query_says_who_and_under_which_scheme(centre: Centre) -> None:
    said = centre.call("/pmc/api", insured("P1"), transType="hos.query.insu")
    (row,) = said["insuList"]
    assert (row["insutype"], row["acctBalc"], row["insuStatus"]) == ("310", "500.00", "1")
    assert row["extData"]["insuplcAdmdvs"] == "460100"
    base = said["extData"]["baseinfo"]
    assert (base["psnName"], base["certno"]) == (WORLD.people["P1"].name, WORLD.people["P1"].id_number)


@pytest.mark.parametrize(
    ("who", "change", "says"),
    [
        ("P1", {"idNo": "460105190001010999"}, "该参保人的基本信息为空"),
        ("P1", {"userName": "测试乙"}, "姓名不匹配"),
        ("P1", {"insuCode": "460200"}, "参保地区划与参保信息不一致"),
        ("P8", {}, "该参保人的参保信息为空"),
        ("P1", {"ecToken": "x"}, "电子凭证授权已失效"),
        ("P1", {"idType": "77"}, "证件类型格式不正确"),
    ],
)
def test_n75_the_insured_query_refuses_in_the_platforms_words(
    centre: Centre, who: str, change: dict[str, Any], says: str
) -> None:
    assert says in centre.call("/pmc/api", insured(who, **change), transType="hos.query.insu")["refused"]


# 90: the channel's side in one view


FREIGHT = 500
MAPPED = [
    (e3, "INSURANCE_ONLY", (13800, 16200, 0, 0), (0, 30000)),
    (e4, "CASH_AND_INSURANCE", (0, 5000, 0, 3800), (3800 + FREIGHT, 8800 + FREIGHT)),
    (e5, "CASH_ONLY", (0, 0, 0, 4560), (4560, 4560)),
]


@pytest.mark.parametrize(("basket", "kind", "fees", "totals"), MAPPED)
def test_n90_the_split_maps_to_the_channels_order(
    centre: Centre, basket: Any, kind: str, fees: tuple[int, ...], totals: tuple[int, int]
) -> None:
    split = centre.place(centre.upload(basket()))
    gov, own, other, cash = (
        round(float(split[n]) * 100) for n in ("fundPay", "psnAcctPay", "othFeeAmt", "ownPayAmt")
    )
    assert (gov, own, other, cash) == fees
    freight = FREIGHT if kind == "CASH_AND_INSURANCE" else 0
    assert (cash + freight, gov + own + other + cash + freight) == totals

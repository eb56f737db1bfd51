"""nhsa.md §B.8, checks 72-90: consent, order, payment, notice, refund, and the encrypted message."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from mock_providers import accounts, clock
from mock_providers.db import db
from mock_providers.national import wire
from mock_providers.webhooks.models import Attempt
from mock_providers.wechat import users
from tests.mock_providers.national.conformance.centre import HOS, MONEY, Centre, money, notices
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


@pytest.fixture
def centre(bureau: Bureau) -> Centre:
    return Centre(bureau)


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
    gone = Visit(bureau)
    gone.output("2202", gone.cancellation())
    assert refused in centre.upload(e1(med_type="11"), mdtrtId=gone.mdtrt_id)["refused"]
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

"""The mobile payment centre through its doors: 6201, 6202, 6301, 6401, 6203, the channel's settlement and 6302."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mock_providers import accounts, clock, timers
from mock_providers.db import db
from mock_providers.national import notify, wire
from mock_providers.webhooks.models import Delivery, Event
from tests.mock_providers.national.institution import PHARMACY, Institution

E1 = {"D05": 1, "D07": 1}
E2 = {"D01": 2, "D17": 1}
MONEY = ("feeSumamt", "fundPay", "psnAcctPay", "selfAcctPay", "acctMulaidPay", "ownPayAmt")


def parts(split: dict[str, Any]) -> tuple[str, ...]:
    return tuple(split[name] for name in MONEY)


def events(who: Institution) -> list[Event]:
    with who.inside():
        return list(db.session.scalars(select(Event).where(Event.type == "6302")))


# 6201


def test_an_upload_gives_an_order_and_says_how_each_line_is_cut(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", E1)
    assert order["payOrdId"].startswith("ORD460100") and order["payToken"] and order["orderStas"] == "0"
    first, second = order["extData"]["result"]
    assert (first["amt"], first["pfoAmt"], first["selfpayProp"]) == ("18.50", "1.85", "0.1000")
    assert (second["amt"], second["pfoAmt"], second["chrgItemLv"]) == ("12.80", "0.00", "01")
    assert order["extData"]["mdtrtId"]


REQUIRED = (
    *("orgCodg", "psnNo", "insutype", "insuCode", "medOrgOrd", "begntime", "idNo", "userName", "idType", "iptOtpNo"),
    *("deptCode", "deptName", "caty", "medType", "feeType", "medfeeSumamt", "psnSetlway", "chrgBchno"),
    *("pubHospRfomFlag", "feedetailList", "payAuthNo", "mdtrtId"),
)


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_field_is_missed_by_name(pharmacy: Institution, name: str) -> None:
    number = pharmacy.grant("P01")
    data = {**pharmacy.bill("P01", E1, payAuthNo=number), name: ""}
    assert "不能为空" in pharmacy.call("/org/local/api/hos/uldFeeInfo", data)["refused"]
    assert pharmacy.upload("P01", E1, payAuthNo=number)["payOrdId"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"medfeeSumamt": "31.31"}, "结算费用明细总额与结算信息医疗费总额不一致"),
        ({"medfeeSumamt": "31.305"}, "格式不正确"),
        ({"medfeeSumamt": "-1"}, "格式不正确"),
        ({"medfeeSumamt": True}, "格式不正确"),
        ({"medfeeSumamt": "NaN"}, "格式不正确"),
        ({"orgCodg": "P46010500001"}, "定点医药机构编码不存在"),
        ({"psnNo": "46000000000000009999"}, "该参保人的基本信息为空"),
        ({"idNo": "469099199007029049"}, "ID摘要不匹配"),
        ({"userName": "林样十"}, "姓名不匹配"),
        ({"begntime": "2025-12-01"}, "格式不正确"),
        ({"userName": ["x"]}, "格式不正确"),
        ({"deptName": "长" * 101}, "长度超过限制"),
        ({"feedetailList": "x"}, "格式不正确"),
        ({"feedetailList": [1]}, "格式不正确"),
        ({"payAuthNo": "AUTH460100202512010000000000000"}, "PAY_AUTH_NO 校验失败"),
        ({"payAuthNo": "", "ecToken": "460100ec00"}, "电子凭证授权已失效"),
    ],
)
def test_an_upload_that_is_wrong_is_refused_and_leaves_no_order(
    pharmacy: Institution, change: dict[str, Any], says: str
) -> None:
    number = pharmacy.grant("P01")
    data = {**pharmacy.bill("P01", E1, payAuthNo=number), **change}
    assert says in pharmacy.call("/org/local/api/hos/uldFeeInfo", data)["refused"]
    assert pharmacy.upload("P01", E1, payAuthNo=number, medOrgOrd=data["medOrgOrd"])["payOrdId"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"medListCodg": "XNOTHING"}, "医疗目录编码不存在"),
        ({"cnt": "0"}, "不一致"),
        ({"pric": "1.00"}, "不一致"),
        ({"cnt": "x"}, "格式不正确"),
        ({"feedetlSn": ""}, "不能为空"),
    ],
)
def test_a_line_that_is_wrong_is_refused(pharmacy: Institution, change: dict[str, Any], says: str) -> None:
    data = pharmacy.bill("P01", E1, payAuthNo=pharmacy.grant("P01"))
    data["feedetailList"][0].update(change)
    assert says in pharmacy.call("/org/local/api/hos/uldFeeInfo", data)["refused"]


def test_the_same_line_or_the_same_order_number_twice_is_refused(pharmacy: Institution) -> None:
    data = pharmacy.bill("P01", E1, payAuthNo=pharmacy.grant("P01"))
    data["feedetailList"][1]["feedetlSn"] = data["feedetailList"][0]["feedetlSn"]
    assert "流水号重复" in pharmacy.call("/org/local/api/hos/uldFeeInfo", data)["refused"]
    order = pharmacy.upload("P01", E1)
    assert pharmacy.upload("P01", E1, medOrgOrd=order["medOrgOrd"])["refused"] == "订单已存在"


def test_a_payment_number_starts_one_order_and_lives_ten_minutes(pharmacy: Institution) -> None:
    number = pharmacy.grant("P01")
    assert "PAY_AUTH_NO" in pharmacy.upload("P02", E1, payAuthNo=number)["refused"]
    assert pharmacy.upload("P01", E1, payAuthNo=number)["payOrdId"]
    assert "PAY_AUTH_NO" in pharmacy.upload("P01", E1, payAuthNo=number)["refused"]
    late = pharmacy.grant("P01")
    pharmacy.advance(seconds=601)
    assert "PAY_AUTH_NO" in pharmacy.upload("P01", E1, payAuthNo=late)["refused"]


# 6202


def test_the_split_is_that_of_the_domain_sheet_and_nothing_is_debited(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", E1)
    split = pharmacy.place(order)
    assert parts(split) == ("31.30", "0.00", "31.30", "31.30", "0.00", "0.00")
    assert split["ordStas"] == "1" and split["extData"]["preSetl"]["medfee_sumamt"] == "31.30"
    assert pharmacy.balance("P01") == 328650
    assert parts(pharmacy.place(order)) == parts(split)


def test_a_relatives_bill_draws_on_mutual_aid(pharmacy: Institution) -> None:
    pharmacy.set("P04", mutual_aid_from="P01")
    split = pharmacy.place(pharmacy.upload("P04", E2, payer="P01", rxno="RXSAMPLE-E2"))
    assert parts(split) == ("53.40", "27.59", "25.81", "0.00", "25.81", "0.00")


def test_what_the_account_cannot_pay_is_cash(pharmacy: Institution) -> None:
    pharmacy.set("P01", balance_fen=1000)
    assert parts(pharmacy.place(pharmacy.upload("P01", E1))) == ("31.30", "0.00", "10.00", "10.00", "0.00", "21.30")
    without = pharmacy.place(pharmacy.upload("P01", E1), acctUsedFlag="0")
    assert parts(without) == ("31.30", "0.00", "0.00", "0.00", "0.00", "31.30")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"payOrdId": "ORD0"}, "订单不存在"),
        ({"orgCodg": "P46019900009"}, "订单不存在"),
        ({"payToken": "x"}, "payToken"),
        ({"payToken": "é"}, "payToken"),
        ({"payAuthNo": "AUTH"}, "PAY_AUTH_NO"),
        ({"orgBizSer": ""}, "不能为空"),
    ],
)
def test_an_order_call_that_is_wrong_is_refused(pharmacy: Institution, change: dict[str, str], says: str) -> None:
    assert says in pharmacy.place({**pharmacy.upload("P01", E1), **change}, **change)["refused"]


def test_a_person_the_bureau_does_not_insure_is_refused_in_its_words(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", E1)
    pharmacy.set("P01", status="4")
    assert "终止参保" in pharmacy.place(order)["refused"]
    assert pharmacy.query(order)["ordStas"] == "0"


# settlement by the channel, 6301 and 6302


def test_a_paid_order_is_booked_and_told_once(pharmacy: Institution) -> None:
    order, split = pharmacy.settled("P01", E1)
    assert pharmacy.balance("P01") == 328650 - 3130
    said = pharmacy.query(order)
    assert said["ordStas"] == "6" and parts(said) == parts(split) and said["setlType"] == "HI"
    (told,) = events(pharmacy)
    assert told.ref == order["medOrgOrd"] and told.plain["callType"] == "02" and told.plain["revsToken"]
    assert told.plain["ownpayAmt"] == "0.00" and told.plain["psnAcctPay"] == "31.30"
    info = told.plain["extData"]["setlinfo"][0]
    assert info["setlId"] == told.plain["hiDocSn"] and info["medfeeSumamt"] == "31.30" and "setltime" in info
    assert "fulAmtOwnpayAmt" in info and info["psnPay"] == "31.30"
    assert told.plain["extData"]["setldetail"][0]["fundpaytype"] == "310200"
    with pharmacy.inside():
        delivery = db.session.scalar(select(Delivery))
        assert delivery and delivery.url == pharmacy.account["mip"]["notify_url"]


def test_with_cash_the_whole_is_settled_as_all(pharmacy: Institution) -> None:
    pharmacy.set("P01", balance_fen=1000)
    order, _ = pharmacy.settled("P01", E1)
    said = pharmacy.query(order)
    assert (said["ordStas"], said["setlType"], said["ownPayAmt"]) == ("6", "ALL", "21.30")
    assert pharmacy.balance("P01") == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gov_fee": 1}, "预结算金额不匹配"),
        ({"self_fee": 1}, "预结算金额不匹配"),
        ({"other_fee": 1}, "预结算金额不匹配"),
        ({"cash_fee": 1}, "自付费金额与支付金额不匹配"),
        ({"pay_auth_no": "AUTH"}, "PAY_AUTH_NO"),
        ({"outcome": "insurance_failed"}, "拒绝"),
        ({"outcome": "insurance_failed_after_cash"}, "拒绝"),
    ],
)
def test_a_settlement_that_fails_moves_no_money(pharmacy: Institution, change: dict[str, Any], says: str) -> None:
    order = pharmacy.upload("P01", E1)
    answer = pharmacy.settle(order, pharmacy.place(order), **change)
    assert not answer["ok"] and says in answer["reason"]
    assert pharmacy.query(order)["ordStas"] == "15"
    assert pharmacy.balance("P01") == 328650 and not events(pharmacy)


def test_a_balance_spent_meanwhile_fails_the_settlement(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", E1)
    split = pharmacy.place(order)
    pharmacy.set("P01", balance_fen=100)
    assert "预结算金额不匹配" in pharmacy.settle(order, split)["reason"]
    assert pharmacy.balance("P01") == 100


def test_an_order_settles_once_and_an_unknown_one_never(pharmacy: Institution) -> None:
    order, split = pharmacy.settled("P01", E1)
    again = pharmacy.settle(order, split)
    assert not again["ok"] and "当前订单状态不允许" in again["reason"]
    assert pharmacy.query(order)["ordStas"] == "6" and len(events(pharmacy)) == 1
    assert not pharmacy.settle(order, split, pay_order_id="ORD0")["ok"]


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("refuse", "拒绝"),
        ("system_error", "系统繁忙"),
        ("account_locked", "占用"),
        ("cap_changed", "年度支付限额"),
        ("mutual_aid_paused", "共济授权已暂停"),
    ],
)
def test_a_planned_end_of_a_settlement_happens_once(pharmacy: Institution, outcome: str, says: str) -> None:
    pharmacy.plan("national.settle", outcome, person="P01")
    order = pharmacy.upload("P01", E1)
    assert says in pharmacy.settle(order, pharmacy.place(order))["reason"]
    pharmacy.settled("P01", E1)


def check(who: Institution, *asked: Any) -> dict[str, Any]:
    with who.inside():
        said = who.app.extensions["check_authorisation"](*asked)
        db.session.commit()
        return said


def test_the_channel_may_check_a_number_an_order_and_its_sums(pharmacy: Institution) -> None:
    pharmacy.set("P04", mutual_aid_from="P01")
    order = pharmacy.upload("P04", E2, payer="P01", rxno="RXSAMPLE-E2")
    number, name = order["payAuthNo"], order["payOrdId"]
    assert check(pharmacy, number, name) == {"refused": "order"}
    pharmacy.place(order)
    assert check(pharmacy, "AUTH", name) == {"refused": "unknown"}
    assert check(pharmacy, number, "ORD0") == {"refused": "number"}
    assert check(pharmacy, number, name, {"gov_fee": 2759, "self_fee": 1}) == {"refused": "order"}
    said = check(pharmacy, number, name, {"gov_fee": 2759, "self_fee": 2581, "other_fee": 0, "cash_fee": 0})
    assert said["family"] and (said["payer"], said["patient"]) == ("P01", "P04")
    assert pharmacy.query(order)["ordStas"] == "2"
    assert check(pharmacy, pharmacy.grant("P02"))["payer"] == "P02"


def test_insurance_paid_without_its_cash_waits_in_state_4_and_can_be_given_back(pharmacy: Institution) -> None:
    pharmacy.set("P01", balance_fen=1000)
    order = pharmacy.upload("P01", E1)
    split = pharmacy.place(order)
    assert pharmacy.settle(order, split, outcome="cash_failed")["ok"]
    said = pharmacy.query(order)
    assert (said["ordStas"], said["setlType"]) == ("4", "HI") and pharmacy.balance("P01") == 0
    assert "不允许退费" in pharmacy.refund(order, split)["refused"]
    assert pharmacy.refund(order, split, "HI")["refStatus"] == "SUCC"
    assert pharmacy.query(order)["ordStas"] == "8" and pharmacy.balance("P01") == 1000


# the notice on the wire


def build(who: Institution, now: str = "") -> tuple[list[tuple[str, str]], bytes]:
    with who.inside():
        return notify.build(events(who)[-1], accounts.account("national"), clock.wall())


def test_the_notice_is_the_encrypted_message_signed_by_the_platform(pharmacy: Institution) -> None:
    order, _ = pharmacy.settled("P01", E1)
    headers, body = build(pharmacy)
    data = wire.open_message(body, pharmacy.party)
    assert data["payOrdId"] == order["payOrdId"] and data["feeSumamt"] == "31.30" and data["ordStas"] == "6"
    assert dict(headers)["Content-Type"].startswith("application/json")
    assert wire.open_message(build(pharmacy)[1], pharmacy.party) == data


def test_the_notice_may_be_plain_as_in_hainan(pharmacy: Institution) -> None:
    pharmacy.switch("national.notice_form", "plain")
    order, _ = pharmacy.settled("P01", E1)
    assert json.loads(build(pharmacy)[1])["medOrgOrd"] == order["medOrgOrd"]


def test_the_other_user_id_signs_calls_answers_and_notices(pharmacy: Institution) -> None:
    pharmacy.switch("national.sm2_user_id", "default")
    data = pharmacy.bill("P01", E1, payAuthNo=pharmacy.grant("P01"))
    body = wire.seal(data, pharmacy.party, 1735787045000)
    said = pharmacy.client.post("/national/org/local/api/hos/uldFeeInfo", data=body).get_json()
    assert said["message"] == "验签失败"
    pharmacy.party = wire.Party(
        pharmacy.party.app_id,
        pharmacy.party.app_secret,
        pharmacy.party.private_key,
        pharmacy.party.other_public_key,
        "default",
    )
    pharmacy.settled("P01", E1)
    assert wire.open_message(build(pharmacy)[1], pharmacy.party)["callType"] == "02"


@pytest.mark.parametrize(("status", "fine"), [(200, True), (204, False), (500, False), (None, False)])
def test_only_http_200_takes_a_notice(status: int | None, fine: bool) -> None:
    ok, why = notify.accepted(status, [], b"")
    assert ok is fine and bool(why) is not fine


def test_a_notice_is_tried_24_times() -> None:
    pauses = notify.SCHEDULE[""]
    assert pauses[:4] == (15, 60, 300, 3600) and len(pauses) + 1 == 24 and set(pauses[3:]) == {3600}


# 6401 and expiry


def test_an_unpaid_upload_is_revoked_and_a_paid_one_is_not(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", E1)
    assert pharmacy.revoke(order) == {"success": True, "message": "成功"}
    assert pharmacy.query(order)["ordStas"] == "12" and pharmacy.revoke(order)["success"]
    assert "不允许支付下单" in pharmacy.place(order)["refused"]
    paid, _ = pharmacy.settled("P01", E1)
    assert "不允许撤销" in pharmacy.revoke(paid)["refused"]


def test_an_order_nobody_pays_is_revoked_after_fifteen_minutes(pharmacy: Institution) -> None:
    order, paid = pharmacy.upload("P01", E1), pharmacy.settled("P01", E1)[0]
    split = pharmacy.place(order)
    pharmacy.advance(minutes=15)
    with pharmacy.inside():
        fired = timers.run_due(clock.now())
    assert [one["order"] for one in fired] == [order["payOrdId"], paid["payOrdId"]]
    assert pharmacy.query(order)["ordStas"] == "12" and pharmacy.query(paid)["ordStas"] == "6"
    assert not pharmacy.settle(order, split)["ok"]


def test_a_query_needs_the_person_and_the_token(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", E1)
    assert "ID摘要不匹配" in pharmacy.query(order, idNo="469099199007029049")["refused"]
    assert "姓名不匹配" in pharmacy.query(order, userName="林")["refused"]
    assert "payToken" in pharmacy.query(order, payToken="x")["refused"]
    assert "feeSumamt" not in pharmacy.query(order)


# 6203


def test_everything_goes_back_and_only_once(pharmacy: Institution) -> None:
    order, split = pharmacy.settled("P01", E1)
    first = pharmacy.refund(order, split)
    assert first["refStatus"] == "SUCC" and first["refdSn"] and first["hiFefdSn"] and len(first["hiTrnsDate"]) == 8
    assert pharmacy.balance("P01") == 328650 and pharmacy.query(order)["ordStas"] == "7"
    assert pharmacy.refund(order, split) == first
    assert "不允许退费" in pharmacy.refund(order, split, appRefdSn="R2")["refused"]
    assert pharmacy.refund(order, split, appRefdTime="20251201100001")["refdSn"] == first["refdSn"]


def test_mutual_aid_money_goes_back_to_the_giver(pharmacy: Institution) -> None:
    pharmacy.set("P04", mutual_aid_from="P01")
    order, split = pharmacy.settled("P04", E2, payer="P01", rxno="RXSAMPLE-E2")
    assert pharmacy.balance("P01") == 328650 - 2581
    assert pharmacy.refund(order, split)["refStatus"] == "SUCC"
    assert pharmacy.balance("P01") == 328650


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("ALL", {"totlRefdAmt": "31.29"}, "之和不一致"),
        ("ALL", {"psnAcctRefdAmt": "9.99"}, "须全额"),
        ("ALL", {"psnAcctRefdAmt": "10.01"}, "超过"),
        ("ALL", {"cashRefdAmt": "21.29"}, "不一致"),
        ("ALL", {"cashRefdAmt": "21.31"}, "超过"),
        ("HI", {"psnAcctRefdAmt": "5.00"}, "须全额"),
        ("HI", {"cashRefdAmt": "0.01"}, "类型与"),
        ("CASH", {"psnAcctRefdAmt": "0.01"}, "类型与"),
        ("CASH", {"cashRefdAmt": "0.00"}, "类型与"),
        ("CASH", {"cashRefdAmt": "21.31"}, "超过"),
        ("SOME", {}, "格式不正确"),
        ("ALL", {"payAuthNo": ""}, "不能为空"),
        ("ALL", {"ecToken": "x"}, "格式不正确"),
        ("ALL", {"payAuthNo": "AUTH"}, "PAY_AUTH_NO"),
        ("ALL", {"payAuthNo": "", "ecToken": "x"}, "授权已失效"),
        ("ALL", {"payOrdId": "ORD0"}, "订单不存在"),
        ("ALL", {"appRefdTime": "2025-12-01"}, "格式不正确"),
        ("ALL", {"appRefdSn": ""}, "不能为空"),
    ],
)
def test_a_refund_that_is_wrong_changes_nothing(
    pharmacy: Institution, kind: str, change: dict[str, str], says: str
) -> None:
    pharmacy.set("P01", balance_fen=1000)
    order, split = pharmacy.settled("P01", E1)
    assert says in pharmacy.refund(order, split, kind, **change)["refused"]
    assert pharmacy.query(order)["ordStas"] == "6" and pharmacy.balance("P01") == 0


def test_cash_goes_back_in_pieces_and_the_insurance_after_it(pharmacy: Institution) -> None:
    pharmacy.set("P01", balance_fen=1000)
    order, split = pharmacy.settled("P01", E1)
    some = pharmacy.refund(order, split, "CASH", cashRefdAmt="1.30", appRefdSn="C1")
    assert "hiFefdSn" not in some and pharmacy.query(order)["ordStas"] == "10"
    assert "超过" in pharmacy.refund(order, split, "CASH", appRefdSn="C2")["refused"]
    assert pharmacy.refund(order, split, "HI", appRefdSn="H1")["hiFefdSn"]
    assert pharmacy.query(order)["ordStas"] == "11" and pharmacy.balance("P01") == 1000
    assert "不允许退费" in pharmacy.refund(order, split, "HI", appRefdSn="H2")["refused"]
    assert pharmacy.refund(order, split, "CASH", cashRefdAmt="20.00", appRefdSn="C3")["refStatus"] == "SUCC"
    assert pharmacy.query(order)["ordStas"] == "7"


def test_a_refund_number_names_one_refund(pharmacy: Institution) -> None:
    one, two = pharmacy.settled("P01", E1), pharmacy.settled("P01", E1)
    pharmacy.refund(*one, appRefdSn="R")
    assert "退费单号重复" in pharmacy.refund(*two, appRefdSn="R")["refused"]


@pytest.mark.parametrize(("outcome", "status"), [("fail", "FAIL"), ("exception", "EXP")])
def test_a_planned_refund_failure_moves_nothing_and_can_be_tried_again(
    pharmacy: Institution, outcome: str, status: str
) -> None:
    order, split = pharmacy.settled("P01", E1)
    pharmacy.plan("national.6203", outcome)
    assert pharmacy.refund(order, split)["refStatus"] == status
    assert pharmacy.query(order)["ordStas"] == {"FAIL": "6", "EXP": "17"}[status]
    assert pharmacy.refund(order, split)["refStatus"] == "SUCC" and pharmacy.balance("P01") == 328650


# planned failures of the doors


@pytest.mark.parametrize("outcome", ["system_error", "refuse"])
@pytest.mark.parametrize("number", ["6201", "6202", "6203", "6401"])
def test_a_planned_refusal_happens_once(pharmacy: Institution, number: str, outcome: str) -> None:
    order, split = pharmacy.settled("P01", E1)
    calls: dict[str, Any] = {
        "6201": lambda: pharmacy.upload("P01", E1),
        "6202": lambda: pharmacy.place(pharmacy.upload("P01", E1)),
        "6203": lambda: pharmacy.refund(order, split),
        "6401": lambda: pharmacy.revoke(pharmacy.upload("P01", E1)),
    }
    pharmacy.plan(f"national.{number}", outcome)
    assert calls[number]()["refused"] and "refused" not in calls[number]()


def test_an_answer_may_be_lost_after_the_work_or_before_it(pharmacy: Institution) -> None:
    order, split = pharmacy.settled("P01", E1)
    for outcome, balance in (("unavailable", 328650 - 3130), ("timeout", 328650)):
        pharmacy.plan("national.6203", outcome)
        with pytest.raises(AssertionError, match="upstream request timeout"):
            pharmacy.refund(order, split)
        assert pharmacy.balance("P01") == balance
    assert pharmacy.refund(order, split)["refStatus"] == "SUCC" and pharmacy.balance("P01") == 328650


# the older form, other spaces, garbage


def test_the_older_hainan_form_names_the_transaction_in_the_message(pharmacy: Institution) -> None:
    data = pharmacy.bill("P01", E1, payAuthNo=pharmacy.grant("P01"))
    order = pharmacy.call("/pmc/api", data, transType="hos.upload.fee")
    assert order["payOrdId"]
    assert "transType" in pharmacy.call("/pmc/api", data, transType="hos.none")["refused"]


def test_a_call_finds_its_space_by_its_app_id(pharmacy: Institution, mocks: Flask, client: FlaskClient) -> None:
    from mock_providers import spaces

    with pharmacy.inside():
        spaces.create("branch", 7, 0)
        db.session.commit()
    branch = Institution(mocks, client, "branch")
    order, _ = branch.settled("P01", E1)
    assert branch.balance("P01") == 328650 - 3130 and pharmacy.balance("P01") == 328650
    other = {"payOrdId": order["payOrdId"], "payToken": order["payToken"], "person": "P01"}
    assert "订单不存在" in pharmacy.query(other)["refused"]


def test_a_stranger_is_refused_without_a_signature(client: FlaskClient, pharmacy: Institution) -> None:
    body = wire.seal({"a": "1"}, wire.Party("X" * 32, "S" * 32, pharmacy.party.private_key, ""), 1)
    said = client.post("/national/org/local/api/hos/pay_order", data=body)
    assert said.status_code == 200 and said.get_json() == {"code": -1, "message": "appId不存在", "success": False}


PATHS = [f"/org/local/api/hos/{name}" for name in ("uldFeeInfo", "pay_order", "refund_Order", "query_order_info")]
PATHS += ["/org/local/api/hos/revoke_order", "/pmc/api", "/fixmedins/hospRxDetlQuery"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=120) | anything.map(lambda v: json.dumps(v).encode()))
def test_garbage_is_answered_and_never_breaks(pharmacy: Institution, path: str, body: bytes) -> None:
    reply = pharmacy.client.post(f"/national{path}", data=body, content_type="application/json")
    assert reply.status_code == 200 and reply.get_json()["code"] == -1


MORE = {"payOrdId", "payToken", "orgBizSer", "refdType", "totlRefdAmt", "appRefdSn", "cnt", "extData", "ecToken"}
NAMES = sorted(MORE.union(REQUIRED))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS[:5]), name=st.sampled_from(NAMES), value=anything, inner=st.booleans())
def test_a_sealed_call_with_any_field_of_any_kind_is_answered(
    pharmacy: Institution, path: str, name: str, value: Any, inner: bool
) -> None:
    data = pharmacy.bill("P01", {"D05": 1}, payAuthNo="AUTH", orgCodg=PHARMACY)
    if inner:
        data["feedetailList"][0][name] = value
    else:
        data[name] = value
    try:
        body = wire.seal(data, pharmacy.party, 1735787045000)
    except UnicodeEncodeError:
        return
    reply = pharmacy.client.post(f"/national{path}", data=body, content_type="application/json")
    assert reply.status_code == 200 and "code" in reply.get_json()

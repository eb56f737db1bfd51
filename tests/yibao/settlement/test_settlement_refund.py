"""Refunds: guards, legs in order, each retried without a second payout."""

import pytest

from tests.yibao.settlement.conftest import DOWN, LOST, WINDOW_ONLY
from tests.yibao.settlement.test_settlement_flow import refused
from yibao.errors import Refused
from yibao.providers import national
from yibao.providers.http import VendorRefused
from yibao.steps.settlement import rules


@pytest.fixture
def sold(shop):
    shop.vendors.parts = (1000, 130, 0)
    return shop.settled()


def give_back(shop, number, **body):
    return shop.post(f"/settlements/{number}/refunds", {"reason": "quality", **body})


def test_every_leg_goes_back_under_one_number(shop, sold):
    answer = give_back(shop, sold)
    assert answer.status_code == 202 and answer.get_json()["state"] == "FUND_RETURNED"
    number = answer.get_json()["refund"]["id"]
    assert shop.vendors.insurance_refunds == {number: ("ORD1", "ALL", 1000, 130, 2000)}
    assert list(shop.vendors.refunds) == [number] and shop.vendors.reports[0][:5] == ("MIX1", number, 1000, 130, 0)
    assert shop.tell_refund(sold).status_code == 204
    seen = shop.get(sold)
    assert seen["state"] == "REFUNDED" and set(seen["payment"].values()) == {"REFUND"}
    paper = shop.phone.call("get", f"/settlements/{sold}/receipt").get_json()
    assert paper["state"] == "REFUNDED" and paper["refunded_at"]


def test_insurance_alone_is_refunded_at_once(shop):
    number = shop.settled()
    assert give_back(shop, number).get_json()["state"] == "REFUNDED"
    assert not shop.vendors.refunds and len(shop.vendors.reports) == 1


def test_cash_alone_is_refunded_without_the_bureau(shop):
    shop.vendors.parts = (0, 0, 0)
    number = shop.confirmed()
    shop.pay_everything(number)
    shop.tell_cash(number)
    give_back(shop, number)
    assert not shop.vendors.insurance_refunds and not shop.vendors.reports
    shop.tell_refund(number)
    assert shop.state(number) == "REFUNDED"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "changed_my_mind"}, 403, "REFUND_NOT_ALLOWED"),
        ({"unopened": False}, 403, "REFUND_NOT_ALLOWED"),
        ({"amount_fen": 3129}, 400, "REFUND_AMOUNT"),
        ({"amount_fen": -1}, 400, "FIELD_INVALID"),
        ({"amount_fen": "3130"}, 400, "FIELD_INVALID"),
        ({"reason": None}, 400, "FIELD_INVALID"),
        ({"reason": "😀"}, 400, "FIELD_INVALID"),
        ({"more": 1}, 400, "FIELD_INVALID"),
    ],
)
def test_a_refund_is_refused_for(shop, sold, body, status, code):
    answer = give_back(shop, sold, **body)
    assert answer.status_code == status
    refused(answer, code)
    assert shop.state(sold) == "SETTLED"


def test_the_whole_amount_may_be_said(shop, sold):
    assert give_back(shop, sold, amount_fen=3130).status_code == 202


def test_refunds_without_a_clerk_end_after_a_day(shop, sold):
    shop.wait(hours=24)
    shop.wait(seconds=1)
    refused(give_back(shop, sold), "REFUND_NOT_ALLOWED")


def test_some_counters_refund_at_their_window_only(shop):
    number = shop.quoted(institution_code=WINDOW_ONLY)
    shop.confirm(number)
    shop.pay_everything(number)
    shop.tell_fund(number, orgCode=WINDOW_ONLY)
    shop.tell_mixed(number)
    refused(give_back(shop, number), "REFUND_WINDOW_ONLY")


def test_one_refund_at_a_time_and_never_twice(shop, sold):
    give_back(shop, sold)
    refused(give_back(shop, sold), "REFUND_DUPLICATE")
    shop.tell_refund(sold)
    refused(give_back(shop, sold), "REFUND_DUPLICATE")
    assert len(shop.vendors.insurance_refunds) == len(shop.vendors.refunds) == 1


def test_what_is_not_settled_is_not_refunded(shop):
    refused(give_back(shop, shop.confirmed()), "STATE_CONFLICT")


def test_parts_that_do_not_add_up_are_no_refund():
    with pytest.raises(Refused, match="REFUND_SUM"):
        rules.check_refund_sum(1131, 1000, 130, 0)


# ---- legs that do not answer


@pytest.mark.parametrize("wrong", [DOWN, LOST])
def test_a_silent_bureau_is_asked_again_with_the_same_number(shop, sold, wrong):
    shop.vendors.go_wrong["refund"] = [wrong, wrong]
    refused(give_back(shop, sold), "FUND_DOWN")
    refused(give_back(shop, sold), "REFUND_DUPLICATE")
    assert shop.state(sold) == "REFUND_CHECKED" and not shop.vendors.refunds
    shop.wait(minutes=2)
    assert shop.state(sold) == "FUND_RETURNED" and len(shop.vendors.insurance_refunds) == 1
    shop.tell_refund(sold)
    assert shop.state(sold) == "REFUNDED"


@pytest.mark.parametrize("call", ["create_refund", "report_medical_refund"])
@pytest.mark.parametrize("wrong", [DOWN, LOST, VendorRefused("wechatpay", "NOT_ENOUGH", "", 403)])
def test_later_legs_are_retried_without_a_second_payout(shop, sold, call, wrong):
    shop.vendors.go_wrong[call] = [wrong]
    assert give_back(shop, sold).status_code == 202
    shop.wait(seconds=30)
    shop.tell_refund(sold)
    shop.wait(minutes=1)
    assert shop.state(sold) == "REFUNDED"
    assert len(shop.vendors.insurance_refunds) == len(shop.vendors.refunds) == 1
    assert shop.vendors.called.count("refund") == 1


def test_without_a_notice_the_cash_refund_is_asked_for(shop, sold):
    give_back(shop, sold)
    shop.vendors.refunds[shop.get(sold)["refund"]["id"]]["status"] = "SUCCESS"
    shop.wait(minutes=2)
    assert shop.state(sold) == "REFUNDED"


@pytest.mark.parametrize("code", ["REFUND_TO_SUSPENSE", "FUND_REFUSED"])
def test_a_bureau_that_says_no_leaves_the_money_to_a_clerk(shop, sold, monkeypatch, code):
    if code == "FUND_REFUSED":
        shop.vendors.go_wrong["refund"] = [VendorRefused("payment centre", "-1", "账户已注销")]
    else:
        monkeypatch.setattr(national, "refund", lambda *args: national.Refund("", "FAIL"))
    refused(give_back(shop, sold), code)
    assert shop.state(sold) == "REFUND_DENIED" and not shop.vendors.refunds and "denied" in shop.alarms()
    assert shop.wait(minutes=5) == []


def test_an_exception_at_the_bureau_is_tried_again(shop, sold, monkeypatch):
    with monkeypatch.context() as busy:
        busy.setattr(national, "refund", lambda *args: national.Refund("", "EXP"))
        refused(give_back(shop, sold), "FUND_DOWN")
    shop.wait(minutes=1)
    assert shop.state(sold) == "FUND_RETURNED"


# ---- notices of refunds


def test_a_repeated_refund_notice_changes_nothing(shop, sold):
    give_back(shop, sold)
    for _ in range(3):
        assert shop.tell_refund(sold, event_id="EV-same").status_code == 204
    assert shop.tell_refund(sold, event_id="EV-other").status_code == 204
    assert shop.state(sold) == "REFUNDED" and not shop.alarms()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount": {"refund": 1999, "total": 2000}}, 409),
        ({"amount": {"refund": 2000, "total": 3130}}, 409),
        ({"mchid": "1900000009"}, 409),
        ({"out_trade_no": "other"}, 409),
        ({"out_refund_no": "other"}, 404),
        ({"out_refund_no": None}, 404),
    ],
)
def test_a_refund_notice_that_differs_is_refused(shop, sold, changes, status):
    give_back(shop, sold)
    answer = shop.tell_refund(sold, **changes)
    assert answer.status_code == status and answer.get_json()["code"] == "FAIL"
    assert shop.state(sold) == "FUND_RETURNED" and len(shop.alarms()) == 1


def test_cash_that_cannot_go_back_raises_an_alarm(shop, sold):
    give_back(shop, sold)
    assert shop.tell_refund(sold, "REFUND.ABNORMAL", refund_status="ABNORMAL").status_code == 204
    assert shop.alarms() == ["cash_refund_stuck"] and shop.state(sold) == "FUND_RETURNED"


def test_a_late_payment_notice_after_a_refund_changes_nothing(shop, sold):
    give_back(shop, sold)
    shop.tell_refund(sold)
    shop.tell_all(sold)
    assert shop.state(sold) == "REFUNDED" and not shop.alarms()


def test_a_reversal_whose_order_is_paid_after_all_gives_that_back_too(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.pay_everything(number, cash=False, mixed="FAIL")
    shop.vendors.go_wrong["close_order"] = [VendorRefused("wechatpay", "ORDERPAID", "", 400)]
    shop.wait(seconds=30)
    assert shop.state(number) == "REVERSING" and shop.get(number)["refund"]["cash_fen"] == 2000
    shop.tell_refund(number)
    assert shop.state(number) == "REVERSED"

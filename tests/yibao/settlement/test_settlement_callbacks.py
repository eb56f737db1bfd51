"""The providers' notices: verified, compared, applied once, in any order; and the questions when none comes."""

import pytest

from tests.yibao.conftest import TODAY
from tests.yibao.settlement.conftest import DOWN
from tests.yibao.settlement.test_settlement_flow import refused
from yibao import tasks
from yibao.db import db
from yibao.spaces import entered


@pytest.fixture
def mixed(shop):
    """1130 fen from the insurance and 2000 of cash, paid at the providers; nobody told us yet."""
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.pay_everything(number)
    return number


TELL = {"fund": "tell_fund", "cash": "tell_cash", "mixed": "tell_mixed"}


@pytest.mark.parametrize(
    "order",
    [
        ("fund", "cash", "mixed"),
        ("fund", "mixed", "cash"),
        ("cash", "fund", "mixed"),
        ("cash", "mixed", "fund"),
        ("mixed", "fund", "cash"),
        ("mixed", "cash", "fund"),
    ],
)
def test_notices_in_any_order_settle_with_the_last_one(shop, mixed, order):
    for leg in order:
        assert shop.state(mixed) != "SETTLED"
        assert getattr(shop, TELL[leg])(mixed).status_code in (200, 204)
    assert shop.state(mixed) == "SETTLED" and not shop.alarms()
    assert shop.get(mixed)["payment"] == {
        "mix_pay_status": "SUCCESS",
        "self_pay_status": "SUCCESS",
        "med_ins_pay_status": "SUCCESS",
    }


def test_states_on_the_way(shop, mixed):
    assert shop.state(mixed) == "FUND_PAYING"
    shop.tell_fund(mixed)
    assert shop.state(mixed) == "CASH_WAIT"
    shop.tell_cash(mixed)
    assert shop.state(mixed) == "CASH_WAIT"
    shop.tell_mixed(mixed)
    assert shop.state(mixed) == "SETTLED"


def test_repeated_and_late_notices_change_nothing(shop, mixed):
    for _ in range(2):
        shop.tell_fund(mixed)
        shop.tell_cash(mixed, "EV-cash")
        shop.tell_mixed(mixed, "EV-mixed")
    before = shop.get(mixed)
    assert shop.tell_cash(mixed, "EV-another-id").status_code == 204
    assert shop.tell_mixed(mixed, "EV-yet-another").status_code == 204
    assert shop.tell_fund(mixed).status_code == 200
    after = shop.get(mixed)
    before.pop("pay"), after.pop("pay")
    assert before == after and not shop.alarms()


@pytest.mark.parametrize(
    ("tell", "changes"),
    [
        ("tell_cash", {"amount": {"total": 1999, "currency": "CNY"}}),
        ("tell_cash", {"amount": {"total": 2000, "currency": "USD"}}),
        ("tell_cash", {"amount": {"total": 2000.0, "currency": "CNY"}}),
        ("tell_cash", {"amount": None}),
        ("tell_cash", {"mchid": "1900000009"}),
        ("tell_cash", {"appid": "wx0000000000000009"}),
        ("tell_cash", {"trade_state": "CLOSED"}),
        ("tell_cash", {"payer": {"openid": "somebody"}}),
        ("tell_mixed", {"total_fee": 1}),
        ("tell_mixed", {"med_ins_gov_fee": 999}),
        ("tell_mixed", {"med_ins_self_fee": True}),
        ("tell_mixed", {"wechat_pay_cash_fee": 1}),
        ("tell_mixed", {"med_ins_cash_fee": 1}),
        ("tell_mixed", {"med_ins_other_fee": 1}),
        ("tell_mixed", {"mix_pay_status": "MIX_PAY_FAIL"}),
        ("tell_mixed", {"mix_trade_no": "MIX9"}),
        ("tell_mixed", {"serial_no": "other"}),
        ("tell_mixed", {"pay_order_id": "ORD9"}),
        ("tell_mixed", {"appid": "wx0000000000000009"}),
        ("tell_fund", {"feeSumamt": "31.31", "ownPayAmt": "20.01"}),
        ("tell_fund", {"fundPay": "9.99", "psnAcctPay": "1.31"}),
        ("tell_fund", {"payOrdId": "ORD9"}),
        ("tell_fund", {"orgCode": "P46019900009"}),
    ],
)
def test_a_notice_that_differs_is_refused_and_raises_an_alarm(shop, mixed, tell, changes):
    before = shop.get(mixed)["state"]
    answer = getattr(shop, tell)(mixed, **changes)
    assert answer.status_code == 409 and answer.get_json()["code"] == "FAIL"
    assert shop.alarms() == ["CALLBACK_AMOUNT"] and shop.get(mixed)["state"] == before
    assert getattr(shop, tell)(mixed).status_code in (200, 204)


def test_a_notice_about_an_unknown_order_is_refused(shop, mixed):
    assert shop.tell_cash(mixed, out_trade_no="nobody's").status_code == 404
    assert shop.tell_cash(mixed, out_trade_no=None).status_code == 404
    assert shop.tell_mixed(mixed, out_trade_no={"a": 1}).status_code == 404
    assert shop.tell_fund(mixed, medOrgOrd="nobody's").status_code == 404
    assert set(shop.alarms()) == {"CALLBACK_UNKNOWN"}


@pytest.mark.parametrize("where", ["transaction", "medical-insurance", "refund"])
def test_forged_notices_change_nothing(shop, mixed, where):
    said = shop.transaction(mixed)
    body = shop.pay.notice("TRANSACTION.SUCCESS", said)
    url = f"/s/default/callbacks/wechatpay/{where}"
    forgeries = [
        ({}, body),
        (shop.pay.headers(body, Wechatpay_Serial="PUB_KEY_ID_9"), body),
        (shop.pay.headers(body, Wechatpay_Signature="WECHATPAY/SIGNTEST/abc"), body),
        (shop.pay.headers(body, stamp=1), body),
        (shop.pay.headers(body), body + b" "),
        (shop.pay.headers(b"[]"), b"[]"),
    ]
    shop.phone.vendors.on("/v3/certificates", (500, b"", {}))
    for headers, sent in forgeries:
        answer = shop.phone.client.post(url, data=sent, headers=headers)
        assert answer.status_code in (401, 503) and answer.get_json()["code"] == "FAIL"
    assert shop.state(mixed) == "FUND_PAYING"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"encData":"00"}', b"null"])
def test_forged_bureau_notices_change_nothing(shop, mixed, body):
    answer = shop.phone.client.post("/s/default/callbacks/national/settlement", data=body)
    assert answer.status_code == 401 and answer.get_json()["code"] == "FAIL"
    assert shop.state(mixed) == "FUND_PAYING" and shop.alarms() == ["CALLBACK_FORGED"]


def test_a_notice_of_another_kind_is_refused(shop, mixed):
    assert shop.tell("transaction", "REFUND.SUCCESS", shop.transaction(mixed)).status_code == 400
    assert shop.tell("medical-insurance", "TRANSACTION.SUCCESS", shop.transaction(mixed)).status_code == 400


@pytest.mark.parametrize("path", ["wechatpay/transaction", "national/settlement"])
def test_a_notice_over_64_kib_is_refused(shop, path):
    answer = shop.phone.client.post(f"/s/default/callbacks/{path}", data=b"x" * (64 * 1024 + 1))
    assert answer.status_code == 413 and answer.get_json()["code"] == "FAIL"


def test_another_space_does_not_know_the_order(shop, mixed):
    said = shop.transaction(mixed)
    body = shop.pay.notice("TRANSACTION.SUCCESS", said)
    answer = shop.phone.client.post(
        "/s/other/callbacks/wechatpay/transaction", data=body, headers=shop.pay.headers(body)
    )
    assert answer.status_code == 404 and shop.state(mixed) == "FUND_PAYING"


# ---- nobody told us


def test_without_notices_the_legs_are_asked_after_30_seconds(shop, mixed):
    assert shop.wait(seconds=29) == []
    assert shop.wait(seconds=1) == ["settlement.reconcile"]
    assert shop.state(mixed) == "SETTLED"
    shop.tell_all(mixed)
    assert shop.state(mixed) == "SETTLED" and not shop.alarms()


def test_questions_back_off_until_the_time_to_pay_is_over(shop):
    number = shop.confirmed()
    with entered(shop.app, "default"):
        seen = []
        while (due := tasks.next_due()) is not None:
            db.session.rollback()
            seen.append((due - TODAY).total_seconds())
            shop.time.now = due
            tasks.run_due(due)
    assert seen == [30, 90, 270, 570, 900] and shop.row(number).state == "EXPIRED"


def test_an_unpaid_order_is_closed_after_fifteen_minutes(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.wait(minutes=15)
    seen = shop.get(number)
    assert (seen["state"], seen["failure"], seen["pay"]) == ("EXPIRED", "PAY_EXPIRED", None)
    assert shop.vendors.uploads["ORD1"]["status"] == "12"
    assert [order["trade_state"] for order in shop.vendors.orders.values()] == ["CLOSED"]
    refused(shop.confirm(number, "code-2"), "PAY_EXPIRED")


def test_an_order_paid_while_it_was_being_closed_is_settled(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    real = shop.vendors.close_order

    def paid_first(out_trade_no):
        shop.vendors.close_order = real
        shop.pay_everything(number)
        return real(out_trade_no)

    from yibao.providers import wechatpay

    before = wechatpay.close_order
    wechatpay.close_order = paid_first
    try:
        shop.wait(minutes=15)
    finally:
        wechatpay.close_order = before
    shop.wait(minutes=10)
    assert shop.state(number) == "SETTLED"


def test_a_confirmed_order_can_be_given_up_before_it_is_paid(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    assert shop.post(f"/settlements/{number}/cancellation").get_json()["state"] == "CANCELLED"
    assert shop.vendors.uploads["ORD1"]["status"] == "12"


def test_a_paid_order_cannot_be_given_up(shop, mixed):
    refused(shop.post(f"/settlements/{mixed}/cancellation"), "STATE_CONFLICT")
    assert shop.state(mixed) == "SETTLED"
    refused(shop.post(f"/settlements/{mixed}/cancellation"), "STATE_CONFLICT")


def test_a_cancellation_whose_leg_does_not_answer_goes_on_by_itself(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.vendors.go_wrong["revoke"] = [DOWN]
    refused(shop.post(f"/settlements/{number}/cancellation"), "STATE_UNKNOWN")
    assert shop.get(number)["pay"] is None
    shop.wait(minutes=1)
    assert shop.state(number) == "CANCELLED"


def test_insurance_that_failed_before_the_cash_ends_the_order(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.pay_everything(number, fund=False, cash=False, mixed="FAIL")
    shop.vendors.uploads["ORD1"]["status"] = "15"
    shop.vendors.mixed[shop.row(number).out_trade_no]["med_ins_fail_reason"] = "FSI-家庭共济授权已暂停"
    shop.wait(seconds=30)
    seen = shop.get(number)
    assert (seen["state"], seen["failure"]) == ("REJECTED", "MA_PAUSED")
    assert [order["trade_state"] for order in shop.vendors.orders.values()] == ["CLOSED"]


def test_insurance_that_failed_after_the_cash_gives_the_cash_back(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.pay_everything(number, fund=False, mixed="FAIL")
    shop.vendors.uploads["ORD1"]["status"] = "15"
    shop.tell_cash(number)
    shop.wait(seconds=30)
    seen = shop.get(number)
    assert (seen["state"], seen["failure"]) == ("REVERSING", "FUND_REFUSED")
    assert seen["payment"] == {
        "mix_pay_status": "FAIL",
        "self_pay_status": "SUCCESS",
        "med_ins_pay_status": "FAIL",
    }
    assert seen["refund"]["cash_fen"] == 2000 and seen["refund"]["pooled_fen"] == 0
    assert shop.tell_refund(number).status_code == 204
    assert shop.state(number) == "REVERSED" and not shop.vendors.insurance_refunds


def test_cash_that_failed_gives_the_insurance_money_back(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.pay_everything(number, cash=False, mixed="FAIL")
    shop.tell_fund(number)
    shop.wait(seconds=30)
    seen = shop.get(number)
    assert (seen["state"], seen["failure"]) == ("REVERSED", "CASH_FAIL")
    assert [refund[1] for refund in shop.vendors.insurance_refunds.values()] == ["HI"]
    assert seen["payment"] == {"mix_pay_status": "FAIL", "self_pay_status": "FAIL", "med_ins_pay_status": "REFUND"}


def test_insurance_paid_and_cash_never_is_reversed_at_the_deadline(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.pay_everything(number, cash=False, mixed="CREATED")
    shop.tell_fund(number)
    shop.wait(minutes=14)
    assert shop.state(number) == "CASH_WAIT"
    shop.wait(minutes=1)
    assert shop.state(number) == "REVERSED"
    assert [order["trade_state"] for order in shop.vendors.orders.values()] == ["CLOSED"]


def test_a_query_that_differs_is_not_believed(shop, mixed):
    shop.vendors.orders[shop.row(mixed).out_trade_no]["amount"] = {"total": 1}
    shop.wait(seconds=30)
    assert shop.state(mixed) != "SETTLED" and "query_differs" in shop.alarms()


def test_silence_while_paying_is_unknown_until_somebody_answers(shop, mixed):
    shop.vendors.go_wrong["order_state"] = [DOWN]
    shop.wait(seconds=30)
    assert shop.state(mixed) == "UNKNOWN"
    shop.wait(seconds=3)
    assert shop.state(mixed) == "SETTLED"


def test_a_notice_ends_the_unknown_too(shop, mixed):
    shop.vendors.go_wrong["order_state"] = [DOWN]
    shop.wait(seconds=30)
    shop.tell_all(mixed)
    assert shop.state(mixed) == "SETTLED"


def test_cash_alone_is_settled_by_its_notice_even_when_unknown(shop):
    shop.vendors.parts = (0, 0, 0)
    number = shop.confirmed()
    shop.pay_everything(number)
    shop.vendors.go_wrong["query_order"] = [DOWN]
    shop.wait(seconds=30)
    assert shop.state(number) == "UNKNOWN"
    shop.tell_cash(number)
    assert shop.state(number) == "SETTLED"


def test_unknown_goes_back_to_waiting_when_nothing_was_paid(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.vendors.go_wrong["query_medical_order"] = [DOWN]
    shop.wait(seconds=30)
    assert shop.state(number) == "UNKNOWN"
    shop.wait(seconds=3)
    assert shop.state(number) == "FUND_PAYING" and shop.get(number)["pay"]


def test_money_after_the_end_raises_an_alarm(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.confirmed()
    shop.wait(minutes=15)
    assert shop.tell_cash(number).status_code == 204
    assert shop.alarms() == ["paid_after_the_end"] and shop.state(number) == "EXPIRED"

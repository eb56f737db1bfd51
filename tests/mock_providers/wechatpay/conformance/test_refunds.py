"""Refunds: checks B.3 of the protocol sheet."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant
from tests.mock_providers.wechatpay.test_door import refused

Tap = Callable[..., str]
URL = f"{NOTIFY}/refund"


@pytest.fixture
def paid(merchant: Merchant, tap: Tap) -> str:
    tap("pay", merchant.pay_params(merchant.create("REFUND-ORDER")))
    return "REFUND-ORDER"


def shown(merchant: Merchant, number: str) -> Any:
    return merchant.get(f"/v3/refund/domestic/refunds/{number}")


def test_p56_a_refund_is_accepted_and_the_order_says_so(world: World, merchant: Merchant, paid: str) -> None:
    answer = merchant.refund(paid, "R1", 1000)
    assert answer.status_code == 200, answer.text
    merchant.verifies(answer)
    told = answer.json
    assert (told["status"], told["out_refund_no"], told["out_trade_no"]) == ("PROCESSING", "R1", paid)
    assert told["refund_id"]
    assert "success_time" not in told
    assert (told["amount"]["refund"], told["amount"]["total"], told["amount"]["payer_refund"]) == (1000, 4200, 1000)
    assert merchant.query(paid)["trade_state"] == "REFUND"
    world.advance(seconds=2)
    done = shown(merchant, "R1").json
    assert (done["status"], done["refund_id"]) == ("SUCCESS", told["refund_id"])
    assert done["success_time"]


def test_p57_the_same_refund_again_is_the_same_refund(merchant: Merchant, paid: str) -> None:
    first = merchant.refund(paid, "R1", 1000).json
    assert merchant.refund(paid, "R1", 1000).json == first
    assert merchant.refund(paid, "R2", 3200).status_code == 200


def test_p58_the_same_number_with_another_amount(merchant: Merchant, paid: str) -> None:
    merchant.refund(paid, "R1", 1000)
    refused(merchant.refund(paid, "R1", 999), 400, "INVALID_REQUEST")


def test_p59_more_than_the_total(merchant: Merchant, paid: str) -> None:
    merchant.refund(paid, "R1", 4000)
    refused(merchant.refund(paid, "R2", 201), 400, "INVALID_REQUEST")
    assert merchant.refund(paid, "R3", 200).status_code == 200


def test_a_total_that_is_not_the_orders(merchant: Merchant, paid: str) -> None:
    refused(merchant.refund(paid, "R1", 100, 4201), 400, "INVALID_REQUEST")


def test_p60_by_the_transaction_id(merchant: Merchant, paid: str) -> None:
    number = merchant.query(paid)["transaction_id"]
    assert merchant.refund(paid, "R1", out_trade_no=None, transaction_id=number).status_code == 200
    refused(merchant.refund("OTHER-0001", "R2", transaction_id=number), 404, "RESOURCE_NOT_EXISTS")


def test_p61_an_unpaid_or_unknown_order(merchant: Merchant) -> None:
    refused(merchant.refund("NOBODYS-01", "R1"), 404, "RESOURCE_NOT_EXISTS", "订单不存在")
    merchant.create("UNPAID-001")
    refused(merchant.refund("UNPAID-001", "R1"), 404, "RESOURCE_NOT_EXISTS")


def test_p62_neither_number(merchant: Merchant) -> None:
    refused(merchant.refund("", "R1"), 400, "PARAM_ERROR")


def test_p63_an_unknown_refund(merchant: Merchant) -> None:
    refused(shown(merchant, "NONE"), 404, "RESOURCE_NOT_EXISTS", "退款单不存在")


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("not_enough", 403, "NOT_ENOUGH"),
        ("account_abnormal", 403, "USER_ACCOUNT_ABNORMAL"),
        ("system_error", 500, "SYSTEM_ERROR"),
        ("frequency", 429, "FREQUENCY_LIMITED"),
    ],
)
def test_p64_the_same_number_later_succeeds(
    world: World, merchant: Merchant, paid: str, outcome: str, status: int, code: str
) -> None:
    world.plan("refunds", outcome, ref="R1")
    refused(merchant.refund(paid, "R1"), status, code)
    assert merchant.query(paid)["trade_state"] == "SUCCESS"
    assert merchant.refund(paid, "R1").status_code == 200


@pytest.mark.parametrize(("outcome", "state"), [(None, "SUCCESS"), ("closed", "CLOSED"), ("abnormal", "ABNORMAL")])
def test_p65_the_merchant_is_told_how_it_ended(
    world: World, merchant: Merchant, paid: str, outcome: str | None, state: str
) -> None:
    if outcome:
        world.plan("refunds", outcome)
    merchant.refund(paid, "R1", notify_url=URL)
    world.advance(seconds=3)
    event, url = world.events()[-1]
    assert (event.type, url, event.ref) == (f"REFUND.{state}", URL, "R1")
    assert event.plain["refund_status"] == state
    assert "status" not in event.plain
    assert ("success_time" in event.plain) == (state == "SUCCESS")
    assert event.plain["amount"] == {"total": 4200, "refund": 4200, "payer_total": 4200, "payer_refund": 4200}


def test_p66_without_an_address_nobody_is_told(world: World, merchant: Merchant, paid: str) -> None:
    told = len(world.events())
    merchant.refund(paid, "R1")
    world.advance(seconds=3)
    assert len(world.events()) == told
    assert shown(merchant, "R1").json["status"] == "SUCCESS"


def test_a_closed_refund_gives_its_amount_free(world: World, merchant: Merchant, paid: str) -> None:
    world.plan("refunds", "closed")
    merchant.refund(paid, "R1")
    refused(merchant.refund(paid, "R2"), 400, "INVALID_REQUEST")
    world.advance(seconds=3)
    assert merchant.refund(paid, "R2").status_code == 200


def test_p67_the_fifty_first_partial_refund(merchant: Merchant, paid: str) -> None:
    for count in range(50):
        assert merchant.refund(paid, f"R{count}", 1).status_code == 200
    refused(merchant.refund(paid, "R50", 1), 400, "INVALID_REQUEST")


def test_a_year_after_payment_it_is_too_late(world: World, merchant: Merchant, paid: str) -> None:
    world.advance(days=365, seconds=-10)
    assert merchant.refund(paid, "R1", 1).status_code == 200
    world.advance(seconds=11)
    refused(merchant.refund(paid, "R2", 1), 400, "INVALID_REQUEST")


def test_a_minute_between_refunds_if_a_switch_says_so(world: World, merchant: Merchant, paid: str) -> None:
    world.switch("refund_gap", "on")
    merchant.refund(paid, "R1", 1)
    refused(merchant.refund(paid, "R2", 1), 429, "FREQUENCY_LIMITED")
    world.advance(minutes=1)
    assert merchant.refund(paid, "R2", 1).status_code == 200


def test_the_time_to_the_end_is_a_choice(world: World, merchant: Merchant, paid: str) -> None:
    world.switch("refund_seconds", "3600")
    merchant.refund(paid, "R1", 1)
    world.advance(minutes=59)
    assert shown(merchant, "R1").json["status"] == "PROCESSING"
    world.advance(minutes=2)
    assert shown(merchant, "R1").json["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "amount",
    [
        {"refund": 0, "total": 4200, "currency": "CNY"},
        {"refund": -1, "total": 4200, "currency": "CNY"},
        {"refund": 1, "total": 4200},
        {"refund": 1, "total": 4200, "currency": "CNY", "from": [{"account": "AVAILABLE", "amount": 2}]},
        {"refund": "1", "total": 4200, "currency": "CNY"},
    ],
)
def test_an_amount_out_of_shape(merchant: Merchant, paid: str, amount: dict[str, Any]) -> None:
    refused(merchant.refund(paid, "R1", amount=amount), 400, "PARAM_ERROR")


def test_a_reason_is_counted_in_bytes(merchant: Merchant, paid: str) -> None:
    refused(merchant.refund(paid, "R1", reason="字" * 27), 400, "PARAM_ERROR")
    assert merchant.refund(paid, "R1", reason="字" * 26).status_code == 200


def test_a_timer_of_a_refund_that_is_gone_does_nothing(world: World, merchant: Merchant, paid: str) -> None:
    from mock_providers.wechatpay.refunds import finish

    with world.app.app_context():
        finish({"out_refund_no": "NONE"})

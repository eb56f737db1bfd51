"""Refunds: checks B.3 of the protocol sheet."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mock_providers.wechatpay import ledger, rules
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


def test_p64_a_merchant_balance_that_is_too_low(world: World, merchant: Merchant, paid: str) -> None:
    world.switch("merchant_balance", "4174")  # 42.00 less the fee of 0.25 that comes back is 41.75
    answer = merchant.refund(paid, "R1")
    refused(answer, 403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    refused(shown(merchant, "R1"), 404, "RESOURCE_NOT_EXISTS")
    assert merchant.query(paid)["trade_state"] == "SUCCESS"
    world.switch("merchant_balance", "4175")
    assert merchant.refund(paid, "R1").status_code == 200


def test_an_account_without_an_opening_balance_can_always_give_back_what_came_in(
    world: World, merchant: Merchant, tap: Tap
) -> None:
    world.switch("opening_balance", "0")
    for name, total in (("FULL-00001", 1), ("FULL-00002", 4200), ("FULL-00003", 99999)):
        tap("pay", merchant.pay_params(merchant.create(name, total=total)))
    for name, total in (("FULL-00001", 1), ("FULL-00002", 4200), ("FULL-00003", 99999)):
        assert merchant.refund(name, f"R-{name}", total, total).status_code == 200
    with world.app.app_context():
        assert ledger.balance(merchant.held["mchid"]) == 0


def test_a_closed_refund_gives_the_account_its_money_back(world: World, merchant: Merchant, paid: str) -> None:
    def balance() -> int:
        with world.app.app_context():
            return ledger.balance(merchant.held["mchid"])

    before = balance()
    world.plan("refunds", "closed")
    merchant.refund(paid, "R1", 1000)
    assert balance() == before - 1000 + 5
    world.advance(seconds=3)
    assert balance() == before


@pytest.mark.parametrize("coupon", ["paid_with_coupon", "paid_with_cash_coupon"])
def test_refunds_in_steps_give_back_exactly_what_was_paid(
    world: World, merchant: Merchant, tap: Tap, coupon: str
) -> None:
    tap("pay", merchant.pay_params(merchant.create("STEPS-0001", total=4201)), coupon)
    order = merchant.query("STEPS-0001")
    backs = [merchant.refund("STEPS-0001", f"S{n}", part, 4201).json for n, part in enumerate((999, 1, 2000, 1201))]
    for back in backs:
        amount = back["amount"]
        assert amount["payer_refund"] + amount["discount_refund"] == amount["refund"]
        [promotion] = back["promotion_detail"]
        assert promotion["refund_amount"] == amount["discount_refund"]
        assert promotion["type"] == ("COUPON" if "cash" in coupon else "DISCOUNT")
        assert promotion["amount"] == order["promotion_detail"][0]["amount"]
        assert (amount["total"], amount["payer_total"]) == (4201, order["amount"]["payer_total"])
        assert 0 <= amount["payer_refund"] <= amount["refund"]
    sums = {
        name: sum(back["amount"][name] for back in backs) for name in ("refund", "payer_refund", "settlement_refund")
    }
    settled = backs[0]["amount"]["settlement_total"]
    assert sums == {"refund": 4201, "payer_refund": order["amount"]["payer_total"], "settlement_refund": settled}
    assert settled == (4201 if "cash" in coupon else order["amount"]["payer_total"])


def test_everything_of_a_refund_is_shown_again(merchant: Merchant, paid: str) -> None:
    goods = [
        {
            "merchant_goods_id": "G1",
            "wechatpay_goods_id": "1001",
            "goods_name": "样例药品",
            "unit_price": 1000,
            "refund_amount": 1000,
            "refund_quantity": 1,
        }
    ]
    amount = {
        "refund": 1000,
        "total": 4200,
        "currency": "CNY",
        "from": [{"account": "AVAILABLE", "amount": 400}, {"account": "UNAVAILABLE", "amount": 600}],
    }
    more = {"reason": "退货", "funds_account": "AVAILABLE", "goods_detail": goods, "notify_url": URL}
    told = merchant.refund(paid, "R1", amount=amount, **more)
    assert told.status_code == 200, told.text
    assert told.json["amount"]["from"] == amount["from"]
    assert told.json["funds_account"] == "AVAILABLE"
    assert shown(merchant, "R1").json == told.json
    for name in more:
        changed = {key: value for key, value in more.items() if key != name}
        refused(merchant.refund(paid, "R1", amount=amount, **changed), 400, "INVALID_REQUEST")


def test_the_answer_has_the_fields_of_the_table(merchant: Merchant, paid: str) -> None:
    told = merchant.refund(paid, "R1", 1000).json
    assert told.keys() == {
        *("refund_id", "out_refund_no", "transaction_id", "out_trade_no", "channel", "user_received_account"),
        *("create_time", "status", "funds_account", "amount", "promotion_detail"),
    }
    assert told["amount"].keys() == {
        *("total", "refund", "from", "payer_total", "payer_refund", "settlement_refund", "settlement_total"),
        *("discount_refund", "currency", "refund_fee"),
    }
    assert (told["channel"], told["user_received_account"]) == ("ORIGINAL", "支付用户零钱")
    assert len(told["refund_id"]) <= 32


def test_p65_the_plaintext_has_the_tables_fields_and_no_other(world: World, merchant: Merchant, paid: str) -> None:
    told = merchant.refund(paid, "R1", 1000, notify_url=URL).json
    world.advance(seconds=3)
    event, _ = world.events()[-1]
    headers, body = world.built(event)
    merchant.verify(headers, body)
    envelope = json.loads(body)
    assert (envelope["event_type"], envelope["summary"]) == ("REFUND.SUCCESS", "退款成功")
    assert envelope["resource"]["original_type"] == "refund"
    assert json.loads(merchant.open(envelope["resource"])) == {
        "mchid": merchant.held["mchid"],
        "out_trade_no": paid,
        "transaction_id": told["transaction_id"],
        "out_refund_no": "R1",
        "refund_id": told["refund_id"],
        "refund_status": "SUCCESS",
        "success_time": shown(merchant, "R1").json["success_time"],
        "user_received_account": "支付用户零钱",
        "amount": {"total": 4200, "refund": 1000, "payer_total": 4200, "payer_refund": 1000},
    }


def test_an_outcome_is_found_by_the_order_too(world: World, merchant: Merchant, paid: str) -> None:
    world.plan("refunds", "abnormal", ref=paid)
    merchant.refund(paid, "R1", 1000)
    world.advance(seconds=3)
    assert shown(merchant, "R1").json["status"] == "ABNORMAL"


CARD = {"type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"}


@pytest.fixture
def stuck(world: World, merchant: Merchant, paid: str) -> str:
    """A refund whose money did not reach the payer; its refund_id."""
    world.plan("refunds", "abnormal")
    number = merchant.refund(paid, "R1", 1000, notify_url=URL).json["refund_id"]
    world.advance(seconds=3)
    return number


def helped(merchant: Merchant, number: str, **asked: Any) -> Any:
    target = f"/v3/refund/domestic/refunds/{number}/apply-abnormal-refund"
    return merchant.post(target, {"out_refund_no": "R1", **asked})


def sealed(merchant: Merchant) -> dict[str, str]:
    return {"bank_account": merchant.seal("6222020000000001234"), "real_name": merchant.seal("林样一")}


def test_a_stuck_refund_goes_to_another_card_of_the_payer(world: World, merchant: Merchant, stuck: str) -> None:
    answer = helped(merchant, stuck, **CARD, **sealed(merchant))
    assert answer.status_code == 200, answer.text
    merchant.verifies(answer)
    assert answer.json["status"] == "PROCESSING"
    assert (answer.json["channel"], answer.json["user_received_account"]) == ("OTHER_BANKCARD", "工商银行借记卡1234")
    assert helped(merchant, stuck, **CARD, **sealed(merchant)).json == answer.json
    world.advance(seconds=3)
    assert shown(merchant, "R1").json["status"] == "SUCCESS"
    types = [event.type for event, _ in world.events() if event.ref == "R1"]
    assert types == ["REFUND.ABNORMAL", "REFUND.SUCCESS"]


def test_a_stuck_refund_goes_to_the_merchant(world: World, merchant: Merchant, stuck: str) -> None:
    merchant.serial = None
    answer = helped(merchant, stuck, type="MERCHANT_BANK_CARD")
    assert answer.json["user_received_account"] == "商户结算银行账户"
    world.advance(seconds=3)
    assert shown(merchant, "R1").json["status"] == "SUCCESS"
    merchant.serial = merchant.held["public_key_id"]
    refused(helped(merchant, stuck, **CARD, **sealed(merchant)), 400, "INVALID_REQUEST")


def test_meanwhile_it_may_be_shown_as_still_stuck(world: World, merchant: Merchant, stuck: str) -> None:
    world.switch("abnormal_refund_meanwhile", "ABNORMAL")
    assert helped(merchant, stuck, type="MERCHANT_BANK_CARD").json["status"] == "ABNORMAL"


@pytest.mark.parametrize("missing", ["bank_type", "bank_account", "real_name"])
def test_a_payers_card_has_a_bank_a_number_and_a_name(merchant: Merchant, stuck: str, missing: str) -> None:
    asked = {**CARD, **sealed(merchant)}
    del asked[missing]
    told = refused(helped(merchant, stuck, **asked), 400, "PARAM_ERROR")
    assert told["detail"]["field"] == f"/{missing}"
    assert shown(merchant, "R1").json["status"] == "ABNORMAL"


def test_card_number_and_name_come_sealed_with_a_key_that_is_named(merchant: Merchant, stuck: str) -> None:
    asked = {**CARD, **sealed(merchant)}
    refused(helped(merchant, stuck, **{**asked, "bank_account": "6222020000000001234"}), 400, "PARAM_ERROR")
    refused(helped(merchant, stuck, **{**asked, "bank_account": merchant.seal("none")}), 400, "PARAM_ERROR")
    merchant.serial = "PUB_KEY_ID_0000000000000000000000000000"
    refused(helped(merchant, stuck, **asked), 400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")
    merchant.serial = None
    refused(helped(merchant, stuck, **asked), 400, "PARAM_ERROR")


def test_only_a_stuck_refund_is_helped(world: World, merchant: Merchant, paid: str) -> None:
    number = merchant.refund(paid, "R1", 1000).json["refund_id"]
    refused(helped(merchant, number, type="MERCHANT_BANK_CARD"), 400, "INVALID_REQUEST")
    refused(helped(merchant, "5030000", type="MERCHANT_BANK_CARD"), 404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    answer = merchant.post(
        f"/v3/refund/domestic/refunds/{number}/apply-abnormal-refund",
        {"out_refund_no": "R2", "type": "MERCHANT_BANK_CARD"},
    )
    refused(answer, 404, "RESOURCE_NOT_EXISTS")


def test_refund_states_have_no_other_edges() -> None:
    assert rules.REFUND == {
        ("PROCESSING", "succeeded"): "SUCCESS",
        ("PROCESSING", "closed"): "CLOSED",
        ("PROCESSING", "stuck"): "ABNORMAL",
        ("ABNORMAL", "succeeded"): "SUCCESS",
    }

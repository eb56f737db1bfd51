"""Plans and real payments: what a merchant hears, signed and sealed as ever."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conformance.receiver import Receiver
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

Tap = Callable[..., str]


@pytest.fixture
def receiver(world: World, merchant: Merchant) -> Receiver:
    merchant.client.post("/_mock/clock", json={"freeze": True})
    return Receiver(world, merchant)


def pay(merchant: Merchant, tap: Tap, *numbers: str) -> None:
    for number in numbers:
        tap("pay", merchant.pay_params(merchant.create(number)))


def plan(merchant: Merchant, text: str, **more: Any) -> None:
    answer = merchant.client.post("/_mock/plans", json={"text": text, **more})
    assert answer.status_code == 200, answer.text


def refs(receiver: Receiver) -> list[str]:
    return [one["ref"] for one in receiver.wait("1s")]


def test_two_payments_come_the_wrong_way_round_and_verify(receiver: Receiver, merchant: Merchant, tap: Tap) -> None:
    plan(merchant, "swap 1 2", event="TRANSACTION.SUCCESS")
    pay(merchant, tap, "PLAN-01", "PLAN-02", "PLAN-03")
    heard = refs(receiver)  # who is not named does not wait for the two
    assert [ref for ref in heard if ref != "PLAN-03"] == ["PLAN-02", "PLAN-01"]
    assert len(heard) == 3
    assert receiver.verified() == [True] * 3


def test_a_doubled_payment_has_one_id_and_two_signatures(receiver: Receiver, merchant: Merchant, tap: Tap) -> None:
    plan(merchant, "dup 1", ref="PLAN-01")
    pay(merchant, tap, "PLAN-01")
    assert refs(receiver) == ["PLAN-01"] * 2
    assert len({one.told["id"] for one in receiver.heard}) == 1
    assert receiver.verified() == [True, True]


@pytest.mark.parametrize(("person", "count"), [("P01", 0), ("P02", 1)])
def test_a_plan_for_a_person_is_for_who_pays(
    receiver: Receiver, merchant: Merchant, tap: Tap, person: str, count: int
) -> None:
    plan(merchant, "drop 1", person=person)
    pay(merchant, tap, "PLAN-01")
    assert len(refs(receiver)) == count


def test_a_planned_duplicate_is_held_like_the_first(receiver: Receiver, merchant: Merchant, tap: Tap) -> None:
    plan(merchant, "hold 1")
    outcome = {"target": "wechatpay.callback", "outcome": "duplicate"}
    assert merchant.client.post("/_mock/outcomes", json=outcome).status_code == 200
    pay(merchant, tap, "PLAN-01")
    assert refs(receiver) == []
    rows = merchant.client.get("/_mock/deliveries?ref=PLAN-01").json["items"]
    assert [row["state"] for row in rows] == ["held", "held"]


def test_a_plan_that_delays_longer_than_the_switch_does_wins(
    receiver: Receiver, merchant: Merchant, tap: Tap
) -> None:
    plan(merchant, "delay 1 1h")
    merchant.client.post("/_mock/deviations", json={"wechatpay.callback_order": "refund_first"})
    pay(merchant, tap, "PLAN-01")
    assert receiver.wait("59m") == []
    assert len(receiver.wait("2m")) == 1


def test_why_knows_an_order_before_and_after_it_is_paid(receiver: Receiver, merchant: Merchant, tap: Tap) -> None:
    order = merchant.create("PLAN-01")
    asked = "/_mock/deliveries/why?ref=PLAN-01"
    said = merchant.client.get(asked).json
    assert said["verdict"].startswith("there is no event yet: JSAPI order PLAN-01 is NOTPAY")
    tap("pay", merchant.pay_params(order))
    assert merchant.client.get(asked).json["awaited"] == []
    receiver.wait("1s")
    assert merchant.client.get(asked).json["verdict"] == "everything there is to tell of it has come"

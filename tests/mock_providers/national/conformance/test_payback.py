"""nhsa.md §B.8, checks 79, 81-84: 6203, revsToken, and the order states 0-17."""

from typing import Any

import pytest

from mock_providers.national import payment_rules as rules
from mock_providers.national.texts import Refused
from tests.mock_providers.national.conformance.centre import Centre, notices
from tests.mock_providers.national.conformance.fixtures import (
    Bureau,
    e1,
    e3,
    e4,
    e5,
)


@pytest.fixture
def centre(bureau: Bureau) -> Centre:
    return Centre(bureau)


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

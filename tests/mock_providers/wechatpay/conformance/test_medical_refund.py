"""The merchant reports what the bureau gave back; the parts go back each by itself (wechatpay.md §6.9, §6.10)."""

from typing import Any

import pytest

from mock_providers.wechatpay.models import mixed_by
from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conformance.medical import (
    Json,
    Tap,
    internal,
    made,
    parameter,
    pay,
    report,
    shown,
    states,
)
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

LESS = {"med_refund_total_fee": 1, "med_refund_gov_fee": 1, "med_refund_self_fee": 0, "med_refund_other_fee": 0}


@pytest.fixture
def paid(merchant: Merchant, tap: Tap) -> Json:
    return pay(merchant, tap, "REFUND-001")


def kept(world: World, mixed: Json) -> Any:
    with world.app.app_context():
        row = mixed_by(mix_trade_no=mixed["mix_trade_no"])
        assert row
        return row.refund_report


def cash_back(world: World, merchant: Merchant, refund: int = 42000) -> None:
    answer = merchant.refund("REFUND-001", f"R{refund}", refund, 42000)
    assert answer.status_code == 200, answer.text
    world.advance(seconds=3)


def test_p107_a_report_is_answered_204_signed_and_empty(merchant: Merchant, paid: Json) -> None:
    answer = report(merchant, paid["mix_trade_no"])
    assert (answer.status_code, answer.data) == (204, b"")
    merchant.verifies(answer)
    told = shown(merchant, "REFUND-001")
    assert states(told) == ("SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_REFUND")
    assert told.keys() == paid.keys()


@pytest.mark.parametrize("first", ["insurance", "cash"])
def test_p108_each_part_goes_back_by_itself_and_both_make_a_refunded_order(
    world: World, merchant: Merchant, paid: Json, first: str
) -> None:
    events = len(world.events())
    if first == "insurance":
        assert report(merchant, paid["mix_trade_no"]).status_code == 204
    cash_back(world, merchant)
    if first == "cash":
        assert states(shown(merchant, "REFUND-001")) == ("SUCCESS", "SELF_PAY_REFUND", "MED_INS_PAY_SUCCESS")
        assert report(merchant, paid["mix_trade_no"]).status_code == 204
    assert states(shown(merchant, "REFUND-001")) == ("REFUND", "SELF_PAY_REFUND", "MED_INS_PAY_REFUND")
    assert not [event for event, _ in world.events()[events:] if event.type.startswith("MEDICAL")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("CASH_ONLY", ("REFUND", "SELF_PAY_REFUND", "NO_MED_INS_PAY")),
        ("INSURANCE_ONLY", ("REFUND", "NO_SELF_PAY", "MED_INS_PAY_REFUND")),
    ],
)
def test_the_only_part_given_back_makes_a_refunded_order(
    world: World, merchant: Merchant, tap: Tap, kind: str, expected: tuple[str, ...]
) -> None:
    mixed = pay(merchant, tap, "ONLY-00001", kind)
    if kind == "CASH_ONLY":
        merchant.refund("ONLY-00001", "R1", 5000, 5000)
        world.advance(seconds=3)
    else:
        assert report(merchant, mixed["mix_trade_no"]).status_code == 204
    assert states(shown(merchant, "ONLY-00001")) == expected


def test_the_cash_of_a_failed_order_goes_back_and_the_order_stays_failed(
    world: World, merchant: Merchant, tap: Tap
) -> None:
    pay(merchant, tap, "REFUND-001", outcome="insurance_failed_after_cash")
    cash_back(world, merchant)
    assert states(shown(merchant, "REFUND-001")) == ("FAIL", "SELF_PAY_REFUND", "MED_INS_PAY_FAIL")


@pytest.mark.parametrize(
    ("counts", "state"), [("counts", "MED_INS_PAY_REFUND"), ("only_full", "MED_INS_PAY_SUCCESS")]
)
def test_whether_part_of_the_insurance_part_counts_is_a_choice(
    world: World, merchant: Merchant, paid: Json, counts: str, state: str
) -> None:
    world.switch("medical_partial_refund", counts)
    assert report(merchant, paid["mix_trade_no"], **LESS).status_code == 204
    assert states(shown(merchant, "REFUND-001"))[2] == state
    report(merchant, paid["mix_trade_no"])
    assert states(shown(merchant, "REFUND-001"))[2] == "MED_INS_PAY_REFUND"


@pytest.mark.parametrize(("counts", "state"), [("counts", "SELF_PAY_REFUND"), ("only_full", "SELF_PAY_SUCCESS")])
def test_whether_part_of_the_cash_part_counts_is_a_choice(
    world: World, merchant: Merchant, paid: Json, counts: str, state: str
) -> None:
    world.switch("medical_partial_refund", counts)
    cash_back(world, merchant, 1)
    assert states(shown(merchant, "REFUND-001"))[1] == state
    cash_back(world, merchant, 41999)
    assert states(shown(merchant, "REFUND-001"))[1] == "SELF_PAY_REFUND"


def test_p109_there_is_no_insurance_part(merchant: Merchant, tap: Tap) -> None:
    mixed = pay(merchant, tap, "CASH-00001", "CASH_ONLY")
    message = "混合单中没有医保订单，无法接收医保退款通知"
    refused(report(merchant, mixed["mix_trade_no"]), 403, "RULE_LIMIT", message)
    refused(report(merchant, mixed["mix_trade_no"], med_refund_total_fee=1), 403, "RULE_LIMIT", message)


def test_p110_a_report_without_its_number(merchant: Merchant) -> None:
    told = parameter(report(merchant, None))
    assert told["detail"]["location"] == "query"
    assert "大于最大值 32" in parameter(report(merchant, "1" * 33))["message"]


@pytest.mark.parametrize("part", ["total", "gov", "self", "other"])
def test_p111_a_report_that_does_not_add_up(world: World, merchant: Merchant, paid: Json, part: str) -> None:
    answer = report(merchant, paid["mix_trade_no"], **{f"med_refund_{part}_fee": 7})
    refused(answer, 403, "RULE_LIMIT")
    assert states(shown(merchant, "REFUND-001"))[2] == "MED_INS_PAY_SUCCESS"
    assert kept(world, paid) is None


def test_p112_the_newest_report_counts(world: World, merchant: Merchant, paid: Json) -> None:
    report(merchant, paid["mix_trade_no"])
    assert report(merchant, paid["mix_trade_no"], **LESS, out_refund_no="R2").status_code == 204
    assert kept(world, paid) == {**LESS, "refund_time": "2026-01-02T09:00:00+08:00", "out_refund_no": "R2"}
    assert states(shown(merchant, "REFUND-001"))[2] == "MED_INS_PAY_REFUND"


FIELDS = [f"med_refund_{part}_fee" for part in ("total", "gov", "self", "other")] + ["refund_time", "out_refund_no"]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_a_report_is_required_and_typed(merchant: Merchant, field: str) -> None:
    assert "必填性" in parameter(report(merchant, "1", **{field: None}))["message"]
    wrong: Any = "1" if field.endswith("_fee") else 1
    assert "需要一个" in parameter(report(merchant, "1", **{field: wrong}))["message"]


@pytest.mark.parametrize(
    ("changes", "says", "number"),
    [
        ({"refund_time": "2026-01-02 09:00"}, "时间解析失败", 268435461),
        ({"refund_time": "2026-01-02T09:00:00"}, "时间解析失败", 268435461),
        ({"refund_time": "1" * 65}, "大于最大值 64", 268435461),
        ({"out_refund_no": "1" * 65}, "大于最大值 64", 268435461),
        ({"med_refund_gov_fee": -1}, "低于最小值 0", 268435464),
        ({"med_refund_gov_fee": 2**63 - 1}, "金额计算出现溢出", 268435464),
    ],
)
def test_a_report_out_of_shape(merchant: Merchant, paid: Json, changes: Json, says: str, number: int) -> None:
    assert says in parameter(report(merchant, paid["mix_trade_no"], **changes), number=number)["message"]


@pytest.mark.parametrize("unpaid", ["reject", "accept"])
def test_a_report_before_payment_is_a_choice(world: World, merchant: Merchant, unpaid: str) -> None:
    world.switch("medical_report_unpaid", unpaid)
    mixed = made(merchant.create_mixed("EARLY-0001", "INSURANCE_ONLY"))
    answer = report(merchant, mixed["mix_trade_no"])
    if unpaid == "accept":
        assert answer.status_code == 204
    else:
        refused(answer, 403, "RULE_LIMIT")
    assert states(shown(merchant, "EARLY-0001"))[2] == "MED_INS_PAY_CREATED"


def test_a_report_for_nobodys_order(merchant: Merchant) -> None:
    answer = report(merchant, "1")
    refused(answer, 404, "ORDER_NOT_EXIST", "未找到订单，请确认订单号是否正确")
    assert internal(answer) == 268529515


@pytest.mark.parametrize(("outcome", "status"), [("system_error", 500), ("frequency", 429)])
def test_a_report_can_be_told_to_fail_and_is_then_taken(
    world: World, merchant: Merchant, paid: Json, outcome: str, status: int
) -> None:
    world.plan("med_ins_refund", outcome, person="P01")
    assert report(merchant, paid["mix_trade_no"]).status_code == status
    assert states(shown(merchant, "REFUND-001"))[2] == "MED_INS_PAY_SUCCESS"
    assert report(merchant, paid["mix_trade_no"]).status_code == 204

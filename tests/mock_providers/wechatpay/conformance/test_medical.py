"""A mixed order is created: every field, every linkage, every sum (wechatpay.md §6.2, §6.3, checks 81 to 98)."""

from itertools import count
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conformance.medical import (
    AMOUNTS,
    CASH,
    CASH_FIELDS,
    CHILD,
    FEES,
    MIXED_FIELDS,
    NEVER,
    ORDERS,
    TOTAL,
    Json,
    internal,
    made,
    parameter,
    ruled,
    shown,
    states,
)
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

NUMBERS = count(1)


def number() -> str:
    return f"MEDICAL{next(NUMBERS):05d}"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("CASH_AND_INSURANCE", ("CREATED", "SELF_PAY_CREATED", "MED_INS_PAY_CREATED")),
        ("CASH_ONLY", ("CREATED", "SELF_PAY_CREATED", "NO_MED_INS_PAY")),
        ("INSURANCE_ONLY", ("CREATED", "NO_SELF_PAY", "MED_INS_PAY_CREATED")),
    ],
)
def test_p81_each_type_is_created_and_shows_what_was_asked_but_never_who(
    merchant: Merchant, kind: str, expected: tuple[str, ...]
) -> None:
    own = number()
    answer = merchant.create_mixed(own, kind, attach="备注", extends="e", channel_no="C1", med_ins_test_env=False)
    told = made(answer)
    merchant.verifies(answer)
    assert internal(answer) == 0
    assert states(told) == expected
    asked = merchant.mixed(own, kind, attach="备注", extends="e", channel_no="C1")
    assert all(told[name] == value for name, value in asked.items() if name != "payer")
    new = {"mix_trade_no", "mix_pay_status", "self_pay_status", "med_ins_pay_status", "prepay_id"}
    always = {"pay_for_relatives", "med_ins_test_env"}
    assert told.keys() - asked.keys() <= new | always and always <= told.keys()
    assert not NEVER & told.keys()
    assert len(told["mix_trade_no"]) <= 32
    assert shown(merchant, own) == told
    assert merchant.get(f"{ORDERS}/mix-trade-no/{told['mix_trade_no']}").json == told


def test_p82_a_used_number_is_refused_even_with_the_same_content(merchant: Merchant) -> None:
    asked = merchant.mixed(number(), "INSURANCE_ONLY")
    made(merchant.post(ORDERS, asked))
    answer = merchant.post(ORDERS, asked)
    refused(answer, 400, "ALREADY_EXISTS", "订单已存在")
    assert internal(answer) == 268512536


# sums

EXAMPLE_SUMS = [
    ({"total_fee": 202001}, TOTAL),
    ({"med_ins_gov_fee": 100001}, TOTAL),
    ({"med_ins_self_fee": 44999}, TOTAL),
    ({"med_ins_other_fee": 0}, TOTAL),
    ({"med_ins_cash_fee": 50001}, CASH),
    ({"wechat_pay_cash_fee": 42001}, CASH),
    ({"wechat_pay_cash_fee": 42001, "total_fee": 202001}, CASH),
    ({"cash_add_detail": None}, CASH),
    ({"cash_reduce_detail": None}, CASH),
    ({"cash_add_detail": [{"cash_add_fee": 1, "cash_add_type": "FREIGHT"}] * 2}, CASH),
    ({"med_ins_cash_fee": 0, "cash_add_detail": None}, CASH),
    ({"wechat_pay_cash_fee": 0}, AMOUNTS),
    (dict.fromkeys(("med_ins_gov_fee", "med_ins_self_fee", "med_ins_other_fee", "med_ins_cash_fee"), 0), AMOUNTS),
]


@pytest.mark.parametrize(("changes", "wrong"), EXAMPLE_SUMS)
def test_p83_p84_the_identities_of_a_mixed_order_each_with_its_message(
    merchant: Merchant, changes: Json, wrong: tuple[str, int]
) -> None:
    ruled(merchant.post(ORDERS, merchant.mixed(number(), prepay_id="wx0", **changes)), *wrong)


@pytest.mark.parametrize("order", ["cash_first", "total_first"])
def test_which_broken_identity_is_named_first_is_a_choice(world: World, merchant: Merchant, order: str) -> None:
    world.switch("medical_sum_order", order)
    answer = merchant.post(ORDERS, merchant.mixed(number(), prepay_id="wx0", wechat_pay_cash_fee=42001))
    ruled(answer, *(CASH if order == "cash_first" else TOTAL))


def test_reductions_above_the_cash_due_are_a_choice(world: World, merchant: Merchant) -> None:
    world.switch("medical_negative_cash", "PARAM_ERROR")
    less = [{"cash_reduce_fee": 501, "cash_reduce_type": "DISCOUNT"}]
    changes: Json = {"cash_reduce_detail": less, "total_fee": 5001}
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", **changes)
    parameter(answer, "医保结算后需自费金额计算失败")
    world.switch("medical_negative_cash", "RULE_LIMIT")
    ruled(merchant.create_mixed(number(), "INSURANCE_ONLY", **changes), *CASH)


@pytest.mark.parametrize("field", ["med_ins_gov_fee", "med_ins_cash_fee", "wechat_pay_cash_fee"])
def test_amounts_that_cannot_be_added_are_a_parameter_error_before_any_rule(merchant: Merchant, field: str) -> None:
    changes: Json = {field: 2**63 - 1, "geo_location": None}
    answer = merchant.post(ORDERS, merchant.mixed(number(), prepay_id="wx0", **changes))
    due = field == "med_ins_cash_fee"
    told = parameter(answer, number=268435461 if due else 268435464)
    assert told["message"].startswith("医保结算后需自费金额计算失败" if due else "金额计算出现溢出")


@pytest.mark.parametrize("status", ["403", "400"])
def test_the_status_of_a_rule_is_a_choice(world: World, merchant: Merchant, status: str) -> None:
    world.switch("medical_rule_status", status)
    ruled(merchant.create_mixed(number(), "INSURANCE_ONLY", total_fee=1), *TOTAL, status=int(status))


# linkage

BUREAU = {
    "pay_order_id": "O",
    "pay_auth_no": "A",
    "geo_location": "110.3,20.0",
    "med_ins_order_create_time": "2026-01-01T09:00:00+08:00",
}


@pytest.mark.parametrize("field", [*BUREAU, *FEES])
def test_p85_an_insurance_field_in_a_cash_order(merchant: Merchant, field: str) -> None:
    asked = merchant.mixed(number(), "CASH_ONLY", prepay_id="wx0", **{field: BUREAU.get(field, 1)})
    ruled(merchant.post(ORDERS, asked), *CASH_FIELDS)


@pytest.mark.parametrize("changes", [{"prepay_id": None}, {"wechat_pay_cash_fee": None}, {"wechat_pay_cash_fee": 0}])
def test_a_cash_order_needs_its_cash_and_its_prepay_id(merchant: Merchant, changes: Json) -> None:
    asked = merchant.mixed(number(), "CASH_ONLY", **{"prepay_id": "wx0", **changes})
    ruled(merchant.post(ORDERS, asked), *CASH_FIELDS)


@pytest.mark.parametrize("allowed", ["allow", "reject"])
def test_amounts_of_nothing_in_a_cash_order_are_a_choice(world: World, merchant: Merchant, allowed: str) -> None:
    world.switch("cash_only_zero_fees", allowed)
    answer = merchant.create_mixed(number(), "CASH_ONLY", **dict.fromkeys(FEES, 0))
    if allowed == "allow":
        assert made(answer)["med_ins_gov_fee"] == 0
    else:
        ruled(answer, *CASH_FIELDS)


ADDED = [{"cash_add_fee": 5000, "cash_add_type": "DEFAULT_ADD_TYPE"}]
LESS_ADDED = [{"cash_add_fee": 4000, "cash_add_type": "DEFAULT_ADD_TYPE"}]


@pytest.mark.parametrize(
    ("mode", "added", "wrong"),
    [
        ("with_additions", ADDED, None),
        ("with_additions", None, None),
        ("with_additions", LESS_ADDED, CASH),
        ("always", ADDED, None),
        ("always", None, CASH),
        ("always", LESS_ADDED, CASH),
        ("never", ADDED, None),
        ("never", None, None),
        ("never", LESS_ADDED, None),
    ],
)
def test_p86_a_cash_order_with_and_without_additions(
    world: World, merchant: Merchant, mode: str, added: Any, wrong: tuple[str, int] | None
) -> None:
    world.switch("cash_only_identities", mode)
    answer = merchant.create_mixed(number(), "CASH_ONLY", cash_add_detail=added)
    if wrong:
        ruled(answer, *wrong)
    else:
        assert states(made(answer)) == ("CREATED", "SELF_PAY_CREATED", "NO_MED_INS_PAY")


@pytest.mark.parametrize("mode", ["with_additions", "always", "never"])
def test_a_cash_order_must_always_add_up_to_its_total(world: World, merchant: Merchant, mode: str) -> None:
    world.switch("cash_only_identities", mode)
    ruled(merchant.create_mixed(number(), "CASH_ONLY", total_fee=5001), *TOTAL)


@pytest.mark.parametrize("changes", [{"prepay_id": "wx0"}, {"wechat_pay_cash_fee": 1, "total_fee": 5001}])
def test_p87_insurance_alone_takes_neither_prepay_id_nor_cash(merchant: Merchant, changes: Json) -> None:
    ruled(merchant.post(ORDERS, merchant.mixed(number(), "INSURANCE_ONLY", **changes)), *MIXED_FIELDS)


def test_p88_insurance_alone_where_the_cash_is_fully_reduced(merchant: Merchant) -> None:
    told = made(merchant.create_mixed(number(), "INSURANCE_ONLY"))
    assert states(told) == ("CREATED", "NO_SELF_PAY", "MED_INS_PAY_CREATED")
    assert not {"prepay_id", "wechat_pay_cash_fee"} & told.keys()


@pytest.mark.parametrize("allowed", ["allow", "reject"])
def test_cash_of_nothing_in_an_insurance_order_is_a_choice(world: World, merchant: Merchant, allowed: str) -> None:
    world.switch("insurance_only_zero_cash", allowed)
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", wechat_pay_cash_fee=0)
    if allowed == "allow":
        made(answer)
    else:
        ruled(answer, *MIXED_FIELDS)


@pytest.mark.parametrize("allowed", ["allow", "reject"])
def test_an_insurance_order_over_nothing_is_a_choice(world: World, merchant: Merchant, allowed: str) -> None:
    world.switch("insurance_only_zero", allowed)
    zero = dict.fromkeys(("total_fee", *FEES), 0)
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", cash_reduce_detail=None, **zero)
    if allowed == "allow":
        made(answer)
    else:
        ruled(answer, *AMOUNTS)


@pytest.mark.parametrize("kind", ["CASH_AND_INSURANCE", "INSURANCE_ONLY"])
@pytest.mark.parametrize("field", [*BUREAU, *FEES])
def test_p89_a_field_the_type_needs_is_missing(merchant: Merchant, kind: str, field: str) -> None:
    asked = merchant.mixed(number(), kind, **{field: None})
    if kind != "INSURANCE_ONLY":
        asked["prepay_id"] = "wx0"
    ruled(merchant.post(ORDERS, asked), *MIXED_FIELDS)


@pytest.mark.parametrize("field", ["wechat_pay_cash_fee", "prepay_id"])
def test_a_mixed_order_needs_its_cash_side(merchant: Merchant, field: str) -> None:
    asked = merchant.mixed(number(), **{"prepay_id": "wx0", field: None})
    ruled(merchant.post(ORDERS, asked), *MIXED_FIELDS)


def test_a_mixed_order_may_be_cash_in_the_end(merchant: Merchant) -> None:
    """Pre-settlement made everything cash: each fee may be 0, none may be absent."""
    nothing = dict.fromkeys(("med_ins_gov_fee", "med_ins_self_fee", "med_ins_other_fee"), 0)
    lists: Json = {"cash_add_detail": None, "cash_reduce_detail": None}
    cash = {"med_ins_cash_fee": 900, "wechat_pay_cash_fee": 900, "total_fee": 900}
    told = made(merchant.create_mixed(number(), **nothing, **lists, **cash))
    assert states(told) == ("CREATED", "SELF_PAY_CREATED", "MED_INS_PAY_CREATED")


# the cash order


@pytest.mark.parametrize(
    ("prepay", "wrong"),
    [
        ({"out_trade_no": "ANOTHER"}, MIXED_FIELDS),
        ({"total": 41999}, AMOUNTS),
        ({"total": 420}, AMOUNTS),
        ({"openid": "openid-P02"}, MIXED_FIELDS),
        ({"state": "CLOSED"}, MIXED_FIELDS),
        ({"state": "SUCCESS"}, MIXED_FIELDS),
        ({"prepay_id": "wx00000000000000000000000000000000"}, MIXED_FIELDS),
    ],
)
def test_p90_the_cash_order_must_be_the_same_order(
    merchant: Merchant, tap: Any, prepay: Json, wrong: tuple[str, int]
) -> None:
    own = number()
    cash = prepay.get("out_trade_no", own)
    prepay_id = merchant.create(cash, total=prepay.get("total", 42000), openid=prepay.get("openid", "openid-P01"))
    if prepay.get("state") == "CLOSED":
        close = f"/v3/pay/transactions/out-trade-no/{cash}/close"
        assert merchant.post(close, {"mchid": merchant.held["mchid"]}).status_code == 204
    if prepay.get("state") == "SUCCESS":
        tap("pay", merchant.pay_params(prepay_id))
    ruled(merchant.create_mixed(own, prepay_id=prepay.get("prepay_id", prepay_id)), *wrong)
    assert merchant.get(f"{ORDERS}/out-trade-no/{own}").status_code == 404


def test_a_cash_order_that_does_not_fit_a_cash_only_order_is_named_by_its_own_number(merchant: Merchant) -> None:
    asked = merchant.mixed(number(), "CASH_ONLY", prepay_id="wx0")
    ruled(merchant.post(ORDERS, asked), *CASH_FIELDS)


@pytest.mark.parametrize("shared", ["accept", "reject"])
def test_one_address_for_both_notifications_is_a_choice(world: World, merchant: Merchant, shared: str) -> None:
    world.switch("callback_url_shared", shared)
    answer = merchant.create_mixed(number(), "CASH_ONLY", callback_url=merchant.order("x")["notify_url"])
    if shared == "accept":
        made(answer)
    else:
        assert parameter(answer)["detail"]["field"] == "/callback_url"


# parameters


def test_p91_paying_for_a_relative_needs_the_relative(merchant: Merchant) -> None:
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", pay_for_relatives=True)
    parameter(answer, "亲属信息为空")


@pytest.mark.parametrize("field", ["name", "id_digest", "card_type"])
@pytest.mark.parametrize("who", ["payer", "relative"])
def test_every_member_of_a_person_is_required(merchant: Merchant, who: str, field: str) -> None:
    somebody = merchant.someone(*CHILD)
    del somebody[field]
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", pay_for_relatives=True, **{who: somebody})
    assert "必填性" in parameter(answer)["message"]


@pytest.mark.parametrize("time", ["2026-01-01T09:00:00", "2026-13-01T09:00:00+08:00", "2026-01-01", "yesterday"])
def test_p92_a_time_must_say_its_offset(merchant: Merchant, time: str) -> None:
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", med_ins_order_create_time=time)
    parameter(answer, "时间解析失败")


@pytest.mark.parametrize("time", ["2026-01-01T01:00:00Z", "2026-01-01T09:00:00.123+08:00"])
def test_any_rfc_3339_time_with_an_offset_is_echoed_as_it_was_sent(merchant: Merchant, time: str) -> None:
    told = made(merchant.create_mixed(number(), "INSURANCE_ONLY", med_ins_order_create_time=time))
    assert told["med_ins_order_create_time"] == time


@pytest.mark.parametrize("content", ["{", "payAuthNo=1", '{"x": "' + "y" * 2048 + '"}'])
def test_p93_passed_through_content_is_json_in_a_string_of_2048(merchant: Merchant, content: str) -> None:
    parameter(merchant.create_mixed(number(), "INSURANCE_ONLY", passthrough_request_content=content))


@pytest.mark.parametrize(
    "content",
    [
        '{"payAuthNo":"A","payOrdId":"O","setlLatlnt":"110.3,20.0"}',
        '{"other":1}',
        '{"x":"' + "y" * 2040 + '"}',
    ],
)
def test_passed_through_content_may_repeat_the_bureaus_fields_or_not(merchant: Merchant, content: str) -> None:
    told = made(merchant.create_mixed(number(), "INSURANCE_ONLY", passthrough_request_content=content))
    assert told["passthrough_request_content"] == content


def test_p98_a_parameter_is_named_before_a_rule(merchant: Merchant) -> None:
    for changes in (
        {"med_inst_name": None},
        {"med_ins_order_create_time": "x"},
        {"order_type": "UNKNOWN_ORDER_TYPE"},
        {"pay_for_relatives": True},
        {"callback_url": "https://a.example/?x=1"},
        {"openid": "o-stranger"},
    ):
        answer = merchant.create_mixed(number(), "INSURANCE_ONLY", total_fee=1, **changes)
        refused(answer, 400, "PARAM_ERROR")

"""The tables and sums behind orders and mixed orders."""

import tomllib
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.wechatpay import rules

STRICT = rules.Strictness()
BUREAU = dict.fromkeys(rules.BUREAU_FIELDS, "x")
VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "wechatpay.toml").read_text("utf-8"))
EXAMPLE: dict[str, Any] = {**VECTORS["mixed_order"][0], **BUREAU, "prepay_id": "wx"}


def test_the_official_example_is_right() -> None:
    assert rules.fault(EXAMPLE, STRICT) is None


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"total_fee": 202001}, rules.TOTAL_WRONG),
        ({"med_ins_cash_fee": 49999}, rules.CASH_WRONG),
        ({"wechat_pay_cash_fee": 42001, "total_fee": 202001}, rules.CASH_WRONG),
        ({"wechat_pay_cash_fee": 0}, rules.AMOUNTS_WRONG),
        (dict.fromkeys(rules.SETTLED_FEES, 0), rules.AMOUNTS_WRONG),
        ({"cash_reduce_detail": [{"cash_reduce_fee": 60000}]}, rules.CASH_WRONG),
        ({"wechat_pay_cash_fee": 42001}, rules.CASH_WRONG),
        ({"med_ins_gov_fee": 100001}, rules.TOTAL_WRONG),
        ({"total_fee": 2**63 - 1, "med_ins_gov_fee": 2**63 - 1}, rules.OVERFLOW),
        ({"med_ins_gov_fee": 2**63 - 1, "geo_location": None}, rules.OVERFLOW),
        ({"med_ins_cash_fee": 2**63 - 1, "cash_reduce_detail": []}, rules.CASH_NOT_COMPUTABLE),
    ],
)
def test_amounts_that_do_not_fit(changes: dict[str, Any], wrong: rules.Fault) -> None:
    order = {name: value for name, value in (EXAMPLE | changes).items() if value is not None}
    assert rules.fault(order, STRICT) == wrong


@pytest.mark.parametrize(
    ("strict", "changes", "wrong"),
    [
        (rules.Strictness(cash_first=False), {"wechat_pay_cash_fee": 42001}, rules.TOTAL_WRONG),
        (
            rules.Strictness(negative_computes=False),
            {"cash_reduce_detail": [{"cash_reduce_fee": 60000}]},
            rules.CASH_NOT_COMPUTABLE,
        ),
    ],
)
def test_what_a_broken_sum_is_called_is_a_choice(
    strict: rules.Strictness, changes: dict[str, Any], wrong: rules.Fault
) -> None:
    assert rules.fault(EXAMPLE | changes, strict) == wrong


@pytest.mark.parametrize("field", [*rules.BUREAU_FIELDS, *rules.SETTLED_FEES, "prepay_id", "wechat_pay_cash_fee"])
def test_both_parts_need_every_field(field: str) -> None:
    assert rules.fault({k: v for k, v in EXAMPLE.items() if k != field}, STRICT) == rules.MIXED_FIELDS


@pytest.mark.parametrize("mode", ["with_additions", "always", "never"])
@pytest.mark.parametrize("added", [None, 5000, 4000])
def test_cash_alone_by_strictness(mode: str, added: int | None) -> None:
    order: dict[str, Any] = {
        "mix_pay_type": "CASH_ONLY",
        "prepay_id": "wx",
        "total_fee": 5000,
        "wechat_pay_cash_fee": 5000,
        **({"cash_add_detail": [{"cash_add_fee": added}]} if added else {}),
    }
    bound = mode == "always" or (mode == "with_additions" and added)
    expected = rules.CASH_WRONG if bound and added != 5000 else None
    assert rules.fault(order, rules.Strictness(cash_only_identities=mode)) == expected


@given(st.lists(st.integers(0, 10**9), min_size=7, max_size=7))
def test_amounts_made_to_fit_do(amounts: list[int]) -> None:
    gov, own, other, due, added, reduced, _ = amounts
    cash = due + added - reduced
    order = EXAMPLE | {
        "med_ins_gov_fee": gov,
        "med_ins_self_fee": own,
        "med_ins_other_fee": other,
        "med_ins_cash_fee": due,
        "wechat_pay_cash_fee": max(cash, 0),
        "total_fee": gov + own + other + due + added,
        "cash_add_detail": [{"cash_add_fee": added}],
        "cash_reduce_detail": [{"cash_reduce_fee": reduced}],
    }
    found = rules.fault(order, STRICT)
    if cash > 0 and gov + own + other + due:
        assert found is None
    else:
        assert found in (rules.AMOUNTS_WRONG, rules.CASH_WRONG, rules.TOTAL_WRONG)


@pytest.mark.parametrize("kind", rules.MIX_PAY_TYPES)
@pytest.mark.parametrize("event", rules.FROM)
def test_a_mixed_order_ends_once(kind: str, event: str) -> None:
    ended = rules.moved(rules.created(kind), event)
    for again in rules.FROM:
        with pytest.raises(rules.NotAllowed):
            rules.moved(ended, again)


@pytest.mark.parametrize("kind", rules.MIX_PAY_TYPES)
def test_a_mixed_order_is_refunded_when_every_part_is(kind: str) -> None:
    states = rules.moved(rules.created(kind), "paid")
    if kind != "INSURANCE_ONLY":
        states = rules.moved(states, "cash_refunded")
    assert (states[0] == "MIX_PAY_REFUND") == (kind == "CASH_ONLY")
    if kind != "CASH_ONLY":
        states = rules.moved(states, "insurance_refunded")
    assert states[0] == "MIX_PAY_REFUND"


def test_an_order_moves_only_along_its_table() -> None:
    states = {state for state, _ in rules.TRADE} | set(rules.TRADE.values())
    for state, event in product(states, {"paid", "closed", "refunded"}):
        if (state, event) in rules.TRADE:
            assert rules.move(rules.TRADE, state, event) in rules.TRADE_SAYS
        else:
            with pytest.raises(rules.NotAllowed):
                rules.move(rules.TRADE, state, event)


def test_refunds_stop_at_fifty_and_at_the_total() -> None:
    assert rules.may_refund(100, [50], 50) is None
    assert "剩余" in (rules.may_refund(100, [50], 51) or "")
    assert "50次" in (rules.may_refund(100, [1] * 50, 1) or "")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"id": "P04", "guardian": "P01"}, {"id": "P01"}, True),
        ({"id": "P06", "mother": "P07"}, {"id": "P07"}, True),
        ({"id": "P25", "spouse_of": "P07"}, {"id": "P07"}, True),
        ({"id": "P01", "relation": "self"}, {"id": "P03", "relation": "parent"}, True),
        ({"id": "P02"}, {"id": "P03", "relation": "parent"}, False),
    ],
)
def test_family_is_a_fact(one: dict[str, str], other: dict[str, str], expected: bool) -> None:
    plain = {"relation": "", "guardian": "", "mother": "", "spouse_of": ""}
    a, b = SimpleNamespace(**plain | one), SimpleNamespace(**plain | other)
    assert rules.related(a, b) is rules.related(b, a) is expected

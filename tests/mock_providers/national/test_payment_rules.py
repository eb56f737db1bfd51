"""Order states as a table, and what a refund may ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers.national import payment_rules as rules
from mock_providers.national.texts import Refused

EVENTS = sorted({event for _, event in rules.NEXT})


def walk(*events: str) -> int:
    state = rules.SAVED
    for event in events:
        state = rules.move(state, event)
    return state


def test_the_usual_ways() -> None:
    paid = ("ordered", "taken", "insurance_paid", "booked", "completed")
    assert walk(*paid) == 6
    assert walk("ordered", "taken", "cash_paid", "insurance_paid", "booked", "completed", "all_refunded") == 7
    assert walk(*paid, "insurance_refunded", "cash_refunded") == 7
    assert walk(*paid, "cash_refunded_partly", "insurance_refunded") == 11
    assert walk("ordered", "taken", "failed") == 15 and walk("revoked", "revoked") == 12


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_any_walk_ends_in_a_known_state_and_no_end_is_left(events: list[str]) -> None:
    state = rules.SAVED
    for event in events:
        try:
            after = rules.move(state, event)
        except Refused as refused:
            assert "当前订单状态不允许" in refused.text
            continue
        assert state not in (rules.REFUNDED, rules.FAILED) and (state != rules.REVOKED or after == rules.REVOKED)
        state = after
    assert 0 <= state <= 15


fen = st.integers(0, 10**6)


@given(fen, fen, fen, fen, st.sampled_from(["ALL", "CASH", "HI"]), st.tuples(fen, fen, fen))
def test_a_refund_never_exceeds_what_was_paid(
    account: int, fund: int, cash: int, back: int, kind: str, asked: tuple[int, int, int]
) -> None:
    paid, left = rules.Parts(account, fund, cash), max(0, cash - back)
    try:
        event = rules.refund_event(kind, sum(asked), rules.Parts(*asked), paid, left)
    except Refused:
        return
    assert asked[2] <= left
    if kind == "CASH":
        assert asked[:2] == (0, 0) and (event == "cash_refunded") == (asked[2] == left)
    else:
        assert asked[:2] == (account, fund)


@pytest.mark.parametrize("kind", ["ALL", "HI"])
def test_the_whole_is_always_accepted(kind: str) -> None:
    asked = rules.Parts(162, 138, 38 if kind == "ALL" else 0)
    total = asked.account_fen + asked.fund_fen + asked.cash_fen
    assert rules.refund_event(kind, total, asked, rules.Parts(162, 138, 38), 38).endswith("refunded")

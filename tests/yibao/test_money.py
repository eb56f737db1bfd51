"""Fen in, fen out, yuan only at the wire."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao import money


@given(st.integers(-(10**14), 10**14))
def test_fen_survive_the_wire(amount):
    assert money.fen(money.yuan(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("10.30", 1030), ("10.3", 1030), (10, 1000), (0.1, 10), (Decimal("1.10"), 110), ("-0.05", -5), ("1E+2", 10000)],
)
def test_yuan_are_read_exactly(text, amount):
    assert money.fen(text) == amount


@pytest.mark.parametrize("text", ["1.005", "NaN", "Infinity", "", "abc", "1,000.00", 0.001, "一"])
def test_what_is_no_whole_number_of_fen_is_refused(text):
    with pytest.raises(ValueError, match=r"fen|amount"):
        money.fen(text)


@pytest.mark.parametrize(("amount", "ratio", "part"), [(452, 500, 23), (1, 5000, 1), (3, 5000, 2), (0, 6000, 0)])
def test_half_a_fen_goes_up(amount, ratio, part):
    assert money.share(amount, ratio) == part


def test_small_and_negative_amounts_have_two_decimals():
    assert [money.yuan(n) for n in (0, 5, -5, 1030, -1030)] == ["0.00", "0.05", "-0.05", "10.30", "-10.30"]

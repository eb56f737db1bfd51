"""The caps of mutual aid where a policy has them, in the books: a purchase, a day, a year, and what is retained."""

from datetime import timedelta

import pytest
from flask import Flask

from mock_providers import clock, switches
from mock_providers.national import ledger
from tests.mock_providers.national.bureau import adjust, bought, line, look, writing


@pytest.fixture
def capped(mocks: Flask) -> Flask:
    """P04 has no account of their own; P01 helps, by at most 50 yuan a purchase, 120 a day, 600 a year."""
    with writing(mocks):
        switches.put("national.policy", "sample-caps")
        clock.stand("default", clock.now())
    adjust(mocks, "P04", mutual_aid_from="P01")
    return mocks


def given(app: Flask, number: str, **more: str) -> int:
    """What mutual aid gives to a purchase of 199.00."""
    with writing(app):
        return ledger.commit_settlement(bought("P04", line("X01"), **more), number).mutual_fen


def days_later(app: Flask, days: int = 1) -> None:
    with writing(app):
        clock.stand("default", clock.now() + timedelta(days=days))


def test_a_purchase_a_day_and_a_year_take_no_more_than_their_caps(capped: Flask) -> None:
    assert [given(capped, f"A{n}") for n in range(4)] == [5000, 5000, 2000, 0]
    for day in range(4):
        days_later(capped)
        assert sum(given(capped, f"B{day}{n}") for n in range(4)) == 12_000
    days_later(capped)
    assert given(capped, "C") == 0 and look(capped, "P01")["mutual_used_fen"] == 60_000


def test_the_giver_keeps_what_is_retained(capped: Flask) -> None:
    adjust(capped, "P01", balance_fen=13_000)
    assert [given(capped, f"A{n}") for n in range(2)] == [3000, 0]
    assert look(capped, "P01")["balance_fen"] == 10_000


def test_a_refund_frees_the_day_it_was_given_on_and_no_other(capped: Flask) -> None:
    with writing(capped):
        first = ledger.commit_settlement(bought("P04", line("X01")), "A")
        ledger.reverse_settlement(first.setl_id, "B")
    assert sum(given(capped, f"C{n}") for n in range(4)) == 12_000
    with writing(capped):
        second = ledger.commit_settlement(bought("P04", line("D05")), "D")
    days_later(capped)
    with writing(capped):
        ledger.reverse_settlement(second.setl_id, "E")
    assert sum(given(capped, f"F{n}") for n in range(5)) == 12_000


def test_yesterdays_refund_does_not_make_today_larger(capped: Flask) -> None:
    with writing(capped):
        first = ledger.commit_settlement(bought("P04", line("X01")), "A")
    days_later(capped)
    with writing(capped):
        ledger.reverse_settlement(first.setl_id, "B")
    assert sum(given(capped, f"C{n}") for n in range(5)) == 12_000


def test_purchases_told_of_later_count_on_the_day_the_money_goes(capped: Flask) -> None:
    assert sum(given(capped, f"A{n}", begntime="2025-11-20 10:00:00") for n in range(5)) == 12_000

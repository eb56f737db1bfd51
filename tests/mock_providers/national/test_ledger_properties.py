"""Random people, baskets, histories and refunds in the books: sums, caps, restoring, order. Nothing is committed."""

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from flask import Flask, g
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from mock_providers import create_app, switches
from mock_providers.db import db
from mock_providers.national import benefit, ledger, person, policy, setlinfo
from mock_providers.national.models import Settlement, TraceCode
from mock_providers.people import world
from mock_providers.settings import Settings
from tests.mock_providers.national.bureau import bought, line
from tests.mock_providers.national.business import decimal_or_text, identities, line_identities

PEOPLE = ("P01", "P02", "P03", "P04", "P08", "P17", "P24")
PLACES = ("P46019900008", "P46019900010", "H46019900001", "H46019900003", "H46019900005")
CODES = ("D04", "D05", "D07", "D25", "X01", "X02")
NUMBER = itertools.count(1)
FEW = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Want:
    """A purchase somebody wants to make."""

    who: str
    place: str
    items: tuple[tuple[str, int], ...]
    account: bool = True
    year: int = 2025


@dataclass(frozen=True)
class Start:
    """How things stand before: the rules, balances, what was used and given this year, and who helps whom."""

    profile: str
    mode: str
    balances: tuple[int, ...]
    used: tuple[int, ...]
    given: tuple[int, ...]
    helpers: tuple[str | None, ...]


WANTS = st.builds(
    Want,
    who=st.sampled_from(PEOPLE),
    place=st.sampled_from(PLACES),
    items=st.dictionaries(st.sampled_from(CODES), st.integers(1, 12), min_size=1, max_size=4).map(
        lambda found: tuple(sorted(found.items()))
    ),
    account=st.sampled_from([True, True, True, False]),
    year=st.sampled_from([2025, 2025, 2024]),
)
STARTS = st.builds(
    Start,
    profile=st.sampled_from(["hn", "sample-caps", "generic-6", "sample-sjz", "shanxi"]),
    mode=st.sampled_from(["policy", "open"]),
    balances=st.tuples(*(st.sampled_from([0, 1, 999, 40_000, 3_000_000]) for _ in PEOPLE)),
    used=st.tuples(*(st.sampled_from([0, 0, 49_000, 249_900]) for _ in PEOPLE)),
    given=st.tuples(*(st.sampled_from([0, 0, 56_000, 779_000]) for _ in PEOPLE)),
    helpers=st.tuples(*(st.none() | st.sampled_from(PEOPLE) for _ in PEOPLE)),
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(Settings(data=tmp_path_factory.mktemp("properties"), background=False))


@contextmanager
def at(app: Flask, start: Start) -> Iterator[None]:
    """A transaction in which things stand so; it is rolled back."""
    with app.app_context():
        g.write_mode = True
        switches.put("national.policy", start.profile)
        switches.put("national.pharmacy_pooled_mode", start.mode)
        rows = zip(PEOPLE, start.balances, start.used, start.given, start.helpers, strict=True)
        for who, balance, used, helped_fen, helper in rows:
            insured = world().people[who].insurance
            assert insured
            own = balance if insured.type == "310" else 0
            helped = None if helper == who else helper
            person.adjust(who, balance_fen=own, pooled_used_fen=used, mutual_aid_from=helped)
            person.adjust(who, mutual_used_fen=helped_fen)
        yield
        db.session.rollback()


def known() -> dict[str, Any]:
    """Everything a settlement may change: people, this year and the last."""
    people = {who: person.describe(who) for who in PEOPLE}
    rows = [person.counter_of(world().people[who], 2024) for who in PEOPLE]
    last = [(row.deductible_paid_fen, row.pooled_used_fen, row.mutual_used_fen) for row in rows]
    return {**people, "2024": last, "packs": db.session.scalar(select(func.count()).select_from(TraceCode))}


def settle(want: Want) -> Settlement:
    rows = [line(code, count) for code, count in want.items]
    flags = {"acct_used_flag": "1" if want.account else "0", "begntime": f"{want.year}-11-30 10:00:00"}
    if want.place.startswith("P"):  # a prescription of a hospital of no particular level
        rows = [{**row, "rxno": f"RX{next(NUMBER)}"} for row in rows]
        switches.put("national.rxno_check", "form")
    purchase = bought(want.who, *rows, at=want.place, **flags)
    return ledger.commit_settlement(purchase, f"M{next(NUMBER)}")


def give_back(made: Sequence[Settlement]) -> None:
    for one in made:
        ledger.reverse_settlement(one.setl_id, f"R{next(NUMBER)}")


def legs(row: Settlement) -> tuple[int, ...]:
    return row.pooled_fen, row.own_fen, row.mutual_fen, row.wallet_fen, row.cash_fen


@FEW
@given(STARTS, st.lists(WANTS, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_everything_adds_up_crosses_no_cap_and_comes_back_in_any_order(
    app: Flask, start: Start, wants: list[Want], choose: random.Random
) -> None:
    with at(app, start):
        before, made = known(), []
        for want in wants:
            balances = {who: person.describe(who)["balance_fen"] for who in PEOPLE}
            made.append(settle(want))
            check_sums(made[-1])
            check_caps(want, made[-1], balances)
        check_counters(before, made)
        choose.shuffle(made)
        give_back(made)
        assert known() == before
        assert db.session.scalar(select(func.sum(Settlement.total_fen))) == 0


def check_sums(row: Settlement) -> None:
    info = {name: decimal_or_text(value) for name, value in row.setlinfo.items()}
    identities(info, setlinfo.spoken(row.detail["setldetail"]), exclusive=False, includes=False)
    line_identities(setlinfo.spoken(row.detail["detlcutinfo"]), info)
    assert min(legs(row)) >= 0 and sum(legs(row)) == row.total_fen
    assert (row.fund_sum_fen, row.account_fen) == (row.pooled_fen, row.own_fen + row.mutual_fen)


def check_caps(want: Want, row: Settlement, balances: dict[str, int]) -> None:
    """No account below zero, and no more from another's than the rules let go."""
    rules = policy.in_force(date(want.year, 11, 30))
    now = {who: person.describe(who) for who in PEOPLE}
    assert all(one["balance_fen"] >= 0 for one in now.values())
    assert now[want.who]["balance_fen"] == balances[want.who] - row.own_fen
    if row.mutual_fen:
        giver = row.mutual_aid_from
        assert giver and balances[giver] - row.mutual_fen == now[giver]["balance_fen"] >= rules.retain_fen
        assert row.mutual_fen <= (rules.mutual_per_purchase_fen or row.mutual_fen)
        counter = person.counter_of(world().people[giver], want.year).mutual_used_fen
        assert counter <= (rules.mutual_per_year_fen or counter)
        today = db.session.scalar(select(func.sum(Settlement.mutual_fen)).where(Settlement.mutual_aid_from == giver))
        assert today and today <= (rules.mutual_per_day_fen or today)
    if not want.account:
        assert (row.own_fen, row.mutual_fen) == (0, 0) and balances == {
            w: one["balance_fen"] for w, one in now.items()
        }


def check_counters(before: dict[str, Any], made: Sequence[Settlement]) -> None:
    for who in PEOPLE:
        patient = world().people[who]
        counter = person.counter_of(patient, 2025)
        mine = [row for row in made if (row.person, row.year) == (who, 2025)]
        pooled = sum(row.pooled_fen for row in mine)
        assert counter.pooled_used_fen == before[who]["pooled_used_fen"] + pooled
        rules, insured = policy.in_force(date(2025, 11, 30)), person.standing(patient)
        facts = benefit.Patient(insured.insutype, patient.born_on, patient.gender, insured.retired)
        cap = benefit.cap_fen(rules.scheme(insured.insutype), facts, date(2025, 11, 30))
        assert not pooled or counter.pooled_used_fen <= cap


@FEW
@given(STARTS, st.lists(WANTS, min_size=2, max_size=6, unique_by=lambda want: want.who), st.randoms())
def test_the_order_of_independent_settlements_changes_no_sum_of_funds(
    app: Flask, start: Start, wants: list[Want], choose: random.Random
) -> None:
    """Different people: each has their own funds. Where nobody helps anybody, every leg stays the same."""
    alone = replace(start, helpers=(None,) * len(PEOPLE))
    for begins in (start, alone):
        found = []
        for order in (wants, choose.sample(wants, len(wants))):
            with at(app, begins):
                made = {want.who: legs(settle(want)) for want in order}
            found.append(made)
        first, second = found
        assert {who: row[0] for who, row in first.items()} == {who: row[0] for who, row in second.items()}
        assert begins is start or first == second


@FEW
@given(STARTS, WANTS)
def test_without_the_account_flag_no_account_moves(app: Flask, start: Start, want: Want) -> None:
    with at(app, start):
        before = known()
        row = settle(replace(want, account=False))
        assert (row.own_fen, row.mutual_fen, row.account_fen, row.mutual_aid_from) == (0, 0, 0, None)
        after = known()
        for who in PEOPLE:
            assert (after[who]["balance_fen"], after[who]["mutual_used_fen"]) == (
                before[who]["balance_fen"],
                before[who]["mutual_used_fen"],
            )
        with_account = ledger.presettle(bought(want.who, line("D04"), at=want.place)).split
        assert with_account.total_fen == 390


@FEW
@given(STARTS, st.lists(WANTS, min_size=2, max_size=5))
def test_a_purchase_refunded_in_between_leaves_the_funds_as_if_it_had_not_been_made(
    app: Flask, start: Start, wants: list[Want]
) -> None:
    extra, *others = wants
    with at(app, start):
        clean = [legs(settle(want)) for want in others]
    with at(app, start):
        give_back([settle(extra)])
        assert [legs(settle(want)) for want in others] == clean

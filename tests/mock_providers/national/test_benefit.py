"""The arithmetic, to the fen: the worked cases of both sheets, and what must hold for any purchase."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import switches
from mock_providers.national import benefit, policy
from mock_providers.national.benefit import Line, Patient, Purses

TODAY = date(2025, 12, 1)
RULES = policy.on(TODAY)
ADULT = Patient("310", date(1988, 3, 15), "male")
CHILD = Patient("390", date(2017, 9, 10), "female")


def a(price: int, count: int = 1, **more: object) -> Line:
    """甲: the whole price in scope."""
    return Line(Decimal(count), Decimal(price), "01", 0, **more)


def b(price: int, count: int = 1, bp: int = 1000, **more: object) -> Line:
    """乙: a share is paid first."""
    return Line(Decimal(count), Decimal(price), "02", bp, **more)


def c(price: int, count: int = 1) -> Line:
    """自费."""
    return Line(Decimal(count), Decimal(price), "03", 10_000)


CASES = {
    "E1": (1, [b(1850), a(1280)], ADULT, Purses(328650), False, (3130, 2945, 185, 0, 0, 3130, 0, 0)),
    "E2": (1, [a(680, 2), b(3980)], CHILD, Purses(0, 328650), True, (5340, 4942, 398, 1000, 2759, 0, 2581, 0)),
    "E3": (
        2,
        [a(560, 3), b(2860, 2), c(2990)],
        replace(ADULT, gender="female", deductible_paid_fen=1000),
        Purses(),
        True,
        (10390, 6828, 572, 4000, 1696, 0, 0, 8694),
    ),
    "E4": (
        1,
        [a(560, 6), a(1260, 6)],
        Patient("390", date(1960, 2, 14), "female", deductible_paid_fen=1000, pooled_used_fen=67000),
        Purses(0, 5000),
        True,
        (10920, 10920, 0, 0, 3000, 0, 5000, 2920),
    ),
    "E5": (
        3,
        [b(47800)],
        Patient("310", date(1938, 1, 1), "male", retired=True, contribution_years=31),
        Purses(120000),
        True,
        (47800, 43020, 4780, 10000, 16510, 31290, 0, 0),
    ),
    "E5b": (
        3,
        [b(47800)],
        Patient("310", date(1958, 5, 20), "male", retired=True, contribution_years=28),
        Purses(1000, 5000),
        True,
        (47800, 43020, 4780, 10000, 14528, 1000, 5000, 27272),
    ),
    "E6": (1, [c(19900)], ADULT, Purses(328650), False, (19900, 0, 0, 0, 0, 19900, 0, 0)),
    "E7": (1, [a(680, 2)], replace(ADULT, benefit_bp=0), Purses(7700), True, (1360, 1360, 0, 0, 0, 1360, 0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_worked_cases_of_the_domain_sheet_are_exact_to_the_fen(case: str) -> None:
    level, lines, patient, purses, pooled, expected = CASES[case]
    made = benefit.split(RULES, TODAY, level, lines, patient, purses, pooled)
    found = (made.total_fen, made.in_scope_fen, made.first_pay_fen, made.deductible_fen, *made.legs)
    assert found == expected


SHEET = {
    "E1": (
        [a(1250, 2), b(3800, ceiling_fen=3600), c(1500)],
        ADULT,
        Purses(50000),
        False,
        (7800, 1500, 200, 360, 5740, 0, 0, 7800, 0, 0, 42200),
    ),
    "E2": (
        [a(1800, 2), b(1000, 3, bp=500)],
        ADULT,
        Purses(2000, 30000),
        False,
        (6600, 0, 0, 150, 6450, 0, 0, 2000, 4600, 0, 0),
    ),
    "E3": (
        [a(2500, 4), b(10000, 2)],
        replace(ADULT, pooled_used_fen=50000),
        Purses(50000),
        True,
        (30000, 0, 0, 2000, 28000, 5000, 13800, 16200, 0, 0, 33800),
    ),
    "E4": (
        [a(5800), b(1500, 2, bp=2000)],
        ADULT,
        Purses(5000),
        False,
        (8800, 0, 0, 600, 8200, 0, 0, 5000, 0, 3800, 0),
    ),
    "E5": ([a(980, 3), c(1620)], CHILD, Purses(), False, (4560, 1620, 0, 0, 2940, 0, 0, 0, 0, 4560, 0)),
}


@pytest.mark.parametrize("case", SHEET)
def test_the_worked_cases_of_the_protocol_sheet_are_exact_to_the_fen(case: str) -> None:
    lines, patient, purses, pooled, expected = SHEET[case]
    made = benefit.split(RULES, TODAY, 2, lines, patient, purses, pooled)
    header = (made.total_fen, made.full_self_fen, made.over_limit_fen, made.first_pay_fen, made.in_scope_fen)
    assert (*header, made.deductible_fen, *made.legs, made.own_after_fen) == expected


def test_a_line_over_its_ceiling_pays_first_only_on_what_is_below() -> None:
    line = benefit.split_line(b(3800, ceiling_fen=3600), RULES)
    assert (line.over_limit_fen, line.first_pay_fen, line.in_scope_fen) == (200, 360, 3240)


def test_a_public_sample_of_first_pay_rounds_half_up() -> None:
    assert benefit.split_line(b(452, bp=500), RULES).first_pay_fen == 23


@pytest.mark.parametrize(
    "insutype, level, deductible, bp",
    [
        ("310", 0, 1000, 7000),
        ("310", 1, 1000, 7000),
        ("310", 2, 5000, 6000),
        ("310", 3, 10000, 5000),
        ("390", 0, 1000, 7000),
        ("390", 1, 1000, 7000),
        ("390", 2, 5000, 5000),
        ("390", 3, 10000, 3000),
    ],
)
def test_deductible_and_ratio_follow_scheme_and_level(insutype: str, level: int, deductible: int, bp: int) -> None:
    made = benefit.split(RULES, TODAY, level, [a(20000)], Patient(insutype, date(1990, 1, 1), "male"), Purses())
    assert (made.deductible_fen, made.ratio_bp) == (deductible, bp)
    assert made.pooled_fen == (20000 - deductible) * bp // 10_000


@pytest.mark.parametrize(
    "day, retired, cap",
    [
        (date(2024, 9, 30), False, 150_000),
        (date(2024, 12, 31), False, 150_000),
        (date(2024, 12, 31), True, 200_000),
        (date(2025, 1, 1), False, 250_000),
        (date(2025, 1, 1), True, 300_000),
        (date(2021, 6, 1), False, 150_000),
    ],
)
def test_the_yearly_cap_of_employees_changes_with_the_year(day: date, retired: bool, cap: int) -> None:
    rules, patient = policy.on(day), replace(ADULT, retired=retired)
    assert benefit.split(rules, day, 1, [a(10**7)], patient, Purses()).pooled_fen == cap


@pytest.mark.parametrize("day, cap", [(date(2025, 2, 13), 50_000), (date(2025, 2, 14), 70_000)])
def test_a_resident_has_the_higher_cap_from_the_sixtieth_birthday(day: date, cap: int) -> None:
    patient = Patient("390", date(1965, 2, 14), "female")
    assert benefit.split(RULES, day, 1, [a(10**6)], patient, Purses()).pooled_fen == cap


@pytest.mark.parametrize(
    "gender, years, bp",
    [
        ("male", 30, 5000),
        ("male", 29, 4700),
        ("male", 28, 4400),
        ("female", 25, 5000),
        ("female", 24, 4700),
        ("male", 0, 0),
        ("male", None, 5000),
    ],
)
def test_a_retired_person_loses_three_points_for_each_missing_year(gender: str, years: int | None, bp: int) -> None:
    patient = Patient("310", date(1955, 1, 1), gender, retired=True, contribution_years=years)
    assert benefit.ratio_bp(RULES, patient, 3) == bp


def test_reversing_the_account_order_changes_legs_and_not_the_total() -> None:
    other = replace(RULES, order=("mutual_aid", "own", "wallet", "cash"))
    lines, purses = [a(9000)], Purses(4000, 3000, 1000)
    one = benefit.split(RULES, TODAY, 1, lines, ADULT, purses, False)
    two = benefit.split(other, TODAY, 1, lines, ADULT, replace(purses, mutual_fen=6000), False)
    assert (one.legs, one.wallet_fen) == ((0, 4000, 3000, 1000), 1000)
    assert (two.legs, two.wallet_fen) == ((0, 3000, 6000, 0), 0)


def test_mutual_aid_leaves_what_is_retained_and_stops_at_its_caps() -> None:
    strict = replace(RULES, retain_fen=1000, mutual_per_purchase_fen=700, mutual_per_year_fen=1000)
    assert benefit.mutual_left_fen(strict, Purses(0, 1500)) == 500
    assert benefit.mutual_left_fen(strict, Purses(0, 5000)) == 700
    assert benefit.mutual_left_fen(strict, Purses(0, 5000, 0, 800)) == 200
    assert benefit.mutual_left_fen(strict, Purses(0, 900)) == 0


def test_rounding_of_the_pooled_share_is_a_matter_of_policy() -> None:
    up = replace(RULES, pooled_rounding="half_up")  # (5338 - 1000) × 70 % = 3036.6
    pooled = [benefit.split(rules, TODAY, 1, [a(5338)], CHILD, Purses()).pooled_fen for rules in (RULES, up)]
    assert pooled == [3036, 3037]


def test_only_lines_the_fund_covers_enter_the_base() -> None:
    made = benefit.split(RULES, TODAY, 1, [a(5000), a(3000, pooled=False)], CHILD, Purses())
    assert (made.in_scope_fen, made.pooled_scope_fen, made.pooled_fen) == (8000, 5000, 2800)


LINES = st.lists(
    st.builds(
        Line,
        quantity=st.decimals("0.0001", "99", places=4),
        unit_price_fen=st.decimals("0", "99999", places=4),
        level=st.sampled_from(["01", "02", "03"]),
        first_pay_bp=st.integers(0, 10_000),
        ceiling_fen=st.none() | st.integers(0, 99_999),
        pooled=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
MONEY = st.integers(0, 10**7)
PATIENTS = st.builds(
    Patient,
    insutype=st.sampled_from(["310", "390"]),
    born_on=st.dates(date(1930, 1, 1), date(2025, 1, 1)),
    gender=st.sampled_from(["male", "female"]),
    retired=st.booleans(),
    contribution_years=st.none() | st.integers(0, 45),
    benefit_bp=st.sampled_from([0, 5000, 10_000]),
    deductible_paid_fen=MONEY,
    pooled_used_fen=MONEY,
)
POLICIES = st.builds(
    lambda base, pooled, line, order, outside, retain, once, today, year: replace(
        base,
        pooled_rounding=pooled,
        line_rounding=line,
        order=(*order, "cash"),
        pays_outside=outside,
        retain_fen=retain,
        mutual_per_purchase_fen=once,
        mutual_per_day_fen=today,
        mutual_per_year_fen=year,
    ),
    st.sampled_from([v for profile in switches.ALL["national.policy"].choices for v in policy.versions(profile)]),
    st.sampled_from(["floor", "half_up"]),
    st.sampled_from(["floor", "half_up"]),
    st.permutations(["own", "mutual_aid", "wallet"]),
    st.booleans(),
    MONEY,
    st.none() | MONEY,
    st.none() | MONEY,
    st.none() | MONEY,
)
DAYS = st.dates(date(2022, 1, 1), date(2026, 12, 31))
PURSES = st.builds(Purses, MONEY, MONEY, MONEY, MONEY, MONEY)


@given(POLICIES, DAYS, st.integers(0, 3), LINES, PATIENTS, PURSES, st.booleans())
def test_any_purchase_adds_up_and_crosses_no_limit(rules, day, level, lines, patient, purses, pooled) -> None:
    made = benefit.split(rules, day, level, lines, patient, purses, pooled)
    assert made.pooled_fen + made.own_fen + made.mutual_fen + made.wallet_fen + made.cash_fen == made.total_fen
    assert min(made.pooled_fen, made.own_fen, made.mutual_fen, made.wallet_fen, made.cash_fen) >= 0
    cap = benefit.cap_fen(rules.scheme(patient.insutype), patient, day)
    assert not made.pooled_fen or made.pooled_fen + patient.pooled_used_fen <= cap
    assert made.own_fen <= purses.own_fen and made.wallet_fen <= purses.wallet_fen
    assert made.mutual_fen <= max(0, purses.mutual_fen - rules.retain_fen)
    for limit, used in (
        (rules.mutual_per_purchase_fen, 0),
        (rules.mutual_per_day_fen, purses.mutual_used_today_fen),
        (rules.mutual_per_year_fen, purses.mutual_used_this_year_fen),
    ):
        assert limit is None or not made.mutual_fen or made.mutual_fen + used <= limit
    outside = 0 if rules.pays_outside else made.full_self_fen
    assert made.cash_fen >= outside
    if made.cash_fen > outside:
        assert made.own_fen == purses.own_fen and made.wallet_fen == purses.wallet_fen
    if not pooled or not patient.benefit_bp:
        assert made.pooled_fen == made.deductible_fen == made.ratio_bp == 0


@given(POLICIES, DAYS, st.integers(0, 3), LINES, LINES, PATIENTS, PURSES)
def test_buying_more_never_lowers_what_the_fund_pays(rules, day, level, lines, more, patient, purses) -> None:
    less = benefit.split(rules, day, level, lines, patient, purses)
    both = benefit.split(rules, day, level, [*lines, *more], patient, purses)
    assert both.pooled_fen >= less.pooled_fen and both.total_fen >= less.total_fen


@given(POLICIES, DAYS, LINES, PATIENTS, PURSES, MONEY)
def test_more_on_the_account_never_means_more_cash(rules, day, lines, patient, purses, more) -> None:
    poor = benefit.split(rules, day, 1, lines, patient, purses)
    rich = benefit.split(rules, day, 1, lines, patient, replace(purses, own_fen=purses.own_fen + more))
    assert rich.cash_fen <= poor.cash_fen and rich.pooled_fen == poor.pooled_fen


@given(POLICIES, DAYS, LINES, PATIENTS, PURSES, MONEY)
def test_having_used_more_of_the_cap_never_raises_what_the_fund_pays(
    rules, day, lines, patient, purses, more
) -> None:
    fresh = benefit.split(rules, day, 1, lines, patient, purses)
    worn = replace(patient, pooled_used_fen=patient.pooled_used_fen + more)
    assert benefit.split(rules, day, 1, lines, worn, purses).pooled_fen <= fresh.pooled_fen


@given(DAYS, LINES, PATIENTS)
def test_in_hainan_a_higher_hospital_never_costs_the_fund_more(day, lines, patient) -> None:
    paid = [benefit.split(policy.on(day), day, level, lines, patient, Purses()).pooled_fen for level in (1, 2, 3)]
    assert paid == sorted(paid, reverse=True)


@given(LINES, LINES, PATIENTS, st.integers(0, 3))
def test_two_purchases_cost_the_fund_the_same_in_either_order_but_for_rounding(one, two, patient, level) -> None:
    def both(*baskets) -> int:
        used, paid = replace(patient), 0
        for lines in baskets:
            made = benefit.split(RULES, TODAY, level, lines, used, Purses())
            paid += made.pooled_fen
            used = replace(
                used,
                deductible_paid_fen=used.deductible_paid_fen + made.deductible_fen,
                pooled_used_fen=used.pooled_used_fen + made.pooled_fen,
            )
        return paid

    assert abs(both(one, two) - both(two, one)) <= 1


def test_goods_outside_the_catalogue_are_cash_where_the_account_may_not_pay_for_them() -> None:
    strict = replace(RULES, pays_outside=False)
    made = benefit.split(strict, TODAY, 1, [a(1000), c(2990)], ADULT, Purses(10_000, 10_000), False)
    assert made.legs == (0, 1000, 0, 2990)


def test_mutual_aid_stops_at_what_may_be_given_in_a_day() -> None:
    strict = replace(RULES, mutual_per_day_fen=1000)
    assert benefit.mutual_left_fen(strict, Purses(0, 5000, 0, 0, 400)) == 600
    assert benefit.mutual_left_fen(strict, Purses(0, 5000, 0, 0, 1400)) == 0

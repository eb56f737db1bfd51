"""The policy files: which is in force when, what they may not say, and interruptions."""

from datetime import date
from importlib.resources import files

import pytest

from mock_providers import switches
from mock_providers.national import benefit, policy
from mock_providers.national.benefit import Patient

TEXT = (files("mock_providers.national") / "policies" / "hn.toml").read_text("utf-8")
RULES = policy.on(date(2025, 12, 1))


@pytest.mark.parametrize(
    "day, version",
    [
        (date(2022, 1, 1), "hn-2022.1"),
        (date(2024, 9, 30), "hn-2022.1"),
        (date(2024, 10, 1), "hn-2024.4"),
        (date(2024, 12, 31), "hn-2024.4"),
        (date(2025, 1, 1), "hn-2025.1"),
        (date(2030, 1, 1), "hn-2025.1"),
    ],
)
def test_the_version_in_force_is_chosen_by_date(day: date, version: str) -> None:
    assert policy.on(day).version == version


@pytest.mark.parametrize(
    "right, wrong, key",
    [
        ('pooled_mode = "rx_only"', 'pooled_mode = "sometimes"', "pooled_mode"),
        ('pooled = "floor"', 'pooled = "up"', "rounding"),
        ('order = ["own", ', 'order = ["cash", ', "account.order"),
        ("3 = 5000 }", "3 = 50000 }", "employee.ratio_bp"),
        ("0 = 7000, ", "", "levels"),
        ('region = "460000"', "", "region"),
        ("[[versions]]", "[[versions", "hn-x.toml"),
        ('off = "points"', 'off = "some"', "years.off"),
        ("pays_outside = true", "", "pays_outside"),
    ],
)
def test_a_wrong_file_names_itself_and_the_key(right: str, wrong: str, key: str) -> None:
    with pytest.raises(policy.BadPolicy, match=key) as error:
        policy.read("hn-x.toml", TEXT.replace(right, wrong, 1))
    assert str(error.value).startswith("hn-x.toml")


@pytest.mark.parametrize(
    "status, day, paused, resumed, bp",
    [
        ("1", date(2025, 12, 1), None, None, 10_000),
        ("2", date(2025, 12, 1), date(2025, 8, 1), None, 0),
        ("2", date(2025, 8, 31), date(2025, 8, 1), None, 10_000),
        ("2", date(2025, 9, 1), date(2025, 8, 1), None, 0),
        ("4", date(2025, 12, 1), None, None, 0),
        ("1", date(2025, 10, 5), date(2025, 8, 1), date(2025, 10, 1), 10_000),
        ("1", date(2026, 1, 5), date(2025, 8, 1), date(2026, 1, 1), 5000),
        ("1", date(2026, 6, 30), date(2025, 8, 1), date(2026, 1, 1), 5000),
        ("1", date(2026, 7, 1), date(2025, 8, 1), date(2026, 1, 1), 10_000),
        ("1", date(2026, 4, 5), date(2025, 8, 1), date(2026, 4, 1), 5000),
    ],
)
def test_an_interruption_costs_benefit_for_a_while(
    status: str, day: date, paused: date | None, resumed: date | None, bp: int
) -> None:
    assert policy.benefit_bp(RULES, status, day, paused, resumed) == bp


def test_a_profile_lays_its_own_rules_over_hainans() -> None:
    six, hainan = policy.on(date(2025, 12, 1), "generic-6"), RULES
    assert six.order == ("mutual_aid", "own", "wallet", "cash")
    assert six.mutual_per_year_fen == 780_576
    assert (six.employee, six.resident, six.interruption) == (hainan.employee, hainan.resident, hainan.interruption)
    assert policy.on(date(2025, 12, 1), "shanxi").retain_fen == 100_000


@pytest.mark.parametrize("profile", switches.ALL["national.policy"].choices)
def test_every_profile_a_space_may_choose_can_be_read(profile: str) -> None:
    assert policy.on(date(2025, 12, 1), profile).version


@pytest.mark.parametrize(
    "age, retired, cap, ratio",
    [(44, False, 350_000, 6000), (45, False, 450_000, 6000), (59, False, 450_000, 6000), (60, True, 600_000, 7000)],
)
def test_the_sample_of_caps_by_age_gives_the_published_numbers(age: int, retired: bool, cap: int, ratio: int) -> None:
    rules = policy.on(date(2025, 12, 1), "sample-sjz")
    patient = Patient("310", date(2025 - age, 12, 1), "male", retired=retired, contribution_years=30)
    assert benefit.cap_fen(rules.employee, patient, date(2025, 12, 1)) == cap
    assert benefit.ratio_bp(rules, patient, 2) == ratio


@pytest.mark.parametrize("off, ratio", [("points", 4400), ("percent", 4700)])
def test_missing_contribution_years_cost_points_or_per_cent(off: str, ratio: int) -> None:
    (rules, *_) = policy.read("hn-x.toml", TEXT.replace('off = "points"', f'off = "{off}"'))
    patient = Patient("310", date(1960, 1, 1), "male", retired=True, contribution_years=28)
    assert benefit.ratio_bp(rules, patient, 3) == ratio

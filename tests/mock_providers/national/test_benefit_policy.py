"""The policy files: which is in force when, what they may not say, and interruptions."""

from datetime import date
from importlib.resources import files

import pytest

from mock_providers.national import policy

TEXT = (files("mock_providers.national") / "hn-2025.1.toml").read_text("utf-8")
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
        ("version =", "version", "hn-x.toml"),
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

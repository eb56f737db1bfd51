from datetime import UTC, datetime, timedelta

import pytest

from mock_providers.webhooks import engine
from tests.mock_providers.webhooks.toy import WECHAT_LADDER

NOON = datetime(2025, 12, 1, 12, tzinfo=UTC)


def test_the_wechat_ladder_makes_sixteen_attempts_over_24_hours_and_4_minutes() -> None:
    instants = engine.ladder(WECHAT_LADDER, NOON)
    assert len(instants) == 16
    assert instants[-1] - NOON == timedelta(hours=24, minutes=4)


@pytest.mark.parametrize(
    ("tries", "accepted", "expected"),
    [
        (1, False, NOON + timedelta(seconds=15)),
        (4, False, NOON + timedelta(minutes=3)),
        (15, False, NOON + timedelta(hours=6)),
        (16, False, None),
        (17, False, None),
        (1, True, None),
    ],
)
def test_the_next_attempt_is_due_by_the_schedule(tries: int, accepted: bool, expected: datetime | None) -> None:
    assert engine.next_due(WECHAT_LADDER, tries, accepted, NOON) == expected


def test_an_attempt_leaves_its_delivery_delivered_pending_or_failed() -> None:
    assert engine.after((15,), 1, True, NOON) == ("delivered", None)
    assert engine.after((15,), 1, False, NOON) == ("pending", NOON + timedelta(seconds=15))
    assert engine.after((15,), 2, False, NOON) == ("failed", None)


def test_a_type_without_a_schedule_of_its_own_has_the_common_one() -> None:
    table = {"": (1, 2), "special": (9,)}
    assert engine.schedule_for(table, "special") == (9,)
    assert engine.schedule_for(table, "other") == (1, 2)


@pytest.mark.parametrize(
    ("state", "action", "expected"),
    [("pending", "hold", "held"), ("held", "release", "pending"), ("leased", "cancel", None), ("held", "hold", None)],
)
def test_what_a_tester_may_do_is_a_table(state: str, action: str, expected: str | None) -> None:
    assert engine.may(state, action) == expected


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Localhost:80/x", "localhost:80"),
        ("http://u:p@a.b/x", "a.b"),
        ("nonsense", ""),
        ("http://[::1", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert engine.host_of(url) == host

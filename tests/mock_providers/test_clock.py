from datetime import datetime, timedelta

from flask import Flask

from mock_providers import clock, spaces
from mock_providers.db import db

NOON = datetime.fromisoformat("2025-12-01T12:00:00+08:00")


def test_a_running_clock_keeps_its_distance_from_the_wall(mocks: Flask) -> None:
    with spaces.entered(mocks, "default"):
        clock.run("default", NOON)
        db.session.commit()
        assert timedelta() <= clock.now() - NOON < timedelta(seconds=10)


def test_a_standing_clock_stands(mocks: Flask) -> None:
    with spaces.entered(mocks, "default"):
        clock.stand("default", NOON)
        db.session.commit()
        assert clock.now() == NOON == clock.now()
        assert clock.unix() == int(NOON.timestamp())
        assert clock.is_frozen("default")


def test_an_unknown_space_has_the_wall_clock(mocks: Flask) -> None:
    with mocks.app_context():
        assert abs(clock.now("nowhere") - clock.wall()) < timedelta(seconds=10)


def test_within_a_request_the_clock_is_read_once(mocks: Flask) -> None:
    with mocks.test_request_context("/"):
        clock.now()
        assert "default" in clock.g.facts
        clock.stand("default", NOON)
        assert clock.now() == NOON


def test_a_clock_may_begin_now(mocks: Flask) -> None:
    assert clock.starting_offset_ms("now") == 0
    assert abs(clock.starting_at("now") - clock.wall()) < timedelta(seconds=10)

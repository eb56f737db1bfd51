"""What is kept is bounded, what is on its way stays, and every list says what had to go."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from mock_providers import bounds, clock, create_app, journal, retention, spaces, timers
from mock_providers.db import db
from mock_providers.journal import Call
from mock_providers.settings import Settings
from mock_providers.timers import Timer
from mock_providers.webhooks.models import Attempt, Delivery, Event
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

URL = "http://127.0.0.1:9/callback"
MUCH = 2**40
Make = Callable[..., Flask]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """The mocks with small bounds that are looked at often, and a space `quiet` beside the default one."""
    monkeypatch.setattr(bounds, "EVERY", 10)

    def build(**settings: Any) -> Flask:
        app = create_app(Settings(data=tmp_path, background=False, **settings))
        sender_of(app).post = Ear()
        app.test_client().post("/_mock/spaces", json={"name": "quiet"})
        return app

    return build


def kept(app: Flask, model: Any, space: str = "default") -> list[int]:
    with spaces.entered(app, space):
        return list(db.session.scalars(select(model.id).order_by(model.id)))


def deliver(app: Flask, space: str = "default") -> None:
    sender_of(app).deliver_due(space, clock.wall() + timedelta(days=2))


def trim(app: Flask, *which: str) -> None:
    with app.app_context():
        app.extensions["bounds"].trim(which or ("default",))
        db.session.commit()


def said(client: FlaskClient, what: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/_mock/{what}").json["retention"]
    return found


def test_a_space_keeps_so_many_calls(make: Make) -> None:
    app = make(journal_rows=5)
    client = app.test_client()
    client.post("/wechat/x", headers={"X-Yibao-Space": "quiet"})
    for _ in range(30):
        client.post("/wechat/x")
        app.extensions["journal"].flush()
    trim(app)
    assert (len(kept(app, Call)), len(kept(app, Call, "quiet"))) == (5, 1)
    assert said(client, "calls") == {"rows_at_most": 5, "bytes_at_most": 2**28, "dropped": 26, "gap": True}
    assert said(client, "calls?after=31")["gap"] is False
    quiet = client.get("/_mock/calls", headers={"X-Yibao-Space": "quiet"}).json["retention"]
    assert (quiet["dropped"], quiet["gap"]) == (0, False)


def test_a_space_keeps_so_many_events_with_all_that_belongs_to_them(make: Make) -> None:
    app = make(journal_rows=4)
    tell(app, URL, n=10)
    deliver(app)
    trim(app)
    assert kept(app, Event) == kept(app, Delivery) == kept(app, Attempt) == [7, 8, 9, 10]
    client = app.test_client()
    assert [said(client, what)["dropped"] for what in ("events", "deliveries", "attempts")] == [6, 6, 6]
    assert (said(client, "events?after=5")["gap"], said(client, "events?after=6")["gap"]) == (True, False)


def test_what_is_still_on_its_way_is_never_dropped(make: Make) -> None:
    app = make(journal_rows=1, journal_bytes=1)
    tell(app, URL, n=6)
    with app.app_context():
        table = Delivery.__table__
        for id_, state in enumerate(("delivered", "held", "pending", "leased", "failed", "cancelled"), 1):
            db.session.execute(update(table).where(table.c.id == id_).values(state=state))
        db.session.commit()
    trim(app)
    trim(app)
    assert kept(app, Event) == [2, 3, 4]


def test_a_row_that_was_dropped_is_told_from_one_that_never_was(make: Make) -> None:
    app = make(journal_rows=1)
    tell(app, URL, n=2)
    deliver(app)
    trim(app)
    client = app.test_client()
    assert "or no longer" in client.get("/_mock/events/1").json["detail"]
    assert "or no longer" not in client.get("/_mock/events/3").json["detail"]


def test_bytes_are_bounded_over_all_spaces_and_the_loud_one_pays(make: Make) -> None:
    app = make(journal_bytes=100_000)
    client = app.test_client()
    for _ in range(3):
        client.post("/wechat/x", data=b"x" * 1000, headers={"X-Yibao-Space": "quiet"})
    for _ in range(60):
        client.post("/wechat/x", data=b"x" * 4000)
        app.extensions["journal"].flush()
    trim(app, "quiet")
    assert len(kept(app, Call, "quiet")) == 3
    with app.app_context():
        assert 0 < sum(bounds.weights().values()) <= 100_000
    dropped = said(client, "calls")["dropped"]
    assert dropped + len(kept(app, Call)) == 61


def test_the_bytes_of_attempts_count_as_well(make: Make) -> None:
    app = make(journal_bytes=60_000)
    tell(app, URL, n=100)
    deliver(app)
    trim(app)
    with app.app_context():
        assert 0 < sum(bounds.weights().values()) <= 60_000
    assert kept(app, Attempt)[-1] == 100


def test_what_vendors_remember_is_not_weighed_and_not_dropped(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    tell(app, URL, n=3)
    deliver(app)
    monkeypatch.setattr(bounds, "used_bytes", lambda: MUCH)
    trim(app)
    assert kept(app, Event) == [1, 2, 3]
    assert app.extensions["bounds"].look_at > MUCH


def test_what_was_reset_away_goes_before_what_is_still_seen(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    tell(app, URL, n=40)
    deliver(app)
    with app.app_context():
        retention.forget("default", [Attempt.__table__, Delivery.__table__, Event.__table__])
        db.session.commit()
    tell(app, URL, n=4)
    deliver(app)
    monkeypatch.setattr(bounds, "used_bytes", lambda: MUCH)
    trim(app)
    assert kept(app, Event) == kept(app, Attempt) == [41, 42, 43, 44]
    assert said(app.test_client(), "events")["dropped"] == 0


def test_timers_that_went_off_are_bounded_and_coming_ones_stay(make: Make) -> None:
    app = make(journal_rows=2)
    with spaces.entered(app, "default"):
        for hours in range(-4, 2):
            timers.at(clock.now() + timedelta(hours=hours), "none")
        db.session.commit()
        for timer in db.session.scalars(select(Timer).where(Timer.due_at <= clock.now())):
            timer.done_ns = timer.id
        db.session.commit()
    trim(app)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Timer).where(Timer.done_ns.is_not(None))) == 2
        assert db.session.scalar(select(func.count()).select_from(Timer).where(Timer.done_ns.is_(None))) == 1


def test_calls_that_memory_could_not_hold_are_counted_as_dropped(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "HELD_AT_MOST", 3)
    client = make().test_client()
    for _ in range(5):
        client.post("/wechat/x")
    assert said(client, "calls")["dropped"] >= 2


def test_the_timeline_says_when_its_cursor_stands_before_what_was_dropped(make: Make) -> None:
    app = make(journal_rows=2)
    tell(app, URL, n=5)
    client = app.test_client()
    first = client.get("/_mock/timeline?limit=1").json
    assert first["retention"]["gap"] is False
    deliver(app)
    trim(app)
    assert said(client, f"timeline?after={first['next']}")["gap"] is True
    last = client.get("/_mock/timeline").json
    assert last["retention"]["dropped"] == 6
    assert said(client, f"timeline?after={last['items'][-1]['cursor']}")["gap"] is False


def test_counts_outlive_a_reset_of_traffic_and_end_with_a_reset_of_all(make: Make) -> None:
    app = make(journal_rows=1)
    tell(app, URL, n=3)
    deliver(app)
    trim(app)
    client = app.test_client()
    client.post("/_mock/reset", json={"level": "traffic"})
    assert said(client, "events")["dropped"] == 2
    client.post("/_mock/reset", json={"level": "all"})
    assert said(client, "events")["dropped"] == 0


def test_the_file_stops_growing(make: Make, tmp_path: Path) -> None:
    app = make(journal_bytes=400_000)
    client, sizes = app.test_client(), []
    for _ in range(6):
        for _ in range(40):
            client.post("/wechat/x", data=b"x" * 8000)
        app.extensions["journal"].flush()
        with closing(sqlite3.connect(tmp_path / "mock.sqlite")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sizes.append((tmp_path / "mock.sqlite").stat().st_size)
    assert sizes[-1] - sizes[2] < 100_000

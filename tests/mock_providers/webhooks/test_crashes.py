"""What was leased when a process ended is due again; what may have been sent is marked, and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from mock_providers import clock, create_app, spaces
from mock_providers.db import db
from mock_providers.settings import Settings
from mock_providers.webhooks import crashes, store
from mock_providers.webhooks.sender import Sender
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

URL = "http://127.0.0.1:9/callback"
Again = Callable[[], Flask]


def lease(app: Flask, count: int) -> list[store.Job]:
    with spaces.entered(app, "default"):
        jobs = store.claim("default", clock.now() + timedelta(seconds=1), count)
        db.session.commit()
    return jobs


def take_off(sender: Sender, jobs: list[store.Job]) -> None:
    """As a worker does just before the bytes leave."""
    for job in jobs:
        sender.flights.note(job.id, job.leased_at_ns)


@pytest.fixture
def dead(tmp_path: Path) -> Flask:
    """A process that noted what it sent and then was killed: three deliveries, two leased, one of them sent."""
    app = create_app(Settings(data=tmp_path, background=False))
    tell(app, URL, n=3)
    sender_of(app).flights.open()
    take_off(sender_of(app), lease(app, 2)[1:])
    with app.app_context():
        db.engine.dispose()
    return app


@pytest.fixture
def next_start(dead: Flask, tmp_path: Path) -> Again:
    def start() -> Flask:
        app = create_app(Settings(data=tmp_path, background=False))
        sender_of(app).vendors["toy"] = sender_of(dead).vendors["toy"]
        return app

    return start


def recovered(app: Flask) -> int:
    with app.app_context():
        count = crashes.recover(sender_of(app).flights)
        db.session.commit()
    return count


def listed(app: Flask, what: str) -> list[dict[str, Any]]:
    return app.test_client().get(f"/_mock/{what}").json["items"]


def test_after_a_crash_what_was_leased_is_sent_again(next_start: Again) -> None:
    app = next_start()
    sender = sender_of(app)
    sender.post = ear = Ear()
    sender.start()
    assert sender.wait_idle(3)
    sender.stop()
    assert len(ear.heard) == 3
    assert {row["state"] for row in listed(app, "deliveries")} == {"delivered"}
    assert [row["interrupted"] for row in listed(app, "deliveries")] == [0, 1, 0]
    assert [row["delivery"] for row in listed(app, "attempts") if row["after_crash"]] == [2]


def test_only_what_was_handed_to_the_wire_is_marked(next_start: Again) -> None:
    app = next_start()
    assert recovered(app) == 1
    first, second, third = listed(app, "deliveries")
    assert {row["state"] for row in (first, second, third)} == {"pending"}
    assert [row["interrupted"] for row in (first, second, third)] == [0, 1, 0]
    assert second["reason"] == crashes.CUT_OFF


def test_where_nobody_knows_what_was_sent_everything_leased_is_marked(next_start: Again, tmp_path: Path) -> None:
    (tmp_path / "in-flight").unlink()
    app = next_start()
    assert recovered(app) == 2
    assert [row["interrupted"] for row in listed(app, "deliveries")] == [1, 1, 0]


def test_what_was_sent_under_an_earlier_lease_is_not_marked(next_start: Again) -> None:
    app = next_start()
    recovered(app)
    lease(app, 3)
    assert recovered(app) == 0
    assert [row["interrupted"] for row in listed(app, "deliveries")] == [0, 1, 0]


def test_the_mark_outlives_a_second_crash_before_the_next_try(next_start: Again) -> None:
    app = next_start()
    recovered(app)
    lease(app, 3)
    recovered(app)
    sender_of(app).post = Ear()
    sender_of(app).deliver_due("default", clock.wall() + timedelta(days=1))
    assert [row["after_crash"] for row in listed(app, "attempts")] == [False, True, False]


def test_only_the_first_try_after_the_crash_is_marked(next_start: Again) -> None:
    app = next_start()
    recovered(app)
    answers = iter([204, 500, 204, 204])
    sender_of(app).post = Ear(lambda url, body: next(answers))
    sender_of(app).deliver_due("default", clock.wall() + timedelta(days=1))
    of_second = [row for row in listed(app, "attempts") if row["delivery"] == 2]
    assert [(row["status"], row["after_crash"]) for row in of_second] == [(500, True), (204, False)]


def test_the_timeline_and_why_say_that_the_receiver_may_have_had_it(next_start: Again) -> None:
    app = next_start()
    recovered(app)
    sender_of(app).post = Ear()
    sender_of(app).deliver_due("default", clock.wall() + timedelta(days=1))
    marked = [item for item in listed(app, "timeline?kind=attempt") if item.get("after_crash")]
    assert [item["delivery"] for item in marked] == [2]
    assert "the receiver may have had it already" in marked[0]["summary"]
    why = app.test_client().get("/_mock/deliveries/2/why").json
    assert (why["interrupted"], "may have had it before" in why["verdict"]) == (1, True)


def test_more_notes_than_there_is_room_for_overwrite_the_oldest(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(crashes, "NOTES", 4)
    book = crashes.FlightBook(tmp_path / "in-flight")
    assert book.open() is False
    for number in range(1, 7):
        book.note(number, number)
    again = crashes.FlightBook(tmp_path / "in-flight")
    assert again.open() is True
    assert again.noted() == {(5, 5), (6, 6), (3, 3), (4, 4)}

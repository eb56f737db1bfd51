import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from mock_providers import clock, spaces
from mock_providers.db import db
from mock_providers.webhooks import store
from mock_providers.webhooks.models import Attempt, Delivery, emit
from tests.mock_providers.webhooks.toy import WECHAT_LADDER, Ear, answer, receiver, sender_of, tell

URL = "http://127.0.0.1:9/callback"


def rows(app: Flask, model: Any, space: str = "default") -> list[Any]:
    with spaces.entered(app, space):
        return list(db.session.scalars(select(model).order_by(model.id)))


def business_now(app: Flask, space: str = "default") -> Any:
    with spaces.entered(app, space):
        return clock.now()


def test_the_whole_ladder_runs_in_simulated_time_with_one_id_and_sixteen_signatures(mocks: Flask) -> None:
    sender = sender_of(mocks)
    sender.post = ear = Ear(500)
    tell(mocks, URL)
    fired = sender.deliver_due("default", business_now(mocks) + timedelta(days=2))
    assert len(fired) == 16
    attempts = rows(mocks, Attempt)
    gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(attempts)]
    assert gaps == list(WECHAT_LADDER)
    assert len({body for _, _, body in ear.heard}) == 1
    assert len({headers["X-Nonce"] for _, headers, _ in ear.heard}) == 16
    assert rows(mocks, Delivery)[0].state == "failed"


def test_an_accepted_callback_is_told_once_and_its_bytes_are_kept(mocks: Flask) -> None:
    sender = sender_of(mocks)
    sender.post = Ear(204)
    tell(mocks, URL)
    sender.deliver_due("default", business_now(mocks) + timedelta(days=2))
    (attempt,) = rows(mocks, Attempt)
    assert (attempt.status, attempt.accepted, attempt.number) == (204, True, 1)
    assert attempt.request_body.startswith(b'{"id": "EV-')
    assert ["Host", "127.0.0.1:9"] in attempt.request_headers
    assert rows(mocks, Delivery)[0].state == "delivered"


def test_two_refusals_then_acceptance_make_three_attempts(mocks: Flask) -> None:
    sender = sender_of(mocks)
    answers = iter([500, 302, 200])
    sender.post = Ear(lambda url, body: next(answers))
    tell(mocks, URL)
    sender.deliver_due("default", business_now(mocks) + timedelta(days=2))
    assert [a.status for a in rows(mocks, Attempt)] == [500, 302, 200]


def test_what_cannot_be_built_fails_with_a_reason_and_harms_nobody_else(mocks: Flask, caplog: Any) -> None:
    sender = sender_of(mocks)
    sender.post = Ear()
    tell(mocks, URL, "broken")
    tell(mocks, URL)
    sender.deliver_due("default", business_now(mocks) + timedelta(days=2))
    broken, fine = rows(mocks, Delivery)
    assert (broken.state, broken.tries, fine.state) == ("failed", 0, "delivered")
    assert "could not be built: KeyError" in broken.reason


def test_an_address_the_guard_refuses_is_not_tried_again(mocks: Flask) -> None:
    tell(mocks, "http://169.254.169.254/")
    sender_of(mocks).deliver_due("default", business_now(mocks) + timedelta(days=2))
    (delivery,) = rows(mocks, Delivery)
    assert (delivery.state, delivery.tries) == ("failed", 1)


def test_an_event_leaves_right_after_the_commit(live: Flask) -> None:
    came = threading.Event()
    sender_of(live).post = Ear(lambda url, body: came.set() or 200)
    tell(live, URL)
    assert came.wait(2)
    assert sender_of(live).wait_idle(2)
    assert rows(live, Delivery)[0].state == "delivered"


def test_a_rolled_back_event_never_leaves(live: Flask) -> None:
    sender_of(live).post = ear = Ear()
    tell(live, URL)
    with spaces.entered(live, "default"):
        emit("toy", "toy.done", "A2", {}, URL)
        db.session.rollback()
    assert sender_of(live).wait_idle(2)
    assert len(ear.heard) == 1


def test_a_dead_receiver_does_not_hold_up_another(live: Flask) -> None:
    stuck, came = threading.Event(), threading.Event()

    def slow_or_quick(url: str, body: bytes) -> int:
        if "//127.0.0.1:1/" in url:
            stuck.wait(10)
        else:
            came.set()
        return 200

    sender_of(live).post = Ear(slow_or_quick)
    tell(live, "http://127.0.0.1:1/", n=300)
    tell(live, "http://127.0.0.1:2/")
    assert came.wait(3)
    stuck.set()


def test_many_dead_receivers_together_leave_workers_to_the_others(live: Flask) -> None:
    stuck, slow, came = threading.Event(), threading.Event(), threading.Event()
    sender = sender_of(live)
    sender.lanes.slow = {("default", f"127.0.0.1:{port}") for port in range(1, 9)}

    def slow_or_quick(url: str, body: bytes) -> int:
        if "//127.0.0.1:9/" in url:
            came.set()
        else:
            slow.set()
            stuck.wait(10)
        return 200

    sender.post = Ear(slow_or_quick)
    for port in range(1, 9):
        tell(live, f"http://127.0.0.1:{port}/", ref=f"A{port}", n=5)
    assert slow.wait(3)
    tell(live, URL)
    assert came.wait(3)
    stuck.set()


def test_a_loud_space_does_not_hold_up_another_at_the_same_receiver(live: Flask) -> None:
    with live.app_context():
        spaces.create("quiet", 1, 0)
        db.session.commit()
    stuck, loud, came = threading.Event(), threading.Event(), threading.Event()

    def respond(url: str, body: bytes) -> int:
        if url.endswith("/quiet"):
            came.set()
        else:
            loud.set()
            stuck.wait(10)
        return 200

    sender_of(live).post = Ear(respond)
    for number in range(300):
        tell(live, URL, ref=f"A{number}")
    assert loud.wait(3)
    tell(live, f"{URL}/quiet", space="quiet")
    assert came.wait(3)
    stuck.set()


def test_a_slow_receiver_does_not_slow_the_api(live: Flask) -> None:
    stuck = threading.Event()
    sender_of(live).post = Ear(lambda url, body: stuck.wait(10) and 200)
    tell(live, URL, n=20)
    client = live.test_client()
    began = time.perf_counter()
    for _ in range(10):
        assert client.post("/_mock/outcomes", json={}).status_code < 500
        tell(live, URL)
    assert time.perf_counter() - began < 2
    stuck.set()


def test_stopping_gives_back_what_was_not_sent(live: Flask) -> None:
    stuck = threading.Event()
    sender = sender_of(live)
    sender.post = Ear(lambda url, body: stuck.wait(10) and 200)
    tell(live, URL, n=40)
    while not sender.lanes.flying:
        sender.wait_idle(0.05)
    threading.Timer(0.05, stuck.set).start()
    sender.stop()
    states = [d.state for d in rows(live, Delivery)]
    assert set(states) == {"delivered", "pending"}
    assert len(rows(live, Attempt)) == states.count("delivered")


def test_a_receiver_may_call_us_back_while_it_is_being_told(live: Flask) -> None:
    client = live.test_client()

    def ask(url: str, body: bytes) -> int:
        return client.post("/_mock/outcomes", json={"target": "none", "outcome": "none"}).status_code and 200

    sender_of(live).post = Ear(ask)
    tell(live, URL, n=5)
    assert sender_of(live).wait_idle(5)
    assert {d.state for d in rows(live, Delivery)} == {"delivered"}


def test_a_callback_reset_away_while_it_was_on_the_wire_leaves_no_trace(mocks: Flask) -> None:
    def reset(url: str, body: bytes) -> int:
        assert mocks.test_client().post("/_mock/reset", json={"level": "traffic"}).status_code == 200
        return 500

    sender_of(mocks).post = Ear(reset)
    tell(mocks, URL)
    sender_of(mocks).deliver_due("default", business_now(mocks) + timedelta(days=2))
    assert rows(mocks, Attempt) == rows(mocks, Delivery) == []


def test_two_spaces_are_told_their_own(mocks: Flask) -> None:
    with mocks.app_context():
        spaces.create("other", 1, 0)
        db.session.commit()
    sender_of(mocks).post = Ear()
    tell(mocks, URL)
    tell(mocks, URL, space="other")
    assert len(sender_of(mocks).deliver_due("other", business_now(mocks, "other") + timedelta(days=1))) == 1
    assert [d.state for d in rows(mocks, Delivery)] == ["pending"]
    assert [d.state for d in rows(mocks, Delivery, "other")] == ["delivered"]


def test_a_real_receiver_is_told_over_the_wire(live: Flask) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, 200, b'{"code":"SUCCESS"}')

    with receiver(respond) as url:
        tell(live, url, n=30)
        assert sender_of(live).wait_idle(5)
    assert {(a.status, a.response_body) for a in rows(live, Attempt)} == {(200, b'{"code":"SUCCESS"}')}
    assert len(rows(live, Attempt)) == 30


def test_a_space_that_stumbles_does_not_hold_up_the_others(
    live: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, came = store.claim, threading.Event()

    def damaged(space: str, *more: Any) -> Any:
        if space == "default":
            raise ValueError("a row nobody can read")
        return claim(space, *more)

    monkeypatch.setattr(store, "claim", damaged)
    sender_of(live).post = Ear(lambda url, body: came.set() or 200)
    live.test_client().post("/_mock/spaces", json={"name": "other"})
    tell(live, URL)
    tell(live, URL, space="other")
    assert came.wait(2)
    assert "callbacks of space default stumbled; the others go on" in caplog.text

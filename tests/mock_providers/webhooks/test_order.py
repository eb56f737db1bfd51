"""What leaves after what, however many workers there are."""

import itertools
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from mock_providers import clock, spaces
from mock_providers.db import db
from mock_providers.webhooks.models import Attempt
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

HOSTS = ("http://127.0.0.1:9/callback", "http://127.0.0.2:9/callback")


class OneByOne(Ear):
    """Remembers how many it heard at the same moment; the first it hears takes longer than the others."""

    def __init__(self) -> None:
        super().__init__(self.hear)
        self.inside = self.most = 0
        self.second = threading.Event()

    def hear(self, url: str, body: bytes) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if len(self.heard) == 1:
            self.second.wait(0.05)
        self.second.set()
        self.inside -= 1
        return 200


def bodies(ear: Ear) -> list[bytes]:
    return [body for _, _, body in ear.heard]


def freeze(app: Flask) -> None:
    with spaces.entered(app, "default"):
        clock.stand("default", clock.now())
        db.session.commit()


def attempts(app: Flask) -> list[Any]:
    with spaces.entered(app, "default"):
        return list(db.session.scalars(select(Attempt).order_by(Attempt.id)))


def test_where_the_clock_stands_still_everything_leaves_one_by_one_in_the_order_of_events(live: Flask) -> None:
    freeze(live)
    sender_of(live).post = ear = OneByOne()
    for number in range(20):
        tell(live, HOSTS[number % 2], ref=f"A{number}", n=2)
    assert sender_of(live).wait_idle(5)
    assert ear.most == 1
    assert [one.delivery_id for one in attempts(live)] == list(range(1, 41))
    assert bodies(ear) == [one.request_body for one in attempts(live)]


def test_while_the_clock_runs_what_is_of_one_order_leaves_one_by_one(live: Flask) -> None:
    sender_of(live).post = ear = OneByOne()
    tell(live, HOSTS[0], n=12)
    assert sender_of(live).wait_idle(5)
    assert ear.most == 1
    assert [one.delivery_id for one in attempts(live)] == list(range(1, 13))


def test_while_the_clock_runs_orders_do_not_wait_for_each_other(live: Flask) -> None:
    met = threading.Barrier(2, timeout=5)
    sender_of(live).post = ear = Ear(lambda url, body: (met.wait(), 200)[1])
    for ref in ("A1", "A2"):
        tell(live, HOSTS[0], ref=ref)
    assert sender_of(live).wait_idle(5)
    assert len(ear.heard) == 2


@pytest.mark.parametrize("given_back", [1, 2])
def test_what_waits_in_a_line_when_the_program_stops_is_given_back(live: Flask, given_back: int) -> None:
    sender, came, go = sender_of(live), threading.Event(), threading.Event()
    sender.post = Ear(lambda url, body: (came.set(), go.wait(5), 200)[2])
    tell(live, HOSTS[0], n=given_back + 1)
    assert came.wait(2)
    stopping = threading.Thread(target=sender.stop)
    stopping.start()
    assert any(sender.stopped for _ in itertools.count())
    go.set()
    stopping.join()
    assert len(attempts(live)) == 1
    with spaces.entered(live, "default"):
        rows = db.session.execute(db.text("select state, leased_at_ns from delivery order by id")).all()
    assert rows == [("delivered", None), *[("pending", None)] * given_back]

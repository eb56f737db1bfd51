import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import clock, create_app, spaces, timers
from mock_providers.control import durations
from mock_providers.db import db
from mock_providers.settings import Settings
from mock_providers.webhooks.models import emit
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

URL = "http://127.0.0.1:9/callback"
START = datetime.fromisoformat("2025-12-01T10:00:00+08:00")


@pytest.fixture
def frozen(client: FlaskClient) -> FlaskClient:
    client.post("/_mock/clock", json={"set": START.isoformat(), "freeze": True})
    return client


@pytest.fixture
def told() -> Iterator[list[str]]:
    heard: list[str] = []
    timers.HANDLERS["note"] = lambda about: heard.append(about["word"])
    timers.HANDLERS["emits"] = lambda about: void(emit("toy", "toy.done", "A9", {}, URL))
    timers.HANDLERS["fails"] = lambda about: 1 / 0
    yield heard
    for kind in ("note", "emits", "fails"):
        del timers.HANDLERS[kind]


def void(_: object) -> None: ...


def plan(app: Flask, seconds: int, kind: str, space: str = "default", **about: Any) -> None:
    with spaces.entered(app, space):
        timers.at(clock.now() + timedelta(seconds=seconds), kind, **about)
        db.session.commit()


def move(client: FlaskClient, **body: Any) -> Any:
    response = client.post("/_mock/clock", json=body)
    assert response.status_code == 200, response.json
    return response.json


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("3d", 259200),
        ("1h30m", 5400),
        ("PT2H", 7200),
        ("P1DT1S", 86401),
        (5, 5),
        (0.5, 0.5),
        ("7", 7),
        ("0s", 0),
    ],
)
def test_durations_that_are_understood(given: Any, seconds: float) -> None:
    assert durations.parse(given) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "given", ["", "P", "PT", "-1s", "1x", "s", "１s", "9999999999d", -1, 1e300, float("nan"), True]
)
def test_durations_that_are_not(given: Any) -> None:
    assert durations.parse(given) is None


def test_a_frozen_clock_stands_and_a_resumed_one_goes_on_from_there(frozen: FlaskClient) -> None:
    assert frozen.get("/_mock/clock").json["now"] == START.isoformat()
    assert move(frozen, advance="1h")["now"] == (START + timedelta(hours=1)).isoformat()
    answer = move(frozen, resume=True)
    assert answer["frozen"] is False
    assert timedelta() <= datetime.fromisoformat(answer["now"]) - START - timedelta(hours=1) < timedelta(seconds=30)


def test_a_clock_set_back_fires_nothing(frozen: FlaskClient, mocks: Flask, told: list[str]) -> None:
    plan(mocks, 60, "note", word="later")
    answer = move(frozen, set="2025-01-01T00:00:00+08:00")
    assert (answer["fired"], told) == ([], [])
    assert answer["now"] == "2025-01-01T00:00:00+08:00"


def test_advancing_runs_what_is_due_in_order_each_at_its_instant(
    frozen: FlaskClient, mocks: Flask, told: list[str]
) -> None:
    sender_of(mocks).post = ear = Ear(500)
    tell(mocks, URL, "short")
    plan(mocks, 10, "note", word="ten")
    plan(mocks, 5, "note", word="five")
    plan(mocks, 3600, "note", word="too late")
    answer = move(frozen, advance="1m")
    seen = [(round((datetime.fromisoformat(f["at"]) - START).total_seconds()), f["what"]) for f in answer["fired"]]
    assert seen == [(0, "delivery"), (5, "timer"), (10, "timer"), (10, "delivery")]
    assert (told, len(ear.heard)) == (["five", "ten"], 2)
    assert answer["now"] == (START + timedelta(minutes=1)).isoformat()
    assert answer["next_due"] == (START + timedelta(hours=1)).isoformat()


def test_what_a_timer_emits_is_delivered_in_the_same_walk(frozen: FlaskClient, mocks: Flask, told: list[str]) -> None:
    sender_of(mocks).post = Ear()
    tell(mocks, URL)
    plan(mocks, 5, "emits")
    assert [f["what"] for f in move(frozen, advance=5)["fired"]] == ["delivery", "timer", "delivery"]


def test_to_next_stops_at_the_first_thing_due(frozen: FlaskClient, mocks: Flask, told: list[str]) -> None:
    plan(mocks, 5, "note", word="five")
    plan(mocks, 6, "note", word="six")
    assert move(frozen, to="next")["now"] == (START + timedelta(seconds=5)).isoformat()
    assert told == ["five"]
    move(frozen, to="next")
    assert move(frozen, to="next")["fired"] == []


def test_a_timer_that_fails_is_said_and_does_not_come_again(
    frozen: FlaskClient, mocks: Flask, told: list[str], caplog: Any
) -> None:
    plan(mocks, 1, "fails")
    assert "ZeroDivisionError" in move(frozen, advance=2)["fired"][0]["error"]
    assert move(frozen, advance=2)["fired"] == []
    assert "ZeroDivisionError" in frozen.get("/_mock/timeline?kind=timer").json["items"][0]["summary"]


def test_the_neighbour_works_in_the_same_walk_at_its_instants(tmp_path: Path) -> None:
    class Neighbour:
        due: list[datetime] = [START + timedelta(seconds=30), START + timedelta(seconds=90)]
        saw: list[datetime] = []

        def next_due(self, space: str) -> datetime | None:
            return self.due[0] if self.due else None

        def run_due(self, space: str, now: datetime) -> list[dict]:
            done = [at for at in self.due if at <= now]
            self.due = [at for at in self.due if at > now]
            with spaces.entered(app, space):
                self.saw += [clock.now() for _ in done]
            return [{"kind": "ask"} for _ in done]

        def timeline(self, space: str, after_ns: int, limit: int) -> list[dict]:
            return [
                {
                    "kind": "state",
                    "machine": "order",
                    "ref": "1",
                    "from": "A",
                    "to": "B",
                    "event": "x",
                    "at": "",
                    "wall_ns": 5,
                }
            ]

        def forget(self, space: str, level: str) -> dict[str, int]:
            return {"order": 3}

    app = create_app(Settings(data=tmp_path, background=False), Neighbour())
    client = app.test_client()
    move(client, set=START.isoformat(), freeze=True)
    assert move(client, advance="1m")["fired"] == [{"what": "task", "kind": "ask"}]
    assert Neighbour.saw == [START + timedelta(seconds=30)]
    assert client.get("/_mock/timeline?kind=state").json["items"][0]["summary"] == "order 1 x A → B"
    assert client.post("/_mock/reset", json={"level": "state"}).json["removed"]["back_end.order"] == 3


def test_work_that_never_ends_stops_the_walk(tmp_path: Path) -> None:
    class Restless:
        def next_due(self, space: str) -> datetime:
            return START

        def run_due(self, space: str, now: datetime) -> list[dict]:
            return []

    app = create_app(Settings(data=tmp_path, background=False), Restless())  # type: ignore[arg-type]
    response = app.test_client().post("/_mock/clock", json={"advance": "1h"})
    assert (response.status_code, response.json["code"]) == (409, "STATE_CONFLICT")


def test_the_clock_of_one_space_moves_alone(frozen: FlaskClient) -> None:
    frozen.post("/_mock/spaces", json={"name": "other", "start": "2024-02-29T00:00:00+08:00"})
    before = frozen.get("/_mock/clock").json["now"]
    answer = frozen.post("/_mock/clock", json={"advance": "1d"}, headers={"X-Yibao-Space": "other"}).json
    assert answer["now"].startswith("2024-03-01T00:00:0")
    assert frozen.get("/_mock/clock").json["now"] == before


def test_timers_fire_by_themselves_while_the_clock_runs(live: Flask) -> None:
    rang = threading.Event()
    timers.HANDLERS["ring"] = lambda about: rang.set()
    plan(live, 0, "ring")
    sender_of(live).wake()
    assert rang.wait(3)
    del timers.HANDLERS["ring"]


def test_a_walk_with_the_sender_running_returns_when_everything_has_run(live: Flask) -> None:
    sender_of(live).post = ear = Ear(500)
    client = live.test_client()
    move(client, freeze=True)
    tell(live, URL, n=20)
    move(client, advance="25h")
    assert len(ear.heard) == 20 * 16
    assert {d["state"] for d in client.get("/_mock/deliveries").json["items"]} == {"failed"}


def test_after_a_crash_in_a_walk_the_clock_runs_again(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, background=False))
    with spaces.entered(app, "default"):
        clock.stand("default", START, walking=True)
        db.session.commit()
    sender_of(app).start()
    assert app.test_client().get("/_mock/clock").json["frozen"] is False
    sender_of(app).stop()


@pytest.mark.parametrize(
    "body",
    [
        {"advance": "soon"},
        {"advance": None},
        {"advance": []},
        {"advance": -5},
        {"set": "yesterday"},
        {"set": 5},
        {"set": "2025-12-01T10:00:00"},
        {"set": "0001-01-01T00:00:00+14:00"},
        {"set": "9999-12-31T23:59:59-12:00"},
        {"set": "2025-12-01T10:00:00+08:00", "advance": "1s"},
        {"to": "last"},
        {"freeze": "yes"},
        {"freeze": True, "resume": True},
        {"unknown": 1},
    ],
)
def test_a_wrong_move_is_a_problem_and_moves_nothing(frozen: FlaskClient, body: dict) -> None:
    response = frozen.post("/_mock/clock", json=body)
    assert (response.status_code, response.json["code"]) == (400, "FIELD_INVALID")
    assert frozen.get("/_mock/clock").json["now"] == START.isoformat()

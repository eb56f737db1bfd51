"""Plans at work: what a receiver hears, what is shown, and how a plan ends."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import tests.mock_providers.webhooks.toy as toy
from mock_providers import bounds, spaces
from mock_providers.db import db
from mock_providers.webhooks import plan_book, plans
from mock_providers.webhooks.models import Delivery, Event, emit
from tests.mock_providers.plans.test_plans import ACTS, line_up
from tests.mock_providers.webhooks.toy import Ear, sender_of

URL = "http://127.0.0.1:9/callback"
START = datetime.fromisoformat("2025-12-01T10:00:00+08:00")


@pytest.fixture
def ear(mocks: Flask, client: FlaskClient) -> Iterator[Ear]:
    """A receiver that accepts all, and a clock that stands still."""
    sender_of(mocks).vendors["toy"] = toy
    sender_of(mocks).post = heard = Ear()
    client.post("/_mock/clock", json={"set": START.isoformat(), "freeze": True})
    yield heard


def tell(mocks: Flask, count: int = 1, first: int = 1, **about: Any) -> list[int]:
    """`count` events, each in a transaction of its own, numbered from `first`; their ids."""
    ids = []
    for number in range(first, first + count):
        with spaces.entered(mocks, about.get("space", "default")):
            given = {"vendor": "toy", "type": "toy.done", "ref": "A1", "person": "P01"} | about
            given.pop("space", None)
            ids.append(emit(plain={"n": number}, url=URL, **given).id)
            db.session.commit()
    return ids


def deliver(client: FlaskClient, **body: Any) -> None:
    assert client.post("/_mock/clock", json=body or {"advance": "0s"}).status_code == 200


def numbers(ear: Ear) -> list[int]:
    import json

    return [json.loads(body)["n"] for _, _, body in ear.heard]


def plan(client: FlaskClient, text: str, **more: Any) -> Any:
    response = client.post("/_mock/plans", json={"text": text, **more})
    assert response.status_code == 200, response.json
    return response.json


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("hold 2", [1, 3, 4, 5]),
        ("swap 1 2", [2, 1, 3, 4, 5]),
        ("swap 1 4", [4, 2, 3, 1, 5]),
        ("swap 1 2; dup 1", [2, 1, 1, 3, 4, 5]),
        ("dup 3", [1, 2, 3, 3, 4, 5]),
        ("drop 4", [1, 2, 3, 5]),
        ("delay 5 90s", [1, 2, 3, 4]),
    ],
)
def test_a_receiver_hears_what_the_plan_says(
    mocks: Flask, client: FlaskClient, ear: Ear, text: str, heard: list[int]
) -> None:
    plan(client, text)
    for number in range(1, 6):
        tell(mocks, first=number)
        deliver(client)
    assert sorted(numbers(ear)) == sorted(heard)
    in_between = [n for n in numbers(ear) if n in heard]
    assert in_between == heard


def test_events_of_one_transaction_keep_to_the_plan_as_well(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "swap 1 3; dup 2")
    toy.tell(mocks, URL, n=3)
    deliver(client)
    assert [n + 1 for n in numbers(ear)] == [3, 2, 2, 1]


def test_the_order_holds_with_many_delivery_threads(live: Flask) -> None:
    client = live.test_client()
    sender_of(live).post = heard = Ear()
    plan(client, "shuffle 1-8")
    toy.tell(live, URL, n=8)
    assert sender_of(live).wait_idle(20)
    with spaces.entered(live, "default"):
        row = db.session.scalars(select(plan_book.Plan)).one()
        (block,) = plans.blocks(plan_book.program(row), row.seed())
    assert [n + 1 for n in numbers(heard)] == list(block.order) != list(range(1, 9))


def test_the_same_plan_shuffles_the_same_way_after_a_reset(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    orders = []
    for _ in range(2):
        plan(client, "shuffle; next 6")
        tell(mocks, 6)
        deliver(client)
        orders.append(numbers(ear))
        ear.heard.clear()
        client.post("/_mock/reset", json={"level": "all"})
        client.post("/_mock/clock", json={"set": START.isoformat(), "freeze": True})
    assert orders[0] == orders[1] != sorted(orders[0])


def test_a_doubled_event_is_one_event_with_two_deliveries(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "dup 1")
    (event,) = tell(mocks)
    deliver(client)
    shown = client.get(f"/_mock/events/{event}").json
    assert [row["state"] for row in shown["deliveries"]] == ["delivered", "delivered"]
    assert len({body for _, _, body in ear.heard}) == 1
    assert len(client.get("/_mock/events").json["items"]) == 1


def test_a_delayed_event_comes_at_its_business_time(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "delay 1 90s")
    tell(mocks)
    deliver(client, advance="89s")
    assert not ear.heard
    deliver(client, to="next")
    assert client.get("/_mock/clock").json["now"] == (START + timedelta(seconds=90)).isoformat()
    assert numbers(ear) == [1]


def test_what_a_plan_did_stands_on_the_delivery_and_in_the_timeline(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    number = plan(client, "hold 1; drop 2; delay 3 90s; dup 3")["id"]
    tell(mocks, 3)
    deliver(client)
    said = [row["planned"] for row in client.get("/_mock/deliveries").json["items"]]
    assert said == [
        f"held by plan {number}: hold 1",
        f"dropped by plan {number}: drop 2",
        f"delayed 90 s and told once more by plan {number}: delay 3 90s; dup 3",
        f"delayed 90 s and told once more by plan {number}: delay 3 90s; dup 3",
    ]
    steps = client.get("/_mock/timeline?kind=plan").json["items"]
    assert [(step["position"], step["plan"]) for step in steps] == [(1, number), (2, number), (3, number)]
    assert "dropped by plan" in steps[1]["summary"]
    shown = client.get(f"/_mock/plans/{number}").json
    assert [step["did"] for step in shown["steps"]] == [said[0], said[1], said[2]]


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        ({"ref": "A1"}, [1]),
        ({"ref": "A*"}, [1, 2]),
        ({"person": "P02"}, [2]),
        ({"event": "other"}, [3]),
        ({"event": "toy.*"}, [1, 2]),
        ({"vendor": "toy"}, [1, 2, 3]),
        ({"ref": "A1", "person": "P02"}, []),
        ({}, [1, 2, 3]),
    ],
)
def test_a_plan_is_for_the_events_it_names(
    mocks: Flask, client: FlaskClient, ear: Ear, scope: dict[str, str], fits: list[int]
) -> None:
    client.post("/_mock/spaces", json={"name": "else"})
    plan(client, "drop all; next 9", **scope)
    tell(mocks, first=1)
    tell(mocks, first=2, ref="A2", person="P02")
    tell(mocks, first=3, ref="B1", type="other", person="P03")
    tell(mocks, first=4, space="else")
    deliver(client)
    client.post("/_mock/clock", json={"advance": "0s"}, headers={"X-Yibao-Space": "else"})
    assert sorted(set(range(1, 5)) - set(numbers(ear))) == fits


def test_a_plan_ends_after_its_events_and_what_it_holds_stays_held(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    number = plan(client, "hold all", next=2)["id"]
    tell(mocks, 3)
    deliver(client)
    assert numbers(ear) == [3]
    shown = client.get(f"/_mock/plans/{number}").json
    assert (shown["state"], shown["seen"], shown["left"], shown["holds"]) == ("done", 2, 0, 2)
    held = client.get("/_mock/deliveries?state=held").json
    assert len(held["items"]) == 2
    assert "counts no more" in held["banner"][0]
    for row in held["items"]:
        client.post(f"/_mock/deliveries/{row['id']}/release")
    deliver(client)
    assert numbers(ear) == [3, 1, 2]
    assert client.get("/_mock/deliveries").json["banner"] == []


@pytest.mark.parametrize("end", [{"until": (START + timedelta(hours=2)).isoformat()}, {"text": "hold all; for 2h"}])
def test_a_plan_ends_at_its_time_and_lets_go(
    mocks: Flask, client: FlaskClient, ear: Ear, end: dict[str, str]
) -> None:
    plan(client, **{"text": "hold all", **end})
    tell(mocks, 2)
    deliver(client, advance="1h59m")
    assert not ear.heard
    deliver(client, advance="1m")
    assert numbers(ear) == [1, 2]
    tell(mocks, first=3)
    deliver(client)
    assert numbers(ear) == [1, 2, 3]
    assert client.get("/_mock/plans").json["items"][0]["state"] == "over"


def test_a_plan_keeps_its_end_when_the_vendors_state_is_emptied(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "hold all; for 2h")
    tell(mocks)
    client.post("/_mock/reset", json={"level": "state"})
    deliver(client, advance="2h")
    assert numbers(ear) == [1]


@pytest.mark.parametrize("how", ["clear", "one", "reset"])
def test_a_removed_plan_lets_go_what_it_holds(mocks: Flask, client: FlaskClient, ear: Ear, how: str) -> None:
    number = plan(client, "hold 1; swap 2 4")["id"]
    tell(mocks, 3)
    deliver(client)
    assert not ear.heard
    if how == "reset":
        assert client.post("/_mock/reset", json={"level": "faults"}).json["removed"] == {"plan": 1}
    else:
        answer = client.delete("/_mock/plans" if how == "clear" else f"/_mock/plans/{number}").json
        assert answer == {"removed": {"plan": 1}, "released": 3}
    deliver(client)
    assert numbers(ear) == [1, 2, 3]


@pytest.mark.parametrize("how", ["clear", "one", "reset"])
def test_the_end_of_a_removed_plan_does_not_come(mocks: Flask, client: FlaskClient, ear: Ear, how: str) -> None:
    other = plan(client, "hold 1; for 3h")["id"] if how == "one" else None
    number = plan(client, "hold 1; for 2h")["id"]
    if how == "reset":
        client.post("/_mock/reset", json={"level": "faults"})
    else:
        client.delete("/_mock/plans" if how == "clear" else f"/_mock/plans/{number}")
    due = client.get("/_mock/clock").json["next_due"]
    assert due == ((START + timedelta(hours=3)).isoformat() if other else None)


def test_what_plans_did_goes_with_the_events_that_are_too_old(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    number = plan(client, "dup all; next 9")["id"]
    tell(mocks, 5)
    deliver(client)
    with spaces.entered(mocks, "default"):
        bounds.Bounds(2, 2**40).trim(["default"])
        db.session.commit()
    assert [step["position"] for step in client.get(f"/_mock/plans/{number}").json["steps"]] == [4, 5]


def test_a_removed_plan_can_leave_what_it_holds(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "hold 1")
    tell(mocks)
    assert client.delete("/_mock/plans?held=keep").json["released"] == 0
    deliver(client)
    assert not ear.heard


def test_the_oldest_plan_decides_and_the_younger_ones_say_what_they_would_have_done(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    first = plan(client, "hold 1")["id"]
    second = plan(client, "drop 1; drop 2")["id"]
    tell(mocks, 2)
    deliver(client)
    states = [row["state"] for row in client.get("/_mock/deliveries").json["items"]]
    assert states == ["held", "cancelled"]
    steps = client.get(f"/_mock/plans/{second}").json["steps"]
    assert steps[0]["did"] == f"would have done 'drop 1'; plan {first} came first"
    assert steps[1]["did"].startswith("dropped")


def test_who_waits_behind_a_cancelled_delivery_leaves(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "swap 1 2")
    tell(mocks, 2)
    first, second = client.get("/_mock/deliveries").json["items"]
    assert (first["state"], first["behind"], second["state"]) == ("held", second["id"], "pending")
    client.post(f"/_mock/deliveries/{second['id']}/cancel")
    deliver(client)
    assert numbers(ear) == [1]


def test_who_is_let_go_by_hand_does_not_wait_for_its_turn(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "swap 1 2")
    (event,) = tell(mocks)
    (only,) = client.get(f"/_mock/events/{event}").json["deliveries"]
    client.post(f"/_mock/deliveries/{only['id']}/release")
    deliver(client)
    tell(mocks, first=2)
    deliver(client)
    assert numbers(ear) == [1, 2]


def test_a_follower_leaves_even_if_its_predecessor_is_refused(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    ear.answer = 500
    plan(client, "swap 1 2")
    tell(mocks, 2)
    deliver(client)
    assert numbers(ear) == [2, 1]


def test_an_event_that_is_rolled_back_is_not_counted(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    number = plan(client, "drop 1")["id"]
    with spaces.entered(mocks, "default"):
        emit("toy", "toy.done", "A1", {"n": 0}, URL)
        db.session.rollback()
    assert client.get(f"/_mock/plans/{number}").json["seen"] == 0
    tell(mocks)
    deliver(client)
    assert not ear.heard


def test_the_banner_is_on_the_start_page_in_lists_and_on_every_answer(mocks: Flask, client: FlaskClient) -> None:
    assert "X-Yibao-Banner" not in client.get("/_mock/clock").headers
    made = plan(client, "hold 2; on ref A1", next=5)
    assert made["banner"].endswith("hold 2; on ref A1 [ref A1] saw 0 of 5 events, holds 0, ends after 5 events")
    assert client.get("/_mock/clock").headers["X-Yibao-Banner"] == made["banner"]
    assert made["banner"] in client.get("/").text
    assert client.get("/_mock/deliveries").json["banner"] == [made["banner"]]
    client.delete("/_mock/plans")
    assert "X-Yibao-Banner" not in client.get("/_mock/clock").headers
    assert "Plans and faults" not in client.get("/").text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "hold"}, "text"),
        ({"text": "hold 2", "nxt": 2}, "nxt"),
        ({"text": "hold 2", "next": 0}, "next"),
        ({"text": "hold 2", "next": "2"}, "next"),
        ({"text": "hold 2", "until": "noon"}, "until"),
        ({"text": "hold 2", "until": "2025-11-30T00:00:00+08:00"}, "text"),
        ({"text": "hold 2", "vendor": "alibaba"}, "vendor"),
        ({"text": "hold 2; on ref A1", "ref": "A1"}, "text"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(client: FlaskClient, ear: Ear, body: dict, field: str) -> None:
    answer = client.post("/_mock/plans", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "FIELD_INVALID")
    assert list(answer.json["fields"]) == [field]
    assert client.get("/_mock/plans").json["items"] == []


def test_the_place_of_the_mistake_is_in_the_answer(client: FlaskClient) -> None:
    answer = client.post("/_mock/plans", json={"text": "hold 2\ndrop 2"}).json
    assert (answer["line"], answer["column"]) == (2, 1)
    assert "contradicts" in answer["detail"]


def test_a_plan_of_an_unknown_person_or_space_is_refused(client: FlaskClient) -> None:
    assert client.post("/_mock/plans", json={"text": "hold 1", "person": "P99"}).status_code == 404
    assert client.get("/_mock/plans/1").status_code == 404
    assert client.delete("/_mock/plans/1").status_code == 404


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=1, max_size=5), st.integers(1, 12))
def test_every_event_is_delivered_held_or_dropped_exactly_as_said(
    mocks: Flask, client: FlaskClient, ear: Ear, acts: list[str], count: int
) -> None:
    client.post("/_mock/reset", json={"level": "all"})
    client.post("/_mock/clock", json={"set": START.isoformat(), "freeze": True})
    ear.heard.clear()
    answer = client.post("/_mock/plans", json={"text": "; ".join(acts)})
    if answer.status_code == 400:
        return
    tell(mocks, count)
    deliver(client)
    with spaces.entered(mocks, "default"):
        row = db.session.get_one(plan_book.Plan, answer.json["id"])
        said, seed = plan_book.program(row), row.seed()
        states = db.session.execute(
            select(Event.plain, Delivery.state, Delivery.next_at, Event.created_at).join(Event)
        ).all()
    size = said.size or 0
    heard, held, dropped, later = line_up(said, min(size, count), seed)
    delayed_away = {n for n, seconds in later.items() if seconds}
    assert sorted(numbers(ear)) == sorted(
        heard + list(range(size + 1, count + 1)) + _once_or_twice(said, later.keys() - delayed_away)
    )
    assert {plain["n"] for plain, state, *_ in states if state == "held"} == held
    assert {plain["n"] for plain, state, *_ in states if state == "cancelled"} == dropped
    pending = {plain["n"]: (due - made).total_seconds() for plain, state, due, made in states if state == "pending"}
    assert pending == {n: later[n] for n in delayed_away}
    assert {plain["n"] for plain, *_ in states} == set(range(1, count + 1))


def _once_or_twice(said: plans.Plan, positions: set[int]) -> list[int]:
    return [n for n in positions for _ in range(1 + plans.does(said, n).twice)]

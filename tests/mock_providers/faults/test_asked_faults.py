"""Faults that are asked for: their scope, their end, their draws, and how they are seen."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from mock_providers import clock, spaces
from mock_providers.db import db
from mock_providers.webhooks import crashes, store
from mock_providers.webhooks.models import Attempt, Delivery
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

URL = "http://127.0.0.1:9/callback"


def deliver(app: Flask, space: str = "default", **ahead: float) -> list[dict[str, Any]]:
    """Everything due by then is sent."""
    with spaces.entered(app, space):
        now = clock.now()
    return sender_of(app).deliver_due(space, now + timedelta(**ahead))


def carried(app: Flask, space: str = "default") -> list[str | None]:
    """The faults of the attempts, in order."""
    with spaces.entered(app, space):
        return [row and row["name"] for row in db.session.scalars(select(Attempt.fault).order_by(Attempt.id))]


def test_a_fault_strikes_the_next_callback_and_is_gone(mocks: Flask, ear: Ear, ask: Any) -> None:
    added = ask("POST", "faults", {"fault": "body_empty"})
    assert (added["left"], added["expected"], added["struck"]) == (1, "refuse", 0)
    tell(mocks, URL, n=2)
    deliver(mocks)
    assert [bool(body) for *_, body in ear.heard] == [False, True]
    assert carried(mocks) == ["body_empty", None]
    assert ask("GET", "faults")["items"] == []


def test_a_retry_after_the_fault_is_whole_again(mocks: Flask, ear: Ear, ask: Any) -> None:
    ear.answer = lambda url, body: 200 if body else 500
    ask("POST", "faults", {"fault": "body_empty", "next": 2})
    tell(mocks, URL)
    deliver(mocks, hours=1)
    assert carried(mocks) == ["body_empty", "body_empty", None]
    assert [len(body) > 0 for *_, body in ear.heard] == [False, False, True]


@pytest.mark.parametrize(("scope", "struck"), [
    ({"ref": "A1"}, True),
    ({"ref": "A2"}, False),
    ({"event": "toy.done"}, True),
    ({"event": "toy.*"}, True),
    ({"event": "other.*"}, False),
    ({"vendor": "toy"}, True),
    ({"vendor": "wechat"}, False),
    ({"person": "P02"}, False),
])  # fmt: skip
def test_a_scope_is_kept_to(mocks: Flask, ear: Ear, ask: Any, scope: dict[str, str], struck: bool) -> None:
    ask("POST", "faults", {"fault": "body_garbage", **scope})
    tell(mocks, URL)
    deliver(mocks)
    assert carried(mocks) == ["body_garbage" if struck else None]
    assert len(ask("GET", "faults")["items"]) == (0 if struck else 1)


def test_a_fault_of_one_space_leaves_another_alone(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "spaces", {"name": "other"})
    ask("POST", "faults", {"fault": "body_empty"})
    tell(mocks, URL, space="other")
    deliver(mocks, "other")
    assert carried(mocks, "other") == [None]


def test_a_fault_ends_at_its_time_in_business_time(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "clock", {"freeze": True})
    added = ask("POST", "faults", {"fault": "body_empty", "until": "10m"})
    assert (added["left"], added["until"] is not None) == (None, True)
    tell(mocks, URL, n=2)
    ask("POST", "clock", {"advance": "1s"})
    tell(mocks, URL, n=2)
    ask("POST", "clock", {"advance": "20m"})
    tell(mocks, URL)
    ask("POST", "clock", {"advance": "1s"})
    assert carried(mocks) == ["body_empty"] * 4 + [None]
    assert ask("GET", "faults")["items"] == []


def test_a_probability_is_drawn_from_the_seed(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "clock", {"freeze": True})
    struck = []
    for _ in range(2):
        ask("POST", "faults", {"fault": "body_empty", "next": 10000, "percent": 30})
        tell(mocks, URL, n=100)
        deliver(mocks)
        struck.append(carried(mocks))
        ask("POST", "reset", {"level": "all"})
        ask("POST", "clock", {"freeze": True})
    assert struck[0] == struck[1]
    assert 15 <= sum(name is not None for name in struck[0]) <= 45


def test_the_oldest_fault_that_fits_comes_first_and_one_attempt_carries_one(mocks: Flask, ear: Ear, ask: Any) -> None:
    for name in ("signature_bad", "body_garbage", "body_empty"):
        ask("POST", "faults", {"fault": name})
    tell(mocks, URL, n=3)
    deliver(mocks)
    assert carried(mocks) == ["body_garbage", "body_empty", None]  # the toy vendor signs nothing
    assert [row["fault"] for row in ask("GET", "faults")["items"]] == ["signature_bad"]


def test_a_crash_between_claim_and_attempt_does_the_same_fault_and_not_a_second_one(
    mocks: Flask, ear: Ear, ask: Any
) -> None:
    ask("POST", "faults", {"fault": "body_empty"})
    ask("POST", "faults", {"fault": "body_garbage"})
    tell(mocks, URL)
    with spaces.entered(mocks, "default"):
        assert store.claim("default", clock.now(), 8)[0].fault["name"] == "body_empty"  # type: ignore[index]
        db.session.commit()
    with mocks.app_context():  # the process died, a new one starts
        crashes.recover(sender_of(mocks).flights)
        db.session.commit()
    deliver(mocks)
    assert carried(mocks) == ["body_empty"]
    assert [row["fault"] for row in ask("GET", "faults")["items"]] == ["body_garbage"]
    with spaces.entered(mocks, "default"):
        assert db.session.scalars(select(Delivery.fault)).all() == [None]


def test_the_banner_stands_while_a_fault_can_strike(mocks: Flask, client: FlaskClient, ear: Ear, ask: Any) -> None:
    assert "X-Yibao-Banner" not in client.get("/_mock/clock").headers
    ask("POST", "faults", {"fault": "body_empty", "ref": "A1"})
    line = client.get("/_mock/clock").headers["X-Yibao-Banner"]
    assert "body_empty" in line and "ref A1" in line and "after 1 more" in line
    assert "body_empty" in client.get("/").text
    tell(mocks, URL)
    deliver(mocks)
    assert "X-Yibao-Banner" not in client.get("/_mock/clock").headers


def test_attempts_deliveries_and_the_timeline_say_which_fault_it_was_and_what_was_expected(
    mocks: Flask, ear: Ear, ask: Any
) -> None:
    ask("POST", "faults", {"fault": "body_empty"})
    tell(mocks, URL)
    deliver(mocks)
    line = ask("GET", "attempts")["items"][0]
    assert {name: line["fault"][name] for name in ("name", "expected", "as_expected")} == {
        "name": "body_empty",
        "expected": "refuse",
        "as_expected": False,
    }
    assert line["reason"] == "taken in spite of body_empty: an honest receiver refuses it"
    assert ask("GET", f"attempts/{line['id']}")["fault"] == line["fault"]
    assert ask("GET", "deliveries/1")["attempts"][0]["fault"] == line["fault"]
    said = [item["summary"] for item in ask("GET", "timeline", kind="attempt")["items"]]
    assert said[0].endswith("[fault body_empty: an honest party refuses it, but it did not]")


def test_what_goes_before_an_attempt_is_an_attempt_of_its_own(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "faults", {"fault": "nonce_replayed"})
    tell(mocks, URL)
    deliver(mocks)
    first, second = ask("GET", "attempts")["items"]
    assert (first["fault"]["part"], "part" in second["fault"]) == ("before", False)
    assert ear.heard[0] == ear.heard[1]
    assert ask("GET", "deliveries/1")["tries"] == 1


def test_a_reset_of_faults_takes_them_and_leaves_the_rest(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "faults", {"fault": "body_empty"})
    tell(mocks, URL)
    assert ask("POST", "reset", {"level": "faults"})["removed"] == {"fault": 1}
    deliver(mocks)
    assert carried(mocks) == [None]


def test_a_reset_of_faults_also_frees_what_a_crash_left_marked(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "faults", {"fault": "body_empty"})
    tell(mocks, URL)
    with spaces.entered(mocks, "default"):
        store.claim("default", clock.now(), 8)
        crashes.recover(sender_of(mocks).flights)
        db.session.commit()
    ask("POST", "reset", {"level": "faults"})
    deliver(mocks)
    assert carried(mocks) == [None]


def test_faults_are_forgotten_by_number_by_name_and_by_scope(ask: Any) -> None:
    for name, ref in (("body_empty", "A1"), ("body_empty", "A2"), ("body_huge", "A1"), ("signature_bad", "A3")):
        ask("POST", "faults", {"fault": name, "ref": ref})
    ids = [row["id"] for row in ask("GET", "faults")["items"]]
    assert ask("DELETE", "faults", id=ids[0]) == {"removed": {"fault": 1}}
    assert ask("DELETE", "faults", ref="A1") == {"removed": {"fault": 1}}
    assert ask("DELETE", "faults", fault="signature_bad") == {"removed": {"fault": 1}}
    assert ask("DELETE", "faults") == {"removed": {"fault": 1}}


@pytest.mark.parametrize(("body", "code", "field"), [
    ({"fault": "signature_wrong"}, "FAULT_UNKNOWN", "fault"),
    ({}, "FIELD_INVALID", "fault"),
    ({"fault": "signature_probe", "vendor": "national"}, "FIELD_INVALID", "vendor"),
    ({"fault": "body_slow", "vendor": "nobody"}, "FIELD_INVALID", "vendor"),
    ({"fault": "signature_bad", "path": "/v3/x"}, "FIELD_INVALID", "path"),
    ({"fault": "answer_500", "event": "6302"}, "FIELD_INVALID", "event"),
    ({"fault": "signature_bad", "seconds": 2}, "FIELD_INVALID", "seconds"),
    ({"fault": "body_slow", "seconds": 31}, "FIELD_INVALID", "seconds"),
    ({"fault": "signature_bad", "next": 0}, "FIELD_INVALID", "next"),
    ({"fault": "signature_bad", "percent": 0}, "FIELD_INVALID", "percent"),
    ({"fault": "signature_bad", "until": "2001-01-01T00:00:00+08:00"}, "FIELD_INVALID", "until"),
    ({"fault": "signature_bad", "until": "soon"}, "FIELD_INVALID", "until"),
    ({"fault": "signature_bad", "colour": "red"}, "FIELD_INVALID", "colour"),
])  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_with_the_field(ask: Any, body: Any, code: str, field: str) -> None:
    answer = ask("POST", "faults", body, status=400)
    assert answer["code"] == code and field in answer["fields"]
    assert ask("GET", "faults")["items"] == []


def test_an_unknown_person_is_refused(ask: Any) -> None:
    assert ask("POST", "faults", {"fault": "signature_bad", "person": "P99"}, status=404)["code"] == "PERSON_UNKNOWN"


def test_the_catalogue_can_be_narrowed(ask: Any) -> None:
    whole = ask("GET", "faults/catalogue")
    assert len(whole["items"]) >= 60 and whole["verdicts"]["refuse"]
    answers = ask("GET", "faults/catalogue", on="answer", vendor="national")["items"]
    assert {"answer_unsigned", "answer_500"} <= {row["name"] for row in answers}
    assert "answer_probe" not in {row["name"] for row in answers}


@pytest.mark.parametrize(("name", "way"), [
    ("body_slow", "slow 2"),
    ("body_dribbled", "dribbled 2"),
    ("body_cut_off", "cut_off 0"),
    ("connection_reset", "reset 0"),
])  # fmt: skip
def test_odd_ways_leave_by_the_other_client(mocks: Flask, ear: Ear, ask: Any, name: str, way: str) -> None:
    ask("POST", "faults", {"fault": name})
    tell(mocks, URL)
    deliver(mocks)
    assert ear.heard[0][1]["Way"] == way


def test_how_slow_can_be_said(mocks: Flask, ear: Ear, ask: Any) -> None:
    ask("POST", "faults", {"fault": "body_slow", "seconds": 4.5})
    tell(mocks, URL)
    deliver(mocks)
    assert ear.heard[0][1]["Way"] == "slow 4.5"


def test_a_stored_fault_of_a_later_version_does_not_stop_the_sender(mocks: Flask, ear: Ear) -> None:
    tell(mocks, URL)
    with mocks.app_context():
        db.session.execute(update(Delivery).values(fault={"name": "unheard_of", "expected": "refuse"}))
        db.session.commit()
    deliver(mocks)
    assert ear.heard == []
    with mocks.app_context():
        assert "could not be built" in db.session.scalars(select(Delivery.reason)).one()

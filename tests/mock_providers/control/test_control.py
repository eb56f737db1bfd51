import base64
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app, people, spaces
from mock_providers.control import choices, masking, openapi, reset, story, time, traffic, world
from mock_providers.control.door import ID, ROUTES
from mock_providers.db import db
from mock_providers.settings import Settings
from mock_providers.webhooks.models import Delivery
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

PARTS = (choices, openapi, reset, story, time, traffic, world)
URL = "http://127.0.0.1:9/callback"
GETS = [r.path for r in ROUTES if r.method == "GET" and "<" not in r.path]
POSTS = [(r.method, r.path.replace(ID, "1")) for r in ROUTES if r.method != "GET"]
LISTS = ["people", "events", "deliveries", "attempts", "calls", "timeline", "spaces", "outcomes"]


def advance(client: FlaskClient, how_long: str = "1s") -> None:
    assert client.post("/_mock/clock", json={"advance": how_long}).status_code == 200


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize(
    "query", ["nonsense=1", "after=-1", "limit=501", "limit=x", "after=99999999999999999999", "after=%00"]
)
def test_a_wrong_parameter_is_a_problem(client: FlaskClient, path: str, query: str) -> None:
    response = client.get(f"/_mock{path}?{query}")
    assert (response.status_code, response.json["code"]) == (400, "FIELD_INVALID")
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), POSTS)
@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b"[1]", "application/json"),
        (b"{", "application/json"),
        (b'{"a":NaN}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"name":"' + b"n" * 1_000_000 + b'"}', "application/json"),
        (b'{"\xf0\x9f\x98\x80":null,"level":[],"target":{},"name":-1,"advance":{}}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"a=b", "application/x-www-form-urlencoded"),
    ],
)
def test_a_wrong_body_is_a_problem_and_never_a_500(
    client: FlaskClient, method: str, path: str, raw: bytes, content_type: str
) -> None:
    response = client.open(f"/_mock{path}", method=method, data=raw, content_type=content_type)
    assert 400 <= response.status_code < 500
    assert len(response.data) < 20_000


def test_a_body_over_the_limit_is_a_problem(client: FlaskClient) -> None:
    response = client.post("/_mock/reset", data=b" " * (9 * 1024 * 1024), content_type="application/json")
    assert (response.status_code, response.json["code"]) == (413, "BODY_TOO_BIG")


def test_a_wrong_address_or_method_is_a_problem(client: FlaskClient) -> None:
    assert client.get("/_mock/nothing").json["code"] == "NOT_FOUND"
    assert client.put("/_mock/clock").json["code"] == "METHOD_NOT_ALLOWED"
    assert client.get("/_mock/events/99999999999999999999999").json["code"] == "NOT_FOUND"
    assert client.get("/_mock/people", headers={"X-Yibao-Space": "nowhere"}).json["code"] == "SPACE_UNKNOWN"


def test_events_deliveries_and_attempts_tell_one_story(client: FlaskClient, mocks: Flask) -> None:
    sender_of(mocks).post = Ear(500)
    tell(mocks, URL, ref="ORDER-1")
    tell(mocks, URL, ref="ORDER-2")
    advance(client)
    (event,) = client.get("/_mock/events?ref=ORDER-1").json["items"]
    shown = client.get(f"/_mock/events/{event['id']}").json
    (delivery,) = client.get("/_mock/deliveries?ref=ORDER-1&state=pending").json["items"]
    assert (shown["deliveries"], delivery["tries"]) == ([delivery], 1)
    (attempt,) = client.get("/_mock/attempts?ref=ORDER-1").json["items"]
    assert client.get(f"/_mock/deliveries/{delivery['id']}").json["attempts"] == [attempt]
    whole = client.get(f"/_mock/attempts/{attempt['id']}").json
    assert event["notice_id"].encode() in base64.b64decode(whole["request"]["body_base64"])
    kinds = [item["kind"] for item in client.get("/_mock/timeline").json["items"]]
    assert kinds == ["event", "event", "attempt", "attempt"]


def test_lists_are_paged_without_loss(client: FlaskClient, mocks: Flask) -> None:
    sender_of(mocks).post = Ear()
    client.post("/_mock/clock", json={"freeze": True})
    tell(mocks, URL, n=7)
    advance(client)
    for path in LISTS:
        seen, after = [], "0"
        while after is not None:
            page = client.get(f"/_mock/{path}?after={after}&limit=2").json
            seen += page["items"]
            after = page["next"]
        assert seen == client.get(f"/_mock/{path}?limit=500").json["items"], path
    assert len(client.get("/_mock/timeline?limit=500").json["items"]) == 14


def test_a_delivery_is_held_released_sent_now_and_cancelled(client: FlaskClient, mocks: Flask) -> None:
    sender_of(mocks).post = ear = Ear(500)
    tell(mocks, URL)
    assert client.post("/_mock/deliveries/1/hold").json["state"] == "held"
    assert client.post("/_mock/deliveries/1/hold").json["code"] == "STATE_CONFLICT"
    advance(client, "2d")
    assert ear.heard == []
    assert client.post("/_mock/deliveries/1/release", json={}).json["state"] == "pending"
    advance(client)
    assert len(ear.heard) == 1
    client.post("/_mock/deliveries/1/send-now")
    advance(client)
    assert len(ear.heard) == 2
    assert client.post("/_mock/deliveries/1/cancel").json == {
        **client.get("/_mock/deliveries").json["items"][0],
        "state": "cancelled",
    }
    advance(client, "2d")
    assert len(ear.heard) == 2


def test_what_is_on_the_wire_cannot_be_held(client: FlaskClient, mocks: Flask) -> None:
    tell(mocks, URL)
    with spaces.entered(mocks, "default"):
        db.session.get_one(Delivery, 1).state = "leased"
        db.session.commit()
    assert "on the wire" in client.post("/_mock/deliveries/1/hold").json["detail"]


def test_an_event_is_resent_elsewhere_and_edited(client: FlaskClient, mocks: Flask) -> None:
    sender_of(mocks).post = ear = Ear(500)
    tell(mocks, URL)
    client.post("/_mock/deliveries/1/cancel")
    body = {"to": "http://127.0.0.1:7/else", "edit": {"n": 99}, "signature": "stale"}
    assert client.post("/_mock/events/1/resend", json=body).json["state"] == "pending"
    advance(client, "2d")
    (heard,) = ear.heard
    assert heard[0] == "http://127.0.0.1:7/else"
    assert b'"n": 99' in heard[2]


@pytest.mark.parametrize("body", [{"to": "ftp://x"}, {"signature": "best"}, {"edit": 5}, {"edit": {"": 1}}, {"x": 1}])
def test_a_wrong_resend_is_a_problem(client: FlaskClient, mocks: Flask, body: dict) -> None:
    tell(mocks, URL)
    assert client.post("/_mock/events/1/resend", json=body).json["code"] == "FIELD_INVALID"


def test_reset_of_traffic_says_what_went_and_new_traffic_is_seen(client: FlaskClient, mocks: Flask) -> None:
    sender_of(mocks).post = Ear()
    tell(mocks, URL, n=3)
    advance(client)
    removed = client.post("/_mock/reset", json={}).json["removed"]
    assert {name: removed[name] for name in ("event", "delivery", "attempt")} == {
        "event": 3,
        "delivery": 3,
        "attempt": 3,
    }
    for path in ("events", "deliveries", "attempts", "timeline"):
        assert client.get(f"/_mock/{path}").json["items"] == []
    assert client.get("/_mock/events/1").status_code == 404
    tell(mocks, URL, n=2)
    advance(client)
    assert len(client.get("/_mock/attempts").json["items"]) == 2


def test_a_reset_leaves_other_spaces_and_credentials_alone(client: FlaskClient, mocks: Flask) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    before = client.get("/_mock/credentials").json
    tell(mocks, URL, space="other")
    tell(mocks, URL)
    client.post("/_mock/reset", json={"level": "all"})
    there = client.get("/_mock/events", headers={"X-Yibao-Space": "other"}).json["items"]
    assert (len(there), client.get("/_mock/events").json["items"]) == (1, [])
    assert client.get("/_mock/credentials").json == before


def test_a_reset_while_the_sender_runs_is_swept_behind_the_scenes(live: Flask) -> None:
    sender_of(live).post = Ear()
    tell(live, URL, n=300)
    assert sender_of(live).wait_idle(10)
    client = live.test_client()
    assert client.post("/_mock/reset", json={}).json["removed"]["event"] == 300
    tell(live, URL)
    assert sender_of(live).wait_idle(10)
    with sender_of(live).changed:
        assert sender_of(live).changed.wait_for(lambda: not sender_of(live).untidy, 5)
    assert len(client.get("/_mock/events").json["items"]) == 1


def test_spaces_have_their_own_credentials_and_events(client: FlaskClient, mocks: Flask) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    mine = client.get("/_mock/credentials").json
    theirs = client.get("/s/other/_mock/credentials").json
    assert mine.keys() == theirs.keys()
    assert mine["wechat"]["appid"] != theirs["wechat"]["appid"]
    tell(mocks, URL, space="other")
    assert client.get("/_mock/events").json["items"] == []
    assert client.get("/_mock/events/1").status_code == 404
    assert client.post("/_mock/deliveries/1/cancel").status_code == 404


def test_a_removed_space_is_gone_with_everything_in_it(client: FlaskClient, mocks: Flask) -> None:
    client.post("/_mock/spaces", json={"name": "gone"})
    tell(mocks, URL, space="gone")
    assert client.delete("/_mock/spaces/gone").json["removed"]["event"] == 1
    assert client.get("/_mock/people", headers={"X-Yibao-Space": "gone"}).status_code == 404
    client.post("/_mock/spaces", json={"name": "gone"})
    assert client.get("/s/gone/_mock/events").json["items"] == []


@pytest.mark.parametrize("name", ["", "A", "-a", "a" * 33, "ä", "a/b", "a b"])
def test_a_wrong_space_name_is_a_problem(client: FlaskClient, name: str) -> None:
    assert client.post("/_mock/spaces", json={"name": name}).json["code"] in ("SPACE_NAME", "FIELD_INVALID")


def test_wait_blocks_until_the_event_was_delivered(live: Flask) -> None:
    sender_of(live).post = Ear()
    threading.Timer(0.1, tell, (live, URL), {"ref": "SOON"}).start()
    answer = live.test_client().get("/_mock/wait?event=toy.done&ref=SOON&delivered=true&within=5s")
    assert answer.status_code == 200
    assert [d["state"] for d in answer.json["deliveries"]] == ["delivered"]


def test_waiting_too_long_says_what_was_nearest_and_what_is_queued(client: FlaskClient, mocks: Flask) -> None:
    tell(mocks, URL, ref="A1")
    answer = client.get("/_mock/wait?event=other&ref=A1&within=0")
    assert (answer.status_code, answer.json["code"]) == (408, "WAITED_TOO_LONG")
    assert answer.json["nearest"]["event"]["ref"] == "A1"
    assert [row["state"] for row in answer.json["queue"]] == ["pending"]


def test_with_an_admin_token_nothing_under_mock_answers_without_it(tmp_path: Path) -> None:
    client = create_app(Settings(data=tmp_path, background=False, admin_token="tøken")).test_client()
    for path in ("/_mock/people", "/s/default/_mock/clock", "/_mock/phone/wechat/login", "/_mock/openapi.json"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": "Bearer wrong"}).json["code"] == "ADMIN_TOKEN"
    right = {"Authorization": "Bearer tøken".encode().decode("latin-1")}
    assert client.get("/_mock/people", headers=right).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_the_openapi_document_names_every_route(client: FlaskClient) -> None:
    document = client.get("/_mock/openapi.json").json
    operations = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations)) >= len(ROUTES)
    assert "/_mock/deliveries/{id}/send-now" in document["paths"]
    assert "/_mock/phone/wechat/login" in document["paths"]


def test_the_start_page_stands_alone_and_shows_the_sample_people(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert "样例 SAMPLE" in page
    assert all(person.id_number in page for person in people.world().people.values())
    assert "https://" not in page
    assert 'src="' not in page


def test_metrics_are_prometheus_text(client: FlaskClient, mocks: Flask) -> None:
    tell(mocks, URL, n=2)
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    assert "mock_events 2" in lines
    assert 'mock_deliveries{state="pending"} 2' in lines


def test_deviations_are_listed_and_moved(client: FlaskClient) -> None:
    switch = next(s for s in client.get("/_mock/deviations").json["items"] if len(s["choices"]) > 1)
    other = next(choice for choice in switch["choices"] if choice != switch["value"])
    assert client.post("/_mock/deviations", json={switch["name"]: other}).json["items"][0]["value"] == other
    for wrong in ({switch["name"]: "?"}, {"nothing": "on"}, {switch["name"]: 5}, {}):
        assert client.post("/_mock/deviations", json=wrong).json["code"] == "FIELD_INVALID"


def test_outcomes_are_planned_listed_and_cleared(client: FlaskClient) -> None:
    target, names = next(iter(client.get("/_mock/outcomes").json["known"].items()))
    body = {"target": target, "outcome": names[0], "next": 2, "person": "P01"}
    assert client.post("/_mock/outcomes", json=body).json["left"] == 2
    assert client.post("/_mock/outcomes", json={**body, "person": "P99"}).json["code"] == "PERSON_UNKNOWN"
    assert client.post("/_mock/outcomes", json={**body, "outcome": "?"}).json["code"] == "OUTCOME_UNKNOWN"
    assert len(client.get("/_mock/outcomes").json["items"]) == 1
    assert client.delete("/_mock/outcomes").json == {"removed": {"outcome": 1}}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/x?access_token=abcdefgh&id=469099198803159034", "/x?access_token=abcd…&id=469099********034"),
        ("/x?phone=15400000001", "/x?phone=154****0001"),
        ("/x?n=林样一", "/x?n=林**"),
        ("/sns?js_code=0a1b2c3d4e", "/sns?js_code=0a1b…"),
        ("/plain", "/plain"),
    ],
)
def test_targets_are_masked(given: str, shown: str) -> None:
    assert masking.target(given) == shown


def test_trees_are_masked_by_name_and_by_look() -> None:
    tree: dict[str, Any] = {
        "name": "某某某",
        "pay_auth_no": "AUTH12345",
        "list": ["15400000001"],
        "n": 5,
        "ref": "ORDER1",
    }
    assert masking.tree(tree) == {
        "name": "某**",
        "pay_auth_no": "AUTH…",
        "list": ["154****0001"],
        "n": 5,
        "ref": "ORDER1",
    }

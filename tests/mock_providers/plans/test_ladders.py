"""Ladders are data: with a source, a switch, and run in simulated time."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers.webhooks import ladders
from tests.mock_providers.plans.test_plan_book import START, URL
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

ALIPAY = "4m 10m 10m 1h 2h 6h 15h"  # alipay.md §4.11: seven pauses, 24 h 24 min


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("15s 15s 30s", (15, 15, 30)),
        ("2x15s 30s", (15, 15, 30)),
        ("15s 1m 5m 20x1h", (15, 60, 300, *(3600,) * 20)),
        ("none", ()),
        (ALIPAY, (240, 600, 600, 3600, 7200, 21600, 54000)),
    ],
)
def test_pauses_are_read(text: str, steps: tuple[int, ...]) -> None:
    assert ladders.parse(text) == steps


@pytest.mark.parametrize(
    "text", ["", "soon", "0s", "1.5s", "15s,15s", "0x15s", "101x1s", "99x1s 2x1s", "11d", "none 1s"]
)
def test_what_is_no_list_of_pauses_is_refused_in_words(text: str) -> None:
    assert "15s" in ladders.wrong(text)


def test_the_ladders_add_up_to_what_the_documents_say(client: FlaskClient) -> None:
    found = {(row["vendor"], row["product"]): row for row in client.get("/_mock/ladders").json["items"]}
    paid = found["wechatpay", ""]
    assert (paid["attempts"], paid["says"]) == (16, "16 attempts within 24h4m")
    assert found["wechatpay", "MEDICAL_INSURANCE.SUCCESS"]["at"] == [0, 15, 30]
    assert found["national", ""]["attempts"] == 24
    assert found["wechat", ""]["pauses"] == [5, 5, 5]
    assert ladders.words(sum(ladders.parse(ALIPAY))) == "24h24m"
    for row in found.values():
        assert row["source"]
        assert row["switches"]
        assert row["evidence"] in ("documented", "inferred", "simulator")
        assert not row["moved"]


@pytest.mark.parametrize(
    ("switch", "value", "which", "steps"),
    [
        ("wechatpay.ladder", "1s 2s", ("wechatpay", ""), [1, 2]),
        ("wechatpay.ladder", "none", ("wechatpay", ""), []),
        ("wechatpay.medical_retries", "full", ("wechatpay", "MEDICAL_INSURANCE.SUCCESS"), None),
        ("wechat.push_retries", "2", ("wechat", ""), [5, 5]),
        ("wechat.push_pause_seconds", "7", ("wechat", ""), [7, 7, 7]),
        ("national.ladder", "10s", ("national", ""), [10]),
    ],
)
def test_a_switch_moves_a_ladder(
    client: FlaskClient, switch: str, value: str, which: tuple, steps: list | None
) -> None:
    assert client.post("/_mock/deviations", json={switch: value}).status_code == 200
    found = {(row["vendor"], row["product"]): row for row in client.get("/_mock/ladders").json["items"]}
    wanted = found["wechatpay", ""]["pauses"] if steps is None else steps
    assert found[which]["pauses"] == wanted
    assert found[which]["moved"]
    assert found[which]["switches"][switch] == value


def test_a_switch_that_is_no_ladder_is_refused(client: FlaskClient) -> None:
    answer = client.post("/_mock/deviations", json={"wechatpay.ladder": "often"})
    assert (answer.status_code, list(answer.json["fields"])) == (400, ["wechatpay.ladder"])
    assert client.get("/_mock/ladders?vendor=wechatpay").json["items"][0]["attempts"] == 16


def test_one_vendors_ladders_are_shown_alone(client: FlaskClient) -> None:
    assert {row["vendor"] for row in client.get("/_mock/ladders?vendor=national").json["items"]} == {"national"}


def test_a_ladder_runs_in_simulated_time_at_exactly_its_instants(mocks: Flask, client: FlaskClient) -> None:
    sender_of(mocks).post = Ear(500)
    client.post("/_mock/clock", json={"set": START.isoformat(), "freeze": True})
    tell(mocks, URL)
    fired = client.post("/_mock/clock", json={"advance": "2d"}).json["fired"]
    expected = [
        START + timedelta(seconds=s) for s in ladders.instants(ladders.parse(ladders.LADDERS["wechatpay", ""].pauses))
    ]
    assert [datetime.fromisoformat(one["at"]) for one in fired] == expected
    assert client.get("/_mock/deliveries").json["items"][0]["state"] == "failed"


def test_to_next_climbs_a_ladder_step_by_step(mocks: Flask, client: FlaskClient) -> None:
    sender_of(mocks).post = Ear(500)
    client.post("/_mock/clock", json={"set": START.isoformat(), "freeze": True})
    tell(mocks, URL, "short")
    for second in (0, 10):
        moved = client.post("/_mock/clock", json={"to": "next"}).json
        assert [one["what"] for one in moved["fired"]] == ["delivery"]
        assert datetime.fromisoformat(moved["now"]) == START + timedelta(seconds=second)
    assert client.post("/_mock/clock", json={"to": "next"}).json["fired"] == []


def test_a_moved_ladder_is_climbed(mocks: Flask, client: FlaskClient) -> None:
    from mock_providers.webhooks import one_try

    client.post("/_mock/deviations", json={"national.ladder": "7s"})
    with mocks.test_request_context(), mocks.app_context():
        event = type("Row", (), {"vendor": "national", "type": "6302", "about": {}})()
        assert one_try.ladder(event, sender_of(mocks).vendors["national"]) == (7,)
        event.about = {"pauses": []}
        assert one_try.ladder(event, sender_of(mocks).vendors["national"]) == []

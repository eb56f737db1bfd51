"""Following the timeline: everything once, in the order in which it began, also what took its time."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from mock_providers import clock
from mock_providers.webhooks.reply import Reply
from tests.mock_providers.webhooks.toy import sender_of, tell

URL = "http://127.0.0.1:9/callback"


def test_an_attempt_that_takes_its_time_is_followed_once_and_in_its_place(
    mocks: Flask, client: FlaskClient, monkeypatch: Any
) -> None:
    seen: list[str] = []
    after: str | None = None
    monkeypatch.setattr("mock_providers.control.story.UNCOMMITTED_NS", 0)

    def look() -> None:
        nonlocal after
        page = mocks.test_client().get(f"/_mock/timeline?over=true&after={after or 0}").json
        seen.extend(f"{item['kind']} {item['id']}" for item in page["items"])
        after = page["last"] or after

    def post(url: str, headers: Any, body: bytes) -> Reply:
        mocks.test_client().get("/wechatpay/v3/certificates")  # while this attempt is on its way
        look()
        return Reply(200, [], b"")

    sender_of(mocks).post = post
    client.post("/_mock/clock", json={"freeze": True})
    tell(mocks, URL, n=2)
    client.post("/_mock/clock", json={"advance": "0s"})
    look()
    look()
    assert seen == ["event 1", "event 2", "attempt 1", "call 2", "attempt 2", "call 3"]


def test_a_call_that_has_not_ended_holds_up_who_follows(mocks: Flask, client: FlaskClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("mock_providers.control.story.UNCOMMITTED_NS", 0)
    tell(mocks, URL)
    underway = mocks.extensions["journal"].underway
    began = underway["a call"] = clock.wall_ns()
    tell(mocks, URL)
    assert [item["id"] for item in client.get("/_mock/timeline?over=true").json["items"]] == [1]
    assert [item["id"] for item in client.get("/_mock/timeline").json["items"]] == [1, 2]
    assert underway.pop("a call") == began
    client.get("/wechatpay/v3/certificates")
    assert underway == {}
    assert len(client.get("/_mock/timeline?over=true").json["items"]) == 3

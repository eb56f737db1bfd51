from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from mock_providers import journal
from mock_providers.db import db
from mock_providers.journal import Call


def counted(app: Flask, space: str = "default") -> int:
    with app.app_context():
        table = Call.__table__.c
        return db.session.scalar(select(func.count()).where(table.space == space)) or 0


def test_a_call_is_kept_with_its_exact_bytes(client: FlaskClient) -> None:
    client.post("/wechat/no/such%20path?b=%7E&a=1", data=b"\x00\xffraw", headers={"X-Odd": "1"})
    (line,) = client.get("/_mock/calls").json["items"]
    whole = client.get(f"/_mock/calls/{line['id']}").json
    assert whole["request"]["body_base64"] == "AP9yYXc="
    assert ["X-Odd", "1"] in whole["request"]["headers"]
    assert whole["target"].endswith("?b=%7E&a=1")


def test_looking_at_the_control_api_is_not_noted(client: FlaskClient) -> None:
    client.get("/_mock/people")
    client.get("/healthz")
    client.post("/_mock/reset", json={"level": "faults"})
    assert [call["method"] for call in client.get("/_mock/calls").json["items"]] == ["POST"]


def test_nothing_is_written_before_somebody_reads(mocks: Flask, client: FlaskClient) -> None:
    client.post("/wechat/x")
    assert counted(mocks) == 0
    client.get("/_mock/calls")
    assert counted(mocks) == 1


def test_memory_is_bounded_when_the_journal_cannot_be_written(mocks: Flask, monkeypatch) -> None:
    monkeypatch.setattr(journal, "HELD_AT_MOST", 3)
    client = mocks.test_client()
    for _ in range(5):
        client.post("/wechat/x")
    book = mocks.extensions["journal"]
    assert (len(book.waiting), book.noted, book.overflowed) == (3, 5, {"default": 2})
    assert client.get("/_mock/calls").json["retention"]["dropped"] == 2

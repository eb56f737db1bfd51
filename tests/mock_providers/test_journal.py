from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from mock_providers import create_app, journal
from mock_providers.db import db
from mock_providers.journal import Call
from mock_providers.settings import Settings


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


def test_the_journal_keeps_a_bounded_number_of_calls_per_space(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(journal, "PRUNE_EVERY", 10)
    app = create_app(Settings(data=tmp_path, background=False, journal_rows=5))
    client = app.test_client()
    client.post("/_mock/spaces", json={"name": "quiet"})
    client.post("/wechat/x", headers={"X-Yibao-Space": "quiet"})
    for _ in range(30):
        client.post("/wechat/x")
    client.get("/_mock/calls")
    assert counted(app) == 5
    assert counted(app, "quiet") == 1
    assert app.extensions["journal"].dropped == 26


def test_the_journal_keeps_a_bounded_number_of_bytes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(journal, "PRUNE_EVERY", 10)
    app = create_app(Settings(data=tmp_path, background=False, journal_bytes=20_000))
    client = app.test_client()
    for _ in range(40):
        client.post("/wechat/x", data=b"x" * 1000)
    app.extensions["journal"].flush()
    with app.app_context():
        size = func.length(Call.__table__.c.request_body)
        assert (db.session.scalar(select(func.sum(size))) or 0) <= 20_000


def test_memory_is_bounded_when_the_journal_cannot_be_written(mocks: Flask, monkeypatch) -> None:
    monkeypatch.setattr(journal, "HELD_AT_MOST", 3)
    client = mocks.test_client()
    for _ in range(5):
        client.post("/wechat/x")
    book = mocks.extensions["journal"]
    assert (len(book.waiting), book.noted, book.dropped) == (3, 5, 2)

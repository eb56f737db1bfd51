"""`yibao explain`: in words and in JSON, with an exit code that says whether something is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import accounts
from mock_providers.control.commands import COMMANDS
from mock_providers.db import db
from mock_providers.spaces import entered
from tests.mock_providers.wechatpay.merchant import Merchant
from tests.wsgi_adapter import WsgiAdapter

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def shop(mocks: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    adapter = WsgiAdapter(mocks)
    monkeypatch.setattr(requests.Session, "get_adapter", lambda self, url: adapter)
    with entered(mocks, "default"):
        held = accounts.account("wechatpay")
        db.session.commit()
    return Merchant(client, held)


def run(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(COMMANDS["explain"], [*words, "--base", BASE], input=given)


def newest(client: FlaskClient) -> dict[str, Any]:
    return client.get("/_mock/calls?door=wechatpay").json["items"][-1]


def test_a_wrong_call_is_told_in_words_with_remedies_in_both_languages_and_ends_with_1(
    shop: Merchant, client: FlaskClient
) -> None:
    shop.post("/v3/pay/transactions/jsapi", {"a": "b"}, signed=b'{"a":"b"}')
    result = run("call", str(newest(client)["id"]))
    assert result.exit_code == 1, result.output
    for said in (
        "WeChat Pay request: wrong",
        "1. json_spaces:",
        "serialise once",
        "只序列化一次",
        "1 │ POST",
        "2 │ /v3/pay/transactions/jsapi",
        "first difference at byte",
        "line 5, column 6",
    ):
        assert said in result.output
    told = json.loads(run("call", str(newest(client)["id"]), "--json").output)
    assert told["causes"][0]["name"] == "json_spaces" and told["first_difference"]["column"] == 6


def test_a_good_call_ends_with_0_and_what_is_not_there_with_1(shop: Merchant, client: FlaskClient) -> None:
    shop.get("/v3/certificates")
    result = run("call", str(newest(client)["id"]))
    assert result.exit_code == 0 and "WeChat Pay request: ok" in result.output
    assert run("call", "999").exit_code == 1
    assert run("attempt", "999").exit_code == 1
    assert run("call", "x").exit_code == 2


def test_pasted_text_comes_from_a_file_or_standard_input(shop: Merchant, tmp_path: Path) -> None:
    value = shop.authorization("GET", "/v3/certificates?", b"")
    raw = f"GET /v3/certificates HTTP/1.1\nAuthorization: {value}\n\n".encode()
    path = tmp_path / "request.txt"
    path.write_bytes(raw)
    for result in (run("paste", str(path)), run("paste", "-", given=raw)):
        assert result.exit_code == 1 and "query_left_out" in result.output, result.output
    assert run("paste", "-", given=b" ").exit_code == 2
    assert run("paste", "-", given=b"hello").exit_code == 1
    assert run("paste", str(tmp_path / "nothing")).exit_code == 2


def test_help_teaches_by_example() -> None:
    for verb, example in (
        ("call", "yibao explain call 12"),
        ("attempt", "explain attempt 3"),
        ("paste", "explain paste -"),
    ):
        assert example in CliRunner().invoke(COMMANDS["explain"], [verb, "--help"]).output

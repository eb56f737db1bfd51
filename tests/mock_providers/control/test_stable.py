"""The timeline as it is compared: what follows from wire time is written alike, and ids count from 1."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers.control import stable
from tests.mock_providers.webhooks import toy
from tests.mock_providers.webhooks.toy import Ear, sender_of, tell

URL = "http://127.0.0.1:9/callback"
ALIKE = [
    ('{"nonce": "Ab\\"c", "amount": 5}', '{"nonce": "wire", "amount": 5}'),
    ('{"timestamp":1795000000,"a":1}', '{"timestamp":"wire","a":1}'),
    ('{"ciphertext":"half of i', '{"ciphertext":"wire"'),
    ('{"inner":"{\\"nonce_str\\":\\"x1\\",\\"b\\":2}"}', '{"inner":"{\\"nonce_str\\":\\"wire\\",\\"b\\":2}"}'),
    ("<xml><sign><![CDATA[A1]]></sign><a>1</a></xml>", "<xml><sign>wire</sign><a>1</a></xml>"),
    ("/in?signature=ab12&timestamp=17&openid=o1", "/in?signature=wire&timestamp=wire&openid=o1"),
    ('SCHEME mchid="19",nonce_str="n",signature="s",timestamp="1"', None),
    ("http://127.0.0.1:8000/s/a/b of 127.0.0.1:8000", "(server)/s/a/b of (server)"),
    (f"[{'A' * 342}==]", "[(RSA)]"),
    (f"[{'A' * 344}]", f"[{'A' * 344}]"),
    (f"/oauth2/authorize?state={'0a' * 32}&a=1", "/oauth2/authorize?state=wire&a=1"),
    ("/orders?state=paid", "/orders?state=paid"),
    ("Bearer eyJhbGciOi.eyJpc3Mi.c2ln", "Bearer (JWT)"),
    ('{"announcement": "x", "design": 1, "order_sign": 2}', '{"announcement": "x", "design": 1, "order_sign": 2}'),
]


@pytest.mark.parametrize(("said", "alike"), ALIKE)
def test_what_follows_from_wire_time_is_written_alike(mocks: Flask, said: str, alike: str | None) -> None:
    wanted = 'SCHEME mchid="19",nonce_str=wire,signature=wire,timestamp=wire' if alike is None else alike
    with mocks.app_context():
        assert stable.calm(said) == wanted


def test_what_may_differ_is_named_in_the_answer(client: FlaskClient) -> None:
    named = client.get("/_mock/timeline?stable=true").json["may_differ"]
    assert named["left_out"] == ["cursor", "wall_ns", "ms"]
    assert "Wechatpay-Signature" in named["headers"]
    assert {"nonce", "ciphertext", "signData"} <= set(named["members"])
    assert "may_differ" not in client.get("/_mock/timeline").json


def test_the_document_names_the_same() -> None:
    page = (Path(__file__).parents[3] / "docs" / "CALLBACKS.md").read_text("utf-8").partition("## What is equal")[2]
    for name in (*stable.LEFT_OUT, *stable.HEADERS, *stable.MEMBERS, stable.WIRE, stable.BLOCK, stable.TOKEN):
        assert f"`{name}`" in page, name


def test_ids_count_from_one_after_every_reset_and_bytes_are_there(
    mocks: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender_of(mocks).post = Ear()

    def told() -> list[dict[str, Any]]:
        monkeypatch.setattr(toy, "nonces", itertools.count())
        client.post("/_mock/clock", json={"set": "2025-12-01T10:00:00+08:00", "freeze": True})
        client.post("/_mock/plans", json={"text": "dup 1"})
        tell(mocks, URL)
        client.post("/_mock/clock", json={"advance": "0s"})
        return client.get("/_mock/timeline?stable=true").json["items"]

    first = told()
    client.post("/_mock/reset", json={"level": "all"})
    second = told()
    assert second == first
    assert [(item["kind"], item["id"]) for item in second] == [
        ("event", 1),
        ("plan", 1),
        ("attempt", 1),
        ("attempt", 2),
    ]
    assert second[1]["summary"].startswith("event 1 ")
    assert [delivery["planned"] for delivery in second[0]["deliveries"]][-1].endswith("by plan 1: dup 1")
    assert second[2]["request"]["headers"][0] == "Host: 127.0.0.1:9"
    assert len(second[2]["request"]["sha256"]) == 64
    assert not {"wall_ns", "ms", "cursor"} & second[2].keys()

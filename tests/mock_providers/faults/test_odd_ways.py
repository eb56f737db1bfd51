"""Callbacks that leave in an odd way, on real connections; pauses are counted instead of made."""

import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from flask import Flask

from mock_providers import clock, spaces
from mock_providers.webhooks import rough, transport
from mock_providers.webhooks.rough import Rough
from tests.mock_providers.webhooks.toy import answer, receiver, sender_of, tell

BODY = b'{"id":"EV-1","resource":{"ciphertext":"' + b"x" * 400 + b'"}}'
HEADERS = [("Content-Length", str(len(BODY))), ("Content-Type", "application/json"), ("X-One", "1")]


class Listener:
    """What arrived, how it ended, and 204."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.ended = threading.Event()
        self.reset = False

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        wanted, body = int(handler.headers["Content-Length"]), b""
        self.paths.append(handler.path)
        try:
            while len(body) < wanted and (piece := handler.rfile.read1(wanted - len(body))):
                body += piece
        except ConnectionResetError:
            self.reset = True
        self.bodies.append(body)
        handler.close_connection = True
        if len(body) == wanted:
            handler.send_response(204)
            handler.send_header("Wechatpay-Nonce", "1")
            handler.end_headers()
        self.ended.set()


def send(way: str, seconds: float = 0.0, body: bytes = BODY) -> tuple[Listener, Any, list[float]]:
    listener, pauses = Listener(), []
    with receiver(listener) as url:
        host = ("Host", url.removeprefix("http://"))
        reply = Rough(pause=pauses.append)(f"{url}/a?b=c", [host, *HEADERS], body, way, seconds)
        assert listener.ended.wait(5)
    return listener, reply, pauses


@pytest.mark.parametrize(("way", "count"), [("slow", 1), ("dribbled", 12)])
def test_a_slow_body_arrives_whole_after_pauses_that_add_up(way: str, count: int) -> None:
    listener, reply, pauses = send(way, 2.4)
    assert (listener.bodies, listener.paths, reply.status) == ([BODY], ["/a?b=c"], 204)
    assert len(pauses) == count and sum(pauses) == pytest.approx(2.4)


@pytest.mark.parametrize(("way", "reset"), [("cut_off", False), ("reset", True)])
def test_a_broken_request_leaves_half_of_its_body_and_no_answer(way: str, reset: bool) -> None:
    listener, reply, pauses = send(way)
    assert (reply.status, pauses) == (None, [])
    assert "after half of it" in reply.trouble
    assert len(listener.bodies[0]) < len(BODY)
    assert listener.reset is reset or not listener.bodies[0]


def test_an_empty_body_can_be_slow_too() -> None:
    reply = Rough(pause=lambda seconds: None)("http://127.0.0.1:9/", [], b"", "dribbled", 1.0)
    assert reply.trouble == "connection refused"


def test_the_guard_stands_before_odd_ways_as_well() -> None:
    for url in ("http://169.254.169.254/", "http://10.0.0.1/", "ftp://127.0.0.1/"):
        assert Rough()(url, [], b"x", "slow", 0.1).refused


def test_an_answer_that_drips_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rough, "SECONDS", 0.2)
    monkeypatch.setattr(transport, "SECONDS", 0.2)
    done = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX")
        done.wait(5)

    with receiver(drip) as url:
        reply = Rough(pause=lambda seconds: None)(url, HEADERS, BODY, "slow", 0.1)
        done.set()
    assert reply.status is None and reply.trouble.startswith("no answer within")


def test_a_huge_answer_is_capped() -> None:
    with receiver(lambda handler: answer(handler, 200, b"x" * 500_000) and None) as url:
        reply = Rough(pause=lambda seconds: None)(url, HEADERS, BODY, "slow", 0.1)
    assert len(reply.body) == transport.BODY_AT_MOST


def test_a_receiver_is_really_cut_off_by_the_sender(live: Flask, client_of: Any) -> None:
    listener = Listener()
    client_of(live).post("/_mock/faults", json={"fault": "body_cut_off"})
    with receiver(listener) as url:
        tell(live, url)
        assert listener.ended.wait(5)
        assert sender_of(live).wait_idle(5)
    with spaces.entered(live, "default"):
        assert clock.now()
    attempt = client_of(live).get("/_mock/attempts").json["items"][0]
    assert (attempt["status"], attempt["fault"]["name"]) == (None, "body_cut_off")
    assert attempt["reason"] == "we closed the connection after half of it"
    whole = len(b64decode(client_of(live).get(f"/_mock/attempts/{attempt['id']}").json["request"]["body_base64"]))
    assert attempt["fault"]["sent"] == f"{whole // 2} of {whole} bytes of the body"


def test_twice_at_once_is_two_requests_on_two_connections(live: Flask, client_of: Any) -> None:
    together, ports = threading.Barrier(2), set()

    def both(handler: BaseHTTPRequestHandler) -> None:
        together.wait(5)
        ports.add(handler.client_address[1])
        answer(handler, 204)

    client_of(live).post("/_mock/faults", json={"fault": "sent_twice_at_once"})
    with receiver(both) as url:
        tell(live, url)
        assert sender_of(live).wait_idle(5)
    assert len(ports) == 2
    attempts = client_of(live).get("/_mock/attempts").json["items"]
    assert [(row["status"], row["fault"].get("part")) for row in attempts] == [(204, "at once"), (204, None)]

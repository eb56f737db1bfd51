"""A vendor small enough to read, and receivers that do as told."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask

from mock_providers import spaces
from mock_providers.db import db
from mock_providers.webhooks.models import emit
from mock_providers.webhooks.sender import Sender
from mock_providers.webhooks.transport import Reply

WECHAT_LADDER = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
SCHEDULE = {"": WECHAT_LADDER, "short": (10,)}
nonces = itertools.count(1)


def build(event: Any, credentials: Any, now: datetime) -> tuple[list[tuple[str, str]], bytes]:
    if event.type == "broken":
        raise KeyError("no such field")
    body = json.dumps({"id": event.notice_id, **event.plain}).encode()
    return [("Content-Type", "application/json"), ("X-Nonce", str(next(nonces)))], body


def accepted(status: int | None, headers: Any, body: bytes) -> tuple[bool, str]:
    return status in (200, 204), "" if status in (200, 204) else f"answered {status}"


def sender_of(app: Flask) -> Sender:
    sender: Sender = app.extensions["sender"]
    return sender


def tell(app: Flask, url: str, type_: str = "toy.done", space: str = "default", ref: str = "A1", n: int = 1) -> None:
    """Emit `n` events of the toy vendor in one transaction."""
    import tests.mock_providers.webhooks.toy as me

    sender_of(app).vendors["toy"] = me
    with spaces.entered(app, space):
        for number in range(n):
            emit("toy", type_, ref, {"n": number}, url)
        db.session.commit()


class Ear:
    """Stands in for the network: remembers posts, answers what it is told to."""

    def __init__(self, answer: Callable[[str, bytes], int] | int = 200) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.answer = answer

    def __call__(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        self.heard.append((url, dict(headers), body))
        status = self.answer if isinstance(self.answer, int) else self.answer(url, body)
        return Reply(status, [], b"")


@contextmanager
def receiver(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A real server on loopback; `respond` handles each POST."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            respond(self)

        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> bytes:
    """Read the body, then answer."""
    given = handler.rfile.read(int(handler.headers["Content-Length"]))
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
    return given

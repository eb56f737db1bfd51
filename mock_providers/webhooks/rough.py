"""Callbacks that leave in an odd way: cut off, reset, slowly, a few bytes at a time. Guarded like every other.

Their bytes are written by hand, because no client library sends half a request. Pauses are given in, so that a test
need not wait.
"""

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from mock_providers.webhooks.reply import Headers, Reply
from mock_providers.webhooks.transport import (
    BODY_AT_MOST,
    SECONDS,
    Forbidden,
    Socket,
    checked_addresses,
    limit,
    plainly,
    secure,
    target_of,
)

PIECES = 12
SLOWEST = 30.0
CUT_OFF, RESET, SLOW, DRIBBLED = "cut_off", "reset", "slow", "dribbled"
BROKEN = {CUT_OFF: "we closed the connection after half of it", RESET: "we reset the connection after half of it"}
Pause = Callable[[float], object]


def wait(seconds: float) -> None:
    """A pause of wall time."""
    threading.Event().wait(seconds)


class Rough:
    """`Rough(allowed)(url, headers, body, way, seconds)` sends one request the odd way. It never raises."""

    def __init__(self, allowed: Sequence[str] = (), pause: Pause = wait) -> None:
        self.allowed, self.pause = tuple(allowed), pause

    def __call__(self, url: str, headers: Headers, body: bytes, way: str, seconds: float) -> Reply:
        limit(SECONDS + min(seconds, SLOWEST))
        try:
            with self._connection(url) as connection:
                return self._send(connection, _head(url, headers), body, way, min(seconds, SLOWEST))
        except Forbidden as error:
            return Reply(None, [], b"", str(error), refused=True)
        except (OSError, ValueError, HTTPException) as error:
            return Reply(None, [], b"", plainly(error))

    def _connection(self, url: str) -> socket.socket:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Forbidden(f"{url[:80]} is not an http address")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        trouble: OSError = OSError("no address")
        for family, kind, protocol, address in checked_addresses(parts.hostname, port, self.allowed, SECONDS):
            made = Socket(family, kind, protocol)
            made.settimeout(SECONDS)
            try:
                made.connect(address)
            except OSError as error:
                made.close()
                trouble = error
                continue
            if parts.scheme == "https":
                return secure().wrap_socket(made, server_hostname=parts.hostname)
            return made
        raise trouble

    def _send(self, connection: socket.socket, head: bytes, body: bytes, way: str, seconds: float) -> Reply:
        if way in BROKEN:
            connection.sendall(head + body[: len(body) // 2])
            if way == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return Reply(None, [], b"", BROKEN[way])
        connection.sendall(head)
        size = len(body) if way == SLOW else max(1, -(-len(body) // PIECES))
        pieces = [body[start : start + size] for start in range(0, len(body), max(1, size))]
        for piece in pieces:
            self.pause(seconds / len(pieces))
            connection.sendall(piece)
        return _answer(connection)


def _head(url: str, headers: Headers) -> bytes:
    lines = [f"POST {target_of(url)} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _answer(connection: socket.socket) -> Reply:
    answer = HTTPResponse(connection)
    try:
        answer.begin()
        return Reply(answer.status, answer.getheaders(), answer.read(BODY_AT_MOST))
    finally:
        answer.close()

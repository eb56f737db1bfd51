"""Callbacks that leave in an odd way: cut off, reset, slowly, a few bytes at a time. Guarded like every other.

Pauses are given in, so that a test need not wait.
"""

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPException

from mock_providers.webhooks.reply import Headers, Reply
from mock_providers.webhooks.transport import (
    SECONDS,
    Forbidden,
    answered,
    connect,
    head,
    http_address,
    limit,
    plainly,
)

PIECES = 12
SLOWEST = 30.0
CUT_OFF, RESET, SLOW, DRIBBLED = "cut_off", "reset", "slow", "dribbled"
BROKEN = {CUT_OFF: "we closed the connection after half of it", RESET: "we reset the connection after half of it"}
Pause = Callable[[float], object]


def sent_of(whole: int) -> int:
    """How many bytes of a body leave before the connection is broken."""
    return whole // 2


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
            start = head("POST", url, [*headers, ("Connection", "close")], body)
            with connect(http_address(url), self.allowed) as connection:
                return self._send(connection, start, body, way, min(seconds, SLOWEST))
        except Forbidden as error:
            return Reply(None, [], b"", str(error), refused=True)
        except (OSError, ValueError, HTTPException) as error:
            return Reply(None, [], b"", plainly(error))

    def _send(self, connection: socket.socket, start: bytes, body: bytes, way: str, seconds: float) -> Reply:
        if way in BROKEN:
            connection.sendall(start + body[: sent_of(len(body))])
            if way == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return Reply(None, [], b"", BROKEN[way])
        connection.sendall(start)
        size = len(body) if way == SLOW else max(1, -(-len(body) // PIECES))
        pieces = [body[at : at + size] for at in range(0, len(body), max(1, size))]
        for piece in pieces:
            self.pause(seconds / len(pieces))
            connection.sendall(piece)
        return answered(connection)[0]

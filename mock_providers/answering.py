"""Faults on the vendors' answers: looked up before the call, done after it (or instead of it), noted with it.

The pauses of slow answers are made outside of every transaction and request context, and only a few at a time, so
that other requests find a thread. `app.extensions["pause"]` makes them: a test puts something quicker there.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask, Response, current_app, g, request

from mock_providers import clock, journal
from mock_providers.db import writing
from mock_providers.webhooks import answer_faults, fault_book
from mock_providers.webhooks.answer_faults import CUT_OFF, DRIBBLED, EMPTY, RESET, Answer, Answering, Given
from mock_providers.webhooks.catalogue import CATALOGUE

PAUSED_AT_ONCE = 8
PIECES = 10
HEARD_NOTHING = "the connection was reset: the caller got no answer"
WAY, HANG_UP = "yibao.way", "yibao.hang_up"
Environ = dict[str, Any]


def init(app: Flask, vendors: dict[str, Answering]) -> None:
    """Register it after the space of a request is found: its hooks run in this order."""
    app.extensions["answering"] = vendors
    app.extensions["pause"] = _pause
    room = app.extensions["pause_room"] = threading.BoundedSemaphore(PAUSED_AT_ONCE)
    app.before_request(_before)
    app.after_request(_after)
    app.wsgi_app = Ways(app.wsgi_app, app, room)  # type: ignore[method-assign]


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def _before() -> Response | None:
    """See which faults may strike. One that keeps the call from being made is done at once."""
    mount, _, rest = request.path.removeprefix("/").partition("/")
    if mount not in current_app.extensions["answering"]:
        return None
    g.answer_faults = fault_book.for_call(mount, f"/{rest}", _shown)
    for row in g.answer_faults:
        if not CATALOGUE[row["name"]].made and (answer := _struck(row, mount, EMPTY, {})):
            g.answer_faults = []
            return _response(answer)
    return None


def _shown() -> bytes:
    """Everything the caller sent that may name an order or a person."""
    return journal.raw_target().encode() + b"\n" + request.get_data()


def _after(response: Response) -> Response:
    """Do the oldest fault that fits this answer."""
    waiting = g.pop("answer_faults", ())
    if not waiting or response.direct_passthrough:
        return response
    mount = request.path.split("/", 2)[1]
    g.write_mode = False
    credentials = current_app.extensions["answering"][mount].credentials()
    usual = Answer(response.status_code, tuple(response.headers.items()), response.get_data())
    for row in waiting:
        if CATALOGUE[row["name"]].made and (answer := _struck(row, mount, usual, credentials)):
            return _response(answer)
    return response


def _struck(row: Any, mount: str, usual: Answer, credentials: Any) -> Answer | None:
    """The answer with this fault, which is used up by one; None if it does not fit, was drawn blank, or is gone."""
    given = Given(usual, credentials, clock.wall(), row["seconds"])
    answer = answer_faults.damaged(row["name"], mount, current_app.extensions["answering"], given)
    if answer is None or not _room_for(answer):
        return None
    with writing():
        note = fault_book.strike(row["id"])
    if note is None:
        _give_room_back(answer)
        return None
    journal.explain(fault=note | ({"heard": HEARD_NOTHING} if answer.way == RESET else {}))
    if answer.way:
        request.environ[WAY] = answer
    return answer


def _room_for(answer: Answer) -> bool:
    return not answer.seconds or current_app.extensions["pause_room"].acquire(blocking=False)


def _give_room_back(answer: Answer) -> None:
    if answer.seconds:
        current_app.extensions["pause_room"].release()


def _response(answer: Answer) -> Response:
    kept = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    return Response(answer.body, answer.status, kept)


class Ways:
    """WSGI: lets an answer go out late, in pieces, in part, or not at all."""

    def __init__(self, app: Callable[..., Any], flask: Flask, room: threading.BoundedSemaphore) -> None:
        self.app, self.flask, self.room = app, flask, room

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        chunks = self.app(environ, start_response)
        answer: Answer | None = environ.pop(WAY, None)
        if answer is None:
            return chunks
        if hasattr(chunks, "close"):
            chunks.close()
        if answer.way == RESET:
            raise _hang_up(environ, reset=True)
        if answer.way == CUT_OFF:
            return _half(environ, answer.body)
        return Late(answer, self.flask.extensions["pause"], self.room)


class Late:
    """A body with pauses before its pieces. It gives back its place among the paused after the last of them."""

    def __init__(self, answer: Answer, pause: Callable[[float], Any], room: threading.BoundedSemaphore) -> None:
        self.answer, self.pause, self.room = answer, pause, room
        self.waits = True

    def close(self) -> None:
        if self.waits:
            self.waits = False
            self.room.release()

    def __iter__(self) -> Iterator[bytes]:
        body = self.answer.body
        size = -(-len(body) // PIECES) if self.answer.way == DRIBBLED else len(body)
        pieces = [body[start : start + size] for start in range(0, len(body), size or 1)] or [b""]
        for number, piece in enumerate(pieces, 1):
            self.pause(self.answer.seconds / len(pieces))
            if number == len(pieces):
                self.close()
            yield piece


def _half(environ: Environ, body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise _hang_up(environ, reset=False)


def _hang_up(environ: Environ, reset: bool) -> BaseException:
    """What to raise so that the connection ends. The server knows how; in process it is an OSError."""
    how: Callable[[bool], BaseException] | None = environ.get(HANG_UP)
    return how(reset) if how else ConnectionResetError("the answer was broken off on purpose")

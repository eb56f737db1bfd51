"""Every call that came in, with its exact bytes: noted in memory, written behind in batches, read after a flush.

Bounded (bounds.py), and what is dropped is counted.
"""

import atexit
import threading
from collections import Counter, deque
from datetime import datetime
from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy import JSON, Index, LargeBinary, String, insert
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import RequestEntityTooLarge

from mock_providers import bounds, clock
from mock_providers.db import InSpace, Model, Moment, db

BATCH_SECONDS = 0.1
HELD_AT_MOST = 4_000
BODY_AT_MOST = 256 * 1024


class Call(InSpace, Model):
    """One call of the app under test (or of the control API) and our answer. `target` is raw, query included.

    `why` is what the vendor's door noted for explanations: string to sign, verdict, expected value.
    """

    __tablename__ = "call"
    __table_args__ = (Index(None, "space", "wall_ns"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    door: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Moment)
    wall_ns: Mapped[int]
    ms: Mapped[float]
    method: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(String(2048))
    request_headers: Mapped[list] = mapped_column(JSON)
    request_body: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    response_headers: Mapped[list] = mapped_column(JSON)
    response_body: Mapped[bytes] = mapped_column(LargeBinary)
    why: Mapped[dict | None] = mapped_column(JSON)


CALL: Any = Call.__table__


class Journal:
    """The write-behind queue of one process."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.waiting: deque[dict[str, Any]] = deque()
        self.underway: dict[object, int] = {}
        self.flushing = threading.Lock()
        self.stopped = threading.Event()
        self.overflowed: Counter[str] = Counter()
        self.noted = 0
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Write behind from now on."""
        self.thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Write what is waiting and end the thread."""
        atexit.unregister(self.stop)
        self.stopped.set()
        if self.thread:
            self.thread.join(5)
        self.flush()

    def _run(self) -> None:
        while not self.stopped.wait(BATCH_SECONDS):
            try:
                self.flush()
            except Exception:
                self.app.logger.exception("the journal could not be written; it goes on")

    def add(self, entry: dict[str, Any]) -> None:
        """Note a call. Never writes: a caller may have a transaction open. The oldest goes when memory is full."""
        self.noted += 1
        self.waiting.append(entry)
        if len(self.waiting) > HELD_AT_MOST:
            self.overflowed[self.waiting.popleft()["space"]] += 1

    def flush(self) -> None:
        """Write everything noted so far. Never call it with a writing transaction open."""
        with self.flushing:
            batch = []
            while self.waiting:
                batch.append(self.waiting.popleft())
            if not batch:
                return
            with self.app.app_context():
                db.session.execute(insert(CALL), batch)
                overflowed, self.overflowed = self.overflowed, Counter()
                for space, count in overflowed.items():
                    bounds.note(space, "call", count)
                self.app.extensions["bounds"].grew(call["space"] for call in batch)
                db.session.commit()


def raw_target() -> str:
    """The request target exactly as sent: path and query, nothing decoded."""
    environ = request.environ
    if raw := environ.get("REQUEST_URI") or environ.get("RAW_URI"):
        scheme_free = raw.split("://", 1)
        return raw if len(scheme_free) == 1 else "/" + scheme_free[1].partition("/")[2]
    query = environ.get("QUERY_STRING", "")
    return request.environ.get("SCRIPT_NAME", "") + request.path + (f"?{query}" if query else "")


def _body() -> bytes:
    """The request body, or what a door put in its place (`g.journal_body`: a real ID number is never kept)."""
    if "journal_body" in g:
        return g.journal_body
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        return b""


def _answer(response: Response) -> bytes:
    """The answer's body, or what a door put in its place (`g.journal_answer`: keys that are shown once)."""
    if "journal_answer" in g:
        return g.journal_answer
    return b"" if response.direct_passthrough else response.get_data()


def explain(**why: Any) -> None:
    """Note what the door found out about the call at hand, for `calls/<id>/explanation`."""
    g.why = {**g.get("why", {}), **why}


def init(app: Flask, doors: tuple[str, ...]) -> Journal:
    """Note every request whose first path segment is one of `doors`, but not who looks at the control API."""
    settings = app.config["SETTINGS"]
    app.extensions["bounds"] = bounds.Bounds(settings.journal_rows, settings.journal_bytes)
    journal = Journal(app)
    app.extensions["journal"] = journal

    @app.before_request
    def begin() -> None:
        g.began = clock.monotonic()
        g.began_ns = clock.wall_ns()
        if not request.path.startswith("/_mock"):
            g.underway = object()
            journal.underway[g.underway] = g.began_ns

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        journal.underway.pop(g.pop("underway", None), None)

    @app.after_request
    def note(response: Response) -> Response:
        door = request.path.split("/", 2)[1]
        only_a_look = door == "_mock" and request.method == "GET"
        if door in doors and "began" in g and not only_a_look:
            g.write_mode = False
            journal.add(
                {
                    "space": g.get("space", "default"),
                    "door": door,
                    "at": clock.now(),
                    "wall_ns": g.began_ns,
                    "ms": round((clock.monotonic() - g.began) * 1000, 3),
                    "method": request.method,
                    "target": raw_target()[:2048],
                    "request_headers": list(request.headers),
                    "request_body": _body()[:BODY_AT_MOST],
                    "status": response.status_code,
                    "response_headers": list(response.headers),
                    "response_body": _answer(response)[:BODY_AT_MOST],
                    "why": g.get("why"),
                }
            )
        return response

    return journal

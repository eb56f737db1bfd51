"""Moving a space's clock: everything that falls due on the way happens, at its instant and in order.

Three kinds of work have due times: timers of the vendors, callbacks, and tasks of the neighbour (the back end
in the simulator). The clock stands at each due instant while that instant's work runs. No transaction is open
meanwhile, because receivers call back.
"""

import threading
from collections import defaultdict
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from flask import Flask, g

from mock_providers import clock, spaces, timers
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.webhooks import store

WORK_AT_MOST = 100_000
IDLE_TURNS_AT_MOST = 3
_one_at_a_time: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class Walk:
    """One move of one space's clock."""

    def __init__(self, app: Flask, space: str) -> None:
        self.app, self.space = app, space
        self.sender = app.extensions["sender"]
        self.neighbour = app.config["NEIGHBOUR"]
        self.fired: list[dict[str, Any]] = []

    def inside(self) -> AbstractContextManager[None]:
        return spaces.entered(self.app, self.space)

    def now(self) -> tuple[datetime, bool]:
        """Business time, and whether it stands still."""
        with self.inside():
            g.write_mode = False
            return clock.now(), clock.is_frozen(self.space)

    def next_due(self) -> datetime | None:
        """The first instant at which anything is to be done."""
        with self.inside():
            g.write_mode = False
            view = store.outlook(self.space)[0]
        due = [view.delivery, view.timer, self.neighbour.next_due(self.space) if self.neighbour else None]
        return min((at for at in due if at), default=None)

    def to(self, target: datetime, frozen: bool) -> None:
        """Walk forward to `target`; at the end the clock stands there or runs on from there."""
        at, _ = self.now()
        idle = 0
        try:
            with self.sender.alone(self.space):
                while (due := self.next_due()) is not None and due <= target:
                    at = max(at, due)
                    before = len(self.fired)
                    self.work_at(at, frozen)
                    idle = 0 if len(self.fired) > before else idle + 1
                    if idle > IDLE_TURNS_AT_MOST or len(self.fired) > WORK_AT_MOST:
                        raise Problem(
                            "STATE_CONFLICT",
                            f"stopped at {at.isoformat()}: work there does not come to an end",
                            fired=self.fired[-20:],
                        )
                at = target
        finally:
            self.leave(at, frozen)

    def work_at(self, at: datetime, frozen: bool) -> None:
        """Everything due by `at`, with the clock standing there."""
        with self.inside():
            clock.stand(self.space, at, walking=not frozen)
            db.session.commit()
            self.fired += timers.run_due(at)
        self.fired += self.sender.deliver_due(self.space, at)
        if self.neighbour:
            self.fired += [{"what": "task", **one} for one in self.neighbour.run_due(self.space, at)]

    def leave(self, at: datetime, frozen: bool) -> None:
        """Put the clock to `at`, standing or running."""
        with self.inside():
            clock.stand(self.space, at) if frozen else clock.run(self.space, at)
            db.session.commit()
        self.sender.wake()


def lock(space: str) -> threading.Lock:
    """Two moves of one clock wait for each other."""
    return _one_at_a_time[space]

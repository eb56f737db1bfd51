"""Sends what is due: one dispatcher thread that talks to the database, and a few that talk to receivers.

The dispatcher writes finished attempts and claims due deliveries, both in batches; it sleeps until the next
one is due or a commit wakes it. Workers build (sign, encrypt) and post, and never hold a lock or a
transaction meanwhile. A receiver of a space gets a share of the workers, a slow one a small share, so that
neither a dead one nor another space holds up the others. Where a clock stands still, a space is told one
thing after another, so that the same story comes out whatever the number of workers; else what one person
is told keeps its order. A lease lives in the database: after a crash everything leased is due again, so
nothing is lost and only what was in flight comes twice.
"""

import atexit
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Flask, g

from mock_providers import clock, retention, spaces, timers
from mock_providers.db import db
from mock_providers.webhooks import crashes, one_try, store
from mock_providers.webhooks.lanes import Lanes
from mock_providers.webhooks.ledger import Ledger
from mock_providers.webhooks.reply import Post
from mock_providers.webhooks.spoilt_try import Rough
from mock_providers.webhooks.store import Job, Lane, Made

CLAIMED_AT_ONCE = 128
SLEEP_AT_MOST = 30.0
HELD_UP_SECONDS = 1.0
GATHER_SECONDS = 0.05
GATHER_AT_MOST = 128


class Sender:
    """The dispatcher of one process. `post` and `rough` may be replaced in tests."""

    def __init__(self, app: Flask, vendors: dict[str, Any], post: Post, rough: Rough) -> None:
        self.app, self.vendors, self.post, self.rough = app, vendors, post, rough
        self.damages = app.extensions["damages"]
        self.threads = app.config["SETTINGS"].sender_threads
        self.lanes = Lanes(max(1, self.threads * 3 // 4))
        self.ledger = Ledger(app)
        self.flights = crashes.FlightBook(app.config["SETTINGS"].data / "in-flight")
        self.lock = threading.Lock()
        self.work = threading.Condition(self.lock)
        self.news = threading.Condition(self.lock)
        self.changed = threading.Condition()
        self.outstanding: Counter[Lane] = Counter()
        self.busy: Counter[str] = Counter()
        self.walkers: Counter[str] = Counter()
        self.made: list[Made] = []
        self.claiming = ""  # the space whose due callbacks are being claimed at this moment
        self.woken = self.stopped = False
        self.untidy = True
        self.running: list[threading.Thread] = []
        self.version = 0

    # Life

    def start(self) -> None:
        """Take back what a crash left leased, then send from now on."""
        with self.app.app_context():
            crashes.recover(self.flights)
            clock.end_walks()
            db.session.commit()
        self.stopped = False
        self._thread(self._dispatch, "callbacks")
        for number in range(self.threads):
            self._thread(self._labour, f"callback-{number}")
        atexit.register(self.stop)

    def _thread(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self.running.append(thread)
        thread.start()

    def stop(self) -> None:
        """Let what is in flight end, store it, and give back what was not sent."""
        atexit.unregister(self.stop)
        with self.lock:
            self.stopped = True
            unsent = self.lanes.clear()
            self.work.notify_all()
            self.news.notify_all()
        for thread in self.running:
            thread.join(7)
        self.running.clear()
        self._store(self._take_made())
        if unsent:
            with self.app.app_context():
                store.give_back(unsent)
                db.session.commit()

    def wake(self) -> None:
        """Something was committed that may be due."""
        with self.lock:
            self.woken = True
            self.news.notify_all()
        self._tell_waiters()

    def _tell_waiters(self) -> None:
        with self.changed:
            self.version += 1
            self.changed.notify_all()

    # The dispatcher

    def _dispatch(self) -> None:
        while not self.stopped:
            try:
                pause = self._turn()
            except Exception:
                self.app.logger.exception("the callback dispatcher stumbled; it goes on")
                pause = 1.0
            with self.lock:
                self.news.wait_for(lambda: self.woken or self.made or self.stopped, timeout=pause)
                self.woken = False
                if self.lanes.anything_flies():
                    self.news.wait_for(lambda: self._enough() or self.stopped, timeout=GATHER_SECONDS)

    def _enough(self) -> bool:
        return len(self.made) >= GATHER_AT_MOST or not self.lanes.anything_flies()

    def _turn(self) -> float:
        """Store what was made, start what is due; answer how many seconds may be slept."""
        self._store(self._take_made())
        with self.app.app_context():
            g.write_mode = False
            views = store.outlook()
        pause, busy = SLEEP_AT_MOST, sum(view.has_due() for view in views)
        for view in views:
            try:
                pause = min(pause, self._turn_of(view, max(8, CLAIMED_AT_ONCE // max(busy, 1))))
            except Exception:
                self.app.logger.exception("callbacks of space %s stumbled; the others go on", view.space)
                pause = min(pause, HELD_UP_SECONDS)
        return self._tidy(pause)

    def _turn_of(self, view: store.Outlook, limit: int) -> float:
        """Start what is due in one space, at most so many; how many seconds it may be left alone."""
        with self.lock:
            if self.walkers[view.space]:
                return SLEEP_AT_MOST
        timers_due = view.timer is not None and view.timer <= view.now
        if timers_due:
            self._run_timers(view.space)
        if view.has_due():
            pause = 0.0 if self._start_due(view, limit) == limit else HELD_UP_SECONDS
        else:
            left = view.seconds_to_go()
            pause = SLEEP_AT_MOST if left is None else max(left, 0.001)
        return 0.0 if timers_due else pause

    def _tidy(self, pause: float) -> float:
        """With nothing better to do, remove a few rows that were reset away."""
        if not self.untidy or pause == 0.0:
            return pause
        with self.app.app_context():
            self.untidy = retention.sweep()
            db.session.commit()
        if self.untidy:
            return 0.0
        self._tell_waiters()
        return pause

    def forgotten(self) -> None:
        """Rows were reset away: remove them behind the scenes, or at once where nothing runs behind them."""
        self.untidy = True
        if self.running:
            self.wake()
            return
        while self.untidy:
            self._tidy(1.0)

    def _run_timers(self, space: str) -> None:
        with spaces.entered(self.app, space):
            timers.run_due(clock.now())

    def _start_due(self, view: store.Outlook, limit: int) -> int:
        """Claim what is due in a space, unless a walker has it, for hosts that have room; how many."""
        with self.lock:
            if self.walkers[view.space]:
                return 0
            self.claiming = view.space
            many = [lane for lane, count in self.outstanding.items() if count >= CLAIMED_AT_ONCE]
        full = [host for space, host in many if space == view.space]
        jobs: list[Job] = []
        try:
            with spaces.entered(self.app, view.space):
                jobs = store.claim(view.space, view.now, limit, full)
                db.session.commit()
            for job in jobs:
                job.offset_ms, job.at = view.offset_ms, view.frozen_at
            self._equip(view.space, jobs)
        finally:
            self._queue(jobs)
        return len(jobs)

    def _queue(self, jobs: list[Job]) -> None:
        with self.lock:
            self.claiming = ""
            for job in jobs:
                self.lanes.put(job)
                self.outstanding[job.lane()] += 1
                self.busy[job.space] += 1
            self.work.notify()
            self.news.notify_all()

    def _equip(self, space: str, jobs: list[Job]) -> None:
        with spaces.entered(self.app, space):
            g.write_mode = False
            one_try.equip(jobs, self.vendors)

    def _take_made(self) -> list[Made]:
        with self.lock:
            made, self.made = self.made, []
            return made

    def _store(self, made: list[Made]) -> None:
        if not made:
            return
        self.ledger.store(made)
        with self.lock:
            for one in made:
                if not one.job.walked:
                    self.busy[one.job.space] -= 1
                    self.outstanding[one.job.lane()] -= 1
            self.news.notify_all()
        self._tell_waiters()

    # The workers

    def _labour(self) -> None:
        while True:
            with self.lock:
                self.work.wait_for(lambda: self.stopped or self.lanes.open() is not None)
                if self.stopped:
                    return
                job = self.lanes.next()
                if self.lanes.open() is not None:
                    self.work.notify()
            made = self.attempt(job)
            with self.lock:
                self._finished(made)

    def _finished(self, made: Made) -> None:
        idle = self.lanes.ended(made)
        self.made.append(made)
        if len(self.made) in (1, GATHER_AT_MOST) or idle:
            self.news.notify_all()

    def attempt(self, job: Job) -> Made:
        """Build afresh with wall time now, post, judge. Whatever goes wrong becomes a reason."""
        self.flights.note(job.id, job.leased_at_ns)
        return one_try.make(job, self.vendors, self.post, self.app.logger, self.rough, self.damages)

    # Simulated time

    @contextmanager
    def alone(self, space: str) -> Iterator[None]:
        """While this lasts the dispatcher leaves the space alone; what it had in flight there has ended."""
        with self.lock:
            self.walkers[space] += 1
            self.news.wait_for(
                lambda: self.stopped or not self.running or not (self.claiming == space or self.busy[space] > 0)
            )
        try:
            yield
        finally:
            with self.lock:
                self.walkers[space] -= 1
            self.wake()

    def deliver_due(self, space: str, until: datetime) -> list[dict[str, Any]]:
        """Attempt in this thread what is due by `until`, instant after instant and one after another, and say what
        came of it.

        Never call it with a transaction open: the receiver may call us back.
        """
        fired: list[dict[str, Any]] = []
        with self.alone(space):
            while True:
                with spaces.entered(self.app, space):
                    g.write_mode = False
                    instant, now = store.first_due(space, until), clock.now(space)
                if instant is None:
                    return fired
                with spaces.entered(self.app, space):
                    jobs = store.claim(space, instant, CLAIMED_AT_ONCE)
                    db.session.commit()
                for job in jobs:
                    job.at, job.walked = max(job.at or now, now), True
                self._equip(space, jobs)
                made = [self.attempt(job) for job in jobs]
                self._store(made)
                with spaces.entered(self.app, space):
                    g.write_mode = False
                    ids = store.attempt_ids(made)
                fired += [_fired(one, ids.get(one.job.id)) for one in made]

    def wait_idle(self, seconds: float) -> bool:
        """Block until nothing is due or in flight anywhere; False if that took too long."""
        end = clock.monotonic() + seconds
        while True:
            with self.app.app_context():
                g.write_mode = False
                due = any(view.has_due() for view in store.outlook())
            with self.lock:
                idle = not due and not self.made and not self.claiming and sum(self.busy.values()) <= 0
            left = end - clock.monotonic()
            if idle or left <= 0:
                return idle
            with self.changed:
                self.changed.wait(min(left, 0.05))


def _fired(one: Made, attempt: int | None) -> dict[str, Any]:
    return {
        "what": "delivery",
        "at": one.at.isoformat(),
        "delivery": one.job.id,
        "attempt": attempt,
        "number": one.job.tries + 1,
        "vendor": one.job.event.vendor,
        "type": one.job.event.type,
        "ref": one.job.event.ref,
        "status": one.reply.status,
        "accepted": one.accepted,
        "reason": one.reason,
    }

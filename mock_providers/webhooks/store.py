"""What the sender reads and writes, in batches and without objects: claims, attempts, new states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from mock_providers import clock
from mock_providers.db import CHINA, db
from mock_providers.retention import alive
from mock_providers.spaces import Space
from mock_providers.timers import Timer
from mock_providers.webhooks import endpoints, engine, fault_book
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.webhooks.reply import Reply

DELIVERY: Any = Delivery.__table__
EVENT: Any = Event.__table__
ATTEMPT: Any = Attempt.__table__
SPACE: Any = Space.__table__
TIMER: Any = Timer.__table__
OF_JOB = ("id", "space", "url", "host", "tries", "next_at", "how", "fault", "cut_off_ns", "endpoint_id")
Lane = tuple[str, str]
Line = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Job:
    """One attempt to make. `event` has the columns of Event and `tries`, the attempts made before this one;
    `at` is None while the clock runs.
    """

    id: int
    space: str
    url: str
    host: str
    tries: int
    event: Any
    at: datetime | None
    how: dict[str, Any] | None = None
    fault: dict[str, Any] | None = None
    leased_at_ns: int = 0
    after_crash: bool = False
    crawls: bool = False
    offset_ms: int = 0
    schedule: Sequence[int] = ()
    credentials: dict[str, Any] | None = None
    endpoint_id: int | None = None
    endpoint: endpoints.Own | None = None
    walked: bool = False

    def lane(self) -> Lane:
        """Whose callbacks wait for each other's room: a space's receiver. Another space's is not held up by it."""
        return self.space, self.host

    def line(self) -> Line:
        """Whom it may not overtake: where time stands still anything of its space, else what the same receiver is
        told about the same person (or order, where nobody is known).
        """
        if self.at is not None:
            return (self.space,)
        return (self.space, self.host, str(self.endpoint_id or ""), self.event.person or self.event.ref)


@dataclass(slots=True, eq=False)
class Made:
    """An attempt that was made, or could not even be built (`request` is None, `reason` says why).

    `url` is set where the vendor signs the address as well; `earlier` went before it, as its fault wanted.
    """

    job: Job
    at: datetime
    wall_ns: int
    ms: float = 0
    request: tuple[list[tuple[str, str]], bytes] | None = None
    reply: Reply = field(default_factory=lambda: Reply(None, [], b""))
    accepted: bool = False
    reason: str = ""
    url: str = ""
    fault: dict[str, Any] | None = None
    earlier: list["Made"] = field(default_factory=list)

    def step(self) -> engine.Step:
        """Where the delivery stands now. What cannot be built or may not be sent is not tried again."""
        answered = self.reply.status is not None and not self.accepted
        if self.request is None or self.reply.refused or (answered and self.job.event.about.get("silence_only")):
            return engine.Step("failed", None)
        return engine.after(self.job.schedule, self.job.tries + 1, self.accepted, self.at)


@dataclass(slots=True)
class Outlook:
    """One space: its business time, and when its next delivery and timer are due."""

    space: str
    offset_ms: int
    frozen_at: datetime | None
    now: datetime
    delivery: datetime | None
    timer: datetime | None

    def has_due(self) -> bool:
        """Whether a callback may leave now."""
        return self.delivery is not None and self.delivery <= self.now

    def seconds_to_go(self) -> float | None:
        """Wall seconds until something is due by itself; None if nothing is, or the clock stands still."""
        waiting = [at for at in (self.delivery, self.timer) if at and (not self.frozen_at or at <= self.now)]
        return (min(waiting) - self.now).total_seconds() if waiting else None


def outlook(space: str | None = None) -> list[Outlook]:
    """Every space (or one). Three index look-ups per space, one statement."""
    delivery = select(func.min(DELIVERY.c.next_at)).where(
        DELIVERY.c.state == "pending", DELIVERY.c.space == SPACE.c.name, alive(DELIVERY, SPACE.c.name)
    )
    timer = select(func.min(TIMER.c.due_at)).where(TIMER.c.space == SPACE.c.name, TIMER.c.done_ns.is_(None))
    wanted = select(
        SPACE.c.name,
        SPACE.c.offset_ms,
        SPACE.c.frozen_at,
        delivery.correlate(SPACE).scalar_subquery(),
        timer.correlate(SPACE).scalar_subquery(),
    )
    if space is not None:
        wanted = wanted.where(SPACE.c.name == space)
    wall = clock.wall()
    return [
        Outlook(name, offset, frozen, frozen or wall + timedelta(milliseconds=offset), delivery_at, timer_at)
        for name, offset, frozen, delivery_at, timer_at in db.session.execute(wanted)
    ]


def claim(space: str, until: datetime, limit: int, without: Iterable[str] = ()) -> list[Job]:
    """Lease what is due in a space, oldest first; the caller commits."""
    wanted = (
        select(*(DELIVERY.c[name] for name in OF_JOB), EVENT)
        .join(EVENT, EVENT.c.id == DELIVERY.c.event_id)
        .where(*_due(space, until))
        .order_by(DELIVERY.c.next_at, DELIVERY.c.id)
        .limit(limit)
    )
    if without:
        wanted = wanted.where(DELIVERY.c.host.not_in(list(without)))
    names = [column.name for column in EVENT.c]
    jobs = []
    rows = db.session.execute(wanted)
    for id_, its_space, url, host, tries, next_at, how, fault, cut_off, endpoint, *event in rows:
        about = SimpleNamespace(**dict(zip(names, event, strict=True)), tries=tries)
        jobs.append(Job(id_, its_space, url, host, tries, about, next_at, how, fault))
        jobs[-1].after_crash, jobs[-1].endpoint_id = cut_off is not None, endpoint
    if jobs:
        at_ns = clock.wall_ns()
        leased = update(DELIVERY).where(DELIVERY.c.id.in_([job.id for job in jobs]))
        db.session.execute(leased.values(state="leased", leased_at_ns=at_ns))
        for job in jobs:
            job.leased_at_ns = at_ns
        endpoints.equip(jobs)
        _damage(jobs, until)
    return jobs


def _damage(jobs: list[Job], now: datetime) -> None:
    """Give them the faults that were asked for, and keep that with the lease: a crash does not change it."""
    fault_book.assign(jobs, now)
    given = [{"its_id": job.id, "its_fault": job.fault} for job in jobs if job.fault]
    if given:
        db.session.execute(FAULT, given)


def first_due(space: str, until: datetime) -> datetime | None:
    """The instant of the first delivery due in a space by `until`."""
    return db.session.scalar(select(func.min(DELIVERY.c.next_at)).where(*_due(space, until)))


def _due(space: str, until: datetime) -> tuple[Any, ...]:
    in_space = (DELIVERY.c.state == "pending", DELIVERY.c.space == space, DELIVERY.c.next_at <= until)
    return (*in_space, alive(DELIVERY, space))


def write(made: Sequence[Made]) -> int:
    """Store attempts and new states; how many attempts. The caller commits.

    A delivery that was reset away or cancelled meanwhile gets neither: its lease is gone.
    """
    leased = select(DELIVERY.c.id, DELIVERY.c.leased_at_ns).where(
        DELIVERY.c.id.in_([one.job.id for one in made]), alive(DELIVERY, DELIVERY.c.space)
    )
    there = {tuple(row) for row in db.session.execute(leased)}
    kept = [one for one in made if (one.job.id, one.job.leased_at_ns) in there]
    if not kept:
        return 0
    changes = []
    for one in kept:
        state, next_at = one.step()
        changes.append(
            {
                "its_id": one.job.id,
                "its_state": state,
                "its_next": next_at,
                "its_tries": one.job.tries + (one.request is not None),
                "its_reason": one.reason[:200],
            }
        )
    db.session.execute(CHANGE, changes)
    _release_behind(kept)
    endpoints.heard(kept)
    rows = [_row(each) for one in kept for each in (*one.earlier, one) if each.request is not None]
    if rows:
        db.session.execute(insert(ATTEMPT), rows)
    return len(rows)


def _release_behind(made: Sequence[Made]) -> None:
    """Who waited for one of these to be tried first leaves now."""
    tried = {one.job.id: one.at for one in made}
    behind = select(DELIVERY.c.id, DELIVERY.c.behind_id).where(DELIVERY.c.behind_id.in_(list(tried)))
    for id_, before in db.session.execute(behind).all():
        leaves = update(DELIVERY).where(DELIVERY.c.id == id_, DELIVERY.c.state == "held")
        db.session.execute(leaves.values(state="pending", next_at=tried[before], behind_id=None))


def attempt_ids(made: Sequence[Made]) -> dict[int, int]:
    """The newest attempt of each of these deliveries."""
    theirs = ATTEMPT.c.delivery_id.in_([one.job.id for one in made])
    newest = select(ATTEMPT.c.delivery_id, func.max(ATTEMPT.c.id)).where(theirs).group_by(ATTEMPT.c.delivery_id)
    return {row[0]: row[1] for row in db.session.execute(newest)}


CHANGE = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("its_id"))
    .values(
        state=bindparam("its_state"),
        next_at=bindparam("its_next", type_=DELIVERY.c.next_at.type),
        tries=bindparam("its_tries"),
        reason=bindparam("its_reason"),
        leased_at_ns=None,
        fault=None,
        cut_off_ns=None,
    )
)
FAULT = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("its_id"))
    .values(fault=bindparam("its_fault", type_=DELIVERY.c.fault.type))
)


def _row(one: Made) -> dict[str, Any]:
    headers, body = one.request or ([], b"")
    return {
        "space": one.job.space,
        "delivery_id": one.job.id,
        "number": one.job.tries + 1,
        "at": one.at,
        "wall_ns": one.wall_ns,
        "ms": one.ms,
        "url": one.url or one.job.url,
        "request_headers": headers,
        "request_body": body,
        "status": one.reply.status,
        "response_headers": one.reply.headers,
        "response_body": one.reply.body,
        "accepted": one.accepted,
        "reason": one.reason[:200],
        "fault": one.fault,
        "after_crash": one.job.after_crash,
    }


def give_back(jobs: Sequence[Job]) -> None:
    """Un-lease what was not sent; the caller commits."""
    ids = [job.id for job in jobs]
    again = update(DELIVERY).where(DELIVERY.c.id.in_(ids), DELIVERY.c.state == "leased")
    db.session.execute(again.values(state="pending", leased_at_ns=None))


def business_time(job: Job) -> datetime:
    """Now in the job's space: its due instant when time stands still for it."""
    return job.at or clock.wall().astimezone(CHINA) + timedelta(milliseconds=job.offset_ms)

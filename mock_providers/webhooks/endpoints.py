"""Further receivers of a vendor's events (endpoints): each has its own deliveries, ladder, keys, and end.

An event goes to the vendor's own address and to every endpoint it fits. An endpoint that fails for long is switched
off: what was on its way to it is cancelled with that reason, and so is what comes later, so that nothing is silent.
The vendor's own address is never switched off, as no vendor does that. Rows stay when an endpoint is removed: what it
was told can still be explained.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app, g
from sqlalchemy import JSON, Index, String, bindparam, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, switches
from mock_providers.control import durations
from mock_providers.db import InSpace, Model, Moment, current_space, db
from mock_providers.retention import alive
from mock_providers.webhooks import models, receivers
from mock_providers.webhooks.models import NO_ID_TWICE, Delivery, Event

ON, OFF, REMOVED = "on", "off", "removed"
IS_OFF, IS_REMOVED = "its endpoint is off", "its endpoint was removed"
MOST = 20
NEVER = "never"

switches.declare(
    "control.endpoint_off_after",
    "5d",
    (),
    kind="choice",
    source="architecture B.3",
    why="for how long (business time) every attempt at an endpoint must have failed before it is switched off, or "
    "`never`; five days is what public webhook services do, and no vendor switches its own address off",
    check=lambda value: (
        "" if value == NEVER or durations.parse(value) is not None else "a length such as 5d, or never"
    ),
)
switches.declare(
    "control.endpoint_off_failures",
    "10",
    (),
    kind="choice",
    source="architecture B.3",
    why="how many attempts in a row must have failed besides: two failures a week apart are no long failure",
)


class Endpoint(InSpace, Model):
    """Somebody else who is told. `types` empty means every event of the vendor; `REFUND.*` begins with REFUND.

    `credentials` are its own keys where it has some (receivers.toml), `options` the form it is told in.
    `failures` in a row since `failing_since`; `since` is when its state began.
    """

    __tablename__ = "endpoint"
    __table_args__ = (Index(None, "space", "vendor"), NO_ID_TWICE)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    vendor: Mapped[str] = mapped_column(String(20))
    types: Mapped[list] = mapped_column(JSON, default=list)
    url: Mapped[str] = mapped_column(String(512))
    host: Mapped[str] = mapped_column(String(255))
    credentials: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(8), default=ON)
    reason: Mapped[str] = mapped_column(String(200), default="")
    since: Mapped[datetime] = mapped_column(Moment)
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class EndpointNote(InSpace, Model):
    """What became of an endpoint: added, changed, off, on, removed."""

    __tablename__ = "endpoint_note"
    __table_args__ = (Index(None, "space", "wall_ns"), NO_ID_TWICE)
    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int]
    what: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(Moment)
    wall_ns: Mapped[int]


class Own(NamedTuple):
    """What an attempt at an endpoint needs to know of it."""

    id: int
    name: str
    vendor: str
    credentials: dict[str, str]
    options: dict[str, str]

    def keys(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """The account's credentials with its own in their places."""
        known = receivers.of(self.vendor)
        return known.merged(held, self.credentials) if known else dict(held)

    def about(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """An event's `about` in the form it is told in."""
        known = receivers.of(self.vendor)
        return {**about, **(known.about(self.options) if known else {})}


_ENDPOINT: Any = Endpoint.__table__
_DELIVERY: Any = Delivery.__table__
_OF_VENDOR = (
    select(_ENDPOINT.c.id, _ENDPOINT.c.types, _ENDPOINT.c.url, _ENDPOINT.c.host, _ENDPOINT.c.state)
    .where(_ENDPOINT.c.space == bindparam("here"), _ENDPOINT.c.vendor == bindparam("vendor"))
    .where(_ENDPOINT.c.state != REMOVED)
    .order_by(_ENDPOINT.c.id)
)


# Telling them


def fan_out(event: Event, deliveries: list[Delivery]) -> None:
    """Add the deliveries of the endpoints this event fits. What an endpoint that is off misses is kept, cancelled."""
    rows = db.session.execute(_OF_VENDOR, {"here": current_space(), "vendor": event.vendor}).all()
    fitting = [row for row in rows if fits(row.types, event.type)]
    if not fitting:
        return
    for row in fitting:
        is_on = row.state == ON
        one = Delivery(event_id=event.id, url=row.url, host=row.host, endpoint_id=row.id)
        one.state, one.next_at = ("pending", event.created_at) if is_on else ("cancelled", None)
        one.reason = "" if is_on else IS_OFF
        db.session.add(one)
        if is_on:
            deliveries.append(one)
    db.session.flush()


models.ON_EMIT.insert(0, fan_out)  # before the plans: they act on all deliveries of an event


def fits(types: Iterable[str], given: str) -> bool:
    """Whether a type of event is among these; none named means all."""
    named = list(map(str, types))
    return not named or any(one == given or (one[-1:] == "*" and given.startswith(one[:-1])) for one in named)


def equip(jobs: Iterable[Any]) -> None:
    """Give the jobs that go to endpoints what they need of them: one query, if there are any."""
    theirs = [job for job in jobs if job.endpoint_id]
    if not theirs:
        return
    known = owns({job.endpoint_id for job in theirs})
    for job in theirs:
        if own := known.get(job.endpoint_id):
            job.endpoint = own
            job.event.about = own.about(job.event.about)


def owns(ids: Iterable[int]) -> dict[int, Own]:
    """These endpoints, whatever their state and space."""
    names = ("id", "name", "vendor", "credentials", "options")
    rows = db.session.execute(select(*(_ENDPOINT.c[name] for name in names)).where(_ENDPOINT.c.id.in_(list(ids))))
    return {row.id: Own(*row) for row in rows}


def own_of(delivery: Delivery) -> Own | None:
    """The endpoint a delivery is for; None for the vendor's own address."""
    return owns([delivery.endpoint_id]).get(delivery.endpoint_id) if delivery.endpoint_id else None


def names() -> dict[int, str]:
    """What the endpoints of this space are called, removed ones too. Read once a request."""
    if "endpoint_names" not in g:
        rows = db.session.execute(
            select(_ENDPOINT.c.id, _ENDPOINT.c.name).where(_ENDPOINT.c.space == current_space())
        )
        g.endpoint_names = {row.id: row.name for row in rows}
    return g.endpoint_names


def name_of(id_: int | None) -> str | None:
    """The name of an endpoint; None for the vendor's own address."""
    return names().get(id_, f"endpoint {id_}") if id_ else None


# Switching off


def heard(made: Sequence[Any]) -> None:
    """Count what attempts at endpoints came to, and switch off who has failed for long. The caller commits.

    Runs outside any space. An attempt a tester damaged, edited or signed wrongly says nothing bad of its receiver.
    """
    theirs = [one for one in made if one.job.endpoint_id]
    if not theirs:
        return
    ids = {one.job.endpoint_id for one in theirs}
    wanted = select(Endpoint).where(Endpoint.id.in_(ids)).execution_options(all_spaces=True)
    rows = {row.id: row for row in db.session.scalars(wanted, execution_options={"populate_existing": True})}
    for one in theirs:
        row = rows.get(one.job.endpoint_id)
        if row is None:
            continue
        if one.accepted:
            row.failures, row.failing_since = 0, None
        elif not (one.job.fault or one.job.how):
            row.failures += 1
            row.failing_since = min(row.failing_since or one.at, one.at)
            if row.state == ON and (words := _too_long(row, one)):
                turn_off(row, words, one.at)
    for row in rows.values():
        if row.state != ON:
            _cancel(row.id, IS_OFF if row.state == OFF else IS_REMOVED)


def _too_long(row: Endpoint, one: Any) -> str:
    """Why it is switched off now; empty if it is not."""
    after = switches.value_in(row.space, "control.endpoint_off_after")
    enough = int(switches.value_in(row.space, "control.endpoint_off_failures"))
    length = None if after == NEVER else durations.parse(after)
    if length is None or row.failures < enough or row.failing_since is None or one.at - row.failing_since < length:
        return ""
    said = (
        f"{row.failures} attempts in a row failed since {row.failing_since.isoformat()}; the last one: {one.reason}"
    )
    return said[:200]


def turn_off(row: Endpoint, reason: str, at: datetime) -> None:
    """Send it nothing more; what is on its way is cancelled. The caller commits."""
    row.state, row.reason, row.since = OFF, reason[:200], at
    count = _cancel(row.id, IS_OFF)
    note(row, "off", f"{line(row)}; {count} deliveries cancelled", at)
    current_app.logger.warning("space %s: endpoint %s is off: %s", row.space, row.name, row.reason)


def _cancel(id_: int, reason: str) -> int:
    """What is on its way to an endpoint does not go there; how many."""
    open_ = update(_DELIVERY).where(_DELIVERY.c.endpoint_id == id_, _DELIVERY.c.state.in_(("pending", "held")))
    done = db.session.execute(open_.values(state="cancelled", next_at=None, behind_id=None, reason=reason))
    return done.rowcount  # type: ignore[attr-defined]


def turn_on(row: Endpoint, resend: bool) -> int:
    """Send to it again from now on; `resend`: what it missed as well, in the order it happened. How many."""
    row.state, row.reason, row.since, row.failures, row.failing_since = ON, "", clock.now(), 0, None
    sent = 0
    if resend:
        again = _missed(update(Delivery), row).values(state="pending", next_at=clock.now(), reason="")
        sent = db.session.execute(again.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
        g.emitted = True
    note(row, "on", f"endpoint {row.name} is on again{f'; {sent} missed deliveries are sent' if sent else ''}")
    return sent


def missed(row: Endpoint) -> int:
    """How many deliveries it did not get because it was off."""
    return db.session.scalar(_missed(select(func.count()).select_from(Delivery), row)) or 0


def _missed(statement: Any, row: Endpoint) -> Any:
    theirs = statement.where(Delivery.endpoint_id == row.id, Delivery.state == "cancelled", Delivery.reason == IS_OFF)
    return theirs.where(alive(Delivery))


def remove(row: Endpoint) -> int:
    """Forget it; how many deliveries to it are cancelled. Its name is free again."""
    row.state, row.reason, row.since = REMOVED, "", clock.now()
    count = _cancel(row.id, IS_REMOVED)
    note(row, "removed", f"endpoint {row.name} was removed; {count} deliveries cancelled")
    return count


def moved(row: Endpoint) -> None:
    """It has another address: what is on its way goes there, and what failed at the old one counts no more."""
    row.failures, row.failing_since = 0, None
    open_ = update(_DELIVERY).where(_DELIVERY.c.endpoint_id == row.id, _DELIVERY.c.state != "delivered")
    db.session.execute(open_.values(url=row.url, host=row.host))


# Looking at them


def note(row: Endpoint, what: str, words: str, at: datetime | None = None) -> None:
    """Keep for the timeline what became of it."""
    about = {"space": row.space, "endpoint_id": row.id, "what": what, "words": words[:300]}
    db.session.add(EndpointNote(**about, at=at or clock.now(), wall_ns=clock.wall_ns()))


def line(row: Endpoint) -> str:
    """An endpoint that is off, in one line."""
    on = f"`yibao endpoint on {row.name}` sends to it again"
    return f"endpoint {row.name} ({row.vendor}) is off since {row.since.isoformat()}: {row.reason}; {on}"


def banner() -> list[str]:
    """One line for every endpoint that is off."""
    return [
        line(row) for row in db.session.scalars(select(Endpoint).where(Endpoint.state == OFF).order_by(Endpoint.id))
    ]


def there() -> list[Endpoint]:
    """The endpoints of this space, in order of id."""
    return list(db.session.scalars(select(Endpoint).where(Endpoint.state != REMOVED).order_by(Endpoint.id)))


def find(which: str) -> Endpoint | None:
    """By number or name."""
    return next((row for row in there() if which in (str(row.id), row.name)), None)

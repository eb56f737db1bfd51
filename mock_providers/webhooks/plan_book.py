"""Plans that were made, and what they do: inside the transaction of the event, so nothing is half done.

Every plan that an event fits counts it. The oldest one with something to do decides; what a younger one would have
done is noted and not done. A delivery that is to go after another one waits as `held` until that one was tried.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import g
from sqlalchemy import Index, String, bindparam, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, serials, timers
from mock_providers.db import InSpace, Model, Moment, current_space, db
from mock_providers.retention import alive
from mock_providers.webhooks import models, plans
from mock_providers.webhooks.models import NO_ID_TWICE, Delivery, Event

END = "plan.end"
ACTIVE, DONE, OVER = "active", "done", "over"  # done: counted to its end; over: its time came


class Plan(InSpace, Model):
    """A plan in words and how far it is. What it holds stays held when it is done counting."""

    __tablename__ = "plan"
    __table_args__ = (Index(None, "space", "state"), NO_ID_TWICE)
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(plans.LONGEST_TEXT))
    ref: Mapped[str] = mapped_column(String(64), default="")
    person: Mapped[str] = mapped_column(String(64), default="")
    vendor: Mapped[str] = mapped_column(String(64), default="")
    type: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int | None]
    until: Mapped[datetime | None] = mapped_column(Moment)
    seen: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(8), default=ACTIVE)
    created_at: Mapped[datetime] = mapped_column(Moment)

    def scope(self) -> dict[str, str]:
        return {name: value for name in plans.SCOPE if (value := getattr(self, name))}

    def fits(self, event: Event) -> bool:
        return all(_matches(value, getattr(event, name)) for name, value in self.scope().items())

    def seed(self) -> bytes:
        """Follows from the space's seed and the words: the same plan shuffles the same way, whatever came before."""
        return serials.derive("plan", self.text, self.size, *self.scope().items())


class PlanStep(InSpace, Model):
    """What a plan did with one event."""

    __tablename__ = "plan_step"
    __table_args__ = (Index(None, "plan_id", "position"), Index(None, "space", "wall_ns"), NO_ID_TWICE)
    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int]
    event_id: Mapped[int] = mapped_column(index=True)
    position: Mapped[int]
    did: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Moment)
    wall_ns: Mapped[int]


_PLAN: Any = Plan.__table__
_ANY = select(_PLAN.c.id).where(_PLAN.c.space == bindparam("here"), _PLAN.c.state == ACTIVE).order_by(_PLAN.c.id)
DID = {"hold": "held", "drop": "dropped", "delay": "delayed {}", "wait": "kept back"}


def make(text: str, scope: dict[str, str], size: int | None = None, until: datetime | None = None) -> Plan:
    """Add a plan to the open transaction; all but the words may be said beside the text. Raises plans.Wrong."""
    plan = plans.parse(text, scope, size, until)
    row = Plan(text=_one_line(text), created_at=clock.now(), size=plan.size, state=ACTIVE, seen=0)
    for name in plans.SCOPE:
        setattr(row, name, plan.scope.get(name, ""))
    row.until = plan.until or (row.created_at + plan.lasts if plan.lasts else None)
    if row.until and row.until <= row.created_at:
        raise plans.Wrong(1, 1, f"it would end at {row.until.isoformat()}, and it is {row.created_at.isoformat()}")
    db.session.add(row)
    db.session.flush()
    if row.until:
        timers.at(row.until, END, plan=row.id)
    return row


def _one_line(text: str) -> str:
    lines = (line.partition("#")[0].strip().strip(";").strip() for line in text.splitlines())
    return "; ".join(line for line in lines if line)


def program(row: Plan) -> plans.Plan:
    """What a stored plan says."""
    return plans.Plan(_acts(row.text), row.scope(), row.size, row.until)


@lru_cache(maxsize=256)
def _acts(text: str) -> tuple[plans.Act, ...]:
    return plans.read(text).acts


def active() -> list[Plan]:
    """The plans of this space that still count, oldest first."""
    ids = list(db.session.scalars(_ANY, {"here": current_space()}))
    if not ids:
        return []
    rows = db.session.scalars(
        select(Plan).where(Plan.id.in_(ids)).order_by(Plan.id), execution_options={"populate_existing": True}
    )
    return [row for row in rows if not (row.until and row.until <= clock.now())]


def act(event: Event, deliveries: Sequence[Delivery]) -> None:
    """Let the plans do what they say with an event that was just written."""
    taken = 0
    for row in active():
        if not row.fits(event):
            continue
        row.seen += 1
        does = plans.does(program(row), row.seen, row.seed())
        if not does.idle:
            did = _said(does, row) if not taken else f"would have done {does.why!r}; plan {taken} came first"
            if not taken:
                taken = row.id
                _do(does, event, deliveries, row, did)
            _note(row, event, did)
        if does.goes:
            _line_up(row, does.goes)
        if row.size is not None and row.seen >= row.size:
            row.state = DONE
    if taken:
        db.session.flush()


models.ON_EMIT.append(act)


def _said(does: plans.Does, row: Plan) -> str:
    done = DID.get(does.fate, "").format(f"{does.seconds:g} s")
    done = " and ".join(part for part in (done, "told once more" if does.twice else "") if part)
    return f"{done} by plan {row.id}: {does.why}"[:120]


def _note(row: Plan, event: Event, did: str) -> None:
    about = {"plan_id": row.id, "event_id": event.id, "position": row.seen, "did": did[:200]}
    db.session.add(PlanStep(**about, at=event.created_at, wall_ns=clock.wall_ns()))


def _do(does: plans.Does, event: Event, deliveries: Sequence[Delivery], row: Plan, did: str) -> None:
    for one in deliveries:
        one.plan_id, one.plan_did = row.id, did
        if does.fate in ("hold", "wait"):
            one.state = "held"
        elif does.fate == "drop":
            one.state, one.next_at, one.reason = "cancelled", None, did
        elif does.fate == "delay":
            one.next_at = event.created_at + timedelta(seconds=does.seconds)
        if does.twice:
            db.session.add(models.twin(one))
    db.session.flush()


def _line_up(row: Plan, order: Iterable[int]) -> None:
    """The last of a group has come: the first of the new order leaves, each other one once its predecessor was tried.

    Each receiver has an order of its own: nobody waits for another's answer. Who was let go or cancelled by a tester
    meanwhile is left as it is.
    """
    there = select(PlanStep.position, Delivery).join(PlanStep, PlanStep.event_id == Delivery.event_id)
    there = there.where(PlanStep.plan_id == row.id, PlanStep.position.in_(list(order)), Delivery.plan_id == row.id)
    there = there.where(Delivery.state == "held", Delivery.behind_id.is_(None), alive(Delivery))
    place = {position: number for number, position in enumerate(order)}
    waiting = [(position, one) for position, one in db.session.execute(there) if _waits(row, position)]
    last: dict[int | None, Delivery] = {}
    for _, one in sorted(waiting, key=lambda pair: (place[pair[0]], pair[1].id)):
        before = last.get(one.endpoint_id)
        if before is None:
            one.state, one.next_at = "pending", clock.now()
        else:
            one.behind_id = before.id
        last[one.endpoint_id] = one
    g.emitted = True


def _waits(row: Plan, position: int) -> bool:
    return plans.does(program(row), position, row.seed()).fate == "wait"


def passed(ids: Sequence[int], at: datetime) -> None:
    """These deliveries will not be waited for any more: who stood behind one of them leaves."""
    followers = (
        update(Delivery)
        .where(Delivery.behind_id.in_(ids), Delivery.state == "held")
        .values(state="pending", next_at=at, behind_id=None)
    )
    db.session.execute(followers.execution_options(synchronize_session=False))


def let_go(space: str, plan: int | None = None) -> int:
    """Everything plans (or one of them) hold in a space leaves now; how many. The caller commits."""
    held = update(Delivery).where(Delivery.space == space, Delivery.state == "held", Delivery.plan_id.is_not(None))
    if plan is not None:
        held = held.where(Delivery.plan_id == plan)
    g.emitted = True
    done = held.values(state="pending", next_at=clock.now(space), behind_id=None)
    return db.session.execute(done.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]


def holds(row: Plan) -> int:
    """How many deliveries it keeps back at the moment."""
    theirs = select(func.count()).select_from(Delivery)
    theirs = theirs.where(Delivery.plan_id == row.id, Delivery.state == "held", alive(Delivery))
    return db.session.scalar(theirs) or 0


@timers.handles(END)
def end(about: dict[str, Any]) -> None:
    """Its time has come: it counts no more and lets go what it holds."""
    row = db.session.get(Plan, about["plan"])
    if row is not None and row.space == current_space():
        row.state = OVER
        let_go(row.space, row.id)


def forget_ends(space: str, plan: int | None = None) -> None:
    """The timers of plans (or of one) are not needed any more. The caller commits."""
    theirs = delete(timers.Timer).where(timers.Timer.space == space, timers.Timer.kind == END)
    theirs = theirs.where(timers.Timer.done_ns.is_(None))
    if plan is not None:
        theirs = theirs.where(timers.Timer.about["plan"].as_integer() == plan)
    db.session.execute(theirs.execution_options(synchronize_session=False))


def rearm() -> None:
    """After timers were emptied: plans that end at an instant still do."""
    for row in db.session.scalars(select(Plan).where(Plan.until.is_not(None), Plan.state != OVER)):
        assert row.until is not None
        timers.at(row.until, END, plan=row.id)


def banner() -> list[str]:
    """One line for every plan that still counts or still holds something."""
    holding = select(Delivery.plan_id).where(Delivery.state == "held", Delivery.plan_id.is_not(None), alive(Delivery))
    rows = db.session.scalars(select(Plan).where((Plan.state == ACTIVE) | Plan.id.in_(holding)).order_by(Plan.id))
    return [line(row) for row in rows if row.state != ACTIVE or not row.until or row.until > clock.now()]


def line(row: Plan) -> str:
    """A plan in one line: what, for whom, how far, until when, what it holds."""
    whom = " ".join(f"{name} {value}" for name, value in row.scope().items()) or f"space {row.space}"
    ends = [f"after {row.size} events"] if row.size is not None else []
    ends += [f"at {row.until.isoformat()}"] if row.until else []
    held = holds(row)
    counts = "counts no more" if row.state != ACTIVE else f"ends {' or '.join(ends)}"
    seen = f"{row.seen} of {row.size}" if row.size is not None else str(row.seen)
    return f"plan {row.id}: {row.text} [{whom}] saw {seen} events, holds {held}, {counts}"


def _matches(wanted: str, given: str) -> bool:
    return given.startswith(wanted[:-1]) if wanted.endswith("*") else given == wanted

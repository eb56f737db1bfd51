"""`/_mock/timeline`: calls, events, attempts, timers and the neighbour's state changes in one order."""

from typing import Any

from flask import Blueprint, current_app
from marshmallow import fields, validate
from sqlalchemy import func, select

from mock_providers import bounds, clock
from mock_providers.control import masking, stable
from mock_providers.control.door import BIGGEST, Page, fresh, route
from mock_providers.db import current_space, db
from mock_providers.journal import Call
from mock_providers.retention import alive
from mock_providers.timers import Timer
from mock_providers.webhooks import endpoints
from mock_providers.webhooks.endpoints import EndpointNote
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.webhooks.plan_book import PlanStep

bp = Blueprint("control_story", __name__)
WORDS = {
    "refuse": "refuses it",
    "accept": "accepts it",
    "once": "applies it once",
    "nothing": "has nothing to apply",
    "believe": "believes it",
    "again": "asks again",
    "distrust": "does not believe it",
}
UNCOMMITTED_NS = 250_000_000  # more than any transaction takes
SEEN = ("call", "event", "attempt")
AGAIN = " [sent again after a crash: the receiver may have had it already]"
KINDS = ("call", "event", "plan", "attempt", "timer", "endpoint", "state", "alarm")


class Story(Page):
    kind = fields.String(validate=validate.OneOf(KINDS))
    stable = fields.Boolean(load_default=False)
    over = fields.Boolean(load_default=False)


def _calls(after: int, limit: int) -> list[dict[str, Any]]:
    table: Any = Call.__table__.c
    wanted = select(table.id, table.door, table.at, table.wall_ns, table.ms, table.method, table.target, table.status)
    wanted = wanted.add_columns(table.why["fault"].label("fault"))
    wanted = wanted.where(table.space == current_space(), table.wall_ns > after, table.door != "_mock", alive(Call))
    found = []
    for row in db.session.execute(wanted.order_by(table.wall_ns).limit(limit)):
        target = masking.target(row.target)
        summary = f"{row.method} {target} → {row.status}{_carried(row.fault)}"
        item = _item("call", row, row.wall_ns, summary, door=row.door, status=row.status, ms=row.ms)
        found.append(item | ({"fault": row.fault} if row.fault else {}))
    return found


def _carried(fault: dict[str, Any] | None) -> str:
    """The fault an attempt or an answer carried, and what an honest party does about it."""
    if not fault:
        return ""
    met = fault.get("as_expected")
    did = "" if met is None else (", as it did" if met else ", but it did not")
    return f" [fault {fault['name']}: an honest party {WORDS[fault['expected']]}{did}]"


def _events(after: int, limit: int) -> list[dict[str, Any]]:
    wanted = select(Event).where(Event.wall_ns > after, alive(Event)).order_by(Event.wall_ns).limit(limit)
    return [
        _item(
            "event", row, row.wall_ns, f"{row.vendor} {row.type} {row.ref}",
            at=row.created_at, vendor=row.vendor, type=row.type, ref=row.ref,
        )
        for row in db.session.scalars(wanted)
    ]  # fmt: skip


def _attempts(after: int, limit: int) -> list[dict[str, Any]]:
    wanted = (
        select(Attempt.id, Attempt.delivery_id, Attempt.number, Attempt.at, Attempt.wall_ns, Attempt.ms)
        .add_columns(
            Attempt.url, Attempt.status, Attempt.accepted, Attempt.reason, Attempt.fault, Event.type, Event.ref
        )
        .add_columns(Attempt.after_crash, Delivery.endpoint_id)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .join(Event, Event.id == Delivery.event_id)
        .where(Attempt.wall_ns > after, alive(Attempt))
    )
    found = []
    for row in db.session.execute(wanted.order_by(Attempt.wall_ns).limit(limit)):
        outcome = row.status if row.status is not None else row.reason
        carried = _carried(row.fault) + AGAIN * row.after_crash
        who = endpoints.name_of(row.endpoint_id)
        whom = f" [endpoint {who}]" if who else ""
        summary = f"{row.type} #{row.number} → POST {masking.target(row.url)}{whom} → {outcome}{carried}"
        about = {"delivery": row.delivery_id, "ref": row.ref, "status": row.status, "accepted": row.accepted}
        if who:
            about["endpoint"] = who
        if row.after_crash:
            about["after_crash"] = True
        item = _item("attempt", row, row.wall_ns, summary, ms=row.ms, **about)
        found.append(item | ({"fault": row.fault} if row.fault else {}))
    return found


def _plan_steps(after: int, limit: int) -> list[dict[str, Any]]:
    wanted = select(PlanStep).where(PlanStep.wall_ns > after, alive(PlanStep)).order_by(PlanStep.wall_ns).limit(limit)
    return [
        _item(
            "plan", row, row.wall_ns, f"event {row.event_id} (number {row.position}) {row.did}",
            plan=row.plan_id, event=row.event_id, position=row.position, did=row.did,
        )
        for row in db.session.scalars(wanted)
    ]  # fmt: skip


def _endpoints(after: int, limit: int) -> list[dict[str, Any]]:
    """What became of endpoints; that one was switched off is an alarm."""
    wanted = select(EndpointNote).where(EndpointNote.wall_ns > after, alive(EndpointNote))
    return [
        _item(
            "alarm" if row.what == "off" else "endpoint", row, row.wall_ns, row.words,
            endpoint=endpoints.name_of(row.endpoint_id), what=row.what,
        )
        for row in db.session.scalars(wanted.order_by(EndpointNote.wall_ns).limit(limit))
    ]  # fmt: skip


def _timers(after: int, limit: int) -> list[dict[str, Any]]:
    wanted = select(Timer).where(Timer.done_ns > after).order_by(Timer.done_ns).limit(limit)
    return [
        _item("timer", row, row.done_ns or 0, f"{row.kind} {row.error}".strip(), at=row.due_at, about=row.about)
        for row in db.session.scalars(wanted)
    ]


def _neighbour(after: int, limit: int) -> list[dict[str, Any]]:
    neighbour = current_app.config["NEIGHBOUR"]
    found = []
    for row in neighbour.timeline(current_space(), after, limit) if neighbour else ():
        said = masking.tree(dict(row))
        moved = f"{said.get('from', '')} → {said.get('to', '')}" if said.get("to") else ""
        words = (said.get("machine"), said.get("ref"), said.get("event"), moved)
        said.setdefault("summary", " ".join(str(word) for word in words if word))
        said["cursor"] = str(said["wall_ns"])
        found.append(said)
    return found


def _item(kind: str, row: Any, wall_ns: int, summary: str, **more: Any) -> dict[str, Any]:
    at = more.pop("at", None) or row.at
    about = {key: masking.tree(value, key) for key, value in more.items()}
    head = {"cursor": str(wall_ns), "wall_ns": wall_ns, "at": at.isoformat(), "kind": kind, "id": row.id}
    return {**head, "summary": masking.text(summary), **about}


SOURCES = (_calls, _events, _plan_steps, _attempts, _timers, _endpoints, _neighbour)


@route(bp, "GET", "/timeline", query=Story)
def timeline(asked: dict[str, Any]) -> dict[str, Any]:
    """Everything seen in this space, by wall time. `after` is the `cursor` of an item, or the `last` of a page.

    `stable`: with the bytes, and without what follows from wire time: two runs can be compared (control/stable.py).
    `over`: only up to the oldest call or attempt that has not ended: who goes on from there misses nothing, while
    otherwise an attempt is shown when it ends, at the place where it began.
    """
    began = [clock.wall_ns() - UNCOMMITTED_NS, *list(current_app.extensions["journal"].underway.values())]
    fresh()
    limit, until = asked["limit"], _all_over(began) if asked["over"] else BIGGEST
    rows = [item for source in SOURCES for item in source(asked["after"], limit + 1) if item["wall_ns"] < until]
    rows.sort(key=lambda item: item["wall_ns"])
    shown = rows[:limit]
    while len(rows) > len(shown) and rows[len(shown)]["wall_ns"] == shown[-1]["wall_ns"]:
        shown.append(rows[len(shown)])
    last = shown[-1]["cursor"] if shown else None
    kept = [item for item in shown if asked.get("kind") in (None, item["kind"])]
    retention = bounds.told(SEEN, asked["after"], "wall_ns")
    answer = {"items": kept, "next": last if len(rows) > len(shown) else None, "last": last, "retention": retention}
    return {**answer, "items": stable.items(kept), "may_differ": stable.named()} if asked["stable"] else answer


def _all_over(began: list[int]) -> int:
    """The wall time before which nothing new will be seen: calls, which `began`, and attempts are noted when over."""
    table: Any = Delivery.__table__.c
    leased = select(func.min(table.leased_at_ns)).where(table.space == current_space(), table.state == "leased")
    return min([*began, db.session.scalar(leased) or BIGGEST])

"""Business results somebody asked for: the next n times, for one person or one business number, then it ends.

Nothing here is random. A target is `<vendor>.<call>`; each vendor declares which outcomes it knows.
"""

from collections.abc import Collection

from flask import g, has_request_context
from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, current_space, db
from mock_providers.errors import Problem

KNOWN: dict[str, tuple[str, ...]] = {}


class Outcome(InSpace, Model):
    """A coming result. `left` counts down to nothing; empty `person`/`ref` match anyone."""

    __tablename__ = "outcome"
    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(String(60))
    outcome: Mapped[str] = mapped_column(String(60))
    person: Mapped[str] = mapped_column(String(10), default="")
    ref: Mapped[str] = mapped_column(String(64), default="")
    left: Mapped[int] = mapped_column(default=1)


_TABLE = Outcome.__table__.c
_TARGETS = select(_TABLE.target).where(_TABLE.space == bindparam("here")).distinct()


def declare(target: str, *outcomes: str) -> None:
    """Say which outcomes a call can be told to have."""
    KNOWN[target] = outcomes


def plan(target: str, outcome: str, count: int = 1, person: str = "", ref: str = "") -> Outcome:
    """Ask for a result. Raises Problem OUTCOME_UNKNOWN."""
    if target not in KNOWN:
        raise Problem(
            "OUTCOME_UNKNOWN", f"no target {target[:60]!r}: {', '.join(sorted(KNOWN))}", {"target": ["unknown"]}
        )
    if outcome not in KNOWN[target]:
        raise Problem("OUTCOME_UNKNOWN", f"{target} knows: {', '.join(KNOWN[target])}", {"outcome": ["unknown"]})
    row = Outcome(target=target, outcome=outcome, left=count, person=person, ref=ref)
    db.session.add(row)
    g.pop("outcome_targets", None)
    return row


def anything(target: str) -> bool:
    """Whether any result is planned for a call. Looked up once per request, for all calls: mostly nothing is."""
    found: set[str] | None = g.get("outcome_targets") if has_request_context() else None
    if found is None:
        found = set(db.session.scalars(_TARGETS, {"here": current_space()}))
        if has_request_context():
            g.outcome_targets = found
    return target in found


def take(target: str, person: str = "", *refs: str, among: Collection[str] | None = None) -> str | None:
    """The result planned for this call, used up by one; None if nothing was asked for. Same transaction.

    `refs` are the business numbers the call is known by. `among`: results this call can have; one that it cannot
    have stays planned for a call that can.
    """
    if not anything(target):
        return None
    rows = select(Outcome).where(
        Outcome.target == target, Outcome.person.in_(("", person)), Outcome.ref.in_(("", *refs))
    )
    if among is not None:
        rows = rows.where(Outcome.outcome.in_(among))
    row = db.session.scalars(rows.order_by(Outcome.id).limit(1)).first()
    if row is None:
        return None
    row.left -= 1
    if row.left <= 0:
        db.session.delete(row)
    return row.outcome

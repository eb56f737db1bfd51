"""`/_mock/plans`: what becomes of the next events, said in one line of text."""

from typing import Any

from flask import Blueprint, current_app
from marshmallow import fields, validate
from sqlalchemy import delete, func, select

from mock_providers.control.door import BIGGEST, ID, Page, Strict, page, route, text
from mock_providers.control.time import Instant
from mock_providers.control.world import person
from mock_providers.db import current_space, db
from mock_providers.errors import Problem
from mock_providers.retention import alive
from mock_providers.webhooks import plan_book, plans
from mock_providers.webhooks.plan_book import Plan, PlanStep

bp = Blueprint("control_plans", __name__)
KEYS = {"type": "event"}


class PlanList(Page):
    state = fields.String(validate=validate.OneOf([plan_book.ACTIVE, plan_book.DONE, plan_book.OVER]))
    ref = text(64)
    vendor = text(64)


class NewPlan(Strict):
    ref = text(64)
    person = text(10)
    vendor = text(20)
    event = text(60)
    next = fields.Integer(strict=True, validate=validate.Range(1, plans.MOST_EVENTS))
    until = Instant()
    text = fields.String(required=True, validate=validate.Length(1, plans.LONGEST_TEXT))


class Removal(Strict):
    id = fields.Integer(validate=validate.Range(1, BIGGEST))
    held = fields.String(load_default="release", validate=validate.OneOf(["release", "keep"]))


def plan_line(row: Plan) -> dict[str, Any]:
    return {
        "id": row.id,
        "text": row.text,
        "on": row.scope(),
        "state": row.state,
        "seen": row.seen,
        "next": row.size,
        "left": row.size - row.seen if row.size is not None else None,
        "until": row.until.isoformat() if row.until else None,
        "holds": plan_book.holds(row),
        "banner": plan_book.line(row),
    }


def step_line(row: PlanStep) -> dict[str, Any]:
    return {"event": row.event_id, "position": row.position, "did": row.did, "at": row.at.isoformat()}


@route(bp, "GET", "/plans", query=PlanList)
def list_plans(asked: dict[str, Any]) -> dict[str, Any]:
    """All plans of this space; `words` says what one may consist of."""
    wanted = select(Plan).where(Plan.id > asked["after"]).order_by(Plan.id).limit(asked["limit"] + 1)
    for name in ("state", "ref", "vendor"):
        if name in asked:
            wanted = wanted.where(getattr(Plan, name) == asked[name])
    return {**page(list(db.session.scalars(wanted)), asked["limit"], plan_line), "words": plans.EXAMPLES}


@route(bp, "GET", f"/plans/{ID}")
def show_plan(id_: int) -> dict[str, Any]:
    """One plan with what it did, event by event."""
    row = _one(id_)
    steps = select(PlanStep).where(PlanStep.plan_id == id_, alive(PlanStep)).order_by(PlanStep.id).limit(500)
    return {**plan_line(row), "steps": [step_line(step) for step in db.session.scalars(steps)]}


def _one(id_: int) -> Plan:
    row = db.session.scalar(select(Plan).where(Plan.id == id_))
    if row is None:
        raise Problem("NOT_FOUND", f"there is no plan {id_} in this space")
    return row


@route(bp, "POST", "/plans", body=NewPlan)
def make_plan(given: dict[str, Any]) -> dict[str, Any]:
    """Plan the next events, of an order, a person, a vendor, a type, or of the whole space."""
    scope = {name: given.get(KEYS.get(name, name), "") for name in plans.SCOPE}
    try:
        row = plan_book.make(given["text"], scope, given.get("next"), given.get("until"))
    except plans.Wrong as wrong:
        where = {"line": wrong.line, "column": wrong.column}
        raise Problem("FIELD_INVALID", str(wrong), {"text": [str(wrong)]}, **where) from wrong
    if row.person:
        person(row.person)
    known = current_app.extensions["sender"].vendors
    if row.vendor and row.vendor.rstrip("*") == row.vendor and row.vendor not in known:
        raise Problem("FIELD_INVALID", f"no vendor {row.vendor!r}: {', '.join(known)}", {"vendor": ["unknown"]})
    db.session.commit()
    return plan_line(row)


@route(bp, "DELETE", f"/plans/{ID}", query=Removal)
def remove_plan(id_: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Forget one plan; what it holds leaves now, unless `held=keep`."""
    _one(id_)
    return _remove({**asked, "id": id_})


@route(bp, "DELETE", "/plans", query=Removal)
def remove_plans(asked: dict[str, Any]) -> dict[str, Any]:
    """Forget all plans of this space (or `id`); what they hold leaves now, unless `held=keep`."""
    return _remove(asked)


def _remove(asked: dict[str, Any]) -> dict[str, Any]:
    which = [Plan.id == asked["id"]] if "id" in asked else [Plan.space == current_space()]
    count = db.session.scalar(select(func.count()).select_from(Plan).where(*which)) or 0
    plan_book.forget_ends(current_space(), asked.get("id"))
    released = plan_book.let_go(current_space(), asked.get("id")) if asked["held"] == "release" else 0
    db.session.execute(delete(Plan).where(*which).execution_options(synchronize_session=False))
    db.session.commit()
    return {"removed": {"plan": count}, "released": released}

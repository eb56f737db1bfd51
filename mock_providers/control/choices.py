"""`/_mock/deviations` and `/_mock/outcomes`: named relaxations and choices, and planned business results."""

from typing import Any

from flask import Blueprint
from marshmallow import INCLUDE, Schema, fields, validate
from sqlalchemy import delete, func, select

from mock_providers import outcomes, switches
from mock_providers.control.door import Page, Strict, page, route, text
from mock_providers.control.world import person
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.outcomes import Outcome

bp = Blueprint("control_choices", __name__)


class Switches(Schema):
    """Names and values; names are checked against the list."""

    class Meta:
        unknown = INCLUDE


class OutcomeList(Page):
    target = text(60)
    person = text(10)
    ref = text(64)


class OutcomeFilter(Strict):
    target = text(60)
    person = text(10)
    ref = text(64)


class NewOutcome(Strict):
    target = text(60, required=True)
    outcome = text(60, required=True)
    next = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 10_000))
    count = fields.Integer(strict=True, validate=validate.Range(1, 10_000))
    person = fields.String(load_default="", validate=validate.Length(0, 10))
    ref = fields.String(load_default="", validate=validate.Length(0, 64))


def deviation(switch: switches.Switch) -> dict[str, Any]:
    return {
        "name": switch.name,
        "value": switches.value(switch.name),
        "default": switch.default,
        "choices": list(switch.choices),
        "kind": switch.kind,
        "source": switch.source,
        "why": switch.why,
    }


@route(bp, "GET", "/deviations")
def list_deviations() -> dict[str, Any]:
    """Every relaxation and every choice, with its switch."""
    return {"items": [deviation(switch) for switch in switches.ALL.values()], "next": None}


@route(bp, "POST", "/deviations", body=Switches)
def set_deviations(given: dict[str, Any]) -> dict[str, Any]:
    """Move switches: {name: value}."""
    if not given:
        raise Problem("FIELD_INVALID", "name at least one switch")
    for name, value in given.items():
        if not isinstance(value, str) or len(value) > 120:
            raise Problem("FIELD_INVALID", "a switch is set to a short text", {name[:60]: ["not a short text"]})
        switches.put(name, value)
    db.session.commit()
    return {"items": [deviation(switches.ALL[name]) for name in given], "next": None}


def outcome_line(row: Outcome) -> dict[str, Any]:
    return {
        "id": row.id,
        "target": row.target,
        "outcome": row.outcome,
        "left": row.left,
        "person": row.person,
        "ref": row.ref,
    }


@route(bp, "GET", "/outcomes", query=OutcomeList)
def list_outcomes(asked: dict[str, Any]) -> dict[str, Any]:
    """Planned results; `known` says what each call can be told."""
    wanted = select(Outcome).where(Outcome.id > asked["after"])
    rows = db.session.scalars(_filtered(wanted, asked).order_by(Outcome.id).limit(asked["limit"] + 1))
    known = {target: list(names) for target, names in sorted(outcomes.KNOWN.items())}
    return {**page(list(rows), asked["limit"], outcome_line), "known": known}


@route(bp, "POST", "/outcomes", body=NewOutcome)
def plan_outcome(given: dict[str, Any]) -> dict[str, Any]:
    """The next calls of `target` (of a person, or about a business number) have this result."""
    if given["person"]:
        person(given["person"])
    times = given.get("count", given["next"])  # the same by another name
    row = outcomes.plan(given["target"], given["outcome"], times, given["person"], given["ref"])
    db.session.commit()
    return outcome_line(row)


@route(bp, "DELETE", "/outcomes", query=OutcomeFilter)
def clear_outcomes(asked: dict[str, Any]) -> dict[str, Any]:
    """Forget planned results, all or those named."""
    count = db.session.scalar(_filtered(select(func.count()).select_from(Outcome), asked)) or 0
    db.session.execute(_filtered(delete(Outcome), asked).execution_options(synchronize_session=False))
    db.session.commit()
    return {"removed": {"outcome": count}}


def _filtered(statement: Any, asked: dict[str, Any]) -> Any:
    for name in ("target", "person", "ref"):
        if name in asked:
            statement = statement.where(getattr(Outcome, name) == asked[name])
    return statement

"""`/_mock/reset`: begin again. Each level says what it removed.

traffic  calls, events, deliveries, attempts
faults   planned outcomes, plans, faults; what a plan holds leaves
state    what vendors remember: tokens, orders, balances, timers
all      the three above, moved switches, endpoints, serial numbers; the clock goes back to its start; not credentials
"""

from typing import Any

from flask import Blueprint, Flask, current_app
from marshmallow import fields, validate
from sqlalchemy import Table, delete

from mock_providers import clock, retention, spaces
from mock_providers.accounts import Account
from mock_providers.bounds import Dropped
from mock_providers.control.door import Strict, fresh, route
from mock_providers.db import current_space, db
from mock_providers.journal import Call
from mock_providers.outcomes import Outcome
from mock_providers.retention import Mark
from mock_providers.serials import Serial
from mock_providers.switches import SwitchSet
from mock_providers.webhooks import fault_book, plan_book
from mock_providers.webhooks.endpoints import Endpoint, EndpointNote
from mock_providers.webhooks.fault_book import AskedFault
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.webhooks.plan_book import Plan, PlanStep

bp = Blueprint("control_reset", __name__)
LEVELS = ("traffic", "faults", "state", "all")
TRAFFIC = {model.__tablename__ for model in (Call, Event, Delivery, Attempt, PlanStep, EndpointNote)}
FAULTS = {Outcome.__tablename__, Plan.__tablename__, AskedFault.__tablename__}
SETTINGS = (Account, SwitchSet, Serial, Mark, Endpoint, Dropped)  # not state
OWN = {model.__tablename__ for model in SETTINGS} | {"wechat_push"}


class Reset(Strict):
    level = fields.String(load_default="traffic", validate=validate.OneOf(LEVELS))


def tables(level: str, keep: bool) -> list[Table]:
    """The tables of a level, children first. Accounts go only when their space goes."""
    ours = {table.name for table in db.metadata.tables.values() if "space" in table.c}
    chosen = {
        "traffic": TRAFFIC,
        "faults": FAULTS,
        "state": ours - TRAFFIC - FAULTS - OWN,
        "all": ours - ({Account.__tablename__, Mark.__tablename__} if keep else set()),
    }[level]
    return [table for table in reversed(db.metadata.sorted_tables) if table.name in chosen]


def empty(app: Flask, space: str, level: str, keep: bool = True) -> dict[str, int]:
    """Remove a level's rows of a space, in both halves; how many of each kind went. Commits."""
    chosen = tables(level, keep)
    hidden = [table for table in chosen if keep and table.name in TRAFFIC]
    with spaces.entered(app, space):
        removed = retention.forget(space, hidden)
        for table in chosen:
            if table not in hidden:
                gone = db.session.execute(delete(table).where(table.c.space == space))
                removed[str(table.name)] = gone.rowcount  # type: ignore[attr-defined]
        if level == "faults":
            plan_book.let_go(space)
            fault_book.let_go(space)
            plan_book.forget_ends(space)
        elif level == "state":
            plan_book.rearm()
        if level == "all" and keep:
            clock.run(space, clock.starting_at(app.config["SETTINGS"].start))
        db.session.commit()
    app.extensions["sender"].forgotten()
    if neighbour := app.config["NEIGHBOUR"]:
        for name, count in neighbour.forget(space, level).items():
            removed[f"back_end.{name}"] = count
    return {name: count for name, count in removed.items() if count}


@route(bp, "POST", "/reset", body=Reset)
def reset(given: dict[str, Any]) -> dict[str, Any]:
    """Begin again at a level; what was removed."""
    fresh()
    removed = empty(current_app._get_current_object(), current_space(), given["level"])  # type: ignore[attr-defined]
    return {"level": given["level"], "removed": removed}

"""Giving up before payment: a quote at once, a confirmed order after both its legs are shut."""

from yibao import tasks
from yibao.db import db, let_go
from yibao.errors import Refused
from yibao.steps.settlement import legs, reconcile, rules, undo
from yibao.steps.settlement.models import held


def cancel(number: str, user_id: int) -> None:
    """Raises Refused STATE_CONFLICT once a part is paid; STATE_UNKNOWN when a leg could not be shut yet."""
    row = held(number)
    if row.user_id != user_id:
        raise Refused("NOT_FOUND")
    if row.state == "CONFIRM_WAIT":
        row.move("cancelled", "U")
        tasks.drop(legs.QUOTE_ENDS, number)
        db.session.commit()
        return
    rules.move(row.state, "closed")
    if row.state == "AUTH_OK" or row.fund_paid_at or row.cash_paid_at:
        raise Refused("STATE_CONFLICT", "the payment is under way")
    undo.begin_closing(row, "closed", "")
    db.session.commit()
    undo.close(number)
    row = held(number)
    let_go()
    if row.state in rules.PAYING and not row.closing:
        reconcile.ask(number)
        raise Refused("STATE_CONFLICT", "it was paid a moment before")
    if row.closing:
        raise Refused("STATE_UNKNOWN", "the order is being closed")

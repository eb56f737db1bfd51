"""When no callback comes: ask every leg and do what the callbacks would have done (30 s, then backing off)."""

import logging
from typing import Any

from yibao import audit, clock, tasks
from yibao.db import db, let_go
from yibao.errors import CATALOGUE, Refused
from yibao.providers import national, wechatpay
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.settlement import confirm, legs, rules, undo
from yibao.steps.settlement.models import Settlement, held
from yibao.steps.settlement.notices import cash_differs, fund_differs, mixed_differs

log = logging.getLogger(__name__)


@tasks.handles(legs.QUOTE_ENDS)
def end_quote(number: str, about: dict[str, Any]) -> None:
    """A quote nobody confirmed."""
    row = held(number)
    if row.state == "CONFIRM_WAIT" and clock.now() >= row.quote_expires_at:
        row.move("quote_expired")
    db.session.commit()


@tasks.handles(legs.RECONCILE)
def reconcile(number: str, about: dict[str, Any]) -> None:
    """Look at a settlement that waits: finish its legs, close it, or ask who was paid."""
    row = held(number)
    let_go()
    if row.state not in rules.PAYING:
        return
    if row.closing:
        undo.close(number)
    elif not row.is_ordered and row.state in ("AUTH_OK", "UNKNOWN") and not _late(row):
        resume(number)
    else:
        ask(number)


def resume(number: str) -> None:
    """Go on where a crash or a lost answer stopped the legs."""
    row = held(number)
    if row.state == "UNKNOWN":
        row.move("resumed")
    db.session.commit()
    try:
        confirm.advance(number)
    except Refused as refused:
        log.info("settlement %s: %s", number, refused)


def ask(number: str) -> None:
    """Ask every leg, apply what is certain, then decide."""
    row = held(number)
    let_go()
    try:
        facts, apply = _ask_legs(row)
    except (Unreachable, VendorRefused) as error:
        _no_answer(number, error)
        return
    row = held(number)
    for step, given in apply:
        step(row, *given)
    _decide(row, facts)
    db.session.commit()
    if row.closing:
        undo.close(number)


def _ask_legs(row: Settlement) -> tuple[rules.Facts, list]:
    """What the legs are, and the confirmations that follow. A paid leg whose amounts differ raises an alarm only."""
    apply: list[tuple[Any, tuple]] = []
    fund = cash = "none"
    mixed = why = ""
    if row.pay_ord_id and row.wants_fund and not row.revoked_at:
        order = national.order_state(
            str(row.pay_ord_id), str(row.pay_token), row.institution_code, legs.patient_of(row)
        )
        fund = rules.FUND_STATES.get(order.status, "open")
        if row.is_national and row.cash_fen:
            cash = rules.cash_at_centre(order.status)
        if fund == "paid":
            fund = _believed(row, "fund", fund_differs(row, order), fund, apply, (legs.order_confirmed, (order,)))
            cash = "open" if cash == "paid" and fund == "open" else cash
    if row.out_trade_no and row.cash_fen:
        found = _or_none(wechatpay.query_order, row.out_trade_no)
        cash = rules.CASH_STATES.get(str(found.get("trade_state")), "open") if found else "none"
        if cash == "paid":
            paid = (legs.cash_confirmed, (str(found.get("transaction_id", "")),))
            cash = _believed(row, "cash", cash_differs(row, found), cash, apply, paid)
    if row.out_trade_no:
        found = _or_none(wechatpay.query_medical_order, row.out_trade_no)
        mixed = str(found.get("mix_pay_status", "")).removeprefix("MIX_PAY_")
        why = national.reason_of(str(found.get("med_ins_fail_reason") or ""))
        if mixed == "SUCCESS":
            done = (legs.mixed_confirmed, (str(found.get("mix_trade_no", "")),))
            mixed = _believed(row, "mixed", mixed_differs(row, found), mixed, apply, done)
    return rules.Facts(fund, cash, mixed, why if why in CATALOGUE else ""), apply


def _believed(row: Settlement, leg: str, differs: str, state: str, apply: list, step: tuple) -> str:
    """The leg's state if its amounts are ours; else it stays open and somebody must look."""
    if differs:
        audit.alarm("settlement", row.number, "query_differs", leg=leg, field=differs)
        db.session.commit()
        return "open"
    apply.append(step)
    return state


def _or_none(query: Any, number: str) -> dict[str, Any]:
    """The answer of a query; nothing for an order the provider never got."""
    try:
        return query(number)
    except VendorRefused as refused:
        if refused.code in undo.NO_SUCH_ORDER or refused.status == 404:
            return {}
        raise


def _late(row: Settlement) -> bool:
    return row.pay_by is not None and clock.now() >= row.pay_by


def _decide(row: Settlement, facts: rules.Facts) -> None:
    """Settled rows need nothing; the others wait, are closed, or are reversed."""
    if row.state not in rules.PAYING:
        return
    verdict = rules.judge(row.split, facts, _late(row))
    failure = rules.failure_of(facts)
    if verdict == "reverse":
        undo.begin_reversal(row, failure, facts.fund == "paid", facts.cash == "paid")
    elif verdict == "reject":
        undo.begin_closing(row, "pay_refused", failure)
    elif verdict == "close":
        undo.begin_closing(row, "pay_expired", "PAY_EXPIRED")
    else:
        _wait(row)


def _wait(row: Settlement) -> None:
    """Everything was answered: no longer unknown, and ordered if the order is there. Ask again later."""
    if row.state in ("UNKNOWN", "AUTH_OK") and row.is_ordered:
        row.move("ordered" if row.wants_fund else "ordered_for_cash")
        row.tries = 0
    undo.plan_question(row, rules.ASK_WAITING)


def _no_answer(number: str, error: Exception) -> None:
    """UNKNOWN until somebody answers: 3 s, 10 s, 60 s, 10 min, then a clerk is told and it goes on slowly."""
    db.session.rollback()
    row = held(number)
    if rules.may(row.state, "no_answer"):
        row.move("no_answer", why=str(error)[:200])
        row.tries = 0
    if row.state in rules.PAYING:
        undo.plan_question(row, rules.ASK_UNKNOWN)
    db.session.commit()

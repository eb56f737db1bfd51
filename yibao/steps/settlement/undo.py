"""Ending a settlement that will not be paid: the cash order closed, the upload revoked, what was paid given back."""

import logging
from datetime import timedelta

from yibao import audit, clock, ids, tasks
from yibao.db import db, let_go
from yibao.providers import national, wechatpay
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.settlement import legs, rules
from yibao.steps.settlement.models import Refund, Settlement, held

PAID_AFTER_ALL = ("ORDERPAID", "ORDER_PAID")
NO_SUCH_ORDER = ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "ORDER_CLOSED")
log = logging.getLogger(__name__)


def plan_question(row: Settlement, steps: tuple[timedelta, ...]) -> None:
    """The next question on this ladder, but no later than the end of the time to pay; one alarm when it runs out."""
    now = clock.now()
    at = now + rules.pause(steps, row.tries)
    if row.tries == len(steps) and row.state == "UNKNOWN":
        audit.alarm("settlement", row.number, "unknown_for_a_clerk", failure=row.failure)
    row.tries += 1
    if row.pay_by is not None and now < row.pay_by < at:
        at = row.pay_by
    legs.ask_again(row, at)


def begin_closing(row: Settlement, event: str, failure: str, words: str = "") -> None:
    """Save the intent: from here on the phone is not asked to pay. The ladder of questions starts anew, once."""
    if not row.failure:
        row.tries = 0
    row.closing, row.failure = event, failure
    audit.moved("settlement", row.number, row.state, row.state, f"closing:{event}", "S", words=words[:200])
    legs.ask_again(row, clock.now() + rules.ASK_WAITING[0])


def close(number: str) -> None:
    """Shut both legs, then take the edge that was meant. What does not answer is tried again by the task."""
    try:
        if _close_cash(number) and _close_fund(number):
            row = held(number)
            if row.closing and rules.may(row.state, row.closing):
                row.move(row.closing)
                row.closing = ""
                tasks.drop(legs.RECONCILE, number)
    except (Unreachable, VendorRefused) as error:
        log.warning("closing %s: %s", number, error)
        db.session.rollback()
        plan_question(held(number), rules.ASK_WAITING)
    db.session.commit()


def _close_cash(number: str) -> bool:
    """Whether nobody can pay the cash order any more."""
    row = held(number)
    let_go()
    if row.cash_fen == 0 or row.cash_closed_at or row.out_trade_no is None:
        return True
    try:
        wechatpay.close_order(row.out_trade_no)
    except VendorRefused as refused:
        if refused.code not in NO_SUCH_ORDER:
            _not_closed(number, refused)
            return False
    row = held(number)
    row.cash_closed_at = clock.now()
    db.session.commit()
    return True


def _close_fund(number: str) -> bool:
    """Whether the bureau will not book the upload any more."""
    row = held(number)
    let_go()
    if row.pay_ord_id is None or row.revoked_at:
        return True
    try:
        revoke(row)
    except VendorRefused as refused:
        if rules.FUND_STATES.get(_status(row)) not in ("undone", "failed"):
            _not_closed(number, refused)
            return False
    row = held(number)
    row.revoked_at = clock.now()
    db.session.commit()
    return True


def _not_closed(number: str, refused: VendorRefused) -> None:
    """It was paid a moment before: forget the intent and look at the legs again."""
    row = held(number)
    audit.moved("settlement", number, row.state, row.state, "not_closed", "V", code=refused.code)
    row.closing = ""
    plan_question(row, rules.ASK_WAITING)
    db.session.commit()


def _status(row: Settlement) -> str:
    return national.order_state(
        str(row.pay_ord_id), str(row.pay_token), row.institution_code, legs.patient_of(row)
    ).status


def revoke(row: Settlement) -> None:
    """6401. Raises Unreachable, VendorRefused."""
    national.revoke(str(row.pay_ord_id), str(row.pay_token), row.institution_code, legs.patient_of(row))


def revoke_quietly(
    pay_ord_id: str | None, pay_token: str | None, institution_code: str, patient: national.Person
) -> None:
    """Take back an upload nobody will pay; left behind it harms nobody, so a failure is only logged."""
    if pay_ord_id is None:
        return
    try:
        national.revoke(pay_ord_id, str(pay_token), institution_code, patient)
    except (Unreachable, VendorRefused) as error:
        log.warning("the upload %s was left behind: %s", pay_ord_id, error)


def begin_reversal(row: Settlement, failure: str, fund_paid: bool, cash_paid: bool) -> None:
    """Give back what was paid of an order that failed half-way (no question is asked: §6.6)."""
    row.move("reversing", failure=failure)
    row.failure, row.closing = failure, ""
    split = row.split
    db.session.add(
        Refund(
            number=new_number(),
            settlement_number=row.number,
            kind="reversal",
            reason=failure,
            pooled_fen=split.pooled_fen if fund_paid else 0,
            account_fen=split.account_fen if fund_paid else 0,
            cash_fen=split.cash_fen if cash_paid else 0,
            requested_at=clock.now(),
        )
    )
    tasks.drop(legs.RECONCILE, row.number)
    tasks.at(clock.now(), legs.REFUND, row.number)


def new_number() -> str:
    """A refund number: one for every leg and every retry."""
    return f"R{clock.now():%y%m%d%H%M%S}{ids.fresh('refund', 16)}"

"""Money going back, leg by leg: the bureau (6203), the cash, the report to WeChat Pay. One number for all of them.

`carry_on` may be run again from any point, as in confirm.py; a leg that did not answer is asked again with the
same number, so nothing is paid out twice.
"""

import logging
from typing import Any

from yibao import audit, clock, policies, tasks
from yibao.db import db, let_go
from yibao.errors import Refused
from yibao.providers import national, wechatpay
from yibao.providers.http import Unreachable, VendorRefused
from yibao.spaces import callback_url
from yibao.steps.settlement import institutions, legs, rules, undo
from yibao.steps.settlement.models import Refund, Settlement, held, latest_refund, refund_numbered
from yibao.steps.settlement.notices import refund_differs

log = logging.getLogger(__name__)


def request(number: str, user_id: int, reason: str, unopened: bool, amount_fen: int | None) -> None:
    """The user wants the whole order back. Raises Refused; FUND_DOWN when the bureau does not answer."""
    row = held(number)
    if row.user_id != user_id:
        raise Refused("NOT_FOUND")
    now, policy = clock.now(), policies.version(row.policy_version)
    window_only = not policy.refund.online or institutions.refunds_at_window(row.institution_code)
    too_late = row.settled_at is not None and now - row.settled_at > policy.refund.self_service_for
    rules.check_refund(row.state, reason, unopened, window_only, too_late)
    rules.check_refund_amount(row.split, amount_fen)
    row.move("refund_requested", "U", reason=reason)
    split = row.split
    rules.check_refund_sum(split.insured_fen, split.pooled_fen, split.account_fen, 0)
    refund = Refund(
        number=undo.new_number(),
        settlement_number=number,
        kind="refund",
        reason=reason,
        pooled_fen=split.pooled_fen,
        account_fen=split.account_fen,
        cash_fen=split.cash_fen,
        requested_at=now,
    )
    db.session.add(refund)
    row.move("refund_checked")
    tasks.at(now + rules.RETRY_REFUND[0], legs.REFUND, number)
    db.session.commit()
    carry_on(refund.number)
    denied = latest_refund(number)
    let_go()
    if denied is not None and denied.denied_at is not None:
        raise Refused(denied.failure)
    if denied is not None and denied.fund_fen and denied.fund_back_at is None:
        raise Refused("FUND_DOWN")


@tasks.handles(legs.REFUND)
def retry(number: str, about: dict[str, Any]) -> None:
    """Go on with the newest refund of a settlement."""
    refund = latest_refund(number)
    let_go()
    if refund is not None and refund.finished_at is None and refund.denied_at is None:
        carry_on(refund.number)


def carry_on(refund_no: str) -> None:
    """Do the legs that are still missing; plan another try while one is."""
    try:
        for leg in (_shut_the_other, _fund, _cash, _report, _ask_cash):
            leg(refund_no)
    except Unreachable as error:
        log.warning("refund %s: %s", refund_no, error)
    except VendorRefused as refused:
        db.session.rollback()
        audit.alarm("refund", refund_no, "leg_refused", code=refused.code, words=refused.message[:200])
        db.session.commit()
    let_go()
    refund = _refund(refund_no)
    if refund.finished_at is None and refund.denied_at is None:
        tasks.at(clock.now() + rules.pause(rules.RETRY_REFUND, refund.tries), legs.REFUND, refund.settlement_number)
        refund.tries += 1
    db.session.commit()


def _refund(refund_no: str) -> Refund:
    refund = refund_numbered(refund_no)
    if refund is None:
        raise Refused("NOT_FOUND")
    return refund


def _both(refund_no: str) -> tuple[Refund, Settlement]:
    """Read and let go: nothing is open while a provider is called."""
    refund = _refund(refund_no)
    row = held(refund.settlement_number)
    let_go()
    return refund, row


def _shut_the_other(refund_no: str) -> None:
    """Before a reversal: the leg that was not paid must not be paid later."""
    refund, row = _both(refund_no)
    if refund.kind != "reversal":
        return
    if row.cash_fen and not refund.cash_fen and not row.cash_closed_at and row.prepay_id:
        try:
            wechatpay.close_order(str(row.out_trade_no))
        except VendorRefused as refused:
            if refused.code in undo.PAID_AFTER_ALL:
                _pay_back_too(refund_no)
            elif refused.code not in undo.NO_SUCH_ORDER:
                raise
        row = held(row.number)
        row.cash_closed_at = clock.now()
        db.session.commit()
    if row.pay_ord_id and not refund.fund_fen and not row.revoked_at:
        try:
            undo.revoke(row)
        except VendorRefused as refused:
            log.info("6401 of %s: %s", row.number, refused)
        row = held(row.number)
        row.revoked_at = clock.now()
        db.session.commit()


def _pay_back_too(refund_no: str) -> None:
    """The cash came in after all: it goes back under the same number."""
    refund = _refund(refund_no)
    refund.cash_fen = held(refund.settlement_number).cash_fen
    db.session.commit()


def _fund(refund_no: str) -> None:
    """6203: ALL for a refund, HI where the cash never came. What was paid at the national cashier goes back whole."""
    refund, row = _both(refund_no)
    if refund.fund_back_at is not None or refund.denied_at is not None:
        return
    serial = ""
    if refund.fund_fen or row.is_national:
        split = national.Split(row.total_fen, row.pooled_fen, row.own_fen, row.mutual_fen, row.cash_fen)
        kind = rules.refund_kind(row.split, refund.fund_fen, refund.cash_fen)
        try:
            answer = national.refund(
                str(row.pay_ord_id), refund.number, clock.now(), split, str(row.pay_auth_no), kind
            )
        except VendorRefused as refused:
            _deny(refund_no, legs.our_code(refused), refused.message)
            return
        if answer.status == "FAIL":
            _deny(refund_no, "REFUND_TO_SUSPENSE", "refStatus FAIL")
            return
        if answer.status != "SUCC":
            raise Unreachable(f"6203 says {answer.status}")
        serial = answer.serial
    refund, row = _refund(refund_no), held(row.number)
    if refund.fund_back_at is None:
        refund.fund_back_at, refund.fund_refund_sn = clock.now(), serial
        if row.is_national:  # the cash came with it, and WeChat Pay has nothing to be told
            refund.cash_asked_at = refund.cash_back_at = clock.now() if refund.cash_fen else None
            refund.reported_at = clock.now()
        if rules.may(row.state, "fund_returned"):
            row.move("fund_returned", "V")
    _finish(refund, row)
    db.session.commit()


def _deny(refund_no: str, code: str, words: str) -> None:
    """The bureau will not give it back: a clerk must look; the cash is not touched."""
    refund = _refund(refund_no)
    row = held(refund.settlement_number)
    refund.failure = code
    audit.alarm("refund", refund_no, "denied", code=code, words=words[:200])
    if rules.may(row.state, "refund_denied"):
        refund.denied_at = clock.now()
        row.move("refund_denied", "V", code=code)
        tasks.drop(legs.REFUND, row.number)
    db.session.commit()


def _cash(refund_no: str) -> None:
    refund, row = _both(refund_no)
    if refund.cash_fen == 0 or refund.cash_asked_at or refund.fund_back_at is None:
        return
    answer = wechatpay.create_refund(
        str(row.out_trade_no),
        refund.number,
        refund.cash_fen,
        row.cash_fen,
        "购药退款(样例)",
        callback_url("wechatpay/refund"),
    )
    refund, row = _refund(refund_no), held(row.number)
    refund.cash_asked_at, refund.cash_refund_id = clock.now(), str(answer.get("refund_id", ""))
    if answer.get("status") == "SUCCESS" and not refund_differs(refund, row, answer):
        cash_back(refund, row)
    db.session.commit()


def _report(refund_no: str) -> None:
    """WeChat Pay is told that the insurance part went back."""
    refund, row = _both(refund_no)
    if refund.reported_at or refund.fund_back_at is None:
        return
    if refund.kind == "refund" and refund.fund_fen:
        wechatpay.report_medical_refund(
            str(row.mix_trade_no),
            refund.number,
            refund.pooled_fen,
            refund.account_fen,
            0,
            refund.fund_back_at,
        )
    refund, row = _refund(refund_no), held(row.number)
    refund.reported_at = refund.reported_at or clock.now()
    _finish(refund, row)
    db.session.commit()


def _ask_cash(refund_no: str) -> None:
    """From the second time on: no notice came, so ask."""
    refund, row = _both(refund_no)
    if not refund.cash_asked_at or refund.cash_back_at or refund.tries == 0:
        return
    answer = wechatpay.query_refund(refund.number)
    refund, row = _refund(refund_no), held(row.number)
    differs = refund_differs(refund, row, answer)
    if differs:
        audit.alarm("refund", refund_no, "query_differs", field=differs)
    elif answer.get("status") == "SUCCESS":
        cash_back(refund, row)
    elif answer.get("status") in ("ABNORMAL", "CLOSED"):
        audit.alarm("refund", refund_no, "cash_refund_stuck", status=answer["status"])
    db.session.commit()


def cash_back(refund: Refund, row: Settlement) -> None:
    """The cash arrived (REFUND.SUCCESS, or its query)."""
    if refund.cash_back_at is None:
        refund.cash_back_at = clock.now()
        _finish(refund, row)


def _finish(refund: Refund, row: Settlement) -> None:
    """Take every edge the returned legs allow."""
    fund_back = refund.fund_back_at is not None
    cash_back_ = refund.cash_fen == 0 or refund.cash_back_at is not None
    if refund.finished_at is not None or not (fund_back and cash_back_):
        return
    if rules.may(row.state, "cash_returned"):
        row.move("cash_returned", "V")
    if refund.kind == "reversal" and rules.may(row.state, "money_back"):
        row.move("money_back", "V")
        refund.finished_at = clock.now()
    elif refund.reported_at is not None and rules.may(row.state, "refunded"):
        row.move("refunded", "V")
        refund.finished_at = clock.now()
    if refund.finished_at is not None:
        tasks.drop(legs.REFUND, row.number)

"""Confirming a quote: claimed once, then leg by leg: intent saved, committed, called, outcome saved (law 2).

`advance` may be run again from any point: a leg whose outcome is saved is not called twice, and the numbers it is
called with never change. So a crash, a lost answer or a second confirm charges nobody a second time.
"""

from yibao import clock, ids, policies, tasks
from yibao.db import db, let_go
from yibao.errors import Refused
from yibao.providers import national, wechat, wechatpay
from yibao.providers.http import Unreachable, VendorRefused
from yibao.spaces import callback_url
from yibao.steps.login.models import channel, current_user
from yibao.steps.login.rules import NATIONAL
from yibao.steps.settlement import legs, rules, undo
from yibao.steps.settlement.models import Settlement, held

ORDER_TYPE = "PHARMACY_PAY"
GEO_LOCATION = "110.331190,20.031970"  # the counter's, agreed with the channel
AUTHORISATION_REFUSED = (268547120, 268545967)  # pay_auth_no is wrong or used up; the bureau does not know it
RESUME_AFTER = rules.ASK_WAITING[1]  # nobody asks about a confirm that is still being carried out


def confirm(number: str, user_id: int, auth_code: str, accept_cash: bool) -> None:
    """Everything until the phone may pay. Raises Refused."""
    row = _ready(number, user_id, accept_cash)
    sub = None
    if channel() == NATIONAL:
        sub = current_user().national_sub or ""
        if not row.insutype:
            raise Refused("FUND_REFUSED", "the national cashier takes insurance orders only; pay this one in cash")
    let_go()
    payer = _authorised(auth_code, row.openid, sub)
    _claim(number, user_id, accept_cash, payer)
    advance(number)


def advance(number: str) -> None:
    """Carry out the legs that are still missing. Raises Refused STATE_UNKNOWN when one does not answer."""
    try:
        in_wechat = (_withdraw_empty, _order_cash, _order_mixed)
        for leg in (_upload, _compare, *(() if _todo(number).is_national else in_wechat), _hand_over):
            leg(number)
    except Unreachable as error:
        _unknown(number, error)
        raise Refused("STATE_UNKNOWN") from error
    except VendorRefused as refused:
        code = legs.our_code(refused)
        db.session.rollback()
        _refuse(number, code, refused.message)
        raise Refused(code, refused.message) from refused


def _ready(number: str, user_id: int, accept_cash: bool) -> Settlement:
    """The caller's quote, if it may be confirmed now."""
    row = held(number)
    if row.user_id != user_id:
        raise Refused("NOT_FOUND")
    if row.state == "UNKNOWN":
        raise Refused("STATE_UNKNOWN")
    if row.state == "CONFIRM_WAIT" and clock.now() >= row.quote_expires_at:
        row.move("quote_expired")
        tasks.drop(legs.QUOTE_ENDS, number)
        db.session.commit()
    if row.state == "EXPIRED":
        raise Refused("PAY_EXPIRED" if row.pay_by else "QUOTE_EXPIRED")
    rules.move(row.state, "authorised")
    if row.cash_fen and not accept_cash:
        raise Refused("CASH_NOT_ACCEPTED", cash_fen=row.cash_fen)
    return row


def _authorised(auth_code: str, openid: str, sub: str | None) -> national.Payer:
    """Who agreed on the page of the channel at hand; only the national app's users have a `sub` here."""
    try:
        if sub is not None:
            return national.authorised_payer(auth_code, sub)
        return wechat.authorised_payer(auth_code, openid)
    except VendorRefused as refused:
        raise Refused("AUTHORISATION_INVALID", refused.message) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the authorisation service did not answer") from error


def _claim(number: str, user_id: int, accept_cash: bool, payer: national.Payer) -> None:
    """One transition under the write lock: of two confirms at once the second finds the quote taken."""
    row = _ready(number, user_id, accept_cash)
    if payer.id_number != row.patient_id_number.upper() or payer.for_relative != (row.binding_id is not None):
        raise Refused("AUTHORISATION_PERSON")
    row.channel = channel()
    now = clock.now()
    row.pay_auth_no = payer.pay_auth_no
    row.med_org_ord = f"{now:%y%m%d%H%M%S}{ids.fresh('med_org_ord', 8)}"
    if not row.is_national:
        row.out_trade_no = f"{now:%y%m%d%H%M%S}{ids.fresh('out_trade_no', 16)}"
    row.pay_by = now + policies.version(row.policy_version).settlement.pay_cash_within
    row.failure, row.tries = "", 0
    row.move("authorised", "U")
    tasks.drop(legs.QUOTE_ENDS, number)
    legs.ask_again(row, now + RESUME_AFTER)
    db.session.commit()


def _todo(number: str) -> Settlement:
    """The row as it is, read and let go: nothing is open while a provider is called."""
    row = held(number)
    let_go()
    return row


def _upload(number: str) -> None:
    row = _todo(number)
    if row.state != "AUTH_OK" or row.pay_ord_id or not row.insutype:
        return
    pay_ord_id, pay_token = national.upload_fees(
        legs.patient_of(row),
        row.institution_code,
        str(row.med_org_ord),
        str(row.pay_auth_no),
        legs.bill_of(row.lines, str(row.med_org_ord), row.prescription_no),
        clock.now(),
        row.visit_no,
    )
    row = held(number)
    if row.pay_ord_id is None:
        row.pay_ord_id, row.pay_token = pay_ord_id, pay_token
    db.session.commit()


def _compare(number: str) -> None:
    """6202, and the bureau's split held against the quoted one."""
    row = _todo(number)
    if row.state != "AUTH_OK" or row.compared_at or not row.insutype:
        return
    order = national.place_payment(
        str(row.pay_auth_no),
        str(row.pay_ord_id),
        str(row.pay_token),
        row.institution_code,
        str(row.med_org_ord),
        legs.patient_of(row),
        row.visit_no,
    )
    if order.split is None:
        raise Unreachable("6202 answered without amounts")
    split = legs.split_of(order.split)
    row = held(number)
    if split != row.split:
        _requote(row, split)
    row.compared_at = clock.now()
    db.session.commit()


def _requote(row: Settlement, split: rules.Split) -> None:
    """The money changed since the quote: show the new split, take the upload back, let the user decide again."""
    quoted, order = row.split, (row.pay_ord_id, row.pay_token, row.institution_code, legs.patient_of(row))
    if split.total_fen != quoted.total_fen:
        raise VendorRefused("national", "SPLIT_MISMATCH", "the bureau's total is not the quoted one")
    row.set_split(split)
    _back_to_quote(row, "amounts_changed")
    db.session.commit()
    undo.revoke_quietly(*order)
    raise Refused(rules.why_changed(quoted, split), split=split.as_dict())


def _back_to_quote(row: Settlement, event: str) -> None:
    row.move(event, med_org_ord=row.med_org_ord)
    row.med_org_ord = row.out_trade_no = row.pay_auth_no = row.pay_ord_id = row.pay_token = row.pay_by = None
    row.compared_at = row.revoked_at = None
    row.quote_expires_at = clock.now() + policies.version(row.policy_version).settlement.quote_valid_for
    tasks.drop(legs.RECONCILE, row.number)
    tasks.at(row.quote_expires_at, legs.QUOTE_ENDS, row.number)


def _withdraw_empty(number: str) -> None:
    """Nothing for the insurance to pay: a CASH_ONLY order goes without an upload (wechatpay §6.3)."""
    row = _todo(number)
    if row.state != "AUTH_OK" or row.wants_fund or not row.pay_ord_id or row.revoked_at:
        return
    undo.revoke(row)
    row = held(number)
    row.revoked_at = clock.now()
    db.session.commit()


def _order_cash(number: str) -> None:
    row = _todo(number)
    if row.state != "AUTH_OK" or row.cash_fen == 0 or row.prepay_id or row.pay_by is None:
        return
    try:
        prepay_id = wechatpay.create_order(
            str(row.out_trade_no),
            f"{row.institution_name}-购药(样例)",
            row.cash_fen,
            row.openid,
            callback_url("wechatpay/transaction"),
            row.pay_by,
        )
    except VendorRefused as refused:
        raise VendorRefused(refused.vendor, "CASH_FAIL", refused.message, refused.status) from refused
    row = held(number)
    row.prepay_id = row.prepay_id or prepay_id
    db.session.commit()


def _order_mixed(number: str) -> None:
    row = _todo(number)
    if row.state in rules.PAYING and not row.mix_trade_no and not row.closing:
        answer = _create_mixed(row)
        row = held(number)
        row.mix_trade_no = row.mix_trade_no or str(answer["mix_trade_no"])
        db.session.commit()


def _hand_over(number: str) -> None:
    """The phone has what it needs to pay."""
    row = held(number)
    if row.state == "AUTH_OK" and row.is_ordered:
        row.move("ordered" if row.wants_fund else "ordered_for_cash")
        legs.settle_if_paid(row)
        row.tries = 1
        if row.state in rules.PAYING:
            legs.ask_again(row, clock.now() + rules.ASK_WAITING[0])
    db.session.commit()


def _create_mixed(row: Settlement) -> dict:
    """POST /v3/med-ins/orders; a repeat is refused there, so the first answer is asked for."""
    payer = (row.payer_name, row.payer_id_type, row.payer_id_number)
    relative = (row.patient_name, row.patient_id_type, row.patient_id_number) if row.binding_id else None
    try:
        answer = wechatpay.create_medical_order(mixed_order(row), payer, relative)
    except VendorRefused as refused:
        if refused.inner in AUTHORISATION_REFUSED:
            raise VendorRefused(refused.vendor, "AUTHORISATION_INVALID", refused.message, refused.status) from refused
        if refused.code != "ALREADY_EXISTS":
            raise
        answer = wechatpay.query_medical_order(str(row.out_trade_no))
    if answer.get("out_trade_no") not in (None, row.out_trade_no) or not answer.get("mix_trade_no"):
        raise Unreachable("the mixed order's answer is about another order")
    return answer


def mixed_order(row: Settlement) -> dict:
    """The plain fields of the mixed order; which are allowed depends on its kind (wechatpay §6.3)."""
    split = row.split
    order = {
        "mix_pay_type": rules.mix_pay_type(split),
        "order_type": ORDER_TYPE,
        "openid": row.openid,
        "out_trade_no": row.out_trade_no,
        "serial_no": row.med_org_ord,
        "city_id": row.institution_code[1:7],
        "med_inst_name": row.institution_name,
        "med_inst_no": row.institution_code,
        "total_fee": split.total_fen,
        "callback_url": callback_url("wechatpay/medical-insurance"),
        "attach": row.number,
    }
    if split.insured_fen:
        order |= {
            "pay_order_id": row.pay_ord_id,
            "pay_auth_no": row.pay_auth_no,
            "geo_location": GEO_LOCATION,
            "med_ins_order_create_time": (row.compared_at or clock.now()).isoformat(timespec="seconds"),
            **fees(split),
        }
    if split.cash_fen:
        order |= {"wechat_pay_cash_fee": split.cash_fen, "prepay_id": row.prepay_id}
    return order


def fees(split: rules.Split) -> dict[str, int]:
    """The split in WeChat's four insurance amounts."""
    return {
        "med_ins_gov_fee": split.pooled_fen,
        "med_ins_self_fee": split.account_fen,
        "med_ins_other_fee": 0,
        "med_ins_cash_fee": split.cash_fen,
    }


def _unknown(number: str, error: Unreachable) -> None:
    """A leg did not answer: say so, and ask at 3 s, 10 s, 60 s, 10 min."""
    db.session.rollback()
    row = held(number)
    if rules.may(row.state, "no_answer"):
        row.move("no_answer", why=str(error)[:200])
    if row.state in rules.PAYING:
        undo.plan_question(row, rules.ASK_UNKNOWN)
    db.session.commit()


def _refuse(number: str, code: str, words: str) -> None:
    """A provider said no before anybody could pay: end it, or let it be tried again where that can help."""
    row = held(number)
    if row.state != "AUTH_OK":
        db.session.rollback()
        return
    upload_lost = row.pay_ord_id is None and row.tries > 0 and row.insutype != ""
    if row.prepay_id is None and (code == "ACCT_LOCKED" or upload_lost):
        order = (row.pay_ord_id, row.pay_token, row.institution_code, legs.patient_of(row))
        _back_to_quote(row, "try_again")
        db.session.commit()
        undo.revoke_quietly(*order)
        return
    undo.begin_closing(row, "pay_refused", code, words)
    db.session.commit()
    undo.close(number)

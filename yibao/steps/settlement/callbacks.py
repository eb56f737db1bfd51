"""The providers' notices. Verified as bytes, held against our order, applied once, acknowledged after the commit.

A notice that is forged, about an unknown order, or whose numbers differ is refused in the vendor's shape and
raises an alarm; nothing else changes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from yibao import audit, inbox
from yibao.db import current_space, db
from yibao.errors import CATALOGUE, Refused
from yibao.providers import national, wechatpay
from yibao.providers.http import Unreachable, Untrusted
from yibao.steps.settlement import legs, refund
from yibao.steps.settlement.models import Settlement, by_order, held, refund_numbered
from yibao.steps.settlement.notices import cash_differs, fund_differs, mixed_differs, refund_differs

BODY_AT_MOST = 64 * 1024
PAID_CALL, BOOKED = "02", ("4", "5", "6")  # nhsa §3.9: the insurance part is paid, booked, complete
bp = Blueprint("settlement_callbacks", __name__)


@bp.post("/wechatpay/transaction")
def transaction() -> Response:
    """TRANSACTION.SUCCESS: the cash part is paid."""
    return _wechatpay({"TRANSACTION.SUCCESS": _cash_paid})


@bp.post("/wechatpay/medical-insurance")
def medical_insurance() -> Response:
    """MEDICAL_INSURANCE.SUCCESS: every part of the mixed order is paid."""
    return _wechatpay({"MEDICAL_INSURANCE.SUCCESS": _mixed_paid})


@bp.post("/wechatpay/refund")
def cash_refund() -> Response:
    """REFUND.SUCCESS, ABNORMAL, CLOSED: what became of the cash that goes back."""
    events = ("REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED")
    return _wechatpay(dict.fromkeys(events, _cash_refunded))


@bp.post("/national/settlement")
def settlement() -> Response:
    """6302: the bureau booked its part."""
    try:
        notice = national.read_settlement_notice(_body())
    except HTTPException:
        return _too_big()
    except Untrusted as error:
        return _forged("national", error)
    return _once("national", notice.id, lambda once: _fund_paid(notice, once)) or _success()


def _wechatpay(handlers: Mapping[str, Callable[..., None]]) -> Response:
    try:
        notice = wechatpay.read_notice(dict(request.headers), _body())
    except HTTPException:
        return _too_big()
    except Untrusted as error:
        return _forged("wechatpay", error)
    except Unreachable:
        return wechatpay.nack("平台证书暂不可用", 503)
    handler = handlers.get(notice.event_type)
    if handler is None:
        return wechatpay.nack("未知的通知类型", 400)
    account = current_app.config["SETTINGS"].vendor(current_space(), "wechatpay")
    return _once("wechatpay", notice.id, lambda once: handler(notice.resource, account, once)) or wechatpay.ack()


def _once(provider: str, event_id: str, apply: Callable[[Callable[[], bool]], None]) -> Response | None:
    """Apply a verified notice in one transaction; the refusal to send back, or None when it was taken."""
    try:
        apply(lambda: inbox.first_time(provider, event_id[:96]))
        db.session.commit()
    except Refused as refused:
        db.session.rollback()
        audit.alarm(
            "settlement", str(refused.extra.get("ref", ""))[:64], refused.code, provider=provider, why=refused.detail
        )
        db.session.commit()
        row = CATALOGUE[refused.code]
        return wechatpay.nack(row.title, row.status)
    return None


def _cash_paid(said: dict[str, Any], account: Mapping[str, Any], once: Callable[[], bool]) -> None:
    row = _order(said)
    _same(row.number, cash_differs(row, said, account))
    if once():
        legs.cash_confirmed(row, str(said.get("transaction_id", ""))[:32])


def _mixed_paid(said: dict[str, Any], account: Mapping[str, Any], once: Callable[[], bool]) -> None:
    row = _order(said)
    _same(row.number, mixed_differs(row, said, account))
    if once():
        legs.mixed_confirmed(row, str(said["mix_trade_no"]))


def _cash_refunded(said: dict[str, Any], account: Mapping[str, Any], once: Callable[[], bool]) -> None:
    found = refund_numbered(str(said.get("out_refund_no", ""))[:64])
    if found is None:
        raise Refused("CALLBACK_UNKNOWN", ref=str(said.get("out_refund_no", "")))
    row = held(found.settlement_number)
    _same(found.number, refund_differs(found, row, said, account))
    if not once():
        return
    if said.get("refund_status") == "SUCCESS":
        refund.cash_back(found, row)
    else:
        audit.alarm("refund", found.number, "cash_refund_stuck", status=str(said.get("refund_status"))[:20])


def _fund_paid(notice: national.SettlementNotice, once: Callable[[], bool]) -> None:
    row = by_order(med_org_ord=notice.order.order_no[:20])
    if row is None:
        raise Refused("CALLBACK_UNKNOWN", ref=notice.order.pay_order_id)
    _same(row.number, fund_differs(row, notice.order))
    if notice.call_type == PAID_CALL and notice.order.status not in BOOKED:
        _same(row.number, "ordStas")
    if once() and notice.call_type == PAID_CALL:
        legs.order_confirmed(row, notice.order)


def _order(said: Mapping[str, Any]) -> Settlement:
    number = said.get("out_trade_no")
    row = by_order(out_trade_no=number[:32]) if isinstance(number, str) and number else None
    if row is None:
        raise Refused("CALLBACK_UNKNOWN", ref=str(number)[:64])
    return row


def _same(ref: str, differs: str) -> None:
    if differs:
        raise Refused("CALLBACK_AMOUNT", f"{differs} differs", ref=ref)


def _body() -> bytes:
    """The raw bytes, at most 64 KiB of them."""
    request.max_content_length = BODY_AT_MOST
    return request.get_data()


def _too_big() -> Response:
    return wechatpay.nack("通知内容过大", 413)


def _forged(provider: str, error: Untrusted) -> Response:
    audit.alarm("settlement", "", "CALLBACK_FORGED", provider=provider, why=str(error)[:200])
    db.session.commit()
    return wechatpay.nack(CATALOGUE["CALLBACK_FORGED"].title)


def _success() -> Response:
    return jsonify(code="SUCCESS", message="成功")

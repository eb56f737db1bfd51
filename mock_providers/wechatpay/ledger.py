"""A merchant's account: nothing is kept, everything follows from its orders and refunds.

In comes what a payment is settled for, and WeChat Pay's fee goes out of it. A refund goes out when it is accepted,
less the fee given back, and comes in again if it is closed.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, or_, select

from mock_providers import serials, switches
from mock_providers.db import db
from mock_providers.wechatpay.bill_file import Move
from mock_providers.wechatpay.models import Order, Refund
from mock_providers.wechatpay.sums import yuan

PAYMENT, FEE, REFUND = "交易/交易", "交易/扣除交易手续费", "退款/退款"
Raw = tuple[datetime, int, str, str, int, str, str, str]


def available(mchid: str) -> int:
    """What a refund finds on the account, in fen."""
    said = switches.value("wechatpay.merchant_balance")
    return int(said) if said.isdecimal() and len(said) < 16 else balance(mchid)


def balance(mchid: str, before: datetime | None = None) -> int:
    """What payments and refunds left on the account until an instant, or by now."""
    settled = func.coalesce(Order.settled, Order.total) - func.coalesce(Order.fee, 0)
    paid = select(func.coalesce(func.sum(settled), 0)).where(Order.mchid == mchid, Order.paid_at.is_not(None))
    net = func.coalesce(Refund.settled, Refund.amount) - func.coalesce(Refund.fee, 0)
    mine = select(func.coalesce(func.sum(net), 0)).where(Refund.mchid == mchid)
    closed = mine.where(Refund.state == "CLOSED")
    if before is not None:
        paid, mine = paid.where(Order.paid_at < before), mine.where(Refund.created_at < before)
        closed = closed.where(Refund.ended_at < before)
    moved = [db.session.scalars(wanted).one() for wanted in (paid, mine, closed)]
    return opening() + moved[0] - moved[1] + moved[2]


def opening() -> int:
    """The switch takes any text; what is no number of fen is nothing."""
    said = switches.value("wechatpay.opening_balance")
    return int(said) if said.isdecimal() else 0


def moves(mchid: str, start: datetime, end: datetime) -> list[Move]:
    """What moved on the account from `start` until before `end`, with the balance after each."""
    left = balance(mchid, start)
    found = []
    for at, _, number, kind, amount, applicant, remark, voucher in sorted(_raw(mchid, start, end)):
        left += amount
        flow = str(int.from_bytes(serials.derive("flow", number, kind, amount > 0, size=16))).zfill(18)[-18:]
        found.append(Move(at, number, f"{mchid}{flow}", kind, amount, left, applicant, remark, voucher))
    return found


def _raw(mchid: str, start: datetime, end: datetime) -> Iterator[Raw]:
    orders = select(Order).where(Order.mchid == mchid, Order.paid_at >= start, Order.paid_at < end)
    for order in db.session.scalars(orders):
        at, number = order.paid_at, order.transaction_id
        assert at
        assert number
        parts = order.parts
        yield at, 2 * order.id, number, PAYMENT, parts.settled, "system", "", order.out_trade_no
        if parts.fee:
            yield at, 2 * order.id + 1, number, FEE, -parts.fee, "system", "", order.out_trade_no
    either = or_(
        Refund.created_at.between(start, end),
        Refund.ended_at.between(start, end),
    )
    for refund in db.session.scalars(select(Refund).where(Refund.mchid == mchid, either)):
        yield from _of_refund(refund, start, end)


def _of_refund(refund: Refund, start: datetime, end: datetime) -> Iterator[Raw]:
    parts = refund.parts
    applicant = f"{refund.sp_mchid or refund.mchid}API"
    remark = f"退款总金额{yuan(parts.total)}元;含手续费{yuan(parts.fee)}元"
    number, voucher = refund.refund_id, refund.out_refund_no
    if start <= refund.created_at < end:
        yield refund.created_at, 0, number, REFUND, -parts.net, applicant, remark, voucher
    if refund.state == "CLOSED" and refund.ended_at and start <= refund.ended_at < end:
        yield refund.ended_at, 1, number, REFUND, parts.net, "system", "退款关闭退回", voucher

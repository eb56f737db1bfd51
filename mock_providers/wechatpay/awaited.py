"""What WeChat Pay will tell of an order, a refund or a mixed order."""

from sqlalchemy import or_, select

from mock_providers import switches
from mock_providers.db import db
from mock_providers.webhooks.awaited import Awaited, answers
from mock_providers.webhooks.models import Event
from mock_providers.wechatpay.models import MixedOrder, Order, Refund

MANY = 200
NO_KEY = "wechatpay.merchant_state is no_apiv3_key: without a key to seal it with nothing is told"


def _numbers() -> list[str]:
    found: list[str] = []
    for column in (Order.out_trade_no, MixedOrder.out_trade_no, Refund.out_refund_no, MixedOrder.mix_trade_no):
        found += db.session.scalars(select(column).order_by(column.parent.class_.id.desc()).limit(MANY))
    return found


@answers("wechatpay", _numbers)
def asked(number: str) -> list[Awaited]:
    """Everything this number may stand for."""
    orders = select(Order).where(
        or_(Order.out_trade_no == number, Order.transaction_id == number, Order.prepay_id == number)
    )
    mixed = select(MixedOrder).where(or_(MixedOrder.out_trade_no == number, MixedOrder.mix_trade_no == number))
    refunds = select(Refund).where(or_(Refund.out_refund_no == number, Refund.refund_id == number))
    found = [_order(row) for row in db.session.scalars(orders)]
    found += [_refund(row) for order in db.session.scalars(orders) for row in order.refunds]
    found += [_refund(row) for row in db.session.scalars(refunds)]
    return found + [_mixed(row) for row in db.session.scalars(mixed)]


def _order(row: Order) -> Awaited:
    said = f"JSAPI order {row.out_trade_no} is {row.state}"
    if row.state == "CLOSED":
        return Awaited("wechatpay", row.out_trade_no, f"{said}; that an order was closed is never told")
    when = f"the payer pays (it closes at {row.closes_at.isoformat()})" if row.state == "NOTPAY" else "it was paid"
    how = "POST /_mock/phone/wechatpay/pay with what the app got for requestPayment" if row.state == "NOTPAY" else ""
    about = _hindered("TRANSACTION.SUCCESS", row.out_trade_no, bool(row.notify_url), row.state != "NOTPAY")
    return Awaited("wechatpay", row.out_trade_no, said, "TRANSACTION.SUCCESS", when, how, about)


def _refund(row: Refund) -> Awaited:
    said = f"refund {row.out_refund_no} is {row.state}"
    ends = {"succeeded": "REFUND.SUCCESS", "closed": "REFUND.CLOSED", "stuck": "REFUND.ABNORMAL"}[row.ends]
    waiting = row.state == "PROCESSING"
    when = "it ends, by a timer in business time" if waiting else "it ended"
    how = "yibao clock to next" if waiting else ""
    url = row.asked.get("notify_url") or switches.value("wechatpay.platform_refund_url")
    about = _hindered(ends, row.out_refund_no, bool(url), not waiting)
    return Awaited("wechatpay", row.out_refund_no, said, ends, when, how, about)


def _mixed(row: MixedOrder) -> Awaited:
    number, said = row.out_trade_no, f"mixed order {row.out_trade_no} is {row.mix_state}"
    if row.mix_state == "MIX_PAY_FAIL":
        return Awaited("wechatpay", number, f"{said}; a failure is never told, ask for the order instead")
    paid = row.mix_state != "MIX_PAY_CREATED"
    when = "it was paid" if paid else "the payer pays with the insurance"
    how = "" if paid else "POST /_mock/phone/wechatpay/medical-pay with what the app got"
    about = _hindered("MEDICAL_INSURANCE.SUCCESS", number, bool(row.asked.get("callback_url")), paid)
    return Awaited("wechatpay", number, said, "MEDICAL_INSURANCE.SUCCESS", when, how, about)


def _hindered(type_: str, ref: str, has_url: bool, happened: bool) -> str:
    if happened and db.session.scalar(select(Event.id).where(Event.type == type_, Event.ref == ref).limit(1)):
        return ""
    if not has_url:
        return "the request named no address to tell it to"
    if switches.value("wechatpay.merchant_state") == "no_apiv3_key":
        return NO_KEY
    return "no such event is stored; it was reset away or is too old to be kept" if happened else ""

"""The user pays a cash order: wx.requestPayment, or getBrandWCPayRequest in a page."""

from flask import Response

from mock_providers import outcomes
from mock_providers.db import db
from mock_providers.phone import medical_pay
from mock_providers.phone.cashier import Declined, answer, bp, declined, payable, tap
from mock_providers.wechatpay.pay import pay

__all__ = ["bp", "medical_pay", "request_payment"]
TARGET = "wechatpay.pay"
CALLS = {"mini_program": "requestPayment", "h5": "get_brand_wcpay_request"}
SAYS = {
    "paid": "ok",
    "cancel": "fail cancel",
    "insufficient": "fail 余额不足",
    "wrong_password": "fail 支付密码错误",
    "account_frozen": "fail 账户已被冻结",
    "account_closed": "fail 账户已注销",
    "quota_reached": "fail 超出支付限额",
    "expired": "fail 订单已过期",
    "ok_unpaid": "ok",
    "paid_unseen": "fail",
    "bank_refused": "fail 银行卡支付失败，请更换支付方式",
    "paid_with_coupon": "ok",
    "paid_with_cash_coupon": "ok",
}
COUPONS = {"paid_with_coupon": "NOCASH", "paid_with_cash_coupon": "CASH"}
PAYS = ("paid", "paid_unseen", *COUPONS)
outcomes.declare(TARGET, *SAYS)


@bp.post("/phone/wechatpay/pay")
def request_payment() -> Response:
    """The user pays a JSAPI order, or does not; what the page hears is no proof of either."""
    tapped = tap(SAYS)
    call = CALLS[tapped.via]
    try:
        order = payable(tapped.params, None)
    except Declined as no:
        return declined(tapped, call, no)
    end = tapped.end(TARGET, SAYS, order.person, order.out_trade_no)
    if end in PAYS:
        pay(order, COUPONS.get(end, ""))
    db.session.commit()
    said = "cancel" if (tapped.via, end) == ("h5", "cancel") else SAYS[end]
    return answer(tapped, call, said)

"""wx.requestMedicalInsurancePay: one password for the insurance part and the cash part of a mixed order."""

from dataclasses import dataclass

from flask import Response, current_app

from mock_providers import clock, outcomes, switches
from mock_providers.db import db
from mock_providers.phone.cashier import SIGNED, Declined, Tap, answer, bp, declined, payable, tap, text
from mock_providers.wechatpay import medical, payer, rules, wire
from mock_providers.wechatpay.models import MixedOrder, mixed_by
from mock_providers.wechatpay.pay import pay

TARGET = "wechatpay.medical_pay"
CALL = "requestMedicalInsurancePay"
NO_PERMISSION = 102
MIX_TRADE_NO_AT_MOST = 256
BUREAU_FAILED = "医保局结算失败"
INSURANCE_FEES = {"gov_fee": "med_ins_gov_fee", "self_fee": "med_ins_self_fee", "other_fee": "med_ins_other_fee"}


@dataclass(frozen=True)
class End:
    """How a tap ends. `event` moves the order, without one it stays payable; `says` is what the page hears."""

    event: str = ""
    says: str = "fail"
    cash: bool = False
    insurance: bool = False

    def fits(self, kind: str) -> bool:
        """Whether an order of this kind has the parts this end is about."""
        missing = (self.cash and kind == rules.INSURANCE_ONLY, self.insurance and kind == rules.CASH_ONLY)
        return not any(missing)


ENDS = {
    "paid": End("paid", "ok"),
    "insurance_failed": End("insurance_failed", insurance=True),
    "cash_failed": End("cash_failed", cash=True, insurance=True),
    "insurance_failed_after_cash": End("insurance_failed_after_cash", cash=True, insurance=True),
    "abandoned": End(),
    "insufficient": End(says="fail 余额不足", cash=True),
    "wrong_password": End(says="fail 支付密码错误"),
    "account_frozen": End(says="fail 账户已被冻结"),
    "account_closed": End(says="fail 账户已注销"),
    "quota_reached": End(says="fail 超出支付限额", cash=True),
    "ok_unpaid": End(says="ok"),
    "paid_unseen": End("paid"),
}
outcomes.declare(TARGET, *ENDS)


@bp.post("/phone/wechatpay/medical-pay")
def request_medical_pay() -> Response:
    """The user pays a mixed order, or does not; what the page hears is no proof of either."""
    tapped = tap(ENDS)
    if switches.value("wechatpay.medical_permission") == "denied":
        return answer(tapped, CALL, "fail:access denied", errno=NO_PERMISSION)
    try:
        mixed = _mixed(tapped)
    except Declined as no:
        return declined(tapped, CALL, no)
    possible = [name for name, end in ENDS.items() if end.fits(mixed.kind)]
    numbers = (mixed.out_trade_no, mixed.mix_trade_no, mixed.asked["serial_no"])
    end = ENDS[tapped.end(TARGET, possible, mixed.person, *numbers)]
    done = not end.event or _settle(mixed, end.event)
    db.session.commit()
    return answer(tapped, CALL, end.says if done else "fail")


def _mixed(tapped: Tap) -> MixedOrder:
    """The order that can be paid with these parameters. Raises Declined."""
    params = tapped.params
    number = text(params, "mixTradeNo")
    mixed = mixed_by(mix_trade_no=number) if len(number) <= MIX_TRADE_NO_AT_MOST else None
    if mixed is None or mixed.mix_state != "MIX_PAY_CREATED":
        raise Declined("混合订单不存在或已结束")
    if tapped.via == "h5" and text(params, "appid") not in (mixed.asked["appid"], mixed.asked.get("sub_appid")):
        raise Declined("appid 与下单时不一致")
    if mixed.kind != rules.INSURANCE_ONLY:
        payable(params, mixed.order)
    elif any(name in params for name in SIGNED):
        raise Declined("纯医保订单不应传入支付参数")
    return mixed


def _settle(mixed: MixedOrder, event: str) -> bool:
    """The bureau settles, then the cash is debited, as far as the event lets them; whether all was paid."""
    ok = True
    if mixed.kind != rules.CASH_ONLY:
        ok, mixed.fail_reason, mixed.passthrough = _bureau(mixed, event)
    if not ok and event not in ("insurance_failed", "insurance_failed_after_cash"):
        event = "insurance_failed"
    if mixed.order and event in ("paid", "insurance_failed_after_cash"):
        pay(mixed.order)
    mixed.happen(event)
    if event != "paid":
        return False
    mixed.paid_at = clock.now()
    medical.tell_paid(mixed)
    return True


def _bureau(mixed: MixedOrder, event: str) -> tuple[bool, str, str]:
    """(settled, why not, what the bureau passed through as JSON)"""
    asked = mixed.asked
    if payer.elsewhere(asked["pay_order_id"]):
        said = {"payOrdId": asked["pay_order_id"], "medOrgOrd": asked["serial_no"]}
        return (
            (False, BUREAU_FAILED, "")
            if event.startswith("insurance_failed")
            else (True, "", wire.compact(said).decode())
        )
    fees = {name: asked[field] for name, field in INSURANCE_FEES.items()}
    done = current_app.extensions["settle"](
        pay_order_id=asked["pay_order_id"],
        pay_auth_no=asked["pay_auth_no"],
        cash_fee=asked["med_ins_cash_fee"],
        outcome=event,
        **fees,
    )
    passed = wire.compact(done.get("passthrough") or {}).decode()
    return bool(done.get("ok")), str(done.get("reason") or BUREAU_FAILED)[:200], passed if done.get("ok") else ""

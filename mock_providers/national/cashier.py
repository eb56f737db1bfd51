"""The national app's own cashier (SIM: none of the real one is public), a page or a tap of the phone.

It takes an order the payment centre has worked out (6202): the insurance part from the bureau, the cash part from
the user's own means, both at once. There is no other order behind it, and 6302 tells the institution of both.
"""

from flask import Blueprint, render_template, request

from mock_providers import journal, outcomes, switches
from mock_providers.db import db
from mock_providers.national import authorisation, channel
from mock_providers.national.payment_models import PayOrder
from mock_providers.national.payment_rules import NEXT, SAVED
from mock_providers.people import world

TARGET = "national.cashier"
ENDS = {
    "paid": "支付成功",
    "insurance_failed": "医保结算失败",
    "cash_failed": "现金支付失败",
    "abandoned": "放弃支付",
}
bp = Blueprint("national_cashier", __name__, template_folder="templates")
outcomes.declare(TARGET, *ENDS)
switches.declare(
    "national.cashier_cash",
    "allowed",
    ("allowed", "refused"),
    kind="choice",
    source="SIM",
    why="whether the national app's cashier takes the cash part of an order too, or only orders without one",
)


def unpayable(order: PayOrder | None) -> str:
    """Why the cashier does not take this order; "" if it does."""
    if order is None or order.ord_stas == SAVED or (order.ord_stas, "taken") not in NEXT:
        return "订单不存在、已支付或已关闭"
    granted = authorisation.authorisation(order.pay_auth_no)
    if granted is None or granted.channel != authorisation.NATIONAL:
        return "该订单须在原渠道支付"
    if order.cash_fen and switches.value("national.cashier_cash") == "refused":
        return "该订单含现金部分,请到窗口支付"
    return ""


def possible(order: PayOrder) -> list[str]:
    """How a tap can end: nothing fails that there is not."""
    return [end for end in ENDS if end != "cash_failed" or order.cash_fen]


def planned(order: PayOrder) -> str:
    """How it ends where nobody at the phone says: as somebody asked for beforehand, else paid."""
    numbers = (order.pay_ord_id, order.med_org_ord)
    return outcomes.take(TARGET, order.payer, *numbers, among=possible(order)) or "paid"


def pay(order: PayOrder, end: str) -> str:
    """The user pays, or does not; why the bureau did not book it, or "". The caller commits."""
    journal.explain(cashier=end)
    if end == "abandoned":
        return ""
    done = channel.settle_for_channel(
        pay_order_id=order.pay_ord_id,
        pay_auth_no=order.pay_auth_no,
        gov_fee=order.fund_fen,
        self_fee=order.account_fen,
        other_fee=0,
        cash_fee=order.cash_fen,
        outcome=end,
    )
    return str(done["reason"])


@bp.get("/cashier/<pay_ord_id>")
def page(pay_ord_id: str) -> tuple[str, int]:
    """What the user sees. Headless: POST /_mock/phone/national/pay."""
    order = channel.find(pay_ord_id)
    problem = unpayable(order)
    return _shown(order, problem), 404 if problem else 200


@bp.post("/cashier/<pay_ord_id>")
def tapped(pay_ord_id: str) -> tuple[str, int]:
    """The page's button."""
    order, end = channel.find(pay_ord_id), request.form.get("outcome", "")
    problem = unpayable(order)
    if order is None or problem or end not in possible(order):
        return _shown(order, problem or "请选择支付结果"), 400
    reason = pay(order, end)
    db.session.commit()
    return _shown(order, reason, ENDS[end]), 200


def _shown(order: PayOrder | None, problem: str = "", end: str = "") -> str:
    amounts = channel.amounts_of(order) if order else {}
    place = world().institutions[order.org_codg] if order else None
    ends = {name: ENDS[name] for name in possible(order)} if order else {}
    about = {"order": order, "amounts": amounts, "place": place}
    return render_template("national_cashier.html", **about, problem=problem, end=end, ends=ends)

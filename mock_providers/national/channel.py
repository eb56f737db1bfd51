"""The channel's side of an order: may it be taken, settle it, and tell the institution (6302)."""

from typing import Any

from sqlalchemy import select

from mock_providers import accounts, clock, journal, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.national import amounts, authorisation, ledger
from mock_providers.national import payment_rules as rules
from mock_providers.national import purchase as purchases
from mock_providers.national.models import Settlement
from mock_providers.national.payment_models import PayOrder
from mock_providers.national.texts import TEXTS, Refused
from mock_providers.people import world
from mock_providers.webhooks.models import emit

PAYMENT_SUCCEEDED = "02"
LOST, CASH_STUCK = "exception", "cash_reversal_failed"
SETTLE_OUTCOMES = {
    "refuse": "SIM-REFUSED",
    "system_error": "SIM-SYSTEM",
    "account_locked": "SIM-BUSY",
    "cap_changed": "SIM-CAP",
    "mutual_aid_paused": "SIM-AIDPAUSED",
    LOST: "SIM-SYSTEM",
    CASH_STUCK: "SIM-REFUSED",
}
ODD_NAMES = {"setl_time": "setltime", "fulamt_ownpay_amt": "fulAmtOwnpayAmt"}

outcomes.declare("national.settle", *SETTLE_OUTCOMES)
switches.declare(
    "national.notice_form",
    "envelope",
    ("envelope", "plain"),
    kind="choice",
    source="nhsa §3.8",
    why="Hainan's institutions received 6302 as plain JSON, other regions wrap it in the encrypted message",
)
switches.declare(
    "national.notice_cash_field",
    "both",
    ("both", "ownpayAmt", "ownPayAmt"),
    kind="choice",
    source="nhsa §3.8",
    why="6302 writes the cash share ownpayAmt in one source and ownPayAmt in another",
)
switches.declare(
    "national.6301_early_money",
    "told",
    ("told", "absent"),
    kind="choice",
    source="nhsa §3.6",
    why="in states 0-2 the money fields may be missing; here 6301 tells them once 6202 worked them out, or later",
)


def amounts_of(order: PayOrder) -> dict[str, str]:
    """The amounts of 6202, 6301 and 6302, as text with two decimals. They add up.

    psnAcctPay is own account and mutual aid together, whatever acct_mulaid_mode says of acct_pay: they are its parts.
    """
    assert order.fee_fen == order.cash_fen + order.account_fen + order.fund_fen
    fen = {
        "feeSumamt": order.fee_fen,
        "ownPayAmt": order.cash_fen,
        "psnAcctPay": order.account_fen,
        "fundPay": order.fund_fen,
        "selfAcctPay": order.own_fen + order.wallet_fen,
        "acctMulaidPay": order.mutual_fen,
    }
    return {name: str(amounts.yuan(value)) for name, value in fen.items()}


def parts_of(order: PayOrder) -> rules.Parts:
    return rules.Parts(order.account_fen, order.fund_fen, order.cash_fen)


def purchase_of(order: PayOrder) -> purchases.Purchase:
    """The bill as the ledger reads it."""
    return purchases.read(order.person, order.org_codg, order.head, order.lines)


def message_id(org_codg: str) -> str:
    """The platform's own 30-character id of a settlement made for an institution."""
    return f"{org_codg}{clock.now():%Y%m%d%H%M%S}{serials.number('centre_msgid') % 10_000:04d}"


def find(pay_order_id: str) -> PayOrder | None:
    return db.session.scalar(select(PayOrder).where(PayOrder.pay_ord_id == pay_order_id))


def _differs(order: PayOrder, gov: int, own: int, other: int, cash: int) -> bool:
    return (gov, own, other, cash) != (order.fund_fen, order.account_fen, 0, order.cash_fen)


def check_authorisation(
    pay_auth_no: str, pay_order_id: str = "", amounts: dict[str, int] | None = None
) -> dict[str, Any]:
    """What a channel asks when it is given an order: is the number good, for this order, with these sums (fen)?

    Who pays for whom; or `refused`: unknown (no such number), number (run out, or another order's), order (it
    cannot be paid, or not with these sums; the journal says which). A good order now waits for its payment (2).
    """
    row = authorisation.authorisation(pay_auth_no)
    if row is None:
        journal.explain(bureau="there is no such payment number")
        return {"refused": "unknown"}
    if not authorisation.is_usable(row, pay_order_id or row.used_by):
        journal.explain(bureau="the payment number has run out, or is another order's")
        return {"refused": "number"}
    if pay_order_id and (why_not := _take(pay_order_id, amounts)):
        journal.explain(bureau=why_not)
        return {"refused": "order"}
    patient = world().people[row.patient]
    return {
        "payer": row.payer,
        "patient": row.patient,
        "family": row.payer != row.patient,
        "id_number": patient.id_number,
        "name": patient.name,
    }


def _take(pay_order_id: str, said: dict[str, int] | None) -> str:
    order = find(pay_order_id)
    if order is None or (order.ord_stas, "taken") not in rules.NEXT:
        return "there is no such order, or it cannot be paid now"
    fees = [(said or {}).get(name, 0) for name in ("gov_fee", "self_fee", "other_fee", "cash_fee")]
    if said is not None and _differs(order, *fees):
        return "the sums are not those of 6202"
    order.ord_stas = rules.move(order.ord_stas, "taken")
    return ""


def settle_for_channel(
    *,
    pay_order_id: str,
    pay_auth_no: str,
    gov_fee: int,
    self_fee: int,
    other_fee: int,
    cash_fee: int,
    outcome: str = "",
) -> dict[str, Any]:
    """The user confirmed in the channel: debit the accounts and tell the institution, in the caller's transaction.

    `cash_fee` is 6202's cash share, which the channel collects. `outcome` is the phone's: `insurance_failed…` is
    refused, `cash_failed` books the insurance part alone (ordStas 4). `reason` says in the platform's words why not.
    """
    order = find(pay_order_id)
    if order is None or (order.ord_stas, "taken") not in rules.NEXT:
        return _no(None, "ORDER-STATE" if order else "SIM-ORDER")
    order.ord_stas = rules.move(order.ord_stas, "taken")
    if order.pay_auth_no != pay_auth_no:
        return _no(order, "PAYAUTH")
    if _differs(order, gov_fee, self_fee, other_fee, cash_fee):
        return _no(order, "CASH-DIFFERS" if cash_fee != order.cash_fen else "QUOTE_DIFFERS")
    asked = outcomes.take("national.settle", order.person, order.med_org_ord)
    if asked or outcome.startswith("insurance_failed"):
        return _no(order, SETTLE_OUTCOMES[asked or "refuse"], event=_end(order, asked, outcome))
    try:
        legs = (order.fund_fen, order.own_fen, order.mutual_fen, order.cash_fen)
        msgid = message_id(order.org_codg)
        made = ledger.commit_settlement(purchase_of(order), msgid, legs, order.mdtrt_id)
    except Refused as error:
        return _no(order, error.key, error.text)
    _finish(order, made, cash_paid=outcome != "cash_failed")
    return {"ok": True, "reason": "", "passthrough": _passthrough(order)}


def _end(order: PayOrder, asked: str | None, outcome: str) -> str:
    """How an order ends that the insurance does not pay: cash that came first goes back, or is stuck."""
    if asked == LOST:
        return "lost"
    if outcome == "insurance_failed_after_cash" and order.cash_fen:
        order.ord_stas = rules.move(order.ord_stas, "cash_paid")
        return "cash_stuck" if asked == CASH_STUCK else "failed"
    return "failed"


def _no(order: PayOrder | None, key: str, text: str = "", event: str = "failed") -> dict[str, Any]:
    if order:
        order.ord_stas = rules.move(order.ord_stas, event)
    reason = text or TEXTS[key].format(name="支付")
    return {"ok": False, "reason": reason, "passthrough": _passthrough(order) if order else {}}


def _passthrough(order: PayOrder) -> dict[str, Any]:
    """What the channel hands on to the merchant as the bureau said it."""
    said = {"payOrdId": order.pay_ord_id, "medOrgOrd": order.med_org_ord, "ordStas": str(order.ord_stas)}
    known = ("hiDocSn", "hiRgstSn", "hiChrgTime", "setlType")
    return {**said, "setlId": order.setl_id, **{k: order.settled.get(k, "") for k in known}}


def _finish(order: PayOrder, made: Settlement, cash_paid: bool) -> None:
    """Book the settlement on the order, walk its states, and emit the notice."""
    events = ["cash_paid"] if order.cash_fen and cash_paid else []
    events += ["insurance_paid", "booked", "completed"] if cash_paid else ["insurance_paid"]
    for event in events:
        order.ord_stas = rules.move(order.ord_stas, event)
    order.setl_id = made.setl_id
    order.settled = {
        "callType": PAYMENT_SUCCEEDED,
        "traceTime": f"{clock.now():%Y%m%d%H%M%S}",
        "hiChrgTime": f"{made.at:%Y%m%d%H%M%S}",
        "hiDocSn": made.setl_id,
        "hiRgstSn": made.mdtrt_id,
        "setlType": "ALL" if order.cash_fen and cash_paid else "HI",
        "revsToken": serials.fresh_hex("revsToken", 32),
        "ecCode": "424" + serials.fresh_digits("ecCode", 25),
        "extData": _details(made),
    }
    _emit(order)


def _details(made: Settlement) -> dict[str, Any]:
    """setlinfo and setldetail under the names the notice uses."""
    info = {_camel(k): _said(v) for k, v in made.setlinfo.items()}
    info["psnPay"] = info.get("psnPartAmt", "")
    rows = [{k.replace("_", ""): _said(v) for k, v in row.items()} for row in made.detail.get("setldetail", [])]
    return {"setlinfo": [info], "setldetail": rows}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return ODD_NAMES.get(name) or head + "".join(part.title() for part in rest)


def _said(value: Any) -> Any:
    return value if value is None or isinstance(value, str | dict | list) else str(value)


def told(order: PayOrder) -> dict[str, Any]:
    """An order as 6301 and 6302 tell it."""
    place = world().institutions[order.org_codg]
    said = {"payOrdId": order.pay_ord_id, "ordStas": str(order.ord_stas), "medOrgOrd": order.med_org_ord}
    early = order.ord_stas < rules.CASH_PAID and switches.value("national.6301_early_money") == "absent"
    money = amounts_of(order) if order.preset and not early else {}
    return {**said, **money, **order.settled, "orgName": place.name, "orgCode": place.code}


def _emit(order: PayOrder) -> None:
    plain = told(order)
    cash, names = plain.pop("ownPayAmt"), ("ownpayAmt", "ownPayAmt")
    wanted = switches.value("national.notice_cash_field")
    plain.update({name: cash for name in names if wanted in ("both", name)})
    emit(
        "national",
        "6302",
        ref=order.med_org_ord,
        plain=plain,
        url=accounts.account("national")["mip"]["notify_url"],
        person=order.person,
        form=switches.value("national.notice_form"),
        user_id=switches.value("national.sm2_user_id"),
        timestamp=switches.value("national.centre_timestamp"),
    )

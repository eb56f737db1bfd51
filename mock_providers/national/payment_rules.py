"""Order states (ordStas, sheet §3.9) and what a refund may ask for. Pure: tables and integers."""

from dataclasses import dataclass

from mock_providers.national.texts import Refused

SAVED, PRESETTLED, SETTLING, CASH_PAID, INSURANCE_PAID, BOOKED, COMPLETE = range(7)
REFUNDED, INSURANCE_REFUNDED, CASH_REFUNDED, CASH_REFUNDED_PARTLY, INSURANCE_AND_SOME_CASH_REFUNDED = range(7, 12)
REVOKED, FAILED = 12, 15

NEXT = {
    (SAVED, "ordered"): PRESETTLED,
    (PRESETTLED, "ordered"): PRESETTLED,
    (PRESETTLED, "taken"): SETTLING,
    (SETTLING, "taken"): SETTLING,
    (SETTLING, "cash_paid"): CASH_PAID,
    (SETTLING, "insurance_paid"): INSURANCE_PAID,
    (CASH_PAID, "insurance_paid"): INSURANCE_PAID,
    (INSURANCE_PAID, "booked"): BOOKED,
    (INSURANCE_PAID, "insurance_refunded"): INSURANCE_REFUNDED,
    (BOOKED, "completed"): COMPLETE,
    (SETTLING, "failed"): FAILED,
    (SAVED, "revoked"): REVOKED,
    (PRESETTLED, "revoked"): REVOKED,
    (SETTLING, "revoked"): REVOKED,
    (REVOKED, "revoked"): REVOKED,
    (COMPLETE, "all_refunded"): REFUNDED,
    (COMPLETE, "insurance_refunded"): INSURANCE_REFUNDED,
    (COMPLETE, "cash_refunded"): CASH_REFUNDED,
    (COMPLETE, "cash_refunded_partly"): CASH_REFUNDED_PARTLY,
    (CASH_REFUNDED, "insurance_refunded"): REFUNDED,
    (CASH_REFUNDED_PARTLY, "insurance_refunded"): INSURANCE_AND_SOME_CASH_REFUNDED,
    (CASH_REFUNDED_PARTLY, "cash_refunded"): CASH_REFUNDED,
    (CASH_REFUNDED_PARTLY, "cash_refunded_partly"): CASH_REFUNDED_PARTLY,
    (INSURANCE_REFUNDED, "cash_refunded"): REFUNDED,
    (INSURANCE_REFUNDED, "cash_refunded_partly"): INSURANCE_AND_SOME_CASH_REFUNDED,
    (INSURANCE_AND_SOME_CASH_REFUNDED, "cash_refunded"): REFUNDED,
    (INSURANCE_AND_SOME_CASH_REFUNDED, "cash_refunded_partly"): INSURANCE_AND_SOME_CASH_REFUNDED,
}
WORDS = {"ordered": "支付下单", "taken": "支付", "revoked": "撤销"}


def move(state: int, event: str) -> int:
    """The state after an event. Raises Refused ORDER-STATE."""
    after = NEXT.get((state, event))
    if after is None:
        raise Refused("ORDER-STATE", name=WORDS.get(event, "退费"))
    return after


@dataclass(frozen=True)
class Parts:
    """psnAcct, fund and cash of a bill or a refund, in fen."""

    account_fen: int
    fund_fen: int
    cash_fen: int


def refund_event(kind: str, total_fen: int, asked: Parts, paid: Parts, cash_left_fen: int) -> str:
    """Which event a refund is (§3.5). Raises Refused: sums, parts above the original, parts of the insurance."""
    if total_fen != asked.account_fen + asked.fund_fen + asked.cash_fen:
        raise Refused("SIM-REFSUM")
    insurance, original = (asked.account_fen, asked.fund_fen), (paid.account_fen, paid.fund_fen)
    if any(a > b for a, b in zip(insurance, original, strict=True)) or asked.cash_fen > cash_left_fen:
        raise Refused("SIM-REFAMOUNT")
    if kind == "CASH":
        if any(insurance) or not asked.cash_fen:
            raise Refused("SIM-REFKIND")
        return "cash_refunded" if asked.cash_fen == cash_left_fen else "cash_refunded_partly"
    if insurance != original:
        raise Refused("SIM-REFPART")
    if kind == "HI":
        if asked.cash_fen:
            raise Refused("SIM-REFKIND")
        return "insurance_refunded"
    if asked.cash_fen != paid.cash_fen:
        raise Refused("SIM-REFPART")
    return "all_refunded"

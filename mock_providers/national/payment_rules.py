"""Order states (ordStas, sheet §3.9) and what a refund may ask for. Pure: tables and integers.

`…refunded` is what 6203 does; `reversed` is 6203 with revsToken (the institution could not book what the centre
settled), after which only the cash is left to go back. REFUNDING is a refund whose outcome is not known yet (EXP): it
ends when the same refund number is asked again.
"""

from dataclasses import dataclass

from mock_providers.national.texts import Refused

SAVED, PRESETTLED, SETTLING, CASH_PAID, INSURANCE_PAID, BOOKED, COMPLETE = range(7)
REFUNDED, INSURANCE_REFUNDED, CASH_REFUNDED, CASH_REFUNDED_PARTLY, INSURANCE_AND_SOME_CASH_REFUNDED = range(7, 12)
REVOKED, INSURANCE_REVOKED, EXCEPTION, FAILED, CASH_STUCK, REFUNDING = range(12, 18)

NEXT = {
    (SAVED, "ordered"): PRESETTLED,
    (PRESETTLED, "ordered"): PRESETTLED,
    (PRESETTLED, "taken"): SETTLING,
    (SETTLING, "taken"): SETTLING,
    (SETTLING, "cash_paid"): CASH_PAID,
    (SETTLING, "insurance_paid"): INSURANCE_PAID,
    (CASH_PAID, "insurance_paid"): INSURANCE_PAID,
    (INSURANCE_PAID, "booked"): BOOKED,
    (BOOKED, "completed"): COMPLETE,
    (SETTLING, "failed"): FAILED,
    (CASH_PAID, "failed"): FAILED,
    (CASH_PAID, "cash_stuck"): CASH_STUCK,
    (SETTLING, "lost"): EXCEPTION,
    (SAVED, "revoked"): REVOKED,
    (PRESETTLED, "revoked"): REVOKED,
    (SETTLING, "revoked"): REVOKED,
    (REVOKED, "revoked"): REVOKED,
    (INSURANCE_PAID, "insurance_refunded"): INSURANCE_REFUNDED,
    (INSURANCE_PAID, "reversed"): REVOKED,
    (COMPLETE, "reversed"): REVOKED,
    (COMPLETE, "reversed_without_cash"): INSURANCE_REVOKED,
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
    (INSURANCE_REVOKED, "cash_refunded"): REFUNDED,
    (INSURANCE_REVOKED, "cash_refunded_partly"): INSURANCE_AND_SOME_CASH_REFUNDED,
    (INSURANCE_AND_SOME_CASH_REFUNDED, "cash_refunded"): REFUNDED,
    (INSURANCE_AND_SOME_CASH_REFUNDED, "cash_refunded_partly"): INSURANCE_AND_SOME_CASH_REFUNDED,
}
WORDS = {"ordered": "支付下单", "taken": "支付", "revoked": "撤销"}
WORDS |= dict.fromkeys(("reversed", "reversed_without_cash"), "冲正")
KINDS = ("ALL", "CASH", "HI")


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

    @property
    def insurance(self) -> tuple[int, int]:
        return self.account_fen, self.fund_fen


def refund_event(kind: str, total_fen: int, asked: Parts, paid: Parts, cash_left_fen: int) -> str:
    """Which event a refund is (§3.5). Raises Refused: sums, parts above the original, parts of the insurance."""
    if total_fen != asked.account_fen + asked.fund_fen + asked.cash_fen:
        raise Refused("SIM-REFSUM")
    if any(a > b for a, b in zip(asked.insurance, paid.insurance, strict=True)) or asked.cash_fen > cash_left_fen:
        raise Refused("SIM-REFAMOUNT")
    if kind == "CASH":
        if any(asked.insurance) or not asked.cash_fen:
            raise Refused("SIM-REFKIND")
        return "cash_refunded" if asked.cash_fen == cash_left_fen else "cash_refunded_partly"
    if asked.insurance != paid.insurance:
        raise Refused("SIM-REFPART")
    if kind == "HI":
        if asked.cash_fen or not any(asked.insurance):
            raise Refused("SIM-REFKIND")
        return "insurance_refunded"
    if asked.cash_fen != paid.cash_fen:
        raise Refused("SIM-REFPART")
    return "all_refunded"


def reversal_event(state: int, cash_fen: int) -> str:
    """Which event the use of revsToken is: cash that was collected stays to be given back."""
    return "reversed_without_cash" if state == COMPLETE and cash_fen else "reversed"

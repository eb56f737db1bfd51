"""What is done when a leg is confirmed. Callbacks and the reconcile task come through the same functions.

Everything here happens in the caller's open transaction, on a row read fresh in it.
"""

from datetime import datetime
from typing import Any

from yibao import audit, clock, tasks
from yibao.errors import CATALOGUE
from yibao.providers import national
from yibao.providers.http import VendorRefused
from yibao.steps.settlement import rules
from yibao.steps.settlement.models import Settlement

RECONCILE = "settlement.reconcile"
QUOTE_ENDS = "settlement.quote_ends"
REFUND = "settlement.refund"
OURS = {
    "DECEASED": "PERSON_DECEASED",
    "UNKNOWN_INSTITUTION": "PH_NOT_DESIGNATED",
    "CONTRACT_SUSPENDED": "PH_CONTRACT_SUSPENDED",
}


def patient_of(row: Settlement) -> national.Person:
    """The patient in the bureau's terms, as they were when the quote was made."""
    scheme = national.Insurance(row.insutype, "", "", row.insured_in, 0)
    return national.Person(
        psn_no=row.psn_no,
        name=row.patient_name,
        id_type=row.patient_id_type,
        id_number=row.patient_id_number,
        gender="",
        born_on=None,
        insurances=(scheme,) if row.insutype else (),
    )


def bill_of(lines: list[dict[str, Any]], bill_no: str, prescription_no: str | None) -> list[national.Line]:
    """The lines for the bureau; serials are the bill's number and the line's place."""
    return [
        national.Line(
            serial=f"{bill_no[:24]}{place:03d}",
            list_code=line["med_list_codg"],
            own_code=line["code"],
            name=line["name"],
            quantity=line["quantity"],
            price_fen=line["price_fen"],
            prescription_no=(prescription_no or "") if line["prescribed"] else "",
            trace_codes=tuple(line["trace_codes"]),
        )
        for place, line in enumerate(lines, 1)
    ]


def split_of(found: national.Split) -> rules.Split:
    """The bureau's split as ours. Raises Refused SPLIT_MISMATCH."""
    return rules.split_of(
        found.total_fen, found.pooled_fen, found.own_fen + found.mutual_fen, found.mutual_fen, found.cash_fen
    )


def our_code(refused: VendorRefused, otherwise: str = "FUND_REFUSED") -> str:
    """A provider's refusal as a row of our catalogue."""
    code = OURS.get(refused.code, refused.code)
    return code if code in CATALOGUE else otherwise


def fund_confirmed(row: Settlement) -> None:
    """The bureau booked its part (6302, or 6301 says so)."""
    if row.fund_paid_at is None:
        row.fund_paid_at = clock.now()
        _go_on(row, "fund")


def order_confirmed(row: Settlement, order: national.OrderState) -> None:
    """The bureau says its order is paid; in the national app that may include the cash."""
    fund_confirmed(row)
    if row.is_national and row.cash_fen and rules.cash_at_centre(order.status) == "paid":
        cash_confirmed(row, "")


def cash_confirmed(row: Settlement, transaction_id: str) -> None:
    """The cash is paid (TRANSACTION.SUCCESS, or the order query says so; in the national app the bureau's order)."""
    if row.cash_paid_at is None:
        row.cash_paid_at, row.transaction_id = clock.now(), transaction_id
        _go_on(row, "cash")


def mixed_confirmed(row: Settlement, mix_trade_no: str) -> None:
    """The mixed order is paid in all its parts (MEDICAL_INSURANCE.SUCCESS, or its query says so)."""
    row.mix_trade_no = row.mix_trade_no or mix_trade_no
    if row.mixed_at is None:
        row.mixed_at = clock.now()
        _go_on(row, "mixed")


def _go_on(row: Settlement, leg: str) -> None:
    """Take every edge the confirmed legs allow."""
    if row.state in rules.IN_RECORDS:
        return
    if row.state not in rules.PAYING:
        audit.alarm("settlement", row.number, "paid_after_the_end", leg=leg, state=row.state)
        return
    if row.fund_paid_at is not None and rules.may(row.state, "fund_paid"):
        row.move("fund_paid", "V")
    if not row.wants_fund and row.cash_paid_at is not None and rules.may(row.state, "ordered_for_cash"):
        row.move("ordered_for_cash", "V")
    settle_if_paid(row)


def settle_if_paid(row: Settlement) -> None:
    """SETTLED when every leg that applies is confirmed, CASH_WAIT while only the cash is missing."""
    if row.all_paid and rules.may(row.state, "all_paid"):
        row.move("all_paid", "V")
        row.settled_at, row.closing, row.failure = clock.now(), "", ""
        tasks.drop(RECONCILE, row.number)
    elif row.state == "FUND_PAID" and row.cash_fen and row.cash_paid_at is None:
        row.move("cash_due")


def ask_again(row: Settlement, at: datetime) -> None:
    """Plan the next question about this settlement."""
    tasks.at(at, RECONCILE, row.number)

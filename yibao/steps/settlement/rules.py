"""Pharmacy settlement and refund (domain sheet §6.6, §6.7) as tables and pure functions.

Rules of the file: no I/O, no clock. Money is whole fen; the five parts of a split always make up its total.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from yibao.errors import Refused

INSURABLE = frozenset({"drug", "device", "consumable"})
TRACE_CODE = re.compile(r"[0-9]{20}")
# When a leg did not answer, and when no callback came: how long until the next question.
ASK_UNKNOWN = tuple(timedelta(seconds=s) for s in (3, 10, 60, 600))
ASK_WAITING = tuple(timedelta(seconds=s) for s in (30, 60, 180, 300, 600, 1800))
RETRY_REFUND = tuple(timedelta(seconds=s) for s in (30, 60, 300, 600, 1800, 3600))

NEXT = {
    ("CART", "identified"): "IDENTIFIED",
    ("IDENTIFIED", "prescription_loaded"): "RX_OK",
    ("IDENTIFIED", "no_prescription_needed"): "NO_RX",
    ("RX_OK", "lines_checked"): "PRESETTLED",
    ("NO_RX", "lines_checked"): "PRESETTLED",
    ("PRESETTLED", "quoted"): "CONFIRM_WAIT",
    ("CONFIRM_WAIT", "quote_expired"): "EXPIRED",
    ("CONFIRM_WAIT", "cancelled"): "CANCELLED",
    ("CONFIRM_WAIT", "authorised"): "AUTH_OK",
    ("AUTH_OK", "amounts_changed"): "CONFIRM_WAIT",
    ("AUTH_OK", "try_again"): "CONFIRM_WAIT",
    ("AUTH_OK", "ordered"): "FUND_PAYING",
    ("AUTH_OK", "ordered_for_cash"): "CASH_WAIT",
    ("FUND_PAID", "cash_due"): "CASH_WAIT",
    ("FUND_PAID", "all_paid"): "SETTLED",
    ("CASH_WAIT", "all_paid"): "SETTLED",
    ("UNKNOWN", "resumed"): "AUTH_OK",
    ("UNKNOWN", "ordered"): "FUND_PAYING",
    ("UNKNOWN", "ordered_for_cash"): "CASH_WAIT",
    **{(state, "no_answer"): "UNKNOWN" for state in ("AUTH_OK", "FUND_PAYING", "CASH_WAIT")},
    **{(state, "fund_paid"): "FUND_PAID" for state in ("AUTH_OK", "FUND_PAYING", "UNKNOWN")},
    **{
        (state, event): to
        for state in ("AUTH_OK", "FUND_PAYING", "FUND_PAID", "CASH_WAIT", "UNKNOWN")
        for event, to in (
            ("pay_expired", "EXPIRED"),
            ("closed", "CANCELLED"),
            ("pay_refused", "REJECTED"),
            ("reversing", "REVERSING"),
        )
    },
    ("REVERSING", "money_back"): "REVERSED",
    ("SETTLED", "refund_requested"): "REFUND_REQUESTED",
    ("REFUND_REQUESTED", "refund_checked"): "REFUND_CHECKED",
    ("REFUND_CHECKED", "fund_returned"): "FUND_RETURNED",
    ("REFUND_CHECKED", "refund_denied"): "REFUND_DENIED",
    ("REFUND_DENIED", "refund_requested"): "REFUND_REQUESTED",
    ("FUND_RETURNED", "cash_returned"): "CASH_RETURNED",
    ("CASH_RETURNED", "refunded"): "REFUNDED",
}
OPEN = frozenset({"CONFIRM_WAIT", "AUTH_OK", "FUND_PAYING", "FUND_PAID", "CASH_WAIT", "UNKNOWN", "REVERSING"})
PAYING = frozenset({"AUTH_OK", "FUND_PAYING", "FUND_PAID", "CASH_WAIT", "UNKNOWN"})
REFUNDING = frozenset({"REFUND_REQUESTED", "REFUND_CHECKED", "FUND_RETURNED", "CASH_RETURNED"})
PAID = frozenset({"SETTLED", "REFUND_DENIED"}) | REFUNDING
IN_RECORDS = PAID | {"REFUNDED"}


def move(state: str, event: str) -> str:
    """The state after an event. Raises Refused STATE_CONFLICT for an event that cannot happen now."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise Refused("STATE_CONFLICT", f"{event} is not possible in state {state}") from None


def may(state: str, event: str) -> bool:
    """Whether the table has an edge for this event."""
    return (state, event) in NEXT


# ---- the split


@dataclass(frozen=True)
class Split:
    """Who pays what. `pooled + own + mutual + wallet + cash = total`, none below zero: held on construction."""

    total_fen: int
    pooled_fen: int
    own_fen: int
    mutual_fen: int
    wallet_fen: int
    cash_fen: int

    def __post_init__(self) -> None:
        parts = (self.pooled_fen, self.own_fen, self.mutual_fen, self.wallet_fen, self.cash_fen)
        if min(parts) < 0 or sum(parts) != self.total_fen:
            raise Refused("SPLIT_MISMATCH", f"parts {parts} do not make up {self.total_fen} fen")

    @property
    def account_fen(self) -> int:
        """What personal accounts pay: WeChat's `med_ins_self_fee`, the bureau's psnAcctPay."""
        return self.own_fen + self.mutual_fen + self.wallet_fen

    @property
    def insured_fen(self) -> int:
        """Everything but cash."""
        return self.pooled_fen + self.account_fen

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def split_of(total_fen: int, fund_fen: int, account_fen: int, mutual_fen: int, cash_fen: int) -> Split:
    """The bureau's numbers as our five parts; its account sum includes mutual aid (nhsa.md §2.5, identity 6)."""
    return Split(total_fen, fund_fen, account_fen - mutual_fen, mutual_fen, 0, cash_fen)


def mix_pay_type(split: Split) -> str:
    """Which kind of WeChat mixed order this is."""
    if split.insured_fen == 0:
        return "CASH_ONLY"
    return "CASH_AND_INSURANCE" if split.cash_fen else "INSURANCE_ONLY"


def why_changed(quoted: Split, ordered: Split) -> str:
    """The refusal for a split that is no longer the quoted one."""
    return "FUND_CAP" if ordered.pooled_fen < quoted.pooled_fen else "BALANCE_CHANGED"


# ---- the cart


@dataclass(frozen=True)
class Item:
    """What a pharmacy sells, by its own price list. `trace`: the pack carries a 药品追溯码."""

    code: str
    med_list_codg: str
    name: str
    spec: str
    kind: str
    price_fen: int
    prescription: bool
    trace: bool
    dual_channel: bool = False
    no_code_listed: bool = False


@dataclass(frozen=True)
class Line:
    item: Item
    quantity: int
    trace_codes: tuple[str, ...] = ()

    @property
    def total_fen(self) -> int:
        return self.item.price_fen * self.quantity


def lines_of(wanted: Sequence[Mapping], shelf: Mapping[str, Item], most: int) -> list[Line]:
    """The cart as lines. Raises Refused ITEM_UNKNOWN, QTY_LIMIT, ITEM_FORBIDDEN."""
    lines = []
    for row in wanted:
        item = shelf.get(row["code"])
        if item is None:
            raise Refused("ITEM_UNKNOWN", fields={"items": [f"unknown item {row['code'][:40]}"]})
        if not 1 <= row["quantity"] <= most:
            raise Refused("QTY_LIMIT", f"{item.code}: 1 to {most}")
        if item.kind not in INSURABLE:
            raise Refused("ITEM_FORBIDDEN", f"{item.code} {item.name}")
        lines.append(Line(item, row["quantity"], tuple(row.get("trace_codes") or ())))
    if len({line.item.code for line in lines}) != len(lines):
        raise Refused("QTY_LIMIT", "an item is listed twice; add up its quantity")
    return lines


def check_traces(lines: Iterable[Line], required: bool) -> None:
    """One 20-digit code per pack of a drug. Raises Refused TRACE_MISSING, or TRACE_USED for one given twice."""
    seen: set[str] = set()
    for line in lines:
        for code in line.trace_codes:
            if not TRACE_CODE.fullmatch(code):
                raise Refused("TRACE_MISSING", f"{line.item.code}: a trace code has 20 digits")
            if code in seen:
                raise Refused("TRACE_USED", f"{line.item.code}: the same pack twice")
            seen.add(code)
        needed = required and line.item.kind == "drug" and not line.item.no_code_listed
        if needed and (not line.item.trace or len(line.trace_codes) != line.quantity):
            raise Refused("TRACE_MISSING", f"{line.item.code}: {line.quantity} trace codes are needed")


# ---- the prescription


@dataclass(frozen=True)
class Prescription:
    """What the prescription centre says. `items`: shelf code → packs prescribed."""

    number: str
    psn_no: str
    id_number: str
    state: str  # VALID, EXPIRED, REVOKED
    used: bool
    electronic: bool
    valid_until: datetime | None
    items: Mapping[str, int]
    issued_by: str = ""


def needs_prescription(lines: Iterable[Line]) -> bool:
    """Whether a line is a prescription drug."""
    return any(line.item.prescription for line in lines)


def check_prescription(rx: Prescription, id_number: str, lines: Sequence[Line], now: datetime) -> None:
    """Raises Refused RX_PATIENT_MISMATCH, RX_REVOKED, RX_USED, RX_EXPIRED, RX_PAPER_NOT_ALLOWED, RX_ITEM_MISMATCH."""
    if rx.id_number.upper() != id_number.upper():
        raise Refused("RX_PATIENT_MISMATCH")
    if rx.state == "REVOKED":
        raise Refused("RX_REVOKED")
    if rx.used:
        raise Refused("RX_USED")
    if rx.state == "EXPIRED" or (rx.valid_until is not None and now > rx.valid_until):
        raise Refused("RX_EXPIRED")
    for line in lines:
        if line.item.dual_channel and not rx.electronic:
            raise Refused("RX_PAPER_NOT_ALLOWED", line.item.name)
        prescribed = rx.items.get(line.item.code, 0)
        if (line.item.prescription or prescribed) and line.quantity > prescribed:
            raise Refused("RX_ITEM_MISMATCH", f"{line.item.code} × {line.quantity}")


# ---- what the legs say


@dataclass(frozen=True)
class Facts:
    """What each leg is known to be.

    fund: none, open, paid, failed, undone. cash: none, open, paid, closed, refunded. mixed: the end of WeChat's
    mix_pay_status, or "". `none` means there is no such leg, or nothing of it at the provider yet.
    why: the catalogue code for the bureau's reason, if it gave a known one.
    """

    fund: str
    cash: str
    mixed: str = ""
    why: str = ""


FUND_STATES = {
    **dict.fromkeys(("0", "1", "2", "3"), "open"),
    **dict.fromkeys(("4", "5", "6"), "paid"),
    **dict.fromkeys(("7", "8", "9", "10", "11", "12", "13", "17"), "undone"),
    **dict.fromkeys(("14", "15", "16"), "failed"),
}
CASH_STATES = {"NOTPAY": "open", "USERPAYING": "open", "SUCCESS": "paid", "CLOSED": "closed", "REFUND": "refunded"}


def cash_at_centre(status: str) -> str:
    """The cash part of an order of the national cashier, by the bureau's ordStas: 3 cash paid, 4 insurance only."""
    if status in ("3", "5", "6"):
        return "paid"
    return "closed" if FUND_STATES.get(status) in ("undone", "failed") else "open"


def judge(split: Split, facts: Facts, late: bool) -> str:
    """What to do about a settlement whose legs were asked for: settle, wait, close, reject or reverse.

    Before the deadline only a leg that failed for good ends it. A mixed order that failed while a leg was paid
    is reversed; after the deadline whatever was not paid in full is closed, or reversed when a part was paid.
    """
    fund_paid, cash_paid = facts.fund == "paid", facts.cash == "paid"
    wants_fund, wants_cash = split.insured_fen > 0, split.cash_fen > 0
    failed = facts.mixed == "FAIL" or facts.fund == "failed"
    shut = facts.fund == "undone" or (wants_cash and facts.cash == "closed")
    if (fund_paid or not wants_fund) and (cash_paid or not wants_cash) and not failed:
        return "settle"
    if fund_paid or cash_paid:
        return "reverse" if failed or shut or late else "wait"
    if failed:
        return "reject"
    return "close" if shut or late else "wait"


def failure_of(facts: Facts) -> str:
    """The catalogue code that tells the citizen why it did not end in SETTLED."""
    if facts.fund == "paid" and facts.cash != "paid":
        return "CASH_FAIL"
    if facts.fund == "none" and facts.mixed == "FAIL":
        return "CASH_FAIL"
    if "paid" in (facts.fund, facts.cash) or facts.fund == "failed" or facts.mixed == "FAIL":
        return facts.why or "FUND_REFUSED"
    return "PAY_EXPIRED"


def pause(steps: Sequence[timedelta], tries: int) -> timedelta:
    """How long to wait before try number `tries` (0 is the first); the last pause repeats."""
    return steps[min(tries, len(steps) - 1)]


def three_states(
    split: Split, *, fund_paid: bool, cash_paid: bool, fund_back: bool, cash_back: bool, failed: bool
) -> dict[str, str]:
    """The insurance, cash and mixed states as WeChat keeps them apart (§3.8)."""

    def leg(applies: bool, paid: bool, back: bool) -> str:
        if not applies:
            return "NONE"
        return "REFUND" if back else "SUCCESS" if paid else "FAIL" if failed else "CREATED"

    med = leg(split.insured_fen > 0, fund_paid, fund_back)
    cash = leg(split.cash_fen > 0, cash_paid, cash_back)
    legs = {med, cash} - {"NONE"} or {"SUCCESS"}
    mixed = legs.pop() if len(legs) == 1 else "FAIL" if failed else "SUCCESS" if "CREATED" not in legs else "CREATED"
    return {"med_ins_pay_status": med, "self_pay_status": cash, "mix_pay_status": mixed}


# ---- refund

REASONS = frozenset({"quality", "wrong_item", "recall"})


def check_refund(state: str, reason: str, unopened: bool, window_only: bool, too_late: bool) -> None:
    """Raises Refused STATE_CONFLICT, REFUND_DUPLICATE, REFUND_WINDOW_ONLY, REFUND_NOT_ALLOWED.

    Online, whole and soon after the sale; goods only go back unopened and for a fault of theirs (§6.7).
    """
    if state in REFUNDING or state == "REFUNDED":
        raise Refused("REFUND_DUPLICATE")
    if not may(state, "refund_requested"):
        raise Refused("STATE_CONFLICT", f"nothing to refund in state {state}")
    if window_only:
        raise Refused("REFUND_WINDOW_ONLY")
    if reason not in REASONS or not unopened:
        raise Refused("REFUND_NOT_ALLOWED", "only unopened goods with a fault of their own go back")
    if too_late:
        raise Refused("REFUND_NOT_ALLOWED", "the time for refunds without a clerk is over")


def refund_kind(split: Split, fund_fen: int, cash_fen: int) -> str:
    """6203's refdType for what goes back of an order."""
    if split.insured_fen and not fund_fen:
        return "CASH"
    return "ALL" if cash_fen == split.cash_fen else "HI"


def check_refund_amount(split: Split, amount_fen: int | None) -> None:
    """Whole orders only. Raises Refused REFUND_AMOUNT."""
    if amount_fen is not None and amount_fen != split.total_fen:
        raise Refused("REFUND_AMOUNT", f"{split.total_fen} fen are left of this order")


def check_refund_sum(total_fen: int, gov_fen: int, self_fen: int, other_fen: int) -> None:
    """WeChat's identity for the insurance part. Raises Refused REFUND_SUM."""
    if total_fen != gov_fen + self_fen + other_fen:
        raise Refused("REFUND_SUM")

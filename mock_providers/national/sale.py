"""What may be sold where against the insurance: institutions, kinds of goods, prescriptions, trace codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from sqlalchemy import select

from mock_providers import switches
from mock_providers.db import db
from mock_providers.national import benefit, prescriptions
from mock_providers.national.models import TraceCode
from mock_providers.national.person import Standing, beginning
from mock_providers.national.policy import MODES, Policy
from mock_providers.national.prescriptions import Prescription
from mock_providers.national.purchase import Purchase, PurchaseLine
from mock_providers.national.texts import Refused
from mock_providers.people import Institution, world

PAYABLE = ("drug", "device", "consumable")
NOT_YET = {prescriptions.WAITING: "SIM-RXWAIT", prescriptions.REJECTED: "SIM-RXAUDIT"}
switches.declare(
    "national.pharmacy_pooled_mode",
    "policy",
    ("policy", *MODES),
    kind="choice",
    source="domain §3.6 [UNCERTAIN]",
    why="whether the pooled fund pays at a pharmacy: never, with a prescription, always; policy: as its file says",
)
switches.declare(
    "national.trace_code_policy",
    "required",
    ("required", "off"),
    kind="choice",
    source="nhsa §2.5, §A; domain AX-09",
    why="drugtracinfo inside drugdetail is a SIM field: one code per pack from the policy's date, or never asked for",
)
switches.declare(
    "national.rxno_check",
    "centre",
    ("centre", "form"),
    kind="choice",
    source="nhsa §2.5, §6 SIM-RX",
    why="rxno must be a prescription of the prescription centre, for this person and these goods; or any text",
)


@dataclass(frozen=True)
class Sale:
    """A checked purchase, ready for the arithmetic."""

    level: int
    lines: tuple[benefit.Line, ...]


def place(code: str) -> Institution:
    """A designated institution whose contract runs. Raises Refused."""
    found = world().institutions.get(code)
    if found is None:
        raise Refused("SIM-INST")
    if "not_designated" in found.flags:
        raise Refused("SIM-NOTDESIGNATED")
    if "contract_suspended" in found.flags:
        raise Refused("SIM-SUSPENDED")
    return found


def check(purchase: Purchase, where: Institution, patient: Standing, rules: Policy) -> Sale:
    """Hold every line against the rules of sale. Raises Refused."""
    for line in purchase.lines:
        if line.item.kind not in PAYABLE:
            raise Refused("SIM-FORBIDDEN", name=line.item.name)
    is_pharmacy = where.kind == "pharmacy"
    found = _prescriptions(purchase, rules, is_pharmacy)
    if is_pharmacy:
        _check_trace_codes(purchase, rules)
    prescribers = {rxno: world().institutions[rx.institution] for rxno, rx in found.items()}
    mode = _mode(patient, rules)
    return Sale(
        level=_level(where, prescribers, rules),
        lines=tuple(_line(line, _is_pooled(line, where, prescribers, mode)) for line in purchase.lines),
    )


def _line(line: PurchaseLine, pooled: bool) -> benefit.Line:
    item = line.item
    return benefit.Line(
        line.quantity, line.unit_price_fen, item.level, item.first_pay_bp, item.price_limit_fen, pooled
    )


def _level(where: Institution, prescribers: Mapping[str, Institution], rules: Policy) -> int:
    """Whose terms count: a hospital's own; at a pharmacy the prescriber's (the highest, if there are several).

    A pharmacy with a level of its own settles on that level's terms.
    """
    if where.kind != "pharmacy" or where.level:
        return where.level
    if prescribers and rules.ratio_basis == "prescriber_tier":
        return max(place.level for place in prescribers.values())
    return rules.basis_level


def _mode(patient: Standing, rules: Policy) -> str:
    """When the pooled fund pays at a pharmacy: what was agreed for this person, else the switch, else the policy."""
    mode = patient.pharmacy_pooled or switches.value("national.pharmacy_pooled_mode")
    return rules.pooled_mode if mode == "policy" else mode


def _is_pooled(line: PurchaseLine, where: Institution, prescribers: Mapping[str, Institution], mode: str) -> bool:
    if not where.pooled or where.kind != "pharmacy":
        return where.pooled
    prescribed = bool(line.rxno) and (line.rxno not in prescribers or prescribers[line.rxno].pooled)
    return mode == "open" or (mode == "rx_only" and prescribed)


def _prescriptions(purchase: Purchase, rules: Policy, is_pharmacy: bool) -> dict[str, Prescription]:
    found: dict[str, Prescription] = {}
    for line in purchase.lines:
        if line.item.prescription and not line.rxno and is_pharmacy:
            raise Refused("SIM-RX")
        if line.rxno and line.rxno not in found and (rx := _prescription(line.rxno, purchase, is_pharmacy)):
            found[line.rxno] = rx
    for rxno, rx in found.items():
        _check_items(rxno, rx, purchase, rules)
    return found


def _prescription(rxno: str, purchase: Purchase, is_pharmacy: bool) -> Prescription | None:
    """What the centre knows under this number; None if nobody asks the centre. A hospital numbers its own."""
    rx = prescriptions.find(rxno)
    if rx is None:
        if not is_pharmacy or switches.value("national.rxno_check") == "form":
            return None
        raise Refused("SIM-NORX")
    if rx.person != purchase.person:
        raise Refused("SIM-RXPERSON")
    if prescriptions.is_used(rx):
        raise Refused("SIM-RXUSED")
    if rx.state != prescriptions.ISSUED or rx.valid_until < purchase.at:
        raise Refused(NOT_YET.get(rx.state, "SIM-RXSTATE"))
    return rx


def _check_items(rxno: str, rx: Prescription, purchase: Purchase, rules: Policy) -> None:
    bought: dict[str, int] = {}
    for line in purchase.lines:
        if line.rxno != rxno:
            continue
        bought[line.item.code] = bought.get(line.item.code, 0) + ceil(line.quantity)
        if line.item.dual_channel and not rx.electronic and purchase.at.date() >= rules.electronic_dual_channel_from:
            raise Refused("SIM-RXPAPER")
    if any(count > rx.items.get(code, 0) for code, count in bought.items()):
        raise Refused("SIM-RXITEM")


def _check_trace_codes(purchase: Purchase, rules: Policy) -> None:
    required = (
        switches.value("national.trace_code_policy") == "required"
        and purchase.at.date() >= rules.trace_code_required_from
    )
    shown = [code for line in purchase.lines for code in line.trace_codes]
    for line in purchase.lines:
        needs = required and line.item.kind == "drug" and not line.item.no_trace_code_register
        if needs and len(line.trace_codes) != ceil(line.quantity):
            raise Refused("SIM-TRAC")
        if line.trace_codes and line.item.code in beginning()["trace_codes"]["sold_items"]:
            raise Refused("SIM-TRACUSED")
    sold = set(beginning()["trace_codes"]["sold_codes"])
    sold |= set(db.session.scalars(select(TraceCode.code).where(TraceCode.code.in_(shown)))) if shown else set()
    if len(set(shown)) != len(shown) or sold & set(shown):
        raise Refused("SIM-TRACUSED")

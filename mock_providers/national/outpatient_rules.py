"""What can be done with an outpatient visit in which state. Pure.

registered → diagnosed → charged (lines that are not settled) → settled → refunded; cancelled ends it. A settled
visit may be charged again under another batch; after a refund the lines are open again.
"""

from dataclasses import dataclass

from mock_providers.national.texts import Refused

GONE, SETTLED, LINES = "SIM-VISITGONE", "SIM-VISITSETTLED", "SIM-VISITLINES"
STATES = ("registered", "diagnosed", "charged", "settled", "refunded", "cancelled")

# event → state → why not; what is not listed may be done
REFUSED = {
    "diagnose": {"cancelled": GONE, "settled": SETTLED},
    "charge": {"cancelled": GONE},
    "withdraw": {"cancelled": GONE},
    "price": {"cancelled": GONE},
    "settle": {"cancelled": GONE},
    "cancel": {"cancelled": GONE, "settled": SETTLED, "charged": LINES},
}


@dataclass(frozen=True)
class Visit:
    """What is so about a visit: `open_lines` are not settled, `live` settlements not given back."""

    cancelled: bool
    diagnosed: bool
    open_lines: int
    live: int
    refunded: int


def state(visit: Visit) -> str:
    """Which of STATES. A visit with a settlement that stands is settled, whatever was charged since."""
    if visit.cancelled:
        return "cancelled"
    if visit.live:
        return "settled"
    if visit.open_lines:
        return "charged"
    if visit.refunded:
        return "refunded"
    return "diagnosed" if visit.diagnosed else "registered"


def may(visit: Visit, event: str) -> None:
    """Raises Refused if an event of REFUSED cannot happen now."""
    if why := REFUSED[event].get(state(visit)):
        raise Refused(why)

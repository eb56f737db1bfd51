"""The year's medical spending, leg by leg (年度医疗费用). No I/O; whole fen."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from yibao.clock import CHINA
from yibao.steps.settlement.rules import Split

LEGS = ("total_fen", "pooled_fen", "own_fen", "mutual_fen", "wallet_fen", "cash_fen")


class Paid(Protocol):
    """What a record needs of a settlement."""

    state: str
    patient_name: str
    patient_id_number: str

    @property
    def split(self) -> Split: ...


def year_of(year: int) -> tuple[datetime, datetime]:
    """The first instant of a year in China, and of the next."""
    return datetime(year, 1, 1, tzinfo=CHINA), datetime(year + 1, 1, 1, tzinfo=CHINA)


def is_refunded(row: Paid) -> bool:
    """Whole orders go back, so a refunded one counts nothing in the end."""
    return row.state == "REFUNDED"


def totals(rows: Iterable[Paid]) -> dict[str, Any]:
    """Spent, returned and net, each leg summed; legs make up their total again."""
    spent, returned, count, refunds = dict.fromkeys(LEGS, 0), dict.fromkeys(LEGS, 0), 0, 0
    for row in rows:
        parts = row.split.as_dict()
        count += 1
        refunds += is_refunded(row)
        for leg in LEGS:
            spent[leg] += parts[leg]
            returned[leg] += parts[leg] if is_refunded(row) else 0
    net = {leg: spent[leg] - returned[leg] for leg in LEGS}
    Split(**spent)
    Split(**net)
    return {"count": count, "refunds": refunds, "spent": spent, "returned": returned, "net": net}


def by_patient(rows: Iterable[Paid]) -> dict[tuple[str, str], list[Paid]]:
    """The rows of each patient (name, ID number), in the order they first appear."""
    found: dict[tuple[str, str], list[Paid]] = {}
    for row in rows:
        found.setdefault((row.patient_name, row.patient_id_number), []).append(row)
    return found

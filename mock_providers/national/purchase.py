"""A purchase as an institution sent it (2101 druginfo, drugdetail; 6201 under the same names), read and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mock_providers.national import amounts, fields
from mock_providers.national.texts import Refused
from mock_providers.people import Item, world


@dataclass(frozen=True)
class PurchaseLine:
    feedetl_sn: str
    item: Item
    medins_list_codg: str
    quantity: Decimal
    unit_price_fen: Decimal
    total_fen: int
    rxno: str
    trace_codes: tuple[str, ...]
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Purchase:
    """Whose, where, when, what. `at` is the time of purchase the institution states (begntime).

    `given` here and in the lines is what was sent, for the books.
    """

    person: str
    institution: str
    insutype: str
    at: datetime
    total_fen: int
    use_account: bool
    med_type: str
    mdtrt_cert_type: str
    lines: tuple[PurchaseLine, ...]
    given: Mapping[str, Any]

    @property
    def serials(self) -> list[str]:
        """feedetl_sn of every line."""
        return [line.feedetl_sn for line in self.lines]


def read(person: str, institution: str, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Purchase:
    """A purchase from snake_case fields. Raises Refused: missing fields, sums, unknown items, repeated lines."""
    at = fields.moment(head, "begntime")
    assert at is not None
    made = Purchase(
        person=person,
        institution=institution,
        insutype=fields.text(head, "insutype", 6, needed=True),
        at=at,
        total_fen=fields.fen(head, "medfee_sumamt"),
        use_account=_uses_account(head),
        med_type=fields.text(head, "med_type", 6, needed=True),
        mdtrt_cert_type=fields.text(head, "mdtrt_cert_type", 3) or "01",
        lines=tuple(read_line(row) for row in lines),
        given=head,
    )
    if not made.lines:
        raise Refused("NO_LINES")
    if len(set(made.serials)) != len(made.lines):
        raise Refused("SIM-DUPLINE")
    if sum(line.total_fen for line in made.lines) != made.total_fen:
        raise Refused("SIM-SUM")
    return made


def _uses_account(head: Mapping[str, Any]) -> bool:
    return (fields.text(head, "acct_used_flag", 3) or "1") != "0"


def read_line(row: Mapping[str, Any]) -> PurchaseLine:
    """One line. Raises Refused: missing fields, an unknown item, price times quantity that is not the total."""
    code = fields.text(row, "med_list_codg", 50, needed=True)
    serial = fields.text(row, "feedetl_sn", 30, needed=True)
    quantity = fields.number(row, "cnt", 4)
    price = fields.number(row, "pric", 6) * 100
    total = fields.fen(row, "det_item_fee_sumamt")
    item = world().by_list_code.get(code)
    if item is None:
        raise Refused("SIM-CAT")
    if not quantity or total != amounts.half_up(quantity * price):
        raise Refused("SIM-SUM")
    return PurchaseLine(
        feedetl_sn=serial,
        item=item,
        medins_list_codg=fields.text(row, "medins_list_codg", 150, needed=True),
        quantity=quantity,
        unit_price_fen=price,
        total_fen=total,
        rxno=fields.text(row, "rxno", 40),
        trace_codes=_trace_codes(row),
        given=row,
    )


def _trace_codes(row: Mapping[str, Any]) -> tuple[str, ...]:
    given = row.get("drugtracinfo") or []
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise Refused("SIM-FORMAT", name=fields.name_of("drug_trac_codg"))
    return tuple(fields.text(one, "drug_trac_codg", 30, needed=True) for one in given)

"""Reading the fields of a transaction: present, not too long, of the right form. Refusals name the field. Pure.

A whole node is held against a `table` written as the protocol sheet writes it: name, type, Y if required, and the
dictionary its value is of. What no table names is tolerated.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from mock_providers.national import amounts, dictionaries
from mock_providers.national.texts import NAMES, Refused

CHINA = timezone(timedelta(hours=8))
DAY = re.compile(r"\d{4}-\d\d-\d\d")
KIND = re.compile(r"(C|N|DT|D)(\d*)(?:,(\d+))?")


@dataclass(frozen=True)
class Field:
    """One row of a field table. `kind` C text, N number, D date, DT moment; `size` its length, digits of an N."""

    name: str
    kind: str
    size: int
    places: int
    needed: bool
    dictionary: str


def table(text: str) -> tuple[Field, ...]:
    """`psn_no C30 Y` and `insutype C6 Y insutype`, a field a line."""
    return tuple(_field(*row.split()) for row in text.strip().splitlines())


def _field(name: str, kind: str, *more: str) -> Field:
    found = KIND.fullmatch(kind)
    assert found, kind
    dictionary = next((word for word in more if word != "Y"), "")
    return Field(name, found[1], int(found[2] or 19), int(found[3] or 0), "Y" in more, dictionary)


def check(source: Mapping[str, Any], rows_of_table: Sequence[Field]) -> None:
    """Hold a node against its table. Raises Refused EMPTY, SIM-LEN, SIM-FORMAT."""
    for field in rows_of_table:
        if field.kind == "N":
            if field.needed or not is_blank(source.get(field.name)):
                number(source, field.name, field.places, field.size)
        elif field.kind == "DT":
            moment(source, field.name, field.needed)
        elif field.kind == "D":
            day(source, field.name, field.needed)
        else:
            found = text(source, field.name, field.size, field.needed)
            if found and field.dictionary and not dictionaries.knows(field.dictionary, found):
                raise Refused("SIM-FORMAT", name=name_of(field.name))


def name_of(field: str) -> str:
    return NAMES.get(field, field)


def text(source: Mapping[str, Any], field: str, at_most: int, needed: bool = False) -> str:
    """A character field. Raises Refused EMPTY, SIM-LEN or SIM-FORMAT."""
    value = source.get(field)
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal, type(None))):
        raise Refused("SIM-FORMAT", name=name_of(field))
    found = "" if value is None else str(value).strip()
    if needed and not found:
        raise Refused("EMPTY", name=name_of(field))
    if len(found) > at_most:
        raise Refused("SIM-LEN", name=name_of(field))
    if "\0" in found:
        raise Refused("SIM-FORMAT", name=name_of(field))
    return found


def one_of(source: Mapping[str, Any], field: str, choices: tuple[str, ...]) -> str:
    """A required dictionary value."""
    found = text(source, field, 10, needed=True)
    if found not in choices:
        raise Refused("SIM-FORMAT", name=name_of(field))
    return found


def moment(source: Mapping[str, Any], field: str, needed: bool = True) -> datetime | None:
    """`yyyy-MM-dd HH:mm:ss`, China time."""
    found = text(source, field, 19, needed)
    if not found:
        return None
    try:
        if len(found) != 19:
            raise ValueError(found)
        return datetime.strptime(found, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError as error:
        raise Refused("SIM-FORMAT", name=name_of(field)) from error


def day(source: Mapping[str, Any], field: str, needed: bool = True) -> date | None:
    """`yyyy-MM-dd`; a moment's first ten characters are taken, too."""
    found = text(source, field, 19, needed)
    if len(found) == 19:
        at = moment(source, field)
        return at.date() if at else None
    try:
        if found and not DAY.fullmatch(found):
            raise ValueError(found)
        return date.fromisoformat(found) if found else None
    except ValueError as error:
        raise Refused("SIM-FORMAT", name=name_of(field)) from error


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def number(source: Mapping[str, Any], field: str, places: int, digits: int = 0) -> Decimal:
    """A required N field, not negative; `digits` in all, if it says so."""
    value = source.get(field)
    if is_blank(value):
        raise Refused("EMPTY", name=name_of(field))
    whole = re.match(r"0*([0-9]*)", str(value).strip())
    if digits and whole and not isinstance(value, bool) and len(whole[1]) > digits - places:
        raise Refused("SIM-LEN", name=name_of(field))
    try:
        found = amounts.decimal(value, places)
    except ValueError as error:
        raise Refused("SIM-FORMAT", name=name_of(field)) from error
    if found < 0:
        raise Refused("SIM-FORMAT", name=name_of(field))
    return found


def fen(source: Mapping[str, Any], field: str) -> int:
    """A required amount of money."""
    return int(number(source, field, 2) * 100)


def whole(source: Mapping[str, Any], field: str, at_least: int, at_most: int) -> int:
    found = number(source, field, 0)
    if not at_least <= found <= at_most:
        raise Refused("SIM-FORMAT", name=name_of(field))
    return int(found)


def node(source: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """A required object."""
    found = source.get(field)
    if not found:
        raise Refused("EMPTY", name=name_of(field))
    if not isinstance(found, Mapping):
        raise Refused("SIM-FORMAT", name=name_of(field))
    return found


def rows(
    source: Mapping[str, Any], field: str, empty: str = "NO_LINES", at_most: int = 500
) -> list[Mapping[str, Any]]:
    """A required list of objects."""
    found = source.get(field)
    if not found:
        raise Refused(empty, name=name_of(field))
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise Refused("SIM-FORMAT", name=name_of(field))
    if len(found) > at_most:
        raise Refused("SIM-LEN", name=name_of(field))
    return found

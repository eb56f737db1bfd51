"""Reading the fields of a transaction: present, not too long, of the right form. Refusals name the field. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from mock_providers.national import amounts
from mock_providers.national.texts import NAMES, Refused

CHINA = timezone(timedelta(hours=8))


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


def number(source: Mapping[str, Any], field: str, places: int) -> Decimal:
    """A required N field, not negative."""
    if source.get(field) in (None, ""):
        raise Refused("EMPTY", name=name_of(field))
    try:
        found = amounts.decimal(source[field], places)
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
        raise Refused(empty)
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise Refused("SIM-FORMAT", name=name_of(field))
    if len(found) > at_most:
        raise Refused("SIM-LEN", name=name_of(field))
    return found

"""Money between the wire (yuan, decimals as they stand in the text) and the inside (whole fen). Pure."""

import re
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

import orjson

CENT = Decimal("0.01")
BIGGEST = Decimal(10) ** 7
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")


def yuan(fen: int) -> Decimal:
    """3130 → Decimal("31.30"): always two decimals, so that its text is what the wire carries."""
    return (Decimal(fen) / 100).quantize(CENT)


def decimal(value: object, places: int) -> Decimal:
    """A number of the wire (JSON number or text) with at most `places` decimals. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise ValueError("not a number")
    text = str(value).strip()
    if not NUMBER.fullmatch(text):
        raise ValueError("not a number of the wire")
    number = Decimal(text)
    if abs(number) >= BIGGEST or number != number.quantize(Decimal(1).scaleb(-places)):
        raise ValueError(f"too big, or more than {places} decimals")
    return number


def fen(value: object) -> int:
    """An amount of the wire in whole fen. Raises ValueError if it is no number or has parts of a fen."""
    return int(decimal(value, 2) * 100)


def half_up(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def floor(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_FLOOR))


def dumps(document: Any) -> bytes:
    """Compact UTF-8 JSON in which a Decimal is a number written exactly as it stands (31.30, 0.6000)."""
    return orjson.dumps(document, default=_raw)


def _raw(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value))

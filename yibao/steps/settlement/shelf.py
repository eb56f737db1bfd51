"""The pharmacies' own price list, read from shelf.toml at start and refused with file and key when it is wrong."""

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from yibao.steps.settlement.rules import Item

KINDS = ("drug", "device", "consumable", "food", "daily")
FLAGS = ("prescription", "trace", "dual_channel", "no_code_listed")


def _bytes() -> bytes:
    return (files(__package__) / "shelf.toml").read_bytes()


def parse(text: str) -> dict[str, Item]:
    """The items by code. Raises ValueError naming the key."""
    found = {}
    for code, row in tomllib.loads(text)["items"].items():
        try:
            found[code] = Item(code=code, **_checked(row))
        except (TypeError, ValueError) as error:
            raise ValueError(f"shelf.toml: items.{code}: {error}") from error
    return found


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    if not isinstance(row.get("price_fen"), int) or row["price_fen"] <= 0:
        raise ValueError("price_fen must be a whole number above 0")
    for flag in FLAGS:
        if not isinstance(row.get(flag, False), bool):
            raise ValueError(f"{flag} must be true or false")
    return row


@cache
def items() -> dict[str, Item]:
    """Every item of the price list by its shelf code."""
    return parse(_bytes().decode())


@cache
def version() -> str:
    """Which price list this is: quotes pin it."""
    return hashlib.sha256(_bytes()).hexdigest()[:16]


@cache
def window_refunds() -> frozenset[str]:
    """The institutions that refund at their window only."""
    return frozenset(tomllib.loads(_bytes().decode())["counters"]["window_refunds"])

"""Where two byte strings part."""

from collections.abc import Callable
from typing import Any

AROUND = 16


def _same(given: bytes) -> bytes:
    return given


def first_difference(
    expected: bytes,
    signed: bytes,
    mask: Callable[[bytes], bytes] = _same,
    names: tuple[str, str] = ("expected", "signed"),
) -> dict[str, Any] | None:
    """The first byte in which they differ, with what stands around it on both sides; None if they are equal.

    `offset` counts bytes from 0, `line` and `column` count from 1 in the first of the two.
    """
    if expected == signed:
        return None
    at = _common(expected, signed)
    line_start = expected.rfind(b"\n", 0, at) + 1
    return {
        "offset": at,
        "line": expected.count(b"\n", 0, at) + 1,
        "column": at - line_start + 1,
        names[0]: _side(expected, at, mask),
        names[1]: _side(signed, at, mask),
    }


def _common(one: bytes, other: bytes) -> int:
    """How many bytes they share from the start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _side(given: bytes, at: int, mask: Callable[[bytes], bytes]) -> dict[str, Any]:
    begin = max(0, at - AROUND)
    around = mask(given)[begin : at + AROUND]
    byte = mask(given)[at : at + 1]
    return {
        "length": len(given),
        "from": begin,
        "byte": byte.hex() if byte else None,
        "hex": around.hex(" "),
        "text": shown(around[: at - begin]) + "▸" + shown(around[at - begin :]),
    }


def shown(given: bytes) -> str:
    """Text with everything that cannot be seen spelt out."""
    text = given.decode(errors="backslashreplace")
    return "".join(one if one.isprintable() else _spelt(one) for one in text)


def _spelt(one: str) -> str:
    return repr(one)[1:-1] if one != "\ufeff" else "\\ufeff"

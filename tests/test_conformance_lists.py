"""Every check at the end of the protocol sheets has at least one test named by its number.

The numbers are those of `protocol/wechat.md` §11 (`test_w07_…`) and `protocol/wechatpay.md` §B (`test_p71_…`). A test
may carry several: `test_p71_p72_…`, `test_p16_and_p17_…`, `test_w02_to_w05_…`.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

WECHAT = (
    1,
    2,
    4,
    5,
    7,
    8,
    10,
    11,
    13,
    14,
    16,
    17,
    19,
    20,
    22,
    23,
    25,
    26,
    28,
    29,
    31,
    32,
    34,
    35,
    37,
    38,
    40,
    41,
    43,
    44,
    46,
    47,
    49,
    50,
    52,
    53,
    55,
    56,
    58,
    59,
    61,
    62,
    64,
    65,
    67,
    68,
    70,
    71,
    73,
    74,
    76,
    77,
    79,
    80,
)
WECHATPAY = (
    1,
    2,
    4,
    5,
    7,
    8,
    10,
    11,
    13,
    14,
    16,
    17,
    19,
    20,
    22,
    23,
    25,
    26,
    28,
    29,
    31,
    32,
    34,
    35,
    37,
    38,
    40,
    41,
    43,
    44,
    46,
    47,
    49,
    50,
    52,
    53,
    55,
    56,
    58,
    59,
    61,
    62,
    64,
    65,
    67,
    68,
    70,
    71,
    73,
    74,
    76,
    77,
    79,
    80,
    82,
    83,
    85,
    86,
    88,
    89,
    91,
    92,
    94,
    95,
    97,
    98,
    100,
    101,
    103,
    104,
    106,
    107,
    109,
    110,
    112,
    113,
    115,
    116,
    118,
    119,
    121,
    122,
    124,
    125,
    127,
    128,
)
NUMBERED = re.compile(r"test((?:_(?:and_|to_)?[wp]\d+)+)_(\w+)")
NUMBER = re.compile(r"(to_)?([wp])(\d+)")


@cache
def numbered() -> dict[tuple[str, int], list[str]]:
    """(sheet, number) → tests of that number, as file::function."""
    found: dict[tuple[str, int], list[str]] = {}
    here = Path(__file__).parent
    for path in here.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and (match := NUMBERED.match(node.name)):
                assert "_" in match[2], f"{path.relative_to(here)}::{node.name} says not what it checks"
                for key in _numbers(match[1]):
                    found.setdefault(key, []).append(node.name)
    return found


def _numbers(named: str) -> Iterator[tuple[str, int]]:
    """The numbers in the front part of a name."""
    last = 0
    for to, sheet, digits in NUMBER.findall(named):
        number = int(digits)
        yield from ((sheet, n) for n in range(last + 1 if to else number, number + 1))
        last = number


@pytest.mark.parametrize(("sheet", "numbers"), [("w", WECHAT), ("p", WECHATPAY)])
def test_every_number_of_a_sheet_has_a_test_that_says_what_it_checks(sheet: str, numbers: tuple[int, ...]) -> None:
    assert [number for number in numbers if (sheet, number) not in numbered()] == []

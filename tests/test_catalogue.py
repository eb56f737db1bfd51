"""The error catalogue is neither short of a code nor has one too many."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from yibao.errors import CATALOGUE

ROOT = Path(__file__).parents[1]
STATUSES = {400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 424, 429, 500, 503}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "yibao").rglob("*.py"))}


@cache
def used() -> set[str]:
    """Every text constant of the back end except the keys of the catalogue itself."""
    found: list[str] = []
    for tree in trees().values():
        rows = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and "CATALOGUE" in ast.dump(node.target)
        ]
        keys = {id(key) for row in rows if isinstance(row.value, ast.Dict) for key in row.value.keys}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found += [node.value for node in texts if id(node) not in keys]
    return set(found)


@cache
def said_by_tests() -> str:
    here = Path(__file__)
    return "\n".join(path.read_text("utf-8") for path in here.parent.rglob("test_*.py") if path != here)


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_is_raised_somewhere(code: str) -> None:
    assert code in used()


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_is_named_in_a_test(code: str) -> None:
    assert re.search(rf'"{code}"', said_by_tests())


def test_what_is_raised_is_in_the_catalogue() -> None:
    """`Refused` takes a code it can render."""
    raised = {
        node.args[0].value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Refused"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(raised) > 60
    assert raised <= set(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_row_says_what_happened_and_what_to_do(code: str) -> None:
    row = CATALOGUE[code]
    assert re.fullmatch(r"[A-Z][A-Z_]{2,40}", code)
    assert row.status in STATUSES
    assert CHINESE.search(row.title) and CHINESE.search(row.remedy)
    assert row.detail and not CHINESE.search(row.detail)
    assert not row.title.endswith("。") and not row.detail.endswith(".")


def test_no_two_rows_say_the_same_in_english() -> None:
    details = [row.detail for row in CATALOGUE.values()]
    assert len(details) == len(set(details))

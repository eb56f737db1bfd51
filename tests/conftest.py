"""What every test rests on. Slow things that are not the point are done once per run: RSA keys, migrations."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import Any

import pytest

FEW_EXAMPLES, MANY_ROWS = 10, 3
HALVES = [half for half in ("mock_providers", "yibao") if find_spec(half)]


@pytest.fixture(scope="session", autouse=True)
def few_rsa_keys() -> Iterator[None]:
    if "mock_providers" not in HALVES:
        yield
        return
    keys = import_module("mock_providers.keys")
    made = cycle([keys._make() for _ in range(6)])
    real, keys.MAKE = keys.MAKE, lambda: next(made)
    yield
    keys.MAKE = real


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """The first database of each half is migrated for real; the next ones are copies of it."""
    real = {half: import_module(f"{half}.db").migrate for half in HALVES}
    for half, migrate in real.items():
        import_module(f"{half}.db").migrate = copying(migrate)
    yield
    for half, migrate in real.items():
        import_module(f"{half}.db").migrate = migrate


def copying(migrate: Callable[[Any], None]) -> Callable[[Any], None]:
    template = sqlite3.connect(":memory:", check_same_thread=False)
    made: list[bool] = []

    def copy(engine: Any) -> None:
        connection = engine.raw_connection()
        try:
            is_new = not connection.driver_connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            if made and is_new:
                template.backup(connection.driver_connection)
                return
        finally:
            connection.close()
        migrate(engine)
        if is_new and not made:
            connection = engine.raw_connection()
            connection.driver_connection.backup(template)
            connection.close()
            made.append(True)

    return copy


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The everyday run takes a sample of the long tables and a few examples of each property.

    A test of more than MANY_ROWS rows runs about as many, the same ones each time; YIBAO_THOROUGH=1 runs everything.
    """
    if "YIBAO_THOROUGH" in os.environ:
        return
    rows: dict[str, list[pytest.Item]] = {}
    for item in items:
        _try_few(item)
        rows.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = {row for found in rows.values() for n, row in enumerate(found) if n % -(-len(found) // MANY_ROWS)}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def _try_few(item: pytest.Item) -> None:
    from hypothesis import settings

    test = getattr(getattr(item, "obj", None), "__func__", getattr(item, "obj", None))
    asked = getattr(test, "_hypothesis_internal_use_settings", None)
    if asked is None and hasattr(test, "hypothesis"):
        asked = settings.default
    if asked is not None and asked.max_examples > FEW_EXAMPLES:
        test._hypothesis_internal_use_settings = settings(asked, max_examples=FEW_EXAMPLES)  # type: ignore[union-attr]

"""Who may import whom, read from the syntax trees (architecture A.2, A.3)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = {"rules.py", "engine.py", "wire.py", "policy.py", "benefit.py", "sm2.py", "money.py", "identity.py"}
IMPURE = ("flask", "flask_sqlalchemy", "flask_smorest", "sqlalchemy", "requests", "urllib3", "socket", "threading")
STEPS = ("login", "credential", "commitment", "face", "family", "mutual_aid", "settlement", "records", "messages")
VENDORS = ("wechat", "wechatpay", "alipay", "national")


def files(*halves: str) -> list[Path]:
    return sorted(path for half in halves for path in (ROOT / half).rglob("*.py") if "versions" not in path.parts)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def begins(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("half, other", [("yibao", "mock_providers"), ("mock_providers", "yibao")])
def test_neither_half_imports_the_other_nor_the_root(half: str, other: str) -> None:
    assert [(named(p), n) for p in files(half) for n in imported(p) if begins(n, other, "app")] == []


def test_vendors_do_not_import_each_other() -> None:
    wrong = [
        (named(path), name)
        for vendor in VENDORS
        for path in files(f"mock_providers/{vendor}")
        for name in imported(path)
        if begins(name, *(f"mock_providers.{other}" for other in VENDORS if other != vendor))
    ]
    assert wrong == []


def test_a_step_uses_only_models_rules_and_schemas_of_earlier_steps() -> None:
    wrong = []
    for step in STEPS:
        for path in files(f"yibao/steps/{step}"):
            for name in imported(path):
                parts = name.split(".")
                if parts[:2] != ["yibao", "steps"] or len(parts) < 3 or parts[2] in (step, "shelf"):
                    continue
                later = STEPS.index(parts[2]) > STEPS.index(step)
                if later or (len(parts) > 3 and parts[3] not in ("models", "rules", "schemas")):
                    wrong.append((named(path), name))
    assert wrong == []


def test_pure_modules_do_no_io() -> None:
    wrong = [
        (named(path), name)
        for path in files("yibao", "mock_providers")
        if path.name in PURE
        for name in imported(path)
        if begins(name, *IMPURE) or name.endswith(".clock")
    ]
    assert wrong == []


def test_only_the_clock_module_of_each_half_reads_a_clock() -> None:
    wrong = []
    for path in files("yibao", "mock_providers"):
        if path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                called = f"{node.value.id}.{node.attr}"
                if called in (
                    "datetime.now",
                    "datetime.utcnow",
                    "datetime.today",
                    "date.today",
                    "time.time",
                    "time.time_ns",
                    "time.monotonic",
                    "time.perf_counter",
                ):
                    wrong.append((named(path), node.lineno, called))
    assert wrong == []


def test_only_settings_read_the_environment() -> None:
    wrong = [
        named(path)
        for path in files("yibao", "mock_providers")
        if path.name not in ("settings.py",) and "os.environ" in path.read_text("utf-8")
    ]
    assert wrong == []


def test_no_region_code_stands_in_the_back_ends_code() -> None:
    import re

    wrong = []
    for path in files("yibao"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(r"46\d{4}", node.value)
            ):
                wrong.append((named(path), node.lineno, node.value))
    assert [row for row in wrong if row[2] != "469099"] == []

"""`yibao doctor`: what is wrong with this machine, and what to do about it."""

import json
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple

import click

from mock_providers import clock

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35)
SKEW_SECONDS = 300
ROOM_BYTES = 200 * 1024 * 1024


class Finding(NamedTuple):
    """One check: whether it is fine, what was found, and what to do if it is not."""

    what: str
    fine: bool
    found: str
    remedy: str = ""


def python() -> Finding:
    """Python is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= OLDEST_PYTHON, found, "install Python 3.11 or newer")


def packages() -> Finding:
    """Every package we need is installed."""
    missing = []
    try:
        wanted = requires("yibao") or []
    except PackageNotFoundError:
        wanted, missing = [], ["yibao itself"]
    for line in wanted:
        if "extra ==" in line:
            continue
        name = line.split(";")[0].split("<")[0].split(">")[0].split("=")[0].split("[")[0].strip()
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    return Finding("packages", not missing, ", ".join(missing) or "all there", "pip install -e .")


def sqlite() -> Finding:
    """SQLite knows RETURNING."""
    return Finding(
        "sqlite",
        sqlite3.sqlite_version_info >= OLDEST_SQLITE,
        sqlite3.sqlite_version,
        "SQLite 3.35 or newer is needed",
    )


def port(number: int) -> Finding:
    """The port is free, or one of ours is serving on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            if answers(number) is not None:
                return Finding("port", True, f"{number} is served by yibao")
            return Finding(
                "port", False, f"{number}: {error.strerror}", f"stop what listens there, or --port {number + 1}"
            )
    return Finding("port", True, f"{number} is free")


def answers(number: int) -> str | None:
    """The Date header of a yibao on that port, or None."""
    import requests

    try:
        response = requests.get(f"http://127.0.0.1:{number}/healthz", timeout=2)
        return response.headers.get("Date", "") if response.json().get("status") == "ok" else None
    except (requests.RequestException, ValueError, AttributeError):
        return None


def directory(data: Path) -> Finding:
    """The data directory can be written and has room."""
    place = data
    while not place.exists():
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            pass
    except OSError as error:
        return Finding(
            "data", False, f"{data}: {error.strerror}", "choose another with --data, or give yourself the right"
        )
    room = shutil.disk_usage(place).free
    if room < ROOM_BYTES:
        return Finding("data", False, f"{data}: {room // 2**20} MiB free", "make room; 200 MiB are wanted")
    return Finding("data", True, f"{data} is writable, {room // 2**20} MiB free")


def databases(data: Path) -> Finding:
    """Databases that exist are whole."""
    for name in ("mock.sqlite", "yibao.sqlite"):
        path = data / name
        if not path.exists():
            continue
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2) as connection:
                said = connection.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.Error as error:
            said = str(error)
        if said != "ok":
            return Finding("databases", False, f"{path}: {said}", f"move {path} away; a new one is made at start")
    return Finding("databases", True, "whole" if (data / "mock.sqlite").exists() else "none yet")


def receivers(data: Path) -> Finding:
    """No endpoint was switched off for failing: what it should be told does not come."""
    path = data / "mock.sqlite"
    if not path.exists():
        return Finding("endpoints", True, "none yet")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2) as connection:
            asked = "SELECT space, name, state, reason FROM endpoint WHERE state <> 'removed' ORDER BY id"
            rows = connection.execute(asked).fetchall()
    except sqlite3.Error:
        rows = []  # from before there were any
    off = [f"{name} of space {space}: {reason}" for space, name, state, reason in rows if state == "off"]
    if off:
        which = "mend them, then yibao endpoint on NAME --resend"
        return Finding("endpoints", False, f"{len(off)} off: {'; '.join(off)}", which)
    return Finding("endpoints", True, f"{len(rows)} on" if rows else "none")


def time(data: Path, number: int) -> Finding:
    """The machine's clock agrees with everything that can be asked without a network.

    Signature headers carry wall time and are refused beyond 300 s. Compared: the file system's time, the newest
    call kept (time went backwards), and a server of ours that is running.
    """
    remedy = "set the machine's clock; vendors' SDKs refuse signatures more than 300 s off"
    now = clock.wall()
    with tempfile.NamedTemporaryFile() as probe:
        drift = abs(Path(probe.name).stat().st_mtime - now.timestamp())
    if drift > SKEW_SECONDS:
        return Finding("clock", False, f"the file system is {drift:.0f} s off", remedy)
    served = answers(number)
    if served and abs((parsedate_to_datetime(served) - now).total_seconds()) > SKEW_SECONDS:
        return Finding("clock", False, f"the running server says {served}", remedy)
    path = data / "mock.sqlite"
    if path.exists():
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2) as connection:
                newest = connection.execute("SELECT max(wall_ns) FROM call").fetchone()[0] or 0
        except sqlite3.Error:
            newest = 0
        ahead = newest / 1e9 - now.timestamp()
        if ahead > SKEW_SECONDS:
            return Finding("clock", False, f"a kept call is {ahead:.0f} s in the future", remedy)
    return Finding("clock", True, now.isoformat(timespec="seconds"))


@click.command()
@click.option("--port", "number", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--data", default="var", show_default=True, envvar="YIBAO_DATA", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def doctor(number: int, data: Path, as_json: bool) -> None:
    """Say what is wrong with this machine. Exits 1 if anything is. Example: yibao doctor --port 8010"""
    checks: tuple[Callable[[], Finding], ...] = (
        python,
        packages,
        sqlite,
        lambda: port(number),
        lambda: directory(data),
        lambda: databases(data),
        lambda: receivers(data),
        lambda: time(data, number),
    )
    findings = [check() for check in checks]
    for finding in findings:
        if as_json:
            print(json.dumps(finding._asdict(), ensure_ascii=False))
        else:
            remedy = "" if finding.fine else f"  → {finding.remedy}"
            print(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.what:<10} {finding.found}{remedy}")
    raise SystemExit(0 if all(finding.fine for finding in findings) else 1)

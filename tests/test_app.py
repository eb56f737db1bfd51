"""The program as a user starts it: a process, a port, a data directory, a kill in the middle."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    process = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "app.py"),
            "up",
            *(options if "--port" in options else (*options, "--port", "0")),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("yibao ready on http://127.0.0.1:")
        yield process, line.split()[-1]
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)
        process.stdout.close()


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments], capture_output=True, text=True, cwd=ROOT
    )


def test_it_says_where_it_is_and_shows_its_pages_without_outside_assets(tmp_path: Path) -> None:
    with started("--data", str(tmp_path)) as (_, base):
        start = requests.get(base, timeout=10)
        assert "样例" in start.text and "SAMPLE" in start.text and "P01" in start.text
        docs = requests.get(f"{base}/docs/", timeout=10)
        for page in (start, docs):
            assert page.status_code == 200
            assert "https://" not in page.text.replace("https://api.", "").replace("https://open.", "")
        assert requests.get(f"{base}/api/v1/openapi.json", timeout=10).json()["openapi"].startswith("3.")
        assert requests.get(f"{base}/healthz", timeout=10).json()["status"] == "ok"


def test_after_kill_9_what_was_undelivered_is_sent(tmp_path: Path) -> None:
    from mock_providers.phone.handset import Handset

    with started("--data", str(tmp_path)) as (process, base):
        phone = Handset(base).ready("P01")
        quote = phone.quote("P46019900008", [("D05", 1), ("D07", 1)])
        confirmed = phone.confirm(quote)
        phone.control("POST", "clock", {"freeze": True})
        phone.pay(confirmed)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    with started("--data", str(tmp_path), "--port", base.rsplit(":", 1)[1]) as (_, base):
        phone.base = base
        phone.deliver()
        assert phone.settlement(quote["id"])["state"] == "SETTLED"
        assert phone.facts("P01")["bureau"]["balance_fen"] == 328650 - 3130


def test_the_walk_ends_well_against_a_server_it_starts_itself() -> None:
    done = run("walk", "--json")
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert all(step["ok"] for step in steps) and len(steps) >= 15


def test_an_unreachable_server_is_exit_code_3_and_wrong_use_is_2() -> None:
    assert run("people", "list", "--base", "http://127.0.0.1:9").returncode == 3
    assert run("clock", "advance").returncode == 2


def test_the_doctor_names_a_directory_that_cannot_be_written_and_a_port_that_is_taken(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        blocked = tmp_path / "file"
        blocked.write_text("")
        said = run("doctor", "--json", "--port", str(taken.getsockname()[1]), "--data", str(blocked / "var"))
    findings = {row["what"]: row for row in map(json.loads, said.stdout.splitlines())}
    assert said.returncode == 1
    assert not findings["port"]["fine"] and not findings["data"]["fine"]
    assert findings["python"]["fine"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_binding_beyond_loopback_demands_an_admin_token(host: str) -> None:
    clean = {key: value for key, value in os.environ.items() if key != "YIBAO_ADMIN_TOKEN"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "up", "--host", host, "--port", "0"],
        capture_output=True,
        text=True,
        env=clean,
    )
    assert done.returncode == 2 and "YIBAO_ADMIN_TOKEN" in done.stderr


def test_a_second_server_on_the_same_data_directory_is_refused_in_words(tmp_path: Path) -> None:
    with started("--data", str(tmp_path)):
        second = run("up", "--port", "0", "--data", str(tmp_path))
        assert second.returncode == 1 and "another server uses" in second.stderr
    with started("--data", str(tmp_path)):
        pass


@pytest.mark.parametrize(
    "variable, value, words",
    [
        ("YIBAO_POLICY", "nope", "hn-2025.1"),
        ("YIBAO_REGION", "zz", "no such region"),
        ("MOCK_START", "banana", "banana"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_start_in_one_line(variable: str, value: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "up", "--port", "0", "--ephemeral"],
        capture_output=True,
        text=True,
        env={**os.environ, variable: value},
    )
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr


def test_a_refund_completes_by_itself_after_its_seconds_not_at_the_next_poll(tmp_path: Path) -> None:
    import time

    from mock_providers.phone.handset import Handset

    with started("--data", str(tmp_path)) as (_, base):
        phone = Handset(base).ready("P02")
        bought = phone.buy("P46019900008", [("D04", 1)])
        phone.api("POST", f"/settlements/{bought['id']}/refunds", {"reason": "quality"})
        until = time.monotonic() + 12
        while phone.settlement(bought["id"])["state"] != "REFUNDED":
            assert time.monotonic() < until

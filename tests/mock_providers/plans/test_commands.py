"""Every command around callbacks: what it prints, as JSON too, and how it ends."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import bounds
from mock_providers.control import commands
from mock_providers.db import db
from tests.mock_providers.plans.test_plan_book import START, deliver, ear, numbers, tell
from tests.mock_providers.webhooks.toy import Ear

__all__ = ["ear"]
Yibao = Callable[..., Result]


@pytest.fixture
def yibao(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Yibao:
    """Runs a command against the app of this test, as if it were served."""

    def request(method: str, url: str, *, json: Any, params: Any, headers: Any, timeout: float) -> Any:
        path = url.removeprefix("http://127.0.0.1:8000")
        answer = client.open(path, method=method, json=json, query_string=params, headers=headers)
        return SimpleNamespace(content=answer.data, status_code=answer.status_code, json=lambda: answer.json)

    monkeypatch.setattr(requests, "request", request)

    def run(*words: str) -> Result:
        return CliRunner().invoke(commands.COMMANDS[words[0]], list(words[1:]), prog_name=f"yibao {words[0]}")

    return run


def objects(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_plans_are_made_shown_and_cleared(mocks: Flask, client: FlaskClient, ear: Ear, yibao: Yibao) -> None:
    made = objects(yibao("plan", "add", "hold 2; dup 3", "--ref", "A1", "--next", "5", "--json"))[0]
    assert (made["on"], made["next"]) == ({"ref": "A1"}, 5)
    tell(mocks, 3)
    deliver(client)
    assert numbers(ear) == [1, 3, 3]
    assert made["text"] in yibao("plan", "list").stdout
    assert len(objects(yibao("plan", "show", str(made["id"]), "--json"))[0]["steps"]) == 2
    listed = yibao("delivery", "list")
    assert f"held by plan {made['id']}: hold 2" in listed.stdout
    assert listed.stderr == f"! {client.get('/_mock/deliveries').json['banner'][0]}\n"
    assert len(objects(yibao("delivery", "list", "--json", "--state", "held"))) == 1
    assert objects(yibao("plan", "clear", str(made["id"]), "--json")) == [{"removed": {"plan": 1}, "released": 1}]


def test_clearing_a_plan_that_is_not_there_ends_with_1(yibao: Yibao) -> None:
    assert yibao("plan", "clear").exit_code == 0
    result = yibao("plan", "clear", "99", "--json")
    assert (result.exit_code, json.loads(result.stdout)["removed"]) == (1, {"plan": 0})


def test_a_plan_may_stand_in_a_file(client: FlaskClient, yibao: Yibao, tmp_path: Any) -> None:
    file = tmp_path / "morning.plan"
    file.write_text("# two payments the wrong way round\nswap 1 2\non type TRANSACTION.SUCCESS\n", "utf-8")
    made = objects(yibao("plan", "add", "--file", str(file), "--json"))[0]
    assert (made["text"], made["on"]) == ("swap 1 2; on type TRANSACTION.SUCCESS", {"type": "TRANSACTION.SUCCESS"})


def test_a_plan_that_makes_no_sense_ends_with_1_and_says_where(yibao: Yibao) -> None:
    result = yibao("plan", "add", "hold 2; drop 2")
    assert result.exit_code == 1
    assert "line 1, column 9: drop 2 contradicts hold 2" in result.stderr
    assert yibao("plan", "add").exit_code == 2
    assert yibao("plan", "add", "hold 1", "--next", "0").exit_code == 2
    assert yibao("plan", "show", "99").exit_code == 1


def test_why_tells_people_and_programs(mocks: Flask, client: FlaskClient, ear: Ear, yibao: Yibao) -> None:
    ear.answer = 500
    tell(mocks)
    deliver(client)
    said = yibao("delivery", "why", "A1")
    assert said.exit_code == 0
    for words in ("attempt 1 was not accepted", "held by    ladder, clock_frozen", "left       15", "send-now"):
        assert words in said.stdout
    assert objects(yibao("delivery", "why", "A1", "--json"))[0]["deliveries"][0]["left"] == 15
    unknown = yibao("delivery", "why", "A11")
    assert unknown.exit_code == 1
    assert "did you mean  A1" in unknown.stdout


@pytest.mark.parametrize(
    "words", [("clock", "to", "next"), ("clock", "--to", "next"), ("clock", "advance", "--to", "next")]
)
def test_the_clock_goes_to_what_is_next_and_says_what_fired(
    mocks: Flask, client: FlaskClient, ear: Ear, yibao: Yibao, words: list[str]
) -> None:
    tell(mocks)
    said = yibao(*words)
    assert said.exit_code == 0
    now, fired = said.stdout.splitlines()
    assert now == START.isoformat()
    assert fired.endswith("#1 toy.done A1 → 200, accepted")
    assert objects(yibao(*words, "--json"))[0]["fired"] == []


def test_the_clock_is_shown_set_advanced_frozen_and_resumed(client: FlaskClient, yibao: Yibao) -> None:
    assert yibao("clock", "set", START.isoformat()).exit_code == 0
    assert yibao("clock", "freeze").exit_code == 0
    assert yibao("clock", "set", START.isoformat()).exit_code == 0
    assert yibao("clock", "advance", "90s").stdout == "2025-12-01T10:01:30+08:00\n"
    assert "2025-12-01T10:01:30+08:00" in yibao("clock").stdout
    assert objects(yibao("clock", "show", "--json"))[0]["frozen"] is True
    assert yibao("clock", "resume").exit_code == 0
    assert yibao("clock", "advance").exit_code == 2
    assert yibao("clock", "advance", "soon").exit_code == 1
    assert yibao("clock", "--to", "next", "show").exit_code == 2


def test_deliveries_are_held_released_sent_and_cancelled(
    mocks: Flask, client: FlaskClient, ear: Ear, yibao: Yibao
) -> None:
    (event,) = tell(mocks)
    (row,) = objects(yibao("delivery", "list", "--json"))
    for verb, state in (("hold", "held"), ("release", "pending"), ("send-now", "pending"), ("cancel", "cancelled")):
        assert objects(yibao("delivery", verb, str(row["id"]), "--json"))[0]["state"] == state
    assert yibao("delivery", "hold", str(row["id"])).exit_code == 1
    assert yibao("delivery", "show", str(row["id"])).exit_code == 0
    again = objects(yibao("event", "resend", str(event), "--signature", "stale", "--json"))[0]
    deliver(client)
    assert "delivered" in yibao("delivery", "show", str(again["id"])).stdout
    assert len(objects(yibao("attempt", "list", "--json"))) == 1
    assert objects(yibao("attempt", "show", "1", "--json"))[0]["accepted"]
    assert "toy.done" in yibao("event", "list").stdout
    assert objects(yibao("event", "show", str(event), "--json"))[0]["ref"] == "A1"


def test_waiting_too_long_ends_with_4(mocks: Flask, client: FlaskClient, ear: Ear, yibao: Yibao) -> None:
    tell(mocks)
    assert yibao("wait", "--event", "toy.done", "--within", "0s").exit_code == 0
    late = yibao("wait", "--event", "toy.done", "--delivered", "--within", "0s")
    assert late.exit_code == 4
    assert "WAITED_TOO_LONG" in late.stderr
    assert "nearest  event 1 toy toy.done A1\n" in late.stderr
    assert "queue    delivery 1 pending" in late.stderr
    late = yibao("wait", "--event", "toy.done", "--delivered", "--within", "0s", "--json")
    assert (late.exit_code, len(json.loads(late.stdout)["queue"])) == (4, 1)
    there = yibao("wait", "--ref", "A1", "--delivered", "--within", "1m", "--clock", "business", "--json")
    assert objects(there)[0]["deliveries"][0]["state"] == "delivered"


def test_ladders_are_listed(yibao: Yibao) -> None:
    assert "16 attempts within 24h4m" in yibao("ladder").stdout
    assert yibao("ladder", "list", "--vendor", "national").stdout.startswith("national")
    assert len(objects(yibao("ladder", "--json"))) == len(objects(yibao("ladder", "list", "--json"))) >= 4


def test_a_server_that_is_not_there_ends_with_3() -> None:
    for words in (["plan", "list"], ["ladder"], ["delivery", "why", "A1"], ["wait"], ["clock", "to", "next"]):
        result = CliRunner().invoke(commands.COMMANDS[words[0]], [*words[1:], "--base", "http://127.0.0.1:9"])
        assert (result.exit_code, "no server at" in result.output) == (3, True)
    result = CliRunner().invoke(commands.COMMANDS["plan"], ["list", "--json", "--base", "http://127.0.0.1:9"])
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (3, "UNREACHABLE")


def test_somebody_elses_server_is_told_from_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    page = requests.Response()
    page.status_code, page._content = 200, b"<html>"
    monkeypatch.setattr(requests, "request", lambda *args, **kwargs: page)
    result = CliRunner().invoke(commands.COMMANDS["plan"], ["list"])
    assert (result.exit_code, "is not yibao: HTTP 200, no JSON" in result.output) == (3, True)


NOUNS = ("clock", "event", "delivery", "attempt", "plan", "ladder", "wait")


HERE = ("mock_providers.control.commands_callbacks", "mock_providers.control.shell")


def verbs() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for noun in NOUNS:
        theirs = getattr(commands.COMMANDS[noun], "commands", {})
        found += [(noun, name) for name, verb in theirs.items() if verb.callback.__module__ in HERE] or [(noun,)]
    assert len(found) >= 24
    return found


@pytest.mark.parametrize("words", verbs())
def test_every_command_takes_json_and_teaches_by_an_example(yibao: Yibao, words: tuple[str, ...]) -> None:
    said = yibao(*words, "--help").stdout
    assert "--json" in said
    assert f"yibao {' '.join(words)}" in said.split("Usage:")[1].partition("\n")[2] or "Move one" in said


def test_a_list_says_when_older_rows_are_no_longer_kept(mocks: Flask, ear: Ear, yibao: Yibao) -> None:
    tell(mocks, 3)
    assert "no longer kept" not in yibao("event", "list").stderr
    deliver(mocks.test_client())
    with mocks.app_context():
        bounds.Bounds(2, 2**40).trim(["default"])
        db.session.commit()
    said = yibao("event", "list").stderr
    assert "! 1 older ones are no longer kept (at most 20000 a space, 256 MiB in all)" in said

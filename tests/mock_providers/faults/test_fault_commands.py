"""`yibao fault` and `yibao event resend`: what they print, and how they end."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from mock_providers.control import commands
from tests.mock_providers.faults.test_asked_faults import URL, carried, deliver
from tests.mock_providers.plans.test_commands import Yibao, objects, yibao
from tests.mock_providers.webhooks.toy import Ear, tell

__all__ = ["yibao"]


def test_a_fault_is_added_listed_and_removed(yibao: Yibao) -> None:
    made = objects(yibao("fault", "add", "amount_changed", "--ref", "A1", "--next", "2", "--json"))[0]
    assert (made["fault"], made["scope"], made["left"], made["expected"]) == (
        "amount_changed",
        {"ref": "A1"},
        2,
        "refuse",
    )
    listed = yibao("fault", "list")
    assert "amount_changed" in listed.stdout and listed.stderr.startswith(f"! fault {made['id']}: amount_changed")
    assert objects(yibao("fault", "remove", str(made["id"]), "--json")) == [{"removed": {"fault": 1}}]
    assert yibao("fault", "remove", str(made["id"])).exit_code == 1
    yibao("fault", "add", "body_empty", "--until", "10m")
    assert objects(yibao("fault", "remove", "--name", "body_empty", "--json")) == [{"removed": {"fault": 1}}]
    assert objects(yibao("fault", "remove", "--all", "--json")) == [{"removed": {"fault": 0}}]


def test_the_catalogue_is_one_object_a_line(yibao: Yibao) -> None:
    rows = objects(yibao("fault", "catalogue", "--vendor", "wechatpay", "--json"))
    assert {"signature_probe", "answer_probe", "body_slow"} <= {row["name"] for row in rows}
    assert all(row["expected"] and row["says"] and row["sources"] for row in rows)
    assert "signature_probe  callback  refuse" in yibao("fault", "catalogue", "--on", "callback").stdout


def test_an_unknown_fault_says_which_are_near_and_ends_with_1(yibao: Yibao) -> None:
    result = yibao("fault", "add", "signature_wrong")
    assert (result.exit_code, "FAULT_UNKNOWN" in result.stderr, "signature_bad" in result.stderr) == (1, True, True)


@pytest.mark.parametrize("words", [
    ("fault", "remove"),
    ("fault", "remove", "1", "--all"),
    ("fault", "add"),
    ("fault", "add", "body_empty", "--next", "0"),
    ("fault", "add", "body_empty", "--percent", "101"),
    ("event", "resend", "1", "--edit", "{"),
    ("event", "resend", "1", "--edit", "[]"),
    ("event", "resend", "1", "--set", "nothing"),
])  # fmt: skip
def test_wrong_use_ends_with_2(yibao: Yibao, words: tuple[str, ...]) -> None:
    assert yibao(*words).exit_code == 2


@pytest.mark.parametrize("verb", ["list", "catalogue"])
def test_without_a_server_it_ends_with_3(verb: str) -> None:
    assert CliRunner().invoke(commands.COMMANDS["fault"], [verb, "--base", "http://127.0.0.1:9"]).exit_code == 3


def test_an_event_is_sent_again_edited_and_with_a_fault(mocks: Flask, ear: Ear, yibao: Yibao) -> None:
    tell(mocks, URL)
    deliver(mocks)
    edited = yibao("event", "resend", "1", "--set", "/n=7", "--edit", '{"more": {"deep": true}}', "--json")
    assert objects(edited)[0]["how"]["signature"] == "fresh"
    yibao("event", "resend", "1", "--fault", "body_empty", "--to", "http://127.0.0.1:8/x")
    deliver(mocks)
    sent: list[Any] = [json.loads(body) if body else None for *_, body in ear.heard]
    assert [one and (one["n"], one.get("more")) for one in sent] == [(0, None), (7, {"deep": True}), None]
    assert carried(mocks) == [None, None, "body_empty"]
    assert ear.heard[-1][0] == "http://127.0.0.1:8/x"

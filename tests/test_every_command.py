"""Every command of `yibao`, whoever wrote it: help that teaches, and a truthful end where no server is."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app import main

NOWHERE = "http://127.0.0.1:9"
AT_HOME = ("up", "doctor")  # they ask no server
DEMANDED = {
    ("endpoint", "add"): ["--vendor", "wechatpay"],
    ("endpoint", "change"): ["--url", "http://127.0.0.1:9/x"],
}


def every(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group) or (words and command.invoke_without_command):
        yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if name != "endpoints":  # the same as `endpoint`
                inner = command.get_command(context, name)
                assert inner is not None
                yield from every(inner, (*words, name))


ALL = dict(every(main))


def given(command: click.Command, folder: Path) -> list[str]:
    """Something for every argument it demands."""
    file = folder / "x.json"
    file.write_text("{}")
    words = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            choices = getattr(parameter.type, "choices", None)
            by_kind = choices[0] if choices else str(file) if isinstance(parameter.type, click.File) else "1"
            words.append({"how_long": "90s", "changes": "a=1"}.get(str(parameter.name), by_kind))
    return words


def test_the_commands_of_the_contract_are_there() -> None:
    contract = "up walk doctor people credentials clock event delivery attempt call timeline plan fault outcome space"
    assert {*contract.split(), "snapshot", "reset", "explain", "wait"} <= {words[0] for words in ALL}


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_teaches_by_an_example(words: tuple[str, ...]) -> None:
    said = CliRunner().invoke(main, [*words, "--help"], prog_name="yibao", env={"COLUMNS": "200"})
    assert said.exit_code == 0
    text = " ".join(said.output.partition("Usage:")[2].partition("\n")[2].split())
    assert f"yibao {' '.join(words)}" in text or f"yibao {words[0]} --" in text
    assert "--json" in text or words == ("up",)


@pytest.mark.parametrize("words", [words for words in ALL if words[0] not in AT_HOME], ids=" ".join)
def test_without_a_server_it_ends_with_3_and_says_so_in_json(words: tuple[str, ...], tmp_path: Path) -> None:
    asked = [*words, *given(ALL[words], tmp_path), *DEMANDED.get(words, []), "--base", NOWHERE, "--json"]
    result = CliRunner().invoke(main, asked, prog_name="yibao", env={"YIBAO_BASE": None})
    assert result.exit_code == 3, result.output
    assert words[0] == "walk" or json.loads(result.stdout)["code"] == "UNREACHABLE"


ROOT = Path(__file__).parents[1]
WRITTEN = re.compile(r"^(yibao .+)$|`(yibao [^`]+)`", re.MULTILINE)
STANDS_FOR = {"ID": "1", "URL": NOWHERE, "HOW_LONG": "1h"}


def written() -> dict[str, str]:
    """Every command line in the documents, and where it stands first."""
    found: dict[str, str] = {}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for match in WRITTEN.finditer(path.read_text("utf-8")):
            line = match[1] or match[2]
            if "…" not in line and "is a whole" not in line:
                found.setdefault(" ".join(line.split()), path.name)
    return found


def spelt(line: str) -> list[str]:
    """Its words, without what the shell does with its output."""
    words = shlex.split(line, comments=True)[1:]
    ends = [words.index(mark) for mark in ("|", ">", "&&") if mark in words]
    return [STANDS_FOR.get(word, word) for word in words[: min(ends, default=len(words))]]


def only_named(words: list[str]) -> bool:
    """Whether a command is spoken of, without anything to do it with."""
    command: click.Command | None = main
    for word in words:
        command = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
    return command is not None


@pytest.mark.parametrize("line", written())
def test_every_command_line_in_the_documents_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = spelt(line)
    if words[0] in AT_HOME or only_named(words):
        return
    monkeypatch.chdir(tmp_path)
    for word in words:
        if file := re.search(r"(?:^|@)([\w-]+\.(plan|txt|jsonl?|pem|http))$", word):
            Path(file[1]).write_text("{}")
    said = CliRunner().invoke(main, words, prog_name="yibao", env={"YIBAO_BASE": NOWHERE})
    assert said.exit_code != 2, said.output

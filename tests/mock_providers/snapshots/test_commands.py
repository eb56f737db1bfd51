"""`yibao snapshot …` and `yibao event rewind` over HTTP."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mock_providers.control.commands import COMMANDS
from tests.served import served


def test_save_list_export_delete_import_restore_and_rewind_from_the_command_line(tmp_path: Path) -> None:
    with served(tmp_path / "data", background=False) as app:
        base = app.config["SETTINGS"].public_url

        def run(noun: str, *words: str) -> Result:
            return CliRunner().invoke(COMMANDS[noun], [*words, "--base", base], catch_exceptions=False)

        file = tmp_path / "one.json"
        assert json.loads(run("snapshot", "save", "one", "--json").output)["kept"]["snapshots"] == 1
        assert "one" in run("snapshot", "list").output
        assert run("snapshot", "export", "one", "--to", str(file)).exit_code == 0
        assert json.loads(file.read_text("utf-8"))["yibao_snapshot"] == 1
        assert run("snapshot", "delete", "one").exit_code == 0
        assert run("snapshot", "restore", "one").exit_code == 1
        assert run("snapshot", "import", str(file), "--name", "two").exit_code == 0
        assert run("snapshot", "restore", "two").exit_code == 0
        assert run("event", "rewind", "1").exit_code == 1
        file.write_text("{", "utf-8")
        assert run("snapshot", "import", str(file)).exit_code == 2


@pytest.mark.parametrize("verb", ["save", "restore", "delete", "export", "import"])
def test_every_verb_explains_itself(verb: str) -> None:
    assert CliRunner().invoke(COMMANDS["snapshot"], [verb, "--help"]).exit_code == 0

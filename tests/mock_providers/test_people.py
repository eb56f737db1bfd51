"""The data files are right, and a wrong one stops the program with file and key in the message."""

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from mock_providers import people
from mock_providers.people import BadData

Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Change one text in a copy of a data file and load the copy."""
    source = files("mock_providers") / "people"
    (tmp_path / "people").mkdir()
    for entry in source.iterdir():
        if entry.name.endswith(".toml"):
            (tmp_path / "people" / entry.name).write_text(entry.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(people, "files", lambda _: tmp_path)

    def change(name: str, old: str, new: str) -> None:
        path = tmp_path / "people" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        people.read.__wrapped__(people.SAMPLE)

    return change


def test_everybody_is_invented() -> None:
    for person in people.world().people.values():
        assert re.match(r"469099|H000000|XSAMPLE|Z99", person.id_number)
        assert not person.phone or person.phone.startswith("1540000")


def test_people_are_found_by_number() -> None:
    world = people.world()
    person = world.people["P01"]
    assert world.by_number[person.id_number] is world.by_psn_no[person.psn_no] is person


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("469099198803159034", "469099198803159035", r"citizens\.toml: people\.P01\.id_number: check character"),
        ("469099198803159034", "460100198803159034", r"citizens\.toml: people\.P01\.id_number: not a sample"),
        ("born_on = 1988-03-15", "born_on = 1988-03-16", r"citizens\.toml: people\.P01\.born_on"),
        ('phone = "15400000001"', 'phone = "13800000001"', r"citizens\.toml: people\.P01\.phone"),
        ("林样一", "林一", r"citizens\.toml: people\.P01\.name"),
        ('relation = "self"', 'relation = "boss"', r"citizens\.toml: people\.P01\.relation"),
        ("balance_fen = 328650", "balance_fen = -1", r"citizens\.toml: people\.P01\.insurance"),
        ('relation = "self"', 'surprise = "self"', r"citizens\.toml: people\.P01: .*surprise"),
        ('guardian = "P01"', 'guardian = "P99"', r"citizens\.toml: people\.P04\.guardian: no person P99"),
        ("[people.P01]", "[people.P01", r"citizens\.toml"),
    ],
)
def test_a_wrong_person_names_file_and_key(edit: Edit, old: str, new: str, message: str) -> None:
    with pytest.raises(BadData, match=message):
        edit("citizens.toml", old, new)


def test_a_wrong_institution_or_item_names_file_and_key(edit: Edit) -> None:
    with pytest.raises(BadData, match=r"institutions\.toml: institutions\.H46019900001: .*colour"):
        edit("institutions.toml", 'kind = "hospital"', 'kind = "hospital"\ncolour = "red"')

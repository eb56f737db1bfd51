"""The data files are right, and a wrong one stops the program with file and key in the message."""

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from mock_providers import create_app, people, switches
from mock_providers.people import BadData
from mock_providers.settings import Settings

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


def test_there_is_a_second_world_for_the_protocol_sheets_checks() -> None:
    there = people.read(people.PROTOCOL)
    assert list(there.people) == [f"P{n}" for n in range(1, 9)] and "P01" not in there.people
    assert list(there.items) == ["A1", "B1", "B2", "B3", "B4", "C1"]
    assert next(iter(people.world().people)) == "P01"


def test_a_world_nobody_made_is_named() -> None:
    with pytest.raises(people.BadData, match="no world 'mars'"):
        people.read("mars")


def test_a_server_lives_in_the_world_it_was_started_with(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, background=False, world="protocol", switches={"wechat.x": "y"}))
    with app.app_context():
        assert people.world() is people.read(people.PROTOCOL)
        assert switches.value("national.suspended_person") == "refuse"
    shown = app.test_client().get("/_mock/people").get_json()
    assert "P1" in str(shown) and "P01" not in str(shown)

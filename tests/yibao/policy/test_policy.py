"""The policies in the regions folder, and what happens to one that is wrong."""

from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao import policy, texts

REGIONS = sorted(entry.name.removesuffix(".toml") for entry in (files("yibao") / "regions").iterdir())
HN = policy.load("hn")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_loads_and_names_texts_that_exist(region: str) -> None:
    for one in policy.load(region):
        assert (one.notice.template_id, one.notice.version) in texts.load()
        assert (one.letter.template_id, one.letter.version) in texts.load()


@pytest.mark.parametrize(
    ("day", "version"),
    [
        ("2022-01-01", "hn-2022.1"),
        ("2024-09-30", "hn-2022.1"),
        ("2024-10-01", "hn-2024.4"),
        ("2024-12-31", "hn-2024.4"),
        ("2025-01-01", "hn-2025.1"),
        ("2099-12-31", "hn-2025.1"),
    ],
)
def test_a_version_holds_from_its_first_day(day: str, version: str) -> None:
    assert policy.at(HN, date.fromisoformat(day)).version == version


@given(st.dates(date(2022, 1, 1), date(2100, 1, 1)))
def test_on_any_day_exactly_one_version_is_in_force(day: date) -> None:
    found = policy.at(HN, day)
    assert found.effective_from <= day <= (found.effective_to or day)


def test_a_pinned_version_holds_on_every_day() -> None:
    assert policy.at(HN, date(2025, 12, 1), "hn-2022.1").version == "hn-2022.1"


@pytest.mark.parametrize(("day", "pinned"), [(date(2021, 12, 31), ""), (date(2025, 1, 1), "hn-1999.1")])
def test_before_the_first_version_and_for_an_unknown_one_there_is_nothing(day: date, pinned: str) -> None:
    with pytest.raises(LookupError):
        policy.at(HN, day, pinned)


def test_the_defaults_of_hainan() -> None:
    one = HN[-1]
    assert (one.family_account.max_children, one.family_account.max_members) == (3, None)
    assert one.family_account.max_binders_per_person == 2
    assert (one.age_rule.adult_from, one.age_rule.inclusive, one.age_rule.reached) == (16, True, "on_birthday")
    assert one.sync.retry_every == timedelta(minutes=30)
    assert one.family_account.fee_fen == 0
    assert one.channel("hn_mini").labels["submit"] == "激活并添加账户"  # type: ignore[union-attr]
    assert one.channel("alipay") is None


def test_near_relatives_came_in_october_2024() -> None:
    before, after = HN[0].family_account.allowed_relations, HN[1].family_account.allowed_relations
    assert set(after) - set(before) == {"grandparent", "grandchild", "sibling"}


def test_a_profile_starts_from_the_last_version_of_the_file_it_extends() -> None:
    six = policy.load("generic-6")[0]
    assert (six.family_account.max_members, six.family_account.max_children) == (6, 3)
    assert policy.load("taiyuan-review")[0].review.mode == "manual"
    assert policy.load("shanxi")[0].effect.unbind == "next_day"


def test_no_profile_of_another_place_is_nothing_but_data() -> None:
    code = "".join(path.read_text() for path in Path(str(files("yibao"))).rglob("*.py"))
    assert "460000" not in code and "hn-2025" not in code


@pytest.mark.parametrize("region", ["atlantis", "../hn", "hn.toml", "", "HN"])
def test_a_region_that_is_not_there_stops_the_program(region: str) -> None:
    with pytest.raises(policy.BadPolicy, match="no such region"):
        policy.load(region)


@pytest.fixture
def region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write hn.toml with a text replaced, and load it."""
    (tmp_path / "regions").mkdir()
    original = (files("yibao") / "regions" / "hn.toml").read_text("utf-8")
    monkeypatch.setattr(policy, "files", lambda package: tmp_path)

    def load(old: str, new: str) -> None:
        assert old in original
        (tmp_path / "regions" / "hn.toml").write_text(original.replace(old, new, 1), "utf-8")
        policy.load("hn")

    return load


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_children = 3", 'max_children = "3"', "family_account.max_children: must be int"),
        ("max_children = 3", "max_children = true", "family_account.max_children: must be int"),
        ("max_children = 3", "max_children = -1", "family_account.max_children: must not be negative"),
        ("max_children = 3", "", "family_account.max_children: missing"),
        ("max_children = 3", "max_children = 3\nmax_cats = 1", "family_account.max_cats: unknown key"),
        ("[rules.credential]\nrequired = true", "[[rules.credential]]", "credential: must be a table"),
        ('retry_every = "PT30M"', 'retry_every = "30 minutes"', "sync.retry_every: '30 minutes' is not a duration"),
        ('retry_every = "PT30M"', 'retry_every = "P"', "sync.retry_every"),
        ('mode = "auto"', 'mode = "lottery"', "review.mode: 'lottery' is not one of"),
        ('reached = "on_birthday"', "reached = 16", "age_rule.reached"),
        ('"spouse", "parent", "child", "grandparent"', '"friend"', r"allowed_relations\[0\]: 'friend'"),
        ('sources = ["W1", "W6"]', 'sources = "W1"', "sources: must be a list"),
        ('tz = "Asia/Shanghai"', 'tz = "UTC"', "tz"),
        ('region_code = "460000"', 'region_code = "46"', "region_code: six digits"),
        ('province_prefix = "46"', 'province_prefix = "hn"', "province_prefix"),
        ("effective_to = 2024-09-30", "effective_to = 2024-09-29", "hn-2022.1 must end the day before"),
        ("effective_from = 2024-10-01", "effective_from = 2021-10-01", "oldest first"),
        (
            "effective_from = 2025-01-01",
            "effective_from = 2025-01-01\neffective_to = 2030-01-01",
            "last version is open",
        ),
        ('needs = [["birth_certificate"]]', 'needs = "birth_certificate"', "needs: must be a list"),
        ('id_types = ["birth_certificate"]', 'id_types = ["id_card"]', "two rules for child with id_card"),
        ('needs = [["id_card", "household_register"]]', 'needs = [["birth_certificate"]]', "for children only"),
        ('add_patient = "添加就诊人"', "add_patient = 1", "labels: must be a table of text"),
        ('version = "hn-2022.1"', "= 1", "hn.toml: "),
        ("[rules]\n", "[other]\n[rules]\n", "other: unknown key"),
    ],
)
def test_a_wrong_policy_stops_the_program_and_says_where(region: Any, old: str, new: str, message: str) -> None:
    with pytest.raises(policy.BadPolicy, match=message) as caught:
        region(old, new)
    assert "regions/hn.toml" in str(caught.value)


def test_a_file_without_versions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "x.toml").write_text("[rules]\n")
    monkeypatch.setattr(policy, "files", lambda package: tmp_path)
    with pytest.raises(policy.BadPolicy, match=r"regions/x.toml: versions"):
        policy.load("x")

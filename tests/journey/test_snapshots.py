"""The whole simulator put back to half of a journey, and on from there another way."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from app import InProcess, Simulator, join
from mock_providers.phone.handset import Handset
from mock_providers.snapshots import keeper, shelf
from tests.journey.conftest import BASE, post_to
from tests.journey.world import Tables

SHOP = "P46019900008"
Json = dict[str, Any]
OF_THE_CALLS = {"call", "mark", "space", "attempt"}


def half_way(phone: Handset) -> Json:
    """P02 has confirmed a purchase with cash and has not paid yet; the clock stands."""
    phone.control("POST", "clock", {"freeze": True})
    phone.ready("P02")
    quote = phone.quote(SHOP, [("D09", 3), ("D13", 2), ("D25", 1)], prescription_no="RXSAMPLE-E3")
    return {**phone.confirm(quote), "id": quote["id"]}


def seen(phone: Handset, confirmed: Json) -> Json:
    """The purchase as its owner sees it; what the cashier is called with is signed anew each time."""
    return {key: value for key, value in phone.settlement(confirmed["id"]).items() if key != "pay"}


def pay(phone: Handset, confirmed: Json) -> tuple[str, list[Json]]:
    """Pay, let everything arrive; the state, and the events without what only tells rows apart."""
    phone.pay(confirmed)
    phone.deliver()
    rows = phone.control("GET", "events")["items"]
    told = [
        {key: row[key] for key in ("vendor", "type", "ref", "notice_id", "created_at") if key in row} for row in rows
    ]
    return phone.settlement(confirmed["id"])["state"], told


def test_from_half_way_the_same_again_and_then_another_way(phone: Handset) -> None:
    confirmed = half_way(phone)
    phone.control("POST", "snapshots", {"name": "half"})
    before = seen(phone, confirmed)
    first = pay(phone, confirmed)
    assert first[0] != before["state"]
    phone.control("POST", "snapshots/half/restore", {})
    assert seen(phone, confirmed) == before
    assert pay(phone, confirmed) == first, "serials are put back: the same numbers are given again"
    phone.control("POST", "snapshots/half/restore", {})
    phone.api("POST", f"/settlements/{confirmed['id']}/cancellation", {})
    phone.deliver()
    assert phone.settlement(confirmed["id"])["state"] not in (first[0], before["state"])


def rows(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for half in ("mock", "yibao"):
        if (folder / f"{half}.sqlite").exists():
            tables = Tables(folder / f"{half}.sqlite")
            found |= {f"{half}.{name}": held for name, held in tables.kept.items() if name not in OF_THE_CALLS}
            tables.close()
    return {name: held for name, held in found.items() if not name.endswith("sqlite_sequence")}


def test_restoring_puts_every_row_of_both_halves_back(phone: Handset, tmp_path: Path) -> None:
    confirmed = half_way(phone)
    phone.control("POST", "snapshots", {"name": "half"})
    before = rows(tmp_path)
    assert {name.partition(".")[0] for name in before} == {"mock", "yibao"}
    pay(phone, confirmed)
    phone.control("POST", "deviations", {"control.checkpoints": "3"})
    assert rows(tmp_path) != before
    phone.control("POST", "snapshots/half/restore", {})
    after = rows(tmp_path)
    assert [name for name in before if before[name] != after[name]] == []


def test_other_spaces_do_not_notice(phone: Handset, phone_in: Any, tmp_path: Path) -> None:
    other = phone_in("other")
    other.ready("P01")
    half_way(phone)
    phone.control("POST", "snapshots", {"name": "half"})
    other.start_binding()
    theirs = [row for row in phone.control("GET", "spaces")["items"] if row["name"] == "other"]
    seen = other.control("GET", "calls?limit=500")["items"]
    phone.control("POST", "snapshots/half/restore", {})
    assert other.control("GET", "calls?limit=500")["items"][: len(seen)] == seen
    assert [row["seed"] for row in theirs] == [1]
    assert other.api("GET", "/me")["openid_masked"]
    assert phone.api("GET", "/me")["openid_masked"]


def test_rewinding_to_before_an_event_undoes_that_event_and_what_came_after(phone: Handset) -> None:
    confirmed = half_way(phone)
    phone.control("POST", "deviations", {"control.checkpoints": "10"})
    before = phone.control("GET", "events")["items"]
    waiting = phone.settlement(confirmed["id"])["state"]
    pay(phone, confirmed)
    came = [row for row in phone.control("GET", "events")["items"] if row not in before]
    assert len(came) >= 2
    last = came[-1]["id"]
    said = phone.control("POST", f"events/{last}/rewind", {})
    assert said["exact"]
    assert said["events_undone"] == len(came), "told in one transaction, they are undone together"
    assert phone.settlement(confirmed["id"])["state"] == waiting
    assert last not in [row["id"] for row in phone.control("GET", "events")["items"]]


@pytest.mark.parametrize("when", ["before the mocks", "between the halves", "after both"])
def test_a_restore_that_was_killed_is_done_whole_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    simulator, phone = started(tmp_path)
    confirmed = half_way(phone)
    phone.control("POST", "snapshots", {"name": "half"})
    before = rows(tmp_path)
    pay(phone, confirmed)
    with monkeypatch.context() as broken:
        if when == "before the mocks":
            broken.setattr(keeper, "_mocks", killed)
        elif when == "between the halves":
            broken.setattr(keeper, "_neighbour_and_end", killed)
        else:
            broken.setattr(keeper.Cabinet, "end", killed)
        with pytest.raises(Killed):
            keeper.restore(simulator.mocks, "default", tmp_path / "snapshots" / "default" / "half")
    simulator.close()
    simulator, phone = started(tmp_path)
    after = rows(tmp_path)
    assert [name for name in before if before[name] != after[name]] == []
    assert not (tmp_path / "snapshots" / "default" / "restoring").exists()
    simulator.close()


class Killed(BaseException):
    """The process ends here."""


def killed(*_: Any) -> Any:
    raise Killed


def started(data: Path) -> tuple[Simulator, Handset]:
    simulator = join(data, BASE, background=False)
    simulator.mocks.extensions["sender"].post = post_to(simulator)
    session = requests.Session()
    session.mount("http://", InProcess(simulator))
    return simulator, Handset(BASE, session=session)


def test_exported_and_imported_elsewhere_the_journey_goes_on_after_a_new_login(
    phone: Handset, tmp_path: Path
) -> None:
    confirmed = half_way(phone)
    phone.control("POST", "snapshots", {"name": "half"})
    document = phone.control("GET", "snapshots/half/export")
    simulator, theirs = started(tmp_path / "elsewhere")
    theirs.control("POST", "spaces", {"name": "fresh"})
    theirs.space = "fresh"
    theirs.log_in("P01")
    theirs.control("POST", "snapshots/import", {"name": "from-elsewhere", "snapshot": document})
    said = theirs.control("POST", "snapshots/from-elsewhere/restore", {})
    assert said["events"] == len(theirs.control("GET", "events")["items"])
    theirs.log_in("P02")
    assert theirs.settlement(confirmed["id"])["state"] == phone.settlement(confirmed["id"])["state"]
    simulator.close()


def test_imported_beside_the_space_it_came_from_every_row_gets_a_new_id(phone: Handset, phone_in: Any) -> None:
    confirmed = half_way(phone)
    phone.control("POST", "snapshots", {"name": "half"})
    document = phone.control("GET", "snapshots/half/export")
    other = phone_in("beside")
    other.control("POST", "snapshots/import", {"snapshot": document})
    assert other.control("POST", "snapshots/half/restore", {})["renumbered"] > 0
    assert other.control("GET", "clock")["now"] == phone.control("GET", "clock")["now"]
    other.log_in("P02")
    assert seen(other, confirmed)["state"] == seen(phone, confirmed)["state"]


def test_an_export_holds_no_secret_of_the_space_in_any_form(phone: Handset, tmp_path: Path) -> None:
    confirmed = half_way(phone)
    pay(phone, confirmed)
    phone.control("POST", "snapshots", {"name": "all"})
    text = json.dumps(phone.control("GET", "snapshots/all/export"), ensure_ascii=False)
    credentials = phone.control("GET", "credentials")
    secrets = [
        value
        for vendor in credentials.values()
        for about in (vendor, *(inner for inner in vendor.values() if isinstance(inner, dict)))
        for name, value in about.items()
        if isinstance(value, str)
        and ("secret" in name or "private" in name or name.endswith("_key"))
        and not name.startswith("public")
        and "platform_public" not in name
    ]
    assert len(secrets) > 8
    tables = Tables(tmp_path / "mock.sqlite").kept
    assert tables["wechat_token"] or tables["wechat_user"]
    for value in secrets:
        assert value not in text
        assert json.dumps(value)[1:-1] not in text
    for table, column in (
        ("wechat_user", "session_key"),
        ("wechat_token", "token"),
        ("national_pay_order", "pay_token"),
        ("national_consent", "code"),
        ("national_pay_authorisation", "number"),
        ("national_shown_code", "code"),
    ):
        for value in column_of(tmp_path / "mock.sqlite", table, column):
            assert value not in text, (table, column)
    assert "PRIVATE KEY" not in text and "Authorization" not in text


def column_of(file: Path, table: str, column: str) -> list[str]:
    import sqlite3

    with sqlite3.connect(file) as live:
        return [row[0] for row in live.execute(f'SELECT "{column}" FROM "{table}"') if row[0]]


def test_every_column_that_looks_like_a_link_is_one(tmp_path: Path) -> None:
    """Shifted ids shift these columns along: a new `…_id` of whole numbers has to be an id of this database."""
    import sqlite3

    simulator, _ = started(tmp_path)
    simulator.close()
    links = set()
    for half in ("mock", "yibao"):
        with sqlite3.connect(tmp_path / f"{half}.sqlite") as live:
            links |= {link for table in shelf.tables(live) for link in table.links}
    assert links == {
        "order_id",
        "grant_id",
        "plan_id",
        "event_id",
        "behind_id",
        "delivery_id",
        "user_id",
        "endpoint_id",
    }

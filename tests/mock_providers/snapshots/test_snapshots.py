"""`/_mock/snapshots` on the mocks alone: what is kept, what is put back, what is refused."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app, serials, spaces
from mock_providers.db import db
from mock_providers.settings import Settings
from mock_providers.snapshots import cabinet, keeper, shelf
from mock_providers.webhooks.models import Delivery, emit

Json = dict[str, Any]
NOWHERE = "http://127.0.0.1:9/"


def happen(app: Flask, ref: str, space: str = "default") -> int:
    with spaces.entered(app, space):
        event = emit("wechatpay", "TRANSACTION.SUCCESS", ref, {"out_trade_no": ref}, NOWHERE)
        db.session.commit()
        return event.id


def save(client: FlaskClient, name: str = "one") -> Json:
    answer = client.post("/_mock/snapshots", json={"name": name})
    assert answer.status_code == 200, answer.json
    return answer.json


def restore(client: FlaskClient, name: str = "one") -> Json:
    answer = client.post(f"/_mock/snapshots/{name}/restore")
    assert answer.status_code == 200, answer.json
    return answer.json


def refs(client: FlaskClient, **headers: str) -> list[str]:
    return [row["ref"] for row in client.get("/_mock/events", headers=headers).json["items"]]


def test_what_came_since_goes_and_what_went_comes_back(mocks: Flask, client: FlaskClient) -> None:
    happen(mocks, "A1")
    said = save(client)
    assert said["events"] == 1 and said["kept"]["snapshots"] == 1 and said["kept"]["bytes_at_most"] > said["bytes"]
    happen(mocks, "A2")
    client.post("/_mock/reset", json={"level": "all"})
    happen(mocks, "A3")
    restore(client)
    assert refs(client) == ["A1"]
    assert restore(client)["rows"]["added"] == 0, "the second time there is nothing to do"


def test_numbers_are_given_again_and_ids_of_rows_are_not(mocks: Flask, client: FlaskClient) -> None:
    save(client)
    first = happen(mocks, "A1")
    told = client.get(f"/_mock/events/{first}").json["notice_id"]
    restore(client)
    second = happen(mocks, "A1")
    assert client.get(f"/_mock/events/{second}").json["notice_id"] == told
    assert second > first, "whoever remembers an id never meets another event under it"


def test_the_clock_shows_what_it_showed_and_stands_if_it_stood(client: FlaskClient) -> None:
    at = client.post("/_mock/clock", json={"freeze": True}).json["now"]
    save(client)
    client.post("/_mock/clock", json={"advance": "3h"})
    client.post("/_mock/clock", json={"resume": True})
    restore(client)
    now = client.get("/_mock/clock").json
    assert now["now"] == at and now["frozen"]


def test_switches_outcomes_plans_and_faults_are_put_back(client: FlaskClient) -> None:
    client.post("/_mock/deviations", json={"control.checkpoints": "2"})
    client.post("/_mock/plans", json={"text": "hold 1"})
    client.post("/_mock/faults", json={"fault": "signature_bad"})
    paths = ("plans", "faults", "outcomes")
    before = {path: client.get(f"/_mock/{path}").json["items"] for path in paths}
    assert before["plans"] and before["faults"]
    save(client)
    client.post("/_mock/reset", json={"level": "all"})
    assert not any(client.get(f"/_mock/{path}").json["items"] for path in paths)
    restore(client)
    assert {path: client.get(f"/_mock/{path}").json["items"] for path in paths} == before
    switch = next(
        row for row in client.get("/_mock/deviations").json["items"] if row["name"] == "control.checkpoints"
    )
    assert switch["value"] == "2"


def test_every_reset_leaves_snapshots_and_a_removed_space_takes_its_own_along(
    client: FlaskClient, tmp_path: Path
) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    there = {"X-Yibao-Space": "other"}
    client.post("/_mock/snapshots", json={"name": "theirs"}, headers=there)
    save(client)
    for level in ("traffic", "faults", "state", "all"):
        client.post("/_mock/reset", json={"level": level})
        assert [row["name"] for row in client.get("/_mock/snapshots").json["items"]] == ["one"]
    client.delete("/_mock/spaces/other")
    assert not (tmp_path / "snapshots" / "other").exists()


def test_another_space_has_other_snapshots_and_keeps_its_rows(mocks: Flask, client: FlaskClient) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    save(client)
    happen(mocks, "B1", "other")
    there = {"X-Yibao-Space": "other"}
    assert client.get("/_mock/snapshots", headers=there).json["items"] == []
    assert client.post("/_mock/snapshots/one/restore", headers=there).status_code == 404
    restore(client)
    assert refs(client, **there) == ["B1"]


def test_where_another_space_took_an_id_meanwhile_all_get_new_ones_that_fit(
    mocks: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    with spaces.entered(mocks, "default"):
        serials.number("x")
        db.session.commit()
    first = happen(mocks, "A1")
    save(client)
    client.post("/_mock/reset", json={"level": "all"})
    with spaces.entered(mocks, "other"):
        for kind in range(9):
            serials.number(f"x{kind}")
        db.session.commit()
    said = restore(client)
    assert said["renumbered"] > 0 and refs(client) == ["A1"]
    event = client.get("/_mock/events").json["items"][0]["id"]
    assert event == first + said["renumbered"]
    assert client.get("/_mock/deliveries").json["items"][0]["event"] == event
    with sqlite3.connect(tmp_path / "mock.sqlite") as live:
        assert live.execute("PRAGMA foreign_key_check").fetchall() == []
    assert happen(mocks, "A2") > event


def test_what_was_in_flight_is_sent_again_and_says_so(mocks: Flask, client: FlaskClient, tmp_path: Path) -> None:
    happen(mocks, "A1")
    with spaces.entered(mocks, "default"):
        db.session.query(Delivery).update({"state": "leased", "leased_at_ns": 1})
        db.session.commit()
    keeper.write(mocks, "default", tmp_path / "snapshots" / "default" / "one")
    restore(client)
    delivery = client.get("/_mock/deliveries").json["items"][0]
    assert delivery["state"] == "pending" and delivery["reason"] == keeper.IN_FLIGHT


def test_rewinding_takes_the_newest_snapshot_older_than_the_event(mocks: Flask, client: FlaskClient) -> None:
    save(client, "first")
    happen(mocks, "A1")
    save(client, "second")
    event = happen(mocks, "A2")
    save(client, "third")
    said = client.post(f"/_mock/events/{event}/rewind").json
    assert (said["restored"], said["exact"], said["events_undone"]) == ("second", False, 1)
    assert refs(client) == ["A1"]


def test_a_snapshot_of_an_abandoned_branch_is_no_past(mocks: Flask, client: FlaskClient) -> None:
    save(client, "root")
    happen(mocks, "A1")
    save(client, "abandoned")
    restore(client, "root")
    event = happen(mocks, "B1")
    assert client.post(f"/_mock/events/{event}/rewind").json["restored"] == "root"
    assert refs(client) == []


def test_with_nothing_saved_before_a_rewind_says_how_to_have_it_next_time(mocks: Flask, client: FlaskClient) -> None:
    event = happen(mocks, "A1")
    answer = client.post(f"/_mock/events/{event}/rewind")
    assert answer.status_code == 409 and "control.checkpoints" in answer.json["detail"]
    assert client.post("/_mock/events/999/rewind").status_code == 404


def test_checkpoints_are_exact_and_bounded(mocks: Flask, client: FlaskClient) -> None:
    client.post("/_mock/deviations", json={"control.checkpoints": "2"})
    events = [happen(mocks, f"A{number}") for number in range(4)]
    assert [path.name for path in keeper.of(mocks, "default").automatic()] == [str(id_) for id_ in events[-2:]]
    said = client.post(f"/_mock/events/{events[2]}/rewind").json
    assert said["exact"] and refs(client) == ["A0", "A1"]
    assert client.get("/_mock/snapshots").json["items"] == [], "they are not among the named ones"


@pytest.mark.parametrize("value", ["51", "-1", "x"])
def test_the_number_of_checkpoints_is_bounded(client: FlaskClient, value: str) -> None:
    assert client.post("/_mock/deviations", json={"control.checkpoints": value}).status_code == 400


def test_the_number_of_checkpoints_can_be_said_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCK_CHECKPOINTS", "5")
    assert Settings.from_env().switches == {"control.checkpoints": "5"}


def test_beyond_what_is_kept_the_oldest_goes_and_the_answer_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cabinet, "KEPT_AT_MOST", 2)
    assert [save(client, name)["dropped"] for name in ("a", "b", "c")] == [[], [], ["a"]]
    monkeypatch.setattr(cabinet, "BYTES_AT_MOST", 1)
    assert save(client, "d")["dropped"] == ["b", "c"], "the newest stays whatever it weighs"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "x" * 65, ".events", "a b"])
def test_names_stay_in_their_directory(client: FlaskClient, name: str) -> None:
    assert client.post("/_mock/snapshots", json={"name": name}).status_code == 400
    assert client.delete("/_mock/snapshots", query_string={"name": name}).status_code == 400


def test_a_name_is_given_once_and_what_is_not_there_is_404(client: FlaskClient) -> None:
    save(client)
    assert client.post("/_mock/snapshots", json={"name": "one"}).status_code == 409
    assert client.delete("/_mock/snapshots?name=one").json["deleted"] == "one"
    assert client.delete("/_mock/snapshots?name=one").status_code == 404
    assert client.get("/_mock/snapshots/one/export").status_code == 404


def test_a_broken_file_changes_nothing(mocks: Flask, client: FlaskClient, tmp_path: Path) -> None:
    happen(mocks, "A1")
    save(client)
    happen(mocks, "A2")
    (tmp_path / "snapshots" / "default" / "one" / cabinet.MOCKS).write_bytes(b"no database" * 100)
    answer = client.post("/_mock/snapshots/one/restore")
    assert answer.status_code == 409 and "nothing was changed" in answer.json["detail"]
    assert refs(client) == ["A1", "A2"]
    assert not keeper.of(mocks, "default").unfinished.exists()


def test_a_restore_cut_before_its_commit_changes_nothing_until_the_next_start_ends_it(
    mocks: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(mocks, "A1")
    save(client)
    happen(mocks, "A2")

    class Cut(BaseException):
        pass

    def cut(*_: Any) -> int:
        raise Cut

    with monkeypatch.context() as broken, pytest.raises(Cut):
        broken.setattr(shelf, "_insert", cut)
        keeper.restore(mocks, "default", tmp_path / "snapshots" / "default" / "one")
    assert refs(client) == ["A1", "A2"]
    again = create_app(Settings(data=tmp_path, background=False)).test_client()
    assert refs(again) == ["A1"]


def test_a_snapshot_half_written_is_not_there(client: FlaskClient, tmp_path: Path) -> None:
    save(client)
    folder = tmp_path / "snapshots" / "default"
    shutil.copytree(folder / "one", folder / ".two.part")
    (folder / "three").mkdir()
    assert [row["name"] for row in client.get("/_mock/snapshots").json["items"]] == ["one"]


def test_exported_and_imported_into_another_space_it_belongs_to_that_one(mocks: Flask, client: FlaskClient) -> None:
    happen(mocks, "A1")
    save(client)
    document = client.get("/_mock/snapshots/one/export").json
    assert {"account", "call", "attempt", "wechat_token"} <= set(document["left_out"])
    client.post("/_mock/spaces", json={"name": "other", "seed": 7})
    there = {"X-Yibao-Space": "other"}
    keys = client.get("/_mock/credentials", headers=there).json
    said = client.post("/_mock/snapshots/import", json={"name": "in", "snapshot": document}, headers=there)
    assert said.status_code == 200 and said.json["imported"]
    assert client.post("/_mock/snapshots/in/restore", headers=there).status_code == 200
    assert refs(client, **there) == ["A1"] == refs(client)
    assert client.get("/_mock/credentials", headers=there).json == keys


def test_what_is_no_exported_snapshot_is_refused_and_leaves_nothing(client: FlaskClient) -> None:
    save(client)
    good = client.get("/_mock/snapshots/one/export").json
    bad: list[Any] = [
        {},
        {**good, "yibao_snapshot": 2},
        {**good, "halves": {}},
        {**good, "halves": {"mock": {"a; drop": {"columns": ["id"], "rows": []}}}},
        {**good, "halves": {"mock": {"event": {"columns": ["id"], "rows": [[1, 2]]}}}},
        {**good, "halves": {"../x": {}}},
        {**good, "about": 1},
        {**good, "materials": {"../../x": {"base64": ""}}},
        {**good, "materials": []},
    ]
    for document in bad:
        answer = client.post("/_mock/snapshots/import", json={"name": "bad", "snapshot": document})
        assert answer.status_code == 400, json.dumps(document)[:100]
    assert [row["name"] for row in client.get("/_mock/snapshots").json["items"]] == ["one"]


@pytest.mark.parametrize(("table", "column", "value"), [
    ("event", "plain", "no JSON"),
    ("event", "created_at", "yesterday"),
    ("event", "created_at", 10**18),
    ("event", "id", -5),
    ("event", "ref", None),
    ("event", "ref", 5),
    ("delivery", "tries", "often"),
    ("delivery", "next_at", 10**17),
    ("delivery", "url", None),
    ("delivery", "fault", "{"),
    ("delivery", "how", "[1]"),
    ("event", "plain", "[]"),
    ("hands", "offset_ms", "x"),
    ("hands", "frozen_at", 10**17),
])  # fmt: skip
def test_a_damaged_value_is_refused_when_it_comes_in_not_when_it_is_read(
    mocks: Flask, client: FlaskClient, table: str, column: str, value: Any
) -> None:
    happen(mocks, "A1")
    save(client)
    document = client.get("/_mock/snapshots/one/export").json
    held = document["halves"]["mock"][table]
    held["rows"][0][held["columns"].index(column)] = value
    answer = client.post("/_mock/snapshots/import", json={"name": "bad", "snapshot": document})
    assert answer.status_code == 400 and answer.json["fields"]["snapshot"], answer.json
    assert [row["name"] for row in client.get("/_mock/snapshots").json["items"]] == ["one"]


def test_what_a_document_says_of_itself_is_checked_against_what_it_holds(mocks: Flask, client: FlaskClient) -> None:
    happen(mocks, "A1")
    save(client)
    document = client.get("/_mock/snapshots/one/export").json
    document["about"] |= {"events": -5}
    said = client.post("/_mock/snapshots/import", json={"name": "in", "snapshot": document})
    assert said.json["events"] == 1
    document["about"] |= {"at": "yesterday"}
    assert client.post("/_mock/snapshots/import", json={"name": "bad", "snapshot": document}).status_code == 400


def test_what_comes_from_elsewhere_replaces_what_has_the_same_ids_here(
    mocks: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    elsewhere = create_app(Settings(data=tmp_path / "elsewhere", background=False))
    theirs = elsewhere.test_client()
    happen(elsewhere, "THEIRS")
    save(theirs)
    happen(mocks, "OURS")
    document = theirs.get("/_mock/snapshots/one/export").json
    assert client.post("/_mock/snapshots/import", json={"snapshot": document}).status_code == 200
    restore(client)
    assert refs(client) == ["THEIRS"]

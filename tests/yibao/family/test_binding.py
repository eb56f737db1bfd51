"""Binding a relative, from 添加就诊人 to ACTIVE."""

from typing import Any

import pytest
import requests
from sqlalchemy import select

from tests.yibao.family.conftest import BEGIN, PEOPLE, UNKNOWN, Hand, Household
from yibao import audit
from yibao.db import db
from yibao.spaces import entered


def moves(home: Household, key: str) -> list[tuple[str, str]]:
    """(state, actor) of every move of a binding."""
    with entered(home.app, "default"):
        rows = select(audit.AuditEntry).filter_by(machine="binding", ref=key).order_by(audit.AuditEntry.id)
        return [(row.after, row.actor) for row in db.session.scalars(rows)]


def test_a_child_is_bound_by_the_guardians_letter_and_no_face_of_its_own(lin: Hand) -> None:
    key = lin.prepare("P04")
    assert lin.submit(key).get_json()["state"] == "ACTIVE"


def test_an_adult_is_bound_when_their_own_face_was_recognised(lin: Hand) -> None:
    key = lin.prepare("P07")
    binding = lin.submit(key).get_json()
    assert (binding["state"], binding["face_subject"]) == ("FACE_PENDING", "relative")
    ticket = lin.call("post", f"/bindings/{key}/face", {"subject": "relative"})
    assert lin.home.vendors.sent(BEGIN)[-1]["cert_info"]["cert_name"] == "王样七"
    assert lin.show_face(ticket).status_code == 200
    assert lin.state(key) == "ACTIVE"


def test_every_move_is_audited_with_both_sides_as_actors(lin: Hand) -> None:
    key = lin.bind("P07")
    assert moves(lin.home, key) == [
        ("DRAFT", "U"),
        ("NOTICE_READ", "U"),
        ("INFO_OK", "U"),
        ("INFO_OK", "U"),
        ("MATERIAL_OK", "S"),
        ("MATERIAL_OK", "U"),
        ("LETTER_SIGNED", "U"),
        ("SUBMITTED", "U"),
        ("CHECKING", "S"),
        ("FACE_PENDING", "S"),
        ("ACTIVE", "R"),
    ]
    with entered(lin.home.app, "default"):
        versions = select(audit.AuditEntry.policy_version).filter_by(machine="binding")
        assert set(db.session.scalars(versions)) == {"hn-2025.1"}


def test_the_relative_may_show_their_face_on_their_own_phone(home: Household, lin: Hand) -> None:
    key = lin.prepare("P07")
    lin.submit(key)
    wang = home.phone("P07")
    assert [row["id"] for row in wang.ask("get", "/bindings?role=relative")["items"]] == [key]
    assert wang.show_face(wang.call("post", f"/bindings/{key}/face", {"subject": "relative"})).status_code == 200
    assert lin.state(key) == "ACTIVE"


def test_a_failed_face_leaves_the_binding_waiting_with_the_reason(home: Household, lin: Hand) -> None:
    key = lin.prepare("P07")
    lin.submit(key)
    home.face(10004)
    failed = lin.show_face(lin.call("post", f"/bindings/{key}/face", {"subject": "relative"}))
    assert failed.get_json()["code"] == "FACE_FAIL"
    binding = lin.ask("get", f"/bindings/{key}")
    assert (binding["state"], binding["reason"]) == ("FACE_PENDING", "FACE_FAIL")


def test_the_binders_own_face_is_asked_exactly_once(lin: Hand) -> None:
    key = lin.start()
    lin.enter(key, "P04")
    lin.papers(key)
    lin.sign(key)
    assert lin.refused("post", f"/bindings/{key}/submission") == "FACE_NOT_FINISHED"
    assert lin.state(key) == "LETTER_SIGNED"
    lin.own_face(key)
    assert lin.refused("post", f"/bindings/{key}/face", {"subject": "self"}) == "FACE_TICKET_USED"
    assert lin.submit(key).status_code == 200


def test_a_failed_own_face_is_why_the_submission_is_refused(home: Household, lin: Hand) -> None:
    key = lin.start()
    lin.enter(key, "P04")
    lin.papers(key)
    lin.sign(key)
    home.face(10002)
    lin.show_face(lin.call("post", f"/bindings/{key}/face", {"subject": "self"}))
    assert lin.refused("post", f"/bindings/{key}/submission") == "FACE_NOT_LIVE"


def test_a_newborn_is_bound_by_its_certificate_and_the_mothers_face(home: Household, lin: Hand) -> None:
    key = lin.prepare("P06")
    binding = lin.submit(key).get_json()
    assert (binding["state"], binding["face_subject"]) == ("FACE_PENDING", "mother")
    assert lin.refused("post", f"/bindings/{key}/face", {"subject": "self"}) == "FACE_SUBJECT_MISMATCH"
    assert lin.refused("post", f"/bindings/{key}/face", {"subject": "relative"}) == "FACE_SUBJECT_MISMATCH"
    lin.show_face(lin.call("post", f"/bindings/{key}/face", {"subject": "mother"}))
    assert home.vendors.sent(BEGIN)[-1]["cert_info"]["cert_no"] == PEOPLE["P07"]["id_number"]
    assert lin.state(key) == "ACTIVE"


@pytest.mark.parametrize(
    "changes", [{"mother_name": "陈样二"}, {"mother_id_number": "469099198911239146", "mother_name": "王样柒"}]
)
def test_a_certificate_with_another_mother_is_refused(lin: Hand, changes: dict[str, str]) -> None:
    key = lin.prepare("P06", **changes)
    assert lin.refused("post", f"/bindings/{key}/submission") == "FA_MOTHER_MISMATCH"


def test_somebody_with_a_hong_kong_permit_is_bound_with_both_sides_and_a_relation_paper(home: Household) -> None:
    chen = home.phone("P02")
    key = chen.start()
    chen.enter(key, "P14")
    assert chen.ask("get", f"/bindings/{key}/material-types")["required"][:2] == [["permit_front"], ["permit_back"]]
    chen.papers(key)
    chen.sign(key)
    chen.own_face(key)
    assert chen.submit(key).get_json()["state"] == "FACE_PENDING"


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("P09", "FA_NOT_REGISTERED"),
        ("P10", "FA_NOT_IN_PROVINCE"),
        ("P12", "FA_NAME_ID_MISMATCH"),
        ("P18", "PERSON_DECEASED"),
    ],
)
def test_the_registry_decides_and_the_reason_stays_with_the_binding(lin: Hand, who: str, code: str) -> None:
    key = lin.prepare(who)
    assert lin.refused("post", f"/bindings/{key}/submission") == code
    binding = lin.ask("get", f"/bindings/{key}")
    assert (binding["state"], binding["reason"]) == ("REJECTED", code)
    assert lin.refused("post", f"/bindings/{key}/submission") == code
    assert lin.start() != key


def test_somebody_insured_nowhere_is_not_registered(home: Household, lin: Hand) -> None:
    home.registry[PEOPLE["P03"]["id_number"]]["output"]["insuinfo"] = []
    assert lin.refused("post", f"/bindings/{lin.prepare('P03')}/submission") == "FA_NOT_REGISTERED"


def test_somebody_who_was_insured_once_is_bound(home: Household, lin: Hand) -> None:
    home.insure("P09")
    home.registry[PEOPLE["P09"]["id_number"]]["output"]["insuinfo"][0]["psn_insu_stas"] = "4"
    lin.bind("P09")


def test_data_not_yet_synced_waits_and_is_asked_for_again(home: Household, lin: Hand) -> None:
    key = lin.prepare("P13")
    answer = lin.submit(key).get_json()
    assert (answer["code"], answer["state"]) == ("FA_DATA_NOT_SYNCED", "SYNC_WAIT")
    asked = len(home.vendors.sent("/gateway"))
    home.pass_time(minutes=29)
    assert len(home.vendors.sent("/gateway")) == asked
    home.pass_time(minutes=2)
    assert len(home.vendors.sent("/gateway")) == asked + 1
    home.insure("P13")
    home.pass_time(minutes=30)
    assert lin.again().state(key) == "FACE_PENDING"


def test_data_that_is_never_synced_is_given_up_after_seven_days(home: Household, lin: Hand) -> None:
    key = lin.prepare("P13")
    lin.submit(key)
    home.time.advance(days=6, hours=23)
    home.run_tasks()
    assert lin.again().state(key) == "SYNC_WAIT"
    home.pass_time(hours=2)
    binding = lin.again().ask("get", f"/bindings/{key}")
    assert (binding["state"], binding["reason"]) == ("REJECTED", "FA_DATA_NOT_SYNCED")


@pytest.mark.parametrize("answer", [requests.ConnectionError("down"), {"infcode": -1, "err_msg": "系统繁忙"}])
def test_a_registry_that_does_not_answer_is_asked_again(home: Household, lin: Hand, answer: Any) -> None:
    key = lin.prepare("P04")
    home.vendors.on("/gateway", answer)
    assert lin.submit(key).get_json()["state"] == "CHECKING"
    home.vendors.on("/gateway", home._answer)
    home.pass_time(seconds=31)
    assert lin.state(key) == "ACTIVE"


def test_a_draft_left_for_a_day_is_over_even_before_the_task_ran(home: Household, lin: Hand) -> None:
    key = lin.start()
    home.time.advance(hours=24)
    lin.again()
    assert lin.refused("put", f"/bindings/{key}/person", lin.person("P04")) == "BINDING_EXPIRED"
    home.run_tasks()
    assert lin.state(key) == "EXPIRED"
    assert lin.refused("put", f"/bindings/{key}/person", lin.person("P04")) == "BINDING_EXPIRED"


def test_a_face_awaited_for_three_days_is_over(home: Household, lin: Hand) -> None:
    key = lin.prepare("P07")
    lin.submit(key)
    home.pass_time(hours=71)
    assert lin.again().state(key) == "FACE_PENDING"
    home.pass_time(hours=1)
    assert lin.again().state(key) == "EXPIRED"
    assert lin.refused("post", f"/bindings/{key}/face", {"subject": "relative"}) == "BINDING_EXPIRED"


def test_a_face_shown_after_the_three_days_binds_nobody(home: Household, lin: Hand) -> None:
    key = lin.prepare("P07")
    lin.submit(key)
    home.time.advance(hours=71, minutes=58)
    ticket = lin.again().call("post", f"/bindings/{key}/face", {"subject": "relative"})
    home.time.advance(minutes=3)
    assert lin.show_face(ticket).status_code == 200
    assert lin.state(key) == "FACE_PENDING"
    home.run_tasks()
    assert lin.state(key) == "EXPIRED"


def test_the_hospital_that_was_scanned_stays_with_the_binding(lin: Hand) -> None:
    binding = lin.ask("post", "/bindings", {"hospital": "H46019900001"})
    assert binding["hospital"] == "H46019900001"
    assert lin.refused("post", "/bindings", {"hospital": "../etc/passwd"}) == "FIELD_INVALID"
    assert lin.refused("post", "/bindings", {"channel": "kiosk"}) == "FIELD_INVALID"


def test_without_a_real_name_nothing_begins(home: Household) -> None:
    hand = Hand(home, "P01").again()
    assert hand.refused("post", "/bindings", {}) == "REAL_NAME_REQUIRED"


def test_without_an_active_credential_nothing_begins_until_it_is_activated(home: Household) -> None:
    hand = home.phone("P01", active=False)
    assert hand.refused("post", "/bindings", {}) == "CREDENTIAL_INACTIVE"
    hand.call("post", "/credential", {})
    hand.show_face(hand.call("post", "/face/tickets", {"purpose": "ACTIVATE"}))
    assert hand.start()


def test_nobody_sees_or_touches_another_users_binding(home: Household, lin: Hand) -> None:
    key = lin.bind("P04")
    chen = home.phone("P02")
    body = {"version": "1.0", "read_to_end": True, "agreed": True}
    for method, path, given in [
        ("get", "", None),
        ("post", "/notice", body),
        ("put", "/person", chen.person("P04")),
        ("get", "/material-types", None),
        ("post", "/letter", None),
        ("post", "/face", {"subject": "self"}),
        ("post", "/submission", None),
        ("patch", "", {"phone": "15400000009"}),
        ("delete", "", None),
        ("post", "/objection", None),
        ("post", "/review", {"decision": "approve"}),
        ("post", "/codes", None),
    ]:
        assert chen.refused(method, f"/bindings/{key}{path}", given) == "NOT_FOUND", path
    assert chen.upload(key, "id_card").get_json()["code"] == "NOT_FOUND"
    assert chen.ask("get", "/bindings")["items"] == []
    assert lin.state(key) == "ACTIVE"


def test_the_list_is_paged_and_the_chooser_shows_who_may_be_chosen(lin: Hand) -> None:
    keys = [lin.bind("P04"), lin.start(), lin.bind("P03")]
    first = lin.ask("get", "/bindings?limit=2")
    assert [row["id"] for row in first["items"]] == keys[:2]
    rest = lin.ask("get", f"/bindings?limit=2&after={first['next']}")
    assert ([row["id"] for row in rest["items"]], rest["next"]) == (keys[2:], None)
    usable = lin.ask("get", "/bindings?usable=true")["items"]
    assert [row["id"] for row in usable] == [keys[0], keys[2]]
    assert lin.refused("get", "/bindings?after=nonsense") == "FIELD_INVALID"


def test_an_unknown_person_in_the_registry_later_known_can_be_bound_anew(home: Household, lin: Hand) -> None:
    home.registry[PEOPLE["P03"]["id_number"]] = UNKNOWN
    assert lin.refused("post", f"/bindings/{lin.prepare('P03')}/submission") == "FA_NOT_REGISTERED"
    home.insure("P03")
    lin.bind("P03")


def test_a_registry_that_stays_silent_is_asked_less_often_and_given_up_after_seven_days(home: Household) -> None:
    lin = home.phone("P01")
    key = lin.prepare("P04")
    home.vendors.on("/gateway", (500, b"", {}))
    lin.submit(key)
    asked = len(home.vendors.sent("/gateway"))
    home.pass_time(minutes=6)
    assert len(home.vendors.sent("/gateway")) == asked + 10
    home.pass_time(minutes=29)
    assert len(home.vendors.sent("/gateway")) == asked + 11
    home.time.advance(days=7)
    home.run_tasks()
    binding = lin.again().ask("get", f"/bindings/{key}")
    assert (binding["state"], binding["reason"]) == ("REJECTED", "VENDOR_ERROR")

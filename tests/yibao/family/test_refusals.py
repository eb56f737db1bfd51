"""What is refused on the way, with which code, and that the draft stays as it was."""

import itertools
import json
from typing import Any

import pytest

from tests.yibao.family.conftest import PEOPLE, Hand, Household, signature


def test_the_data_page_is_closed_until_the_notice_was_read_to_the_end(lin: Hand) -> None:
    key = lin.ask("post", "/bindings", {})["id"]
    assert lin.refused("put", f"/bindings/{key}/person", lin.person("P04")) == "NOTICE_NOT_READ"
    for read, agreed in [(False, True), (True, False)]:
        body = {"version": "1.0", "read_to_end": read, "agreed": agreed}
        assert lin.refused("post", f"/bindings/{key}/notice", body) == "NOTICE_NOT_READ"
    old = {"version": "0.9", "read_to_end": True, "agreed": True}
    assert lin.refused("post", f"/bindings/{key}/notice", old) == "NOTICE_VERSION_OLD"
    assert lin.state(key) == "DRAFT"


def test_the_notice_is_public_versioned_and_costs_nothing(lin: Hand) -> None:
    notice = lin.ask("get", "/notices/family-binding")
    assert (notice["version"], notice["fee_fen"]) == ("1.0", 0)
    assert "兄弟姐妹" in notice["html"] and "样例" in notice["html"] and "{" not in notice["html"]
    assert lin.ask("get", "/notices/family-binding?version=0.9")["version"] == "0.9"
    assert lin.refused("get", "/notices/family-binding?version=7") == "NOT_FOUND"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "FA_NAME_EMPTY"),
    ({"name": "  "}, "FA_NAME_EMPTY"),
    ({"relation": "parent_in_law"}, "FA_RELATION_NOT_ALLOWED"),
    ({"relation": "friend"}, "FA_RELATION_NOT_ALLOWED"),
    ({"id_number": PEOPLE["P01"]["id_number"]}, "FA_SELF"),
    ({"id_number": "469099201709109087"}, "ID_CHECKSUM"),
    ({"id_number": "469099201702309087"}, "ID_DATE"),
    ({"id_number": "469099"}, "ID_FORMAT"),
    ({"id_number": "11010519491231002X"}, "REAL_ID_REFUSED"),
    ({"born_on": "2017-09-11"}, "FIELD_INVALID"),
    ({"gender": "male"}, "FIELD_INVALID"),
    ({"phone": "13800138000"}, "FIELD_INVALID"),
    ({"name": "林\u0000样"}, "FIELD_INVALID"),
    ({"name": " 林样四"}, "FIELD_INVALID"),
    ({"name": None}, "FIELD_INVALID"),
    ({"name": 7}, "FIELD_INVALID"),
    ({"name": "样" * 51}, "FIELD_INVALID"),
    ({"name": "样" * 50_000}, "FIELD_INVALID"),
    ({"relation": None}, "FIELD_INVALID"),
    ({"id_type": "driving_licence"}, "FIELD_INVALID"),
    ({"age": 8}, "FIELD_INVALID"),
]


def test_each_wrong_field_has_its_own_code(lin: Hand) -> None:
    key = lin.start()
    for changes, code in WRONG:
        assert lin.refused("put", f"/bindings/{key}/person", lin.person("P04", **changes)) == code, str(changes)[:80]
    assert lin.state(key) == "NOTICE_READ"


def test_a_name_of_one_megabyte_is_too_big_a_body(lin: Hand) -> None:
    key = lin.start()
    assert lin.refused("put", f"/bindings/{key}/person", lin.person("P04", name="x" * 1_000_000)) == "BODY_TOO_BIG"


def test_a_picture_character_in_a_name_ends_in_a_refusal_and_not_in_an_error(lin: Hand) -> None:
    key = lin.prepare("P04", name="林样🙂")
    assert lin.refused("post", f"/bindings/{key}/submission") == "FA_NAME_ID_MISMATCH"


@pytest.mark.parametrize(
    ("who", "absent"),
    [("P14", "born_on"), ("P15", "nationality"), ("P06", "mother_name"), ("P06", "mother_id_number")],
)
def test_what_a_document_does_not_say_must_be_told(lin: Hand, who: str, absent: str) -> None:
    person = {**lin.person(who), "relation": "spouse"}
    del person[absent]
    answer = lin.call("put", f"/bindings/{lin.start()}/person", person).get_json()
    assert (answer["code"], list(answer["fields"])) == ("FIELD_INVALID", [absent])


@pytest.mark.parametrize("born_on", ["2025-12-02", "1890-01-01", "9999-12-31"])
def test_a_birth_date_nobody_living_has_is_refused(lin: Hand, born_on: str) -> None:
    person = lin.person("P14", born_on=born_on)
    assert lin.refused("put", f"/bindings/{lin.start()}/person", person) == "FIELD_INVALID"


def test_a_birth_certificate_is_no_document_for_somebody_of_sixteen(lin: Hand) -> None:
    person = lin.person("P06", born_on="2009-12-01")
    assert lin.refused("put", f"/bindings/{lin.start()}/person", person) == "MATERIAL_TYPE"
    key = lin.start()
    lin.enter(key, "P05")
    assert lin.upload(key, "birth_certificate").get_json()["code"] == "MATERIAL_TYPE"


def test_the_same_relative_is_bound_once(lin: Hand) -> None:
    lin.bind("P04")
    assert lin.refused("put", f"/bindings/{lin.start()}/person", lin.person("P04")) == "FA_DUPLICATE"


def test_a_relative_on_the_way_counts_as_bound_until_the_draft_is_given_up(lin: Hand) -> None:
    first, second = lin.start(), lin.start()
    lin.enter(first, "P04")
    assert lin.refused("put", f"/bindings/{second}/person", lin.person("P04")) == "FA_DUPLICATE"
    assert lin.ask("delete", f"/bindings/{first}")["state"] == "CANCELLED"
    lin.enter(second, "P04")


def test_a_fourth_child_waits_until_one_of_the_three_is_unbound(home: Household, lin: Hand) -> None:
    first = lin.bind("P04")
    lin.bind("P05")
    lin.bind("P23")
    fourth = lin.prepare("P19")
    assert lin.refused("post", f"/bindings/{fourth}/submission") == "FA_CHILD_LIMIT"
    assert lin.state(fourth) == "LETTER_SIGNED"
    lin.ask("delete", f"/bindings/{first}")
    assert lin.submit(fourth).get_json()["state"] == "ACTIVE"
    lin.bind("P03")


def test_a_relative_is_bound_by_two_people_at_most(home: Household, lin: Hand) -> None:
    lin.bind("P04")
    home.phone("P07").bind("P04")
    third = home.phone("P02")
    key = third.prepare("P04")
    assert third.refused("post", f"/bindings/{key}/submission") == "FA_BINDER_LIMIT"


def test_materials_come_before_the_letter_and_the_letter_before_submitting(lin: Hand) -> None:
    key = lin.start()
    assert lin.refused("get", f"/bindings/{key}/material-types") == "STATE_CONFLICT"
    lin.enter(key, "P07")
    assert lin.refused("post", f"/bindings/{key}/letter") == "MATERIAL_MISSING"
    assert lin.refused("post", f"/bindings/{key}/submission") == "MATERIAL_MISSING"
    assert lin.refused("post", f"/bindings/{key}/face", {"subject": "self"}) == "MATERIAL_MISSING"
    lin.papers(key)
    assert lin.refused("post", f"/bindings/{key}/submission") == "LETTER_MISSING"
    assert lin.refused("post", f"/bindings/{key}/face", {"subject": "relative"}) == "STATE_CONFLICT"


def test_data_typed_anew_makes_the_letter_stale(lin: Hand) -> None:
    key = lin.start()
    lin.enter(key, "P04")
    lin.papers(key)
    letter = lin.sign(key)
    lin.enter(key, "P04", name="林样肆")
    assert lin.state(key) == "MATERIAL_OK"
    assert lin.refused("post", f"/bindings/{key}/submission") == "LETTER_MISSING"
    second = lin.ask("post", f"/bindings/{key}/letter")
    assert second["supersedes"] == letter
    assert lin.ask("get", f"/letters/{letter}")["state"] == "SUPERSEDED"
    lin.enter(key, "P04")
    lin.home.time.advance(seconds=6)
    lin.ask("get", f"/letters/{second['id']}")
    assert lin.refused("post", f"/letters/{second['id']}/signature", signature()) == "LETTER_STALE"


def test_pictures_of_somebody_else_do_not_count_for_the_next_person_typed(lin: Hand) -> None:
    key = lin.start()
    lin.enter(key, "P04")
    lin.papers(key)
    assert lin.enter(key, "P07")["state"] == "INFO_OK"


BODIES: list[Any] = [None, [], "text", 7, {"a": {"b": []}}, {"version": {}}, {"name": ["x"]}, {"subject": "\ud800"}]


def test_no_body_brings_the_server_down(lin: Hand) -> None:
    key = lin.start()
    headers = {"Authorization": f"Bearer {lin.tokens['access_token']}"}
    doors = [
        ("post", "/bindings"),
        ("post", f"/bindings/{key}/notice"),
        ("put", f"/bindings/{key}/person"),
        ("post", f"/bindings/{key}/materials"),
        ("post", f"/bindings/{key}/face"),
        ("patch", f"/bindings/{key}"),
        ("post", f"/bindings/{key}/review"),
        ("post", f"/bindings/{key}/letter"),
    ]
    for (method, path), body in itertools.product(doors, BODIES):
        answer = getattr(lin.client, method)(
            f"/api/v1{path}", data=json.dumps(body), content_type="application/json", headers=headers
        )
        assert answer.status_code < 500, (path, body)
    assert lin.state(key) == "NOTICE_READ"


def test_what_no_path_means_is_not_found(lin: Hand) -> None:
    for key in ("x", "%00", "🙂", "a" * 5000, "' or 1=1 --"):
        assert lin.refused("get", f"/bindings/{key}") == "NOT_FOUND"
        assert lin.refused("get", f"/letters/{key}") == "NOT_FOUND"

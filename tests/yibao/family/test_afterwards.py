"""A binding's life after ACTIVE: codes, edits, coming of age, unbinding, death, objection."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from tests.yibao.family.conftest import DEAD, PEOPLE, Hand, Household, signature
from yibao import policy
from yibao.clock import CHINA
from yibao.db import db
from yibao.errors import Refused
from yibao.spaces import entered
from yibao.steps.credential import models as credentials
from yibao.steps.family import models


@pytest.fixture
def open_order() -> Iterator[set[str]]:
    """Bindings that a later step holds an order open for."""
    held: set[str] = set()
    models.open_order_checks.append(held.__contains__)
    yield held
    models.open_order_checks.remove(held.__contains__)


def patient(home: Household, key: str) -> str:
    """The relative's name if the first user may act for them, else why not."""
    with entered(home.app, "default"):
        try:
            return models.patient(1, key).name
        except Refused as refused:
            return refused.code
        finally:
            db.session.rollback()


def test_the_code_shown_is_the_relatives_own(home: Household, lin: Hand) -> None:
    key = lin.bind("P04")
    code = lin.ask("post", f"/bindings/{key}/codes")
    assert code["svg"].startswith("<svg")
    with entered(home.app, "default"):
        holder = credentials.who_is(code["code"], home.time.now)
    assert (holder.name, holder.binding_id) == ("林样四", key)


def test_a_phone_is_changed_at_once(lin: Hand) -> None:
    key = lin.bind("P07")
    edited = lin.ask("patch", f"/bindings/{key}", {"phone": "15400000099"})
    assert (edited["id"], edited["state"], edited["phone_masked"]) == (key, "ACTIVE", "154****0099")


def test_identity_fields_are_changed_only_by_a_new_check(home: Household, lin: Hand) -> None:
    key = lin.bind("P07")
    new_name = {"name": "王样柒"}
    assert lin.refused("patch", f"/bindings/{key}", new_name) == "EDIT_IDENTITY"
    draft = lin.ask("patch", f"/bindings/{key}", {**new_name, "reverify": True})
    assert (draft["state"], draft["replaces"], draft["name"]) == ("INFO_OK", key, "王样柒")
    assert lin.refused("patch", f"/bindings/{key}", {"phone": "15400000099"}) == "EDIT_LOCKED"
    lin.papers(draft["id"])
    lin.sign(draft["id"])
    lin.own_face(draft["id"])
    home.insure("P07", name="王样柒")
    assert lin.submit(draft["id"]).get_json()["state"] == "FACE_PENDING"
    assert lin.state(key) == "ACTIVE"
    lin.show_face(lin.call("post", f"/bindings/{draft['id']}/face", {"subject": "relative"}))
    assert (lin.state(key), lin.state(draft["id"])) == ("UNBOUND", "ACTIVE")


def test_an_edit_that_fails_or_is_given_up_leaves_the_binding_alone(lin: Hand) -> None:
    key = lin.bind("P04")
    draft = lin.ask("patch", f"/bindings/{key}", {"relation": "sibling", "reverify": True})["id"]
    lin.ask("delete", f"/bindings/{draft}")
    assert lin.state(key) == "ACTIVE"
    assert lin.ask("patch", f"/bindings/{key}", {"phone": "15400000098"})["state"] == "ACTIVE"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": ""}, "FA_NAME_EMPTY"),
        ({"id_number": "1"}, "ID_FORMAT"),
        ({"relation": "other"}, "FA_RELATION_NOT_ALLOWED"),
    ],
)
def test_an_edit_is_held_against_the_same_rules(lin: Hand, change: dict[str, str], code: str) -> None:
    key = lin.bind("P04")
    assert lin.refused("patch", f"/bindings/{key}", {**change, "reverify": True}) == code
    assert lin.ask("patch", f"/bindings/{key}", {"phone": "15400000098"})["state"] == "ACTIVE"


def test_a_draft_is_not_edited_but_filled_in(lin: Hand) -> None:
    assert lin.refused("patch", f"/bindings/{lin.start()}", {"phone": "15400000099"}) == "EDIT_LOCKED"


def test_unbinding_keeps_the_history_and_binding_again_works(home: Household, lin: Hand) -> None:
    key = lin.bind("P04")
    assert lin.ask("delete", f"/bindings/{key}")["state"] == "UNBOUND"
    assert patient(home, key) == "PAY_NOT_BOUND"
    assert lin.refused("delete", f"/bindings/{key}") == "STATE_CONFLICT"
    again = lin.bind("P04")
    states = [(row["id"], row["state"]) for row in lin.ask("get", "/bindings")["items"]]
    assert states == [(key, "UNBOUND"), (again, "ACTIVE")]


def test_the_letters_of_an_ended_binding_are_revoked_and_still_readable(lin: Hand) -> None:
    key = lin.start()
    lin.enter(key, "P04")
    lin.papers(key)
    letter = lin.sign(key)
    lin.own_face(key)
    lin.submit(key)
    lin.ask("delete", f"/bindings/{key}")
    assert lin.ask("get", f"/letters/{letter}")["state"] == "REVOKED"
    assert lin.ask("get", f"/letters/{letter}/verification")["intact"] is True


def test_an_open_order_holds_the_binding(lin: Hand, open_order: set[str]) -> None:
    key = lin.bind("P04")
    open_order.add(key)
    assert lin.refused("delete", f"/bindings/{key}") == "UNBIND_PENDING_ORDER"
    open_order.clear()
    assert lin.ask("delete", f"/bindings/{key}")["state"] == "UNBOUND"


def test_an_adult_relative_ends_the_binding_from_their_own_account(home: Household, lin: Hand) -> None:
    key = lin.bind("P07")
    wang = home.phone("P07")
    ended = wang.ask("post", f"/bindings/{key}/objection")
    assert (ended["state"], ended["reason"]) == ("UNBOUND", "OBJECTED")
    assert lin.ask("get", f"/bindings/{key}")["reason"] == "OBJECTED"


def test_a_death_the_registry_knows_of_ends_the_binding(home: Household, lin: Hand) -> None:
    key = lin.bind("P03")
    home.registry[PEOPLE["P03"]["id_number"]] = DEAD
    assert lin.refused("post", f"/bindings/{key}/codes") == "PERSON_DECEASED"
    binding = lin.ask("get", f"/bindings/{key}")
    assert (binding["state"], binding["reason"]) == ("UNBOUND", "PERSON_DECEASED")


def test_no_code_is_shown_while_the_registry_does_not_answer(home: Household, lin: Hand) -> None:
    key = lin.bind("P04")
    home.vendors.on("/gateway", ConnectionError("down"))
    home.vendors.on("/gateway", (500, b"", {}))
    assert lin.refused("post", f"/bindings/{key}/codes") == "VENDOR_ERROR"


def test_a_child_that_turns_sixteen_must_authorise_within_thirty_days(home: Household, lin: Hand) -> None:
    key = lin.bind("P23")
    home.pass_time(hours=13, minutes=59)
    assert lin.again().state(key) == "ACTIVE"
    home.pass_time(minutes=1)
    binding = lin.again().ask("get", f"/bindings/{key}")
    assert (binding["state"], binding["face_subject"]) == ("REAUTH_REQUIRED", "relative")
    assert lin.call("post", f"/bindings/{key}/codes").status_code == 200
    home.pass_time(days=30)
    assert lin.again().refused("post", f"/bindings/{key}/codes") == "REAUTH_REQUIRED"
    assert patient(home, key) == "REAUTH_REQUIRED"
    assert lin.ask("get", "/bindings?usable=true")["items"] == []
    lin.show_face(lin.call("post", f"/bindings/{key}/face", {"subject": "relative"}))
    assert lin.state(key) == "ACTIVE"
    assert patient(home, key) == "林样童"


@pytest.mark.parametrize(("who", "state"), [("P05", "FACE_PENDING"), ("P23", "ACTIVE")])
def test_sixteen_today_shows_a_face_and_sixteen_tomorrow_does_not(lin: Hand, who: str, state: str) -> None:
    assert lin.submit(lin.prepare(who)).get_json()["state"] == state


@pytest.mark.parametrize(("who", "day", "state"), [("P05", 30, "ACTIVE"), ("P23", 2, "FACE_PENDING")])
def test_both_flip_when_the_clock_moves(home: Household, who: str, day: int, state: str) -> None:
    home.time.now = datetime(2025, 11 if day == 30 else 12, day, 10, tzinfo=CHINA)
    lin = home.phone("P01")
    assert lin.submit(lin.prepare(who)).get_json()["state"] == state


def test_the_real_name_stays_while_relatives_are_bound(lin: Hand) -> None:
    key = lin.bind("P04")
    assert lin.refused("delete", "/me/real-name") == "STATE_CONFLICT"
    lin.ask("delete", f"/bindings/{key}")
    assert lin.call("delete", "/me/real-name").status_code == 204


def test_nothing_of_one_space_is_seen_in_another(home: Household, lin: Hand) -> None:
    key = lin.bind("P04")
    with entered(home.app, "other"):
        assert models.by_key(key) is None


def with_policy(home: Household, **changes: object) -> None:
    home.app.extensions["policies"] = tuple(replace(p, **changes) for p in policy.load("hn"))  # type: ignore[arg-type]


def test_a_sibling_may_be_bound_since_october_2024(home: Household) -> None:
    home.time.now = datetime(2024, 9, 30, 23, 59, tzinfo=CHINA)
    lin = home.phone("P01")
    key = lin.start()
    assert lin.refused("put", f"/bindings/{key}/person", lin.person("P12")) == "FA_RELATION_NOT_ALLOWED"
    home.time.advance(minutes=1)
    assert lin.enter(key, "P12")["state"] == "INFO_OK"


def test_a_letter_rendered_before_the_new_template_cannot_be_signed_after(home: Household) -> None:
    home.time.now = datetime(2024, 12, 31, 23, 59, 50, tzinfo=CHINA)
    lin = home.phone("P01")
    key = lin.start()
    lin.enter(key, "P04")
    lin.papers(key)
    letter = lin.ask("post", f"/bindings/{key}/letter")["id"]
    lin.ask("get", f"/letters/{letter}")
    home.time.advance(seconds=10)
    assert lin.refused("post", f"/letters/{letter}/signature", signature()) == "LETTER_VERSION_OLD"
    lin.sign(key)
    assert lin.state(key) == "LETTER_SIGNED"


def test_a_clerk_decides_where_the_policy_wants_a_review(home: Household, lin: Hand) -> None:
    with_policy(home, review=replace(policy.load("hn")[-1].review, mode="manual"))
    clerk = home.phone("P22")
    child, wife, nobody = lin.prepare("P04"), lin.prepare("P07"), lin.prepare("P03")
    for key in (child, wife, nobody):
        assert lin.submit(key).get_json()["state"] == "REVIEW"
    assert lin.refused("post", f"/bindings/{child}/review", {"decision": "approve"}) == "NOT_FOUND"
    assert lin.refused("get", "/bindings?role=clerk") == "NOT_FOUND"
    assert [row["id"] for row in clerk.ask("get", "/bindings?role=clerk")["items"]] == [child, wife, nobody]
    assert clerk.ask("post", f"/bindings/{child}/review", {"decision": "approve"})["state"] == "ACTIVE"
    clerk.ask("post", f"/bindings/{wife}/review", {"decision": "deny", "note": "材料不清晰"})
    assert clerk.refused("post", f"/bindings/{wife}/review", {"decision": "approve"}) == "STATE_CONFLICT"
    assert lin.refused("post", f"/bindings/{wife}/submission") == "REVIEW_DENIED"
    assert lin.ask("get", f"/bindings/{wife}")["note"] == "材料不清晰"
    home.pass_time(days=2)
    assert lin.again().ask("get", f"/bindings/{nobody}")["reason"] == "REVIEW_DENIED"


def test_a_number_of_members_may_be_set(home: Household, lin: Hand) -> None:
    with_policy(home, family_account=replace(policy.load("hn")[-1].family_account, max_members=1))
    lin.bind("P04")
    assert lin.refused("post", f"/bindings/{lin.prepare('P03')}/submission") == "FA_MEMBER_LIMIT"


def test_effects_may_begin_the_next_day(home: Household, lin: Hand) -> None:
    with_policy(home, effect=policy.Effect("next_day", "next_day"))
    key = lin.bind("P04")
    assert patient(home, key) == "PAY_NOT_BOUND"
    assert lin.refused("post", f"/bindings/{key}/codes") == "STATE_CONFLICT"
    home.pass_time(hours=14)
    assert patient(home, key) == "林样四"
    assert lin.again().ask("delete", f"/bindings/{key}")["state"] == "ACTIVE"
    home.pass_time(hours=24)
    assert lin.again().state(key) == "UNBOUND"

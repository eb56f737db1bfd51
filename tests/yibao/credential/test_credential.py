"""The e-credential from NONE to FROZEN, and the code that lives 60 seconds."""

import pytest

from tests.yibao.conftest import gateway_refusal
from yibao import clock
from yibao.errors import Refused
from yibao.spaces import entered
from yibao.steps.credential import models, rules

DEAD = gateway_refusal("FSI-该参保人已登记死亡，不能办理业务")


def code_of(response):
    return response.get_json()["code"]


def state(phone):
    return phone.call("get", "/credential").get_json()["state"]


def test_only_a_bound_person_has_a_credential(phone):
    phone.log_in()
    for method, path, body in (
        ("get", "/credential", None),
        ("post", "/credential", {}),
        ("post", "/credential/codes", {}),
        ("post", "/face/tickets", {"purpose": "ACTIVATE"}),
    ):
        assert code_of(phone.call(method, path, body)) == "REAL_NAME_REQUIRED"


def test_it_becomes_active_by_the_persons_own_face(phone):
    phone.log_in().bind()
    assert state(phone) == "NONE"
    assert code_of(phone.call("post", "/credential/codes", {})) == "CREDENTIAL_INACTIVE"
    assert phone.call("post", "/credential", {}).get_json()["state"] == "FACE_PENDING"
    assert phone.call("post", "/credential", {}).get_json()["state"] == "FACE_PENDING"
    assert code_of(phone.call("post", "/credential/codes", {})) == "CREDENTIAL_INACTIVE"
    phone.activate()
    shown = phone.call("get", "/credential").get_json()
    assert shown["state"] == "ACTIVE"
    assert shown["activated_at"] == "2025-12-01T10:00:00+08:00"
    assert code_of(phone.call("post", "/credential", {})) == "STATE_CONFLICT"


def test_a_code_names_its_holder_for_sixty_seconds(phone, yibao, business_time):
    phone.log_in().bind().activate()
    shown = phone.call("post", "/credential/codes", {}).get_json()
    assert len(shown["code"]) == 28
    assert shown["code"].startswith("SIM")
    assert shown["svg"].startswith("<svg")
    with entered(yibao, "default"):
        holder = models.who_is(shown["code"], clock.now())
        assert (holder.name, holder.id_number, holder.binding_id) == ("林样一", "469099198803159034", None)
        business_time.advance(seconds=60)
        with pytest.raises(Refused, match="CODE_EXPIRED"):
            models.who_is(shown["code"], clock.now())
        with pytest.raises(Refused, match="CODE_EXPIRED"):
            models.who_is("SIM" + "0" * 25, clock.now())


def test_no_code_is_valid_in_another_space(phone, yibao):
    shown = phone.log_in().bind().activate().call("post", "/credential/codes", {}).get_json()
    with entered(yibao, "other"), pytest.raises(Refused, match="CODE_EXPIRED"):
        models.who_is(shown["code"], clock.now())


def test_a_death_freezes_the_credential(phone, vendors):
    phone.log_in().bind().activate()
    vendors.on("/gateway", DEAD)
    assert code_of(phone.call("post", "/credential/codes", {})) == "PERSON_DECEASED"
    assert state(phone) == "FROZEN"
    assert code_of(phone.call("post", "/credential/codes", {})) == "CREDENTIAL_FROZEN"
    assert code_of(phone.call("post", "/face/tickets", {"purpose": "ACTIVATE"})) == "CREDENTIAL_FROZEN"


def test_the_unregistered_cannot_apply(phone, vendors):
    phone.log_in().bind()
    vendors.on("/gateway", gateway_refusal("该参保人的参保信息为空"))
    assert code_of(phone.call("post", "/credential", {})) == "PERSON_NOT_FOUND"
    assert state(phone) == "NONE"


def test_another_account_of_the_same_person_must_show_the_face_again(phone):
    phone.log_in().bind().activate()
    assert phone.call("delete", "/me/real-name").status_code == 204
    phone.log_in("oSECONDOPENID000000000000002").bind()
    assert state(phone) == "NONE"


@pytest.mark.parametrize("event", ["activate", "face_passed", "show_code"])
def test_nothing_thaws_a_frozen_credential(event):
    with pytest.raises(Refused, match="CREDENTIAL_FROZEN"):
        rules.move("FROZEN", event)


def test_every_state_of_the_sheet_is_in_the_table():
    assert set(rules.NEXT.values()) == {"FACE_PENDING", "ACTIVE", "FROZEN"}


def test_unknown_fields_are_refused(phone):
    response = phone.log_in().bind().call("post", "/credential", {"state": "ACTIVE"})
    assert response.get_json()["fields"] == {"state": ["Unknown field."]}

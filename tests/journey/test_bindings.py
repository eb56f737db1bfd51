"""The family-account column of the domain sheet's table (§4.6): every persona, over the real wires."""

from pathlib import Path

import pytest
import requests

from app import InProcess, join
from mock_providers.phone.handset import Handset, Refusal

BASE = "http://127.0.0.1:8000"
EXPECTED = {
    "P03": "ACTIVE",
    "P04": "ACTIVE",
    "P05": "ACTIVE",
    "P06": "ACTIVE",
    "P07": "ACTIVE",
    "P09": "FA_NOT_REGISTERED",
    "P10": "FA_NOT_IN_PROVINCE",
    "P11": "ACTIVE",
    "P12": "FA_NAME_ID_MISMATCH",
    "P13": "FA_DATA_NOT_SYNCED",
    "P15": "FA_RELATION_NOT_ALLOWED",
    "P16": "FA_RELATION_NOT_ALLOWED",
    "P18": "PERSON_DECEASED",
    "P19": "FA_CHILD_LIMIT",
}
NEAR_RELATIVES = ("P09", "P10", "P11", "P12", "P13", "P18")


def outcome(phone: Handset, person: str) -> str:
    try:
        return str(phone.bind(person)["state"])
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("version", ["hn-2025.1", "hn-2022.1"])
def test_every_persona_ends_where_the_table_says(tmp_path: Path, version: str) -> None:
    app = join(tmp_path, BASE, background=False, policy_version=version)
    session = requests.Session()
    session.mount("http://", InProcess(app))
    phone = Handset(BASE, session=session).ready("P01")
    found = {}
    for person in EXPECTED:
        found[person] = outcome(phone, person)
        phone.log_in("P01")
    refused = dict.fromkeys(NEAR_RELATIVES, "FA_RELATION_NOT_ALLOWED") if version == "hn-2022.1" else {}
    assert found == {**EXPECTED, **refused}
    app.close()


def test_the_one_not_yet_synced_goes_on_by_herself_and_shows_her_face(phone: Handset) -> None:
    phone.ready("P01")
    binding_id = phone.prepare_binding("P13")
    with pytest.raises(Refusal, match="FA_DATA_NOT_SYNCED"):
        phone.submit(binding_id)
    phone.control("POST", "clock", {"advance": "13h"})
    phone.log_in("P01")
    assert phone.api("GET", f"/bindings/{binding_id}")["state"] == "FACE_PENDING"
    phone.show_face(binding_id, "relative")
    assert phone.api("GET", f"/bindings/{binding_id}")["state"] == "ACTIVE"


def test_the_birthday_of_a_child_asks_for_its_own_authorisation(phone: Handset) -> None:
    phone.ready("P01")
    binding_id = phone.bind("P23")["id"]
    phone.control("POST", "clock", {"advance": "15h"})
    phone.log_in("P01")
    assert phone.api("GET", f"/bindings/{binding_id}")["state"] == "REAUTH_REQUIRED"


def test_a_real_woman_who_is_not_the_mother_cannot_bind_a_newborn(phone: Handset) -> None:
    phone.ready("P01")
    binding_id = phone.start_binding()["id"]
    other = phone.facts("P02")
    phone.fill_in(binding_id, "P06", mother_name=other["name"], mother_id_number=other["id_number"])
    for kind in phone.wanted_materials(binding_id):
        phone.upload(binding_id, kind)
    phone.sign_letter(binding_id)
    phone.show_face(binding_id, "self")
    answer = phone.ask("POST", f"/bindings/{binding_id}/submission", {})
    assert answer.json()["code"] == "FA_MOTHER_MISMATCH"


def test_the_sealed_letter_of_a_binding_is_found_again_checked_and_printed(phone: Handset) -> None:
    phone.ready("P01")
    binding = phone.bind("P04")
    letter = phone.api("GET", f"/bindings/{binding['id']}/letter")
    assert letter["state"] == "SEALED"
    assert phone.api("GET", f"/letters/{letter['id']}/verification")["intact"] is True
    pdf = phone.ask("GET", f"/letters/{letter['id']}/pdf")
    assert pdf.headers["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF")
    fresh = phone.start_binding()["id"]
    assert phone.ask("GET", f"/bindings/{fresh}/letter").status_code == 404

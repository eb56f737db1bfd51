"""Binding a relative, from 添加就诊人 to ACTIVE."""

from tests.yibao.family.conftest import Hand, Household


def test_a_child_is_bound_by_the_guardians_letter_and_no_face_of_its_own(lin: Hand) -> None:
    key = lin.prepare("P04")
    assert lin.submit(key).get_json()["state"] == "ACTIVE"


def test_an_adult_is_bound_when_their_own_face_was_recognised(lin: Hand) -> None:
    key = lin.prepare("P07")
    binding = lin.submit(key).get_json()
    assert (binding["state"], binding["face_subject"]) == ("FACE_PENDING", "relative")
    ticket = lin.call("post", f"/bindings/{key}/face", {"subject": "relative"})
    assert lin.home.vendors.sent("/cityservice/face/identify/getverifyid")[-1]["cert_info"]["cert_name"] == "王样七"
    assert lin.show_face(ticket).status_code == 200
    assert lin.state(key) == "ACTIVE"

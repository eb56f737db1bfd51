"""Faces in the national app: its page instead of WeChat's, and a signed notice beside the query."""

import json
from typing import Any

import pytest
import requests
from sqlalchemy import select

from tests.yibao.conftest import P01, Phone, centre_answer, centre_notice, person_answer
from yibao import clock, spaces
from yibao.audit import AuditEntry
from yibao.db import db
from yibao.inbox import Received
from yibao.providers.national import Insurance, Person
from yibao.steps.face import models, rules
from yibao.steps.login import models as login
from yibao.steps.login.rules import NATIONAL

BEGIN, QUERY = "/org/local/api/face/begin", "/org/local/api/face/query"
TOKEN, PAGE = "FACETOKEN-1", "http://vendors.test/national/face/FACETOKEN-1"
FAILURES = [
    ("mismatch", "FACE_FAIL"),
    ("not_live", "FACE_NOT_LIVE"),
    ("poor_quality", "FACE_QUALITY"),
    ("timeout", "FACE_TIMEOUT"),
    ("cancel", "FACE_CANCELLED"),
    ("no_device", "FACE_DEVICE"),
    ("no_subject", "FACE_SUBJECT_MISMATCH"),
]


@pytest.fixture
def pending(phone: Phone, vendors: Any, yibao: Any) -> Phone:
    """P01 in the national app; the credential waits for the face."""
    with spaces.entered(yibao, "default"):
        person = Person("46000000000000000001", **P01, insurances=(Insurance("310", "1101", "1", "460100", 328650),))
        session = login.open_session(login.national_user("sub-1", person, ""), NATIONAL)
        db.session.commit()
        phone.tokens = session.tokens()
    vendors.on("/gateway", person_answer(**P01, psn_no="46000000000000000001"))
    vendors.on(BEGIN, centre_answer({"faceToken": TOKEN, "url": PAGE, "expiresIn": "300"}))
    assert phone.call("post", "/credential", {}).status_code == 200
    return phone


def ticket(phone: Phone) -> dict[str, Any]:
    answer = phone.call("post", "/face/tickets", {"purpose": "ACTIVATE"})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def told(number: str, status: str, fail_code: str = "", **change: Any) -> dict[str, Any]:
    said = {"faceToken": TOKEN, "outBizNo": number, "faceStas": status, "failCode": fail_code, **change}
    return {**said, "finishTime": "2025-12-01 10:00:05"}


def ask(phone: Phone, vendors: Any, number: str, status: str, fail_code: str = "", **change: Any) -> Any:
    vendors.on(QUERY, centre_answer(told(number, status, fail_code, **change)))
    return phone.call("post", f"/face/tickets/{number}/result", {})


def notify(phone: Phone, data: dict[str, Any] | bytes, **seal: Any) -> Any:
    body = data if isinstance(data, bytes) else centre_notice(data, **seal)
    return phone.client.post("/s/default/callbacks/national/face", data=body, content_type="application/json")


def shown(phone: Phone, number: str) -> tuple[str, str]:
    body = phone.call("get", f"/face/tickets/{number}").get_json()
    return body["state"], body["code"]


def alarms(yibao: Any) -> list[str]:
    with spaces.entered(yibao, "default"):
        rows = select(AuditEntry).where(AuditEntry.kind == "alarm", AuditEntry.machine == "face")
        return [row.event for row in db.session.scalars(rows)]


def sent(vendors: Any, path: str) -> int:
    return len([call for call in vendors.calls if call.path_url.endswith(path)])


def test_a_ticket_leads_to_the_national_page(pending: Phone, vendors: Any) -> None:
    made = ticket(pending)
    assert (made["vendor"], made["verify_id"], made["page_url"]) == ("national", TOKEN, PAGE)
    assert sent(vendors, BEGIN) == 1 and sent(vendors, "/cityservice/face/identify/getverifyid") == 0


def test_the_query_decides(pending: Phone, vendors: Any) -> None:
    number = ticket(pending)["id"]
    assert ask(pending, vendors, number, "0").get_json()["code"] == "FACE_NOT_FINISHED"
    assert shown(pending, number) == ("OPENED", "FACE_NOT_FINISHED")
    assert ask(pending, vendors, number, "1").get_json()["state"] == "PASSED"
    assert pending.call("get", "/credential").get_json()["state"] == "ACTIVE"


@pytest.mark.parametrize(("fail_code", "code"), FAILURES)
def test_every_failure_has_our_word_in_the_query_and_in_the_notice(
    pending: Phone, vendors: Any, fail_code: str, code: str
) -> None:
    number = ticket(pending)["id"]
    assert ask(pending, vendors, number, "2", fail_code).get_json()["code"] == code
    assert shown(pending, number) == ("FAILED", code)
    number = ticket(pending)["id"]
    assert notify(pending, told(number, "2", fail_code)).status_code == 200
    assert shown(pending, number) == ("FAILED", code)


@pytest.mark.parametrize("fail_code", ["never_heard_of", "样"])
def test_a_failure_nobody_knows_is_the_vendors_trouble(pending: Phone, vendors: Any, fail_code: str) -> None:
    number = ticket(pending)["id"]
    assert ask(pending, vendors, number, "2", fail_code).get_json()["code"] == "FACE_VENDOR_DOWN"
    assert ask(pending, vendors, number, "1").get_json()["state"] == "PASSED"


@pytest.mark.parametrize(
    "change", [{"faceToken": "OTHER"}, {"outBizNo": "OTHER"}, {"faceStas": "9"}, {"faceStas": ""}, {"faceToken": ""}]
)
def test_an_answer_about_something_else_is_no_answer(pending: Phone, vendors: Any, change: dict[str, str]) -> None:
    number = ticket(pending)["id"]
    assert ask(pending, vendors, number, "1", **change).get_json()["code"] == "FACE_VENDOR_DOWN"
    assert shown(pending, number)[0] == "ERROR"


def test_a_platform_that_is_down_is_asked_three_times(pending: Phone, vendors: Any) -> None:
    vendors.on(BEGIN, requests.Timeout("slow"))
    refused = pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"})
    assert refused.get_json()["code"] == "FACE_VENDOR_DOWN" and sent(vendors, BEGIN) == 3


def test_a_notice_decides_and_nobody_is_asked(pending: Phone, vendors: Any) -> None:
    number = ticket(pending)["id"]
    assert notify(pending, told(number, "1")).get_json() == {"code": "SUCCESS", "message": "成功"}
    assert pending.call("get", "/credential").get_json()["state"] == "ACTIVE"
    assert pending.call("post", f"/face/tickets/{number}/result", {}).get_json()["state"] == "PASSED"
    assert sent(vendors, QUERY) == 0


def test_a_notice_may_overtake_the_answer_that_names_the_check(pending: Phone, yibao: Any) -> None:
    with spaces.entered(yibao, "default"):
        user = db.session.scalars(select(login.User)).one()
        made = models.open_ticket("ACTIVATE", models.Subject(**P01), user.psn_no or "", user)
        made.vendor = rules.NATIONAL
        number = made.number
        db.session.commit()
    assert notify(pending, told(number, "1")).status_code == 200
    assert shown(pending, number)[0] == "PASSED"


def test_the_same_notice_again_changes_nothing(pending: Phone, yibao: Any) -> None:
    number = ticket(pending)["id"]
    for _ in range(3):
        assert notify(pending, told(number, "2", "mismatch")).status_code == 200
    with spaces.entered(yibao, "default"):
        rows = select(AuditEntry).where(AuditEntry.machine == "face", AuditEntry.after == "FAILED")
        assert len(list(db.session.scalars(rows))) == 1
        assert [row.event_id for row in db.session.scalars(select(Received))] == [f"face:{number}:2"]


def test_a_notice_after_the_end_changes_nothing(pending: Phone, vendors: Any, business_time: Any) -> None:
    number = ticket(pending)["id"]
    ask(pending, vendors, number, "2", "mismatch")
    assert notify(pending, told(number, "1")).status_code == 200
    assert shown(pending, number) == ("FAILED", "FACE_FAIL")
    late = ticket(pending)["id"]
    business_time.advance(minutes=5)
    assert notify(pending, told(late, "1")).status_code == 200
    assert shown(pending, late) == ("EXPIRED", "FACE_TIMEOUT")


def test_a_notice_that_the_check_waits_ends_nothing(pending: Phone) -> None:
    number = ticket(pending)["id"]
    assert notify(pending, told(number, "0")).status_code == 200
    assert notify(pending, told(number, "1")).status_code == 200
    assert shown(pending, number)[0] == "PASSED"


FORGED = [
    b"",
    b"[]",
    b"{}",
    b"not JSON",
    b'{"a":' * 5000,
    json.dumps({"faceToken": TOKEN, "faceStas": "1"}).encode(),
]


@pytest.mark.parametrize("body", FORGED, ids=lambda body: body[:12])
def test_what_nobody_signed_is_refused(pending: Phone, yibao: Any, body: bytes) -> None:
    ticket(pending)
    answer = notify(pending, body)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "FAIL")
    assert alarms(yibao) == ["CALLBACK_FORGED"]


@pytest.mark.parametrize(
    "change",
    [
        {"appId": "OTHERAPP000000000000000000000001"},
        {"timestamp": "1764554400001"},
        {"signData": "AAAA"},
        {"encData": "00"},
        {"signData": 7},
    ],
)
def test_a_seal_that_was_tampered_with_is_refused(pending: Phone, change: dict[str, Any]) -> None:
    number = ticket(pending)["id"]
    assert notify(pending, told(number, "1"), **change).status_code == 401
    assert shown(pending, number)[0] == "ISSUED"


@pytest.mark.parametrize(
    "data",
    [
        {"faceStas": "1"},
        {"faceStas": "7", "faceToken": TOKEN, "outBizNo": "x"},
        {"faceStas": "2", "faceToken": TOKEN, "outBizNo": "x"},
        {"faceStas": 1, "faceToken": TOKEN, "outBizNo": "x"},
        {"payOrdId": "ORD1", "ordStas": "6"},
    ],
)
def test_a_sealed_message_that_is_no_face_result_is_refused(pending: Phone, data: dict[str, Any]) -> None:
    assert notify(pending, data).status_code == 401


def test_a_check_that_is_not_ours_is_unknown(pending: Phone, yibao: Any) -> None:
    number = ticket(pending)["id"]
    assert notify(pending, told("nobody's", "1")).status_code == 404
    assert notify(pending, told(number, "1", faceToken="OTHER")).status_code == 404
    assert alarms(yibao) == ["CALLBACK_UNKNOWN", "CALLBACK_UNKNOWN"]
    assert shown(pending, number)[0] == "ISSUED"


def test_a_notice_of_another_space_is_unknown_here(pending: Phone) -> None:
    number = ticket(pending)["id"]
    body = centre_notice(told(number, "1"))
    there = pending.client.post("/s/other/callbacks/national/face", data=body, content_type="application/json")
    assert there.status_code == 404 and shown(pending, number)[0] == "ISSUED"


def test_a_notice_is_not_endless(pending: Phone) -> None:
    assert notify(pending, b"{" + b" " * 70_000 + b"}").status_code == 413


def test_wechats_tickets_are_no_business_of_the_national_platform(phone: Phone, vendors: Any, client: Any) -> None:
    phone.log_in().bind()
    vendors.on("/cityservice/face/identify/getverifyid", {"errcode": 0, "verify_id": TOKEN})
    assert phone.call("post", "/credential", {}).status_code == 200
    number = ticket(phone)["id"]
    assert notify(phone, told(number, "1")).status_code == 404
    assert shown(phone, number)[0] == "ISSUED"


def test_the_door_of_the_session_decides_who_recognises_the_face(
    pending: Phone, vendors: Any, client: Any, yibao: Any
) -> None:
    with spaces.entered(yibao, "default"):
        user = db.session.scalars(select(login.User)).one()
        user.openid = "oSAMPLEOPENID0000000000000001"
        db.session.commit()
    vendors.on("/cityservice/face/identify/getverifyid", {"errcode": 0, "verify_id": "v-1"})
    assert ticket(Phone(client, vendors).log_in())["vendor"] == "wechat"
    assert ticket(pending)["vendor"] == "national"


def test_coming_back_from_the_page_proves_nothing(pending: Phone, vendors: Any) -> None:
    number = ticket(pending)["id"]
    back = pending.client.get(f"/s/default/callbacks/national/face?faceToken={TOKEN}&outBizNo={number}&faceStas=1")
    assert back.status_code == 200 and "样例" in back.text
    assert shown(pending, number)[0] == "ISSUED" and sent(vendors, QUERY) == 0


def test_the_fifth_failed_notice_locks_and_a_pass_does_not_unlock(
    pending: Phone, vendors: Any, business_time: Any
) -> None:
    for _ in range(3):
        notify(pending, told(ticket(pending)["id"], "2", "mismatch"))
    for _ in range(2):
        business_time.advance(minutes=10)
        refresh = {"refresh_token": pending.tokens["refresh_token"]}
        pending.tokens = pending.call("post", "/login/refresh", refresh).get_json()
        early, number = ticket(pending)["id"], ticket(pending)["id"]
        notify(pending, told(number, "2", "not_live"))
    assert shown(pending, number) == ("LOCKED", "FACE_NOT_LIVE")
    notify(pending, told(early, "1"))
    assert shown(pending, early) == ("LOCKED", "FACE_LOCKED")
    assert pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"}).get_json()["code"] == "FACE_LOCKED"


def test_a_ticket_nobody_finished_expires_by_itself(pending: Phone, yibao: Any, business_time: Any) -> None:
    number = ticket(pending)["id"]
    business_time.advance(minutes=5)
    with spaces.entered(yibao, "default"):
        from yibao.tasks import run_due

        run_due(clock.now())
    assert shown(pending, number) == ("EXPIRED", "FACE_TIMEOUT")

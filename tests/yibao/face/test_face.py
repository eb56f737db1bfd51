"""Face tickets: five minutes, one purpose, one use; WeChat is asked, the front end is not believed."""

import pytest
import requests

from tests.yibao.conftest import Phone
from yibao import clock
from yibao.db import db
from yibao.errors import Refused
from yibao.spaces import entered
from yibao.steps.face import models, rules
from yibao.steps.login.models import User
from yibao.tasks import run_due

BEGIN = "/cityservice/face/identify/getverifyid"
QUERY = "/cityservice/face/identify/queryverifyinfo"


def code_of(response):
    return response.get_json()["code"]


@pytest.fixture
def pending(phone, vendors):
    """A user whose credential waits for the face."""
    vendors.on(BEGIN, {"errcode": 0, "errmsg": "ok", "verify_id": "verify-1", "expires_in": 3600})
    phone.log_in().bind()
    assert phone.call("post", "/credential", {}).status_code == 200
    return phone


def ticket(phone):
    response = phone.call("post", "/face/tickets", {"purpose": "ACTIVATE"})
    assert response.status_code == 200, response.get_json()
    return response.get_json()["id"]


def result(phone, ticket_id, vendors, verify_ret):
    vendors.on(QUERY, {"errcode": 0, "errmsg": "ok", "verify_ret": verify_ret})
    return phone.call("post", f"/face/tickets/{ticket_id}/result", {})


def shown(phone, ticket_id):
    return phone.call("get", f"/face/tickets/{ticket_id}").get_json()


def fail(phone, vendors, times):
    for _ in range(times):
        assert code_of(result(phone, ticket(phone), vendors, 10004)) == "FACE_FAIL"


def test_a_ticket_is_issued_with_what_the_phone_needs(pending, vendors):
    body = pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"}).get_json()
    assert (body["state"], body["verify_id"]) == ("ISSUED", "verify-1")
    assert body["expires_at"] == "2025-12-01T10:05:00+08:00"
    sent = vendors.sent(BEGIN)[0]
    assert sent["out_seq_no"] == body["id"]
    assert sent["cert_info"]["cert_no"] == "469099198803159034"


def test_a_pass_activates_the_credential_once(pending, vendors):
    number = ticket(pending)
    assert result(pending, number, vendors, 10000).get_json()["state"] == "PASSED"
    assert pending.call("get", "/credential").get_json()["state"] == "ACTIVE"
    assert result(pending, number, vendors, 10004).get_json()["state"] == "PASSED"
    assert len(vendors.sent(QUERY)) == 1
    assert code_of(pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"})) == "STATE_CONFLICT"


def test_what_the_front_end_claims_is_refused(pending, vendors):
    number = ticket(pending)
    response = pending.call("post", f"/face/tickets/{number}/result", {"errCode": 0})
    assert code_of(response) == "FIELD_INVALID"
    assert shown(pending, number)["state"] == "ISSUED"


@pytest.mark.parametrize(
    ("verify_ret", "code", "state"),
    [
        (10004, "FACE_FAIL", "FAILED"),
        (10012, "FACE_FAIL", "FAILED"),
        (10003, "FACE_SUBJECT_MISMATCH", "FAILED"),
        (10018, "FACE_SUBJECT_MISMATCH", "FAILED"),
        (10002, "FACE_NOT_LIVE", "FAILED"),
        (10010, "FACE_QUALITY", "FAILED"),
        (90011, "FACE_QUALITY", "FAILED"),
        (10020, "FACE_TIMEOUT", "FAILED"),
        (90017, "FACE_TIMEOUT", "FAILED"),
        (90004, "FACE_CANCELLED", "FAILED"),
        (90001, "FACE_DEVICE", "FAILED"),
        (90008, "FACE_DEVICE", "FAILED"),
        (90109, "FACE_DEVICE", "FAILED"),
        (90199, "FACE_DEVICE", "FAILED"),
        (10008, "FACE_VENDOR_DOWN", "ERROR"),
        (10300, "FACE_NOT_FINISHED", "OPENED"),
        (10005, "FACE_NOT_FINISHED", "OPENED"),
    ],
)
def test_what_wechat_found_has_our_words(pending, vendors, verify_ret, code, state):
    number = ticket(pending)
    assert code_of(result(pending, number, vendors, verify_ret)) == code
    assert (shown(pending, number)["state"], shown(pending, number)["code"]) == (state, code)
    assert pending.call("get", "/credential").get_json()["state"] == "FACE_PENDING"


def test_an_unfinished_check_may_be_finished(pending, vendors):
    number = ticket(pending)
    assert code_of(result(pending, number, vendors, 10300)) == "FACE_NOT_FINISHED"
    assert code_of(result(pending, number, vendors, 10300)) == "FACE_NOT_FINISHED"
    assert result(pending, number, vendors, 10000).get_json()["state"] == "PASSED"


def test_a_failed_ticket_stays_failed(pending, vendors):
    number = ticket(pending)
    result(pending, number, vendors, 10004)
    assert code_of(result(pending, number, vendors, 10000)) == "FACE_FAIL"


def test_three_fails_pause_and_five_lock_for_a_day(pending, vendors, business_time):
    fail(pending, vendors, 3)
    paused = pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"})
    assert code_of(paused) == "FACE_LOCKED"
    assert paused.get_json()["locked_until"] == "2025-12-01T10:10:00+08:00"
    business_time.advance(minutes=10)
    refresh(pending)
    fail(pending, vendors, 1)
    business_time.advance(minutes=10)
    refresh(pending)
    number = ticket(pending)
    assert code_of(result(pending, number, vendors, 10004)) == "FACE_FAIL"
    assert shown(pending, number)["state"] == "LOCKED"
    assert pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"}).get_json()["locked_until"] == (
        "2025-12-02T10:20:00+08:00"
    )
    business_time.advance(hours=24)
    pending.log_in()
    assert result(pending, ticket(pending), vendors, 10000).status_code == 200


def test_a_ticket_opened_before_the_lock_does_not_slip_through(pending, vendors):
    early = ticket(pending)
    fail(pending, vendors, 3)
    assert code_of(result(pending, early, vendors, 10000)) == "FACE_LOCKED"
    assert shown(pending, early)["state"] == "LOCKED"


def refresh(phone):
    body = {"refresh_token": phone.tokens["refresh_token"]}
    phone.tokens = phone.call("post", "/login/refresh", body).get_json()


def test_nobody_came_back_in_time(pending, vendors, business_time, yibao):
    late, forgotten = ticket(pending), ticket(pending)
    business_time.advance(minutes=5)
    assert code_of(result(pending, late, vendors, 10000)) == "FACE_TIMEOUT"
    with entered(yibao, "default"):
        assert [done["ref"] for done in run_due(clock.now())] == [forgotten]
    assert shown(pending, forgotten)["state"] == "EXPIRED"
    assert shown(pending, late)["code"] == "FACE_TIMEOUT"


def test_a_vendor_that_is_down_is_tried_three_times(pending, vendors):
    vendors.on(BEGIN, requests.ConnectionError("down"))
    assert code_of(pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"})) == "FACE_VENDOR_DOWN"
    assert len(vendors.sent(BEGIN)) == 3


def test_two_bad_answers_and_a_good_one_are_enough(pending, vendors):
    number = ticket(pending)
    bad = requests.ReadTimeout("slow")
    vendors.on(QUERY, bad, {"errcode": -1, "errmsg": "system error"}, {"errcode": 0, "verify_ret": 10000})
    assert pending.call("post", f"/face/tickets/{number}/result", {}).get_json()["state"] == "PASSED"


def test_after_an_outage_the_same_ticket_may_be_asked_again(pending, vendors):
    number = ticket(pending)
    vendors.on(QUERY, requests.ReadTimeout("slow"))
    assert code_of(pending.call("post", f"/face/tickets/{number}/result", {})) == "FACE_VENDOR_DOWN"
    assert shown(pending, number)["state"] == "ERROR"
    assert result(pending, number, vendors, 10000).get_json()["state"] == "PASSED"


def test_a_refusal_of_the_vendor_is_not_an_outage(pending, vendors):
    vendors.on(BEGIN, {"errcode": 40003, "errmsg": "invalid openid"})
    assert code_of(pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"})) == "VENDOR_ERROR"
    assert len(vendors.sent(BEGIN)) == 1


def test_a_ticket_whose_check_never_began_cannot_be_settled(pending, vendors, yibao):
    vendors.on(BEGIN, requests.ConnectionError("down"))
    pending.call("post", "/face/tickets", {"purpose": "ACTIVATE"})
    with entered(yibao, "default"):
        number = db.session.query(models.FaceTicket).one().number
    assert code_of(pending.call("post", f"/face/tickets/{number}/result", {})) == "FACE_VENDOR_DOWN"


def test_somebody_elses_ticket_is_not_found(pending, client, vendors):
    number = ticket(pending)
    other = Phone(client, vendors).log_in("oSECONDOPENID000000000000002")
    assert code_of(other.call("get", f"/face/tickets/{number}")) == "NOT_FOUND"
    assert code_of(other.call("post", f"/face/tickets/{number}/result", {})) == "NOT_FOUND"
    assert code_of(other.call("get", "/face/tickets/nonsense")) == "NOT_FOUND"


def test_a_passed_ticket_serves_once_and_only_its_purpose(pending, vendors, yibao):
    with entered(yibao, "default"):
        user = db.session.query(User).one()
        relative = models.Subject("林样三", "id_card", "469099195805209070")
        row = models.open_ticket("RELATIVE_BIND", relative, "binding-1", user)
        db.session.commit()
        models.request_check(row)
        for purpose, target, code in (
            ("RELATIVE_BIND", "binding-1", "FACE_NOT_FINISHED"),
            ("SELF_BIND", "binding-1", "FACE_TICKET_USED"),
        ):
            with pytest.raises(Refused, match=code):
                models.consume(row.number, purpose, target)
        vendors.on(QUERY, {"errcode": 0, "verify_ret": 10000})
        db.session.commit()
        models.settle(row.number, user.id)
        with pytest.raises(Refused, match="FACE_TICKET_USED"):
            models.consume(row.number, "RELATIVE_BIND", "binding-2")
        models.consume(row.number, "RELATIVE_BIND", "binding-1")
        with pytest.raises(Refused, match="FACE_TICKET_USED"):
            models.consume(row.number, "RELATIVE_BIND", "binding-1")


def test_the_end_of_a_ticket_is_told_inside_its_transaction(pending, vendors):
    heard = []

    def listen(row):
        heard.append((row.state, row.code, db.session().in_transaction()))

    with models.face_finished.connected_to(listen):
        result(pending, ticket(pending), vendors, 10004)
    assert heard == [("FAILED", "FACE_FAIL", True)]


@pytest.mark.parametrize("purpose", ["SELF_BIND", "PAY", "", None, 5, "X" * 1000])
def test_other_purposes_begin_elsewhere(pending, purpose):
    assert code_of(pending.call("post", "/face/tickets", {"purpose": purpose})) == "FIELD_INVALID"


def test_every_verify_ret_means_something():
    for verify_ret in (*range(10001, 10053), 10300, *range(90000, 90025), *range(90104, 90200)):
        assert rules.code_of(verify_ret).startswith("FACE_")
    assert rules.code_of(10000) == ""


def test_an_ended_ticket_moves_no_more():
    for state in ("PASSED", "FAILED", "LOCKED", "EXPIRED"):
        with pytest.raises(Refused, match="STATE_CONFLICT"):
            rules.move(state, "scored")

"""Face verification 2.0 beyond the numbered checks of the sheet, which stand in conformance/."""

import pytest
from sqlalchemy import select

from mock_providers import journal, spaces
from mock_providers.db import db
from mock_providers.people import check_character
from mock_providers.people import world as people
from mock_providers.wechat import wire
from mock_providers.wechat.models import FaceCheck
from tests.mock_providers.wechat.conftest import World

BEGIN = "/cityservice/face/identify/getverifyid"
QUERY = "/cityservice/face/identify/queryverifyinfo"
P01 = people().people["P01"]


def begin(world: World, **more: object) -> dict:
    return world.post(BEGIN, asked(world, **more), access_token=world.token())


def asked(world: World, person: str = "P01", out_seq_no: object = "face-0001", **cert: object) -> dict:
    who = people().people[person]
    cert = {"cert_type": "IDENTITY_CARD", "cert_name": who.name, "cert_no": who.id_number, **cert}
    return {"out_seq_no": out_seq_no, "cert_info": cert, "openid": world.log_in()["openid"]}


def ended(world: World, verify_id: str, person: str = "P01", **more: object) -> dict:
    who = people().people[person]
    cert_hash = wire.cert_hash("IDENTITY_CARD", who.name, who.id_number)
    openid = world.log_in()["openid"]
    body = {"verify_id": verify_id, "out_seq_no": "face-0001", "cert_hash": cert_hash, "openid": openid, **more}
    return world.post(QUERY, body, access_token=world.token())


@pytest.mark.parametrize("serial", ["abcd", "a" * 33, "a b c", "", None, 12345, "中文中文中文"])
def test_a_malformed_serial_is_refused(world: World, serial: object) -> None:
    answer = begin(world, out_seq_no=serial)
    assert answer["errcode"] == 40097 and "verify_id" not in answer


@pytest.mark.parametrize(
    ("cert", "errcode"),
    [
        ({"cert_type": "PASSPORT"}, 40097),
        ({"cert_name": ""}, 84006),
        ({"cert_no": None}, 84006),
        ({"cert_name": 5}, 40097),
        ({"cert_name": "样" * 129}, 40097),
        ({"cert_no": "46909919880315903"}, 40097),
        ({"cert_no": "469099198803159035"}, 40097),
        ({"cert_no": 469099198803159034}, 40097),
        ({"cert_no": "H12345678"}, 40097),
    ],
)
def test_a_malformed_certificate_is_refused(world: World, cert: dict, errcode: int) -> None:
    assert begin(world, **cert)["errcode"] == errcode


def test_a_certificate_that_is_no_object_and_a_stranger_are_refused(world: World) -> None:
    good = asked(world)
    token = world.token()
    assert world.post(BEGIN, good | {"cert_info": "x"}, access_token=token)["errcode"] == 40097
    for openid in ("o" * 28, None, 7):
        assert world.post(BEGIN, good | {"openid": openid}, access_token=token)["errcode"] == 40003
    world.switch("wechat.face_openid", "40097")
    assert world.post(BEGIN, good | {"openid": "o"}, access_token=token)["errcode"] == 40097


def test_a_real_looking_number_is_refused_and_kept_nowhere(world: World) -> None:
    real = "110105184912310020"
    assert begin(world, cert_no=real)["errcode"] == 40097
    escaped = b'{"cert_info": {"cert_no": "1\\u00310105184912310020"}}'
    assert world.post(BEGIN, escaped, access_token="98_x")["errcode"] == 40001
    assert world.post("/wxa/business/getuserphonenumber", f"no={real}".encode())["errcode"] == 41001
    world.app.extensions["journal"].flush()
    with spaces.entered(world.app, "default"):
        kept = b"".join(db.session.scalars(select(journal.Call.request_body)))
        assert db.session.scalar(select(FaceCheck)) is None
    assert b"masked" in kept and b"8491231002" not in kept


def test_the_same_request_gets_the_same_check(world: World) -> None:
    first = begin(world)
    world.advance(100)
    assert begin(world) == {**first, "expires_in": 3500}
    assert begin(world, person="P02")["errcode"] == 40097
    world.advance(3500)
    assert begin(world)["errcode"] == 40097
    assert begin(world, out_seq_no="face-0002")["expires_in"] == 3600


def test_a_repeat_can_be_refused(world: World) -> None:
    begin(world)
    world.switch("wechat.face_repeat", "40097")
    assert begin(world)["errcode"] == 40097


@pytest.mark.parametrize("outcome", [10004, "10004", "mismatch"])
def test_a_failed_check_still_says_ok_on_the_phone(world: World, outcome: object) -> None:
    verify_id = begin(world)["verify_id"]
    assert world.phone("face", verify_id=verify_id, outcome=outcome)["errMsg"] == "requestFacialVerify:ok"
    assert ended(world, verify_id)["verify_ret"] == 10004


@pytest.mark.parametrize(
    "wrong",
    [
        {"cert_hash": wire.cert_hash("IDENTITY_CARD", P01.name, P01.id_number).upper()},
        {"cert_hash": None},
        {"out_seq_no": "face-0002"},
        {"openid": "o" * 28},
    ],
)
def test_a_question_that_differs_gets_no_result(world: World, wrong: dict) -> None:
    verify_id = begin(world)["verify_id"]
    world.phone("face", verify_id=verify_id, outcome="pass")
    answer = ended(world, verify_id, **wrong)
    assert answer["errcode"] == 40097 and "verify_ret" not in answer


def test_an_unknown_verify_id(world: World) -> None:
    for verify_id in ("nothing", None, 5, ["x"]):
        answer = ended(world, verify_id)
        assert answer["errcode"] == 84001 and answer["errmsg"].startswith("invalid identify id")
    assert world.phone("face", 404, verify_id="nothing", outcome="pass")["code"] == "NOT_FOUND"


def test_a_finished_check_starts_once_unless_told_otherwise(world: World) -> None:
    verify_id = begin(world)["verify_id"]
    world.phone("face", verify_id=verify_id, outcome="mismatch")
    assert world.phone("face", verify_id=verify_id, outcome="pass")["errMsg"] == "requestFacialVerify:fail"
    assert ended(world, verify_id)["verify_ret"] == 10004
    world.switch("wechat.face_starts", "again")
    world.phone("face", verify_id=verify_id, outcome="pass")
    assert ended(world, verify_id)["verify_ret"] == 10000


def test_a_check_left_in_the_middle_may_be_taken_up_again(world: World) -> None:
    verify_id = begin(world)["verify_id"]
    world.phone("face", verify_id=verify_id, outcome=10300)
    assert ended(world, verify_id)["verify_ret"] == 10300
    world.phone("face", verify_id=verify_id)
    assert ended(world, verify_id)["verify_ret"] == 10000


@pytest.mark.parametrize(
    ("person", "cert_name", "verify_ret"),
    [("P01", None, 10000), ("P12", None, 10004), ("P18", None, 10018), ("P01", "林样二", 10003)],
)
def test_without_an_outcome_the_persona_decides(
    world: World, person: str, cert_name: str | None, verify_ret: int
) -> None:
    name = cert_name or people().people[person].name
    verify_id = begin(world, person=person, cert_name=name)["verify_id"]
    world.phone("face", verify_id=verify_id)
    cert_hash = wire.cert_hash("IDENTITY_CARD", name, people().people[person].id_number)
    assert ended(world, verify_id, cert_hash=cert_hash)["verify_ret"] == verify_ret


def test_a_sample_number_of_nobody_has_no_record(world: World) -> None:
    number = P01.id_number[:14] + "901"
    number += check_character(number)
    verify_id = begin(world, cert_no=number)["verify_id"]
    world.phone("face", verify_id=verify_id)
    cert_hash = wire.cert_hash("IDENTITY_CARD", P01.name, number)
    assert ended(world, verify_id, cert_hash=cert_hash)["verify_ret"] == 10018


def test_a_planned_face_comes_before_the_persona(world: World) -> None:
    world.plan("wechat.face", "not_live", person="P01")
    verify_id = begin(world)["verify_id"]
    world.phone("face", verify_id=verify_id)
    assert ended(world, verify_id)["verify_ret"] == 10002


@pytest.mark.parametrize("outcome", ["maybe", 12345, "1e4", 10000.0, True, [], {"a": 1}, "１００００"])
def test_an_outcome_nobody_knows_is_refused(world: World, outcome: object) -> None:
    verify_id = begin(world)["verify_id"]
    assert world.phone("face", 400, verify_id=verify_id, outcome=outcome)["code"] == "OUTCOME_UNKNOWN"
    assert ended(world, verify_id)["verify_ret"] == 10300


@pytest.mark.parametrize(
    ("outcome", "errcode"), [("system_error", -1), ("rate_limited", 45011), ("unauthorized", 48001)]
)
def test_the_vendor_can_be_in_trouble(world: World, outcome: str, errcode: int) -> None:
    world.plan("wechat.getverifyid", outcome)
    assert begin(world)["errcode"] == errcode
    verify_id = begin(world)["verify_id"]
    world.plan("wechat.queryverifyinfo", outcome, ref="face-0001")
    assert ended(world, verify_id)["errcode"] == errcode
    assert ended(world, verify_id)["verify_ret"] == 10300


def test_the_vendor_can_be_down(world: World) -> None:
    world.plan("wechat.getverifyid", "http_500")
    answer = world.send(BEGIN, asked(world), access_token=world.token())
    assert (answer.status_code, answer.data) == (500, b"")


def test_a_real_looking_number_for_generation_1_is_kept_nowhere(world: World) -> None:
    real = "110105184912310020"
    path, token = "/cityservice/face/identify/getuseridkey", world.token()
    assert world.post(path, {"name": "样", "id_card_number": real}, access_token=token)["errcode"] == 40097
    escaped = b'{"name": "x", "id_card_number": "1\\u00310105184912310020"}'
    assert world.post(path, escaped, access_token=token)["errcode"] == 40097
    world.app.extensions["journal"].flush()
    with spaces.entered(world.app, "default"):
        kept = b"".join(db.session.scalars(select(journal.Call.request_body)))
    assert b"masked" in kept and b"8491231002" not in kept

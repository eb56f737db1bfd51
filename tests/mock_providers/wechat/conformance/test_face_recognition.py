"""Face recognition 1.0: checks 50 and 51 of wechat.md §11, and every value of §4.7."""

import hashlib
import re

import pytest

from mock_providers.people import world as people
from mock_providers.wechat import recognition
from tests.mock_providers.wechat.conformance.test_face import FACE, official_token
from tests.mock_providers.wechat.conftest import World

CODES = {
    *(0, -1, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10010, 10011, 10012, 10013, 10014, 10015),
    *(10016, 10017, 10018, 10020, 10021, 10022, 10026, 10027, 10028, 10029, 10030, 10031, 10032, 10040, 10041, 10042),
    *(10045, 10052, 10057, 10066, 10069),
    *(90100, 90101, 90102, 90103, 90104, 90105, 90106, 90107, 90108, 90109, 90199),
}
CALL = "startFacialRecognitionVerify"


def taken(world: World, person: str = "P01", **other: object) -> dict:
    """The phone recognises somebody by name and number."""
    who = people().people[person]
    body = {"name": who.name, "idCardNumber": who.id_number, "outcome": "pass"} | other
    return world.phone("face-recognition", person=person, **body)


def info(world: World, verify_result: object) -> dict:
    return world.post(f"{FACE}/getinfo", {"verify_result": verify_result}, access_token=world.token())


def key(world: World, person: str = "P01", **other: object) -> dict:
    who = people().people[person]
    body = {"name": who.name, "id_card_number": who.id_number} | other
    return world.post(f"{FACE}/getuseridkey", body, access_token=world.token())


def test_w50_a_fresh_verify_result_tells_who_passed_with_both_hashes(world: World) -> None:
    said = taken(world, "P18", checkAliveType=0)
    assert said == {"errMsg": f"{CALL}:ok", "errCode": 0, "verifyResult": said["verifyResult"]}
    who, answer = people().people["P18"], info(world, said["verifyResult"])
    assert answer["errcode"] == 0 and answer["identify_ret"] == 0 and answer["errmsg"] == "ok"
    assert who.id_number[-1] == "X"
    assert answer["name_utf8_md5"] == hashlib.md5(who.name.encode()).hexdigest()
    assert answer["id_card_number_md5"] == hashlib.md5(who.id_number.encode()).hexdigest()
    assert answer["openid"] == world.log_in("P18")["openid"]
    assert re.fullmatch(r"\d{4}", answer["validate_data"]) and answer["check_alive_type"] == 0
    assert isinstance(answer["identify_time"], int) and answer["finish_time"] >= answer["identify_time"]
    assert answer["user_id_key"] == "" and info(world, said["verifyResult"]) == answer


def test_w50_the_number_is_hashed_with_a_capital_x(world: World) -> None:
    number = people().people["P18"].id_number
    answer = info(world, taken(world, "P18", idCardNumber=number.lower())["verifyResult"])
    assert answer["id_card_number_md5"] == hashlib.md5(number.encode()).hexdigest()


def test_w50_after_five_minutes_the_data_are_gone(world: World) -> None:
    verify_result = taken(world)["verifyResult"]
    world.advance(299)
    assert info(world, verify_result)["errcode"] == 0
    world.advance(2)
    late = info(world, verify_result)
    assert late["errcode"] == 84002 and late["errmsg"].startswith("user data expired")
    assert "identify_ret" not in late


def test_w50_an_unknown_verify_result_is_84001(world: World) -> None:
    for unknown in ("nothing", "", None, 5, ["x"]):
        answer = info(world, unknown)
        assert answer["errcode"] == 84001 and "identify_ret" not in answer


def test_w51_a_key_stands_for_a_name_and_a_number_for_an_hour(world: World) -> None:
    answer = key(world, out_seq_no="serial-1")
    assert {**answer, "user_id_key": ""} == {"errcode": 0, "errmsg": "ok", "user_id_key": "", "expires_in": 3600}
    said = world.phone("face-recognition", person="P02", userIdKey=answer["user_id_key"], outcome="pass")
    told = info(world, said["verifyResult"])
    assert told["user_id_key"] == answer["user_id_key"]
    assert told["name_utf8_md5"] == hashlib.md5(people().people["P01"].name.encode()).hexdigest()
    world.advance(3600)
    late = world.phone("face-recognition", person="P02", userIdKey=answer["user_id_key"])
    assert late == {"errMsg": f"{CALL}:fail", "errCode": 10041, "verifyResult": ""}
    assert world.phone("face-recognition", person="P02", userIdKey="nothing")["errCode"] == 10041


def test_w51_bad_data_get_no_key(world: World) -> None:
    for other, errcode in (
        ({"name": ""}, 84006),
        ({"name": None}, 84006),
        ({"id_card_number": ""}, 84006),
        ({"id_card_number": None}, 84006),
        ({"name": 5}, 40097),
        ({"name": "样" * 129}, 40097),
        ({"id_card_number": "469099198803159035"}, 40097),
        ({"id_card_number": "110105184912310020"}, 40097),
        ({"id_card_number": 469099198803159034}, 40097),
        ({"out_seq_no": "abcd"}, 40097),
        ({"out_seq_no": 12345}, 40097),
    ):
        answer = key(world, **other)
        assert (other, answer["errcode"]) == (other, errcode) and "user_id_key" not in answer


def test_every_code_of_the_sheet_and_no_other_can_be_had(world: World) -> None:
    assert CODES == recognition.CODES
    token = world.token()
    for code in sorted(CODES):
        said = taken(world, outcome=code)
        assert said["errCode"] == code and said["errMsg"].startswith(f"{CALL}:{'fail' if code else 'ok'}")
        assert bool(said["verifyResult"]) is (0 <= code < 90000)
        if said["verifyResult"]:
            shown = {"verify_result": said["verifyResult"]}
            assert world.post(f"{FACE}/getinfo", shown, access_token=token)["identify_ret"] == code
    for unknown in (10019, 10023, 10300, 90000, 1, "0", True, []):
        who = people().people["P01"]
        body = {"person": "P01", "name": who.name, "idCardNumber": who.id_number, "outcome": unknown}
        assert world.phone("face-recognition", 400, **body)["code"] == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("unfinished", {"errMsg": f"{CALL}:fail not returned", "errCode": -1, "verifyResult": ""}),
        ("cancel", {"errMsg": f"{CALL}:fail cancel", "errCode": 90100, "verifyResult": ""}),
        ("no_device", {"errMsg": f"{CALL}:fail face detect not support", "errCode": 90109, "verifyResult": ""}),
    ],
)
def test_the_words_of_a_failure_are_those_seen(world: World, outcome: str, said: dict) -> None:
    assert taken(world, outcome=outcome) == said


def test_a_bad_parameter_is_10001(world: World) -> None:
    for name, value in (("name", ""), ("idCardNumber", ""), ("idCardNumber", "123"), ("checkAliveType", 3)):
        assert taken(world, **{name: value})["errCode"] == 10001
    assert taken(world, checkAliveType=True)["errCode"] == 10001


@pytest.mark.parametrize(("alive", "digits"), [(0, 4), (1, 0), (2, 4)])
def test_digits_are_told_where_they_were_read(world: World, alive: int, digits: int) -> None:
    answer = info(world, taken(world, checkAliveType=alive)["verifyResult"])
    assert len(answer["validate_data"]) == digits and answer["check_alive_type"] == alive


def test_without_an_outcome_the_persona_decides(world: World) -> None:
    assert taken(world, outcome=None)["errCode"] == 0
    assert taken(world, "P12", outcome=None)["errCode"] == 10004
    assert taken(world, "P18", outcome=None)["errCode"] == 10018
    assert taken(world, name="林样二", outcome=None)["errCode"] == 10003
    world.plan("wechat.face_recognition", "cancel", person="P01")
    assert taken(world, outcome=None)["errCode"] == 90100


@pytest.mark.parametrize(
    ("outcome", "errcode", "text"),
    [
        ("data_missing", 84003, "user data not exist"),
        ("video_upload_failed", 84004, "video upload fail!"),
        ("video_download_failed", 84005, "video download fail! please try again"),
        ("system_error", -1, "system error"),
    ],
)
def test_the_face_service_can_be_in_trouble(world: World, outcome: str, errcode: int, text: str) -> None:
    verify_result = taken(world)["verifyResult"]
    world.plan("wechat.getinfo", outcome, person="P01")
    answer = info(world, verify_result)
    assert answer["errcode"] == errcode and answer["errmsg"].startswith(text)
    assert info(world, verify_result)["errcode"] == 0


def test_a_snapshot_is_had_by_verify_result_too(world: World) -> None:
    said = taken(world, outcome="mismatch")
    token, path = world.token(), f"{FACE}/getimage"
    picture = world.send(path, {"verify_result": said["verifyResult"]}, access_token=token)
    assert picture.content_type == "image/jpeg" and picture.data[:2] == b"\xff\xd8"
    assert world.post(path, {"verify_result": "nothing"}, access_token=token)["errcode"] == 84001


def test_a_refused_recognition_can_be_without_a_result(world: World) -> None:
    world.switch("wechat.face_1_0_failed_result", "empty")
    assert taken(world, outcome=10004)["verifyResult"] == ""
    assert taken(world)["verifyResult"]


def test_generation_1_can_stop_on_the_day_announced(world: World) -> None:
    world.switch("wechat.face_1_0", "until_2026-06-30")
    verify_result = taken(world)["verifyResult"]
    assert key(world)["errcode"] == 0 and info(world, verify_result)["errcode"] == 0
    world.switch("wechat.face_1_0", "stopped")
    assert taken(world)["errCode"] == 10006
    assert key(world)["errcode"] == 48001 and info(world, verify_result)["errcode"] == 48001
    world.switch("wechat.face_1_0", "until_2026-06-30")
    world.advance(300 * 86400)
    assert key(world)["errcode"] == 48001


def test_an_official_accounts_token_has_no_generation_1(world: World) -> None:
    token = official_token(world)
    for path in ("getuseridkey", "getinfo"):
        assert world.post(f"{FACE}/{path}", {}, access_token=token)["errcode"] == 48001

"""Face verification 2.0: checks 39 to 49 of wechat.md §11, and every value of its tables."""

import io
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from mock_providers.people import world as people
from mock_providers.wechat import wire
from tests.mock_providers.wechat.conftest import World

FACE = "/cityservice/face/identify"
VECTORS = Path(__file__).parents[3] / "vectors" / "wechat.toml"
OK_ON_PHONE = {"errMsg": "requestFacialVerify:ok", "errCode": 0}
SERVER = {
    *(10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10010, 10012, 10013, 10014, 10015, 10016),
    *(10017, 10018, 10020, 10021, 10026, 10029, 10040, 10041, 10042, 10045, 10052),
}
CLIENT = {*range(90000, 90025), 90104, 90105, 90106, 90107, 90109, 90110, 90199}


class Checked:
    """One face check of a sample person, asked for and asked about as a back end does."""

    def __init__(self, world: World, person: str = "P01", serial: str = "conf-0001") -> None:
        self.world, self.serial = world, serial
        self.who = people().people[person]
        self.openid = world.log_in(person)["openid"]
        self.token = world.token()
        self.verify_id = ""

    @property
    def cert(self) -> dict:
        return {"cert_type": "IDENTITY_CARD", "cert_name": self.who.name, "cert_no": self.who.id_number}

    def begin(self, **other: object) -> dict:
        body = {"out_seq_no": self.serial, "cert_info": self.cert, "openid": self.openid} | other
        answer = self.world.post(f"{FACE}/getverifyid", body, access_token=self.token)
        self.verify_id = answer.get("verify_id", self.verify_id)
        return answer

    @property
    def question(self) -> dict:
        cert_hash = wire.cert_hash(*self.cert.values())
        ids = {"verify_id": self.verify_id, "out_seq_no": self.serial, "openid": self.openid}
        return ids | {"cert_hash": cert_hash}

    def query(self, **other: object) -> dict:
        return self.world.post(f"{FACE}/queryverifyinfo", self.question | other, access_token=self.token)

    def image(self, **other: object):
        return self.world.send(f"{FACE}/getimage", self.question | other, access_token=self.token)

    def hold_up(self, **other: object) -> dict:
        return self.world.phone("face", verify_id=self.verify_id, **other)


@pytest.fixture
def check(world: World) -> Checked:
    made = Checked(world)
    made.begin()
    return made


def test_w39_a_verify_id_is_asked_for_with_post_a_token_and_json(world: World) -> None:
    path = f"/wechat{FACE}/getverifyid"
    assert world.client.get(path).get_json(force=True)["errcode"] == 43002
    assert world.post(f"{FACE}/getverifyid", {})["errcode"] == 41001
    token = world.token()
    assert world.post(f"{FACE}/getverifyid", b"", access_token=token)["errcode"] == 44002
    assert world.post(f"{FACE}/getverifyid", b"a=1", access_token=token)["errcode"] == 47001
    chunked = world.client.post(path, input_stream=io.BytesIO(b"{}"), headers={"Transfer-Encoding": "chunked"})
    assert (chunked.status_code, chunked.data) == (412, b"")


def test_w40_getverifyid_gives_an_id_of_at_most_256_characters_for_an_hour(world: World) -> None:
    answer = Checked(world).begin()
    assert {**answer, "verify_id": ""} == {"errcode": 0, "errmsg": "ok", "verify_id": "", "expires_in": 3600}
    assert 0 < len(answer["verify_id"]) <= 256 and isinstance(answer["expires_in"], int)


@pytest.mark.parametrize("serial", ["abcd", "a" * 33, "a b c", "abc.d", "样例样例样"])
def test_w41_an_out_seq_no_of_another_form_is_refused(world: World, serial: str) -> None:
    answer = Checked(world).begin(out_seq_no=serial)
    assert answer["errcode"] == 40097 and answer["errmsg"].startswith("invalid args") and "verify_id" not in answer


def test_w41_five_to_thirty_two_characters_are_taken(world: World) -> None:
    for serial in ("abcd5", "A_-" + "9" * 29):
        assert Checked(world, serial=serial).begin()["errcode"] == 0


def test_w42_missing_and_wrong_certificate_data_are_refused(world: World) -> None:
    made = Checked(world)
    for member, value, errcode in (
        ("cert_name", "", 84006),
        ("cert_no", "", 84006),
        ("cert_type", "", 40097),
        ("cert_type", "PASSPORT", 40097),
        ("cert_no", "46909919880315903", 40097),
    ):
        assert made.begin(cert_info={**made.cert, member: value})["errcode"] == errcode
        without = {name: kept for name, kept in made.cert.items() if name != member}
        assert made.begin(cert_info=without)["errcode"] == (40097 if member == "cert_type" else 84006)
    assert made.begin(cert_info=None)["errcode"] == 40097
    for openid in ("", None, "o" * 28):
        assert made.begin(openid=openid)["errcode"] == 40003


def test_w42_a_repeat_gets_the_same_id_and_other_data_are_refused(check: Checked) -> None:
    first = check.verify_id
    assert check.begin()["verify_id"] == first
    assert check.begin(cert_info={**check.cert, "cert_name": "别样人"})["errcode"] == 40097


def test_w43_a_check_that_was_not_started_is_10300(check: Checked) -> None:
    assert check.query() == {"errcode": 0, "errmsg": "ok", "verify_ret": 10300}


def test_w44_a_pass_is_10000_as_often_as_one_asks(check: Checked) -> None:
    assert check.hold_up(outcome="pass") == OK_ON_PHONE
    assert [check.query() for _ in range(2)] == [{"errcode": 0, "errmsg": "ok", "verify_ret": 10000}] * 2


def test_w45_success_on_the_phone_is_not_a_pass(check: Checked) -> None:
    assert check.hold_up(outcome="mismatch") == OK_ON_PHONE
    assert check.query()["verify_ret"] == 10004


def test_w46_a_cancel_on_the_phone_is_90004(check: Checked) -> None:
    assert check.hold_up(outcome="cancel") == {"errMsg": "requestFacialVerify:fail cancel", "errCode": 90004}
    assert check.query()["verify_ret"] == 90004


def test_w47_only_the_hash_of_the_very_certificate_is_accepted(world: World) -> None:
    check = Checked(world, "P18")
    check.begin()
    assert check.who.id_number.endswith("X") and check.query()["errcode"] == 0
    small_x = wire.cert_hash("IDENTITY_CARD", check.who.name, check.who.id_number.lower())
    for cert_hash in (check.question["cert_hash"].upper(), small_x, "", None, 5):
        answer = check.query(cert_hash=cert_hash)
        assert answer["errcode"] == 40097 and "verify_ret" not in answer
    for other in ({"out_seq_no": "conf-0002"}, {"openid": "o" * 28}, {"openid": None}):
        answer = check.query(**other)
        assert answer["errcode"] == 40097 and "verify_ret" not in answer


def test_w47_the_published_example_is_accepted_from_the_first_call_to_the_last(world: World) -> None:
    published = tomllib.loads(VECTORS.read_text("utf-8"))["cert_hash"][0]
    cert = {"cert_type": "IDENTITY_CARD", "cert_name": published["cert_name"], "cert_no": published["cert_no"]}
    assert published["cert_hash"] == "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b"
    check = Checked(world)
    assert check.begin(cert_info=cert)["errcode"] == 0
    check.hold_up(outcome="pass")
    assert check.query(cert_hash=published["cert_hash"])["verify_ret"] == 10000
    assert check.query(cert_hash=published["cert_hash"].upper())["errcode"] == 40097


@pytest.mark.parametrize("number", ["11010519491231002X", "11010519491231002x"])
def test_w47_the_number_of_the_standards_example_is_taken_with_either_x_and_only_its_own_hash_fits(
    world: World, number: str
) -> None:
    vectors = {one["cert_no"]: one for one in tomllib.loads(VECTORS.read_text("utf-8"))["cert_hash"]}
    cert = {"cert_type": "IDENTITY_CARD", "cert_name": vectors[number]["cert_name"], "cert_no": number}
    check = Checked(world)
    assert check.begin(cert_info=cert)["errcode"] == 0
    assert check.query(cert_hash=vectors[number]["cert_hash"])["verify_ret"] == 10300
    other = check.query(cert_hash=vectors[number.swapcase()]["cert_hash"])
    assert other["errcode"] == 40097 and "verify_ret" not in other


def test_w47_a_small_x_counts_where_the_check_began_with_one(world: World) -> None:
    check = Checked(world, "P18")
    small = {**check.cert, "cert_no": check.who.id_number.lower()}
    check.begin(cert_info=small)
    assert check.query()["errcode"] == 40097
    assert check.query(cert_hash=wire.cert_hash(*small.values()))["verify_ret"] == 10300


def test_w48_an_unknown_id_is_84001_without_a_result(check: Checked) -> None:
    answer = check.query(verify_id="another")
    assert answer["errcode"] == 84001 and answer["errmsg"].startswith("invalid identify id")
    assert "verify_ret" not in answer


def test_w49_a_start_after_an_hour_fails_and_leaves_10300(check: Checked) -> None:
    check.world.advance(3601)
    check.token = check.world.token()
    assert check.hold_up(outcome="pass")["errMsg"].startswith("requestFacialVerify:fail")
    assert check.query()["verify_ret"] == 10300


def test_w49_a_start_just_before_the_hour_is_over_is_good(check: Checked) -> None:
    check.world.advance(3599)
    assert check.hold_up(outcome="pass") == OK_ON_PHONE


def test_w49_a_check_is_started_once(check: Checked) -> None:
    check.hold_up(outcome="mismatch")
    assert check.hold_up(outcome="pass")["errMsg"] == "requestFacialVerify:fail"
    assert check.query()["verify_ret"] == 10004


def test_the_phone_of_another_user_cannot_start_a_check(check: Checked) -> None:
    assert check.hold_up(outcome="pass", person="P02")["errMsg"] == "requestFacialVerify:fail"
    assert check.hold_up(outcome="pass", person="P01", appid="wx0123456789abcdef")["errCode"] != 0
    assert check.query()["verify_ret"] == 10300
    check.world.switch("wechat.face_page_error", "ok")
    assert check.hold_up(outcome="pass", person="P02") == OK_ON_PHONE
    assert check.query()["verify_ret"] == 10300
    assert check.hold_up(outcome="pass", person="P01") == OK_ON_PHONE
    assert check.query()["verify_ret"] == 10000


def test_every_verify_ret_of_the_sheet_and_no_other_can_be_had(check: Checked) -> None:
    assert SERVER | CLIENT | {10300} == wire.VERIFY_RET
    check.world.switch("wechat.face_starts", "again")
    for verify_ret in sorted(SERVER | CLIENT):
        said = check.hold_up(outcome=verify_ret)
        assert check.query() == {"errcode": 0, "errmsg": "ok", "verify_ret": verify_ret}
        if verify_ret in SERVER:
            assert said == OK_ON_PHONE
        else:
            ending = " cancel" if verify_ret in range(90002, 90007) else ""
            assert said == {"errMsg": f"requestFacialVerify:fail{ending}", "errCode": verify_ret}
    for unknown in (10009, 10011, 10019, 10299, 90025, 90108, 0, -1):
        assert check.world.phone("face", 400, verify_id=check.verify_id, outcome=unknown)["code"] == "OUTCOME_UNKNOWN"


def test_a_snapshot_is_a_jpeg_that_shows_nobody(check: Checked) -> None:
    check.hold_up(outcome="pass")
    answer = check.image()
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (480, 640))
    assert check.image().data == answer.data


def test_a_snapshot_is_refused_like_a_result(check: Checked) -> None:
    for other, errcode in (({"verify_id": "x"}, 84001), ({"cert_hash": "x"}, 40097), ({}, 84003)):
        answer = check.image(**other)
        assert answer.content_type.startswith("application/json")
        assert answer.get_json(force=True)["errcode"] == errcode
    check.hold_up(outcome="cancel")
    assert check.image().get_json(force=True)["errmsg"].startswith("user data not exist")
    check.world.plan("wechat.getimage", "system_error")
    check.world.switch("wechat.face_starts", "again")
    check.hold_up(outcome="mismatch")
    assert check.image().get_json(force=True)["errcode"] == -1
    assert check.image().data[:2] == b"\xff\xd8"


def test_an_official_accounts_token_has_no_face_checks(check: Checked) -> None:
    check.token = official_token(check.world)
    assert check.begin()["errcode"] == 48001
    assert check.query()["errcode"] == 48001
    assert check.image().get_json(force=True)["errcode"] == 48001


def official_token(world: World) -> str:
    from mock_providers import accounts, spaces
    from mock_providers.db import db

    with spaces.entered(world.app, world.space):
        app = accounts.account("wechat_official_account")
        db.session.commit()
    keys = {"grant_type": "client_credential", "appid": app["appid"], "secret": app["secret"]}
    return world.post("/cgi-bin/stable_token", keys)["access_token"]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("supported", {"errMsg": "checkIsSupportFacialRecognition:ok", "errCode": 0}),
        ("not_there", {"errMsg": "checkIsSupportFacialRecognition:fail function not exist"}),
        ("no_model", {"errMsg": "checkIsSupportFacialRecognition:fail No necessary model found"}),
    ],
)
def test_a_page_can_ask_whether_faces_can_be_checked(world: World, outcome: str, said: dict) -> None:
    assert world.phone("face-support", outcome=outcome) == said
    denied = world.phone("face-support", outcome="access_denied")
    appid = world.account["appid"]
    assert denied == {"errMsg": f"checkIsSupportFacialRecognition:fail:access denied, appId={appid}", "errno": 102}
    assert world.phone("face-support", 400, outcome="maybe")["code"] == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("outcome", "code", "text"),
    [
        ("supported", 0, "ok"),
        ("no_camera", 10001, "No front camera"),
        ("no_model", 10002, "No necessary model found"),
        ("blacklisted", 10003, "Device is blacklisted"),
    ],
)
def test_an_official_accounts_page_can_ask_too(world: World, outcome: str, code: int, text: str) -> None:
    said = world.phone("face-detect-support", outcome=outcome)
    assert said["err_code"] == code and said["err_msg"].endswith(text)

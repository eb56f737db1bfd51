"""Face recognition 1.0: a user_id_key for a name and number, a verify_result from the phone, and what it says."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches
from mock_providers.db import CHINA, db
from mock_providers.errors import Problem
from mock_providers.journal import explain
from mock_providers.wechat import face, users, wire
from mock_providers.wechat.door import Refused, api, body, planned
from mock_providers.wechat.masks import is_sample
from mock_providers.wechat.models import Recognition, WechatIdKey

KEY_LIFE = timedelta(seconds=3600)
RESULT_LIFE = timedelta(minutes=5)
STOPS = datetime(2026, 6, 30, tzinfo=CHINA)
ALIVE_TYPES = (0, 1, 2)
PASSED, NOT_RETURNED, BAD_PARAMETER, NOT_PERMITTED, BAD_KEY, CANCELLED = 0, -1, 10001, 10006, 10041, 90100
ENDS = {**wire.FACES, "pass": PASSED, "cancel": CANCELLED, "no_device": 90109, "unfinished": NOT_RETURNED}
SERVER_CODES = (*range(10001, 10019), *range(10020, 10023), *range(10026, 10033), 10040, 10041, 10042, 10045)
CODES = frozenset((NOT_RETURNED, PASSED, *SERVER_CODES, 10052, 10057, 10066, 10069, *range(90100, 90110), 90199))
SAYS = {NOT_RETURNED: "fail not returned", CANCELLED: "fail cancel", 90109: "fail face detect not support"}

outcomes.declare("wechat.getuseridkey", *face.TROUBLE)
outcomes.declare("wechat.getinfo", *face.TROUBLE, "data_missing", "video_upload_failed", "video_download_failed")
outcomes.declare("wechat.face_recognition", *ENDS)
switches.declare(
    "wechat.face_1_0",
    "available",
    ("available", "until_2026-06-30", "stopped"),
    kind="choice",
    source="wechat.md §4, §10.2",
    why="generation 1.0 was announced to stop on 2026-06-30 by third parties; a stopped one answers 48001",
)
switches.declare(
    "wechat.face_1_0_failed_result",
    "given",
    ("given", "empty"),
    kind="choice",
    source="wechat.md §4.7",
    why="whether a recognition that WeChat's servers refused has a verify_result is not published",
)
switches.declare(
    "wechat.face_1_0_alive_type",
    "2",
    ("2", "0", "1"),
    kind="choice",
    source="wechat.md §4.7",
    why="which checkAliveType holds when the page names none is not in the sheet",
)


@api("/cityservice/face/identify/getuseridkey", "POST")
def getuseridkey() -> dict[str, Any]:
    """A key the phone may start with instead of a name and a number."""
    _still_there()
    given = body()
    name, number, serial = given.get("name"), given.get("id_card_number"), given.get("out_seq_no")
    if name in (None, "") or number in (None, ""):
        raise Refused(84006)
    if not isinstance(name, str) or len(name) > 128:
        raise face.refused("face_bad_argument", name="text")
    if not is_sample(number):
        raise face.refused("face_bad_argument", id_card_number="only sample numbers (area 469099), and none is kept")
    if serial is not None and not (isinstance(serial, str) and wire.OUT_SEQ_NO.fullmatch(serial)):
        raise face.refused("face_bad_argument", out_seq_no="5 to 32 of letters, digits, _ and -")
    planned("wechat.getuseridkey", face.subject(str(number)), serial or "")
    key = "id_key_" + serials.fresh_text("user_id_key", 40)
    db.session.add(WechatIdKey(user_id_key=key, name=name, number=str(number), expires_at=clock.now() + KEY_LIFE))
    return {"errcode": 0, "errmsg": "ok", "user_id_key": key, "expires_in": int(KEY_LIFE.total_seconds())}


@api("/cityservice/face/identify/getinfo", "POST")
def getinfo() -> dict[str, Any]:
    """What a verify_result says; asking again within its five minutes gives the same."""
    found = alive(body())
    planned("wechat.getinfo", face.subject(found.number))
    at = int(found.finished_at.timestamp())
    return {
        "errcode": 0,
        "errmsg": "ok",
        "identify_ret": found.identify_ret,
        "identify_time": at,
        "validate_data": found.digits,
        "openid": found.openid,
        "user_id_key": found.user_id_key,
        "finish_time": at,
        "name_utf8_md5": md5(found.name),
        "id_card_number_md5": md5(found.number.upper()),
        "check_alive_type": found.alive_type,
    }


def alive(given: dict[str, Any]) -> Recognition:
    """The recognition of a verify_result that is at most five minutes old."""
    _still_there()
    shown = given.get("verify_result")
    found = None
    if isinstance(shown, str):
        found = db.session.scalar(select(Recognition).where(Recognition.verify_result == shown))
    if found is None:
        explain(verify_result="no phone here was given it")
        raise Refused(84001)
    if clock.now() - found.finished_at >= RESULT_LIFE:
        explain(verify_result="older than five minutes", finished_at=found.finished_at.isoformat())
        raise Refused(84002)
    return found


def recognise(
    openid: str, name: str, number: str, user_id_key: str, alive_type: object, outcome: object
) -> dict[str, Any]:
    """The phone looks at a face. `outcome` is a name of ENDS, an errCode, or None for the person's own."""
    if _is_over():
        return result(NOT_PERMITTED)
    if user_id_key:
        key = db.session.scalar(select(WechatIdKey).where(WechatIdKey.user_id_key == user_id_key))
        if key is None or clock.now() >= key.expires_at:
            return result(BAD_KEY)
        name, number = key.name, key.number
    wanted = int(switches.value("wechat.face_1_0_alive_type")) if alive_type is None else alive_type
    if isinstance(wanted, bool) or wanted not in ALIVE_TYPES or not name or not is_sample(number):
        return result(BAD_PARAMETER)
    code = _code(name, number, outcome)
    refused = switches.value("wechat.face_1_0_failed_result") == "empty" and code != PASSED
    if code == NOT_RETURNED or code >= 90000 or refused:
        return result(code)
    made = Recognition(
        verify_result=serials.fresh_text("verify_result", 64),
        openid=openid,
        user_id_key=user_id_key,
        name=name,
        number=number,
        alive_type=wanted,
        digits="" if wanted == 1 else serials.fresh_digits("validate_data", 4),
        identify_ret=code,
        finished_at=clock.now(),
    )
    db.session.add(made)
    return result(code, made.verify_result)


def result(code: int, verify_result: str = "") -> dict[str, Any]:
    """What wx.startFacialRecognitionVerify hands the page."""
    said = "ok" if code == PASSED else SAYS.get(code, "fail")
    return {"errMsg": f"startFacialRecognitionVerify:{said}", "errCode": code, "verifyResult": verify_result}


def md5(text: str) -> str:
    """As getinfo tells names and numbers: lower-case hex over UTF-8."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _code(name: str, number: str, outcome: object) -> int:
    if outcome is None:
        outcome = outcomes.take("wechat.face_recognition", face.subject(number)) or face.own_result(name, number)
    if outcome == "no_subject":
        return int(switches.value("wechat.face_no_subject"))
    if isinstance(outcome, str) and outcome in ENDS:
        return ENDS[outcome]
    if isinstance(outcome, int) and not isinstance(outcome, bool) and outcome in CODES:
        return outcome
    known = ", ".join((*ENDS, "or an errCode number"))
    raise Problem("OUTCOME_UNKNOWN", f"a recognition can end as {known}", {"outcome": ["unknown"]})


def _is_over() -> bool:
    stands = switches.value("wechat.face_1_0")
    return stands == "stopped" or (stands == "until_2026-06-30" and clock.now() >= STOPS)


def _still_there() -> None:
    users.mini_program_only(48001)
    if _is_over():
        explain(generation="1.0 has stopped, see the switch wechat.face_1_0")
        raise Refused(48001)

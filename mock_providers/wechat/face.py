"""Face verification 2.0: CREATED when the back end asks, IN_PROGRESS on the phone, DONE with a verify_ret."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, people, serials, switches
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.journal import explain
from mock_providers.wechat import users, wire
from mock_providers.wechat.door import Refused, api, body, planned
from mock_providers.wechat.masks import is_sample
from mock_providers.wechat.models import FaceCheck

LIFE = timedelta(seconds=3600)
TROUBLE = ("system_error", "rate_limited", "unauthorized", "http_500")

outcomes.declare("wechat.getverifyid", *TROUBLE)
outcomes.declare("wechat.queryverifyinfo", *TROUBLE)
outcomes.declare("wechat.face", *wire.FACES)
for name, default, choices, why in (
    ("face_openid", "40003", ("40003", "40097"), "what an openid of no user of this app answers"),
    ("face_bad_argument", "40097", ("40097", "47001"), "what a malformed out_seq_no, cert_type or number answers"),
    ("face_empty_person", "84006", ("84006", "40097"), "what an empty name or number answers"),
    (
        "face_repeat",
        "same_verify_id",
        ("same_verify_id", "40097"),
        "what an identical out_seq_no answers in its life",
    ),
    (
        "face_duplicate",
        "40097",
        ("40097", "84001"),
        "what an out_seq_no with other data, or out of its life, answers",
    ),
    ("face_unknown_id", "84001", ("84001", "40097"), "what an unknown verify_id answers"),
    ("face_differs", "40097", ("40097", "84001"), "what another out_seq_no, cert_hash or openid answers"),
):
    switches.declare(
        f"wechat.{name}",
        default,
        choices,
        kind="choice",
        source="wechat.md §4.1, §4.2",
        why=f"{why} is not published",
    )
switches.declare(
    "wechat.face_documents",
    "any_sample",
    ("any_sample", "identity_card"),
    kind="choice",
    source="wechat.md §4.1",
    why="IDENTITY_CARD is the only documented cert_type; how a permit or a passport is checked is not published, so "
    "sample ones are taken under it",
)
switches.declare(
    "wechat.face_starts",
    "once",
    ("once", "again"),
    kind="choice",
    source="wechat.md §4.6",
    why="that a finished verify_id cannot be started again is a community claim",
)
switches.declare(
    "wechat.face_page_error",
    "fail",
    ("fail", "ok"),
    kind="choice",
    source="wechat.md §4.6",
    why="what the page hears when a check cannot start (expired, done, another user's); a community post saw "
    "requestFacialVerify:ok although the page showed an id error",
)
switches.declare(
    "wechat.face_fail_code",
    "verify_ret",
    ("verify_ret", "-1"),
    kind="choice",
    source="wechat.md §4.6, §10.3",
    why="the errCode of a failing wx.requestFacialVerify is not documented",
)
switches.declare(
    "wechat.face_no_subject",
    "10018",
    ("10018", "10026", "10003"),
    kind="choice",
    source="wechat.md §4.4",
    why="which verify_ret a person gets whom the authority does not know, or no longer",
)


@api("/cityservice/face/identify/getverifyid", "POST")
def getverifyid() -> dict[str, Any]:
    """A verify_id for the phone to start with."""
    users.mini_program_only(48001)
    wanted = _wanted(body())
    planned("wechat.getverifyid", subject(wanted["cert_no"]), wanted["out_seq_no"])
    known = db.session.scalar(select(FaceCheck).where(FaceCheck.out_seq_no == wanted["out_seq_no"]).with_for_update())
    now = clock.now()
    if known is None:
        known = FaceCheck(verify_id=serials.fresh_text("verify_id", 64), expires_at=now + LIFE, **wanted)
        db.session.add(known)
    elif now >= known.expires_at or any(getattr(known, key) != value for key, value in wanted.items()):
        explain(out_seq_no="used before, for something else or too long ago")
        raise refused("face_duplicate")
    elif switches.value("wechat.face_repeat") != "same_verify_id":
        raise refused("face_repeat")
    left = int((known.expires_at - now).total_seconds())
    return {"errcode": 0, "errmsg": "ok", "verify_id": known.verify_id, "expires_in": left}


def _wanted(given: dict[str, Any]) -> dict[str, str]:
    """Who is to be verified, checked member by member."""
    serial, openid, person = given.get("out_seq_no"), given.get("openid"), given.get("cert_info")
    if not isinstance(serial, str) or not wire.OUT_SEQ_NO.fullmatch(serial):
        raise refused("face_bad_argument", out_seq_no="5 to 32 of letters, digits, _ and -")
    if not isinstance(person, dict) or person.get("cert_type") != "IDENTITY_CARD":
        raise refused("face_bad_argument", cert_info="cert_type IDENTITY_CARD is the only documented one")
    name, number = person.get("cert_name"), person.get("cert_no")
    if name in (None, "") or number in (None, ""):
        raise refused("face_empty_person")
    if not isinstance(name, str) or len(name) > 128:
        raise refused("face_bad_argument", cert_name="text")
    only_cards = switches.value("wechat.face_documents") == "identity_card"
    if not is_sample(number) or (only_cards and not str(number)[:17].isdecimal()):
        raise refused("face_bad_argument", cert_no="only sample numbers (area 469099) are taken, and none is kept")
    if not isinstance(openid, str) or users.user(users.own_appid(), openid) is None:
        raise refused("face_openid", openid="nobody has opened this app under it")
    return {
        "out_seq_no": serial,
        "openid": openid,
        "cert_type": "IDENTITY_CARD",
        "cert_name": name,
        "cert_no": str(number),
    }


@api("/cityservice/face/identify/queryverifyinfo", "POST")
def queryverifyinfo() -> dict[str, Any]:
    """How a verification ended; asking again gives the same."""
    known = matched(body())
    planned("wechat.queryverifyinfo", subject(known.cert_no), known.out_seq_no)
    ended = known.verify_ret if known.state == "DONE" else None
    return {"errcode": 0, "errmsg": "ok", "verify_ret": ended or wire.NOT_FINISHED}


def matched(given: dict[str, Any]) -> FaceCheck:
    """The check somebody asks about, if all he says of it is right."""
    users.mini_program_only(48001)
    verify_id = given.get("verify_id")
    known = found(verify_id) if isinstance(verify_id, str) else None
    if known is None:
        raise refused("face_unknown_id")
    expected = {
        "out_seq_no": known.out_seq_no,
        "cert_hash": wire.cert_hash(known.cert_type, known.cert_name, known.cert_no),
        "openid": known.openid,
    }
    if other := [key for key, value in expected.items() if given.get(key) != value]:
        text = wire.cert_text(known.cert_type, known.cert_name, known.cert_no)
        raise refused("face_differs", differs=other, string_to_hash=text, expected=expected)
    return known


def found(verify_id: str) -> FaceCheck | None:
    """The check of a verify_id."""
    return db.session.scalar(select(FaceCheck).where(FaceCheck.verify_id == verify_id).with_for_update())


def held_up(check: FaceCheck, outcome: str | int | None, openid: str | None = None) -> dict[str, Any]:
    """The phone runs the check: `outcome` is a name of wire.FACES, a verify_ret, or None for the person's own.

    `openid` is who holds the phone, if that is known; anybody but the one the check was made for cannot start it.
    """
    fail_code = switches.value("wechat.face_fail_code")
    if why := _not_startable(check, openid):
        explain(not_started=why)
        said_ok = switches.value("wechat.face_page_error") == "ok"
        return wire.face_result(wire.PASSED if said_ok else 90199, fail_code)
    verify_ret = _result(check, outcome)
    check.state = "IN_PROGRESS" if verify_ret == wire.NOT_FINISHED else "DONE"
    check.verify_ret = None if verify_ret == wire.NOT_FINISHED else verify_ret
    return wire.face_result(verify_ret, fail_code)


def _not_startable(check: FaceCheck, openid: str | None) -> str:
    if openid is not None and openid != check.openid:
        return "made for another user of this app"
    if check.state == "CREATED" and clock.now() >= check.expires_at:
        return "expired"
    if check.state == "DONE" and switches.value("wechat.face_starts") == "once":
        return "done already"
    return ""


def _result(check: FaceCheck, outcome: str | int | None) -> int:
    if outcome is None:
        planned_one = outcomes.take("wechat.face", subject(check.cert_no), check.out_seq_no)
        outcome = planned_one or own_result(check.cert_name, check.cert_no)
    if outcome == "no_subject":
        return int(switches.value("wechat.face_no_subject"))
    if isinstance(outcome, str) and outcome in wire.FACES:
        return wire.FACES[outcome]
    text = str(outcome)
    if not (text.isascii() and text.isdigit() and len(text) == 5 and int(text) in wire.VERIFY_RET):
        known = ", ".join((*wire.FACES, "or a verify_ret number"))
        raise Problem("OUTCOME_UNKNOWN", f"a face check can end as {known}", {"outcome": ["unknown"]})
    return int(text)


def own_result(name: str, number: str) -> str:
    """What happens to this person when nobody says otherwise: a name of wire.FACES."""
    person = people.world().by_number.get(number.upper())
    if person is None:
        return "no_subject"
    if person.face == "pass" and person.name != name:
        return "wrong_number"
    return person.face


def subject(number: str) -> str:
    """The sample person of a number, if it is one's."""
    person = people.world().by_number.get(number.upper())
    return person.id if person else ""


def refused(switch: str, **why: object) -> Refused:
    explain(**why)
    return Refused(int(switches.value(f"wechat.{switch}")))

"""Face verification 2.0: CREATED when the back end asks, IN_PROGRESS on the phone, DONE with a verify_ret."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, people, serials, switches
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.journal import explain
from mock_providers.wechat import users, wire
from mock_providers.wechat.door import Refused, api, body, is_sample, planned
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
    given = body()
    wanted = _wanted(given)
    planned("wechat.getverifyid", _subject(wanted["cert_no"]), wanted["out_seq_no"])
    known = db.session.scalar(select(FaceCheck).where(FaceCheck.out_seq_no == wanted["out_seq_no"]).with_for_update())
    now = clock.now()
    if known is None:
        known = FaceCheck(verify_id=serials.fresh_text("verify_id", 64), expires_at=now + LIFE, **wanted)
        db.session.add(known)
    elif now >= known.expires_at or any(getattr(known, key) != value for key, value in wanted.items()):
        explain(out_seq_no="used before, for something else or too long ago")
        raise _refused("face_duplicate")
    elif switches.value("wechat.face_repeat") != "same_verify_id":
        raise _refused("face_repeat")
    left = int((known.expires_at - now).total_seconds())
    return {"errcode": 0, "errmsg": "ok", "verify_id": known.verify_id, "expires_in": left}


def _wanted(given: dict[str, Any]) -> dict[str, str]:
    """Who is to be verified, checked member by member."""
    serial, openid, person = given.get("out_seq_no"), given.get("openid"), given.get("cert_info")
    if not isinstance(serial, str) or not wire.OUT_SEQ_NO.fullmatch(serial):
        raise _refused("face_bad_argument", out_seq_no="5 to 32 of letters, digits, _ and -")
    if not isinstance(person, dict) or person.get("cert_type") != "IDENTITY_CARD":
        raise _refused("face_bad_argument", cert_info="cert_type IDENTITY_CARD is the only documented one")
    name, number = person.get("cert_name"), person.get("cert_no")
    if name in (None, "") or number in (None, ""):
        raise _refused("face_empty_person")
    if not isinstance(name, str) or len(name) > 128:
        raise _refused("face_bad_argument", cert_name="text")
    only_cards = switches.value("wechat.face_documents") == "identity_card"
    if not is_sample(number) or (only_cards and not str(number)[:17].isdecimal()):
        raise _refused("face_bad_argument", cert_no="only sample numbers (area 469099) are taken, and none is kept")
    if not isinstance(openid, str) or users.user(users.own_appid(), openid) is None:
        raise _refused("face_openid", openid="nobody has opened this app under it")
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
    given = body()
    verify_id = given.get("verify_id")
    known = found(verify_id) if isinstance(verify_id, str) else None
    if known is None:
        raise _refused("face_unknown_id")
    expected = {
        "out_seq_no": known.out_seq_no,
        "cert_hash": wire.cert_hash(known.cert_type, known.cert_name, known.cert_no),
        "openid": known.openid,
    }
    if other := [key for key, value in expected.items() if given.get(key) != value]:
        text = wire.cert_text(known.cert_type, known.cert_name, known.cert_no)
        raise _refused("face_differs", differs=other, string_to_hash=text, expected=expected)
    planned("wechat.queryverifyinfo", _subject(known.cert_no), known.out_seq_no)
    ended = known.verify_ret if known.state == "DONE" else None
    return {"errcode": 0, "errmsg": "ok", "verify_ret": ended or wire.NOT_FINISHED}


def found(verify_id: str) -> FaceCheck | None:
    """The check of a verify_id."""
    return db.session.scalar(select(FaceCheck).where(FaceCheck.verify_id == verify_id).with_for_update())


def held_up(check: FaceCheck, outcome: str | int | None) -> dict[str, Any]:
    """The phone runs the check: `outcome` is a name of wire.FACES, a verify_ret, or None for the person's own."""
    verify_ret = _result(check, outcome)
    late = check.state == "CREATED" and clock.now() >= check.expires_at
    if late or (check.state == "DONE" and switches.value("wechat.face_starts") == "once"):
        return wire.face_result(90199, switches.value("wechat.face_fail_code"))
    check.state = "IN_PROGRESS" if verify_ret == wire.NOT_FINISHED else "DONE"
    check.verify_ret = None if verify_ret == wire.NOT_FINISHED else verify_ret
    return wire.face_result(verify_ret, switches.value("wechat.face_fail_code"))


def _result(check: FaceCheck, outcome: str | int | None) -> int:
    if outcome is None:
        outcome = outcomes.take("wechat.face", _subject(check.cert_no), check.out_seq_no) or _own_result(check)
    if outcome == "no_subject":
        return int(switches.value("wechat.face_no_subject"))
    if isinstance(outcome, str) and outcome in wire.FACES:
        return wire.FACES[outcome]
    text = str(outcome)
    if not (text.isascii() and text.isdigit() and len(text) == 5 and int(text) in wire.VERIFY_RET):
        known = ", ".join((*wire.FACES, "or a verify_ret number"))
        raise Problem("OUTCOME_UNKNOWN", f"a face check can end as {known}", {"outcome": ["unknown"]})
    return int(text)


def _own_result(check: FaceCheck) -> str:
    """What happens to this person when nobody says otherwise."""
    person = people.world().by_number.get(check.cert_no.upper())
    if person is None:
        return "no_subject"
    if person.face == "pass" and person.name != check.cert_name:
        return "wrong_number"
    return person.face


def _subject(cert_no: str) -> str:
    person = people.world().by_number.get(cert_no.upper())
    return person.id if person else ""


def _refused(switch: str, **why: object) -> Refused:
    explain(**why)
    return Refused(int(switches.value(f"wechat.{switch}")))

"""The WeChat app on the user's phone: what wx.login, the phone-number button, the face page and the
insurance page would hand the mini program. Mounted under /_mock.
"""

from base64 import b64encode
from typing import Any

from flask import Blueprint, current_app

from mock_providers import clock, serials
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.phone.tap import appid as _appid
from mock_providers.phone.tap import given as _given
from mock_providers.phone.tap import person as _person
from mock_providers.phone.tap import text as _text
from mock_providers.wechat import face, users, wire
from mock_providers.wechat.login import TOURIST

MOCK_CODE = "the code is a mock one"
FIXED = {"openType": "getAuthCode", "bizType": "04107"}
bp = Blueprint("phone_wechat", __name__)


@bp.post("/phone/wechat/login")
def login() -> dict[str, Any]:
    """wx.login: a code for one exchange within five minutes."""
    given = _given("person", optional=("appid",))
    appid = _appid(given)
    if appid == TOURIST:
        return {"code": MOCK_CODE}
    person = _person(given["person"])
    users.begin_session(users.opened_by(appid, person.id))
    code = users.issue("login", appid, person.id)
    db.session.commit()
    return {"code": code}


@bp.post("/phone/wechat/phone-number")
def phone_number() -> dict[str, Any]:
    """The getPhoneNumber button: a code, and the older encrypted form while a session key is in force."""
    given = _given("person", optional=("appid",))
    appid, person = _appid(given), _person(given["person"])
    if not person.phone:
        raise Problem(
            "FIELD_INVALID",
            f"{person.id} has no phone number; a relative's account cannot lend one",
            {"person": ["has no phone number"]},
        )
    answer = {"code": users.issue("phone", appid, person.id)}
    who = users.opened_by(appid, person.id)
    if users.has_session(who) and who.session_key:
        iv = serials.fresh("iv", 16)
        plain = wire.dumps(wire.phone_info(person.phone, appid, clock.unix()))
        answer["encryptedData"] = wire.encrypt_open_data(plain, who.session_key, iv)
        answer["iv"] = b64encode(iv).decode()
    db.session.commit()
    return answer


@bp.post("/phone/wechat/face")
def requested_facial_verify() -> dict[str, Any]:
    """wx.requestFacialVerify: the person shows a face; `outcome` says how it ends."""
    given = _given("verify_id", optional=("outcome",))
    check = face.found(_text(given, "verify_id"))
    if check is None:
        raise Problem("NOT_FOUND", "no such verify_id in this space", {"verify_id": ["unknown"]})
    answer = face.held_up(check, given.get("outcome"))
    db.session.commit()
    return answer


@bp.post("/phone/wechat/insurance-authorisation")
def insurance_authorisation() -> dict[str, Any]:
    """The insurance page of wxe183cd55df4b4369: the user confirms, and the mini program gets an authCode."""
    given = _given("person", optional=("for_person", "params"))
    params = given.get("params") or {}
    if not isinstance(params, dict):
        raise Problem("FIELD_INVALID", "params are the query of the page", {"params": ["not an object"]})
    for name, value in FIXED.items():
        if params.get(name, value) != value:
            raise Problem("FIELD_INVALID", f"{name} is {value} on this page", {f"params.{name}": [f"not {value}"]})
    person = _person(given["person"])
    for_person = _person(given["for_person"], "for_person").id if given.get("for_person") else None
    auth_code = current_app.extensions["authorise"](person=person.id, for_person=for_person, params=params)
    db.session.commit()
    return {"authCode": auth_code}

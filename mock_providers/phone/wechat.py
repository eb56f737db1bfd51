"""The WeChat app on the user's phone: what wx.login, the phone-number button, the face page would
hand the mini program. Mounted under /_mock.
"""

from base64 import b64decode, b64encode
from typing import Any

from flask import Blueprint

from mock_providers import clock, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.phone.tap import appid as _appid
from mock_providers.phone.tap import choice
from mock_providers.phone.tap import given as _given
from mock_providers.phone.tap import person as _person
from mock_providers.phone.tap import text as _text
from mock_providers.wechat import face, users, wire
from mock_providers.wechat import phone as package
from mock_providers.wechat.login import TOURIST
from mock_providers.wechat.models import WechatUser

MOCK_CODE = "the code is a mock one"
NO_PHONE_NUMBER = {
    "quota_spent": {"errMsg": "getPhoneNumber:fail no quota", "errno": 1400001},
    "no_permission": {"errMsg": "getPhoneNumber:fail no permission", "errno": 102},
}
ANYBODY = {
    "nickName": "微信用户",
    "gender": 0,
    "language": "",
    "city": "",
    "province": "",
    "country": "",
    "avatarUrl": "",
}
bp = Blueprint("phone_wechat", __name__)

outcomes.declare("wechat.phone_number_button", "deny", "quota_spent", "no_permission")
switches.declare(
    "wechat.phone_number_deny",
    "getPhoneNumber:fail user deny",
    ("getPhoneNumber:fail user deny", "getPhoneNumber:fail:user deny"),
    kind="choice",
    source="wechat.md §8",
    why="Android writes it with a second colon",
)


@bp.post("/phone/wechat/login")
def login() -> dict[str, Any]:
    """wx.login: a code for one exchange within five minutes. `session_key`: the key to begin with, for vectors."""
    given = _given("person", optional=("appid", "session_key"))
    appid = _appid(given)
    if appid == TOURIST:
        return {"code": MOCK_CODE}
    person = _person(given["person"])
    who = users.opened_by(appid, person.id)
    users.begin_session(who)
    if key := _text(given, "session_key"):
        who.session_key = _session_key(key)
    code = users.issue("login", appid, person.id)
    db.session.commit()
    return {"code": code}


def _session_key(key: str) -> str:
    """16 bytes in base64. Raises Problem."""
    try:
        fits = len(b64decode(key, validate=True)) == 16
    except ValueError:
        fits = False
    if not fits:
        raise Problem("FIELD_INVALID", "session_key is 16 bytes in base64", {"session_key": ["malformed"]})
    return key


@bp.post("/phone/wechat/phone-number")
def phone_number() -> dict[str, Any]:
    """The getPhoneNumber button: a code, and the older encrypted form while a session key is in force.

    `outcome`: allow, deny, quota_spent, no_permission; without a code then.
    """
    given = _given("person", optional=("appid", "outcome"))
    appid, person = _appid(given), _person(given["person"])
    if not person.phone:
        raise Problem(
            "FIELD_INVALID",
            f"{person.id} has no phone number; a relative's account cannot lend one",
            {"person": ["has no phone number"]},
        )
    outcome = choice(given, "outcome", "allow", "deny", *NO_PHONE_NUMBER)
    outcome = outcomes.take("wechat.phone_number_button", person.id) or outcome
    if outcome == "allow" and package.is_spent(appid):
        outcome = "quota_spent"
    if outcome == "allow":
        answer: dict[str, Any] = {"errMsg": "getPhoneNumber:ok", "code": users.issue("phone", appid, person.id)}
        answer |= _sealed(users.opened_by(appid, person.id), wire.phone_info(person.phone, appid, clock.unix()))
    else:
        answer = NO_PHONE_NUMBER.get(outcome, {"errMsg": switches.value("wechat.phone_number_deny")})
    db.session.commit()
    return answer


@bp.post("/phone/wechat/user-profile")
def user_profile() -> dict[str, Any]:
    """wx.getUserProfile: an anonymous profile, with rawData and its signature while a session key is in force."""
    given = _given("person", "desc", optional=("appid", "outcome"))
    appid, person = _appid(given), _person(given["person"])
    if len(_text(given, "desc")) > 30:
        return {"errMsg": "getUserProfile:fail desc length does not meet the requirements"}
    if choice(given, "outcome", "allow", "deny") == "deny":
        return {"errMsg": "getUserProfile:fail auth deny"}
    raw = wire.dumps(ANYBODY).decode()
    who = users.opened_by(appid, person.id)
    mark = {"watermark": {"timestamp": clock.unix(), "appid": appid}}
    answer = {"errMsg": "getUserProfile:ok", "userInfo": ANYBODY, "rawData": raw, **_sealed(who, ANYBODY | mark)}
    if "iv" in answer:
        answer["signature"] = wire.raw_data_signature(raw, who.session_key or "")
    db.session.commit()
    return answer


def _sealed(who: WechatUser, plain: dict[str, Any]) -> dict[str, str]:
    """Open data under the session key in force; nothing without one."""
    if not (users.has_session(who) and who.session_key):
        return {}
    iv = serials.fresh("iv", 16)
    encrypted = wire.encrypt_open_data(wire.dumps(plain), who.session_key, iv)
    users.sealed(who.appid, who.person, encrypted)
    cloud = f"98_{serials.fresh_text('cloud_id', 60)}"
    return {"encryptedData": encrypted, "iv": b64encode(iv).decode(), "cloudID": cloud}


@bp.post("/phone/wechat/face")
def requested_facial_verify() -> dict[str, Any]:
    """wx.requestFacialVerify: the person shows a face; `outcome` says how it ends, `person` who holds the phone."""
    given = _given("verify_id", optional=("outcome", "person", "appid"))
    check = face.found(_text(given, "verify_id"))
    if check is None:
        raise Problem("NOT_FOUND", "no such verify_id in this space", {"verify_id": ["unknown"]})
    by = users.openid_of(_appid(given), _person(given["person"]).id) if given.get("person") else None
    answer = face.held_up(check, given.get("outcome"), by)
    db.session.commit()
    return answer

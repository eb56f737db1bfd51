"""The face pages of WeChat on the user's phone beside wx.requestFacialVerify: generation 1.0, and whether it can."""

from typing import Any

from flask import Blueprint

from mock_providers.db import db
from mock_providers.phone import tap
from mock_providers.wechat import recognition, users

bp = Blueprint("phone_wechat_face", __name__)
NO_CAMERA, NO_MODEL, BLACKLISTED = "No front camera", "No necessary model found", "Device is blacklisted"
SUPPORT = ("supported", "access_denied", "not_there", "no_model")
DETECT = {"supported": (0, "ok"), "no_camera": (10001, NO_CAMERA), "no_model": (10002, NO_MODEL)}
DETECT["blacklisted"] = (10003, BLACKLISTED)


@bp.post("/phone/wechat/face-recognition")
def started_facial_recognition() -> dict[str, Any]:
    """wx.startFacialRecognitionVerify (1.0) with `name` and `idCardNumber`, or `userIdKey`."""
    optional = ("name", "idCardNumber", "userIdKey", "checkAliveType", "outcome", "appid")
    said = tap.given("person", optional=optional)
    appid, person = tap.appid(said), tap.person(said["person"])
    number, key = tap.text(said, "idCardNumber"), tap.text(said, "userIdKey")
    openid = users.opened_by(appid, person.id).openid
    answer = recognition.recognise(
        openid, tap.text(said, "name"), number, key, said.get("checkAliveType"), said.get("outcome")
    )
    db.session.commit()
    return answer


@bp.post("/phone/wechat/face-support")
def checked_face_support() -> dict[str, Any]:
    """wx.checkIsSupportFacialRecognition of a mini program."""
    said = tap.given(optional=("outcome", "checkAliveType", "appid"))
    outcome = tap.choice(said, "outcome", *SUPPORT)
    call, appid = "checkIsSupportFacialRecognition", tap.appid(said)
    answers: dict[str, dict[str, Any]] = {
        "supported": {"errMsg": f"{call}:ok", "errCode": 0},
        "access_denied": {"errMsg": f"{call}:fail:access denied, appId={appid}", "errno": 102},
        "not_there": {"errMsg": f"{call}:fail function not exist"},
        "no_model": {"errMsg": f"{call}:fail {NO_MODEL}"},
    }
    return answers[outcome]


@bp.post("/phone/wechat/face-detect-support")
def checked_face_detect() -> dict[str, Any]:
    """checkIsSupportFaceDetect of an official account's page."""
    said = tap.given(optional=("outcome",))
    code, text = DETECT[tap.choice(said, "outcome", *DETECT)]
    return {"err_code": code, "err_msg": f"checkIsSupportFaceDetect:{text if code == 0 else f'fail {text}'}"}

"""WeChat's doors that a mini program's back end uses: login, phone number, face check, insurance authorisation.

Every function raises Unreachable (nothing is known) or VendorRefused (WeChat's errcode). None may be called while
a transaction is open.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from yibao import clock
from yibao.db import current_space
from yibao.providers.http import Answer, Unreachable, VendorRefused, send
from yibao.providers.national.payer import Payer, user_query

TOKEN_DEAD = ("40001", "40014", "42001")
BUSY = -1
TOKEN_MARGIN = timedelta(seconds=60)
IDENTITY_CARD = "IDENTITY_CARD"  # the only certificate type WeChat documents
FACE_PASSED = 10000


@dataclass(frozen=True)
class WechatUser:
    openid: str
    unionid: str | None


def code_to_session(code: str) -> WechatUser:
    """Who `wx.login` was called by. The session key is not kept: nothing here decrypts with it."""
    account = _account()
    query = {
        "appid": account["appid"],
        "secret": account["secret"],
        "js_code": code,
        "grant_type": "authorization_code",
    }
    answer = _call("GET", "/sns/jscode2session", query)
    openid = answer.get("openid")
    if not isinstance(openid, str) or not openid:
        raise Unreachable("jscode2session answered without an openid")
    return WechatUser(openid, answer.get("unionid") or None)


def phone_number(code: str) -> str:
    """The number behind the code of a getPhoneNumber button, with the country prefix if it is foreign."""
    info = _with_token("/wxa/business/getuserphonenumber", {"code": code}).get("phone_info") or {}
    if not isinstance(info.get("phoneNumber"), str) or not info["phoneNumber"]:
        raise Unreachable("getuserphonenumber answered without a number")
    return info["phoneNumber"]


def begin_face(serial: str, openid: str, name: str, id_number: str) -> str:
    """The verify_id that `wx.requestFacialVerify` starts with. The same serial and person get the same one."""
    person = {"cert_type": IDENTITY_CARD, "cert_name": name, "cert_no": id_number}
    answer = _with_token(
        "/cityservice/face/identify/getverifyid",
        {"out_seq_no": serial, "cert_info": person, "openid": openid},
    )
    if not isinstance(answer.get("verify_id"), str) or not answer["verify_id"]:
        raise Unreachable("getverifyid answered without a verify_id")
    return answer["verify_id"]


def face_result(serial: str, openid: str, verify_id: str, name: str, id_number: str) -> int:
    """The verify_ret of a check; FACE_PASSED and nothing else is a pass."""
    answer = _with_token(
        "/cityservice/face/identify/queryverifyinfo",
        {
            "verify_id": verify_id,
            "out_seq_no": serial,
            "cert_hash": cert_hash(IDENTITY_CARD, name, id_number),
            "openid": openid,
        },
    )
    if not isinstance(answer.get("verify_ret"), int):
        raise Unreachable("queryverifyinfo answered without a verify_ret")
    return answer["verify_ret"]


def send_message(openid: str, template_id: str, page: str, data: Mapping[str, str]) -> None:
    """One subscribe message (订阅消息). Each call that WeChat takes is a message of its own."""
    body = {
        "touser": openid,
        "template_id": template_id,
        "page": page,
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    }
    words = {keyword: {"value": value} for keyword, value in data.items()}
    _with_token("/cgi-bin/message/subscribe/send", {**body, "data": words})


def cert_hash(cert_type: str, name: str, id_number: str) -> str:
    """What WeChat compares with the person of getverifyid: SHA-256 over padded base64 of the three."""
    parts = {"cert_type": cert_type, "cert_name": name, "cert_no": id_number}
    text = "&".join(f"{key}={b64encode(value.encode()).decode()}" for key, value in parts.items())
    return hashlib.sha256(text.encode()).hexdigest()


def authorised_payer(auth_code: str, openid: str) -> Payer:
    """Who authorised a payment with the insurance account (医保授权), and the number that pays once."""
    mip = current_app.config["SETTINGS"].vendor(current_space(), "national")["mip"]
    base_url = mip.get("user_query_url") or f"{_account()['base_url']}/api/mipuserquery/userQuery"
    return user_query(base_url, {"qrcode": auth_code, "openid": openid})


def _account() -> Mapping[str, Any]:
    return current_app.config["SETTINGS"].vendor(current_space(), "wechat")


def _with_token(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A call under the access token; a token WeChat no longer knows is replaced once."""
    token = _token()
    try:
        return _call("POST", path, {"access_token": token}, body)
    except VendorRefused as refused:
        if refused.code not in TOKEN_DEAD:
            raise
    return _call("POST", path, {"access_token": _token(dead=token)}, body)


def _token(dead: str = "") -> str:
    """The stable token, kept in this process until business time says it is nearly over."""
    account = _account()
    kept: dict[tuple[str, str], tuple[str, datetime]] = current_app.extensions.setdefault("wechat_tokens", {})
    key = (current_space(), account["appid"])
    token, until = kept.get(key, ("", clock.now()))
    if token and token != dead and clock.now() < until:
        return token
    body = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]}
    answer = _call("POST", "/cgi-bin/stable_token", {}, body)
    if dead and answer.get("access_token") == dead:
        answer = _call("POST", "/cgi-bin/stable_token", {}, {**body, "force_refresh": True})
    if not isinstance(answer.get("access_token"), str) or not isinstance(answer.get("expires_in"), int):
        raise Unreachable("stable_token answered without a token")
    kept[key] = (
        answer["access_token"],
        clock.now() + timedelta(seconds=answer["expires_in"]) - TOKEN_MARGIN,
    )
    return answer["access_token"]


def _call(method: str, path: str, params: Mapping[str, str], body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    base_url = _account()["base_url"].rstrip("/")
    payload = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"} if payload else None
    answer = _json(send(method, base_url + path, base_url=base_url, headers=headers, body=payload, params=params))
    code = answer.get("errcode", 0)
    if code == BUSY:
        raise Unreachable(f"WeChat is busy: {answer.get('errmsg', '')}")
    if code != 0:
        raise VendorRefused("wechat", code, str(answer.get("errmsg", "")))
    return answer


def _json(answer: Answer) -> dict[str, Any]:
    """The body as an object. WeChat answers 200 even to refusals, and labels JSON as text/plain."""
    if answer.status != 200:
        raise Unreachable(f"HTTP {answer.status}")
    try:
        parsed = json.loads(answer.body)
    except ValueError as error:
        raise Unreachable("the answer is not JSON") from error
    if not isinstance(parsed, dict):
        raise Unreachable("the answer is not a JSON object")
    return parsed

"""Log in with WeChat or the national platform, keep the session, know who the user is."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint as FlaskBlueprint
from flask import Response, g, jsonify, redirect, request
from flask_smorest import Blueprint

from yibao import auth, clock, identity
from yibao.db import db, writes
from yibao.errors import Refused
from yibao.providers import wechat
from yibao.providers.http import Unreachable, VendorRefused
from yibao.providers.national.login import redirect_uri
from yibao.steps.login import models, national, rules, schemas

blp = Blueprint("login", __name__, description="登录、手机号与实名")
callbacks = FlaskBlueprint("login_callbacks", __name__)
blp.record_once(lambda state: state.app.extensions.update(session_alive=models.require_alive))


@blp.post("/login/wechat")
@blp.arguments(schemas.WechatLogin())
@blp.response(200, schemas.Tokens())
def log_in(body: dict[str, Any]) -> dict[str, object]:
    """Exchange a wx.login code for our tokens"""
    try:
        who = wechat.code_to_session(body["code"])
    except VendorRefused as refused:
        raise rules.refusal(rules.LOGIN_REFUSALS, refused) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "WeChat did not answer") from error
    session = models.open_session(models.user_of(who.openid, who.unionid))
    db.session.commit()
    return session.tokens()


@blp.get("/login/national")
@writes
@blp.arguments(schemas.ByNational(), location="query")
@blp.response(302)
def log_in_nationally(query: dict[str, Any]) -> Response:
    """Go to the national platform's log-in page; it comes back to /callbacks/national/login"""
    url, state = national.begin(query["return_to"], request.method == "GET")
    answer = redirect(url)
    if query["return_to"]:
        path, life = urlsplit(redirect_uri()).path, models.NATIONAL_LOGIN_LIFE
        secure = redirect_uri().startswith("https:")
        answer.set_cookie(national.COOKIE, state, life, path=path, httponly=True, samesite="Lax", secure=secure)
    return _private(answer)


@callbacks.get("/national/login")
@writes
def log_in_comes_back() -> Response:
    """The browser, from the national platform's page: tokens as JSON, or in the fragment of the front end's page."""
    session, return_to = national.finish(request.args, request.cookies.get(national.COOKIE, ""))
    tokens = session.tokens()
    return _private(redirect(national.with_tokens(return_to, tokens)) if return_to else jsonify(tokens))


def _private(answer: Any) -> Response:
    """For one pair of eyes: kept nowhere, and its address told to nobody."""
    answer.headers["Cache-Control"], answer.headers["Referrer-Policy"] = "no-store", "no-referrer"
    return answer


@blp.post("/login/refresh")
@blp.arguments(schemas.Refresh())
@blp.response(200, schemas.Tokens())
def refresh(body: dict[str, Any]) -> dict[str, object]:
    """The next pair of tokens; a refresh token used twice ends its session"""
    claims = auth.read_refresh(body["refresh_token"])
    if "X-Yibao-Space" not in request.headers:
        g.space = claims["space"]
    session = models.session_by(claims["sid"]) if claims["space"] == g.space else None
    if session is None:
        raise Refused("TOKEN_INVALID")
    if not session.is_alive(clock.now()):
        raise Refused("SESSION_EXPIRED")
    if claims["rot"] != session.rotation:
        session.end("refresh_reused")
        db.session.commit()
        raise Refused("TOKEN_INVALID", "this refresh token was used before; the session is over")
    session.rotation, session.rotated_at = session.rotation + 1, clock.now()
    db.session.commit()
    return session.tokens()


@blp.post("/logout")
@auth.required
@blp.response(204)
def log_out() -> None:
    """End this session; its tokens are worth nothing from now on"""
    session = models.session_by(g.session_id)
    assert session is not None  # auth.required saw it
    session.end("logout")
    db.session.commit()


@blp.get("/me")
@auth.required
@blp.response(200, schemas.Me())
def me() -> dict[str, Any]:
    """The user, masked"""
    return _shown(models.current_user())


@blp.post("/me/phone")
@auth.required
@blp.arguments(schemas.PhoneCode())
@blp.response(200, schemas.Me())
def give_phone(body: dict[str, Any]) -> dict[str, Any]:
    """Take the phone number behind a getPhoneNumber code"""
    try:
        number = wechat.phone_number(body["code"])
    except VendorRefused as refused:
        raise rules.refusal(rules.PHONE_REFUSALS, refused) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "WeChat did not answer") from error
    user = models.current_user()
    user.phone = number[:20]
    db.session.commit()
    return _shown(user)


@blp.post("/me/real-name")
@auth.required
@blp.arguments(schemas.RealName())
@blp.response(200, schemas.Me())
def bind_real_name(body: dict[str, Any]) -> dict[str, Any]:
    """Bind this WeChat user to the person who holds the document"""
    number = identity.checked(body["id_type"], body["id_number"], clock.now().date())
    person = models.registered(body["name"], body["id_type"], number)
    user = models.current_user()
    user.bind(person, clock.now())
    db.session.commit()
    return _shown(user)


@blp.delete("/me/real-name")
@auth.required
@blp.response(204)
def unbind_real_name() -> None:
    """Take the person off this WeChat user"""
    models.current_user().unbind()
    db.session.commit()


def _shown(user: models.User) -> dict[str, Any]:
    return {
        "channel": models.channel(),
        "openid_masked": identity.mask_token(user.openid) if user.openid else None,
        "phone_masked": identity.mask_phone(user.phone) if user.phone else None,
        "real_name": user.is_bound,
        "name_masked": identity.mask_name(user.name) if user.name else None,
        "id_type": user.id_type,
        "id_number_masked": identity.mask_number(user.id_number) if user.id_number else None,
        "insutype": user.insutype,
        "insured_in": user.insured_in,
        "created_at": user.created_at,
    }

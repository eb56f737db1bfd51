"""The national app's own page for 移动医保支付授权 (nhsa §4.4): consent, then back with an authCode.

The channels' pages (WeChat's card.wecity.qq.com) are theirs; the code is the same kind, and the user query takes it.
Here the query stands at the platform itself too, for apps that are not in WeChat.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from mock_providers import switches
from mock_providers.db import db
from mock_providers.national import authorisation, credential, oidc
from mock_providers.national.person import standing
from mock_providers.people import Person, world

bp = Blueprint("national_consent", __name__, template_folder="templates")
FIXED = {"authType": "2", "isDepart": "2", "bizType": "04107"}
REFUSED = "1"
switches.declare(
    "national.consent_ttl_s",
    "300",
    (),
    kind="choice",
    source="nhsa §4.4 (SIM)",
    why="how many seconds the national page's authCode lives; WeChat's form has its own (wechat §6.4)",
)


@bp.get("/oauth/code")
def page() -> Response | tuple[str, int]:
    """Who agrees, and for whom. Headless: POST /_mock/phone/national/authorise."""
    asked = request.args
    problem = untrusted(asked)
    if not problem and (why := wrong(asked)):
        return redirect(_back(asked, retCode=REFUSED, retMsg=why))  # type: ignore[return-value]
    people = [] if problem else [who for who in world().people.values() if standing(who).insutype]
    return render_template("consent.html", problem=problem, asked=asked, people=people), 400 if problem else 200


@bp.post("/oauth/code")
def agreed() -> Response | tuple[str, int]:
    """The page's button."""
    if problem := untrusted(request.args):
        return render_template("consent.html", problem=problem, asked=request.args, people=[]), 400
    person = world().people.get(request.form.get("person", ""))
    patient = world().people.get(request.form.get("for_person", "")) or person
    allowed = request.form.get("answer") == "allow"
    return redirect(decided(request.args, person, patient, allowed))  # type: ignore[return-value]


@bp.post("/api/mipuserquery/userQuery/<partner_id>")
def user_query(partner_id: str) -> Response:
    """nhsa §3.2: HTTP 200 always; `code` says."""
    answer = authorisation.user_query(partner_id, request.headers, request.get_data())
    db.session.commit()
    return jsonify(answer)


def untrusted(asked: Mapping[str, str]) -> str:
    """Why nobody may be sent back; "" if they may."""
    uri = asked.get("redirectUrl", "")
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(uri) > 500:
        return "redirectUrl is not an absolute http(s) address"
    loopback = parts.hostname in oidc.LOOPBACK and switches.value("national.oauth_redirect") == "loopback"
    registered = {urlsplit(known).netloc for known in oidc.client()["redirect_uris"]}
    return "" if loopback or parts.netloc in registered else "redirectUrl's host is not registered"


def wrong(asked: Mapping[str, str]) -> str:
    """What is not as agreed in the query; "" if all is well."""
    for name, value in FIXED.items():
        if asked.get(name, value) != value:
            return f"{name} is {value} on this page"
    code = asked.get("orgCodg", "")
    return "" if code in world().institutions else "orgCodg is no designated institution"


def decided(asked: Mapping[str, str], person: Person | None, patient: Person | None, allowed: bool) -> str:
    """Where the browser goes: with `authCode`, or without and with `retCode` (nhsa §4.4 INF). Commits."""
    if why := wrong(asked):
        return _back(asked, retCode=REFUSED, retMsg=why)
    if not allowed or person is None or patient is None:
        return _back(asked, retCode=REFUSED, retMsg="用户取消授权")
    if credential.state_of(person) != "ACTIVE":
        return _back(asked, retCode=REFUSED, retMsg="医保电子凭证未激活或已锁定")
    for_person = None if patient.id == person.id else patient.id
    lives = credential.seconds("national.consent_ttl_s")
    code = authorisation.issue_authorisation(person.id, for_person, asked, lives)
    db.session.commit()
    return _back(asked, authCode=code)


def _back(asked: Mapping[str, str], **said: str) -> str:
    parts = urlsplit(asked["redirectUrl"])
    state = {"state": asked["state"]} if "state" in asked else {}
    query = [*parse_qsl(parts.query, keep_blank_values=True), *{**said, **state}.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))

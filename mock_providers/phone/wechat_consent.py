"""What a user agrees to on a page of WeChat's: an official account's web authorisation, and the insurance fund's.

Mounted under /_mock; the same pages are served to a browser by the vendor.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app

from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.people import Person
from mock_providers.phone import tap
from mock_providers.wechat import authorize, insurance
from mock_providers.wechat.pages import Wrong

FIXED = {"openType": "getAuthCode", "bizType": "04107"}
BACK = 1038
bp = Blueprint("phone_wechat_consent", __name__)


@bp.post("/phone/wechat/oauth")
def oauth() -> dict[str, Any]:
    """Somebody opens an authorise page: `redirect` is where the browser goes on to, `page` what it shows instead."""
    given = tap.given("person", "url", optional=("outcome",))
    person, url = tap.person(given["person"]), tap.text(given, "url")
    outcome = tap.choice(given, "outcome", "allow", "deny", "snapshot")
    try:
        parts = urlsplit(url)
        answer: dict[str, Any] = {"redirect": _opened(parts.path, parts.query, person, outcome)}
    except Wrong as wrong:
        answer = {"page": {"code": wrong.code, "text": wrong.said}}
    except ValueError:
        raise Problem("FIELD_INVALID", "url is a whole address", {"url": ["not an address"]}) from None
    db.session.commit()
    return answer


def _opened(path: str, query: str, person: Person, outcome: str) -> str:
    if path.endswith(insurance.PATH):
        return insurance.decided(insurance.read(query), person.id, "deny" if outcome == "deny" else "allow")
    if not path.endswith(authorize.PATH):
        known = f"{authorize.PATH} or {insurance.PATH}"
        raise Problem("FIELD_INVALID", f"url is the address of an authorise page: {known}", {"url": ["another page"]})
    asked = authorize.read(query)
    authorize.check_trouble(person)
    return authorize.decided(asked, person, outcome)


@bp.post("/phone/wechat/insurance-authorisation")
def insurance_authorisation() -> dict[str, Any]:
    """wx.navigateToMiniProgram to the insurance page: the user confirms and comes back with an authCode.

    `outcome`: allow, deny (comes back without a code), cancel_dialog (never gets there). `onShow` is what App.onShow
    of the mini program is told.
    """
    given = tap.given("person", optional=("for_person", "params", "outcome"))
    person, params = tap.person(given["person"]), _params(given)
    named = given.get("for_person") or params.get("familyId")
    for_person = tap.person(named, "for_person").id if named else None
    outcome = tap.choice(given, "outcome", "allow", "deny", "cancel_dialog")
    if outcome == "cancel_dialog":
        return {"errMsg": "navigateToMiniProgram:fail cancel"}
    back = {}
    if outcome == "allow":
        issue = current_app.extensions["authorise"]
        back["authCode"] = issue(person=person.id, for_person=for_person, params=params)
        db.session.commit()
    shown = {"scene": BACK, "referrerInfo": {"appId": insurance.APP, "extraData": back}}
    return {**back, "errMsg": "navigateToMiniProgram:ok", "onShow": shown}


def _params(given: dict[str, Any]) -> dict[str, Any]:
    params = given.get("params") or {}
    if not isinstance(params, dict):
        raise Problem("FIELD_INVALID", "params are the query of the page", {"params": ["not an object"]})
    for name, value in FIXED.items():
        if params.get(name, value) != value:
            raise Problem("FIELD_INVALID", f"{name} is {value} on this page", {f"params.{name}": [f"not {value}"]})
    return params

"""What every tap on the phone reads from its body: known members only, a sample person, an app."""

from typing import Any

from flask import request

from mock_providers import people
from mock_providers.errors import Problem
from mock_providers.wechat import users, wire
from mock_providers.wechat.login import TOURIST


def given(*required: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body: all required members, and none that is not known."""
    try:
        said = wire.parse(request.get_data())
    except ValueError:
        raise Problem("BODY_NOT_JSON", "the body must be a JSON object") from None
    wrong = {name: ["missing"] for name in required if said.get(name) in (None, "")}
    wrong |= {name[:60]: ["unknown field"] for name in said if name not in (*required, *optional)}
    if wrong:
        raise Problem("FIELD_INVALID", f"this call takes {', '.join((*required, *optional))}", wrong)
    return said


def text(said: dict[str, Any], name: str) -> str:
    """A text member; empty if absent."""
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Problem("FIELD_INVALID", f"{name} is text", {name: ["not text"]})
    return value


def choice(said: dict[str, Any], name: str, *known: str) -> str:
    """One of some words; the first if absent."""
    value = text(said, name) or known[0]
    if value not in known:
        raise Problem("OUTCOME_UNKNOWN", f"{name} is one of {', '.join(known)}", {name: ["unknown"]})
    return value


def person(who: object, name: str = "person") -> people.Person:
    """A sample person by id."""
    known = people.world().people.get(who) if isinstance(who, str) else None
    if known is None:
        raise Problem("PERSON_UNKNOWN", f"there is no sample person {str(who)[:40]!r}", {name: ["unknown"]})
    return known


def appid(said: dict[str, Any]) -> str:
    """The mini program on the phone: this space's own unless another is named."""
    if said.get("appid") is None:
        return users.own_appid()
    named = text(said, "appid")
    if named != TOURIST and not wire.APPID.fullmatch(named):
        raise Problem("FIELD_INVALID", "an appid is wx and 16 hex digits", {"appid": ["malformed"]})
    return named

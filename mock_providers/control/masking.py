"""What lists, the timeline and pages show instead of names, numbers, phones and tokens. Pure."""

import re
from functools import cache
from typing import Any

from mock_providers.people import world

CITIZEN = re.compile(r"(?<!\d)(\d{6})(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d(\d{2}[\dXx])(?!\d)")
OTHER_NUMBER = re.compile(r"\b(H0{3}|XSAM|Z99\d)(?:0{3}|PLE\d|\d{3})(\d{2,3})\b")
PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
PARAMETER = re.compile(r"(?i)([?&]([a-z0-9_.-]*)=)([^&#\s]*)")
SECRET = re.compile(
    r"(?i)(token|secret|password|session_?key|authorization|auth_?no|auth_?code|js_?code|open_?id|union_?id|"
    r"private_?key|api_?v[23]_?key|signature|signdata|pay_?sign|psn_?no|certno|card_?no|account)$|^(code|sign)$"
)
NAME = re.compile(r"(?i)^(name|user_?name|real_?name|person_?name|psn_?name|typed_name|payer_name|mother_name)$")


def text(given: str) -> str:
    """Free text with every number of a person, phone and sample name shortened."""
    given = CITIZEN.sub(r"\1********\2", given)
    given = OTHER_NUMBER.sub(r"\1***\2", given)
    given = PHONE.sub(r"\1****\2", given)
    return _names().sub(lambda found: found[0][0] + "*" * (len(found[0]) - 1), given)


def target(given: str) -> str:
    """A request target: parameters that are secret by name are shortened."""

    def shorten(found: re.Match[str]) -> str:
        return found[1] + (token(found[3]) if SECRET.search(found[2]) else text(found[3]))

    path, mark, query = given.partition("?")
    return text(path) + PARAMETER.sub(shorten, mark + query)


def token(given: str) -> str:
    """Enough to recognise, not enough to use."""
    return f"{given[:4]}…" if given else given


def tree(given: Any, key: str = "") -> Any:
    """A JSON value with what is secret by name or by look shortened."""
    if isinstance(given, dict):
        return {name: tree(value, str(name)) for name, value in given.items()}
    if isinstance(given, list):
        return [tree(value, key) for value in given]
    if not isinstance(given, str):
        return given
    if SECRET.search(key):
        return token(given)
    if NAME.match(key):
        return given[:1] + "*" * (len(given) - 1)
    return text(given)


@cache
def _names() -> re.Pattern[str]:
    names = {person.name for person in world().people.values()} | {
        person.typed_name for person in world().people.values() if person.typed_name
    }
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))

"""Editing a notification's clear text: a merge patch (RFC 7396), or values at JSON pointers (RFC 6901). Pure."""

import copy
import re
from typing import Any

BAD_ESCAPE = re.compile("~(?![01])")


class NoSuchPlace(ValueError):
    """A pointer leads nowhere; says where it ends."""


def edited(plain: dict[str, Any], edit: dict[str, Any]) -> dict[str, Any]:
    """A copy of the content with the edit done. Members that begin with `/` are pointers, the others are merged.

    A null takes a member away, as in a merge patch. Raises NoSuchPlace.
    """
    made = copy.deepcopy(plain)
    for name, value in edit.items():
        if name.startswith("/"):
            _put(made, name, value)
    merged: dict[str, Any] = _merge(made, {name: value for name, value in edit.items() if not name.startswith("/")})
    return merged


def _merge(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    made = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _merge(made.get(name), value)
    return made


def _put(inside: Any, pointer: str, value: Any) -> None:
    if BAD_ESCAPE.search(pointer):
        raise NoSuchPlace(f"{pointer}: after ~ comes 0 or 1 (RFC 6901)")
    *way, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))
    for part in way:
        inside = _member(inside, part, pointer)
    if isinstance(inside, list):
        _put_in_list(inside, last, value, pointer)
    elif not isinstance(inside, dict):
        raise NoSuchPlace(f"{pointer}: there is nothing inside")
    elif value is None:
        inside.pop(last, None)
    else:
        inside[last] = copy.deepcopy(value)


def _member(inside: Any, part: str, pointer: str) -> Any:
    if isinstance(inside, list) and part.isdecimal() and part.isascii() and int(part) < len(inside):
        return inside[int(part)]
    if isinstance(inside, dict) and part in inside:
        return inside[part]
    raise NoSuchPlace(f"{pointer}: there is no {part[:60]!r}")


def _put_in_list(inside: list[Any], last: str, value: Any, pointer: str) -> None:
    if last == "-":
        inside.append(copy.deepcopy(value))
    elif not (last.isdecimal() and last.isascii() and int(last) < len(inside)):
        raise NoSuchPlace(f"{pointer}: the list has {len(inside)} items")
    elif value is None:
        del inside[int(last)]
    else:
        inside[int(last)] = copy.deepcopy(value)

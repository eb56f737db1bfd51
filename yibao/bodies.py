"""What a request to our API must look like before a route reads it: small, JSON, one object, every name once.

Parsers are too kind: they take the last of two equal keys, NaN, half a surrogate pair, and routes without fields
would take anything. Providers' notices are no business of this file.
"""

import json
from typing import Any

from flask import Flask, request

from yibao.errors import Refused

JSON_AT_MOST = 384 * 1024  # a signature of 200 KiB in base64, and its strokes
WRITES = ("POST", "PUT", "PATCH", "DELETE")
PREFIX = "/api/v1/"
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def init(app: Flask) -> None:
    """Judge the body of every request that may write, before its route does."""

    @app.before_request
    def judge() -> None:
        places = _places(app.view_functions.get(request.endpoint or ""))
        if "files" in places and request.mimetype in FORMS:
            return
        request.max_content_length = JSON_AT_MOST + 1  # a chunked body is cut off here, not refused
        if (request.content_length or 0) > JSON_AT_MOST:
            raise Refused("BODY_TOO_BIG")
        if request.endpoint and request.method in WRITES and request.path.startswith(PREFIX):
            _judge(request.get_data(), places)


def _places(view: Any) -> set[str]:
    """Where a route looks for its fields: json, form, files, query."""
    return {one["in"] for one in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())}


def _judge(raw: bytes, places: set[str]) -> None:
    if not raw:
        return
    if len(raw) > JSON_AT_MOST:
        raise Refused("BODY_TOO_BIG")
    if not request.is_json or "files" in places:
        raise Refused("MEDIA_TYPE")
    body = strict(raw)
    if body and "json" not in places:
        raise Refused("FIELD_INVALID", fields={name[:60]: ["unknown field"] for name in body})


def strict(raw: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. Raises Refused BODY_NOT_JSON, or FIELD_INVALID for text that is none."""
    try:
        body = json.loads(raw.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("BODY_NOT_JSON") from error
    if not isinstance(body, dict):
        raise Refused("BODY_NOT_JSON")
    if b"\\u" in raw and (halves := _halves(body)):
        raise Refused(
            "FIELD_INVALID",
            fields={path[:200].encode(errors="replace").decode(): ["half of a character"] for path in halves},
        )
    return body


def _halves(value: Any, path: str = "_") -> list[str]:
    """Where text holds half a surrogate pair."""
    if isinstance(value, str):
        return [path] if any("\ud800" <= one <= "\udfff" for one in value) else []
    if isinstance(value, dict):
        inside = [(key if path == "_" else f"{path}.{key}", one) for key, one in value.items()]
        return [*_halves("".join(value)), *(found for at, one in inside for found in _halves(one, at))]
    if isinstance(value, list):
        return [found for place, one in enumerate(value) for found in _halves(one, f"{path}.{place}")]
    return []


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)

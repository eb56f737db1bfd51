"""One way in for every control call: query and body are checked against a schema, answers are JSON.

`route` also keeps the table `/_mock/openapi.json` is made from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from sqlalchemy.exc import IntegrityError

from mock_providers.db import db
from mock_providers.errors import Problem

BIGGEST = 2**63 - 1
ID = f"<int(max={BIGGEST}):id_>"
View = Callable[..., Any]


class Strict(Schema):
    """Unknown fields are errors."""

    class Meta:
        unknown = RAISE


class Nothing(Strict):
    """No field at all."""


class Page(Strict):
    """What every list takes."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, BIGGEST))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


def text(most: int = 200, least: int = 1, **more: Any) -> fields.String:
    """A string field with a length."""
    return fields.String(validate=validate.Length(least, most), **more)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    query: type[Schema]
    body: type[Schema] | None
    view: View


ROUTES: list[Route] = []


def route(
    bp: Blueprint, method: str, path: str, *, query: type[Schema] = Nothing, body: type[Schema] | None = None
) -> Callable[[View], View]:
    """Register a view. It gets path parts, then the checked query (if asked for), then the checked body."""
    in_query = query()
    in_body = (body or Nothing)()

    def register(view: View) -> View:
        ROUTES.append(Route(method, path, query, body, view))

        @wraps(view)
        def checked(**parts: Any) -> Response:
            args: list[Any] = list(parts.values())
            found = _load(in_query, _query())
            if query is not Nothing:
                args.append(found)
            if method != "GET":
                given = _load(in_body, _body())
                if body is not None:
                    args.append(given)
            try:
                return reply(view(*args))
            except IntegrityError as error:
                db.session.rollback()
                raise Problem("STATE_CONFLICT", "something else changed the same thing just now") from error

        bp.add_url_rule(path, view.__name__ + "_" + method.lower(), checked, methods=[method])
        return view

    return register


def reply(answer: Any) -> Response:
    """JSON, unless the view made a response itself."""
    if isinstance(answer, Response):
        return answer
    return Response(orjson.dumps(answer), content_type="application/json")


def _query() -> dict[str, str]:
    pairs = list(request.args.items(multi=True))
    if len(pairs) != len(request.args):
        raise Problem("FIELD_INVALID", "a parameter is given twice")
    return dict(pairs)


def _body() -> dict[str, Any]:
    raw = request.get_data()
    if not raw.strip():
        return {}
    if request.mimetype != "application/json":
        raise Problem("BODY_NOT_JSON", "Content-Type is not application/json")
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Problem("BODY_NOT_JSON", f"not JSON: {error}"[:200]) from error
    if not isinstance(given, dict):
        raise Problem("BODY_NOT_JSON", "the body is JSON but not an object")
    return given


def _load(schema: Schema, given: dict[str, Any]) -> dict[str, Any]:
    try:
        return schema.load(given)
    except ValidationError as error:
        fields_ = error.normalized_messages()
        wrong = ", ".join(str(name)[:60] for name in list(fields_)[:10])
        raise Problem("FIELD_INVALID", f"see fields: {wrong}", _short(fields_)) from error


def _short(messages: Any) -> Any:
    """Field names and values may be a megabyte long; an answer is not."""
    if isinstance(messages, dict):
        return {str(key)[:60]: _short(value) for key, value in list(messages.items())[:50]}
    return [str(one)[:200] for one in messages] if isinstance(messages, list) else str(messages)[:200]


def page(rows: list[Any], limit: int, show: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """A list answer from `limit + 1` rows in order of id."""
    more = len(rows) > limit
    return {"items": [show(row) for row in rows[:limit]], "next": str(rows[limit - 1].id) if more else None}


def fresh() -> None:
    """Let this request see everything noted until now: the journal is written, the snapshot is new."""
    db.session.rollback()
    current_app.extensions["journal"].flush()

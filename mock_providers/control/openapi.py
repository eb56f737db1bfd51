"""`/_mock/openapi.json`: made from the route table and its schemas, so it cannot tell another story."""

import re
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, current_app

from mock_providers.control.door import ROUTES, Nothing, route

bp = Blueprint("control_openapi", __name__)
PART = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
PROBLEM = {
    "description": "problem document",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@route(bp, "GET", "/openapi.json")
def document() -> dict[str, Any]:
    """This very document."""
    return {**_document(), "servers": [{"url": current_app.config["SETTINGS"].public_url}]}


@cache
def _document() -> dict[str, Any]:
    spec = APISpec("yibao mocks: control API", "1", "3.0.3", plugins=[MarshmallowPlugin()])
    spec.components.schema(
        "Problem",
        {
            "type": "object",
            "required": ["type", "title", "status", "code", "detail", "remedy"],
            "properties": {
                **{name: {"type": "string"} for name in ("type", "title", "code", "detail", "remedy")},
                "status": {"type": "integer"},
                "fields": {"type": "object"},
            },
        },
    )
    for known in ROUTES:
        path = PART.sub(lambda found: "{" + found[2].rstrip("_") + "}", f"/_mock{known.path}")
        spec.path(path, operations={known.method.lower(): _operation(known)})
    for rule in current_app.url_map.iter_rules():
        if rule.rule.startswith("/_mock/phone/"):
            view: Any = current_app.view_functions[rule.endpoint]
            summary = (view.__doc__ or rule.rule).strip().partition("\n")[0]
            taps = "POST" in (rule.methods or ())
            operation = _answers(summary, rule.endpoint, _any_object() if taps else None)
            spec.path(rule.rule, operations={"post" if taps else "get": operation})
    return spec.to_dict()


def _operation(known: Any) -> dict[str, Any]:
    summary = (known.view.__doc__ or known.path).strip().partition("\n")[0]
    body = None
    if known.body is not None:
        body = {"content": {"application/json": {"schema": known.body}}}
    operation = _answers(summary, f"{known.method.lower()}_{known.view.__name__}", body)
    operation["parameters"] = [
        {
            "in": "path",
            "name": name.rstrip("_"),
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if kind == "int" else {"type": "string"},
        }
        for kind, name in PART.findall(known.path)
    ]
    if known.query is not Nothing:
        operation["parameters"].append({"in": "query", "schema": known.query})
    return operation


def _any_object() -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


def _answers(summary: str, name: str, body: Any) -> dict[str, Any]:
    good = {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation: dict[str, Any] = {
        "summary": summary,
        "operationId": name.replace(".", "_"),
        "responses": {"200": good, "default": PROBLEM},
    }
    if body:
        operation["requestBody"] = body
    return operation

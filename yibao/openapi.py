"""The OpenAPI document says what really happens: every refusal is one Problem, and bad fields are a 400."""

from threading import Lock
from typing import Any

from apispec import APISpec, BasePlugin
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import Schema, fields
from marshmallow.validate import Regexp

PROBLEM = "application/problem+json"
BODY_REFUSED = "a field, the form of the body, or its length is wrong"


class Problem(Schema):
    """RFC 9457, with what to do about it."""

    type = fields.String(required=True, metadata={"example": "/problems/state-conflict"})
    title = fields.String(
        required=True, metadata={"description": "for the screen", "example": "当前状态不能进行此操作"}
    )
    status = fields.Integer(required=True, metadata={"example": 409})
    code = fields.String(required=True, metadata={"example": "STATE_CONFLICT"})
    detail = fields.String(required=True, metadata={"example": "the state does not allow this"})
    remedy = fields.String(
        required=True, metadata={"description": "what to do about it", "example": "请刷新后按页面提示继续"}
    )
    retryable = fields.Boolean(
        required=True, metadata={"description": "whether the same request may pass later", "example": False}
    )
    request_id = fields.String(required=True, metadata={"example": "8f0c1d2e3a4b5c6d"})
    fields_ = fields.Dict(
        data_key="fields",
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "a field's path and what is wrong with it", "example": {"items.0.quantity": ["…"]}},
    )


def _pattern(converter: Any, field: fields.Field, **_: Any) -> dict[str, str]:
    """Python's anchors are not those of JSON Schema."""
    found = [str(one.regex.pattern) for one in field.validators if isinstance(one, Regexp)]
    return {"pattern": found[0].replace("\\A", "^").replace("\\Z", "$")} if found else {}


class _Operations(BasePlugin):
    """What flask-smorest guesses about an operation, put right."""

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        self.spec = spec

    def operation_helper(self, path: Any = None, operations: Any = None, **_: Any) -> None:
        for operation in (operations or {}).values():
            responses = operation.get("responses", {})
            for status in (422, "422"):
                if responses.pop(status, None):
                    responses["400"] = "BAD_REQUEST"
            if operation.get("security"):
                responses["401"] = "UNAUTHORIZED"
            self._into_body(operation)

    def _into_body(self, operation: dict[str, Any]) -> None:
        """Form fields beside a file belong to the same multipart body."""
        form = [one for one in operation.get("parameters", ()) if one["in"] == "formData"]
        if not form:
            return
        operation["parameters"] = [one for one in operation["parameters"] if one["in"] != "formData"]
        content = operation["requestBody"]["content"]["multipart/form-data"]
        file = self.spec.components.schemas[content["schema"]["$ref"].rpartition("/")[2]]
        content["schema"] = {
            **file,
            "properties": {**{one["name"]: one["schema"] for one in form}, **file["properties"]},
            "required": [*(one["name"] for one in form if one.get("required")), *file.get("required", ())],
        }


class Document(Api):
    """flask-smorest, with Problem as every error; the document is written when somebody asks for it."""

    ERROR_SCHEMA = Problem

    def __init__(self, app: Any) -> None:
        self.unwritten: list[Blueprint] = []
        self.writing = Lock()
        super().__init__(app, spec_kwargs={"extra_plugins": [_Operations()]})
        self.ma_plugin.converter.add_attribute_function(_pattern)
        self.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """Serve a step now; describe it later, which keeps it out of the start."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self.unwritten.append(blp)

    def _openapi_json(self) -> Any:
        with self.writing:
            while self.unwritten:
                blp = self.unwritten.pop(0)
                blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=None)
                self.spec.tag({"name": blp.name, "description": blp.description})
        return super()._openapi_json()

    def _register_responses(self) -> None:
        for name, words in (
            ("DEFAULT_ERROR", "refused; `code` says why"),
            ("BAD_REQUEST", BODY_REFUSED),
            ("UNAUTHORIZED", "no token, not ours, or its time is over"),
        ):
            response = {"description": words, "schema": self.ERROR_SCHEMA}
            prepare_response(response, self.spec, PROBLEM)
            self.spec.components.response(name, response, lazy=True)
        for name in ("OK", "CREATED", "ACCEPTED", "NO_CONTENT", "UNPROCESSABLE_ENTITY"):
            self.spec.components.response(name, {"description": name.replace("_", " ").capitalize()}, lazy=True)

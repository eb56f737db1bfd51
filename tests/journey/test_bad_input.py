"""Nasty input at our own routes: always a problem document of the right kind, never a 500, and nothing changes."""

import io
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from mock_providers.phone.handset import sample_picture
from tests.journey.world import Json, World, build
from yibao import auth, clock, spaces

COUNT = itertools.count()

SAMPLE = {
    "/login/wechat": {"code": "x"},
    "/login/refresh": {"refresh_token": "x"},
    "/me/phone": {"code": "x"},
    "/me/real-name": {"name": "林样一", "id_type": "id_card", "id_number": "469099198803159034"},
    "/credential": {},
    "/credential/codes": {},
    "/face/tickets": {"purpose": "ACTIVATE"},
    "/face/tickets/{ticket_id}/result": {},
    "/letters/{key}/signature": {"png_base64": "iVBORw0KGgo=", "strokes": [[[1, 1, 1]]]},
    "/bindings": {},
    "/bindings/{key}": {"phone": "15400000009"},
    "/bindings/{key}/notice": {"version": "1.0", "read_to_end": True, "agreed": True},
    "/bindings/{key}/person": {
        "name": "林样四",
        "id_type": "id_card",
        "id_number": "469099201709109086",
        "relation": "child",
    },
    "/bindings/{key}/face": {"subject": "self"},
    "/bindings/{key}/review": {"decision": "approve"},
    "/institutions/scan": {"content": "yibao://institution/P46019900008"},
    "/settlements": {"institution_code": "P46019900008", "items": [{"code": "X01", "quantity": 1}]},
    "/settlements/{settlement_id}/confirmation": {"auth_code": "x", "accept_cash": True},
    "/settlements/{settlement_id}/refunds": {"reason": "quality"},
}
DEEP = b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
BODIES = [
    ("half an object", b'{"code": ', 400, "BODY_NOT_JSON"),
    ("no JSON", b"code=1", 400, "BODY_NOT_JSON"),
    ("an array", b"[]", 400, "BODY_NOT_JSON"),
    ("null", b"null", 400, "BODY_NOT_JSON"),
    ("a number", b"1", 400, "BODY_NOT_JSON"),
    ("text", '"样"'.encode(), 400, "BODY_NOT_JSON"),
    ("NaN", b'{"code": NaN}', 400, "BODY_NOT_JSON"),
    ("a number of 9000 digits", b'{"code": ' + b"9" * 9000 + b"}", 400, "BODY_NOT_JSON"),
    ("deep nesting", DEEP, 400, "BODY_NOT_JSON"),
    ("a name twice", b'{"code": "x", "code": "x"}', 400, "BODY_NOT_JSON"),
    ("invalid UTF-8", b'{"code": "\xff\xfe"}', 400, "BODY_NOT_JSON"),
    ("UTF-16", '{"code": "x"}'.encode("utf-16"), 400, "BODY_NOT_JSON"),
    ("half a character", b'{"code": "\\ud83d"}', 400, "FIELD_INVALID"),
    ("half a character in a name", b'{"\\udfff": {"x": "\\ud83d"}}', 400, "FIELD_INVALID"),
    ("an unknown field", b'{"surprise": 1}', 400, "FIELD_INVALID"),
    ("a long unknown field", b'{"' + b"s" * 300_000 + b'": 1}', 400, "FIELD_INVALID"),
    ("more than 256 KiB", b'{"code": "' + b"x" * 400_000 + b'"}', 413, "BODY_TOO_BIG"),
    ("more than 8 MiB", b" " * (9 * 1024 * 1024), 413, "BODY_TOO_BIG"),
]
ODD_VALUES = [
    None,
    "",
    -1,
    0,
    2**80,
    1.5,
    True,
    [],
    {},
    [[]],
    "\x00",
    "\u202e",
    "😀" * 400,
    "a" * 300_000,
    {"$ne": 1},
]
OPTIONAL = {("/bindings/{key}", "phone"), ("/settlements/{settlement_id}/confirmation", "accept_cash")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def untouched(world: World) -> Iterator[None]:
    """Whatever a test here throws, the tables are as before."""
    world.tables.restore()
    yield
    assert world.tables.changed() == []


def send(world: World, method: str, path: str, body: Any = b"", **more: Any) -> TestResponse:
    """A request of P01; `headers` may take one away with None."""
    headers = {"Authorization": f"Bearer {world.phone.token}", "Idempotency-Key": "bad-input"}
    headers |= more.pop("headers", {})
    more.setdefault("content_type", "application/json")
    data = body if isinstance(body, bytes | io.IOBase) else json.dumps(body).encode()
    kept = {name: value for name, value in headers.items() if value is not None}
    return world.simulator.back_end.test_client().open(
        f"/api/v1{path}", method=method, data=data, headers=kept, **more
    )


def refused(answer: TestResponse, status: int, code: str) -> Json:
    assert answer.content_type == "application/problem+json", answer.text[:300]
    problem: Json = answer.json
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["status"] == status
    assert problem["title"] and problem["remedy"] and problem["detail"] and problem["request_id"]
    assert len(answer.data) < 20_000
    return problem


def paths(world: World, whose: Json | None = None) -> list[tuple[str, str, str]]:
    """(method, template, path) of every route with an id or not."""
    document = world.simulator.back_end.test_client().get("/api/v1/openapi.json").json
    found = []
    for template, operations in document["paths"].items():
        short = template.removeprefix("/api/v1")
        methods = [method.upper() for method in operations if method != "parameters"]
        found += [(method, short, filled(short, whose or world.mine)) for method in methods]
    return found


def filled(template: str, ids: Json) -> str:
    kind = "letters" if "/letters/" in template else "bindings"
    path = template.replace("{key}", ids[kind][0]).replace("{ticket_id}", ids["ticket_id"][0])
    return path.replace("{settlement_id}", ids["settlement_id"][0]).replace("{code}", "P46019900008")


def with_fields(world: World) -> list[tuple[str, str, str]]:
    routes = [route for route in paths(world) if route[0] in ("POST", "PUT", "PATCH") and route[1] in SAMPLE]
    assert {route[1] for route in routes} == set(SAMPLE)
    return routes


def test_every_route_that_takes_json_has_a_sample_here(world: World) -> None:
    document = world.simulator.back_end.test_client().get("/api/v1/openapi.json").json
    taking = {
        path.removeprefix("/api/v1")
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "requestBody" in operation and "application/json" in operation["requestBody"]["content"]
    }
    assert taking == set(SAMPLE)


@pytest.mark.parametrize("body, status, code", [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_a_body_that_is_no_good_is_refused_by_every_route(world: World, body: bytes, status: int, code: str) -> None:
    for method, template, path in paths(world):
        if method in ("POST", "PUT", "PATCH", "DELETE") and not template.endswith("/materials"):
            refused(send(world, method, path, body), status, code)


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_of_another_type_is_refused_by_every_route(world: World, kind: str | None) -> None:
    for method, template, path in paths(world):
        if method in ("POST", "PUT", "PATCH", "DELETE") and not template.endswith("/materials"):
            refused(send(world, method, path, b'{"code": "x"}', content_type=kind), 415, "MEDIA_TYPE")


def test_pictures_are_not_taken_as_json(world: World) -> None:
    path = f"/bindings/{world.mine['bindings'][0]}/materials"
    refused(send(world, "POST", path, {"type": "id_card"}), 415, "MEDIA_TYPE")


def test_a_wrong_value_in_any_field_is_a_field_error(world: World) -> None:
    for method, template, path in with_fields(world):
        for name in SAMPLE[template]:
            for value in ODD_VALUES:
                if type(value) is type(SAMPLE[template][name]) and value == SAMPLE[template][name]:
                    continue
                answer = send(world, method, path, {**SAMPLE[template], name: value})
                assert 400 <= answer.status_code < 500, (path, name, str(value)[:40])
                problem = refused(answer, answer.status_code, answer.json["code"])
                if problem["code"] == "FIELD_INVALID" and "fields" in problem:
                    assert any(name in field or field in name for field in problem["fields"]), problem


def test_a_missing_field_is_named(world: World) -> None:
    for method, template, path in with_fields(world):
        for name in SAMPLE[template]:
            if (template, name) in OPTIONAL:
                continue
            body = {key: value for key, value in SAMPLE[template].items() if key != name}
            assert name in refused(send(world, method, path, body), 400, "FIELD_INVALID")["fields"]


QUANTITIES = [None, "1", "", 1.5, [], {}, -(10**7), 10**7, 2**200, 1e300, True]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=str)
def test_a_quantity_of_another_kind_is_a_field_error(world: World, quantity: Any) -> None:
    body = {"institution_code": "P46019900008", "items": [{"code": "X01", "quantity": quantity}]}
    problem = refused(send(world, "POST", "/settlements", body, headers=fresh()), 400, "FIELD_INVALID")
    assert list(problem["fields"]) == ["items.0.quantity"]


@pytest.mark.parametrize("quantity", [0, -1, -100, 100, 10**6])
def test_a_quantity_beyond_the_limits_is_refused(world: World, quantity: int) -> None:
    body = {"institution_code": "P46019900008", "items": [{"code": "X01", "quantity": quantity}]}
    refused(send(world, "POST", "/settlements", body, headers=fresh()), 400, "QTY_LIMIT")


@pytest.mark.parametrize("amount", [-1, "1", 1.5, True, 2**70], ids=str)
def test_an_amount_of_another_kind_is_a_field_error(world: World, amount: Any) -> None:
    settled = world.mine["settlement_id"][2]
    body = {"reason": "quality", "amount_fen": amount}
    problem = refused(
        send(world, "POST", f"/settlements/{settled}/refunds", body, headers=fresh()), 400, "FIELD_INVALID"
    )
    assert list(problem["fields"]) == ["amount_fen"]


NAMES = [
    "x" * 1_000_000,
    "林" * 100_000,
    "林" * 51,
    "林😀\x00",
    "\x1b[31m",
    "林\u202e样",
    "\ud800",
    " 林样三",
    None,
    7,
    ["林"],
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_name_nobody_can_have_is_refused(world: World, name: Any) -> None:
    begun = world.mine["bindings"][-1]
    for method, path, sample in (
        ("POST", "/me/real-name", SAMPLE["/me/real-name"]),
        ("PUT", f"/bindings/{begun}/person", SAMPLE["/bindings/{key}/person"]),
    ):
        answer = send(world, method, path, {**sample, "name": name})
        assert answer.status_code in (400, 413)
        refused(answer, answer.status_code, "BODY_TOO_BIG" if answer.status_code == 413 else "FIELD_INVALID")


def test_an_emoji_name_is_only_somebody_nobody_knows(world: World) -> None:
    body = {**SAMPLE["/me/real-name"], "name": "林😀"}
    answer = send(world, "POST", "/me/real-name", body)
    assert answer.status_code == 422 and answer.json["code"] == "PERSON_NOT_FOUND"


# who asks

TOKENS = [
    (None, "TOKEN_MISSING"),
    ("", "TOKEN_MISSING"),
    ("Bearer", "TOKEN_INVALID"),
    ("Bearer ", "TOKEN_INVALID"),
    ("Bearer x.y.z", "TOKEN_INVALID"),
    ("Basic dTpw", "TOKEN_INVALID"),
    ("Bearer \xff\xfe", "TOKEN_INVALID"),
    ("Bearer " + "a" * 60_000, "TOKEN_INVALID"),
    ("Bearer {refresh}", "TOKEN_INVALID"),
    ("Bearer {unsigned}", "TOKEN_INVALID"),
    ("Bearer {twisted}", "TOKEN_INVALID"),
    ("Bearer {elsewhere}", "TOKEN_INVALID"),
]
OPEN = {"/login/wechat", "/login/national", "/login/refresh", "/notices/family-binding"}


@pytest.mark.parametrize("said, code", TOKENS, ids=lambda value: str(value)[:24])
def test_without_a_good_token_no_route_answers(world: World, said: str | None, code: str) -> None:
    good = world.phone.token
    head, claims, signature = good.split(".")
    forged = {
        "refresh": world.phone.refresh_token,
        "unsigned": f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.",
        "twisted": f"{head}.{claims}.{signature[::-1]}",
        "elsewhere": good,
    }
    headers = {"Authorization": said.format(**forged) if said else said}
    if said == "Bearer {elsewhere}":
        world.phone.control("GET", "spaces")
        headers["X-Yibao-Space"] = elsewhere(world)
    for method, template, path in paths(world):
        if template not in OPEN and not template.endswith("/materials"):
            body = SAMPLE.get(template, {}) if method in ("POST", "PUT", "PATCH") else b""
            answer = send(world, method, path, body, headers=headers)
            refused(answer, 401, code)
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def elsewhere(world: World) -> str:
    """Another tester's space."""
    spaces = [row["name"] for row in world.phone.control("GET", "spaces")["items"]]
    if "elsewhere" not in spaces:
        world.phone.control("POST", "spaces", {"name": "elsewhere"})
    return "elsewhere"


def test_a_token_whose_time_is_over_opens_nothing(world: World) -> None:
    app = world.simulator.back_end
    with spaces.entered(app, "default"):
        claims = jwt.decode(world.phone.token, options={"verify_signature": False})
        old = auth.mint(int(claims["sub"]), claims["sid"], "default", clock.now() - timedelta(hours=1))
    refused(send(world, "GET", "/me", headers={"Authorization": f"Bearer {old}"}), 401, "SESSION_EXPIRED")


def test_somebody_elses_things_do_not_exist(world: World) -> None:
    for method, template, path in paths(world, world.theirs):
        if "{" not in template or "{code}" in template:
            continue
        body = SAMPLE.get(template, {}) if method in ("POST", "PUT", "PATCH") else b""
        if template.endswith("/materials"):
            form = {"type": "id_card", "file": (io.BytesIO(sample_picture("x")), "x.jpg", "image/jpeg")}
            headers = {"Authorization": f"Bearer {world.phone.token}"}
            answer = world.simulator.back_end.test_client().post(f"/api/v1{path}", data=form, headers=headers)
        else:
            answer = send(world, method, path, body, headers=fresh())
        refused(answer, 404, "NOT_FOUND")


def test_somebody_elses_binding_pays_for_nothing(world: World) -> None:
    body = {**SAMPLE["/settlements"], "patient_binding_id": world.theirs["bindings"][0]}
    refused(send(world, "POST", "/settlements", body, headers=fresh()), 403, "PAY_NOT_BOUND")


IDS = [
    "a%00b",
    "%2e%2e",
    "..%2f..%2fetc",
    "%F0%9F%98%80",
    "%ff%fe",
    "a" * 5000,
    "' OR 1=1 --",
    "0",
    "-1",
    "%0d%0aX: y",
]


@pytest.mark.parametrize("key", IDS, ids=lambda key: key[:16])
def test_an_id_nobody_gave_out_is_not_found(world: World, key: str) -> None:
    for method, template, _ in paths(world):
        if "{" in template and not template.endswith("/materials"):
            path = template.replace("{key}", key).replace("{ticket_id}", key)
            path = path.replace("{settlement_id}", key).replace("{code}", key)
            body = SAMPLE.get(template, {}) if method in ("POST", "PUT", "PATCH") else b""
            refused(send(world, method, path, body, headers=fresh()), 404, "NOT_FOUND")


# how they ask


def test_a_method_a_route_does_not_know_is_405_and_says_which_it_does(world: World) -> None:
    known: dict[str, set[str]] = {}
    for method, template, path in paths(world):
        known.setdefault(template, {path}).add(method)
    for template, methods in known.items():
        path = next(one for one in methods if one.startswith("/"))
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
            if template == "/institutions/scan" and method == "GET":
                continue  # an institution called "scan"
            answer = send(world, method, path)
            refused(answer, 405, "METHOD_NOT_ALLOWED")
            assert methods - {path} <= set(answer.headers["Allow"].split(", ")), template


def test_head_and_options_change_nothing_and_never_fail(world: World) -> None:
    for _, _, path in paths(world):
        for method in ("HEAD", "OPTIONS"):
            assert send(world, method, path).status_code < 500
            assert send(world, method, path, headers={"Authorization": None}).status_code < 500


KEYS = [(None, 400), ("", 400), ("k" * 65, 400), ("k" * 60_000, 400), ("样".encode().decode("latin-1") * 30, 400)]


@pytest.mark.parametrize("key, status", KEYS, ids=lambda value: str(value)[:12])
def test_a_bad_idempotency_key_is_refused(world: World, key: str | None, status: int) -> None:
    for template in (
        "/settlements",
        "/settlements/{settlement_id}/confirmation",
        "/settlements/{settlement_id}/refunds",
    ):
        answer = send(world, "POST", filled(template, world.mine), SAMPLE[template], headers={"Idempotency-Key": key})
        refused(answer, status, "IDEMPOTENCY_KEY_MISSING")


def test_a_key_used_for_something_else_is_refused(world: World) -> None:
    body, headers = {"institution_code": "P46019900007", "items": [{"code": "X01", "quantity": 1}]}, fresh()
    refused(send(world, "POST", "/settlements", body, headers=headers), 403, "PH_NOT_DESIGNATED")
    again = {**body, "items": [{"code": "X01", "quantity": 2}]}
    refused(send(world, "POST", "/settlements", again, headers=headers), 422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    "space", ["nowhere", "NOWHERE", "a" * 5000, "a\x00b", "../x", "样".encode().decode("latin-1"), "-"]
)
def test_a_space_nobody_made_is_not_found(world: World, space: str) -> None:
    refused(send(world, "GET", "/me", headers={"X-Yibao-Space": space}), 404, "SPACE_UNKNOWN")


def test_a_chunked_body_is_measured_too(world: World) -> None:
    more: Json = {"environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}}
    small = send(world, "POST", "/institutions/scan", io.BytesIO(b'{"content": "x"}'), **more)
    refused(small, 400, "FIELD_INVALID")
    big = send(world, "POST", "/institutions/scan", io.BytesIO(b'{"content": "' + b"x" * 500_000 + b'"}'), **more)
    refused(big, 413, "BODY_TOO_BIG")


HEADERS = [
    {"X-Request-Id": "a\x00b"},
    {"X-Request-Id": "样".encode().decode("latin-1")},
    {"X-Request-Id": "a" * 10_000},
    {"Origin": "http://[bad"},
    {"Origin": "null"},
    {"Accept": "text/xml"},
    {"Content-Length": "-1"},
    {"Content-Length": "many"},
    {"Range": "bytes=0-99999999999999999999"},
    {"If-None-Match": "*"},
    {"Cookie": "session=\xff"},
    {"Host": "api.evil.example"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_a_strange_header_does_no_harm(world: World, headers: dict[str, str]) -> None:
    answer = send(world, "GET", "/me", headers=headers)
    assert answer.status_code in (200, 400), answer.text
    assert answer.headers["X-Request-Id"].isascii() and len(answer.headers["X-Request-Id"]) <= 40


QUERIES = [
    "/institutions?kind=",
    "/institutions?kind=pharmacy%00",
    "/institutions",
    "/records?year=0",
    "/records?year=-1",
    "/records?year=99999999999999999999",
    "/records?year=%F0%9F%98%80",
    "/records?limit=0",
    "/records?limit=1e3",
    "/records?after=-1",
    "/records?after=99999999999999999999999",
    "/records/summary?year=x",
    "/bindings?limit=0",
    "/bindings?limit=999",
    "/bindings?role=nobody",
    "/bindings?after=nothing",
    "/bindings?state=%00",
    "/bindings?usable=perhaps",
    "/notices/family-binding?version=%00",
]


@pytest.mark.parametrize("target", QUERIES)
def test_a_bad_query_is_a_field_error(world: World, target: str) -> None:
    problem = refused(send(world, "GET", target), 400, "FIELD_INVALID")
    assert list(problem["fields"]) == [target.partition("?")[2].partition("=")[0] or "kind"]


def fresh() -> dict[str, str]:
    """An Idempotency-Key nobody used."""
    return {"Idempotency-Key": f"bad-{next(COUNT)}"}

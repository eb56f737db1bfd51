"""Generated requests at every route of the back end's OpenAPI document: an answer it documents, never a 500, and a
refused request leaves the world as it was. Then generated rubbish at every door of the mocks.

Every example begins in the same world: the back end's tables are copied back when an example changed them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import Simulator
from mock_providers.phone.handset import Handset
from tests.journey.world import World, build
from tests.mock_providers.national.institution import Institution
from tests.mock_providers.wechatpay.merchant import Merchant
from yibao import STEPS

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
PROBLEM = {"type", "title", "status", "code", "detail", "remedy", "retryable", "request_id"}
FEW = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def document(world: World) -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.simulator.back_end)


OPEN = {f"/api/v1/{path}" for path in ("login/wechat", "login/national", "login/refresh", "notices/family-binding")}


def test_every_route_says_what_it_does_what_it_refuses_and_who_may_ask(world: World) -> None:
    said = world.simulator.back_end.test_client().get("/api/v1/openapi.json").json
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert all(row["content"] == problem for row in said["components"]["responses"].values())
    for path, operations in said["paths"].items():
        for operation in (one for method, one in operations.items() if method != "parameters"):
            assert operation["summary"] and operation["tags"][0] in STEPS
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}
            assert any(status[0] in "23" for status in operation["responses"])  # the log-in only redirects
            assert operation.get("security") == (None if path in OPEN else [{"bearer": []}]), path
            assert {one["in"] for one in operation.get("parameters", ())} <= {"query", "header"}
            for body in operation.get("requestBody", {}).get("content", {}).values():
                schema = body["schema"]
                if "$ref" in schema:
                    schema = said["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                lacking = {name for name in schema.get("required", ()) if not exemplified(schema["properties"][name])}
                assert not lacking, (path, lacking)


def exemplified(field: dict[str, Any]) -> bool:
    return bool({"example", "enum", "format"} & field.keys() or ("items" in field and "$ref" in field["items"]))


def ids_for(world: World, path: str) -> dict[str, list[str]]:
    """Ids that exist, ours and somebody else's, for the parameter of a path."""
    found = {
        "ticket_id": world.mine["ticket_id"] + world.theirs["ticket_id"],
        "settlement_id": world.mine["settlement_id"] + world.theirs["settlement_id"],
        "code": ["P46019900008", "H46019900001", "P46019900011"],
    }
    kind = "letters" if "/letters/" in path else "bindings"
    found["key"] = world.mine[kind] + world.theirs[kind]
    return {name: ids for name, ids in found.items() if f"{{{name}}}" in path}


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("step", STEPS)
def test_every_answer_is_documented_and_a_refusal_changes_nothing(
    world: World, document: Any, step: str, mode: schemathesis.GenerationMode
) -> None:
    seen = 0
    for result in document.include(tag=step).get_all_operations():
        seen += 1
        throw_at(world, result.ok(), mode)
    assert seen


def throw_at(world: World, operation: Any, mode: schemathesis.GenerationMode) -> None:
    ids = ids_for(world, operation.path)

    @FEW
    @given(data=st.data())
    def example(data: st.DataObject) -> None:
        world.tables.restore()
        known = {name: data.draw(st.sampled_from([*some, None])) for name, some in ids.items()}
        chosen = {name: value for name, value in known.items() if value}
        case = data.draw(operation.as_strategy(mode, path_parameters=chosen or None))
        answer = case.call(headers={"Authorization": f"Bearer {world.phone.token}"})
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            problem = answer.json()
            assert problem.keys() >= PROBLEM and problem["status"] == answer.status_code
            assert world.tables.changed() == [], problem

    run(example)


def run(example: Any) -> None:
    """A route without anything to get wrong has no negative examples."""
    try:
        example()
    except Unsatisfiable:
        pass
    except ValueError as error:
        if "Impossible to generate negative" not in str(error):
            raise


# the mocks

ODD = st.sampled_from(
    [None, True, -1, 0, 2**63, -(2**70), 0.1, 1e308, "", "😀样", "\x00", "a" * 70_000, [], {}, [[]]]
)
VALUE = ODD | st.text(max_size=12) | st.recursive(ODD, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
WORDS = """
appid secret grant_type js_code access_token code openid verify_id name id_card_number mchid out_trade_no amount total
refund payer description notify_url infno msgid input data encData signData appId version orgCodg payOrdId person
for_person params outcome advance set freeze space level target count ref signature edit
"""
NAMES = WORDS.split()
SEALED = "payOrdId payToken orgCodg idNo userName idType medOrgOrd feeSumamt feedetailList payAuthNo psnNo"
OBJECT = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), VALUE, max_size=5)
BODY = OBJECT.map(lambda found: json.dumps(found).encode()) | VALUE.map(lambda found: json.dumps(found).encode())
RAW = BODY | st.binary(max_size=200) | st.just(b"[" * 5000) | st.just(b'{"a":1,"a":NaN}')
TYPES = st.sampled_from(
    [
        None,
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "\xff/;=",
        "",
    ]
)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"]
PART = re.compile(r"<[^>]*?(\w+)>")
SEGMENT = st.sampled_from(["1", "0", "-1", "9" * 30, "P01", "%00", "..", "%F0%9F%98%80", "a" * 300, "default"])


@pytest.mark.parametrize("door", ["wechat", "wechatpay", "national", "_mock/phone"])
def test_a_door_of_the_mocks_answers_rubbish_without_a_500(simulator: Simulator, door: str) -> None:
    client = simulator.mocks.test_client()
    rules = sorted({rule.rule for rule in simulator.mocks.url_map.iter_rules() if rule.rule.startswith(f"/{door}/")})

    @settings(FEW, max_examples=25)
    @given(data=st.data(), method=st.sampled_from([*METHODS, "POST", "POST"]), body=RAW, kind=TYPES)
    def throw(data: st.DataObject, method: str, body: bytes, kind: str | None) -> None:
        path = PART.sub(lambda _: data.draw(SEGMENT), data.draw(st.sampled_from(rules)))
        query = data.draw(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=8), max_size=3))
        headers = {
            "Authorization": data.draw(st.sampled_from(["", "Bearer x", 'WECHATPAY2-SHA256-RSA2048 mchid="1"']))
        }
        answer = client.open(path, method=method, data=body, content_type=kind, query_string=query, headers=headers)
        assert answer.status_code < 500, (method, path, query, body, answer.text)

    throw()


def test_wechat_takes_rubbish_from_a_caller_with_a_good_token(simulator: Simulator, phone: Handset) -> None:
    client, held = simulator.mocks.test_client(), phone.control("GET", "credentials")["wechat"]
    asked = {"grant_type": "client_credential", "appid": held["appid"], "secret": held["secret"]}
    token = client.get("/wechat/cgi-bin/token", query_string=asked).json["access_token"]
    places = ["/wxa/business/getuserphonenumber", "/cityservice/face/identify/getverifyid"]
    places += ["/cityservice/face/identify/queryverifyinfo", "/wxa/checksession", "/wxa/resetusersessionkey"]

    @settings(FEW, max_examples=15)
    @given(place=st.sampled_from(places), body=RAW)
    def throw(place: str, body: bytes) -> None:
        answer = client.post(f"/wechat{place}?access_token={token}", data=body)
        assert answer.status_code < 500 and answer.json.get("errcode") != -1, (place, body, answer.text)

    throw()


def test_wechat_pay_takes_rubbish_that_is_rightly_signed(simulator: Simulator, phone: Handset) -> None:
    merchant = Merchant(simulator.mocks.test_client(), phone.control("GET", "credentials")["wechatpay"])
    rules = [rule for rule in simulator.mocks.url_map.iter_rules() if rule.rule.startswith("/wechatpay/v3/")]
    calls = sorted((method, rule.rule[10:]) for rule in rules for method in rule.methods & {"GET", "POST"})

    @settings(FEW, max_examples=15)
    @given(call=st.sampled_from(calls), segment=st.sampled_from(["1", "X-1", "9" * 40]), body=RAW)
    def throw(call: tuple[str, str], segment: str, body: bytes) -> None:
        method, target = call[0], PART.sub(segment, call[1])
        answer = merchant.call(method, target, raw=body if method == "POST" else b"")
        assert answer.status_code < 500, (method, target, body, answer.text)

    throw()


def test_the_payment_centre_takes_rubbish_that_is_rightly_sealed(simulator: Simulator) -> None:
    institution = Institution(simulator.mocks, simulator.mocks.test_client())
    places = ("uldFeeInfo", "pay_order", "refund_Order", "query_order_info", "revoke_order")
    data = st.dictionaries(
        st.sampled_from(SEALED.split()), st.text(max_size=30) | st.integers() | st.lists(OBJECT, max_size=2)
    )

    @settings(FEW, max_examples=15)
    @given(place=st.sampled_from(places), data=data)
    def throw(place: str, data: dict[str, Any]) -> None:
        assert "refused" in institution.call(f"/org/local/api/hos/{place}", data)

    throw()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_the_control_api_answers_whatever_its_document_lets_one_send(
    simulator: Simulator, mode: schemathesis.GenerationMode
) -> None:
    document = schemathesis.openapi.from_wsgi("/_mock/openapi.json", simulator.mocks)
    for result in document.get_all_operations():
        throw_at_control(result.ok(), mode)


def throw_at_control(operation: Any, mode: schemathesis.GenerationMode) -> None:
    quick = {"within": "0s"} if operation.path == "/_mock/wait" else {}

    @settings(FEW, max_examples=6)
    @given(case=operation.as_strategy(mode))
    def example(case: schemathesis.Case) -> None:
        answer = case.call(params=quick)
        case.validate_response(answer, checks=[not_a_server_error, content_type_conformance])

    run(example)

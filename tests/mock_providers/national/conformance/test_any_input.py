"""Nothing a counter or a hospital sends breaks the gateway, and what is refused changes no account."""

import copy
import itertools
import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mock_providers.national.conformance.fixtures import HOSPITAL, Bureau, e1, e3, named, psn_no
from tests.mock_providers.national.conformance.test_outpatient import Visit
from tests.mock_providers.national.test_gateway_any_input import VALUES, places

SERIAL = itertools.count()
NASTY = VALUES | st.sampled_from(
    ["\ud800", "\0", "9" * 50, "9" * 5000, {"a": {"b": []}}, [[[]]], 10**40, "-0", "0000"]
)


@pytest.fixture(scope="module")
def room(protocol_app: Flask) -> tuple[Bureau, list[dict[str, Any]]]:
    """A space with a settlement and a visit, and a message of every number about them."""
    bureau = Bureau(protocol_app, protocol_app.test_client())
    bureau.switch("gateway_auth", "none")
    info, visit = bureau.settle(e3()), Visit(bureau, "P4")
    settling = visit.charged()
    drug = bureau.envelope
    asked = [
        drug("2101", e1()),
        drug("2102", e1()),
        drug("2103", {"data": named(info)}),
        drug("2601", {"data": {"psn_no": psn_no("P3"), "omsgid": info["medins_setl_id"], "oinfno": "2102"}}),
    ]
    contents = {
        "2201": {"data": visit.registration()},
        "2202": visit.cancellation(),
        "2203": visit.diagnosis(),
        "2204": {"feedetail": [visit.line("A1", 1, "1.00")]},
        "2205": {"data": {**visit.named, "chrg_bchno": "0000"}},
        "2206": visit.price("138.00"),
        "2207": settling,
        "2208": {"data": {**visit.named, "setl_id": info["setl_id"]}},
    }
    return bureau, asked + [drug(infno, content, fixmedins_code=HOSPITAL) for infno, content in contents.items()]


def books(bureau: Bureau) -> list[dict[str, Any]]:
    return [bureau.look(who) for who in ("P1", "P3", "P4")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_of_any_kind_is_answered_and_a_refusal_changes_nothing(
    room: tuple[Bureau, list[dict[str, Any]]], data: st.DataObject
) -> None:
    bureau, messages = room
    message = copy.deepcopy(data.draw(st.sampled_from(messages)))
    message["msgid"] = f"M{next(SERIAL)}"
    *way, last = data.draw(st.sampled_from(list(places(message))))
    node: Any = message
    for key in way:
        node = node[key]
    node[last] = data.draw(NASTY)
    before = books(bureau)
    answer = bureau.post(json.dumps(message, default=str).encode(), {})
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    if answer.get_json()["infcode"] == -1:
        assert books(bureau) == before

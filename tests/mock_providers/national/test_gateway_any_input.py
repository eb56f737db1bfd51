"""Nothing an institution sends breaks the gateway: any field of any kind gets an answer of the sheet's form."""

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_providers import create_app, switches
from mock_providers.settings import Settings
from tests.mock_providers.national.bureau import envelope, head, line, writing

WHO = {
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "469099198803159034",
    "psn_cert_type": "01",
    "certno": "",
    "psn_name": "",
}
PAGE = {"updt_time": "2025-12-01 00:00:00", "page_num": 1, "page_size": 5, "hilist_name": "", "chrgitm_lv": ""}
CHECK = {"psn_no": "46000000000000000001", "insutype": "310", "fixmedins_code": "P46019900008"} | {
    "med_type": "41",
    "begntime": "2025-12-01 10:00:00",
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
NUMBERS = st.sampled_from(
    ["1e9", "-1", "0", "NaN", "1e-99", "１", "1_0", "9999-12-31 23:59:59", "0001-01-01 00:00:00"]
)
VALUES = SCALARS | NUMBERS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=3)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    place: Path = tmp_path_factory.mktemp("gate")
    app = create_app(Settings(data=place, background=False))
    with writing(app):
        switches.put("national.gateway_auth", "none")
    yield app


def contents() -> dict[str, dict[str, Any]]:
    row = line("D07")
    return {
        "1101": {"data": WHO},
        "1201": {"medinsinfo": {"fixmedins_type": "2", "fixmedins_code": "", "fixmedins_name": "样"}},
        "1312": {"data": PAGE},
        "2001": {"data": CHECK},
        "2101": {"druginfo": head("P01", [row]), "drugdetail": [row]},
        "9001": {"signIn": {"opter_no": "1", "mac": "1", "ip": "1"}},
        "9002": {"signOut": {"opter_no": "1", "sign_no": "1"}},
    }


MESSAGES = {infno: envelope(infno, content) for infno, content in contents().items()}
SERIAL = itertools.count()


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_of_any_kind_is_answered(gate: Flask, data: st.DataObject) -> None:
    message = copy.deepcopy(MESSAGES[data.draw(st.sampled_from(sorted(MESSAGES)))])
    message["msgid"] = f"M{next(SERIAL)}"
    *way, last = data.draw(st.sampled_from(list(places(message))))
    node: Any = message
    for key in way:
        node = node[key]
    node[last] = data.draw(VALUES)
    answer = gate.test_client().post("/national", json=message)
    assert answer.status_code == 200
    assert answer.get_json()["infcode"] in (0, -1)

"""Any field of any kind, at any depth, at both centres: answered or refused in words, and nothing else."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_providers.national import wire
from mock_providers.national.spelling import camel_name
from tests.mock_providers.national.conformance.fixtures import Bureau
from tests.mock_providers.national.conformance.test_centre_field_tables import TABLES, Made, answer

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(allow_nan=False).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NODES = ("mdtrtinfo", "diseinfo", "rxdrugdetail", "feedetailList", "diseinfoList", "extras", "extData")


@pytest.mark.parametrize("which", TABLES)
def test_whatever_a_field_holds_the_call_is_answered(bureau: Bureau, which: str) -> None:
    make, table = TABLES[which]
    made: Made = make(bureau)
    names = [*(camel_name(field.name) for field in table), *NODES]

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(names), anything)
    def tried(name: str, value: Any) -> None:
        door, data, node = copy.deepcopy(made)
        node[name] = value
        answer(bureau, door, wire.parse(wire.compact(data)))

    tried()

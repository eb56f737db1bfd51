"""The payment centre's answers without, with a bad, and with a stranger's SM2 signature."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers.national import wire
from tests.mock_providers.national.institution import Institution

QUERY = "/org/local/api/hos/query_order_info"


@pytest.mark.parametrize("name", ["answer_unsigned", "answer_signature_bad", "answer_of_another_key"])
def test_an_honest_institution_does_not_believe_it(mocks: Flask, client: FlaskClient, ask: Any, name: str) -> None:
    pharmacy = Institution(mocks, client)
    given = {"payOrdId": "ORD-NONE"}
    assert "refused" in pharmacy.call(QUERY, given)
    ask("POST", "faults", {"fault": name, "vendor": "national"})
    with pytest.raises((AssertionError, KeyError, wire.Malformed)):
        pharmacy.call(QUERY, given)
    assert ask("GET", "calls")["items"][-1]["fault"]["name"] == name
    assert "refused" in pharmacy.call(QUERY, given)


def test_a_strangers_signature_covers_the_same_business_data(mocks: Flask, client: FlaskClient, ask: Any) -> None:
    pharmacy = Institution(mocks, client)
    ask("POST", "faults", {"fault": "answer_of_another_key"})
    with pytest.raises(wire.Malformed, match="验签失败"):
        pharmacy.upload("P01", {"D05": 1})


def test_the_gateways_answers_have_no_signature_to_lose(client: FlaskClient, ask: Any) -> None:
    ask("POST", "faults", {"fault": "answer_unsigned"})
    client.post("/national/fsi/api/rsfComIfsService/callService", json={"infno": "9001"})
    assert len(ask("GET", "faults")["items"]) == 1

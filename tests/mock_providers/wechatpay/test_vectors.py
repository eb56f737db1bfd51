"""The schema layer's words and the headings of bills against what was published or seen elsewhere."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mock_providers.wechatpay import bill_file, schema
from mock_providers.wechatpay.schema import Field, Group, Text, Whole

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "wechatpay.toml").read_text("utf-8"))


def shape(vector: dict[str, Any]) -> Field:
    if isinstance(vector["given"], str):
        return Text(title=vector["title"], most=32, pattern=vector.get("pattern", ""), required=True)
    return Whole(title=vector["title"], least=1, required=True)


@pytest.mark.parametrize("vector", VECTORS["schema_message"], ids=lambda vector: vector["source"])
def test_the_schema_layer_speaks_as_it_was_heard(vector: dict[str, Any]) -> None:
    field, given = shape(vector), vector["given"]
    for name in reversed(vector["field"].split("/")):
        fields, given = {name: field}, {name: given}
        field = Group(title="订单金额", fields=fields)
    with pytest.raises(schema.Invalid) as caught:
        schema.read(fields, given)
    answer = json.loads(vector["answer"]) if "answer" in vector else {"message": vector["message"]}
    assert caught.value.message == answer["message"]
    assert caught.value.detail == answer.get("detail", caught.value.detail)


@pytest.mark.parametrize("vector", VECTORS["bill"], ids=lambda vector: vector["kind"])
def test_bills_have_the_published_headings(vector: dict[str, Any]) -> None:
    made = bill_file.trade_bill([]) if vector["kind"] == "trade" else bill_file.flow_bill([])
    lines = made.decode("utf-8-sig").split("\r\n")
    assert (lines[0], lines[1]) == (vector["headings"], vector["summary"])

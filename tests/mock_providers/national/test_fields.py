"""Reading fields and dictionaries, without any request."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mock_providers.national import dictionaries, fields, services
from mock_providers.national.texts import Refused


@pytest.mark.parametrize("dictionary", sorted(dictionaries.DICTIONARIES))
def test_every_dictionary_knows_its_values_and_no_other(dictionary: str) -> None:
    for value in dictionaries.DICTIONARIES[dictionary]:
        assert dictionaries.knows(dictionary, value)
    assert not dictionaries.knows(dictionary, "nothing")


@pytest.mark.parametrize(
    "value, known", [("9901", True), ("99", False), ("99ab", False), ("41", True), ("42", False)]
)
def test_regions_have_medical_types_of_their_own(value: str, known: bool) -> None:
    assert dictionaries.knows("med_type", value) is known


@pytest.mark.parametrize("shown, day", [("2025-01-02", date(2025, 1, 2)), ("2025-01-02 03:04:05", date(2025, 1, 2))])
def test_a_day_may_come_with_its_time(shown: str, day: date) -> None:
    assert fields.day({"x": shown}, "x") == day


@pytest.mark.parametrize("shown", ["20250102", "2025-1-2", "2025-01-02T03:04:05", "2025-02-30", 20250102])
def test_another_spelling_of_a_day_is_refused(shown: Any) -> None:
    with pytest.raises(Refused, match="格式"):
        fields.day({"x": shown}, "x")


@pytest.mark.parametrize(
    "given, key",
    [
        ("", "EMPTY"),
        ("  ", "EMPTY"),
        (None, "EMPTY"),
        ("123.45", "SIM-LEN"),
        ("1.234", "SIM-FORMAT"),
        ("-1", "SIM-FORMAT"),
    ],
)
def test_a_number_is_there_short_enough_and_of_its_form(given: Any, key: str) -> None:
    with pytest.raises(Refused) as refused:
        fields.number({"x": given}, "x", 2, 4)
    assert refused.value.key == key


@pytest.mark.parametrize("given", ["12.34", "0012.34", 12.34, Decimal("12.34"), " 12.34 "])
def test_a_number_may_be_spelt_in_many_ways(given: Any) -> None:
    assert fields.number({"x": given}, "x", 2, 4) == Decimal("12.34")


def test_a_service_path_is_one_transactions() -> None:
    assert services.SERVICES["outpatientDocInfoService/outpatientRregistration"] == "2201"
    assert all(infno[:4].isdecimal() for infno in services.SERVICES.values())

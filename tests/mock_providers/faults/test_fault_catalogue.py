"""The catalogue is closed, documented, and every name in it can be done to every vendor it names."""

import pytest

from mock_providers import damages
from mock_providers.webhooks import answer_faults, faults
from mock_providers.webhooks.catalogue import ANSWER, ANY, CALLBACK, CATALOGUE, VERDICTS, Fault

CALLBACKS = [fault for fault in CATALOGUE.values() if fault.on == CALLBACK]
ANSWERS = [fault for fault in CATALOGUE.values() if fault.on == ANSWER]


def test_there_are_at_least_forty_faults_of_callbacks_and_twenty_of_answers() -> None:
    assert len(CALLBACKS) >= 40 and len(ANSWERS) >= 20


@pytest.mark.parametrize("fault", CATALOGUE.values(), ids=lambda fault: fault.name)
def test_every_fault_says_what_it_does_what_is_expected_and_where_that_is_written(fault: Fault) -> None:
    assert fault.says and fault.verdict in VERDICTS
    assert fault.sources and all(fault.sources.values())
    assert all(any(mark in text for mark in ("§", "CHOICE", "OWASP")) for text in fault.sources.values())


def test_every_damage_a_vendor_knows_is_in_the_catalogue_for_it_and_the_other_way_round() -> None:
    for vendor, own in damages.CALLBACKS.items():
        named = {fault.name for fault in CALLBACKS if vendor in fault.sources}
        assert named - faults.GENERIC.keys() - own.damages.keys() == set(), vendor
        assert {name for name in own.damages if not CATALOGUE[name].concerns(vendor)} == set()
    for vendor, answering in damages.ANSWERS.items():
        named = {fault.name for fault in ANSWERS if vendor in fault.sources}
        assert named - answering.damages.keys() == set(), vendor
        assert {name for name in answering.damages if not CATALOGUE[name].concerns(vendor)} == set()


def test_what_any_vendor_can_suffer_can_be_done_without_the_vendor() -> None:
    assert {fault.name for fault in CALLBACKS if ANY in fault.sources} - faults.GENERIC.keys() == set()
    assert {fault.name for fault in ANSWERS if ANY in fault.sources} - answer_faults.GENERIC.keys() == set()

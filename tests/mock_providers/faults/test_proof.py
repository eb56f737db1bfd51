"""Every fault does what the catalogue says: honest receivers built from SDKs fall for none, careless ones do."""

import warnings
from pathlib import Path

import pytest

from mock_providers import create_app
from mock_providers.settings import Settings
from mock_providers.webhooks.catalogue import CALLBACK, CATALOGUE
from tests.mock_providers.faults import stage
from tests.mock_providers.faults.buyers import CARELESS, HONEST
from tests.mock_providers.faults.shopping import Shopping
from tests.mock_providers.faults.shopping import faults as answer_faults
from tests.mock_providers.faults.stage import Act

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
TITLES = ("WeChat Pay", "safe mode", "compatible mode", "national")
# What breaks below a receiver's own code.
NOBODY_FALLS = {"body_cut_off", "connection_reset", "body_slow", "body_dribbled"}


@pytest.fixture(scope="module")
def acts(tmp_path_factory: pytest.TempPathFactory) -> list[Act]:
    app = create_app(Settings(data=tmp_path_factory.mktemp("proof"), background=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(stage.acts(app))


def act_of(acts: list[Act], title: str) -> Act:
    return next(act for act in acts if title in act.title)


@pytest.mark.parametrize("title", TITLES)
def test_everybody_takes_the_ordinary_notification_once(acts: list[Act], title: str) -> None:
    act = act_of(acts, title)
    for make in (act.honest, *act.careless.values()):
        receiver = make()
        assert receiver(act.ordinary()) in (200, 204) and receiver.booked == [act.fact], type(receiver).__name__


@pytest.mark.parametrize("title", TITLES)
def test_an_honest_receiver_does_under_every_fault_what_the_catalogue_says(acts: list[Act], title: str) -> None:
    act = act_of(acts, title)
    assert {fault.name: how for fault in act.faults() if (how := stage.falls(act, fault, act.honest()))} == {}


def test_every_fault_of_a_callback_was_played(acts: list[Act]) -> None:
    played = {fault.name for act in acts for fault in act.faults()}
    assert {fault.name for fault in CATALOGUE.values() if fault.on == CALLBACK} - played == set()


@pytest.mark.parametrize("title", TITLES)
def test_every_careless_receiver_falls_for_something(acts: list[Act], title: str) -> None:
    act = act_of(acts, title)
    assert [name for name in act.careless if not act.fallen(name)] == []


def test_every_fault_finds_somebody_out_but_for_those_below_a_receivers_own_code(acts: list[Act]) -> None:
    found = {fault for act in acts for name in act.careless for fault in act.fallen(name)}
    assert {fault.name for fault in CATALOGUE.values() if fault.on == CALLBACK} - found == NOBODY_FALLS


@pytest.mark.parametrize(("title", "name", "fault"), [
    ("WeChat Pay", "NoSignature", "signature_of_another_key"),
    ("WeChat Pay", "Reserialised", "body_reserialised"),
    ("WeChat Pay", "NoTime", "timestamp_stale"),
    ("WeChat Pay", "AnySerial", "serial_old"),
    ("WeChat Pay", "OwnKeyTrusted", "signature_of_merchants_key"),
    ("WeChat Pay", "NoAmount", "amount_changed"),
    ("WeChat Pay", "NeverTwice", "nonce_replayed"),
    ("WeChat Pay", "IdOnly", "same_fact_new_id"),
    ("WeChat Pay", "OrderOnly", "event_id_reused"),
    ("WeChat Pay", "SaysYesFirst", "order_unknown"),
    ("WeChat Pay", "ProbeIsFine", "signature_probe"),
    ("WeChat Pay", "NoTag", "ciphertext_bit_flipped"),
    ("compatible mode", "ReadsClear", "clear_text_differs"),
    ("safe mode", "QueryOnly", "signature_of_another_body"),
    ("safe mode", "AnyApp", "appid_wrong"),
    ("compatible mode", "AnyContainer", "xml_entities"),
    ("national", "AnyUserId", "signature_of_another_user_id"),
    ("national", "TakesPlain", "unsealed"),
])  # fmt: skip
def test_a_careless_receiver_falls_for_what_it_is_careless_about(
    acts: list[Act], title: str, name: str, fault: str
) -> None:
    assert fault in act_of(acts, title).fallen(name)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shopping:
    return Shopping(create_app(Settings(data=tmp_path_factory.mktemp("shopping"), background=False)))


def test_every_shop_orders_once_while_nothing_is_spoilt(shop: Shopping) -> None:
    assert {kind: shop.falls(None, kind(shop.keys)) for kind in (HONEST, *CARELESS)} == dict.fromkeys(
        (HONEST, *CARELESS), ""
    )


def test_an_honest_shop_does_under_every_spoilt_answer_what_the_catalogue_says(shop: Shopping) -> None:
    assert {fault.name: how for fault in answer_faults() if (how := shop.falls(fault, HONEST(shop.keys)))} == {}


def test_every_spoilt_answer_finds_a_careless_shop_out_and_every_careless_shop_falls(shop: Shopping) -> None:
    fallen = {name: set(shop.fallen(name)) for name in shop.says}
    assert len(fallen) >= 6 and all(fallen.values())
    assert set[str]().union(*fallen.values()) == {fault.name for fault in answer_faults()}
    assert fallen["NoTime"] == {"answer_timestamp_stale"} and "answer_lost" in fallen["NewNumber"]


def test_the_document_is_what_the_program_does(acts: list[Act], shop: Shopping) -> None:
    """To renew it: python -m tests.mock_providers.faults.stage"""
    assert Path(stage.DOCUMENT).read_text("utf-8") == stage.document(acts, shop)

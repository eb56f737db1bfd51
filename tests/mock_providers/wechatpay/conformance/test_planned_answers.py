"""Answers somebody planned, and signature probes on answers (protocol sheet §1.5, §1.7)."""

from base64 import b64decode

import pytest

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

CERTIFICATES = "/v3/certificates"
JSAPI = "/v3/pay/transactions/jsapi"


@pytest.mark.parametrize(("outcome", "status", "code"), [
    ("system_error", 500, "SYSTEM_ERROR"),
    ("bad_gateway", 502, "SERVICE_UNAVAILABLE"),
    ("unavailable", 503, "SERVICE_UNAVAILABLE"),
    ("frequency", 429, "FREQUENCY_LIMITED"),
    ("ratelimit", 429, "RATELIMIT_EXCEEDED"),
])  # fmt: skip
def test_a_planned_fault_answers_once_changes_nothing_and_the_same_number_works_then(
    world: World, merchant: Merchant, outcome: str, status: int, code: str
) -> None:
    world.plan("response", outcome)
    refused(merchant.post(JSAPI, merchant.order("FAULTS-001")), status, code)
    missing = merchant.get(f"/v3/pay/transactions/out-trade-no/FAULTS-001?mchid={merchant.held['mchid']}")
    refused(missing, 404, "ORDER_NOT_EXIST")
    merchant.create("FAULTS-001")


def test_a_system_error_may_hide_that_the_call_was_made(world: World, merchant: Merchant) -> None:
    world.plan("response", "system_error_applied")
    answer = merchant.post(JSAPI, merchant.order("HIDDEN-001"))
    refused(answer, 500, "SYSTEM_ERROR")
    assert "Wechatpay-Signature" not in answer.headers
    assert merchant.query("HIDDEN-001")["trade_state"] == "NOTPAY"
    merchant.create("HIDDEN-001")


def test_202_asks_for_the_same_call_later(world: World, merchant: Merchant) -> None:
    world.plan("response", "accepted")
    answer = merchant.post(JSAPI, merchant.order("LATER-0001"))
    assert (answer.status_code, answer.data) == (202, b"")
    merchant.verifies(answer)
    merchant.create("LATER-0001")


def test_a_fault_planned_for_one_path_leaves_others_alone(world: World, merchant: Merchant) -> None:
    world.plan("response", "unavailable", ref=CERTIFICATES)
    merchant.create("PATHS-0001")
    refused(merchant.get(CERTIFICATES), 503, "SERVICE_UNAVAILABLE")


def test_a_stranger_does_not_use_up_what_is_planned(world: World, merchant: Merchant) -> None:
    world.plan("response", "unavailable")
    refused(merchant.get(CERTIFICATES, signed=b"x"), 401, "SIGN_ERROR")
    refused(merchant.get(CERTIFICATES), 503, "SERVICE_UNAVAILABLE")


# Probes


@pytest.mark.parametrize(("form", "is_base64"), [("signature_probe", True), ("signature_probe_not_base64", False)])
def test_p31_a_planned_probe_in_either_form(world: World, merchant: Merchant, form: str, is_base64: bool) -> None:
    world.plan("response", form)
    signature = merchant.get(CERTIFICATES).headers["Wechatpay-Signature"]
    assert signature.startswith("WECHATPAY/SIGNTEST/")
    try:
        b64decode(signature, validate=True)
    except ValueError:
        assert not is_base64
    else:
        assert is_base64
    merchant.verifies(merchant.get(CERTIFICATES))


@pytest.mark.parametrize("form", ["base64", "not_base64"])
def test_at_a_rate_of_100_every_call_is_probed_once_and_not_again(
    world: World, merchant: Merchant, form: str
) -> None:
    world.switch("probe_percent", "100")
    world.switch("probe_form", form)
    order = merchant.order("PROBES-001")
    for call in (lambda: merchant.get(CERTIFICATES), lambda: merchant.post(JSAPI, order)):
        probed = call()
        assert probed.status_code == 200
        assert probed.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
        merchant.verifies(call())


def test_at_a_rate_of_50_the_seed_picks_some(world: World, merchant: Merchant) -> None:
    world.switch("probe_percent", "50")
    said = {merchant.post(JSAPI, merchant.order(f"HALF-{number:05d}")).headers["Wechatpay-Signature"][:19]
            == "WECHATPAY/SIGNTEST/" for number in range(12)}  # fmt: skip
    assert said == {True, False}


def test_a_refusal_does_not_use_up_a_probe(world: World, merchant: Merchant) -> None:
    world.plan("response", "signature_probe")
    assert merchant.post(JSAPI, {}).status_code == 400
    assert merchant.get(CERTIFICATES).headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")

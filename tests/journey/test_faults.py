"""The back end as a receiver of faults: it does under every one what an honest receiver does."""

from typing import Any

import pytest

from app import Simulator
from mock_providers.phone.handset import Handset, Refusal
from mock_providers.webhooks.catalogue import CALLBACK, CATALOGUE, Fault
from mock_providers.webhooks.reply import Reply
from tests.journey.test_callbacks import hold_all, open_cash_order, release

Json = dict[str, Any]
TOLD = {"TRANSACTION.SUCCESS": "wechatpay", "MEDICAL_INSURANCE.SUCCESS": "wechatpay", "6302": "national"}
REFUSED = ("refuse", "nothing")


@pytest.fixture
def paid(simulator: Simulator, phone: Handset) -> Handset:
    """P02 has paid, and no callback has come yet."""
    sender = simulator.mocks.extensions["sender"]

    def rough(url: str, headers: list[tuple[str, str]], body: bytes, way: str, seconds: float) -> Reply:
        return sender.post(url, headers, body if way in ("slow", "dribbled") else body[: len(body) // 2])

    sender.rough = rough
    phone.ready("P02")
    confirmed = open_cash_order(phone)
    phone.pay(confirmed)
    hold_all(phone)
    phone.order = confirmed["id"]  # type: ignore[attr-defined]
    return phone


def again(phone: Handset, event: Json, fault: Fault) -> Json | None:
    """Send an event with a fault; the attempt, None if the fault does not fit it."""
    try:
        phone.control("POST", f"events/{event['id']}/resend", {"fault": fault.name})
    except Refusal as refusal:
        assert "does not fit" in str(refusal)
        return None
    phone.deliver()
    return phone.control("GET", "attempts?limit=500")["items"][-1]


def state(phone: Handset) -> Any:
    return phone.settlement(phone.order)["state"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("type_", TOLD)
def test_our_own_back_end_is_honest(paid: Handset, type_: str) -> None:
    event = paid.control("GET", f"events?type={type_}")["items"][0]
    callbacks = [fault for fault in CATALOGUE.values() if fault.on == CALLBACK and fault.concerns(TOLD[type_])]
    before, wrong = state(paid), {}
    for fault in callbacks:
        if fault.verdict not in REFUSED:
            continue
        attempt = again(paid, event, fault)
        if attempt and (attempt["accepted"] or state(paid) != before):
            wrong[fault.name] = attempt["status"]
    assert wrong == {}
    for fault in callbacks:
        if fault.verdict not in REFUSED:
            attempt = again(paid, event, fault)
            assert attempt is None or attempt["status"] in (200, 204) or fault.verdict == "once", fault.name
    for other in TOLD:
        release(paid, other)
    assert state(paid) == "SETTLED"

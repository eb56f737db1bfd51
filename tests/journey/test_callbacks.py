"""What callbacks may and may not do to a settlement: late, twice, reordered, forged, with another amount, never."""

import base64
import json
from typing import Any

import pytest

from mock_providers.phone.handset import Handset

SHOP = "P46019900008"
Json = dict[str, Any]


@pytest.fixture
def payer(phone: Handset) -> Handset:
    """P02 has no balance: whatever P02 buys without a prescription is cash, so every leg is used with one."""
    phone.ready("P02")
    return phone


def open_cash_order(phone: Handset) -> Json:
    """A quote with a pooled and a cash part, confirmed, not paid yet."""
    quote = phone.quote(SHOP, [("D09", 3), ("D13", 2), ("D25", 1)], prescription_no="RXSAMPLE-E3")
    return {**phone.confirm(quote), "id": quote["id"]}


def events(phone: Handset, type: str) -> list[Json]:
    return phone.control("GET", f"events?type={type}")["items"]


def hold_all(phone: Handset) -> list[Json]:
    waiting = phone.control("GET", "deliveries?state=pending")["items"]
    for delivery in waiting:
        phone.control("POST", f"deliveries/{delivery['id']}/hold", {})
    return waiting


def release(phone: Handset, type: str) -> None:
    wanted = {event["id"] for event in events(phone, type)}
    for delivery in phone.control("GET", "deliveries?state=held")["items"]:
        if delivery["event"] in wanted:
            phone.control("POST", f"deliveries/{delivery['id']}/release", {})
    phone.deliver()


ORDERS = [
    ("TRANSACTION.SUCCESS", "MEDICAL_INSURANCE.SUCCESS", "6302"),
    ("6302", "MEDICAL_INSURANCE.SUCCESS", "TRANSACTION.SUCCESS"),
    ("MEDICAL_INSURANCE.SUCCESS", "6302", "TRANSACTION.SUCCESS"),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: " ".join(order))
def test_a_settlement_is_final_only_when_every_signed_callback_has_come_in_any_order(
    payer: Handset, order: tuple[str, ...]
) -> None:
    confirmed = open_cash_order(payer)
    payer.pay(confirmed)
    hold_all(payer)
    for type in order:
        assert payer.settlement(confirmed["id"])["state"] != "SETTLED"
        release(payer, type)
    assert payer.settlement(confirmed["id"])["state"] == "SETTLED"


def test_a_repeated_callback_changes_nothing(payer: Handset) -> None:
    confirmed = open_cash_order(payer)
    payer.pay(confirmed)
    payer.deliver()
    settled, facts = payer.settlement(confirmed["id"]), payer.facts("P02")["bureau"]
    for type in ORDERS[0]:
        for event in events(payer, type):
            payer.control("POST", f"events/{event['id']}/resend", {"signature": "fresh"})
    payer.deliver()
    assert payer.settlement(confirmed["id"]) == settled
    assert payer.facts("P02")["bureau"] == facts
    assert all(a["accepted"] for a in payer.control("GET", "attempts")["items"])


def test_a_forged_callback_is_refused_and_changes_nothing(payer: Handset) -> None:
    confirmed = open_cash_order(payer)
    payer.pay(confirmed)
    hold_all(payer)
    for type in ORDERS[0]:
        for event in events(payer, type):
            payer.control("POST", f"events/{event['id']}/resend", {"signature": "wrong_key"})
    payer.deliver()
    assert payer.settlement(confirmed["id"])["state"] != "SETTLED"
    statuses = [a["status"] for a in payer.control("GET", "attempts")["items"]]
    assert statuses and all(status >= 400 for status in statuses)


def test_a_stale_signature_is_refused(payer: Handset) -> None:
    confirmed = open_cash_order(payer)
    payer.pay(confirmed)
    hold_all(payer)
    for event in events(payer, "TRANSACTION.SUCCESS"):
        payer.control("POST", f"events/{event['id']}/resend", {"signature": "stale"})
    payer.deliver()
    assert [a["status"] >= 400 for a in payer.control("GET", "attempts")["items"]] == [True]


def test_a_callback_with_another_amount_is_refused_and_raises_an_alarm(payer: Handset) -> None:
    confirmed = open_cash_order(payer)
    payer.pay(confirmed)
    hold_all(payer)
    for event in events(payer, "TRANSACTION.SUCCESS"):
        plain = payer.control("GET", f"events/{event['id']}")["plain"]
        plain["amount"]["total"] += 1
        payer.control("POST", f"events/{event['id']}/resend", {"edit": plain})
    payer.deliver()
    assert payer.settlement(confirmed["id"])["state"] != "SETTLED"
    rows = payer.control("GET", "timeline?limit=500")["items"]
    assert any(row["kind"] == "alarm" and "CALLBACK_AMOUNT" in row["summary"] for row in rows)
    for type in ORDERS[0]:
        release(payer, type)
    assert payer.settlement(confirmed["id"])["state"] == "SETTLED"


def test_without_callbacks_the_back_end_asks_by_itself(payer: Handset) -> None:
    confirmed = open_cash_order(payer)
    payer.pay(confirmed)
    for delivery in hold_all(payer):
        payer.control("POST", f"deliveries/{delivery['id']}/cancel", {})
    payer.advance("29s")
    assert payer.settlement(confirmed["id"])["state"] != "SETTLED"
    payer.advance("2s")
    assert payer.settlement(confirmed["id"])["state"] == "SETTLED"
    assert payer.control("GET", "attempts")["items"] == []


def test_an_attempt_keeps_its_exact_bytes(payer: Handset) -> None:
    payer.pay(open_cash_order(payer))
    payer.deliver()
    for row in payer.control("GET", "attempts")["items"]:
        attempt = payer.control("GET", f"attempts/{row['id']}")
        sent = json.loads(base64.b64decode(attempt["request"]["body_base64"]))
        assert "encData" in sent or sent["resource"]["algorithm"] == "AEAD_AES_256_GCM"


def outcome_state(phone: Handset, outcome: str) -> tuple[Json, Json]:
    confirmed = open_cash_order(phone)
    phone.pay(confirmed, outcome)
    phone.advance("20m")
    phone.refresh()
    return phone.settlement(confirmed["id"]), phone.facts("P02")["bureau"]


@pytest.mark.parametrize(
    "outcome, state",
    [
        ("insurance_failed", "REJECTED"),
        ("insurance_failed_after_cash", "REVERSED"),
        ("cash_failed", "REVERSED"),
        ("abandoned", "EXPIRED"),
    ],
)
def test_a_payment_that_fails_leaves_no_money_behind(payer: Handset, outcome: str, state: str) -> None:
    before = payer.facts("P02")["bureau"]
    settlement, after = outcome_state(payer, outcome)
    assert settlement["state"] == state
    assert (after["balance_fen"], after["pooled_used_fen"]) == (before["balance_fen"], before["pooled_used_fen"])


def test_two_identical_confirms_at_once_charge_once(payer: Handset) -> None:
    from concurrent.futures import ThreadPoolExecutor

    quote = payer.quote(SHOP, [("D09", 3), ("D13", 2), ("D25", 1)], prescription_no="RXSAMPLE-E3")
    body = {"auth_code": payer.authorise(quote), "accept_cash": True}

    def confirm(key: str) -> int:
        return payer.ask(
            "POST", f"/settlements/{quote['id']}/confirmation", body, headers={"Idempotency-Key": key}
        ).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(confirm, ["same", "same", "other", "third"]))
    assert 1 <= statuses.count(200) <= 2 and set(statuses) <= {200, 403, 409}
    calls = payer.control("GET", "calls?door=national&limit=500")["items"]
    assert sum("uldFeeInfo" in call["target"] for call in calls) == 1

"""Notifications: checks B.4 of the protocol sheet, as far as they are ours; the sender has its own tests."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature

from mock_providers.wechatpay import notify
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

Tap = Callable[..., str]


@pytest.fixture
def paid(merchant: Merchant, tap: Tap) -> str:
    tap("pay", merchant.pay_params(merchant.create("NOTIFY-001", attach="备注")))
    return "NOTIFY-001"


def test_b68_a_payment_is_told_once_to_the_orders_address(world: World, merchant: Merchant, paid: str) -> None:
    [(event, url)] = world.events()
    assert (event.type, event.ref, url) == ("TRANSACTION.SUCCESS", paid, f"{NOTIFY}/pay")
    assert event.plain == merchant.query(paid)


@pytest.mark.parametrize(("status", "heard"), [(200, True), (204, True), (500, False), (401, False), (202, False)])
def test_b69_and_b70_the_status_decides(status: int, heard: bool) -> None:
    assert notify.accepted(status, [], b'{"code":"FAIL"}')[0] is heard


@pytest.mark.parametrize("status", [None, 301, 302])
def test_b72_and_b80_silence_and_redirects_are_failures(status: int | None) -> None:
    ok, reason = notify.accepted(status, [], b"")
    assert not ok
    assert reason


def test_b71_sixteen_deliveries_in_a_day_and_four_minutes() -> None:
    ladder = notify.SCHEDULE[""]
    assert ladder == (
        15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
    )  # fmt: skip
    assert sum(ladder) == 24 * 3600 + 4 * 60


def test_b73_each_attempt_is_signed_afresh_with_the_same_content(world: World, merchant: Merchant, paid: str) -> None:
    event = world.events()[0][0]
    tries = [world.built(event) for _ in range(3)]
    for headers, body in tries:
        merchant.verify(headers, body)
        assert abs(int(headers["Wechatpay-Timestamp"]) - time.time()) < 60
    assert len({headers["Wechatpay-Nonce"] for headers, _ in tries}) == 3
    assert len({headers["Wechatpay-Signature"] for headers, _ in tries}) == 3
    assert len({json.loads(body)["id"] for _, body in tries}) == 1
    assert len({merchant.open(json.loads(body)["resource"]) for _, body in tries}) == 1


def test_b74_the_envelope(world: World, merchant: Merchant, paid: str) -> None:
    headers, body = world.built(world.events()[0][0])
    told = json.loads(body)
    assert headers["Content-Type"] == "application/json"
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert len(told["id"]) <= 36
    assert (told["resource_type"], told["event_type"]) == ("encrypt-resource", "TRANSACTION.SUCCESS")
    assert told["summary"] == "支付成功"
    resource = told["resource"]
    assert (resource["original_type"], resource["associated_data"]) == ("transaction", "transaction")
    assert (resource["algorithm"], len(resource["nonce"])) == ("AEAD_AES_256_GCM", 12)
    assert json.loads(merchant.open(resource)) == merchant.query(paid)
    assert b": " not in body
    assert b"\\u" not in body


def test_a_changed_body_does_not_verify(world: World, merchant: Merchant, paid: str) -> None:
    headers, body = world.built(world.events()[0][0])
    with pytest.raises(InvalidSignature):
        merchant.verify(headers, body + b" ")


def test_wire_time_is_the_argument(world: World, paid: str) -> None:
    event = world.events()[0][0]
    headers, _ = notify.build(event, world.credentials(), datetime(2030, 1, 1, tzinfo=UTC))
    assert dict(headers)["Wechatpay-Timestamp"] == "1893456000"


@pytest.mark.parametrize(("mode", "named", "expected"), [
    ("both", True, "pubkey"),
    ("both", False, "cert"),
    ("cert", True, "cert"),
    ("pubkey", False, "pubkey"),
])  # fmt: skip
def test_the_key_is_the_one_the_order_was_made_with(
    world: World, merchant: Merchant, tap: Tap, mode: str, named: bool, expected: str
) -> None:
    world.switch("mode", mode)
    merchant.serial = merchant.held["public_key_id"] if named else None
    tap("pay", merchant.pay_params(merchant.create("KEYS-00001")))
    serial = merchant.verify(*world.built(world.events()[0][0]))
    assert serial == merchant.held["public_key_id" if expected == "pubkey" else "platform_serial_no"]


def test_b77_events_do_not_wait_for_each_other(world: World, merchant: Merchant, paid: str) -> None:
    merchant.refund(paid, "R1", notify_url=f"{NOTIFY}/refund")
    world.advance(seconds=3)
    (first, _), (second, _) = world.events()
    assert (first.type, second.type) == ("TRANSACTION.SUCCESS", "REFUND.SUCCESS")
    told = json.loads(world.built(second)[1])
    assert (told["summary"], told["resource"]["associated_data"]) == ("退款成功", "refund")


def test_b79_a_merchant_without_an_apiv3_key_is_not_told(world: World, merchant: Merchant, tap: Tap) -> None:
    world.switch("merchant_state", "no_apiv3_key")
    tap("pay", merchant.pay_params(merchant.create("NOKEY-0001")))
    assert not world.events()


def test_associated_data_may_be_empty_everywhere(world: World, merchant: Merchant, tap: Tap) -> None:
    world.switch("associated_data", "empty")
    tap("pay", merchant.pay_params(merchant.create("EMPTY-0001")))
    resource = json.loads(world.built(world.events()[0][0])[1])["resource"]
    assert resource["associated_data"] == ""
    assert merchant.open(resource)

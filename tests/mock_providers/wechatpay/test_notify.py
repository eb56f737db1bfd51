"""Notifications: checks B.4 of the protocol sheet, as far as they are ours; the sender has its own tests."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature

from mock_providers.wechatpay import notify
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

Tap = Callable[..., str]


@pytest.fixture
def paid(merchant: Merchant, tap: Tap) -> str:
    tap("pay", merchant.pay_params(merchant.create("NOTIFY-001", attach="备注")))
    return "NOTIFY-001"


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


def test_associated_data_may_be_empty_everywhere(world: World, merchant: Merchant, tap: Tap) -> None:
    world.switch("associated_data", "empty")
    tap("pay", merchant.pay_params(merchant.create("EMPTY-0001")))
    resource = json.loads(world.built(world.events()[0][0])[1])["resource"]
    assert resource["associated_data"] == ""
    assert merchant.open(resource)

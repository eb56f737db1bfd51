"""wechatpayv3 in partner mode (服务商): it orders, refunds and hears for its sub-merchant, under its own number."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY
from tests.sdk.wechatpay.conftest import heard, tap

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


@pytest.fixture
def held(world: World) -> dict[str, Any]:
    return world.credentials(vendor="wechatpay_partner")


@pytest.fixture
def sdk(held: dict[str, Any], make: Callable[..., Any]) -> Any:
    return make({**held, "appid": held["sp_appid"]}, partner_mode=True)


def ordered(sdk: Any, held: dict[str, Any], number: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    asked = {
        "description": "样例药品",
        "out_trade_no": number,
        "amount": {"total": 4200, "currency": "CNY"},
        "payer": {"sp_openid": "openid-P01"},
        "sub_mchid": held["sub_mchid"],
        **changes,
    }
    code, text = sdk.pay(**asked)
    return code, json.loads(text)


def test_a_partner_orders_is_paid_told_and_refunds(world: World, sdk: Any, held: dict[str, Any]) -> None:
    code, made = ordered(sdk, held, "SP-0000001")
    assert code == 200, made
    assert tap(world, sdk, "pay", made["prepay_id"]) == "requestPayment:ok"
    code, text = sdk.query(out_trade_no="SP-0000001", sub_mchid=held["sub_mchid"])
    paid = json.loads(text)
    assert (code, paid["trade_state"], paid["sp_mchid"], paid["sub_mchid"]) == (
        200,
        "SUCCESS",
        held["sp_mchid"],
        held["sub_mchid"],
    )
    code, text = sdk.refund(
        out_refund_no="SPR1",
        amount={"refund": 1, "total": 4200, "currency": "CNY"},
        out_trade_no="SP-0000001",
        notify_url=f"{NOTIFY}/refund",
        sub_mchid=held["sub_mchid"],
    )
    assert code == 200, text
    world.advance(seconds=3)
    code, text = sdk.query_refund("SPR1", sub_mchid=held["sub_mchid"])
    assert (code, json.loads(text)["status"]) == (200, "SUCCESS")
    told, refunded = heard(world, sdk)
    assert (told["event_type"], told["resource"]) == ("TRANSACTION.SUCCESS", paid)
    assert refunded["resource"]["refund_status"] == "SUCCESS"


def test_a_partner_closes_and_is_refused_for_others(world: World, sdk: Any, held: dict[str, Any]) -> None:
    assert ordered(sdk, held, "SP-0000002")[0] == 200
    assert sdk.close("SP-0000002", sub_mchid=held["sub_mchid"]) == (204, "")
    code, said = ordered(sdk, held, "SP-0000003", sub_mchid="1999999999")
    assert (code, said["code"]) == (400, "MCH_NOT_EXISTS")
    code, text = sdk.query(out_trade_no="SP-NOBODY-1", sub_mchid=held["sub_mchid"])
    assert (code, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")

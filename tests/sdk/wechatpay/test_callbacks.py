"""wechatpayv3's callback helper on what our sender sends, and on what it must not believe."""

from typing import Any

import pytest

from tests.mock_providers.wechatpay.conftest import World
from tests.sdk.wechatpay.conftest import order, tap

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


@pytest.fixture
def delivery(world: World, sdk: Any) -> tuple[dict[str, str], bytes]:
    tap(world, sdk, "pay", order(sdk, "SDK-000003"))
    return world.built(world.events()[0][0])


def test_p128_a_delivery_is_read_under_every_spelling_of_its_headers(
    sdk: Any, delivery: tuple[dict[str, str], bytes]
) -> None:
    headers, body = delivery
    django = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    lower = {name.lower(): value for name, value in headers.items()}
    for spelt in (headers, django, lower):
        read = sdk.callback(spelt, body)
        assert (read["event_type"], read["resource"]["out_trade_no"]) == ("TRANSACTION.SUCCESS", "SDK-000003")


def test_a_forged_delivery_is_not_read(sdk: Any, delivery: tuple[dict[str, str], bytes]) -> None:
    headers, body = delivery
    assert sdk.callback(headers, body.replace(b"SUCCESS", b"SUCCES5")) is None
    for name in ("Wechatpay-Timestamp", "Wechatpay-Nonce"):
        assert sdk.callback({**headers, name: "1"}, body) is None
    with pytest.raises(Exception, match="does not support this algorithm"):
        sdk.callback({**headers, "Wechatpay-Signature-Type": ""}, body)


def test_p128_a_probe_is_not_read(sdk: Any, delivery: tuple[dict[str, str], bytes]) -> None:
    headers, body = delivery
    probe = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]
    assert sdk.callback({**headers, "Wechatpay-Signature": probe}, body) is None


def test_another_merchants_key_does_not_open_a_delivery(sdk: Any, delivery: tuple[dict[str, str], bytes]) -> None:
    core = getattr(sdk, "_inner", sdk)._core
    core._apiv3_key = "0" * 32
    assert sdk.callback(*delivery) is None

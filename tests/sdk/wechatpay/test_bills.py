"""wechatpayv3 asks for a day's bills and fetches them; the file is not signed, its hash is."""

import gzip
import hashlib
import json
from typing import Any

import pytest

from mock_providers import clock
from tests.mock_providers.wechatpay.conftest import World
from tests.sdk.wechatpay.conftest import order, tap

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


def test_the_bills_of_a_day_are_offered_fetched_and_add_up(world: World, sdk: Any) -> None:
    tap(world, sdk, "pay", order(sdk, "SDK-BILL-1", 4321))
    with world.app.app_context():
        day = clock.now().date().isoformat()
    world.advance(days=1)
    bare = f"/v3/bill/tradebill?bill_date={day}"  # the SDK's own methods always ask for GZIP
    for code, text in (sdk.trade_bill(day), sdk.fundflow_bill(day), sdk._core.request(bare)):
        assert code == 200, text
        offer = json.loads(text)
        code, content = sdk.download_bill(offer["download_url"])
        assert code == 200
        content = content.encode() if isinstance(content, str) else content
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        assert hashlib.sha1(plain).hexdigest() == offer["hash_value"]
        assert plain.startswith(b"\xef\xbb\xbf") and "43.21" in plain.decode("utf-8-sig")


def test_a_day_without_trades_and_today_have_no_bill(world: World, sdk: Any) -> None:
    code, text = sdk.trade_bill("2025-11-30")
    assert (code, json.loads(text)["code"]) == (400, "NO_STATEMENT_EXIST")
    code, text = sdk.fundflow_bill("2099-01-01")
    assert (code, json.loads(text)["code"]) == (400, "INVALID_REQUEST")

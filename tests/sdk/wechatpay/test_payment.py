"""wechatpayv3, unmodified but for its base URL: orders, payment, refunds, and what it makes of a refusal."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mock_providers import keys
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY
from tests.sdk.wechatpay.conftest import HOST, heard, options, order, tap

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


def refund(sdk: Any, number: str, refund_number: str, fen: int, total: int = 4200) -> tuple[int, dict[str, Any]]:
    amount = {"refund": fen, "total": total, "currency": "CNY"}
    code, text = sdk.refund(
        out_refund_no=refund_number, amount=amount, out_trade_no=number, reason="退货", notify_url=f"{NOTIFY}/refund"
    )
    return code, json.loads(text)


def test_p125_certificate_mode_asks_for_certificates_once(asked: list[str], sdk: Any) -> None:
    order(sdk, "CERTS-0001")
    order(sdk, "CERTS-0002")
    assert asked.count("/v3/certificates") == (0 if sdk._core._public_key else 1)


def test_order_pay_query_refund(world: World, sdk: Any) -> None:
    prepay_id = order(sdk, "SDK-000001")
    code, text = sdk.query(out_trade_no="SDK-000001")
    assert (code, json.loads(text)["trade_state"]) == (200, "NOTPAY")
    assert tap(world, sdk, "pay", prepay_id) == "requestPayment:ok"
    code, text = sdk.query(out_trade_no="SDK-000001")
    paid = json.loads(text)
    assert (code, paid["trade_state"], paid["amount"]["payer_total"]) == (200, "SUCCESS", 4200)
    assert json.loads(sdk.query(transaction_id=paid["transaction_id"])[1]) == paid
    code, answer = refund(sdk, "SDK-000001", "R1", 200)
    assert (code, answer["status"]) == (200, "PROCESSING")
    world.advance(seconds=3)
    code, text = sdk.query_refund("R1")
    assert (code, json.loads(text)["status"]) == (200, "SUCCESS")
    assert json.loads(sdk.query(out_trade_no="SDK-000001")[1])["trade_state"] == "REFUND"
    told_paid, told_refunded = heard(world, sdk)
    assert (told_paid["event_type"], told_paid["resource"]) == ("TRANSACTION.SUCCESS", paid)
    assert (told_refunded["event_type"], told_refunded["resource"]["refund_status"]) == ("REFUND.SUCCESS", "SUCCESS")


def test_close_is_204_and_still_verifies(sdk: Any) -> None:
    order(sdk, "SDK-000002")
    code, text = sdk.close("SDK-000002")
    assert (code, text) == (204, "")
    assert json.loads(sdk.query(out_trade_no="SDK-000002")[1])["trade_state"] == "CLOSED"


def test_the_vendors_own_host_name_is_enough(world: World, blocking: Callable[..., Any]) -> None:
    sdk = blocking(options(world.credentials()))
    sdk._core._gate_way = HOST
    order(sdk, "SDK-000003")
    assert json.loads(sdk.query(out_trade_no="SDK-000003")[1])["trade_state"] == "NOTPAY"


# every class of refusal: the SDK hands on status and text, and verifies nothing of it


def a_short_number(world: World, sdk: Any) -> tuple[int, str]:
    return sdk.pay(description="样例药品", out_trade_no="5", amount={"total": 1}, payer={"openid": "openid-P01"})


def a_key_that_is_not_the_merchants(world: World, sdk: Any) -> tuple[int, str]:
    core = getattr(sdk, "_inner", sdk)._core
    core._private_key = load_pem_private_key(keys._make()[0].encode(), None)
    return sdk.query(out_trade_no="SDK-000010")


def a_number_used_for_another_amount(world: World, sdk: Any) -> tuple[int, str]:
    order(sdk, "SDK-000010", 100)
    payer = {"openid": "openid-P01"}
    return sdk.pay(description="样例药品", out_trade_no="SDK-000010", amount={"total": 200}, payer=payer)


def an_order_nobody_made(world: World, sdk: Any) -> tuple[int, str]:
    return sdk.query(out_trade_no="NOBODYS-01")


def too_many_calls(world: World, sdk: Any) -> tuple[int, str]:
    world.plan("close", "frequency")
    order(sdk, "SDK-000011")
    return sdk.close("SDK-000011")


def a_fault_of_the_vendor(world: World, sdk: Any) -> tuple[int, str]:
    world.plan("close", "system_error")
    order(sdk, "SDK-000012")
    return sdk.close("SDK-000012")


REFUSED = [
    (a_short_number, 400, "PARAM_ERROR"),
    (a_number_used_for_another_amount, 403, "OUT_TRADE_NO_USED"),
    (an_order_nobody_made, 404, "ORDER_NOT_EXIST"),
    (too_many_calls, 429, "FREQUENCY_LIMITED"),
    (a_fault_of_the_vendor, 500, "SYSTEM_ERROR"),
    (a_key_that_is_not_the_merchants, 401, "SIGN_ERROR"),
]


def test_every_class_of_refusal_comes_back_as_it_is(world: World, sdk: Any) -> None:
    for happens, status, named in REFUSED:
        code, text = happens(world, sdk)
        said = json.loads(text)
        assert (code, said["code"]) == (status, named) and said["message"], happens.__name__


def test_a_refund_the_merchant_cannot_pay_for_succeeds_later_under_the_same_number(world: World, sdk: Any) -> None:
    tap(world, sdk, "pay", order(sdk, "SDK-000004"))
    world.plan("refunds", "not_enough")
    code, said = refund(sdk, "SDK-000004", "R2", 4200)
    assert (code, said["code"]) == (403, "NOT_ENOUGH")
    code, said = refund(sdk, "SDK-000004", "R2", 4200)
    assert (code, said["status"]) == (200, "PROCESSING")


# answers it must not believe


def test_p124_an_answer_without_the_signature_type_is_refused(world: World, sdk: Any) -> None:
    order(sdk, "SDK-000005")
    inner = world.app.wsgi_app

    def without(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc: Any = None) -> Any:
            return start_response(status, [pair for pair in headers if pair[0] != "Wechatpay-Signature-Type"])

        return inner(environ, start)

    world.app.wsgi_app = without  # type: ignore[method-assign]
    with pytest.raises(Exception, match="does not support this algorithm"):
        sdk.query(out_trade_no="SDK-000005")


def test_a_probed_answer_is_refused_and_the_next_is_good(world: World, sdk: Any) -> None:
    order(sdk, "SDK-000006")
    world.plan("response", "signature_probe")
    with pytest.raises(Exception, match="failed to verify the signature"):
        sdk.query(out_trade_no="SDK-000006")
    assert sdk.query(out_trade_no="SDK-000006")[0] == 200

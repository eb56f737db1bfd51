"""wechatpayv3, unmodified: order, payment, callback, refund, mixed orders; public-key and certificate mode."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.type import RequestType

from mock_providers import create_app
from mock_providers.phone import wechatpay as phone
from mock_providers.settings import Settings
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant
from tests.wsgi_adapter import WsgiAdapter

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    app = create_app(Settings(data=tmp_path, background=False))
    if phone.bp.name not in app.blueprints:
        app.register_blueprint(phone.bp, url_prefix="/_mock")
    return World(app)


class Counting(WsgiAdapter):
    """Also remembers which paths were asked for."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.paths: list[str] = []

    def send(self, request: Any, *args: Any, **more: Any) -> Any:
        self.paths.append(request.path_url)
        return super().send(request, *args, **more)


@pytest.fixture
def wire(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """The SDK's own host name, https and all, ends at our WSGI app."""
    session, adapter = requests.Session(), Counting(world.app)
    session.mount("https://api.mch.weixin.qq.com", adapter)
    monkeypatch.setattr(wechatpayv3.core, "requests", session)
    yield adapter
    session.close()


@pytest.fixture(params=["public key", "certificates"])
def sdk(world: World, wire: Counting, request: pytest.FixtureRequest) -> WeChatPay:
    held = world.credentials()
    named = {"public_key": held["public_key"], "public_key_id": held["public_key_id"]}
    return WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=held["mchid"],
        private_key=held["merchant_private_key"],
        cert_serial_no=held["merchant_serial_no"],
        apiv3_key=held["apiv3_key"],
        appid=held["appid"],
        notify_url=f"{NOTIFY}/pay",
        **(named if request.param == "public key" else {}),
    )


def order(sdk: WeChatPay, number: str, total: int = 4200) -> str:
    payer, amount = {"openid": "openid-P01"}, {"total": total, "currency": "CNY"}
    code, text = sdk.pay(description="样例药品", out_trade_no=number, amount=amount, payer=payer)
    assert code == 200, text
    return json.loads(text)["prepay_id"]


def tap(world: World, sdk: WeChatPay, call: str, prepay_id: str, **more: str) -> str:
    """The phone, with parameters the SDK signed."""
    app_id, stamp, nonce, package = sdk._appid, "1764554400", "n0nce", f"prepay_id={prepay_id}"
    params = {
        **more,
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sdk.sign([app_id, stamp, nonce, package]),
    }
    answer = world.app.test_client().post(f"/_mock/phone/wechatpay/{call}", json={"params": params})
    return answer.json["errMsg"]  # type: ignore[index]


def heard(world: World, sdk: WeChatPay) -> list[dict[str, Any]]:
    """Every notification so far, as the SDK's callback helper reads it."""
    return [sdk.callback(*world.built(event)) for event, _ in world.events()]


def test_certificate_mode_asks_for_certificates_once(sdk: WeChatPay, wire: Counting) -> None:
    order(sdk, "CERTS-0001")
    order(sdk, "CERTS-0002")
    assert wire.paths.count("/v3/certificates") == (0 if sdk._core._public_key else 1)


def test_order_pay_callback_refund(world: World, sdk: WeChatPay) -> None:
    assert tap(world, sdk, "pay", order(sdk, "SDK-000001")) == "requestPayment:ok"
    code, text = sdk.query(out_trade_no="SDK-000001")
    assert (code, json.loads(text)["trade_state"]) == (200, "SUCCESS")
    amount = {"refund": 200, "total": 4200, "currency": "CNY"}
    code, text = sdk.refund(
        out_refund_no="R1", amount=amount, out_trade_no="SDK-000001", reason="退货", notify_url=f"{NOTIFY}/refund"
    )
    assert (code, json.loads(text)["status"]) == (200, "PROCESSING")
    world.advance(seconds=3)
    code, text = sdk.query_refund("R1")
    assert (code, json.loads(text)["status"]) == (200, "SUCCESS")
    paid, refunded = heard(world, sdk)
    assert (paid["event_type"], paid["resource"]["out_trade_no"]) == ("TRANSACTION.SUCCESS", "SDK-000001")
    assert (refunded["event_type"], refunded["resource"]["refund_status"]) == ("REFUND.SUCCESS", "SUCCESS")


def test_close_is_204_and_still_verifies(sdk: WeChatPay) -> None:
    order(sdk, "SDK-000002")
    code, text = sdk.close("SDK-000002")
    assert (code, text) == (204, "")


def test_refusals_come_back_as_they_are(world: World, sdk: WeChatPay) -> None:
    code, text = sdk.query(out_trade_no="NOBODYS-01")
    assert (code, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")


def test_a_tampered_callback_is_not_read(world: World, sdk: WeChatPay) -> None:
    tap(world, sdk, "pay", order(sdk, "SDK-000003"))
    headers, body = world.built(world.events()[0][0])
    assert sdk.callback(headers, body.replace(b"SUCCESS", b"SUCCES5")) is None
    probe = {**headers, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]}
    assert sdk.callback(probe, body) is None


def test_a_mixed_order_through_the_generic_request(world: World, sdk: WeChatPay) -> None:
    fields = Merchant(world.app.test_client(), world.credentials()).mixed("SDK-000004")
    fields["prepay_id"] = order(sdk, "SDK-000004", 42000)
    fields["payer"] = {
        "name": sdk._core.encrypt("林样一"),
        "id_digest": sdk._core.encrypt("9a2ebc9b5bbd0ef6b2ba1b9b2e5cbd8b"),
        "card_type": "ID_CARD",
    }
    code, text = sdk._core.request("/v3/med-ins/orders", RequestType.POST, fields, cipher_data=True)
    assert (code, "身份ID摘要" in text) == (400, True)
    fields["payer"] = {**fields["payer"], "id_digest": sdk._core.encrypt(digest("469099198803159034"))}
    code, text = sdk._core.request("/v3/med-ins/orders", RequestType.POST, fields, cipher_data=True)
    assert code == 200, text
    mixed = json.loads(text)["mix_trade_no"]
    said = tap(world, sdk, "medical-pay", fields["prepay_id"], mixTradeNo=mixed)
    assert said == "requestMedicalInsurancePay:ok"
    cash, medical = heard(world, sdk)
    assert (cash["event_type"], medical["event_type"]) == ("TRANSACTION.SUCCESS", "MEDICAL_INSURANCE.SUCCESS")
    assert medical["resource"]["mix_pay_status"] == "MIX_PAY_SUCCESS"
    code, text = sdk._core.request(f"/v3/med-ins/orders/mix-trade-no/{mixed}")
    assert (code, json.loads(text)) == (200, medical["resource"])


def digest(id_number: str) -> str:
    return hashlib.md5(id_number.upper().encode()).hexdigest()

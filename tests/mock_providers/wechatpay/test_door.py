"""Authentication and transport: checks B.1 of the protocol sheet."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

MALFORMED = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
CERTIFICATES = "/v3/certificates"
JSAPI = "/v3/pay/transactions/jsapi"


def refused(answer: Any, status: int, code: str, message: str | None = None) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert message is None or answer.json["message"] == message
    assert answer.content_type.startswith("application/json")
    assert "Wechatpay-Signature" not in answer.headers
    return answer.json


@pytest.mark.parametrize(
    "value",
    [
        "Bearer x",
        "WECHATPAY2-SHA256-RSA2048",
        'WECHATPAY2-SHA256-RSA2048 mchid="1"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",mchid="2",nonce_str="n",signature="s",timestamp="1",serial_no="A"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="n",signature="s",timestamp="soon",serial_no="A"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="n",signature="s",timestamp="\xb2",serial_no="A"',
        "",
    ],
)
def test_a_malformed_authorization_is_named_so(merchant: Merchant, value: str) -> None:
    answer = merchant.get(CERTIFICATES, authorized=False, headers={"Authorization": value})
    refused(answer, 401, "SIGN_ERROR", MALFORMED)


def test_wire_time_is_not_business_time(world: World, merchant: Merchant) -> None:
    world.advance(days=300)
    assert merchant.get(CERTIFICATES).status_code == 200


def test_an_unknown_merchant(merchant: Merchant) -> None:
    refused(merchant.get(CERTIFICATES, mchid="1999999999"), 401, "SIGN_ERROR", "签名错误")


def test_the_length_of_the_reported_case_is_66(merchant: Merchant) -> None:
    told = merchant.get(CERTIFICATES, signed=b"x").json["detail"]["sign_information"]
    assert told["sign_message_length"] == 66


def test_at_the_vendors_own_host_the_root_is_the_api(merchant: Merchant) -> None:
    merchant.mount = ""
    answer = merchant.get(CERTIFICATES, headers={"Host": "api.mch.weixin.qq.com"})
    assert answer.status_code == 200


def test_a_body_must_say_it_is_json(merchant: Merchant) -> None:
    order = merchant.order("TYPE-00001")
    refused(merchant.post(JSAPI, order, headers={"Content-Type": "text/plain"}), 400, "PARAM_ERROR")
    answer = merchant.post(JSAPI, order, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200


def test_errors_are_signed_if_a_switch_says_so(world: World, merchant: Merchant) -> None:
    world.switch("sign_errors", "on")
    answer = merchant.get(CERTIFICATES, signed=b"x")
    assert answer.status_code == 401
    merchant.verifies(answer)


def test_one_message_everywhere_if_a_switch_says_so(world: World, merchant: Merchant) -> None:
    world.switch("missing_authorization", "same")
    answer = merchant.post(JSAPI, {}, authorized=False)
    refused(answer, 401, "SIGN_ERROR", MALFORMED)
    assert "Request-ID" in answer.headers


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("certificate_expired", "商户证书已过期"),
        ("certificate_revoked", "商户证书已作废"),
        ("certificate_replaced", "已更换证书，请使用新证书"),
        ("no_certificate", "商户未申请过证书。"),
        ("no_apiv3_key", "商户未设置APIv3密钥。"),
    ],
)
def test_a_merchant_in_trouble(world: World, merchant: Merchant, state: str, message: str) -> None:
    world.switch("merchant_state", state)
    refused(merchant.get(CERTIFICATES), 401, "SIGN_ERROR", message)


def test_a_merchant_without_the_product(world: World, merchant: Merchant) -> None:
    world.switch("merchant_state", "no_payment")
    refused(merchant.post(JSAPI, merchant.order("NOPROD-01")), 403, "NO_AUTH")


def test_a_merchant_who_only_has_a_public_key(world: World, merchant: Merchant) -> None:
    world.switch("mode", "pubkey")
    refused(merchant.get(CERTIFICATES), 404, "RESOURCE_NOT_EXISTS")
    merchant.serial = None
    answer = merchant.post(JSAPI, merchant.order("PUBKEY-01"))
    assert merchant.verifies(answer) == merchant.held["public_key_id"]


def test_a_merchant_who_only_has_a_certificate(world: World, merchant: Merchant) -> None:
    world.switch("mode", "cert")
    answer = merchant.get(CERTIFICATES)
    assert merchant.verifies(answer) == merchant.held["platform_serial_no"]
    refused(merchant.post("/v3/med-ins/orders", merchant.mixed("CERT-0001", "INSURANCE_ONLY")), 400, "PARAM_ERROR")


@pytest.mark.parametrize("forced", ["cert", "pubkey"])
def test_the_signing_key_can_be_forced(world: World, merchant: Merchant, forced: str) -> None:
    world.switch("response_key", forced)
    serial = merchant.verifies(merchant.get(CERTIFICATES))
    assert serial.startswith("PUB_KEY_ID_") == (forced == "pubkey")


def test_two_spaces_have_merchants_of_their_own(world: World, client: FlaskClient, merchant: Merchant) -> None:
    from mock_providers import spaces
    from mock_providers.db import db

    with world.app.app_context():
        spaces.create("other", 7, 0)
        db.session.commit()
    other = Merchant(client, world.credentials("other"))
    assert other.held["mchid"] != merchant.held["mchid"]
    merchant.create("SHARED-001")
    answer = other.get(f"/v3/pay/transactions/out-trade-no/SHARED-001?mchid={other.held['mchid']}")
    assert answer.status_code == 404
    other.verifies(other.post(JSAPI, other.order("SHARED-001")))


def test_the_door_explains_what_it_found(world: World, merchant: Merchant) -> None:
    merchant.get(CERTIFICATES, signed=b"x")
    why = world.app.extensions["journal"].waiting[-1]["why"]
    assert why["string_to_sign"].startswith("GET\n/v3/certificates\n")
    assert "does not fit" in why["verdict"]


def test_a_body_that_is_too_big_is_refused_in_the_vendors_words(merchant: Merchant) -> None:
    refused(merchant.call("POST", JSAPI, raw=b"x" * (9 * 1024 * 1024)), 400, "PARAM_ERROR")

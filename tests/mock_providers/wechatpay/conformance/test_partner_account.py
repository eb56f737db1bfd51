"""The partner (服务商) calls under its own number, with keys of its own, beside the space's own merchant."""

import json
from collections.abc import Callable

from flask.testing import FlaskClient

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conformance.receiver import Receiver
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

CERTIFICATES = "/v3/certificates"


def test_the_partner_signs_with_its_own_key_and_is_answered_with_its_own_platform_certificate(
    merchant: Merchant, partner: Merchant
) -> None:
    partner.serial = None
    answer = partner.get(CERTIFICATES)
    assert answer.status_code == 200
    assert partner.verifies(answer) == partner.held["platform_serial_no"]
    [one] = answer.json["data"]
    assert one["serial_no"] == partner.held["platform_serial_no"] != merchant.held["platform_serial_no"]
    assert partner.open(one["encrypt_certificate"]).decode() == partner.held["platform_certificate"]


def test_the_partners_number_with_the_other_merchants_certificate_serial_is_refused(
    merchant: Merchant, partner: Merchant
) -> None:
    answer = partner.get(CERTIFICATES, serial_no=merchant.held["merchant_serial_no"])
    refused(answer, 401, "SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")


def test_the_same_number_of_a_merchant_and_of_a_sub_merchant_are_two_orders(
    merchant: Merchant, partner: Merchant
) -> None:
    merchant.create("TWO-000001")
    mchid = partner.held["mchid"]
    answer = partner.get(f"/v3/pay/transactions/out-trade-no/TWO-000001?mchid={mchid}")
    refused(answer, 404, "ORDER_NOT_EXIST")


def test_a_partners_callback_is_sealed_and_signed_with_the_partners_keys(
    world: World, partner: Merchant, tap: Callable[..., str]
) -> None:
    held = partner.held
    order = {
        "sp_appid": held["sp_appid"],
        "sp_mchid": held["sp_mchid"],
        "sub_mchid": held["sub_mchid"],
        "description": "样例药品",
        "out_trade_no": "SUB-000001",
        "notify_url": f"{NOTIFY}/pay",
        "amount": {"total": 4200},
        "payer": {"sp_openid": "openid-P01"},
    }
    answer = partner.post("/v3/pay/partner/transactions/jsapi", order)
    assert answer.status_code == 200, answer.text
    receiver = Receiver(world, partner)
    assert tap("pay", partner.pay_params(answer.json["prepay_id"], appId=held["sp_appid"])).endswith(":ok")
    receiver.wait("1m")
    assert receiver.verified() == [True]
    told = json.loads(partner.open(receiver.heard[0].told["resource"]))
    assert (told["sp_mchid"], told["sub_mchid"]) == (held["sp_mchid"], held["sub_mchid"])


def test_credentials_show_the_partner_but_no_key_of_the_platforms(client: FlaskClient, partner: Merchant) -> None:
    held = client.get("/_mock/credentials").json["wechatpay_partner"]
    assert held["sp_mchid"] == held["mchid"] == partner.held["mchid"]
    assert (
        len({held["sp_mchid"], held["sub_mchid"], client.get("/_mock/credentials").json["wechatpay"]["mchid"]}) == 3
    )
    assert held["sub_appid"] != held["sp_appid"] == held["appid"]
    assert partner.held["platform_private_key"] not in json.dumps(held)
    assert "public_key_private_key" not in held


def test_a_space_of_its_own_has_a_partner_of_its_own(world: World, client: FlaskClient, partner: Merchant) -> None:
    client.post("/_mock/spaces", json={"name": "third"})
    held = world.credentials("third", "wechatpay_partner")
    assert held["mchid"] != partner.held["mchid"]
    other = Merchant(client, held)
    assert other.verifies(other.get(CERTIFICATES)) == held["public_key_id"]

"""GET /v3/certificates, public-key mode, and the exchange of certificates (protocol sheet §2.1, §2.2)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from mock_providers.db import CHINA
from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

CERTIFICATES = "/v3/certificates"
CONTROL = "/_mock/wechatpay/certificates"


def listed(merchant: Merchant, query: str = "") -> list[dict[str, Any]]:
    answer = merchant.get(f"{CERTIFICATES}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def exchange(merchant: Merchant, **how: Any) -> dict[str, Any]:
    answer = merchant.client.post(CONTROL, json=how)
    assert answer.status_code == 200, answer.text
    return answer.json


def reread(world: World, merchant: Merchant) -> dict[str, Any]:
    merchant.held = world.credentials()
    merchant.key = load_pem_private_key(merchant.held["merchant_private_key"].encode(), None)
    return merchant.held


def test_p01_the_certificate_decrypts_and_its_serial_is_the_one_listed(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES)
    assert answer.status_code == 200
    merchant.verifies(answer)
    [one] = answer.json["data"]
    sealed = one["encrypt_certificate"]
    assert sealed["algorithm"] == "AEAD_AES_256_GCM"
    assert sealed["associated_data"] == "certificate"
    assert len(sealed["nonce"].encode()) == 12
    opened = load_pem_x509_certificate(merchant.open(sealed))
    assert f"{opened.serial_number:X}" == one["serial_no"]
    assert len(one["serial_no"]) == 40


def test_the_listed_times_are_those_of_the_certificate_which_is_valid_now_for_five_years(merchant: Merchant) -> None:
    [one] = listed(merchant)
    opened = load_pem_x509_certificate(merchant.open(one["encrypt_certificate"]))
    start, end = (datetime.fromisoformat(one[name]) for name in ("effective_time", "expire_time"))
    assert (start, end) == (opened.not_valid_before_utc, opened.not_valid_after_utc)
    assert start < datetime.now(CHINA) < end
    assert end - start == timedelta(days=5 * 365)
    assert one["effective_time"].endswith("+08:00")


@pytest.mark.parametrize("query", ["?algorithm_type=RSA", "?algorithm_type=ALL", ""])
def test_rsa_and_all_list_the_rsa_certificate(merchant: Merchant, query: str) -> None:
    assert len(listed(merchant, query)) == 1


def test_sm2_is_not_imitated_and_refused_in_the_vendors_words(merchant: Merchant) -> None:
    refused(merchant.get(f"{CERTIFICATES}?algorithm_type=SM2"), 404, "RESOURCE_NOT_EXISTS")


@pytest.mark.parametrize("word", ["rsa", "DSA", "1"])
def test_another_algorithm_type_is_a_bad_parameter(merchant: Merchant, word: str) -> None:
    told = refused(merchant.get(f"{CERTIFICATES}?algorithm_type={word}"), 400, "PARAM_ERROR")
    assert told["detail"]["location"] == "query"


@pytest.mark.parametrize("code", ["RESOURCE_NOT_EXISTS", "NOT_FOUND"])
def test_a_merchant_with_a_public_key_alone_is_told_to_use_it(world: World, merchant: Merchant, code: str) -> None:
    world.switch("mode", "pubkey")
    world.switch("no_certificate", code)
    told = refused(merchant.get(CERTIFICATES), 404, code)
    assert told["message"].startswith("无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")


@pytest.mark.parametrize(
    ("mode", "named", "signed_by"),
    [
        ("both", "public_key_id", "public_key_id"),
        ("both", "platform_serial_no", "platform_serial_no"),
        ("both", None, "platform_serial_no"),
        ("both", "merchant_serial_no", "platform_serial_no"),
        ("cert", "public_key_id", "platform_serial_no"),
        ("cert", None, "platform_serial_no"),
        ("pubkey", "public_key_id", "public_key_id"),
        ("pubkey", None, "public_key_id"),
    ],
)
def test_p23_p24_the_key_that_signs_is_the_one_named_if_the_merchant_has_it(
    world: World, merchant: Merchant, mode: str, named: str | None, signed_by: str
) -> None:
    world.switch("mode", mode)
    merchant.serial = merchant.held[named] if named else None
    answer = merchant.post("/v3/pay/transactions/jsapi", merchant.order("KEYS-00001"))
    assert merchant.verifies(answer) == merchant.held[signed_by]


def test_a_serial_nobody_knows_is_tolerated_where_nothing_is_sealed(merchant: Merchant) -> None:
    merchant.serial = "7" * 40
    answer = merchant.post("/v3/pay/transactions/jsapi", merchant.order("KEYS-00002"))
    assert merchant.verifies(answer) == merchant.held["platform_serial_no"]


def test_a_new_certificate_is_listed_a_day_before_it_signs(world: World, merchant: Merchant) -> None:
    old = merchant.held["platform_serial_no"]
    told = exchange(merchant)
    new = told["platform"]["next"]
    assert [one["serial_no"] for one in listed(merchant)] == [old, new]
    merchant.serial = None
    assert merchant.verifies(merchant.get(CERTIFICATES)) == old
    world.advance(hours=23, minutes=59)
    assert merchant.verifies(merchant.get(CERTIFICATES)) == old
    world.advance(minutes=2)
    reread(world, merchant)
    answer = merchant.get(CERTIFICATES)
    assert merchant.verifies(answer) == new
    assert [one["serial_no"] for one in answer.json["data"]] == [new]


def test_both_listed_certificates_open_with_the_apiv3_key_under_nonces_of_their_own(merchant: Merchant) -> None:
    exchange(merchant)
    data = listed(merchant)
    opened = [load_pem_x509_certificate(merchant.open(one["encrypt_certificate"])) for one in data]
    assert [f"{one.serial_number:X}" for one in opened] == [one["serial_no"] for one in data]
    assert len({one["encrypt_certificate"]["nonce"] for one in data}) == 2


def test_a_callback_after_the_exchange_is_signed_with_the_new_certificate(
    world: World, merchant: Merchant, tap: Any
) -> None:
    merchant.serial = None
    prepay_id = merchant.create("ROTATE-0001")
    new = exchange(merchant, hours=1)["platform"]["next"]
    world.advance(minutes=61)
    tap("pay", merchant.pay_params(prepay_id))
    reread(world, merchant)
    assert merchant.verify(*world.built(world.events()[-1][0])) == new


def test_sealed_fields_open_with_the_listed_certificate_and_for_a_while_with_the_one_before(
    world: World, merchant: Merchant
) -> None:
    merchant.serial = merchant.held["platform_serial_no"]
    sealed = {"echo_message": "x", "encrypted_echo_message": merchant.seal("林样一")}
    exchange(merchant)

    def tried() -> int:
        answer = merchant.post("/v3/security/echo", sealed)
        return answer.status_code

    assert tried() == 200
    world.advance(hours=25)
    assert tried() == 200
    world.advance(hours=24)
    answer = merchant.post("/v3/security/echo", sealed)
    refused(answer, 400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")


def test_fields_may_be_sealed_with_the_newest_certificate_before_it_signs(world: World, merchant: Merchant) -> None:
    exchange(merchant)
    held = world.credentials()
    newest = {f"platform_{name}": held[f"next_platform_{name}"] for name in ("serial_no", "certificate")}
    ahead = Merchant(merchant.client, held | newest)
    ahead.serial = held["next_platform_serial_no"]
    sealed = {"echo_message": "x", "encrypted_echo_message": ahead.seal("林样一")}
    assert ahead.post("/v3/security/echo", sealed).status_code == 200


def test_an_exchange_ordered_again_before_its_time_lists_the_newest_alone(world: World, merchant: Merchant) -> None:
    first = exchange(merchant)["platform"]["next"]
    world.advance(hours=12)
    second = exchange(merchant)["platform"]["next"]
    world.advance(hours=13)
    assert world.credentials()["platform_serial_no"] not in (first, second)
    world.advance(hours=12)
    assert world.credentials()["platform_serial_no"] == second


def test_a_replaced_merchant_certificate_is_refused_and_the_new_one_works(world: World, merchant: Merchant) -> None:
    told = exchange(merchant, which="merchant")
    assert merchant.held["merchant_serial_no"] in told["merchant"]["replaced"]
    refused(merchant.get(CERTIFICATES), 401, "SIGN_ERROR", "已更换证书，请使用新证书")
    reread(world, merchant)
    assert merchant.held["merchant_serial_no"] == told["merchant"]["serial_no"]
    assert merchant.get(CERTIFICATES).status_code == 200


def test_the_partners_certificates_are_exchanged_apart(world: World, merchant: Merchant, partner: Merchant) -> None:
    exchange(merchant, account="wechatpay_partner")
    assert len(listed(partner)) == 2
    assert merchant.client.get(CONTROL).json["account"] == "wechatpay"
    shown = merchant.client.get(f"{CONTROL}?account=wechatpay_partner").json
    assert shown["platform"]["next"] is not None
    exchange(merchant, account="wechatpay_partner", hours=0)
    world.advance(seconds=1)
    assert len(listed(partner)) == 1


@pytest.mark.parametrize("wrong", [{"account": "alipay"}, {"which": "both"}, {"hours": -1}, {"hours": "1"}, {"x": 1}])
def test_an_exchange_of_something_else_is_refused(merchant: Merchant, wrong: dict[str, Any]) -> None:
    assert merchant.client.post(CONTROL, json=wrong).status_code == 400

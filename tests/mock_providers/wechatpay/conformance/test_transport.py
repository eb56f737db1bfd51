"""Authentication and transport: checks 1 to 31 of the protocol sheet, by number."""

import json
import time
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate
from flask.testing import FlaskClient

from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant
from tests.mock_providers.wechatpay.test_door import refused

MALFORMED = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
CERTIFICATES = "/v3/certificates"
JSAPI = "/v3/pay/transactions/jsapi"


def test_p01_the_certificate_opens_with_the_apiv3_key_and_bears_its_serial(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES)
    assert answer.status_code == 200
    merchant.verifies(answer)
    one = answer.json["data"][0]
    assert one["encrypt_certificate"]["algorithm"] == "AEAD_AES_256_GCM"
    assert one["encrypt_certificate"]["associated_data"]
    found = load_pem_x509_certificate(merchant.open(one["encrypt_certificate"]))
    assert f"{found.serial_number:X}" == one["serial_no"]
    assert len(one["serial_no"]) == 40
    assert found.not_valid_before_utc.timestamp() < time.time() < found.not_valid_after_utc.timestamp()


def test_p02_and_p26_without_authorization_the_answer_is_unsigned_and_has_a_request_id(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, authorized=False)
    refused(answer, 401, "SIGN_ERROR", MALFORMED)
    assert answer.headers["Request-ID"].endswith("-268443699")


@pytest.mark.parametrize("value", [None, "Bearer abc"])
def test_p03_on_pay_paths_another_message_and_no_request_id(merchant: Merchant, value: str | None) -> None:
    answer = merchant.post(JSAPI, {}, authorized=False, headers={"Authorization": value})
    refused(answer, 401, "SIGN_ERROR", "签名信息错误，验签失败")
    assert "Request-ID" not in answer.headers


def test_p04_an_unknown_scheme(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, scheme="WECHATPAY2-SHA256-RSA2049")
    refused(answer, 401, "SIGN_ERROR", "Http头Authorization认证类型不正确")


@pytest.mark.parametrize("off", [-301, 302])
def test_p05_and_p06_a_timestamp_more_than_five_minutes_off(merchant: Merchant, off: int) -> None:
    answer = merchant.get(CERTIFICATES, timestamp=int(time.time()) + off)
    refused(answer, 401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")


@pytest.mark.parametrize("off", [-299, 299])
def test_p07_a_timestamp_less_than_five_minutes_off(merchant: Merchant, off: int) -> None:
    assert merchant.get(CERTIFICATES, timestamp=int(time.time()) + off).status_code == 200


def test_p08_time_is_looked_at_before_the_signature(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, timestamp=int(time.time()) - 400, signed=b"something else")
    assert "5分钟" in answer.json["message"]


def test_p09_an_unknown_serial_number(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, serial_no="7" * 40)
    refused(answer, 401, "SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")


def test_p10_a_signature_over_another_body_is_explained(merchant: Merchant) -> None:
    answer = merchant.get("/v3/certificates?algorithm_type=RSA", signed=b"{}")
    said = refused(answer, 401, "SIGN_ERROR", "错误的签名，验签失败")["detail"]
    assert (said["field"], said["location"]) == ("signature", "authorization")
    assert said["detail"]["issue"] == "sign not match"
    told = said["sign_information"]
    assert (told["method"], told["url"]) == ("GET", "/v3/certificates?algorithm_type=RSA")
    assert told["sign_message_length"] == len("GET\n/v3/certificates?algorithm_type=RSA\n1554208460\n\n\n") + 32
    assert told["truncated_sign_message"].startswith("GET\n/v3/certificates?algorithm_type=RSA\n")


def test_p11_a_query_changed_after_signing(merchant: Merchant) -> None:
    answer = merchant.get("/v3/certificates?algorithm_type=ALL", signed_target="/v3/certificates?algorithm_type=RSA")
    refused(answer, 401, "SIGN_ERROR")


@pytest.mark.parametrize("prefix", ["", "/wechatpay", "/s/default/wechatpay", "/s/default"])
@pytest.mark.parametrize("mount", ["/wechatpay", "/s/default/wechatpay"])
def test_p12_a_prefix_of_the_base_url_may_be_signed_or_not(merchant: Merchant, mount: str, prefix: str) -> None:
    merchant.mount = mount
    assert merchant.get(CERTIFICATES, signed_target=f"{prefix}{CERTIFICATES}").status_code == 200


def test_p13_raw_bytes_are_verified(merchant: Merchant) -> None:
    raw = json.dumps(merchant.order("SPACED-0001"), indent=2).encode()
    assert merchant.call("POST", JSAPI, raw=raw).status_code == 200


def test_p14_escapes_are_decoded_after_verifying(merchant: Merchant, tap: Any) -> None:
    raw = json.dumps(merchant.order("ESCAPED-0001", attach="海南")).encode()
    assert b"\\u6d77" in raw
    assert merchant.call("POST", JSAPI, raw=raw).status_code == 200
    assert merchant.query("ESCAPED-0001")["attach"] == "海南"


@pytest.mark.parametrize("header", ["User-Agent", "Accept"])
@pytest.mark.parametrize(("method", "path"), [("GET", CERTIFICATES), ("POST", "/v3/refund/domestic/refunds")])
def test_p16_and_p17_accept_and_user_agent_come_first(
    merchant: Merchant, method: str, path: str, header: str
) -> None:
    content = None if method == "GET" else {}
    answer = merchant.call(method, path, content, headers={header: ""}, authorized=False)
    refused(answer, 400, "INVALID_REQUEST", "Http头缺少Accept或User-Agent")


def test_p18_on_pay_paths_authentication_comes_first(merchant: Merchant) -> None:
    answer = merchant.post(JSAPI, merchant.order("X-000001"), headers={"Accept": ""}, signed=b"other")
    refused(answer, 401, "SIGN_ERROR", "错误的签名，验签失败")
    refused(merchant.post(JSAPI, merchant.order("X-000001"), headers={"Accept": ""}), 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", JSAPI, 405),
        ("GET", JSAPI, 405),
        ("OPTIONS", JSAPI, 405),
        ("POST", CERTIFICATES, 405),
        ("GET", "/v3/nope", 404),
        ("POST", "/", 404),
        ("GET", "/v3/certificates/x", 404),
    ],
)
def test_p19_and_p20_unknown_paths_and_methods_are_empty(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(f"/wechatpay{path}", method=method)
    assert (answer.status_code, answer.data) == (status, b"")


@pytest.mark.parametrize("raw", [b"", b"not json", b"[1]", b'"x"', b'{"a":NaN}', b"\xff", b'{"mchid":'])
def test_p22_a_body_that_is_not_a_json_object(merchant: Merchant, raw: bytes) -> None:
    answer = merchant.call("POST", JSAPI, raw=raw, headers={"Content-Type": "application/json"})
    refused(answer, 400, "PARAM_ERROR")
    assert answer.headers["Request-ID"].endswith("-268435461")


def test_p23_the_named_key_signs(merchant: Merchant) -> None:
    merchant.serial = merchant.held["public_key_id"]
    assert merchant.verifies(merchant.get(CERTIFICATES)) == merchant.held["public_key_id"]


@pytest.mark.parametrize("serial", [None, "", "1" * 40, "PUB_KEY_ID_0"])
def test_p24_else_the_platform_certificate_signs(merchant: Merchant, serial: str | None) -> None:
    merchant.serial = serial
    assert merchant.verifies(merchant.get(CERTIFICATES)) == merchant.held["platform_serial_no"]


def test_p25_every_2xx_is_signed_now(merchant: Merchant) -> None:
    began = int(time.time())
    answer = merchant.get(CERTIFICATES)
    assert began <= int(answer.headers["Wechatpay-Timestamp"]) <= time.time()
    assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert answer.content_type.startswith("application/json")
    assert answer.headers["Request-ID"].endswith("-0")
    assert answer.headers["Content-Language"] == "zh-CN"
    assert b'": ' not in answer.data


def test_p28_sealed_fields_need_a_named_key(merchant: Merchant) -> None:
    asked = merchant.mixed("SEALED-001", "INSURANCE_ONLY")
    answer = merchant.post("/v3/med-ins/orders", asked, headers={"Wechatpay-Serial": None})
    refused(answer, 400, "PARAM_ERROR", "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)")


@pytest.mark.parametrize("serial", ["1" * 40, "PUB_KEY_ID_1"])
def test_p29_and_the_key_must_be_ours(merchant: Merchant, serial: str) -> None:
    asked = merchant.mixed("SEALED-002", "INSURANCE_ONLY")
    answer = merchant.post("/v3/med-ins/orders", asked, headers={"Wechatpay-Serial": serial})
    refused(answer, 400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")


@pytest.mark.parametrize("value", ["林样一", "bm90IHNlYWxlZA==", "A" * 344])
def test_p30_a_field_that_does_not_open(merchant: Merchant, value: str) -> None:
    asked = merchant.mixed("SEALED-003", "INSURANCE_ONLY")
    asked["payer"]["name"] = value
    answer = merchant.post("/v3/med-ins/orders", asked)
    refused(answer, 400, "PARAM_ERROR", "请确认待处理的消息是否为加密后的密文")


def test_p31_a_probe_once_then_a_true_signature(world: World, merchant: Merchant) -> None:
    world.plan("response", "signature_probe")
    probed = merchant.get(CERTIFICATES)
    assert probed.status_code == 200
    assert probed.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    merchant.verifies(merchant.get(CERTIFICATES))

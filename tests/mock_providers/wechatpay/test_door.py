"""Authentication and transport: checks B.1 of the protocol sheet."""

import json
import time
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate
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


def test_b1_the_certificate_opens_with_the_apiv3_key_and_bears_its_serial(merchant: Merchant) -> None:
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


def test_b2_and_b26_without_authorization_the_answer_is_unsigned_and_has_a_request_id(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, authorized=False)
    refused(answer, 401, "SIGN_ERROR", MALFORMED)
    assert answer.headers["Request-ID"].endswith("-268443699")


@pytest.mark.parametrize("value", [None, "Bearer abc"])
def test_b3_on_pay_paths_another_message_and_no_request_id(merchant: Merchant, value: str | None) -> None:
    answer = merchant.post(JSAPI, {}, authorized=False, headers={"Authorization": value})
    refused(answer, 401, "SIGN_ERROR", "签名信息错误，验签失败")
    assert "Request-ID" not in answer.headers


def test_b4_an_unknown_scheme(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, scheme="WECHATPAY2-SHA256-RSA2049")
    refused(answer, 401, "SIGN_ERROR", "Http头Authorization认证类型不正确")


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


@pytest.mark.parametrize("off", [-301, 302])
def test_b5_and_b6_a_timestamp_more_than_five_minutes_off(merchant: Merchant, off: int) -> None:
    answer = merchant.get(CERTIFICATES, timestamp=int(time.time()) + off)
    refused(answer, 401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")


@pytest.mark.parametrize("off", [-299, 299])
def test_b7_a_timestamp_less_than_five_minutes_off(merchant: Merchant, off: int) -> None:
    assert merchant.get(CERTIFICATES, timestamp=int(time.time()) + off).status_code == 200


def test_b8_time_is_looked_at_before_the_signature(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, timestamp=int(time.time()) - 400, signed=b"something else")
    assert "5分钟" in answer.json["message"]


def test_wire_time_is_not_business_time(world: World, merchant: Merchant) -> None:
    world.advance(days=300)
    assert merchant.get(CERTIFICATES).status_code == 200


def test_b9_an_unknown_serial_number(merchant: Merchant) -> None:
    answer = merchant.get(CERTIFICATES, serial_no="7" * 40)
    refused(answer, 401, "SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")


def test_an_unknown_merchant(merchant: Merchant) -> None:
    refused(merchant.get(CERTIFICATES, mchid="1999999999"), 401, "SIGN_ERROR", "签名错误")


def test_b10_a_signature_over_another_body_is_explained(merchant: Merchant) -> None:
    answer = merchant.get("/v3/certificates?algorithm_type=RSA", signed=b"{}")
    said = refused(answer, 401, "SIGN_ERROR", "错误的签名，验签失败")["detail"]
    assert (said["field"], said["location"]) == ("signature", "authorization")
    assert said["detail"]["issue"] == "sign not match"
    told = said["sign_information"]
    assert (told["method"], told["url"]) == ("GET", "/v3/certificates?algorithm_type=RSA")
    assert told["sign_message_length"] == len("GET\n/v3/certificates?algorithm_type=RSA\n1554208460\n\n\n") + 32
    assert told["truncated_sign_message"].startswith("GET\n/v3/certificates?algorithm_type=RSA\n")


def test_the_length_of_the_reported_case_is_66(merchant: Merchant) -> None:
    told = merchant.get(CERTIFICATES, signed=b"x").json["detail"]["sign_information"]
    assert told["sign_message_length"] == 66


def test_b11_a_query_changed_after_signing(merchant: Merchant) -> None:
    answer = merchant.get("/v3/certificates?algorithm_type=ALL", signed_target="/v3/certificates?algorithm_type=RSA")
    refused(answer, 401, "SIGN_ERROR")


@pytest.mark.parametrize("prefix", ["", "/wechatpay", "/s/default/wechatpay", "/s/default"])
@pytest.mark.parametrize("mount", ["/wechatpay", "/s/default/wechatpay"])
def test_b12_a_prefix_of_the_base_url_may_be_signed_or_not(merchant: Merchant, mount: str, prefix: str) -> None:
    merchant.mount = mount
    assert merchant.get(CERTIFICATES, signed_target=f"{prefix}{CERTIFICATES}").status_code == 200


def test_at_the_vendors_own_host_the_root_is_the_api(merchant: Merchant) -> None:
    merchant.mount = ""
    answer = merchant.get(CERTIFICATES, headers={"Host": "api.mch.weixin.qq.com"})
    assert answer.status_code == 200


def test_b13_raw_bytes_are_verified(merchant: Merchant) -> None:
    raw = json.dumps(merchant.order("SPACED-0001"), indent=2).encode()
    assert merchant.call("POST", JSAPI, raw=raw).status_code == 200


def test_b14_escapes_are_decoded_after_verifying(merchant: Merchant, tap: Any) -> None:
    raw = json.dumps(merchant.order("ESCAPED-0001", attach="海南")).encode()
    assert b"\\u6d77" in raw
    assert merchant.call("POST", JSAPI, raw=raw).status_code == 200
    assert merchant.query("ESCAPED-0001")["attach"] == "海南"


@pytest.mark.parametrize("header", ["User-Agent", "Accept"])
@pytest.mark.parametrize(("method", "path"), [("GET", CERTIFICATES), ("POST", "/v3/refund/domestic/refunds")])
def test_b16_and_b17_accept_and_user_agent_come_first(
    merchant: Merchant, method: str, path: str, header: str
) -> None:
    content = None if method == "GET" else {}
    answer = merchant.call(method, path, content, headers={header: ""}, authorized=False)
    refused(answer, 400, "INVALID_REQUEST", "Http头缺少Accept或User-Agent")


def test_b18_on_pay_paths_authentication_comes_first(merchant: Merchant) -> None:
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
def test_b19_and_b20_unknown_paths_and_methods_are_empty(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(f"/wechatpay{path}", method=method)
    assert (answer.status_code, answer.data) == (status, b"")


@pytest.mark.parametrize("raw", [b"", b"not json", b"[1]", b'"x"', b'{"a":NaN}', b"\xff", b'{"mchid":'])
def test_b22_a_body_that_is_not_a_json_object(merchant: Merchant, raw: bytes) -> None:
    answer = merchant.call("POST", JSAPI, raw=raw, headers={"Content-Type": "application/json"})
    refused(answer, 400, "PARAM_ERROR")
    assert answer.headers["Request-ID"].endswith("-268435461")


def test_a_body_must_say_it_is_json(merchant: Merchant) -> None:
    order = merchant.order("TYPE-00001")
    refused(merchant.post(JSAPI, order, headers={"Content-Type": "text/plain"}), 400, "PARAM_ERROR")
    answer = merchant.post(JSAPI, order, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200


def test_b23_the_named_key_signs(merchant: Merchant) -> None:
    merchant.serial = merchant.held["public_key_id"]
    assert merchant.verifies(merchant.get(CERTIFICATES)) == merchant.held["public_key_id"]


@pytest.mark.parametrize("serial", [None, "", "1" * 40, "PUB_KEY_ID_0"])
def test_b24_else_the_platform_certificate_signs(merchant: Merchant, serial: str | None) -> None:
    merchant.serial = serial
    assert merchant.verifies(merchant.get(CERTIFICATES)) == merchant.held["platform_serial_no"]


def test_b25_every_2xx_is_signed_now(merchant: Merchant) -> None:
    began = int(time.time())
    answer = merchant.get(CERTIFICATES)
    assert began <= int(answer.headers["Wechatpay-Timestamp"]) <= time.time()
    assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert answer.content_type.startswith("application/json")
    assert answer.headers["Request-ID"].endswith("-0")
    assert answer.headers["Content-Language"] == "zh-CN"
    assert b'": ' not in answer.data


def test_b28_sealed_fields_need_a_named_key(merchant: Merchant) -> None:
    asked = merchant.mixed("SEALED-001", "INSURANCE_ONLY")
    answer = merchant.post("/v3/med-ins/orders", asked, headers={"Wechatpay-Serial": None})
    refused(answer, 400, "PARAM_ERROR", "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)")


@pytest.mark.parametrize("serial", ["1" * 40, "PUB_KEY_ID_1"])
def test_b29_and_the_key_must_be_ours(merchant: Merchant, serial: str) -> None:
    asked = merchant.mixed("SEALED-002", "INSURANCE_ONLY")
    answer = merchant.post("/v3/med-ins/orders", asked, headers={"Wechatpay-Serial": serial})
    refused(answer, 400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")


@pytest.mark.parametrize("value", ["林样一", "bm90IHNlYWxlZA==", "A" * 344])
def test_b30_a_field_that_does_not_open(merchant: Merchant, value: str) -> None:
    asked = merchant.mixed("SEALED-003", "INSURANCE_ONLY")
    asked["payer"]["name"] = value
    answer = merchant.post("/v3/med-ins/orders", asked)
    refused(answer, 400, "PARAM_ERROR", "请确认待处理的消息是否为加密后的密文")


def test_b31_a_probe_once_then_a_true_signature(world: World, merchant: Merchant) -> None:
    world.plan("response", "signature_probe")
    probed = merchant.get(CERTIFICATES)
    assert probed.status_code == 200
    assert probed.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    merchant.verifies(merchant.get(CERTIFICATES))


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

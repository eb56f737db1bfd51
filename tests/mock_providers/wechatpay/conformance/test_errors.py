"""The tables of §1.1 to §1.6: every refusal at the door with its literal text, headers, numbers, bodies."""

import json
import re
import time
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

CERTIFICATES = "/v3/certificates"
JSAPI = "/v3/pay/transactions/jsapi"
REFUNDS = "/v3/refund/domestic/refunds"
MED_INS = "/v3/med-ins/orders"
ECHO = "/v3/security/echo"
MALFORMED = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
LATE = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"
SCHEME = "Http头Authorization认证类型不正确"
HEADERS = "Http头缺少Accept或User-Agent"
SERIAL = "商户证书序列号有误。请使用签名私钥匹配的证书序列号"
ROWS: dict[str, tuple[str, dict[str, Any], int, str, str]] = {
    "malformed, certificates": (CERTIFICATES, {"authorized": False}, 401, "SIGN_ERROR", MALFORMED),
    "malformed, refunds": (REFUNDS, {"authorized": False}, 401, "SIGN_ERROR", MALFORMED),
    "malformed, med-ins": (MED_INS, {"authorized": False}, 401, "SIGN_ERROR", MALFORMED),
    "malformed, echo": (ECHO, {"authorized": False}, 401, "SIGN_ERROR", MALFORMED),
    "malformed, pay": (JSAPI, {"authorized": False}, 401, "SIGN_ERROR", "签名信息错误，验签失败"),
    "scheme": (CERTIFICATES, {"scheme": "WECHATPAY2-SM2-WITH-SM3"}, 401, "SIGN_ERROR", SCHEME),
    "scheme, pay": (JSAPI, {"scheme": "WECHATPAY2-X"}, 401, "SIGN_ERROR", SCHEME),
    "late": (CERTIFICATES, {"timestamp": -301}, 401, "SIGN_ERROR", LATE),
    "early": (CERTIFICATES, {"timestamp": 302}, 401, "SIGN_ERROR", LATE),
    "late, pay": (JSAPI, {"timestamp": -3000}, 401, "SIGN_ERROR", LATE),
    "serial": (CERTIFICATES, {"serial_no": "A" * 40}, 401, "SIGN_ERROR", SERIAL),
    "serial and signature": (CERTIFICATES, {"serial_no": "A" * 40, "signed": b"x"}, 401, "SIGN_ERROR", SERIAL),
    "merchant": (CERTIFICATES, {"mchid": "1999999999"}, 401, "SIGN_ERROR", "签名错误"),
    "signature": (CERTIFICATES, {"signed": b"x"}, 401, "SIGN_ERROR", "错误的签名，验签失败"),
    "signature, pay": (JSAPI, {"signed": b"x"}, 401, "SIGN_ERROR", "错误的签名，验签失败"),
    "signature is no Base64": (CERTIFICATES, {"signature": "%%%"}, 401, "SIGN_ERROR", "错误的签名，验签失败"),
    "no User-Agent": (CERTIFICATES, {"headers": {"User-Agent": ""}}, 400, "INVALID_REQUEST", HEADERS),
    "no Accept": (REFUNDS, {"headers": {"Accept": ""}}, 400, "INVALID_REQUEST", HEADERS),
}  # fmt: skip


def asked(merchant: Merchant, path: str, how: dict[str, Any]) -> Any:
    how = dict(how)
    if "timestamp" in how:
        how["timestamp"] += int(time.time())
    return merchant.get(path, **how) if path == CERTIFICATES else merchant.post(path, {}, **how)


@pytest.mark.parametrize("row", ROWS)
def test_a_refusal_at_the_door_has_its_status_code_and_literal_text(merchant: Merchant, row: str) -> None:
    path, how, status, code, message = ROWS[row]
    answer = asked(merchant, path, how)
    refused(answer, status, code, message)
    assert "Wechatpay-Signature" not in answer.headers
    nameless = path == JSAPI and not how.get("authorized", True)
    assert ("Request-ID" in answer.headers) is not nameless


@pytest.mark.parametrize("message", ["错误的签名，验签失败", "签名错误，请检查后再试"])
def test_either_text_for_a_wrong_signature(world: World, merchant: Merchant, message: str) -> None:
    world.switch("wrong_signature", message)
    told = refused(merchant.get(CERTIFICATES, signed=b"x"), 401, "SIGN_ERROR", message)
    assert told["detail"]["detail"]["issue"] == "sign not match"


def test_p10_sign_information_describes_the_string_the_server_made(merchant: Merchant) -> None:
    body = json.dumps(merchant.order("DETAIL-0001")).encode()
    answer = merchant.call("POST", JSAPI, raw=body, signed=b"{}")
    said = refused(answer, 401, "SIGN_ERROR")["detail"]
    assert (said["field"], said["location"]) == ("signature", "authorization")
    told = said["sign_information"]
    assert (told["method"], told["url"]) == ("POST", JSAPI)
    assert told["sign_message_length"] == len(f"POST\n{JSAPI}\n") + 11 + 33 + len(body) + 1
    assert told["truncated_sign_message"].startswith(f"POST\n{JSAPI}\n")
    assert len(told["truncated_sign_message"]) < told["sign_message_length"]


SITUATIONS = ("merchant_state", "appid", "frequency", "not found", "openid", "parameter", "range", "signature")
MORE = ("reentry", "closed", "re-created when paid", "paid", "other merchant")


@pytest.mark.parametrize("row", SITUATIONS + MORE)
def test_the_number_behind_the_request_id_tells_the_situation(
    world: World, merchant: Merchant, tap: Any, row: str
) -> None:
    def create(**changes: Any) -> Any:
        return merchant.post(JSAPI, merchant.order("NUMBERS-01", **changes))

    def paid(again: Any) -> Any:
        tap("pay", merchant.pay_params(merchant.create("NUMBERS-01")))
        return again()

    def closed() -> Any:
        close = "/v3/pay/transactions/out-trade-no/NUMBERS-01/close"
        return merchant.post(close, {"mchid": merchant.held["mchid"]})

    def planned() -> Any:
        world.plan("response", "frequency")
        return merchant.get(CERTIFICATES)

    def recreated(first: Any) -> Any:
        merchant.create("NUMBERS-01")
        first()
        return create(total=1) if first is int else create()

    number, made = {
        "merchant_state": (268448010, lambda: world.switch("merchant_state", "no_payment") or create()),
        "appid": (268445527, lambda: create(appid="wx0000000000000000")),
        "frequency": (268447840, planned),
        "not found": (268512771, lambda: merchant.get(
            f"/v3/pay/transactions/out-trade-no/NOBODY-01?mchid={merchant.held['mchid']}")),
        "openid": (268501013, lambda: create(openid="nobody")),
        "parameter": (268435461, lambda: create(description=7)),
        "range": (268435464, lambda: create(total=0)),
        "signature": (268443699, lambda: merchant.get(CERTIFICATES, signed=b"x")),
        "reentry": (268498688, lambda: (merchant.create("NUMBERS-01"), create(total=1))[1]),
        "closed": (268447914, lambda: recreated(closed)),
        "re-created when paid": (268498689, lambda: paid(create)),
        "paid": (268449538, lambda: paid(closed)),
        "other merchant": (268447843, lambda: merchant.get(
            "/v3/pay/transactions/out-trade-no/NUMBERS-01?mchid=1900000999")),
    }[row]  # fmt: skip
    answer = made()
    assert answer.status_code >= 400
    assert re.fullmatch(rf"[0-9A-F]{{42}}-{number}", answer.headers["Request-ID"]), answer.text


def test_p25_p27_the_headers_of_every_answer(merchant: Merchant) -> None:
    for answer in (merchant.get(CERTIFICATES), merchant.get(CERTIFICATES, signed=b"x")):
        headers = answer.headers
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert headers["Content-Language"] == "zh-CN"
        assert headers["Cache-Control"] == "no-cache, must-revalidate"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "nginx"
    assert re.fullmatch(r"[0-9A-F]{32}", merchant.get(CERTIFICATES).headers["Wechatpay-Nonce"])


def test_p27_a_204_is_signed_over_an_empty_third_line_and_says_it_is_json(merchant: Merchant) -> None:
    merchant.create("NOTHING-01")
    answer = merchant.post("/v3/pay/transactions/out-trade-no/NOTHING-01/close", {"mchid": merchant.held["mchid"]})
    assert (answer.status_code, answer.data) == (204, b"")
    merchant.verifies(answer)
    assert answer.content_type == "application/json; charset=utf-8"


@pytest.mark.parametrize(("asks", "gets"), [
    (None, "zh-CN"), ("en", "en"), ("zh-HK", "zh-HK"), ("zh-tw;q=0.5", "zh-TW"), ("fr, en;q=0.8", "en"),
    ("fr", "zh-CN"),
])  # fmt: skip
def test_the_content_language_is_the_one_asked_for(merchant: Merchant, asks: str | None, gets: str) -> None:
    answer = merchant.get(CERTIFICATES, headers={"Accept-Language": asks})
    assert answer.headers["Content-Language"] == gets


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, application/json;q=0.9", "text/plain,*/*"])
def test_any_accept_that_lists_json_passes(merchant: Merchant, accept: str) -> None:
    assert merchant.get(CERTIFICATES, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("agent", ["127.0.0.1", "x", "wechatpay-axios-plugin/0.9"])
def test_any_user_agent_passes(merchant: Merchant, agent: str) -> None:
    assert merchant.get(CERTIFICATES, headers={"User-Agent": agent}).status_code == 200


def test_a_content_type_on_get_does_no_harm(merchant: Merchant) -> None:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    assert merchant.get(CERTIFICATES, headers=kind).status_code == 200


@pytest.mark.parametrize("path", [CERTIFICATES, JSAPI, f"{REFUNDS}/X"])
def test_head_is_a_method_no_path_allows(merchant: Merchant, path: str) -> None:
    answer = merchant.call("HEAD", path)
    assert (answer.status_code, answer.data) == (405, b"")
    assert not {"Content-Type", "Request-ID", "Wechatpay-Signature"} & set(answer.headers.keys())


@pytest.mark.parametrize("nonce", ["a" * 11, "a" * 32, "0.abcdefgh1jk", "a" * 40])
def test_a_nonce_of_any_length_passes_and_may_come_again(merchant: Merchant, nonce: str) -> None:
    for _ in range(2):
        stamp = str(int(time.time()))
        signature = merchant.sign(f"GET\n{CERTIFICATES}\n{stamp}\n{nonce}\n\n".encode())
        answer = merchant.get(CERTIFICATES, nonce_str=nonce, signature=signature, timestamp=stamp)
        assert answer.status_code == 200


def test_a_long_nonce_is_malformed_where_a_switch_says_so(world: World, merchant: Merchant) -> None:
    world.switch("nonce_length", "32")
    refused(merchant.get(CERTIFICATES, nonce_str="a" * 33), 401, "SIGN_ERROR", MALFORMED)


def test_the_pairs_of_authorization_may_come_in_any_order_and_the_serial_in_lower_case(merchant: Merchant) -> None:
    value = merchant.authorization("GET", CERTIFICATES, b"", serial_no=merchant.held["merchant_serial_no"].lower())
    scheme, pairs = value.split(" ", 1)
    turned = f"{scheme} " + ", ".join(reversed(pairs.split(",")))
    headers = {**merchant.headers, "Authorization": turned}
    assert merchant.client.get(f"/wechatpay{CERTIFICATES}", headers=headers).status_code == 200


# Bodies


@pytest.mark.parametrize(("field", "value"), [("description", "药\U0001f48a"), ("attach", "\U00020000")])
def test_p15_characters_beyond_three_bytes_are_refused(merchant: Merchant, field: str, value: str) -> None:
    answer = merchant.post(JSAPI, merchant.order("PLANE-0001", **{field: value}))
    refused(answer, 400, "PARAM_ERROR")


def test_characters_of_three_bytes_pass(merchant: Merchant) -> None:
    merchant.create("PLANE-0002", attach="海南€￿")
    assert merchant.query("PLANE-0002")["attach"] == "海南€￿"


def test_null_is_absent_for_an_optional_field_and_missing_for_a_required_one(merchant: Merchant) -> None:
    assert merchant.post(JSAPI, merchant.order("NULL-00001", attach=None)).status_code == 200
    told = refused(merchant.post(JSAPI, merchant.order("NULL-00002", description=None)), 400, "PARAM_ERROR")
    assert "必填" in told["message"]


def test_null_is_refused_where_a_switch_says_so(world: World, merchant: Merchant) -> None:
    world.switch("json_null", "refused")
    refused(merchant.post(JSAPI, merchant.order("NULL-00003", attach=None)), 400, "PARAM_ERROR")
    refused(merchant.post(JSAPI, merchant.order("NULL-00003", limit_pay=[None])), 400, "PARAM_ERROR")
    merchant.create("NULL-00003")


def test_unknown_fields_are_passed_over_unless_a_switch_says_otherwise(world: World, merchant: Merchant) -> None:
    merchant.create("EXTRA-0001", colour="red")
    world.switch("unknown_fields", "refused")
    answer = merchant.post(JSAPI, merchant.order("EXTRA-0002", colour="red"))
    assert refused(answer, 400, "PARAM_ERROR")["detail"]["field"] == "/colour"
    assert answer.headers["Request-ID"].endswith("-270924358")


@pytest.mark.parametrize("field", ["mchid"])
def test_p21_another_mchid_in_the_body_than_in_authorization(merchant: Merchant, field: str) -> None:
    answer = merchant.post(JSAPI, merchant.order("OTHER-0001", **{field: "1900000999"}))
    refused(answer, 400, "PARAM_ERROR", "http header中的mchid与post payload中的mchid不匹配")


@pytest.mark.parametrize(("changes", "says"), [
    ({"description": None}, "映射到字段“商品描述”必填性规则校验失败，此字段为必填项"),
    ({"amount": {"total": 0, "currency": "CNY"}}, "映射到数值字段“总金额”规则校验失败，值低于最小值 1"),
    ({"attach": "字" * 68}, "字节数 204，大于最大值 128"),
    ({"payer": {"openid": 7}}, "中，此字段需要一个 string 类型的 Json 值"),
    ({"out_trade_no": "a b c d e f"}, "字符串规则校验失败，字符串必须匹配正则表达式"),
    ({"notify_url": "https://shop.example/?a=1"}, "字符串规则校验失败，字符串必须匹配正则表达式"),
    ({"notify_url": "ftp://shop.example/"}, "字符串规则校验失败，字符串必须匹配正则表达式"),
])  # fmt: skip
def test_what_does_not_fit_is_said_in_the_gateways_words(
    merchant: Merchant, changes: dict[str, Any], says: str
) -> None:
    order = merchant.order("WORDS-0001") | changes
    told = refused(merchant.post(JSAPI, order), 400, "PARAM_ERROR")
    assert says in told["message"]
    assert told["detail"]["location"] == "body"

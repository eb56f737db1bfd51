"""How the back end speaks to WeChat Pay: what it signs, and what it believes."""

import json
import re
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tests.yibao.conftest import APIV3_KEY, TODAY
from yibao.providers import wechatpay
from yibao.providers.http import Unreachable, Untrusted, VendorRefused
from yibao.spaces import entered

JSAPI = "/v3/pay/transactions/jsapi"
ORDER = "/v3/pay/transactions/out-trade-no/T1"
SERIAL = "1234ABCD" * 5


@pytest.fixture(autouse=True)
def inside(yibao):
    with entered(yibao, "default"):
        yield


def order():
    return wechatpay.create_order("T1", "购药", 2581, "o1", "http://here.test/n", TODAY + timedelta(minutes=15))


def certificate(key, serial=SERIAL):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tenpay.com sample")])
    made = x509.CertificateBuilder(name, name, key.public_key(), int(serial, 16))
    made = made.not_valid_before(datetime.now(UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


def certificates(pem, serial=SERIAL):
    text = AESGCM(APIV3_KEY.encode()).encrypt(b"0123456789ab", pem, b"certificate")
    sealed = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "0123456789ab",
        "associated_data": "certificate",
        "ciphertext": b64encode(text).decode(),
    }
    return {"data": [{"serial_no": serial, "encrypt_certificate": sealed}]}


# what we send


def test_an_order_is_signed_over_what_is_sent(vendors, wechat_pay, merchant_key):
    vendors.on(JSAPI, wechat_pay.answer({"prepay_id": "wx1"}))
    assert order() == "wx1"
    call = vendors.calls[-1]
    scheme, _, rest = call.headers["Authorization"].partition(" ")
    said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert (scheme, said["mchid"], said["serial_no"]) == (wechatpay.SCHEME, "1900000001", "AA" * 20)
    text = f"POST\n/wechatpay{JSAPI}\n{said['timestamp']}\n{said['nonce_str']}\n".encode() + call.body + b"\n"
    merchant_key[0].public_key().verify(b64decode(said["signature"]), text, padding.PKCS1v15(), SHA256())
    assert call.headers["Wechatpay-Serial"] == wechat_pay.serial
    assert call.headers["Accept"] == "application/json"
    assert vendors.sent(JSAPI)[0]["amount"] == {"total": 2581, "currency": "CNY"}
    assert vendors.sent(JSAPI)[0]["time_expire"] == "2025-12-01T10:15:00+08:00"


def test_orders_are_queried_and_closed(vendors, wechat_pay):
    vendors.on(ORDER, wechat_pay.answer({"trade_state": "NOTPAY"}))
    vendors.on(f"{ORDER}/close", wechat_pay.answer())
    assert wechatpay.query_order("T1")["trade_state"] == "NOTPAY"
    assert vendors.calls[-1].url.endswith("?mchid=1900000001")
    wechatpay.close_order("T1")


def test_refunds_are_made_and_queried(vendors, wechat_pay):
    path = "/v3/refund/domestic/refunds"
    vendors.on(path, wechat_pay.answer({"status": "PROCESSING"}))
    vendors.on(f"{path}/R1", wechat_pay.answer({"status": "SUCCESS"}))
    wechatpay.create_refund("T1", "R1", 1, 2581, "退" * 40, "http://here.test/r")
    assert vendors.sent(path)[0]["reason"] == "退" * 26
    assert wechatpay.query_refund("R1")["status"] == "SUCCESS"


def test_people_of_a_medical_order_are_encrypted(vendors, wechat_pay, platform_key):
    vendors.on("/v3/med-ins/orders", wechat_pay.answer({"mix_trade_no": "M1"}))
    child = ("林样六", "birth_certificate", "Z990000006")
    payer = ("林样逝", "id_card", "46909919331006937x")
    wechatpay.create_medical_order({"mix_pay_type": "INSURANCE_ONLY"}, payer, child)
    sent = vendors.sent("/v3/med-ins/orders")[0]
    oaep = padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)
    opened = {key: platform_key[0].decrypt(b64decode(sent["payer"][key]), oaep) for key in ("name", "id_digest")}
    assert opened["name"].decode() == "林样逝"
    assert opened["id_digest"].decode() == wechatpay.id_digest("46909919331006937X")
    assert sent["relative"]["card_type"] == "HOUSEHOLD_REGISTRATION"
    assert sent["pay_for_relatives"] is True
    assert sent["appid"] == "wx0000000000000001"


def test_an_order_for_oneself_has_no_relative(vendors, wechat_pay):
    vendors.on("/v3/med-ins/orders", wechat_pay.answer({"mix_trade_no": "M1"}))
    wechatpay.create_medical_order({}, ("林样一", "id_card", "469099198803159034"))
    sent = vendors.sent("/v3/med-ins/orders")[0]
    assert sent["pay_for_relatives"] is False
    assert "relative" not in sent


def test_the_published_digest_comes_out():
    assert wechatpay.id_digest("44030019000101123x") == "09eb26e839ff3a2e3980352ae45ef09e"
    assert wechatpay.id_digest("440300900101231") == wechatpay.id_digest("440300199001012310")


def test_medical_orders_are_queried_and_their_refund_is_reported(vendors, wechat_pay):
    vendors.on("/v3/med-ins/orders/out-trade-no/T1", wechat_pay.answer({"mix_trade_no": "M1"}))
    vendors.on("/v3/med-ins/orders/mix-trade-no/M1", wechat_pay.answer({"mix_trade_no": "M1"}))
    vendors.on("/v3/med-ins/refunds/notify", wechat_pay.answer())
    assert wechatpay.query_medical_order("T1") == wechatpay.query_mixed_order("M1")
    wechatpay.report_medical_refund("M1", "R1", 3, 2, 1, TODAY)
    assert vendors.sent("/v3/med-ins/refunds/notify")[0]["med_refund_total_fee"] == 6


def test_what_the_phone_gets_is_signed_by_the_merchant(merchant_key):
    given = wechatpay.pay_parameters("wx1")
    text = f"{given['appId']}\n{given['timeStamp']}\n{given['nonceStr']}\nprepay_id=wx1\n"
    key = merchant_key[0].public_key()
    key.verify(b64decode(given["paySign"]), text.encode(), padding.PKCS1v15(), SHA256())
    assert (given["package"], given["signType"]) == ("prepay_id=wx1", "RSA")


def test_without_cash_the_phone_gets_the_number_alone():
    assert wechatpay.medical_pay_parameters("M1", None) == {"mixTradeNo": "M1"}
    assert {"mixTradeNo", "paySign"} <= set(wechatpay.medical_pay_parameters("M1", "wx1"))


# what we believe


@pytest.mark.parametrize(
    "change",
    [
        {"Wechatpay_Signature": "AAAA"},
        {"Wechatpay_Signature": "WECHATPAY/SIGNTEST/AAAA"},
        {"Wechatpay_Signature": "不是"},
        {"Wechatpay_Timestamp": ""},
        {"Wechatpay_Timestamp": "²"},
        {"Wechatpay_Nonce": "other"},
        {"Wechatpay_Serial": ""},
        {"Wechatpay_Serial": "PUB_KEY_ID_0000000000000009"},
    ],
)
def test_an_answer_with_a_wrong_seal_says_nothing(vendors, wechat_pay, change):
    body = b'{"prepay_id":"wx1"}'
    vendors.on("/v3/certificates", (404, b'{"code":"RESOURCE_NOT_EXISTS"}', {}))
    vendors.on(JSAPI, (200, body, {**wechat_pay.headers(body, **change)}))
    with pytest.raises((Unreachable, VendorRefused)):
        order()


@pytest.mark.parametrize("off", [-301, 301])
def test_an_old_answer_says_nothing(vendors, wechat_pay, off):
    body = b'{"prepay_id":"wx1"}'
    vendors.on(JSAPI, (200, body, wechat_pay.headers(body, int(time.time()) + off)))
    with pytest.raises(Unreachable, match="five minutes"):
        order()


@pytest.mark.parametrize("body", [b"[]", b"<html>"])
def test_a_signed_answer_must_still_be_an_object(vendors, wechat_pay, body):
    vendors.on(JSAPI, (200, body, wechat_pay.headers(body)))
    with pytest.raises(Unreachable):
        order()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, b'{"code":"OUT_TRADE_NO_USED","message":"x"}', "OUT_TRADE_NO_USED"),
        (401, b'{"code":"SIGN_ERROR"}', "SIGN_ERROR"),
        (404, b"", "HTTP_404"),
        (405, b"<html>", "HTTP_405"),
        (400, b"[]", "HTTP_400"),
    ],
)
def test_a_refusal_has_wechat_pays_code(vendors, status, body, code):
    vendors.on(JSAPI, (status, body, {}))
    with pytest.raises(VendorRefused) as caught:
        order()
    assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize(("request_id", "inner"), [("08F9-268547120", 268547120), ("", 0), ("08F9-x", 0), ("²", 0)])
def test_the_number_behind_a_refusal_is_read_from_its_request_id(vendors, request_id, inner):
    vendors.on(JSAPI, (400, b'{"code":"PARAM_ERROR"}', {"Request-ID": request_id}))
    with pytest.raises(VendorRefused) as caught:
        order()
    assert caught.value.inner == inner


@pytest.mark.parametrize("status", [502, 500, 429, 202])
def test_a_server_error_too_fast_or_not_yet_says_nothing(vendors, status):
    vendors.on(JSAPI, (status, b'{"code":"SYSTEM_ERROR"}', {}))
    with pytest.raises(Unreachable):
        order()


def read(wechat_pay, body, **change):
    return wechatpay.read_notice(wechat_pay.headers(body, **change), body)


def test_a_notice_is_verified_and_opened(wechat_pay):
    notice = read(wechat_pay, wechat_pay.notice("TRANSACTION.SUCCESS", {"out_trade_no": "T1"}))
    assert notice == wechatpay.Notice("EV-1", "TRANSACTION.SUCCESS", {"out_trade_no": "T1"})


def test_one_changed_byte_spoils_a_notice(wechat_pay):
    body = wechat_pay.notice("TRANSACTION.SUCCESS", {})
    with pytest.raises(Untrusted, match="Signature is wrong"):
        wechatpay.read_notice(wechat_pay.headers(body), body + b" ")


@pytest.mark.parametrize(
    "change", [{"Wechatpay_Signature_Type": "WECHATPAY2-SM2-WITH-SM3"}, {"Wechatpay_Nonce": "x"}]
)
def test_other_headers_spoil_a_notice(wechat_pay, change):
    with pytest.raises(Untrusted):
        read(wechat_pay, wechat_pay.notice("TRANSACTION.SUCCESS", {}), **change)


@pytest.mark.parametrize(
    "damage",
    [{"algorithm": "NONE"}, {"ciphertext": "AAAA"}, {"ciphertext": "不"}, {"nonce": "ba9876543210"}, {"nonce": None}],
)
def test_a_signed_notice_that_cannot_be_opened_is_not_trusted(wechat_pay, damage):
    with pytest.raises(Untrusted):
        read(wechat_pay, wechat_pay.notice("TRANSACTION.SUCCESS", {}, **damage))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"1","resource":5}', b"null"])
def test_a_signed_body_that_is_no_notice_is_not_trusted(wechat_pay, body):
    with pytest.raises(Untrusted):
        read(wechat_pay, body)


@pytest.mark.parametrize("inside_", [[], "x", None])
def test_what_is_inside_must_be_an_object(wechat_pay, inside_):
    with pytest.raises(Untrusted):
        read(wechat_pay, wechat_pay.notice("TRANSACTION.SUCCESS", inside_))
    with pytest.raises(Untrusted):
        read(wechat_pay, wechat_pay.notice("TRANSACTION.SUCCESS", {}, number=""))


def test_a_notice_signed_by_a_new_certificate_makes_us_fetch_it_once(vendors, wechat_pay, platform_key):
    vendors.on("/v3/certificates", wechat_pay.answer(certificates(certificate(platform_key[0]))))
    body = wechat_pay.notice("TRANSACTION.SUCCESS", {"a": 1})
    for serial in (SERIAL, SERIAL.lower(), "00" + SERIAL):
        assert read(wechat_pay, body, Wechatpay_Serial=serial).resource == {"a": 1}
    assert len(vendors.sent("/v3/certificates")) == 1


def test_unknown_serials_cannot_make_us_ask_all_the_time(vendors, wechat_pay, platform_key):
    vendors.on("/v3/certificates", wechat_pay.answer(certificates(certificate(platform_key[0]))))
    for serial in ("BB" * 20, "CC" * 20):
        with pytest.raises(Untrusted, match="Serial"):
            read(wechat_pay, b"{}", Wechatpay_Serial=serial)
    assert len(vendors.sent("/v3/certificates")) == 1


def test_certificates_that_do_not_open_are_no_certificates(vendors, wechat_pay):
    vendors.on("/v3/certificates", wechat_pay.answer({"data": [{"serial_no": SERIAL}]}))
    with pytest.raises(Unreachable):
        read(wechat_pay, b"{}", Wechatpay_Serial=SERIAL)


def test_a_merchant_may_have_a_certificate_only(vendors, wechat_pay, platform_key, accounts):
    pem = certificate(platform_key[0]).decode()
    without = {"public_key_id": "", "public_key": "", "platform_serial_no": SERIAL, "platform_certificate": pem}
    accounts["wechatpay"].update(without)
    body = b'{"mix_trade_no":"M1"}'
    vendors.on("/v3/med-ins/orders", (200, body, wechat_pay.headers(body, Wechatpay_Serial=SERIAL)))
    payer = ("林样一", "id_card", "469099198803159034")
    assert wechatpay.create_medical_order({}, payer)["mix_trade_no"] == "M1"
    assert vendors.calls[-1].headers["Wechatpay-Serial"] == SERIAL


def test_what_a_notice_is_answered_with():
    assert (wechatpay.ack().status_code, wechatpay.ack().data) == (204, b"")
    answer = wechatpay.nack("验签失败")
    assert (answer.status_code, json.loads(answer.data)) == (401, {"code": "FAIL", "message": "验签失败"})

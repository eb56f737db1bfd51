"""POST /v3/security/echo and sealed fields (protocol sheet §1.8, §2.3; checks 28 to 30)."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conformance.receiver import Receiver
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

ECHO = "/v3/security/echo"


def unsealed(merchant: Merchant, sealed: str) -> str:
    return merchant.key.decrypt(b64decode(sealed), OAEP(MGF1(SHA1()), SHA1(), None)).decode()


@pytest.mark.parametrize("key", ["public_key_id", "platform_serial_no"])
def test_the_echo_comes_back_sealed_for_the_merchant(merchant: Merchant, key: str) -> None:
    merchant.serial = merchant.held[key]
    answer = merchant.post(ECHO, {"echo_message": "你好", "encrypted_echo_message": merchant.seal("林样一")})
    assert merchant.verifies(answer) == merchant.held[key]
    assert answer.json["echo_message"] == "你好"
    assert unsealed(merchant, answer.json["encrypted_echo_message"]) == "林样一"


@pytest.mark.parametrize("who", ["merchant", "partner"])
def test_the_echo_is_told_with_empty_associated_data(
    world: World, merchant: Merchant, partner: Merchant, who: str
) -> None:
    caller = {"merchant": merchant, "partner": partner}[who]
    receiver = Receiver(world, caller)
    asked = {"echo_message": "hello", "encrypted_echo_message": caller.seal("x"), "notify_url": f"{NOTIFY}/echo"}
    assert caller.post(ECHO, asked).status_code == 200
    receiver.wait("1m")
    [one] = receiver.heard
    assert receiver.verified() == [True]
    assert (one.url, one.told["event_type"]) == (f"{NOTIFY}/echo", "SECURITY_ECHO.SUCCESS")
    assert one.told["summary"] == "回调通知成功"
    resource = one.told["resource"]
    assert (resource["original_type"], resource["associated_data"]) == ("security", "")
    plain = json.loads(caller.open(resource))
    assert plain["echo_message"] == "hello"
    assert unsealed(caller, plain["encrypt_echo_message"]) == "x"


def test_an_echo_without_address_tells_nobody_and_needs_no_sealed_part(world: World, merchant: Merchant) -> None:
    answer = merchant.post(ECHO, {"echo_message": "hello"})
    assert answer.json == {"echo_message": "hello"}
    assert not world.events()


@pytest.mark.parametrize(("headers", "changes", "message"), [
    ({"Wechatpay-Serial": None}, {}, "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)"),
    ({"Wechatpay-Serial": "A" * 40}, {}, "平台证书序列号Wechatpay-Serial错误"),
    ({"Wechatpay-Serial": "PUB_KEY_ID_9"}, {}, "平台证书序列号Wechatpay-Serial错误"),
    ({}, {"encrypted_echo_message": "hello"}, "请确认待处理的消息是否为加密后的密文"),
    ({}, {"encrypted_echo_message": "aGVsbG8="}, "请确认待处理的消息是否为加密后的密文"),
    ({}, {"echo_message": None}, None),
    ({}, {"notify_url": "https://shop.example/?a=1"}, None),
])  # fmt: skip
def test_p28_p29_p30_what_is_wrong_with_sealed_fields(
    merchant: Merchant, headers: dict[str, str | None], changes: dict[str, Any], message: str | None
) -> None:
    asked = {"echo_message": "hello", "encrypted_echo_message": merchant.seal("x"), **changes}
    refused(merchant.post(ECHO, asked, headers=headers), 400, "PARAM_ERROR", message)


def test_what_was_sealed_with_another_digest_or_key_does_not_open(merchant: Merchant) -> None:
    key = merchant.platform_key(merchant.held["public_key_id"])
    sealed = key.encrypt(b"x", OAEP(MGF1(SHA256()), SHA256(), None))
    asked = {"echo_message": "hello", "encrypted_echo_message": b64encode(sealed).decode()}
    refused(merchant.post(ECHO, asked), 400, "PARAM_ERROR", "请确认待处理的消息是否为加密后的密文")


def test_214_bytes_are_the_most_that_can_be_sealed(merchant: Merchant) -> None:
    answer = merchant.post(ECHO, {"echo_message": "x", "encrypted_echo_message": merchant.seal("a" * 214)})
    assert unsealed(merchant, answer.json["encrypted_echo_message"]) == "a" * 214
    with pytest.raises(ValueError):
        merchant.seal("a" * 215)

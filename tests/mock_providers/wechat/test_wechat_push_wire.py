"""The push envelope against vectors neither side wrote (§5.1–§5.3)."""

import tomllib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from mock_providers.wechat import push_wire
from tests.mock_providers.wechat.inbox import opened

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "wechat.toml").read_text("utf-8"))
TOKEN, KEY, APPID = "AAAAA", "A" * 43, "wxba5fad812f8e6fb9"
REVOKE = {
    "ToUserName": "gh_97417a04a28d",
    "FromUserName": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "CreateTime": 1714112445,
    "MsgType": "event",
    "Event": "user_authorization_revoke",
    "OpenID": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "AppID": APPID,
    "RevokeInfo": "8",
}


@pytest.mark.parametrize("vector", VECTORS["push_signature"])
def test_the_published_signatures_come_out(vector: dict[str, Any]) -> None:
    assert push_wire.signature(TOKEN, vector["timestamp"], vector["nonce"]) == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS["push_envelope"], ids=lambda vector: vector["source"][-12:])
def test_w52_the_published_envelopes_come_out_and_open(vector: dict[str, Any]) -> None:
    message = vector["message"].encode()
    encrypted = push_wire.encrypt(message, KEY, APPID, vector["random"].encode())
    assert encrypted.startswith(vector.get("encrypted", vector.get("encrypted_begins")))
    assert push_wire.signature(TOKEN, vector["timestamp"], vector["nonce"], encrypted) == vector["msg_signature"]
    assert push_wire.decrypt(encrypted, KEY, APPID) == message
    if "padding" in vector:
        assert opened(encrypted, KEY)[2] == vector["padding"]


def test_a_message_in_xml_is_the_derived_vector_byte_for_byte() -> None:
    derived = VECTORS["push_envelope"][2]
    made = push_wire.as_xml(REVOKE)
    assert (made.decode(), len(made)) == (derived["message"], 395)
    assert len(b64decode(push_wire.encrypt(made, KEY, APPID, derived["random"].encode()))) == 448


def test_a_safe_push_carries_the_published_msg_signature() -> None:
    vector = VECTORS["push_envelope"][0]
    keys = {"push_token": TOKEN, "encoding_aes_key": KEY, "appid": APPID}
    message = push_wire.reply(vector["message"].encode())
    assert message is not None
    stamp = (vector["timestamp"], vector["nonce"], vector["random"].encode())
    query, body = push_wire.pushed(message, "safe", "json", keys, stamp)
    assert query["msg_signature"] == vector["msg_signature"]
    assert query["signature"] == vector["signature"]
    assert push_wire.reply(body) == {"ToUserName": message["ToUserName"], "Encrypt": vector["encrypted"]}


def test_the_last_character_of_the_key_may_carry_two_bits_that_mean_nothing() -> None:
    assert push_wire.key_of("A" * 42 + "B") == push_wire.key_of("A" * 43)


@pytest.mark.parametrize("spoiled", ["", "!", "AAAA", "A" * 44, "x" * 64])
def test_what_is_no_envelope_does_not_open(spoiled: str) -> None:
    with pytest.raises(push_wire.Undecryptable):
        push_wire.decrypt(spoiled, KEY, APPID)


def test_an_envelope_for_another_app_does_not_open() -> None:
    encrypted = push_wire.encrypt(b"x", KEY, "wx0000000000000000", b"0" * 16)
    with pytest.raises(push_wire.Undecryptable):
        push_wire.decrypt(encrypted, KEY, APPID)

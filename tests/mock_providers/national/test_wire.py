"""The payment centre's message against the fact sheet's vectors, and everything that can be wrong with one."""

import json
import tomllib
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.national import sm2, wire

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "nhsa.toml").read_text("utf-8"))
V, KEY = VECTORS["envelope"], VECTORS["sm2"]
HOSPITAL = wire.Party(V["app_id"], V["app_secret"], KEY["private"], KEY["public"])
CENTRE = HOSPITAL  # one key pair stands for both ends here
SECRET_KEY = wire.message_key(V["app_id"], V["app_secret"])


def envelope(**change: Any) -> bytes:
    fields = {
        "appId": V["app_id"],
        "encType": "SM4",
        "encData": V["encdata"],
        "signType": "SM2",
        "signData": V["sign_data_app_secret"],
        "timestamp": V["timestamp"],
        "version": V["version"],
        **change,
    }
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


def text() -> str:
    fields = {"appId": V["app_id"], "timestamp": V["timestamp"], "version": V["version"]}
    sent = {**json.loads(V["plain"]), "ecToken": "", "expContent": {}, "list": []}
    return wire.string_to_sign({**fields, "encType": "SM4", "signType": "SM2"}, sent, V["app_secret"])


def test_the_message_key() -> None:
    assert wire.encrypt(V["app_id"][:16].encode(), V["app_secret"].encode()) == V["keyhex"]
    assert V["sm4_key"].encode() == SECRET_KEY


def test_sm4_of_the_standard() -> None:
    key = bytes.fromhex(VECTORS["sm4"]["key_and_plain"])
    assert wire.encrypt(key, key).lower().startswith(VECTORS["sm4"]["block"])


def test_enc_data_is_exact_and_reads_in_either_case() -> None:
    assert wire.encrypt(SECRET_KEY, V["plain"].encode()) == V["encdata"]
    assert wire.decrypt(SECRET_KEY, V["encdata"].lower()).decode() == V["plain"]


def test_the_canonical_text_is_exact() -> None:
    assert text() == (
        f"appId={V['app_id']}&data={V['plain']}&encType=SM4&signType=SM2"
        f"&timestamp={V['timestamp']}&version=2.0.1&key={V['app_secret']}"
    )


@pytest.mark.parametrize("mode", ["appSecret", "default"])
def test_a_signature_holds_under_its_own_user_id_only(mode: str) -> None:
    party = replace(HOSPITAL, user_id=mode)
    right, wrong = V["sign_data_app_secret"], V["sign_data_default"]
    if mode == "default":
        right, wrong = wrong, right
    assert wire.signed_by(text(), right, party)
    assert not wire.signed_by(text(), wrong, party)
    fixed = sm2.sign(b64decode(KEY["private"]), text().encode(), party.signer, int(KEY["k"], 16))
    assert b64encode(fixed).decode() == right


def test_the_sheets_message_opens() -> None:
    assert wire.open_message(envelope(), CENTRE) == json.loads(V["plain"])
    assert wire.open_message(envelope(encData=V["encdata"].lower()), CENTRE)["userName"] == "测试"
    assert wire.open_message(envelope(extra={"any": "thing"}, transType=""), CENTRE)


def test_numbers_keep_their_spelling() -> None:
    data = wire.parse(b'{"b":300.00,"a":{"c":1.50,"n":null,"z":0},"f":false}')
    assert wire.compact(wire.pruned(data)) == '{"a":{"c":1.50,"z":0},"b":300.00,"f":false}'
    sealed = wire.seal(data, HOSPITAL, 1)
    assert wire.open_message(sealed, CENTRE)["b"].text == "300.00"


DER = b64encode(b"\x30\x45" + bytes(69)).decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"appId": ...}, "appId不能为空"),
        ({"appId": 7}, "appId不能为空"),
        ({"appId": "SIMAPPID000000000000000000000009"}, "appId不存在"),
        ({"encData": ""}, "encData不能为空"),
        ({"encData": "zz"}, "解密失败"),
        ({"encData": V["encdata"][:-2]}, "解密失败"),
        ({"encData": wire.encrypt(SECRET_KEY, b"[1]")}, "不是JSON对象"),
        ({"encData": wire.encrypt(SECRET_KEY, b"{")}, "合法的JSON"),
        ({"encData": wire.encrypt(SECRET_KEY, b'{"a":"\\ud800"}')}, "合法的JSON"),
        ({"encType": "AES"}, "encType"),
        ({"signType": ...}, "signType"),
        ({"version": "1.0.0"}, "version"),
        ({"timestamp": "now"}, "timestamp"),
        ({"timestamp": "1735787045001"}, "验签失败"),
        ({"signData": DER}, "验签失败"),
        ({"signData": "??"}, "base64"),
        ({"signData": "é"}, "base64"),
        ({"signData": V["sign_data_default"]}, "验签失败"),
    ],
)
def test_a_message_that_is_wrong_says_how(change: dict[str, Any], says: str) -> None:
    with pytest.raises(wire.Malformed, match=says):
        wire.open_message(envelope(**change), CENTRE)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff\xfe", b"NaN", b"[" * 100_000, b"1" * 5000, b'"x"'])
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.open_message(body, CENTRE)
    assert wire.app_id(body) == ""


def test_a_key_that_is_none_is_a_refusal_too() -> None:
    with pytest.raises(wire.Malformed, match="验签"):
        wire.open_message(envelope(), replace(CENTRE, other_public_key="AAAA"))
    with pytest.raises(wire.Malformed, match="16"):
        wire.message_key("short", "secret")


def test_answers_are_signed_and_verify() -> None:
    body = json.loads(wire.answer({"payOrdId": "ORD1", "feeSumamt": "300.00", "x": None}, CENTRE, 5))
    assert (body["code"], body["success"], body["version"]) == (0, True, "2.0.1")
    data = json.loads(wire.decrypt(SECRET_KEY, body["encData"]))
    assert data == {"feeSumamt": "300.00", "payOrdId": "ORD1"}
    said = wire.string_to_sign(body, data, V["app_secret"])
    assert "&message=成功&signType=SM2&success=true&" in said
    assert wire.signed_by(said, body["signData"], HOSPITAL)


def test_a_refusal_is_signed_without_data() -> None:
    body = json.loads(wire.refusal("就诊凭证编号不能为空", CENTRE, 5, wire.PRESCRIPTION))
    assert "encData" not in body and body["code"] == -1 and not body["success"]
    assert wire.signed_by(wire.string_to_sign(body, None, V["app_secret"]), body["signData"], HOSPITAL)
    assert json.loads(wire.stranger("appId不存在"))["message"] == "appId不存在"


def test_the_app_is_found_without_trusting_anything() -> None:
    assert wire.app_id(envelope()) == V["app_id"]
    assert wire.app_id(envelope(appId=["x"])) == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="utf-8"), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcDE_", max_size=4), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abcXYZ", min_size=1, max_size=5), anything, max_size=5))
def test_whatever_is_sealed_opens_to_the_same_without_its_empty_parts(data: dict[str, Any]) -> None:
    if not wire.pruned(data):
        return
    assert wire.open_message(wire.seal(data, HOSPITAL, 1735787045000), CENTRE) == wire.pruned(data)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | anything.map(lambda v: json.dumps(v).encode()))
def test_garbage_is_malformed_and_nothing_else(body: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.open_message(body, CENTRE)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["appId", "encData", "signData", "timestamp", "version", "encType"]), anything)
def test_a_field_of_any_kind_is_malformed_and_nothing_else(name: str, value: Any) -> None:
    with pytest.raises(wire.Malformed):
        wire.open_message(envelope(**{name: value}), CENTRE)

"""Our half's SM2, SM3 and SM4 against published vectors and a second implementation."""

import json
from base64 import b64decode, b64encode

import pytest
from gmssl import sm2 as gm
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.yibao.conftest import MIP, SM2_PRIVATE, SM2_PUBLIC
from yibao.providers import sealed, sm2
from yibao.providers.http import Untrusted

K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
SECRET = MIP["app_secret"]
PLAIN = {
    "userName": "测试",
    "idNo": "460100199001010014",
    "idType": "01",
    "orgCodg": "P46010000001",
    "payOrdId": "ORD460100202501020304050001",
    "payToken": "TOK0001",
    "ecToken": "",
    "expContent": {},
    "list": [],
}
ENC_DATA = (
    "D4C9EF8D823C552D8F52C7243B9459BF52170670816DAC85CC448963E43BEC1A37C3EF0186DE6FD2F34F7A4338C7DD68D188AD4419D9EDF4"
    "70CC4B4A0BE83CCC449A352BA02FC32D50A678F8630D613A40A5F245900A49E25D024D3258CFA65E464768B439E745C64A850BE9D1ED97D7"
    "34E775FF3E3AA98AD4FE21AD8909D5CEC9F513FEDA54BE7650090276E980B43E13A2E49EDDC2FF2D437E961C36FB4389"
)
SIGNATURES = {
    SECRET: "kW3A0fPAW2/w/9x9yE1EVf7iAUmIMY3INcAdO7XhytCSsU/7Y5yKpjf9CPeoqALXfM4hEsttxyUuJjrgi4A+sw==",
    "1234567812345678": "lGRYVBjNqp5MQXeWDWbI9nokzW69jFva7GzCAcxVzciAx3JxSYmXjl8j5WQA+AGcmfJmw+wkWA1+gFxfQh1PFw==",
}


def message():
    return sealed.seal(PLAIN, MIP, "1735787045000", "2.0.1")


def signing_text():
    return sealed.signing_text({**message(), "data": PLAIN}, SECRET)


def test_sm3_of_abc():
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@pytest.mark.parametrize("user_id", SIGNATURES)
def test_the_published_signatures_come_out(user_id):
    signed = sm2.sign(SM2_PRIVATE, signing_text().encode(), user_id.encode(), K)
    assert b64encode(signed).decode() == SIGNATURES[user_id]
    assert sm2.verify(SM2_PUBLIC, signing_text().encode(), signed, user_id.encode())


def test_the_standards_own_example_comes_out():
    signed = sm2.sign(SM2_PRIVATE, b"message digest", b"1234567812345678", K).hex().upper()
    assert signed.startswith("F5A03B06")
    assert signed.endswith("85BBC1AA")


@settings(max_examples=8, deadline=None)
@given(st.binary(max_size=200))
def test_a_second_implementation_agrees(text):
    public = b64decode(SM2_PUBLIC)[1:].hex()
    other = gm.CryptSM2(b64decode(SM2_PRIVATE).hex(), public)
    ours = sm2.sign(SM2_PRIVATE, text, b"1234567812345678")
    assert other.verify_with_sm3(ours.hex(), text)
    theirs = bytes.fromhex(other.sign_with_sm3(text))
    assert sm2.verify(SM2_PUBLIC, text, theirs, b"1234567812345678")


def test_other_texts_ids_and_nonsense_are_not_signed():
    signed = sm2.sign(SM2_PRIVATE, b"one", b"id")
    assert sm2.verify(SM2_PUBLIC, b"one", signed, b"id")
    assert not sm2.verify(SM2_PUBLIC, b"two", signed, b"id")
    assert not sm2.verify(SM2_PUBLIC, b"one", signed, b"other")
    for nonsense in (b"", signed[:63], signed + b"\0", bytes(64), b"\xff" * 64, sm2.N.to_bytes(32) * 2):
        assert not sm2.verify(SM2_PUBLIC, b"one", nonsense, b"id")
    r, s = 5, sm2.N - 5  # r + s = 0
    assert not sm2.verify(SM2_PUBLIC, b"one", r.to_bytes(32) + s.to_bytes(32), b"id")


@pytest.mark.parametrize("key", ["", "AAAA", b64encode(b"\x04" + bytes(64)).decode(), "不是"])
def test_a_key_off_the_curve_is_no_key(key):
    with pytest.raises(ValueError, match=r".+"):
        sm2.verify(key, b"", bytes(64), b"")


def test_points_add_up():
    two = sm2._double(sm2.G)
    assert sm2._affine(sm2._plus(sm2.G, sm2.G)) == sm2._affine(two)
    negative = (sm2.GX, sm2.P - sm2.GY, 1)
    assert sm2._plus(sm2.G, negative) == sm2.INFINITY
    assert sm2._double(sm2.INFINITY) == sm2.INFINITY
    assert sm2._times(sm2.N, sm2.G)[2] == 0


def test_the_published_message_comes_out():
    assert message()["encData"] == ENC_DATA
    assert sealed.message_key(MIP["app_id"], SECRET) == b"CADBC7691810BA9A"
    assert signing_text() == (
        "appId=SIMAPPID000000000000000000000001&data="
        '{"idNo":"460100199001010014","idType":"01","orgCodg":"P46010000001",'
        '"payOrdId":"ORD460100202501020304050001","payToken":"TOK0001","userName":"测试"}'
        "&encType=SM4&signType=SM2&timestamp=1735787045000&version=2.0.1&key=SIMSECRET00000000000000000000001"
    )


def test_what_was_sealed_opens_again_in_either_case_of_hex():
    opened = sealed.unseal({**message(), "encData": ENC_DATA.lower()}, MIP)
    assert opened == {key: value for key, value in PLAIN.items() if value}


def test_another_user_id_is_a_matter_of_the_account():
    regional = {**MIP, "sm2_user_id": "1234567812345678"}
    sent = sealed.seal(PLAIN, regional, "1", "2.0.1")
    assert sealed.unseal(sent, regional)["idType"] == "01"
    with pytest.raises(Untrusted):
        sealed.unseal(sent, MIP)


def test_numbers_keep_the_text_they_came_with():
    text = '{"a":12.50,"b":[1,{"c":1.0,"d":null}],"e":true}'
    data = json.loads(text, parse_float=sealed.Number)
    assert sealed.canonical(sealed.pruned(data)) == '{"a":12.50,"b":[1,{"c":1.0}],"e":true}'


@pytest.mark.parametrize(
    "damage",
    [
        {"encData": "00"},
        {"encData": "zz"},
        {"encData": None},
        {"signData": "AAAA"},
        {"signData": "不是"},
        {"signData": None},
        {"timestamp": "1735787045001"},
        {"appId": "SIMAPPID000000000000000000000002"},
        {"code": 0},
    ],
)
def test_a_damaged_message_is_not_trusted(damage):
    with pytest.raises(Untrusted):
        sealed.unseal({**message(), **damage}, MIP)


def test_a_sealed_list_is_not_business_data():
    sent = message()
    sent["encData"] = sealed.encrypt("[1]", MIP["app_id"], SECRET)
    with pytest.raises(Untrusted):
        sealed.unseal(sent, MIP)

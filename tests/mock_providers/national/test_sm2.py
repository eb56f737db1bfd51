"""SM2 against the standard's example, the fact sheet's vectors, and a second implementation (gmssl)."""

import tomllib
from base64 import b64decode
from pathlib import Path

import pytest
from gmssl.sm2 import CryptSM2
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.national import sm2

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "nhsa.toml").read_text("utf-8"))
KEY = VECTORS["sm2"]
PRIVATE, PUBLIC = b64decode(KEY["private"]), b64decode(KEY["public"])


def test_sm3_of_the_standard() -> None:
    assert sm2.sm3(VECTORS["sm3"]["message"].encode()).hex() == VECTORS["sm3"]["digest"]


def test_the_public_key_follows_from_the_private_one() -> None:
    assert sm2.public_of(PRIVATE) == PUBLIC


def test_the_standards_example_signature() -> None:
    signed = sm2.sign(PRIVATE, KEY["message"].encode(), KEY["user_id"].encode(), int(KEY["k"], 16)).hex().upper()
    r, s = signed[:64], signed[64:]
    assert r.startswith(KEY["r_begins"]) and r.endswith(KEY["r_ends"])
    assert s.startswith(KEY["s_begins"]) and s.endswith(KEY["s_ends"])
    assert sm2.verify(PUBLIC, KEY["message"].encode(), bytes.fromhex(signed))


def digest_for(message: bytes, user_id: bytes) -> bytes:
    return sm2.digest(PUBLIC, message, user_id).to_bytes(32)


def other() -> CryptSM2:
    return CryptSM2(private_key=PRIVATE.hex(), public_key=PUBLIC.hex()[2:])


@pytest.mark.parametrize("user_id", [sm2.DEFAULT_ID, b"SIMSECRET00000000000000000000001", "测试".encode()])
def test_gmssl_and_we_accept_each_other(user_id: bytes) -> None:
    message = b'appId=A&data={"a":"1"}&key=K'
    e = digest_for(message, user_id)
    assert other().verify(sm2.sign(PRIVATE, message, user_id).hex(), e)
    assert sm2.verify(PUBLIC, message, bytes.fromhex(other().sign(e, KEY["k"].lower())), user_id)


def test_gmssl_computes_the_same_signature_for_the_same_k() -> None:
    ours = sm2.sign(PRIVATE, b"same", b"id", int(KEY["k"], 16))
    assert other().sign(digest_for(b"same", b"id"), KEY["k"].lower()) == ours.hex()


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=40), st.binary(min_size=48, max_size=64))
def test_what_a_fresh_key_signs_verifies_and_a_changed_byte_does_not(text: bytes, who: bytes, grown: bytes) -> None:
    private = sm2.private_from(grown)
    public = sm2.public_of(private)
    signed = sm2.sign(private, text, who)
    assert sm2.verify(public, text, signed, who)
    assert not sm2.verify(public, text + b"!", signed, who)
    assert not sm2.verify(public, text, signed, who + b"!")
    assert not sm2.verify(public, text, bytes([signed[0] ^ 1]) + signed[1:], who)


def test_the_sum_of_two_equal_points_is_found_too() -> None:
    """s·G and t·P may meet: with d = 1 both are multiples of G."""
    table = sm2._table(sm2.G)
    twice = sm2._add((*sm2.G, 1), sm2.G)
    assert sm2._affine([twice]) == [table[0][1]]
    minus = (sm2.G[0], sm2.P - sm2.G[1])
    assert sm2._add((*sm2.G, 1), minus) == sm2.NOWHERE


def test_der_and_other_shapes_are_refused() -> None:
    signed = sm2.sign(PRIVATE, b"m")
    r, s = int.from_bytes(signed[:32]), int.from_bytes(signed[32:])
    parts = b"".join(b"\x02" + bytes([len(v)]) + v for v in (r.to_bytes(33), s.to_bytes(33)))
    der = b"\x30" + bytes([len(parts)]) + parts
    zero, big = bytes(32), sm2.N.to_bytes(32)
    mirrored = signed[:32] + (sm2.N - r).to_bytes(32)
    for wrong in (der, b"", signed[:63], signed + b"\0", zero + signed[32:], signed[:32] + big, mirrored):
        assert not sm2.verify(PUBLIC, b"m", wrong)


@pytest.mark.parametrize(
    "public", [b"", PUBLIC[:64], b"\x03" + PUBLIC[1:], PUBLIC[:-1] + b"\0", b"\x04" + b"\xff" * 64]
)
def test_a_public_key_off_the_curve_is_named_so(public: bytes) -> None:
    with pytest.raises(sm2.BadKey):
        sm2.verify(public, b"m", bytes(64))


@pytest.mark.parametrize("private", [b"", bytes(32), (sm2.N - 1).to_bytes(32), b"\xff" * 32])
def test_a_private_key_out_of_range_is_named_so(private: bytes) -> None:
    with pytest.raises(sm2.BadKey):
        sm2.sign(private, b"m")


def test_too_little_randomness_and_too_long_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="40 bytes"):
        sm2.private_from(b"short")
    with pytest.raises(ValueError, match="8191"):
        sm2.sign(PRIVATE, b"m", b"x" * 8192)
    assert len(sm2.new_private()) == 32


def test_a_fixed_k_that_gives_no_signature_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    k = int(KEY["k"], 16)
    r_is_zero = -sm2._x(sm2._multiply(sm2._base_table(), k)) % sm2.N
    monkeypatch.setattr(sm2, "digest", lambda *_: r_is_zero)
    with pytest.raises(ValueError, match="no signature"):
        sm2.sign(PRIVATE, b"m", k=k)

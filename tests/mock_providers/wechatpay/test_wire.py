"""Our side of the wire against published vectors, and round trips where none are published."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import accounts, keys
from mock_providers.wechatpay import payer, schema, wire

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "wechatpay.toml").read_text("utf-8"))
PUBLISHED = accounts.public_key(VECTORS["public_key"])


@pytest.fixture(scope="module")
def pair() -> tuple[Any, Any]:
    private, public = keys.rsa_pem()
    return accounts.private_key(private), accounts.public_key(public)


@pytest.mark.parametrize("v", VECTORS["request"])
def test_the_documented_request_signature(v: dict[str, Any]) -> None:
    message = wire.request_message(v["method"], v["target"], v["timestamp"], v["nonce"], v["body"].encode())
    assert wire.verify(PUBLISHED, message, v["signature"])
    assert not wire.verify(PUBLISHED, message + b"\n", v["signature"])


@pytest.mark.parametrize("v", VECTORS["pay_sign"])
def test_the_documented_pay_signature(v: dict[str, Any]) -> None:
    message = wire.pay_message(v["app_id"], v["timestamp"], v["nonce"], v["package"])
    assert wire.verify(PUBLISHED, message, v["signature"])


@pytest.mark.parametrize("v", VECTORS["id_digest"])
def test_the_documented_digest(v: dict[str, str]) -> None:
    assert payer.digest(v["id_number"]) == v["digest"]


@pytest.mark.parametrize("v", VECTORS["request_target"])
def test_the_target_without_our_prefixes(v: dict[str, str]) -> None:
    assert wire.bare_target(v["raw"]) == v["bare"]
    assert {v["raw"], v["bare"]} <= set(wire.targets(v["raw"], "team-1"))


@given(body=st.binary(max_size=200))
def test_what_is_signed_verifies_and_nothing_else(pair: tuple[Any, Any], body: bytes) -> None:
    private, public = pair
    signature = wire.sign(private, body)
    assert wire.verify(public, body, signature)
    assert not wire.verify(public, body + b"x", signature)


@pytest.mark.parametrize("signature", ["", "x", "AAAA", "WECHATPAY/SIGNTEST/x", "签名", "A" * 344])
def test_junk_is_no_signature(pair: tuple[Any, Any], signature: str) -> None:
    assert not wire.verify(pair[1], b"x", signature)


@given(plain=st.binary(max_size=500), label=st.text(max_size=16))
def test_aes_goes_there_and_back(plain: bytes, label: str) -> None:
    label = label.encode(errors="ignore").decode()
    sealed = wire.seal_aes("k" * 32, "n" * 12, label, plain)
    assert wire.open_aes("k" * 32, "n" * 12, label, sealed) == plain
    with pytest.raises(wire.Unreadable):
        wire.open_aes("k" * 32, "n" * 12, label + "x", sealed)


def test_rsa_goes_there_and_back(pair: tuple[Any, Any]) -> None:
    private, public = pair
    assert wire.open_rsa(private, wire.seal_rsa(public, "林样一")) == "林样一"
    for junk in ("", "plain", "林样一", "A" * 344):
        with pytest.raises(wire.Unreadable):
            wire.open_rsa(private, junk)


@given(random=st.binary(min_size=20, max_size=20))
def test_a_serial_number_has_forty_hex_digits_and_no_leading_zero(random: bytes) -> None:
    serial = wire.serial_number(random)
    assert len(f"{serial:X}") == 40
    assert f"{serial:X}"[0] in "1234567"


def test_a_certificate_is_real(pair: tuple[Any, Any]) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    pem = wire.certificate(pair[0], wire.serial_number(b"\0" * 20), "1900000001", "样例商户", now)
    found = load_pem_x509_certificate(pem.encode())
    assert found.not_valid_before_utc < now < found.not_valid_after_utc
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days == 5 * 365
    found.verify_directly_issued_by(found)
    assert wire.read_certificate(pem)[0] == pair[1]


@given(text=st.text(max_size=120))
def test_any_authorization_is_read_or_refused(text: str) -> None:
    try:
        wire.read_authorization(text)
    except (wire.Malformed, wire.UnknownScheme):
        return
    raise AssertionError("nobody writes one by accident")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
SHAPE = {
    "a": schema.Text(title="甲", most=3, least=2, pattern=r"^[ab]+$"),
    "b": schema.Whole(title="乙", least=1, most=5),
    "c": schema.Many(title="丙", of=schema.Group(title="丁", fields={"d": schema.Flag(title="戊", required=True)})),
    "e": schema.Word(title="己", words=("X",)),
}


@given(given_=st.dictionaries(st.sampled_from("abcex"), JSON))
def test_a_shape_fits_or_says_why(given_: dict[str, Any]) -> None:
    try:
        assert schema.read(SHAPE, given_).keys() <= SHAPE.keys()
    except schema.Invalid as invalid:
        assert "/body/" in invalid.message
        assert invalid.detail["location"] == "body"


@pytest.mark.parametrize("text", ["2026-01-01T09:00:00+08:00", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00.000Z"])
def test_an_instant_has_an_offset(text: str) -> None:
    assert schema.instant(text) == datetime(2026, 1, 1, 1, tzinfo=UTC)


@given(text=st.text(max_size=40) | st.from_regex(schema.RFC3339))
def test_any_other_instant_is_a_value_error(text: str) -> None:
    try:
        assert schema.instant(text).tzinfo is UTC
    except ValueError:
        return

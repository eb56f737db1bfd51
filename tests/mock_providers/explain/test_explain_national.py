"""Every mistake of an institution is made, and the explanation names exactly it, first."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.explain import centre, centre_texts, national, sm4
from mock_providers.explain.national import Secrets
from mock_providers.explain.parties import Channel
from mock_providers.explain.report import Mask
from mock_providers.national import sm2, wire

NOW = 1_735_787_045
SECRET, OTHER, SYSTEM = (
    "0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210",
    "another-systems-secret",
)
NUMBER = "0123456789abcdefABCDEF9876543210"
OWN = Secrets(
    "SIMPAAS", SECRET, {"secret_of_other_space": (OTHER,), "secret_of_other_system": (SYSTEM,)}, ("USEDNONCE",)
)


def sha(*parts: Any, name: str = "sha256") -> str:
    return hashlib.new(name, "".join(map(str, parts)).encode()).hexdigest()


def tif(signature: str, stamp: Any = NOW, nonce: str = NUMBER, paas: str = "SIMPAAS") -> dict[str, str]:
    said = {"paasid": paas, "timestamp": str(stamp), "nonce": nonce, "signature": signature}
    return {f"x-tif-{name}": value for name, value in said.items()}


RIGHT = sha(NOW, SECRET, NUMBER, NOW)
TIF: dict[str, Any] = {
    "part_order": lambda: tif(sha(NOW, NUMBER, SECRET, NOW)),
    "timestamp_ms": lambda: tif(sha(NOW * 1000, SECRET, NUMBER, NOW * 1000), NOW * 1000),
    "timestamp_twice": lambda: tif(sha(NOW + 1, SECRET, NUMBER, NOW + 1)),
    "timestamp_no_number": lambda: tif(sha("", SECRET, NUMBER), ""),
    "clock_ahead": lambda: tif(sha(NOW + 400, SECRET, NUMBER, NOW + 400), NOW + 400),
    "clock_behind": lambda: tif(sha(NOW - 400, SECRET, NUMBER, NOW - 400), NOW - 400),
    "nonce_rewritten": lambda: tif(sha(NOW, SECRET, NUMBER.lower(), NOW)),
    "other_nonce": lambda: tif(sha(NOW, SECRET, "USEDNONCE", NOW)),
    "nonce_used_before": lambda: tif(sha(NOW, SECRET, "USEDNONCE", NOW), nonce="USEDNONCE"),
    "secret_of_other_space": lambda: tif(sha(NOW, OTHER, NUMBER, NOW)),
    "secret_of_other_system": lambda: tif(sha(NOW, SYSTEM, NUMBER, NOW)),
    "secret_with_newline": lambda: tif(sha(NOW, SECRET + "\n", NUMBER, NOW)),
    "secret_quoted": lambda: tif(sha(NOW, f'"{SECRET}"', NUMBER, NOW)),
    "secret_case": lambda: tif(sha(NOW, SECRET.upper(), NUMBER, NOW)),
    "secret_empty": lambda: tif(sha(NOW, "", NUMBER, NOW)),
    "secret_decoded": lambda: tif(
        hashlib.sha256(str(NOW).encode() + bytes.fromhex(SECRET) + f"{NUMBER}{NOW}".encode()).hexdigest()
    ),
    "pem_as_key": lambda: tif(
        sha(NOW, f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----", NUMBER, NOW)
    ),
    "bom": lambda: tif(sha(NOW, "\ufeff" + SECRET, NUMBER, NOW)),
    "sm3_not_this": lambda: tif(sha(NOW, SECRET, NUMBER, NOW, name="sm3")),
    "md5_not_this": lambda: tif(sha(NOW, SECRET, NUMBER, NOW, name="md5")),
    "sha1_not_this": lambda: tif(sha(NOW, SECRET, NUMBER, NOW, name="sha1")),
    "hmac_not_hash": lambda: tif(
        hmac.new(SECRET.encode(), f"{NOW}{SECRET}{NUMBER}{NOW}".encode(), "sha256").hexdigest()
    ),
    "upper_case_hex": lambda: tif(RIGHT.upper()),
    "base64_not_hex": lambda: tif(b64encode(bytes.fromhex(RIGHT)).decode()),
    "signature_missing": lambda: tif(""),
    "signature_truncated": lambda: tif(RIGHT[:40]),
    "app_id_unknown": lambda: tif(RIGHT, paas="SOMEBODY"),
    "text_or_secret_unknown": lambda: tif("0" * 64),
}


@pytest.mark.parametrize("cause", TIF)
def test_x_tif_headers_with_this_mistake_are_explained_by_it(cause: str) -> None:
    assert national.tif(TIF[cause](), OWN, NOW).found[:1] == [cause]


def test_honest_headers_are_fine_and_the_published_vectors_too() -> None:
    assert national.tif(tif(RIGHT), OWN, NOW + 300).verdict == "ok"
    held = Secrets("P", "SIMPAASTOKEN0000000000000000001")
    shown = "2fe062520fd136a25b3a8e599f46d8eb908e48c556082ab907f8f0ca73ca0cfe"
    assert national.tif(tif(shown, paas="P", nonce="0123456789abcdef0123456789abcdef"), held, NOW).verdict == "ok"
    shown = "B157CE2082C6F62ACA7E3DCD3B37C1F48FCFB44873D4C65C35785AA2F5D7BF81"
    headers = {"x-ca-signature": f"{NOW}:{shown}"}
    assert national.ca(headers, b'{"infno":"9001"}', Secrets("", "SIMSECRET"), NOW).verdict == "ok"
    shown = "d40f1132299e0789c23951729e8c08cad98b68e2fcccf4370dffd53e3e6e8e51"
    headers = {"god-portal-timestamp": f"{NOW}000", "god-portal-signature": shown}
    partner = Secrets("SIMPARTNER01", "SIMPARTNERSECRET")
    assert national.portal("SIMPARTNER01", headers, b"{}", partner, NOW).verdict == "ok"


BODY = '{"infno":"9001","input":{"note":"药品"}}'.encode()


def ca(message: bytes, name: str = "sm3", secret: str = SECRET, stamp: Any = NOW, how: Any = None) -> dict[str, str]:
    made = hmac.new(secret.encode(), message, name).digest()
    return {"x-ca-signature": f"{stamp}:{how(made) if how else made.hex().upper()}"}


LINE = f"{NOW}\n".encode()
CA: dict[str, Any] = {
    "newline_missing": lambda: ca(str(NOW).encode() + BODY),
    "newline_extra": lambda: ca(LINE + BODY + b"\n"),
    "newline_literal": lambda: ca(f"{NOW}\\n".encode() + BODY),
    "crlf": lambda: ca(f"{NOW}\r\n".encode() + BODY),
    "part_order": lambda: ca(BODY + b"\n" + str(NOW).encode()),
    "sha256_not_this": lambda: ca(LINE + BODY, "sha256"),
    "hash_not_hmac": lambda: {"x-ca-signature": f"{NOW}:{sm2.sm3(LINE + BODY).hex().upper()}"},
    "lower_case_hex": lambda: ca(LINE + BODY, how=bytes.hex),
    "json_spaces": lambda: ca(LINE + json.dumps(json.loads(BODY), ensure_ascii=False).encode()),
    "json_unicode_escapes": lambda: ca(LINE + json.dumps(json.loads(BODY), separators=(",", ":")).encode()),
    "charset_gbk": lambda: ca(LINE + BODY.decode().encode("gb18030")),
    "body_of_another": lambda: ca(LINE + b'{"infno":"1101"}'),
    "body_left_out": lambda: ca(LINE),
    "secret_of_other_space": lambda: ca(LINE + BODY, secret=OTHER),
    "timestamp_ms": lambda: ca(f"{NOW * 1000}\n".encode() + BODY, stamp=NOW * 1000),
    "clock_behind": lambda: ca(f"{NOW - 999}\n".encode() + BODY, stamp=NOW - 999),
    "signature_missing": lambda: {"x-ca-signature": f"{NOW}:"},
}


@pytest.mark.parametrize("cause", CA)
def test_x_ca_headers_with_this_mistake_are_explained_by_it(cause: str) -> None:
    assert national.ca(CA[cause](), BODY, OWN, NOW, [b'{"infno":"1101"}']).found[:1] == [cause]


PARTNER = Secrets("SIMPARTNER000001", SECRET, {"secret_of_other_system": (SYSTEM,)})
MS = NOW * 1000 + 7


def portal(
    message: str, stamp: Any = MS, secret: str = SECRET, how: Callable[[str], str] = str, name: str = "sha256"
) -> Any:
    made = hmac.new(secret.encode(), message.encode(), name).hexdigest()
    heads = {"timestamp": str(stamp), "request-id": "r" * 32, "signature": how(made)}
    return {f"god-portal-{key}": value for key, value in heads.items()}


WHO = PARTNER.id
PORTAL: dict[str, Any] = {
    "timestamp_seconds": lambda: portal(f"{WHO}{NOW}"),
    "part_order": lambda: portal(f"{MS}{WHO}"),
    "upper_case_hex": lambda: portal(f"{WHO}{MS}", how=str.upper),
    "base64_not_hex": lambda: portal(f"{WHO}{MS}", how=lambda made: b64encode(bytes.fromhex(made)).decode()),
    "secret_of_other_system": lambda: portal(f"{WHO}{MS}", secret=SYSTEM),
    "portal_body": lambda: portal(f'{WHO}{MS}{{"qrcode":"1"}}'),
    "portal_request_id": lambda: portal(f"{WHO}{MS}{'r' * 32}"),
    "sm3_not_this": lambda: portal(f"{WHO}{MS}", name="sm3"),
    "hash_not_hmac": lambda: portal("", how=lambda _: sha(f"{WHO}{MS}")),
    "newline_extra": lambda: portal(f"{WHO}{MS}\n"),
}


@pytest.mark.parametrize("cause", PORTAL)
def test_god_portal_headers_with_this_mistake_are_explained_by_it(cause: str) -> None:
    assert national.portal(WHO, PORTAL[cause](), b'{"qrcode":"1"}', PARTNER, NOW).found[:1] == [cause]


def test_another_partner_number_is_named() -> None:
    assert national.portal("SOMEBODY", portal(f"SOMEBODY{MS}"), b"", PARTNER, NOW).found[:1] == ["app_id_unknown"]


# Sealed messages

APP, APP_SECRET = "SIMAPPID000000000000000000000001", "SIMsecret00000000000000000000001"
PRIVATE = "OUUgj3shRLE/NuOKxtOflYiTk2koYLUaQvuB7033xbg="
PLATFORM, SPACE = b64encode(bytes([7] * 32)).decode(), b64encode(bytes([9] * 32)).decode()


def public(private: str) -> str:
    return b64encode(sm2.public_of(b64decode(private))).decode()


CHANNEL = Channel(
    APP,
    APP_SECRET,
    public(PRIVATE),
    others={public(PLATFORM): "key_of_platform", public(SPACE): "key_of_other_space"},
    private=PRIVATE,
    apps=(("SIMAPPID00000000000000000000zzzz", "OTHERSECRET0000000000000000000001"),),
)
PLAIN = '{"userName":"测试","url":"http://a/b","zero":"","none":[],"amount":300.00,"list":[{"b":1,"a":2,"c":""}],"idNo":"1"}'


def body(
    *,
    text: Callable[[str], str] = lambda right: right,
    data: str | None = None,
    plain: str = PLAIN,
    private: str = PRIVATE,
    user_id: bytes | None = None,
    sm4: Callable[[bytes], str] | None = None,
    writing: Callable[[bytes], str] = lambda raw: b64encode(raw).decode(),
    signing: Callable[[bytes], bytes] | None = None,
    **fields: Any,
) -> bytes:
    """A message whose maker signs `text` of the right string, or one with `data` in the data's place."""
    said = {"appId": APP, "encType": "SM4", "signType": "SM2", "timestamp": f"{NOW}000", "version": "2.0.1", **fields}
    right = wire.string_to_sign(said, wire.parse(plain), APP_SECRET)
    canonical = wire.compact(wire.pruned(wire.parse(plain)))
    message = text(right if data is None else right.replace(canonical, data)).encode()
    signature = signing(message) if signing else sm2.sign(b64decode(private), message, user_id or APP_SECRET.encode())
    key = wire.message_key(APP, APP_SECRET)
    sealed = sm4(plain.encode()) if sm4 else wire.encrypt(key, plain.encode())
    return json.dumps({**said, "encData": sealed, "signData": writing(signature)}).encode()


def sm3_signed(digest: Callable[[bytes, bytes], bytes]) -> Callable[[bytes], bytes]:
    """Signed over a digest of somebody's own making."""

    def sign(message: bytes) -> bytes:
        d, k = int.from_bytes(b64decode(PRIVATE)), 0x1234567
        z = sm2.identity(b64decode(public(PRIVATE)), APP_SECRET.encode())
        r = (int.from_bytes(digest(z, message)) + int.from_bytes(sm2.public_of(k.to_bytes(32))[1:33])) % sm2.N
        s = (k - r * d) * pow(1 + d, -1, sm2.N) % sm2.N
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


def der(raw: bytes) -> str:
    return b64encode(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))).decode()


def under(key: bytes, plain: bytes, mode: Any = None) -> str:
    pad = PKCS7(128).padder()
    coder = Cipher(SM4(key), mode or sm4.BLOCKWISE).encryptor()
    return (coder.update(pad.update(plain) + pad.finalize()) + coder.finalize()).hex().upper()


def dumped(value: Any) -> str:
    return wire.compact(value)


DATA = wire.parse(PLAIN)
PRUNED = wire.pruned(DATA)
MESSAGE_KEY = wire.message_key(APP, APP_SECRET)
HEXKEY = wire.encrypt(APP[:16].encode(), APP_SECRET.encode())
FIELDS = ("appId", "encType", "signType", "timestamp", "version")


def swapped(text: str) -> str:
    """appId after data: the order in which somebody wrote them down."""
    head, _, rest = text.partition("&data=")
    data, _, tail = rest.partition("&encType=")
    return f"{head}&encType={tail.replace('&key=', f'&data={data}&key=')}"


SEALED: dict[str, Any] = {
    "sm2_user_id": lambda: body(user_id=sm2.DEFAULT_ID),
    "der_not_raw": lambda: body(writing=der),
    "hex_not_base64": lambda: body(writing=bytes.hex),
    "hex_then_base64": lambda: body(writing=lambda raw: b64encode(raw.hex().encode()).decode()),
    "base64url": lambda: body(
        signing=lambda m: _with_odd_letters(m), writing=lambda raw: urlsafe_b64encode(raw).decode()
    ),
    "base64_line_breaks": lambda: body(
        writing=lambda raw: b64encode(raw).decode()[:64] + "\n" + b64encode(raw).decode()[64:]
    ),
    "signature_truncated": lambda: body(writing=lambda raw: b64encode(raw[:48]).decode()),
    "signature_missing": lambda: body(writing=lambda raw: ""),
    "not_base64": lambda: body(writing=lambda raw: "!" + b64encode(raw).decode()[1:]),
    "signature_out_of_range": lambda: body(writing=lambda raw: b64encode(b"\xff" * 64).decode()),
    "sm2_without_z": lambda: body(signing=sm3_signed(lambda z, m: sm2.sm3(m))),
    "sha256_not_sm3": lambda: body(signing=sm3_signed(lambda z, m: hashlib.sha256(z + m).digest())),
    "hashed_twice": lambda: body(signing=sm3_signed(lambda z, m: sm2.sm3(z + sm2.sm3(m)))),
    "key_of_platform": lambda: body(private=PLATFORM),
    "key_of_other_space": lambda: body(private=SPACE),
    "pem_as_key": lambda: body(private=b64encode(b64decode("BEGINPRIVATEKEY" + PRIVATE + "=")[:32]).decode()),
    "text_or_key_unknown": lambda: body(private=b64encode(bytes([3] * 32)).decode()),
    "sign_type_left_out": lambda: body(text=lambda t: t.replace("&encType=SM4&signType=SM2", "")),
    "field_left_in": lambda: body(
        text=lambda t: t.replace("&encType=SM4", f"&encData={under(MESSAGE_KEY, PLAIN.encode())}&encType=SM4")
    ),
    "field_left_out": lambda: body(text=lambda t: t.replace("&version=2.0.1", "")),
    "empty_left_in": lambda: body(transType="", text=lambda t: t.replace("&version", "&transType=&version")),
    "keys_unsorted": lambda: body(text=swapped),
    "data_unsorted": lambda: body(data=dumped(centre_texts.pruned_only(DATA))),
    "data_not_pruned": lambda: body(data=dumped(centre_texts.in_order(DATA))),
    "data_pruned_shallow": lambda: body(
        data=dumped({k: v for k, v in centre_texts.in_order(DATA).items() if v not in ("", [])})
    ),
    "data_encrypted_signed": lambda: body(data=under(MESSAGE_KEY, PLAIN.encode())),
    "data_left_out": lambda: body(text=lambda t: t.replace(f"&data={dumped(PRUNED)}", "")),
    "data_quoted": lambda: body(data=json.dumps(dumped(PRUNED), ensure_ascii=False)),
    "numbers_reformatted": lambda: body(data=dumped(json.loads(dumped(PRUNED)))),
    "json_spaces": lambda: body(plain='{"a":"1","b":"2"}', data='{"a": "1", "b": "2"}'),
    "json_unicode_escapes": lambda: body(plain='{"a":"测试"}', data='{"a":"\\u6d4b\\u8bd5"}'),
    "json_slash_escapes": lambda: body(plain='{"a":"x/y"}', data='{"a":"x\\/y"}'),
    "key_suffix": lambda: body(text=lambda t: t.replace(f"&key={APP_SECRET}", "")),
    "secret_case": lambda: body(text=lambda t: t.replace(APP_SECRET, APP_SECRET.upper())),
    "secret_with_newline": lambda: body(text=lambda t: t + "\n"),
    "sm4_key_lower_case": lambda: body(sm4=lambda plain: under(MESSAGE_KEY.lower(), plain)),
    "sm4_key_binary": lambda: body(sm4=lambda plain: under(bytes.fromhex(HEXKEY)[:16], plain)),
    "sm4_key_not_derived": lambda: body(sm4=lambda plain: under(APP_SECRET[:16].encode(), plain)),
    "sm4_key_of_other_app": lambda: body(sm4=lambda plain: under(wire.message_key(*CHANNEL.apps[0]), plain)),
    "sm4_key_unknown": lambda: body(sm4=lambda plain: under(b"k" * 16, plain)),
    "sm4_cbc": lambda: body(sm4=lambda plain: under(MESSAGE_KEY, plain, CBC(bytes(16)))),
    "sm4_length": lambda: body(sm4=lambda plain: under(MESSAGE_KEY, plain)[:-2]),
    "base64_not_hex": lambda: body(sm4=lambda plain: b64encode(bytes.fromhex(under(MESSAGE_KEY, plain))).decode()),
    "not_hex": lambda: body(sm4=lambda plain: "(nothing like it)"),
    "charset_gbk": lambda: body(sm4=lambda plain: under(MESSAGE_KEY, plain.decode().encode("gb18030"))),
    "algorithm_name": lambda: body(signType="SM3withSM2"),
    "version": lambda: body(version="2.0.0"),
    "app_id_unknown": lambda: body(appId="SOMEBODY"),
    "body_changed": lambda: body(text=lambda t: t.replace("2.0.1", "2.1.1")),
    "not_json": lambda: b"appId=1&encData=2",
    "encdata_missing": lambda: json.dumps({**json.loads(body()), "encData": None}).encode(),
    "timestamp_no_number": lambda: body(timestamp="now"),
}


def _with_odd_letters(message: bytes) -> bytes:
    """A signature whose base64 has a letter that base64url writes another way."""
    while True:
        made = sm2.sign(b64decode(PRIVATE), message, APP_SECRET.encode())
        if set(b64encode(made)) & set(b"+/"):
            return made


@pytest.mark.parametrize("cause", SEALED)
def test_a_sealed_message_with_this_mistake_is_explained_by_it(cause: str) -> None:
    report = centre.sealed(SEALED[cause](), CHANNEL)
    assert report.found[:1] == [cause]
    assert report.verdict != "ok" and json.dumps(report.document())


def test_honest_messages_are_fine_whatever_they_hold() -> None:
    for plain in (PLAIN, "{}", '{"a":1.10,"b":{"c":null}}'):
        report = centre.sealed(body(plain=plain), CHANNEL)
        assert (report.verdict, report.found) == ("ok", [])
    party = wire.Party(APP, APP_SECRET, PRIVATE, public(PLATFORM))
    assert centre.sealed(wire.answer({"a": 1}, party, NOW * 1000), CHANNEL).verdict == "ok"


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_any_changed_byte_of_a_sealed_message_is_located(data: Any) -> None:
    fields = json.loads(body())
    at = data.draw(st.integers(0, len(fields["encData"]) - 1))
    digit = fields["encData"][at]
    other = data.draw(st.sampled_from([one for one in "0123456789ABCDEF" if one != digit]))
    spoilt = {**fields, "encData": fields["encData"][:at] + other + fields["encData"][at + 1 :]}
    report = centre.sealed(json.dumps(spoilt).encode(), CHANNEL)
    assert report.found[:1] == ["body_changed"] and report.first_difference
    assert report.first_difference["offset"] == at - at % 2
    assert report.first_difference["signed"]["hex"] == fields["encData"][at - at % 2 : at - at % 2 + 2]


def test_the_app_secret_is_never_shown() -> None:
    channel = Channel(APP, APP_SECRET, public(PRIVATE), mask=Mask([APP_SECRET]))
    for cause in ("key_suffix", "data_unsorted", "secret_with_newline"):
        shown = json.dumps(centre.sealed(SEALED[cause](), channel).document(), ensure_ascii=False)
        assert APP_SECRET not in shown and "&key=*" in shown


@given(
    st.text(max_size=60),
    st.binary(max_size=80),
    st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_garbage_is_explained_without_raising(text: str, raw: bytes, more: Mapping[str, str]) -> None:
    fields = {
        "appId": APP,
        "encData": raw.hex(),
        "signData": b64encode((raw * 64)[:64]).decode(),
        "timestamp": text,
        **more,
    }
    heads = {
        "x-ca-signature": text,
        **tif(text, text, text),
        "god-portal-timestamp": text,
        "god-portal-signature": text,
    }
    for given_ in (
        raw,
        json.dumps(fields).encode(),
        json.dumps({**fields, "encData": text, "signData": text}).encode(),
    ):
        for report in (
            centre.sealed(given_, CHANNEL),
            national.tif(heads, OWN, NOW),
            national.ca(heads, given_, OWN, NOW),
            national.portal(text, heads, given_, PARTNER, NOW),
        ):
            assert json.dumps(report.document())

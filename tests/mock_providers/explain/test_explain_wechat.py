"""Every mistake around session keys and pushed messages is made, and the explanation names exactly it, first."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.explain import wechat
from mock_providers.explain.wechat import App

KEY, OTHER_KEY = "tiihtNczf5v6AKRyjwEUhQ==", "dGhpcyBpcyBhbm90aGVyIQ=="
OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
TOKEN, OTHER_TOKEN = "token0123456789TOKEN", "another0123456789TOKEN"
AES_KEY, OTHER_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "ABCDEFGhijklmnopqrstuvwxyz0123456789abcdefg"
APPID = "wxba5fad812f8e6fb9"
APP = App(APPID, TOKEN, AES_KEY, (OTHER_TOKEN,), (OTHER_AES_KEY,))
STAMP, NUMBER = "1714112445", "415670741"


def mac(key: bytes, message: bytes = b"", name: str = "sha256") -> str:
    return hmac.new(key, message, name).hexdigest()


def query(signature: str, method: str = "hmac_sha256") -> dict[str, str]:
    return {"openid": OPENID, "signature": signature, "sig_method": method}


TEXT = KEY.encode()
SESSIONS: dict[str, Any] = {
    "session_key_decoded": query(mac(b64decode(KEY))),
    "session_key_of_another": query(mac(OTHER_KEY.encode())),
    "session_message": query(mac(TEXT, OPENID.encode())),
    "sig_method": query(mac(TEXT), "md5"),
    "upper_case_hex": query(mac(TEXT).upper()),
    "base64_not_hex": query(b64encode(bytes.fromhex(mac(TEXT))).decode()),
    "sha1_not_this": query(mac(TEXT, name="sha1")),
    "md5_not_this": query(mac(TEXT, name="md5")),
    "sm3_not_this": query(mac(TEXT, name="sm3")),
    "hash_not_hmac": query(hashlib.sha256(b"").hexdigest()),
    "secret_with_newline": query(mac(TEXT + b"\n")),
    "secret_quoted": query(mac(b'"' + TEXT + b'"')),
    "secret_case": query(mac(TEXT.lower())),
    "secret_empty": query(mac(b"")),
    "signature_missing": query(""),
    "signature_truncated": query(mac(TEXT)[:32]),
    "signature_padded": query(mac(TEXT) + " "),
    "text_or_secret_unknown": query("0" * 64),
}


@pytest.mark.parametrize("cause", SESSIONS)
def test_a_session_signature_with_this_mistake_is_explained_by_it(cause: str) -> None:
    assert wechat.session(SESSIONS[cause], KEY, b"", [OTHER_KEY]).found[:1] == [cause]


def test_without_a_session_key_in_force_the_session_is_over() -> None:
    assert wechat.session(query(mac(TEXT)), None, b"").found == ["session_over"]


def test_an_honest_session_signature_is_fine_with_and_without_a_body() -> None:
    assert wechat.session(query(mac(TEXT)), KEY, b"").verdict == "ok"
    assert wechat.session(query(mac(TEXT, b'{"a":1}')), KEY, b'{"a":1}').verdict == "ok"


# Pushed messages and sealed replies


def sorted_sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def sealed(
    message: bytes = b'{"demo_resp":"good luck"}',
    *,
    key: bytes | None = None,
    block: int = 32,
    tail: str = APPID,
    order: str = "big",
    layout: Callable[[bytes], bytes] | None = None,
    pad: Callable[[int], bytes] = lambda count: bytes((count,)) * count,
) -> str:
    secret = b64decode(AES_KEY + "=") if key is None else key
    plain = b"0123456789abcdef" + len(message).to_bytes(4, order) + message + tail.encode()  # type: ignore[arg-type]
    plain = layout(message) if layout else plain
    padding = block - len(plain) % block
    coder = Cipher(AES(secret), CBC(secret[:16])).encryptor()
    return b64encode(coder.update(plain + pad(padding)) + coder.finalize()).decode()


def reply(encrypted: str | None = None, signature: str | None = None, **more: Any) -> bytes:
    encrypted = sealed() if encrypted is None else encrypted
    signature = sorted_sha1(TOKEN, STAMP, NUMBER, encrypted) if signature is None else signature
    said = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": int(STAMP), "Nonce": NUMBER, **more}
    return json.dumps(said).encode()


def odd_length() -> str:
    """A message whose envelope, padded to 16, is no multiple of 32."""
    return sealed(b"x" * (32 - (20 + len(APPID)) % 32), block=16)


CRYPT = sealed()
REPLIES: dict[str, Any] = {
    "push_unsorted": lambda: reply(signature=hashlib.sha1(f"{TOKEN}{STAMP}{NUMBER}{CRYPT}".encode()).hexdigest()),
    "push_joined": lambda: reply(
        signature=hashlib.sha1("&".join(sorted([TOKEN, STAMP, NUMBER, CRYPT])).encode()).hexdigest()
    ),
    "push_parts": lambda: reply(signature=sorted_sha1(TOKEN, STAMP + "000", NUMBER, CRYPT)),
    "push_without_encrypt": lambda: reply(signature=sorted_sha1(TOKEN, STAMP, NUMBER)),
    "push_cdata": lambda: reply(signature=sorted_sha1(TOKEN, STAMP, NUMBER, f"<![CDATA[{CRYPT}]]>")),
    "newline_extra": lambda: reply(signature=sorted_sha1(TOKEN, STAMP, NUMBER, CRYPT + "\n")),
    "token_of_other_app": lambda: reply(signature=sorted_sha1(OTHER_TOKEN, STAMP, NUMBER, CRYPT)),
    "aes_key_as_token": lambda: reply(signature=sorted_sha1(AES_KEY, STAMP, NUMBER, CRYPT)),
    "upper_case_hex": lambda: reply(signature=sorted_sha1(TOKEN, STAMP, NUMBER, CRYPT).upper()),
    "sha256_not_this": lambda: reply(
        signature=hashlib.sha256("".join(sorted([TOKEN, STAMP, NUMBER, CRYPT])).encode()).hexdigest()
    ),
    "hmac_not_hash": lambda: reply(
        signature=mac(TOKEN.encode(), "".join(sorted([TOKEN, STAMP, NUMBER, CRYPT])).encode(), "sha1")
    ),
    "aes_key_of_other_app": lambda: reply(sealed(key=b64decode(OTHER_AES_KEY + "="))),
    "push_key_not_decoded": lambda: reply(sealed(key=AES_KEY[:32].encode())),
    "push_key_length": lambda: reply(sealed(key=b64decode(AES_KEY + "=")[:16])),
    "push_key_unknown": lambda: reply(sealed(key=b"k" * 32)),
    "push_padding_16": lambda: reply(odd_length()),
    "push_length_order": lambda: reply(sealed(order="little")),
    "push_layout": lambda: reply(sealed(layout=lambda message: message)),
    "push_appid_tail": lambda: reply(sealed(tail="wx0000000000000000")),
    "push_length": lambda: reply(b64encode(b"short").decode()),
    "push_not_base64": lambda: reply("not base64!"),
    "push_garbled": lambda: reply(sealed("测试".encode("gb18030"))),
    "push_length_lies": lambda: reply(
        sealed(layout=lambda m: b"r" * 16 + (len(m) + 2).to_bytes(4, "big") + m + APPID.encode())
    ),
    "push_padding_wrong": lambda: reply(sealed(pad=lambda count: b"\0" * count)),
    "push_reply_form": lambda: b'{"ok":true}',
    "body_changed": lambda: reply(
        ("A" if CRYPT[5] != "A" else "B").join((CRYPT[:5], CRYPT[6:])), sorted_sha1(TOKEN, STAMP, NUMBER, CRYPT)
    ),
}


@pytest.mark.parametrize("cause", REPLIES)
def test_a_sealed_reply_with_this_mistake_is_explained_by_it(cause: str) -> None:
    assert wechat.replied(REPLIES[cause](), APP).found[:1] == [cause]


def test_honest_replies_are_fine() -> None:
    for body in (b"success", b"", reply()):
        assert wechat.replied(body, APP).verdict == "ok"


def pushed(encrypted: str, **changes: str) -> dict[str, str]:
    outer = sorted_sha1(TOKEN, STAMP, NUMBER)
    inner = sorted_sha1(TOKEN, STAMP, NUMBER, encrypted)
    return {"signature": outer, "timestamp": STAMP, "nonce": NUMBER, "msg_signature": inner, **changes}


def test_a_message_as_wechat_pushes_it_is_fine_sealed_and_plain() -> None:
    assert (
        wechat.pushed(pushed(CRYPT), json.dumps({"ToUserName": "gh", "Encrypt": CRYPT}).encode(), APP).verdict == "ok"
    )
    plain = {name: value for name, value in pushed(CRYPT).items() if name != "msg_signature"}
    assert wechat.pushed(plain, b'{"MsgType":"event"}', APP).verdict == "ok"


def test_a_message_that_says_it_is_sealed_and_is_not_or_is_old_is_not_fine() -> None:
    assert wechat.pushed(pushed(CRYPT), b'{"MsgType":"event"}', APP).found == ["push_encrypt_missing"]
    body = json.dumps({"Encrypt": CRYPT}).encode()
    assert wechat.pushed(pushed(CRYPT), body, APP, int(STAMP) + 301).found == ["clock_behind"]
    assert wechat.pushed(pushed(CRYPT), body, APP, int(STAMP) - 301).found == ["clock_ahead"]


def test_the_published_vectors_are_fine() -> None:
    app = App("wxba5fad812f8e6fb9", "AAAAA", "A" * 43)
    query_ = {
        "timestamp": "1714037059",
        "nonce": "486452656",
        "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
    }
    assert wechat.pushed(query_, b"{}", app).verdict == "ok"


def test_a_changed_byte_of_a_pushed_ciphertext_is_located() -> None:
    for at in (0, 17, len(CRYPT) - 5):
        spoilt = CRYPT[:at] + ("x" if CRYPT[at] != "x" else "y") + CRYPT[at + 1 :]
        report = wechat.pushed(pushed(CRYPT), json.dumps({"Encrypt": spoilt}).encode(), APP)
        assert report.found[0] == "body_changed" and report.first_difference
        assert report.first_difference["signed"]["byte"] == f"{ord(CRYPT[at]):02x}"


def test_the_token_and_keys_are_never_shown() -> None:
    app = App(APPID, TOKEN, AES_KEY, mask=wechat.Mask([TOKEN, AES_KEY]))
    shown = json.dumps(wechat.replied(REPLIES["push_unsorted"](), app).document())
    assert TOKEN not in shown and TOKEN.encode().hex(" ") not in shown


@given(st.text(max_size=80), st.binary(max_size=120))
@settings(max_examples=20, deadline=None)
def test_garbage_is_explained_without_raising(text: str, body: bytes) -> None:
    asked = {"signature": text, "timestamp": text, "nonce": text, "msg_signature": text, "sig_method": text}
    odd = json.dumps({"Encrypt": text, "MsgSignature": text, "TimeStamp": text, "Nonce": [text]}).encode()
    coded = json.dumps({"Encrypt": b64encode(body * 16).decode()}).encode()
    for given_ in (body, odd, coded):
        for report in (
            wechat.session(asked, KEY, given_),
            wechat.pushed(asked, given_, APP),
            wechat.replied(given_, APP),
        ):
            assert json.dumps(report.document())

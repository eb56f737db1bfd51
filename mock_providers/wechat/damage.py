"""Faults of pushed messages: the query's signatures, the seal, the container. Pure: keys and times are arguments."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from mock_providers.webhooks.faults import GENERIC, SKEW, Case, Damage, Sent, Vendor, turned
from mock_providers.wechat import push_wire

SIGNATURES = ("signature", "msg_signature")
SEALED_ONLY = {
    "signature_of_another_body",
    "ciphertext_bit_flipped",
    "ciphertext_garbled",
    "ciphertext_missing",
    "sealed_with_another_key",
    "appid_wrong",
    "appid_missing",
    "length_wrong",
    "padding_wrong",
}


def _plain(case: Case) -> bytes:
    return push_wire.CONTAINERS[case.event.about["form"]](case.event.plain)


def _made(case: Case, *, stamp: str = "", nonce: str = "", plain: Mapping[str, Any] | None = None,
          encrypted: str | None = None, form: str = "", mode: str = "", **keys: str) -> Sent:  # fmt: skip
    """A push made by hand: with other keys, another stamp, another ciphertext, in another container."""
    usual, about = case.sent(), case.event.about
    form, mode = form or about["form"], mode or about["mode"]
    held = {**case.credentials, **keys}
    stamps = (stamp or usual.query["timestamp"], nonce or usual.query["nonce"], case.draw("random", 16))
    message = dict(plain or case.event.plain)
    query, body = push_wire.pushed(message, mode, form, held, stamps)
    if encrypted is not None:
        query["msg_signature"] = push_wire.signature(held["push_token"], *stamps[:2], encrypted)
        shown = message if mode == "compatible" else {"ToUserName": message["ToUserName"]}
        body = push_wire.CONTAINERS[form]({**shown, "Encrypt": encrypted})
    sent = replace(usual, query=query, body=body)
    return sent.with_header("Content-Type", push_wire.CONTENT_TYPE[form])


def _query(case: Case, **changes: Any) -> Sent:
    """The usual push with members of its query changed, or (None) left out."""
    sent = case.sent()
    query = dict(sent.query)
    for name, change in changes.items():
        if name in query:
            value = change(query[name]) if callable(change) else change
            query = {key: old for key, old in query.items() if key != name} | ({} if value is None else {name: value})
    return replace(sent, query=query)


def _signatures(change: Any) -> Damage:
    return lambda case: _query(case, **dict.fromkeys(SIGNATURES, change))


def _wrong_digit(digest: str) -> str:
    return digest[:10] + ("0" if digest[10] != "0" else "1") + digest[11:]


def _another_token(case: Case) -> Sent:
    return _made(case, push_token=turned(case.credentials["push_token"], 0))


def _another_body(case: Case) -> Sent:
    """The msg_signature of another ciphertext."""
    sent = case.sent()
    parts = (case.credentials["push_token"], sent.query["timestamp"], sent.query["nonce"])
    return _query(case, msg_signature=push_wire.signature(*parts, "another"))


def sealed(case: Case, message: bytes, tail: bytes, length: int, padding: bytes | None = None) -> str:
    """An envelope made by hand, right or wrong."""
    key = push_wire.key_of(case.credentials["encoding_aes_key"])
    plain = case.draw("random", 16) + length.to_bytes(4, "big") + message + tail
    missing = push_wire.BLOCK - len(plain) % push_wire.BLOCK
    coder = Cipher(AES256(key), CBC(key[:16])).encryptor()
    padded = plain + (bytes([missing]) * missing if padding is None else padding[:1] * missing)
    return b64encode(coder.update(padded) + coder.finalize()).decode()


def _sealed_as(case: Case, tail: str | None = None, longer: int = 0, padding: bytes | None = None) -> Sent:
    message = _plain(case)
    its_tail = case.credentials["appid"] if tail is None else tail
    return _made(case, encrypted=sealed(case, message, its_tail.encode(), len(message) + longer, padding))


def _right(case: Case) -> str:
    message = _plain(case)
    return sealed(case, message, case.credentials["appid"].encode(), len(message))


def _flipped(case: Case) -> Sent:
    raw = bytearray(b64decode(_right(case)))
    raw[len(raw) - 40] ^= 1
    return _made(case, encrypted=b64encode(bytes(raw)).decode())


def _addressee(case: Case) -> Sent:
    return _made(case, plain={**case.event.plain, "ToUserName": turned(case.event.plain["ToUserName"])})


def _clear_differs(case: Case) -> Sent:
    """Encrypt tells the truth; the clear fields beside it name somebody else."""
    true = case.event.plain
    lie = {**true, "FromUserName": turned(true["FromUserName"]), "CreateTime": true["CreateTime"] - 1}
    made = _made(case, plain=lie, encrypted=_right(case))
    return replace(made, query={**made.query, "openid": true["FromUserName"]})


def _swapped(case: Case) -> Sent:
    return _made(case, form="xml" if case.event.about["form"] == "json" else "json")


def _entities(case: Case) -> Sent:
    """A document type before the message: `&who;` is what a naive parser expands."""
    sent = _made(case, form="xml")
    bomb = b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY who SYSTEM "file:///etc/hostname">]>'
    inside = b"<SessionFrom>&who;</SessionFrom></xml>"
    return replace(sent, body=bomb + sent.body.replace(b"</xml>", inside))


def _fresh_stamp(case: Case) -> Sent:
    old = case.sent(now=case.now - SKEW)
    return replace(old, query={**old.query, "timestamp": str(int(case.now.timestamp()))})


DAMAGES: dict[str, Damage] = {
    "signature_missing": _signatures(None),
    "signature_bad": _signatures(_wrong_digit),
    "signature_truncated": _signatures(lambda value: value[:20]),
    "signature_of_another_body": _another_body,
    "signature_of_another_key": _another_token,
    "timestamp_not_a_number": lambda case: _made(case, stamp="yesterday"),
    "timestamp_changed": _fresh_stamp,
    "nonce_changed": lambda case: _query(case, nonce=str(int.from_bytes(case.draw("nonce", 4)))),
    "clear_text_differs": _clear_differs,
    "unsealed": lambda case: _made(case, mode="plaintext"),
    "container_swapped": _swapped,
    "xml_entities": _entities,
    "ciphertext_bit_flipped": _flipped,
    "ciphertext_garbled": lambda case: _made(case, encrypted=f"*{_right(case)[:-3]}*"),
    "ciphertext_missing": lambda case: _made(case, encrypted=""),
    "sealed_with_another_key": lambda case: _made(
        case, encoding_aes_key=case.credentials["encoding_aes_key"].swapcase()
    ),
    "appid_wrong": lambda case: _sealed_as(case, "wx" + turned(case.credentials["appid"][2:])),
    "appid_missing": lambda case: _sealed_as(case, ""),
    "length_wrong": lambda case: _sealed_as(case, longer=7),
    "padding_wrong": lambda case: _sealed_as(case, padding=b"\xff"),
    "addressee_wrong": _addressee,
}


def fits(name: str, event: Any) -> bool:
    """Whether the fault can be done to this message: the seal's only where it is sealed."""
    mode = event.about["mode"]
    if name == "clear_text_differs":
        return mode == "compatible"
    if name == "unsealed":
        return mode == "safe"
    if name == "xml_entities":
        return event.about["form"] == "xml"
    return (name in DAMAGES or name in GENERIC) and (mode != "plaintext" or name not in SEALED_ONLY)


VENDOR = Vendor(DAMAGES, fits)

"""WeChat: the session key's signature, pushed messages, and a developer's sealed reply."""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from mock_providers.explain import keyed, texts
from mock_providers.explain.report import OK, UNREADABLE, Mask, Report, clock
from mock_providers.explain.search import Variant, one_byte, right, variants
from mock_providers.wechat import push_wire


def session(
    query: Mapping[str, str],
    session_key: str | None,
    body: bytes,
    others: Iterable[str] = (),
    mask: Mask | None = None,
) -> Report:
    """`/wxa/checksession` and its like: HMAC-SHA256 of the body (empty for GET) under the session key's text."""
    report = Report("session signature", mask=mask or Mask())
    if query.get("sig_method") != "hmac_sha256":
        report.facts["sig_method"] = query.get("sig_method", "")
        report.blame("sig_method")
    if session_key is None:
        report.blame("session_over")
        return report
    openid = query.get("openid", "")
    messages = [
        *texts.bodies(body),
        Variant(("session_message",), openid.encode()),
        Variant(("session_message",), b"\n"),
        Variant(("session_message",), session_key.encode()),
    ]
    known = keyed.secrets(session_key, {"session_key_of_another": others})
    with suppress(NotBase64, ValueError):
        known.insert(1, Variant(("session_key_decoded",), b64decode(session_key, validate=True)))
    hashing = [known, keyed.digests("sha256", keyed=True), keyed.written("lower_hex")]
    report.expected["key"] = "the session_key as base64 text, not decoded"
    keyed.judge(report, query.get("signature", ""), [messages], lambda message, secret: message, hashing)
    if report.found[:1] == ["body_empty_object"]:
        report.found[0] = "session_message"
    return report


# Message push


@dataclass(frozen=True)
class App:
    """An app's push secrets. `others` are the tokens, AES keys and appids it may be mistaken for."""

    appid: str
    token: str
    encoding_aes_key: str
    other_tokens: tuple[str, ...] = ()
    other_aes_keys: tuple[str, ...] = ()
    mask: Mask = field(default_factory=Mask)


STEPS = (
    "read signature, timestamp, nonce (and msg_signature) from the query, decoded once",
    "signature: sort token, timestamp, nonce by bytes, join without anything between, SHA-1, lower-case hex",
    "msg_signature: the same with Encrypt among the four; check it before opening",
    "AES key: base64-decode EncodingAESKey + '='; IV: its first 16 bytes; AES-256-CBC",
    "take the padding off (1 to 32 bytes), 16 random bytes, 4 bytes of length (big-endian), the message",
    "what is left is your appid; answer 200 with `success`, or nothing, within 5 s",
)


def pushed(query: Mapping[str, str], body: bytes, app: App, wall: int | None = None) -> Report:
    """A pushed message: `signature`, and `msg_signature` with what it seals."""
    sealed = str((push_wire.reply(body.strip()) or {}).get("Encrypt") or "")
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    report = Report("pushed message", mask=app.mask, steps=list(STEPS))
    clock(report, stamp, wall)
    is_safe = query.get("encrypt_type") == "aes" or "msg_signature" in query
    if sealed and is_safe:
        _sorted(report, query.get("msg_signature", ""), [stamp, nonce, sealed], app)
        outer = push_wire.signature(app.token, stamp, nonce)
        if query.get("signature", outer) != outer:
            report.facts["signature"] = "the outer signature (token, timestamp, nonce) is wrong too"
        _seal(report, sealed, app)
    else:
        _sorted(report, query.get("signature", ""), [stamp, nonce], app)
        if is_safe:
            report.blame("push_encrypt_missing")
        elif not is_message(body):
            report.blame("push_garbled")
    return report


def replied(body: bytes, app: App) -> Report:
    """A developer's answer to a pushed message: `success`, nothing, or sealed and signed."""
    report = Report("reply to a pushed message", mask=app.mask)
    text = body.strip()
    if text in (b"", b"success"):
        report.verdict, report.says = OK, "success or nothing needs no signature"
        return report
    given = {name.lower(): str(value) for name, value in (push_wire.reply(text) or {}).items()}
    if "encrypt" not in given:
        report.verdict, report.says = UNREADABLE, "neither success, nor empty, nor a sealed reply"
        report.blame("push_reply_form")
        return report
    if missing := [name for name in push_wire.REPLY_KEYS if not given.get(name)]:
        report.facts["missing"] = missing
        report.blame("push_reply_form")
    parts = [given.get("timestamp", ""), given.get("nonce", ""), given["encrypt"]]
    _sorted(report, given.get("msgsignature", ""), parts, app)
    _seal(report, given["encrypt"], app)
    return report


def _sorted(report: Report, shown: str, parts: list[str], app: App) -> None:
    """SHA-1 over the sorted parts and the token."""
    sealed = parts[2:]
    stamps = variants(parts[0], *(("push_parts", other) for other in ("", f"{parts[0]}000", f"{parts[0]}.0")))
    nonces = variants(parts[1], ("push_parts", ""))
    seals: list[Variant] = [right(sealed)]
    if sealed:
        text = sealed[0]
        seals += [Variant(("push_without_encrypt",), []), *_respelt(text)]
    orders = [right(_by_bytes), Variant(("push_unsorted",), _as_given), *_orders(2 + len(sealed))]
    secrets = keyed.secrets(
        app.token, {"token_of_other_app": app.other_tokens, "aes_key_as_token": (app.encoding_aes_key,)}
    )

    def message(stamp: str, nonce: str, seal: list[str], order: Any, secret: bytes) -> bytes:
        return order([secret, *(part.encode() for part in (stamp, nonce, *seal))])

    hashing = [secrets, keyed.digests("sha1", keyed=False), keyed.written("lower_hex")]
    found = keyed.judge(report, shown, [stamps, nonces, seals, orders], message, hashing)
    if found is None and sealed and len(shown) == 40:
        _changed(report, shown, parts, app)


def _respelt(text: str) -> list[Variant]:
    return [
        Variant(("decoded_twice",), [text.replace("+", " ")]),
        Variant(("url_encoded",), [text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")]),
        Variant(("json_slash_escapes",), [text.replace("/", "\\/")]),
        Variant(("newline_extra",), [f"{text}\n"]),
        Variant(("push_cdata",), [f"<![CDATA[{text}]]>"]),
    ]


def _by_bytes(parts: list[bytes]) -> bytes:
    return b"".join(sorted(parts))


def _as_given(parts: list[bytes]) -> bytes:
    return b"".join(parts)


def _orders(count: int) -> list[Variant]:
    def ordered(order: tuple[int, ...]) -> Any:
        return lambda parts: b"".join(parts[place] for place in order if place < len(parts))

    others = [Variant(("push_unsorted",), ordered(order)) for order in permutations(range(count + 1))]
    joined = [
        Variant(("push_joined",), lambda parts, glue=glue: glue.join(sorted(parts)))
        for glue in (b"&", b"\n", b",", b" ")
    ]
    return others + joined


def _changed(report: Report, shown: str, parts: list[str], app: App) -> None:
    """One byte of Encrypt differs from what was signed."""
    try:
        wanted = bytes.fromhex(shown)
    except ValueError:
        return
    around, text = sorted([app.token.encode(), *(part.encode() for part in parts[:2])]), parts[2].encode()
    for place in range(len(around) + 1):  # the changed byte may have moved it
        start = sum(map(len, around[:place]))
        whole = b"".join((*around[:place], text, *around[place:]))
        if (other := one_byte(whole, start, start + len(text), "sha1", wanted)) is not None:
            report.found.clear()
            report.blame("body_changed")
            report.message = whole
            report.differs(other)
            return


def _seal(report: Report, sealed: str, app: App) -> None:
    """What is inside: the key, the padding, the appid at the tail."""
    try:
        cipher = b64decode(sealed, validate=True)
    except (NotBase64, ValueError):
        report.blame("push_not_base64")
        return
    if not cipher or len(cipher) % 16:
        report.blame("push_length")
        return
    for key, iv, cause in _keys(app):
        names = _inside(_cbc(key, iv, cipher), app.appid, report)
        if names is not None:
            report.blame(*filter(None, (cause,)), *names)
            return
    own = push_wire.key_of(app.encoding_aes_key)
    plain = _cbc(own, own[:16], cipher)
    report.blame("push_padding_wrong" if app.appid.encode() in plain else "push_key_unknown")


def _keys(app: App) -> Iterable[tuple[bytes, bytes, str]]:
    own = push_wire.key_of(app.encoding_aes_key)
    text = app.encoding_aes_key.encode()
    yield own, own[:16], ""
    for other in app.other_aes_keys:
        key = push_wire.key_of(other)
        yield key, key[:16], "aes_key_of_other_app"
    yield text[:32], text[:16], "push_key_not_decoded"
    yield own[:16], own[:16], "push_key_length"
    yield text[:16], text[:16], "push_key_length"
    yield hashlib.sha256(text).digest(), own[:16], "push_key_length"


def _cbc(key: bytes, iv: bytes, cipher: bytes) -> bytes:
    coder = Cipher(AES(key), CBC(iv)).decryptor()
    return coder.update(cipher) + coder.finalize()


def _inside(plain: bytes, appid: str, report: Report) -> list[str] | None:
    """What is wrong with an opened envelope; None if this is no envelope at all."""
    padding = plain[-1]
    if not 1 <= padding <= 32 or plain[-padding:] != bytes((padding,)) * padding:
        return None
    bare = plain[:-padding]
    names = ["push_padding_16"] if len(plain) % push_wire.BLOCK else []
    big, little = (int.from_bytes(bare[16:20], order) for order in ("big", "little"))
    if len(bare) >= 20 and 20 + big <= len(bare) and _tail(bare[20 + big :]):
        tail = bare[20 + big :]
    elif len(bare) >= 20 and 20 + little <= len(bare) and _tail(bare[20 + little :]):
        tail = bare[20 + little :]
        names.append("push_length_order")
    else:
        return ["push_layout", *names]
    message = bare[20 : len(bare) - len(tail)]
    if tail != appid.encode() and appid.encode() in (bare[-len(appid) :], tail[: len(appid)]):
        names.insert(0, "push_length_lies")
    elif tail != appid.encode():
        report.facts["appid_at_tail"] = f"{tail.decode(errors='backslashreplace')!r}, expected {appid!r}"
        names.insert(0, "push_appid_tail")
    if not names and not is_message(message):
        names.append("push_garbled")
    report.facts["sealed"] = f"{len(message)} bytes of message, {padding} of padding"
    return names


def is_message(given: bytes) -> bool:
    """Whether it is JSON of an object, or XML, in UTF-8."""
    try:
        text = given.decode().strip()
    except UnicodeDecodeError:
        return False
    return (text.startswith("<xml>") and text.endswith("</xml>")) or push_wire.reply(text.encode()) is not None


def _tail(given: bytes) -> bool:
    return len(given) <= 40 and given.isascii()

"""Message push to the letter: signatures, the envelope, the two containers, and what counts as an answer.

Rule of the file: bytes, times and random text come in as arguments, nothing is looked up.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 32
LISTS = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}
BARE_IN_XML = {"PopupScene", "MsgID", "ErrorCode"}
CONTENT_TYPE = {"json": "application/json", "xml": "text/xml"}
IN_XML = re.compile(rb"<(\w+)>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))\s*</\1>", re.DOTALL)
REPLY_KEYS = ("encrypt", "msgsignature", "timestamp", "nonce")


class Undecryptable(ValueError):
    """An envelope that was not made with this key, or not for this app."""


def signature(token: str, timestamp: str, nonce: str, encrypted: str | None = None) -> str:
    """SHA-1 in hex over the sorted parts; with the ciphertext among them it is the msg_signature."""
    parts = [token, timestamp, nonce] + ([] if encrypted is None else [encrypted])
    joined = b"".join(sorted(part.encode() for part in parts))
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def key_of(encoding_aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey. Its 43rd character carries two bits that mean nothing."""
    return b64decode(encoding_aes_key + "=")[:32]


def encrypt(message: bytes, encoding_aes_key: str, appid: str, random: bytes) -> str:
    """16 random bytes, the length, the message and the appid: AES-256-CBC, padded to 32, in base64."""
    key = key_of(encoding_aes_key)
    plain = random + len(message).to_bytes(4, "big") + message + appid.encode()
    padding = BLOCK - len(plain) % BLOCK
    coder = Cipher(AES256(key), CBC(key[:16])).encryptor()
    return b64encode(coder.update(plain + bytes([padding]) * padding) + coder.finalize()).decode()


def decrypt(encrypted: str, encoding_aes_key: str, appid: str) -> bytes:
    """The message in an envelope. Raises Undecryptable."""
    key = key_of(encoding_aes_key)
    try:
        sealed = b64decode(encrypted, validate=True)
        coder = Cipher(AES256(key), CBC(key[:16])).decryptor()
        plain = coder.update(sealed) + coder.finalize()
    except ValueError as error:
        raise Undecryptable("not whole blocks in base64") from error
    if not plain or not 1 <= plain[-1] <= BLOCK:
        raise Undecryptable("the padding is wrong: another key?")
    plain = plain[: -plain[-1]]
    end = 20 + int.from_bytes(plain[16:20], "big")
    if plain[end:] != appid.encode() or end > len(plain):
        raise Undecryptable("the appid at its tail is another one")
    return plain[20:end]


def as_json(message: dict[str, Any]) -> bytes:
    """A message in JSON. A List of one is that one, as an object."""
    shown = dict(message)
    if len(shown.get("List", ())) == 1:
        shown["List"] = shown["List"][0]
    return orjson.dumps(shown)


def as_xml(message: dict[str, Any]) -> bytes:
    """A message in XML, on one line. A List stands in an element named after its event."""
    parts = []
    for name, value in message.items():
        if name == "List":
            inner = "".join(_element("List", item) for item in value)
            parts.append(f"<{LISTS[message['Event']]}>{inner}</{LISTS[message['Event']]}>")
        else:
            parts.append(_element(name, value))
    return f"<xml>{''.join(parts)}</xml>".encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, dict):
        inner = "".join(_element(key, one) for key, one in value.items())
    elif isinstance(value, int) or name in BARE_IN_XML:
        inner = str(value)
    else:
        inner = f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"
    return f"<{name}>{inner}</{name}>"


CONTAINERS = {"json": as_json, "xml": as_xml}


def pushed(
    message: dict[str, Any],
    mode: str,
    form: str,
    keys: dict[str, str],
    stamp: tuple[str, str, bytes],
) -> tuple[dict[str, str], bytes]:
    """Query and body of one delivery. mode: plaintext, compatible, safe; `stamp`: timestamp, nonce, random."""
    timestamp, nonce, random = stamp
    token = keys["push_token"]
    query = {"signature": signature(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    query["openid"] = message["FromUserName"]
    write = CONTAINERS[form]
    if mode == "plaintext":
        return query, write(message)
    sealed = encrypt(write(message), keys["encoding_aes_key"], keys["appid"], random)
    query |= {"encrypt_type": "aes", "msg_signature": signature(token, timestamp, nonce, sealed)}
    shown = message if mode == "compatible" else {"ToUserName": message["ToUserName"]}
    return query, write({**shown, "Encrypt": sealed})


def heard(body: bytes, mode: str, keys: dict[str, str]) -> str:
    """Why a 200 with this body is not an acknowledgement; empty if it is one.

    Good are `success`, nothing at all, or a reply: in the clear, or sealed where the mode seals.
    """
    text = body.strip()
    if text in (b"", b"success"):
        return ""
    given = reply(text)
    if given is None:
        return f"neither success, nor empty, nor a reply: {text[:40]!r}"
    folded = {name.lower(): value for name, value in given.items()}
    if "encrypt" not in folded:
        sealed_only = "a reply in safe mode is sealed"
        return sealed_only if mode == "safe" else ("" if "msgtype" in folded else "a reply names its MsgType")
    if mode == "plaintext":
        return "a sealed reply in plaintext mode"
    if missing := [name for name in REPLY_KEYS if not folded.get(name)]:
        return f"a sealed reply without {missing[0]}"
    encrypted, signed, timestamp, nonce = (str(folded[name]) for name in REPLY_KEYS)
    if signature(keys["push_token"], timestamp, nonce, encrypted) != signed:
        return "the MsgSignature of the reply is wrong"
    try:
        decrypt(encrypted, keys["encoding_aes_key"], keys["appid"])
    except Undecryptable as error:
        return f"the reply cannot be opened: {error}"
    return ""


def reply(body: bytes) -> dict[str, Any] | None:
    """The members of a developer's reply in JSON or flat XML; None if it is neither."""
    if body.startswith(b"<xml>") and body.endswith(b"</xml>"):
        inner = IN_XML.findall(body[5:-6])
        return {name.decode(): (cdata or plain).decode(errors="replace").strip() for name, cdata, plain in inner}
    try:
        given = orjson.loads(body)
    except ValueError:
        return None
    return given if isinstance(given, dict) else None

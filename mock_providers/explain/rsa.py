"""Reading an RSA signature: how it was written down, which key made it, and over which digest."""

import hashlib
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

HEX = re.compile(r"[0-9A-Fa-f]+\Z")
PREFIXES = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
    "sm3": bytes.fromhex("3030300c06082a811ccf5501831105000420"),
}


class Key(NamedTuple):
    """A public key somebody may have signed with. `cause` is what it means if it is the one."""

    name: str
    public: Any
    cause: str = ""


class Signed(NamedTuple):
    """What a signature tells of its making: the key, the hash, the digest."""

    key: Key
    hash: str
    digest: bytes
    bare: bool = False


def decoded(text: str, size: int = 256) -> tuple[bytes | None, list[str]]:
    """The bytes of a signature that should be base64, and what is odd about the way it is written."""
    try:
        found = b64decode(text, validate=True)
        if len(found) == size:
            return found, []
    except (NotBase64, ValueError):
        found = b""
    if HEX.match(text):
        if len(text) == 2 * size:
            return bytes.fromhex(text), ["hex_not_base64"]
        if len(text) in (32, 64):
            return None, ["v2_signature"]
    for name, other in (
        ("url_encoded", text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")),
        ("url_encoded", text.replace(" ", "+")),
        ("base64_line_breaks", re.sub(r"(\\n|\\r|\s)+", "", text)),
        ("base64url", text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)),
    ):
        try:
            other_found = b64decode(other, validate=True)
        except (NotBase64, ValueError):
            continue
        if len(other_found) == size:
            return other_found, [name]
    try:
        inner = found.decode("ascii")
    except UnicodeDecodeError:
        inner = ""
    if inner and HEX.match(inner) and len(inner) == 2 * size:
        return bytes.fromhex(inner), ["hex_then_base64"]
    if inner and inner != text:
        once, _ = decoded(inner, size)
        if once:
            return once, ["base64_twice"]
    return None, ["signature_truncated" if found and len(found) < size else "not_base64"]


def opened(signature: bytes, keys: Sequence[Key]) -> Signed | None:
    """The first key whose PKCS#1 v1.5 padding comes out, with the digest inside."""
    for key in keys:
        numbers = key.public.public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        given = int.from_bytes(signature)
        if len(signature) != size or given >= numbers.n:
            continue
        block = pow(given, numbers.e, numbers.n).to_bytes(size)
        head, _, payload = block[2:].partition(b"\x00")
        if block[:2] != b"\x00\x01" or len(head) < 8 or set(head) != {0xFF}:
            continue
        for name, prefix in PREFIXES.items():
            if payload.startswith(prefix):
                return Signed(key, name, payload[len(prefix) :])
        return Signed(key, "sha256", payload, bare=True)
    return None


def is_pss(signature: bytes, key: Key, message: bytes) -> bool:
    """Whether it is a PSS signature over this text."""
    for salt in (PSS.AUTO, PSS.DIGEST_LENGTH):
        try:
            key.public.verify(signature, message, PSS(MGF1(SHA256()), salt), SHA256())
            return True
        except (InvalidSignature, ValueError):
            continue
    return False


def digest(name: str, message: bytes) -> bytes:
    return hashlib.new(name, message, usedforsecurity=False).digest()


def hashed_twice(message: bytes, wanted: Signed) -> bool:
    """Whether the digest is of a digest, as bytes or as hex."""
    once = digest(wanted.hash, message)
    return wanted.digest in (
        digest(wanted.hash, inner) for inner in (once, once.hex().encode(), once.hex().upper().encode())
    )

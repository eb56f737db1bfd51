"""WeChat Pay APIv3 on the wire: strings to sign, signatures, sealed fields, certificates, error bodies.

Pure: bytes, keys and times come in as arguments. Signatures are made and checked over raw bytes, never over
something parsed and written again.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS = 300
PROBE = "WECHATPAY/SIGNTEST/"
SHOWN_OF_MESSAGE = 128
PAIR = re.compile(r'^\s*([a-z_]+)="([^"]*)"\s*$')
NAMED = re.compile(r'\bmchid="([^"]{1,64})"')
MOUNTED = re.compile(r"^(?:/s/[^/?]+)?(?:/wechatpay)?(?=/)")
KEYS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


class Malformed(ValueError):
    """An Authorization header that cannot be read."""


class UnknownScheme(ValueError):
    """An Authorization header in a scheme other than ours."""


class Unreadable(ValueError):
    """Something sealed that our key does not open."""


@dataclass(frozen=True)
class Authorization:
    """What a caller claims to be. `timestamp` is Unix seconds."""

    mchid: str
    nonce_str: str
    signature: str
    timestamp: int
    serial_no: str


def read_authorization(value: str | None) -> Authorization:
    """The pairs of an Authorization header, in any order. Raises Malformed, then UnknownScheme."""
    scheme, _, rest = (value or "").partition(" ")
    found = [PAIR.match(part) for part in rest.split(",")]
    pairs = {m[1]: m[2] for m in found if m}
    stamp = pairs.get("timestamp", "")
    if not all(found) or len(pairs) != len(found) or pairs.keys() != KEYS or not all(pairs.values()):
        raise Malformed('not five key="value" pairs: mchid, nonce_str, signature, timestamp, serial_no')
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise Malformed("timestamp is not Unix seconds")
    if scheme != SCHEME:
        raise UnknownScheme(scheme[:60])
    return Authorization(**{**pairs, "timestamp": int(stamp)})  # type: ignore[arg-type]


def named_mchid(value: str | None) -> str:
    """The mchid an Authorization header names, however wrong the rest is; empty if it names none."""
    found = NAMED.search(value or "")
    return found[1] if found else ""


def bare_target(raw: str) -> str:
    """The request target as the vendor's own host would see it: no space, no mount."""
    return MOUNTED.sub("", raw, count=1)


def targets(raw: str, space: str) -> Iterator[str]:
    """Every form of one request target a client may have signed; the vendor's own first.

    SDKs disagree whether a path prefix of the base URL belongs to the signed path.
    """
    bare = bare_target(raw)
    yield from dict.fromkeys((bare, raw, f"/wechatpay{bare}", f"/s/{space}/wechatpay{bare}", f"/s/{space}{bare}"))


def request_message(method: str, target: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """The five lines a request signs."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_message(timestamp: int, nonce: str, body: bytes) -> bytes:
    """The three lines an answer or a notification signs."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def pay_message(app_id: str, timestamp: str, nonce: str, package: str) -> bytes:
    """The four lines `paySign` covers."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{package}\n".encode()


def sign(private_key: Any, message: bytes) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256, Base64 in one line."""
    return b64encode(private_key.sign(message, PKCS1v15(), SHA256())).decode()


def verify(public_key: Any, message: bytes, signature: str) -> bool:
    """Whether the Base64 signature is right; whatever is not Base64 is wrong."""
    try:
        public_key.verify(b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True


def signed_headers(private_key: Any, serial: str, timestamp: int, nonce: str, body: bytes) -> dict[str, str]:
    """The five Wechatpay-* headers of an answer or a notification."""
    return {
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature": sign(private_key, answer_message(timestamp, nonce, body)),
        "Wechatpay-Signature-Type": SCHEME,
    }


def probe(signature: str, form: str) -> str:
    """A signature that is wrong on purpose: still Base64, or `not_base64` (its last unit is a single character)."""
    spoiled = PROBE + signature[len(PROBE) :]
    return spoiled.rstrip("=")[: len(spoiled) - 3] if form == "not_base64" else spoiled


def seal_aes(apiv3_key: str, nonce: str, associated_data: str, plain: bytes) -> str:
    """AEAD_AES_256_GCM: Base64 of ciphertext and 16-byte tag."""
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return b64encode(sealed).decode()


def open_aes(apiv3_key: str, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """The plaintext of `seal_aes`. Raises Unreadable."""
    try:
        return AESGCM(apiv3_key.encode()).decrypt(nonce.encode(), b64decode(ciphertext), associated_data.encode())
    except (InvalidTag, NotBase64) as error:
        raise Unreadable("AES-256-GCM tag does not match") from error


def _oaep() -> OAEP:
    return OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 - the vendor's choice


def seal_rsa(public_key: Any, plain: str) -> str:
    """RSAES-OAEP with SHA-1 and MGF1-SHA-1, Base64."""
    return b64encode(public_key.encrypt(plain.encode(), _oaep())).decode()


def open_rsa(private_key: Any, sealed: str) -> str:
    """The plaintext of `seal_rsa`. Raises Unreadable."""
    try:
        return private_key.decrypt(b64decode(sealed, validate=True), _oaep()).decode()
    except ValueError as error:
        raise Unreadable("not sealed with our public key") from error


def serial_number(random: bytes) -> int:
    """A certificate serial of 40 hex digits from 20 bytes; the first digit is 1 to 7, so none is ever dropped."""
    return int.from_bytes(bytes([0x10 | (random[0] & 0x6F)]) + random[1:20])


def certificate(private_key: Any, serial: int, common_name: str, organisation: str, now: datetime) -> str:
    """A self-signed X.509 certificate as PEM, valid from the day before `now` for five years."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    start = now.replace(microsecond=0) - timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, private_key.public_key(), serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=5 * 365))
        .sign(private_key, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


@lru_cache(maxsize=1024)
def read_certificate(pem: str) -> tuple[Any, datetime, datetime]:
    """Public key, not before, not after; parsed once per process."""
    found = x509.load_pem_x509_certificate(pem.encode())
    return found.public_key(), found.not_valid_before_utc, found.not_valid_after_utc


def compact(body: Any) -> bytes:
    """JSON without spaces or escapes: some client helpers verify over what they write again."""
    return orjson.dumps(body)


def error_body(code: str, message: str, detail: dict[str, Any] | None = None) -> bytes:
    body: dict[str, Any] = {"code": code}
    if detail is not None:
        body["detail"] = detail
    return compact({**body, "message": message})


def signature_detail(method: str, target: str, message: bytes) -> dict[str, Any]:
    """What a 401 for a wrong signature tells: our own string to sign, shortened, and its length in bytes."""
    return {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": method,
            "sign_message_length": len(message),
            "truncated_sign_message": message[:SHOWN_OF_MESSAGE].decode(errors="ignore"),
            "url": target,
        },
    }


def request_id(random_hex: str, internal: int) -> str:
    """`<hex>-<n>`: the number behind the last dash is the internal error number, 0 when all is well."""
    return f"{random_hex.upper()}-{internal}"


def first_match(public_key: Any, messages: Iterable[bytes], signature: str) -> bytes | None:
    """The message this signature belongs to, if any."""
    return next((message for message in messages if verify(public_key, message, signature)), None)

"""Answers and notifications of WeChat Pay: headers, signature, and what is sealed."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from mock_providers.explain import texts
from mock_providers.explain.merchant import (
    Ring,
    Seen,
    judge,
    other_bodies,
    other_frames,
    other_nonces,
    other_stamps,
    right_frame,
)
from mock_providers.explain.report import UNSIGNED, Report, ahead
from mock_providers.explain.search import Variant, right, search, variants
from mock_providers.wechatpay import wire

ALGORITHM = "AEAD_AES_256_GCM"
BITS_LOOKED_AT = 24_000
AADS = ("", "transaction", "refund", "medical-insurance", "security", "certificate")


def told(seen: Seen, ring: Ring, sealed: bool = True) -> Report:
    """Something WeChat Pay said: its headers, signature, and (of a notification) the `sealed` resource."""
    subject = "WeChat Pay notification" if sealed else "WeChat Pay answer"
    report = Report(subject, mask=ring.mask, steps=list(STEPS))
    head = seen.headers
    stamp, nonce = head.get("wechatpay-timestamp", ""), head.get("wechatpay-nonce", "")
    serial, text = head.get("wechatpay-serial", ""), head.get("wechatpay-signature", "")
    report.shown = {"Wechatpay-Serial": serial, "Wechatpay-Signature": text, "Wechatpay-Timestamp": stamp}
    report.message = f"{stamp}\n{nonce}\n".encode() + seen.body + b"\n"
    if not text:
        report.verdict, report.says = UNSIGNED, "there is no Wechatpay-Signature header"
        report.blame("signature_missing")
        return report
    if text.startswith(wire.PROBE):
        report.blame("probe")
        return report
    if not stamp.isdecimal():
        report.blame("timestamp_no_number")
    elif seen.wall is not None:
        ahead(report, int(stamp[:12]) - seen.wall)
    if (kind := head.get("wechatpay-signature-type", wire.SCHEME)) != wire.SCHEME:
        report.facts["Wechatpay-Signature-Type"] = f"{kind}, expected {wire.SCHEME}"
        report.blame("algorithm_name")
    own = ring.platform.get(serial)
    if own is None:
        report.blame(
            ring.serials.get(serial.upper(), "serial_unknown") if serial != ring.serial else "serial_of_merchant"
        )
        own = next(iter(ring.platform.values()))
    else:
        own = own._replace(cause="")
    rest = tuple(key for key in (*ring.platform.values(), *ring.keys) if key.name != own.name)
    mine = ring.key._replace(cause="key_of_merchant")
    ringed = Ring(ring.mchid, serial, own, (*rest, mine), pems=ring.pems, apiv3_key=ring.apiv3_key)
    report.expected = {"key": own.name, "algorithm": "RSASSA-PKCS1-v1_5 with SHA-256"}
    bodies = [*texts.bodies(seen.body), *other_bodies(seen.body, ring)]
    frames = [
        right(right_frame),
        *(Variant((name,), frame) for name, frame in other_frames()[:8] if name != "body_line_left_out"),
    ]
    stamps = variants(stamp, *(other_stamps(int(stamp))[1:12] if stamp.isdecimal() else ()))
    nonces = variants(
        nonce, *other_nonces(nonce), *(("other_nonce", one.headers.get("wechatpay-nonce")) for one in ring.others)
    )

    def make(said: str, number: str, body: bytes, frame: Any) -> bytes:
        return frame([said.encode(), number.encode(), body])

    def searching(fits: Callable[[bytes], bool]) -> Any:
        return search([stamps, nonces, bodies, frames], make, fits)

    judge(report, text, ringed, [report.message], searching, (len(stamp) + len(nonce) + 2, seen.body))
    if sealed:
        _resource(report, seen.body, ring)
    return report


STEPS = (
    "take the raw body, before any framework parses it",
    "choose the key by Wechatpay-Serial: a platform certificate's serial number, or PUB_KEY_ID_…",
    "refuse a Wechatpay-Timestamp more than 300 s from the wall clock",
    "string to sign: Wechatpay-Timestamp, Wechatpay-Nonce, raw body, each ended by a line feed",
    "verify Wechatpay-Signature: base64, RSASSA-PKCS1-v1_5 with SHA-256",
    "open resource.ciphertext with AES-256-GCM: APIv3 key, resource.nonce, resource.associated_data",
    "compare appid, mchid, number and amount with your own order, then answer 200 or 204 within 5 s",
)


def _resource(report: Report, body: bytes, ring: Ring) -> None:
    """The sealed part of a notification: whose key, which associated data, and whether somebody changed it."""
    try:
        envelope = orjson.loads(body)
        resource = envelope["resource"]
        nonce, sealed = resource["nonce"], resource["ciphertext"]
        extra = resource.get("associated_data") or ""
        if resource["algorithm"] != ALGORITHM or not all(isinstance(one, str) for one in (nonce, sealed, extra)):
            raise ValueError("not as documented")
    except (ValueError, KeyError, TypeError, AttributeError):
        report.blame("envelope_malformed")
        return
    try:
        cipher = b64decode(sealed, validate=True)
    except ValueError:
        report.blame("ciphertext_not_base64")
        return
    for key in filter(None, (ring.apiv3_key, *ring.other_apiv3_keys)):
        name = "your" if key == ring.apiv3_key else "another merchant's"
        for aad in dict.fromkeys((extra, *AADS)):
            if opened(key, nonce, aad, cipher) is not None:
                report.facts["resource"] = f"opens with {name} APIv3 key and associated_data {aad!r}"
                if key != ring.apiv3_key:
                    report.blame("apiv3_key_of_another")
                if aad != extra:
                    report.blame("associated_data")
                return
    plain = _without_tag(ring.apiv3_key, nonce, cipher)
    readable = plain[:1] == b"{" and plain[-1:] == b"}"
    report.facts["resource"] = "does not open" + (": key and nonce fit, the tag does not" if readable else "")
    if not readable:
        report.blame("apiv3_key_unknown")
    elif (at := _turned_bit(ring.apiv3_key, nonce, extra, cipher)) is not None:
        report.facts["resource"] += f": byte {at} of the ciphertext was changed"
        report.blame("ciphertext_changed")
    else:
        report.blame("associated_data" if _is_json(plain) else "ciphertext_changed")


def opened(key: str, nonce: str, extra: str, cipher: bytes) -> bytes | None:
    """What AES-256-GCM opens, if it does."""
    try:
        return AESGCM(key.encode()).decrypt(nonce.encode(), cipher, extra.encode())
    except (InvalidTag, ValueError):
        return None


def content(body: bytes, apiv3_key: str) -> Any:
    """The business data of a notification, if it opens; else None."""
    try:
        resource = orjson.loads(body)["resource"]
        extra = resource.get("associated_data") or ""
        plain = opened(apiv3_key, resource["nonce"], extra, b64decode(resource["ciphertext"], validate=True))
        return None if plain is None else orjson.loads(plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _turned_bit(key: str, nonce: str, extra: str, cipher: bytes) -> int | None:
    """Where a single bit was turned, if that is all that is wrong."""
    if len(cipher) > BITS_LOOKED_AT // 8:
        return None
    given = bytearray(cipher)
    for at in range(len(given)):
        for bit in range(8):
            given[at] ^= 1 << bit
            if opened(key, nonce, extra, bytes(given)) is not None:
                return at
            given[at] ^= 1 << bit
    return None


def _is_json(plain: bytes) -> bool:
    try:
        orjson.loads(plain)
        return True
    except ValueError:
        return False


def _without_tag(key: str, nonce: str, cipher: bytes) -> bytes:
    """GCM without its proof: CTR from block 2. Readable only under the right key and nonce."""
    try:
        coder = Cipher(AES256(key.encode()), CTR(nonce.encode()[:12].ljust(12, b"\0") + b"\0\0\0\x02")).decryptor()
        return coder.update(cipher[:-16]) + coder.finalize()
    except ValueError:
        return b""

"""What every WeChat Pay signature is looked at with: the keys that may have made it, the texts it may be over."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from mock_providers.explain import rsa, texts
from mock_providers.explain.report import OK, Mask, Report
from mock_providers.explain.rsa import Key, Signed
from mock_providers.explain.search import Variant, one_byte
from mock_providers.wechatpay import wire

AROUND_SECONDS = 5


@dataclass(frozen=True)
class Seen:
    """A message as it was on the wire. `wall`: Unix seconds of its coming, None if nobody knows."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    wall: int | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ring:
    """Who a merchant is to WeChat Pay, and every key that might have been taken for its own.

    `serials` maps the names of keys that are no merchant certificate in force to what using them means.
    `others` are signed requests of the same space around this one.
    """

    mchid: str
    serial: str
    key: Key
    keys: tuple[Key, ...] = ()
    serials: Mapping[str, str] = field(default_factory=dict)
    merchants: Mapping[str, str] = field(default_factory=dict)
    space: str = "default"
    apiv3_key: str = ""
    other_apiv3_keys: tuple[str, ...] = ()
    platform: Mapping[str, Key] = field(default_factory=dict)
    pems: tuple[str, ...] = ()
    others: tuple[Seen, ...] = ()
    appids: tuple[str, ...] = ()
    mask: Mask = field(default_factory=Mask)


Searching = Callable[[Callable[[bytes], bool]], Any]


def other_stamps(stamp: int) -> list[tuple[str, str]]:
    near = [("timestamp_twice", str(stamp + off)) for off in range(-AROUND_SECONDS, AROUND_SECONDS + 1)]
    return [
        ("timestamp_ms", str(stamp * 1000)),
        *near,
        *(("timestamp_ms", str(stamp * 1000 + ms)) for ms in range(1000)),
    ]


def other_nonces(nonce: str) -> list[tuple[str, str]]:
    return [
        ("nonce_rewritten", other)
        for other in (nonce.lower(), nonce.upper(), nonce.replace("-", ""), f'"{nonce}"', "")
    ]


def their(ring: Ring, name: str) -> list[str]:
    found = []
    for other in ring.others:
        shown = other.headers.get("authorization", "").partition(" ")[2].split(",")
        pairs = {m[1]: m[2] for m in map(wire.PAIR.match, shown) if m}
        if pairs.get(name):
            found.append(pairs[name])
    return found


def other_bodies(body: bytes, ring: Ring) -> list[Variant]:
    return [
        Variant(("body_of_another",), one)
        for one in dict.fromkeys(o.body for o in ring.others)
        if one != body and one
    ]


def right_frame(parts: list[bytes]) -> bytes:
    return b"\n".join(parts) + b"\n"


def other_frames() -> list[tuple[str, Callable[[list[bytes]], bytes]]]:
    def ordered(order: Sequence[int]) -> Callable[[list[bytes]], bytes]:
        return lambda parts: right_frame([parts[place] for place in order])

    shuffles = [("line_order", ordered(order)) for order in permutations(range(5)) if list(order) != [0, 1, 2, 3, 4]]
    return [
        ("body_line_left_out", lambda parts: right_frame(parts[:4])),
        ("newline_missing", b"\n".join),
        ("newline_extra", lambda parts: right_frame(parts) + b"\n"),
        ("crlf", lambda parts: b"\r\n".join(parts) + b"\r\n"),
        ("newline_literal", lambda parts: b"\\n".join(parts) + b"\\n"),
        ("newline_none", b"".join),
        ("newline_none", b"&".join),
        ("answer_form", lambda parts: right_frame(parts[2:])),
        ("bom", lambda parts: texts.BOM + right_frame(parts)),
        *shuffles,
    ]


def judge(
    report: Report, text: str, ring: Ring, messages: list[bytes], searching: Searching, place: tuple[int, bytes]
) -> None:
    """What the signature is over, and by whom. `place` is where the body stands in the first message."""
    signature, odd = rsa.decoded(text, ring.key.public.key_size // 8)
    report.blame(*odd) if odd else None
    if signature is None:
        _symmetric(report, text, ring, messages)
        return
    signed = rsa.opened(signature, (ring.key, *ring.keys))
    if signed is None:
        pss = any(rsa.is_pss(signature, key, one) for key in (ring.key, *ring.keys[:4]) for one in messages)
        report.blame("pss" if pss else "key_unknown")
        return
    report.facts["signed_by"] = signed.key.name
    report.facts["signed_digest"] = f"{signed.hash} {signed.digest.hex()}"
    report.facts["expected_digest"] = f"sha256 {rsa.digest('sha256', messages[0]).hex()}"
    if signed.key.cause:
        report.blame(signed.key.cause)
    if signed.bare:
        report.blame("digest_info_missing")
        return
    if signed.hash != "sha256":
        report.blame({"sha1": "sha1_not_sha256", "md5": "md5_not_sha256"}.get(signed.hash, "another_hash"))
    _text(report, signed, messages, searching, place)


def _text(
    report: Report, signed: Signed, messages: list[bytes], searching: Searching, place: tuple[int, bytes]
) -> None:
    def fits(message: bytes) -> bool:
        return rsa.digest(signed.hash, message) == signed.digest

    good = next((message for message in messages if fits(message)), None)
    if good is not None:
        report.message = good
        report.verdict = report.verdict if report.found else OK
        return
    if any(rsa.hashed_twice(message, signed) for message in messages):
        report.blame("hashed_twice")
        return
    if found := searching(fits):
        report.blame(*found.names)
        report.differs(found.made)
        return
    start, body = place
    for message in messages:
        if (other := one_byte(message, start, start + len(body), signed.hash, signed.digest)) is not None:
            report.message = message
            report.blame("body_changed")
            report.differs(other)
            return
    report.blame("text_unknown")


def _symmetric(report: Report, text: str, ring: Ring, messages: list[bytes]) -> None:
    """Somebody may have taken the signature for a keyed hash."""
    for cause, keys in (("hmac_not_rsa", (ring.apiv3_key,)), ("pem_as_key", ring.pems)):
        for key in filter(None, keys):
            for message in messages:
                made = hmac.digest(key.encode(), message, "sha256")
                if text in (b64encode(made).decode(), made.hex(), made.hex().upper()):
                    report.found.clear()
                    report.blame(cause)
                    return

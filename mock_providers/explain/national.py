"""The national platform's headers: the gateway's in two styles, and the authorisation portal's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from mock_providers.explain import keyed, texts
from mock_providers.explain.report import OK, Mask, Report, clock
from mock_providers.explain.search import Variant, right, variants


@dataclass(frozen=True)
class Secrets:
    """A shared secret of the gateway or the portal, who may use it, and the secrets it may be mistaken for."""

    id: str
    secret: str
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nonces: tuple[str, ...] = ()
    mask: Mask = field(default_factory=Mask)


def tif(headers: Mapping[str, str], own: Secrets, wall: int | None) -> Report:
    """`x-tif-*`: SHA-256 of timestamp, secret, nonce, timestamp."""
    report = Report("x-tif headers", mask=own.mask)
    stamp, nonce = headers.get("x-tif-timestamp", ""), headers.get("x-tif-nonce", "")
    if (shown := headers.get("x-tif-paasid")) != own.id:
        report.facts["x-tif-paasid"] = f"{shown}, expected {own.id}"
        report.blame("app_id_unknown")
    clock(report, stamp, wall)
    stamps = variants(stamp, *_units(stamp))
    nonces = variants(
        nonce,
        *(("nonce_rewritten", other) for other in (nonce.lower(), nonce.upper(), nonce.replace("-", ""), "")),
        *(("other_nonce", other) for other in own.nonces),
    )
    orders = [right((0, 1, 2, 0)), *(Variant(("part_order",), order) for order in _tif_orders())]

    def message(said: str, number: str, order: Sequence[int], secret: bytes) -> bytes:
        parts = (said.encode(), secret, number.encode())
        return b"".join(parts[place] for place in order)

    hashing = [
        keyed.secrets(own.secret, own.others),
        keyed.digests("sha256", keyed=False),
        keyed.written("lower_hex"),
    ]
    keyed.judge(report, headers.get("x-tif-signature", ""), [stamps, nonces, orders], message, hashing)
    if nonce and nonce in own.nonces and report.verdict == OK:
        report.blame("nonce_used_before")
    report.facts["made_of"] = (
        "x-tif-timestamp, secret, x-tif-nonce, x-tif-timestamp, nothing between; the body is not covered"
    )
    return report


def _tif_orders() -> Iterator[tuple[int, ...]]:
    yield from ((0, 1, 2), (0, 1), (1, 0, 2))
    yield from sorted({order for order in permutations((0, 1, 2, 0)) if order != (0, 1, 2, 0)})
    yield from permutations((0, 1, 2))


def _units(stamp: str) -> list[tuple[str, str]]:
    if not stamp.isdecimal():
        return []
    if len(stamp) >= 13:
        return [("timestamp_seconds", stamp[:10]), ("timestamp_seconds", f"{stamp[:10]}000")]
    near = [("timestamp_twice", str(int(stamp[:12]) + off)) for off in (-1, 1, -2, 2)]
    return [*near, *(("timestamp_ms", f"{stamp}{ms:03d}") for ms in range(1000))]


def ca(
    headers: Mapping[str, str], body: bytes, own: Secrets, wall: int | None, bodies: Sequence[bytes] = ()
) -> Report:
    """`x-ca-signature`: timestamp, colon, upper-case HMAC-SM3 of timestamp, line feed, body."""
    report = Report("x-ca headers", mask=own.mask)
    stamp, _, shown = headers.get("x-ca-signature", "").partition(":")
    clock(report, stamp, wall)
    stamps = variants(stamp, *_units(stamp))
    sent = [*texts.bodies(body), *(Variant(("body_of_another",), one) for one in bodies if one != body)]
    frames: list[Variant] = [
        right(lambda said, raw: said + b"\n" + raw),
        Variant(("newline_missing",), lambda said, raw: said + raw),
        Variant(("newline_extra",), lambda said, raw: said + b"\n" + raw + b"\n"),
        Variant(("crlf",), lambda said, raw: said + b"\r\n" + raw),
        Variant(("newline_literal",), lambda said, raw: said + b"\\n" + raw),
        Variant(("part_order",), lambda said, raw: raw + b"\n" + said),
        Variant(("part_order",), lambda said, raw: raw),
    ]

    def message(said: str, raw: bytes, frame: Any, secret: bytes) -> bytes:
        return frame(said.encode(), raw)

    hashing = [keyed.secrets(own.secret, own.others), keyed.digests("sm3", keyed=True), keyed.written("upper_hex")]
    keyed.judge(report, shown, [stamps, sent, frames], message, hashing)
    return report


def portal(partner_id: str, headers: Mapping[str, str], body: bytes, own: Secrets, wall: int | None) -> Report:
    """`god-portal-*`: HMAC-SHA256 of partnerId and timestamp (milliseconds)."""
    report = Report("god-portal headers", mask=own.mask)
    stamp = headers.get("god-portal-timestamp", "")
    if partner_id != own.id:
        report.facts["partnerId"] = f"{partner_id}, expected {own.id}"
        report.blame("app_id_unknown")
    clock(report, stamp, None, 13)
    ids = variants(partner_id, *(("part_order", other) for other in (partner_id.lower(), "", own.id)))
    stamps = variants(stamp, *_units(stamp))
    frames: list[Variant] = [
        right(lambda who, said: who + said),
        Variant(("part_order",), lambda who, said: said + who),
        Variant(("part_order",), lambda who, said: who + b"&" + said),
        Variant(("part_order",), lambda who, said: who + b"\n" + said),
        Variant(("newline_extra",), lambda who, said: who + said + b"\n"),
        Variant(("portal_body",), lambda who, said: who + said + body),
        Variant(("portal_body",), lambda who, said: body),
        Variant(
            ("portal_request_id",), lambda who, said: who + said + headers.get("god-portal-request-id", "").encode()
        ),
    ]

    def message(who: str, said: str, frame: Any, secret: bytes) -> bytes:
        return frame(who.encode(), said.encode())

    hashing = [keyed.secrets(own.secret, own.others), keyed.digests("sha256", keyed=True), keyed.written("lower_hex")]
    keyed.judge(report, headers.get("god-portal-signature", ""), [ids, stamps, frames], message, hashing)
    return report

"""The national platform: the gateway's headers, the portal's, and the payment centre's sealed message."""

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.padding import PKCS7

from mock_providers.explain import keyed, texts
from mock_providers.explain.report import OK, UNREADABLE, UNSIGNED, Mask, Report, clock
from mock_providers.explain.search import Variant, one_byte, right, search, variants
from mock_providers.national import sm2, wire

LOOKED_THROUGH_AT_MOST = 512
BLOCKWISE = ECB()  # noqa: S305 - what the platform speaks
HEX = re.compile(r"[0-9A-Fa-f]*\Z")


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


# The sealed message of the payment and prescription centres


@dataclass(frozen=True)
class Channel:
    """One direction of the payment centre's channel, seen from who opens it.

    `public`: the sender's key, base64. `others` maps keys (base64) it may be mistaken for to what that means;
    `private` is the sender's own scalar, to find out whether its PEM was taken for the key; `apps` are other apps'
    (appId, appSecret).
    """

    app_id: str
    app_secret: str
    public: str
    user_id: str = "appSecret"
    others: Mapping[str, str] = field(default_factory=dict)
    private: str = ""
    apps: tuple[tuple[str, str], ...] = ()
    versions: tuple[str, ...] = (wire.PAYMENT, wire.PRESCRIPTION)
    mask: Mask = field(default_factory=Mask)


STEPS = (
    "SM4 key: appSecret encrypted under appId's first 16 characters (SM4-ECB-PKCS7), upper-case hex, its first 16",
    "encData: SM4-ECB-PKCS7 under that key, hex; inside is the business data as compact JSON",
    "string to sign: top-level fields but signData, encData, extra and empty ones, the plain data under `data`",
    'sort keys (inside data too, and drop null, "", {} and [] there), join k=v with &, append &key= and appSecret',
    "signData: base64 of r‖s (64 bytes), SM3withSM2, user id: the bytes of appSecret",
    "acknowledge with HTTP 200; be idempotent on payOrdId and callType",
)


def sealed(body: bytes, channel: Channel, subject: str = "sealed message", wall: int | None = None) -> Report:
    """encData and signData of one message. `wall`: where its time matters, when it came (Unix seconds)."""
    report = Report(subject, mask=channel.mask, steps=list(STEPS))
    try:
        fields = wire.parse(body)
    except wire.Malformed as error:
        fields, report.says = None, str(error)
    if not isinstance(fields, dict):
        report.verdict = UNREADABLE
        return report.blame("not_json")
    _names(fields, channel, report)
    stamp = str(fields.get("timestamp", ""))
    if wall is not None and len(stamp) == 13:
        clock(report, stamp, wall, 13)
    elif not stamp.isdecimal():
        report.blame("timestamp_no_number")
    text = fields.get("signData")
    if not isinstance(text, str) or not text:
        report.verdict = UNSIGNED
        return report.blame("signature_missing")
    report.shown["signData"] = text
    plain = _opened(fields.get("encData"), channel, report)
    if plain is None:
        return report
    signature, odd = _raw(text)
    report.blame(*odd) if odd else None
    if signature is None:
        return report
    digests = _digests(signature, channel)
    data = _data(plain)
    if data is None:
        _repair(report, fields, plain, channel, digests)
        return report
    report.message = wire.string_to_sign(fields, data, channel.app_secret).encode(errors="surrogateescape")
    _signed(report, fields, data, plain, channel, digests)
    return report


def _names(fields: Mapping[str, Any], channel: Channel, report: Report) -> None:
    if fields.get("appId") != channel.app_id:
        report.facts["appId"] = f"{fields.get('appId')}, expected {channel.app_id}"
        report.blame("app_id_unknown")
    if fields.get("encType") != "SM4" or fields.get("signType") != "SM2":
        report.facts["encType, signType"] = f"{fields.get('encType')}, {fields.get('signType')}; expected SM4, SM2"
        report.blame("algorithm_name")
    if fields.get("version") not in channel.versions:
        report.facts["version"] = f"{fields.get('version')}, expected {' or '.join(channel.versions)}"
        report.blame("version")


def _data(plain: bytes) -> Any:
    """The business data; None if this is not JSON of an object in UTF-8."""
    if not plain:
        return {}
    try:
        found = wire.parse(plain.decode())
    except (wire.Malformed, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def content(body: bytes, app_id: str, app_secret: str) -> Any:
    """The business data of a message, if it opens; else None."""
    try:
        return _data(wire.decrypt(wire.message_key(app_id, app_secret), wire.parse(body)["encData"]))
    except (wire.Malformed, KeyError, TypeError):
        return None


# SM4


def _opened(text: Any, channel: Channel, report: Report) -> bytes | None:
    """What encData holds, whatever key it was sealed with; None if nobody can say."""
    if text in (None, ""):
        return b""
    if not isinstance(text, str) or not HEX.match(text):
        bad = [at for at, one in enumerate(str(text)) if not HEX.match(one)]
        if len(bad) == 1:
            report.facts["encData"] = f"character {bad[0]} is no hex digit"
            report.blame("body_changed")
            report.first_difference = {"in": "encData", "offset": bad[0]}
            return None
        return _base64(str(text), channel, report)
    if len(text) % 32:
        report.facts["encData"] = f"{len(text)} hex digits are no whole blocks of 32"
        report.blame("sm4_length")
        return None
    cipher = bytes.fromhex(text)
    own = wire.message_key(channel.app_id, channel.app_secret)
    for key, mode, cause in _sm4_keys(channel):
        plain = _sm4(key, mode, cipher)
        if plain is not None and (cause == "" or _looks_right(plain)):
            if cause:
                report.blame(cause)
            if not _looks_right(plain) and _gbk(plain):
                report.blame("charset_gbk")
                return plain.decode("gb2312").encode()
            if _looks_right(plain) or cause:
                return plain
    plain = _blocks(own, cipher)
    if _readable(plain) * 2 >= len(plain) // 16:
        return plain
    report.blame("sm4_key_unknown")
    return None


def _base64(text: str, channel: Channel, report: Report) -> bytes | None:
    try:
        cipher = b64decode(text, validate=True)
        plain = _sm4(wire.message_key(channel.app_id, channel.app_secret), BLOCKWISE, cipher)
    except (NotBase64, ValueError):
        plain = None
    report.blame("not_hex" if plain is None else "base64_not_hex")
    return plain


def _sm4_keys(channel: Channel) -> Iterator[tuple[bytes, Any, str]]:
    own = wire.message_key(channel.app_id, channel.app_secret)
    whole = wire.encrypt(channel.app_id[:16].encode(), channel.app_secret.encode())
    yield own, BLOCKWISE, ""
    yield own.lower(), BLOCKWISE, "sm4_key_lower_case"
    yield bytes.fromhex(whole)[:16], BLOCKWISE, "sm4_key_binary"
    yield own, CBC(bytes(16)), "sm4_cbc"
    yield own, CBC(own), "sm4_cbc"
    for text in (channel.app_id, channel.app_secret, channel.app_secret[-16:], channel.app_id[-16:]):
        if len(text) >= 16:
            yield text[:16].encode(), BLOCKWISE, "sm4_key_not_derived"
    for app_id, secret in channel.apps:
        yield wire.message_key(app_id, secret), BLOCKWISE, "sm4_key_of_other_app"


def _sm4(key: bytes, mode: Any, cipher: bytes) -> bytes | None:
    try:
        coder, unpad = Cipher(SM4(key), mode).decryptor(), PKCS7(128).unpadder()
        return unpad.update(coder.update(cipher) + coder.finalize()) + unpad.finalize()
    except ValueError:
        return None


def _blocks(key: bytes, cipher: bytes) -> bytes:
    coder = Cipher(SM4(key), BLOCKWISE).decryptor()
    return coder.update(cipher) + coder.finalize()


def _looks_right(plain: bytes) -> bool:
    return _data(plain) is not None


def _gbk(plain: bytes) -> bool:
    try:
        return _data(plain.decode("gb2312").encode()) is not None
    except UnicodeError:
        return False


def _readable(plain: bytes) -> int:
    """How many blocks look like text."""
    return sum(_texty(plain[at : at + 16]) for at in range(0, len(plain), 16))


def _texty(block: bytes) -> bool:
    """UTF-8 without control characters, but for padding at its end and a character cut off at either end."""
    if block and 1 <= block[-1] <= 16 and block.endswith(bytes((block[-1],)) * block[-1]):
        block = block[: -block[-1]]
    begin = 0
    while begin < min(3, len(block)) and 0x80 <= block[begin] < 0xC0:
        begin += 1
    return any(_is_text(block[begin : len(block) - cut]) for cut in range(min(4, len(block) - begin + 1)))


def _is_text(given: bytes) -> bool:
    try:
        return given.decode().isprintable() or all(one.isprintable() or one in "\t\r\n" for one in given.decode())
    except UnicodeDecodeError:
        return False


# SM2


def _raw(text: str) -> tuple[bytes | None, list[str]]:
    """r‖s, and what is odd about how it is written."""
    for read, names in (
        (lambda: b64decode(text, validate=True), []),
        (lambda: bytes.fromhex(text), ["hex_not_base64"]),
        (
            lambda: b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True),
            ["base64url"],
        ),
        (lambda: b64decode(re.sub(r"(\\n|\\r|\s)+", "", text), validate=True), ["base64_line_breaks"]),
    ):
        try:
            found = read()
        except ValueError:
            continue
        if len(found) == 64:
            return found, list(names)
        if (der := _from_der(found)) is not None:
            return der, ["der_not_raw", *names]
        if len(found) == 128 and HEX.match(found.decode("latin-1")):
            return bytes.fromhex(found.decode()), ["hex_then_base64"]
    return None, ["signature_truncated" if len(text) < 86 else "not_base64"]


def _from_der(given: bytes) -> bytes | None:
    """r‖s out of SEQUENCE { INTEGER r, INTEGER s }."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        r, s = decode_dss_signature(given)
        return r.to_bytes(32) + s.to_bytes(32)
    except (ValueError, OverflowError):
        return None


Digests = list[tuple[bytes, int, str]]


def _digests(signature: bytes, channel: Channel) -> Digests:
    """For every key: its public bytes, the digest the signature is right for, what using it means."""
    found: Digests = []
    guesses = [
        (channel.public, ""),
        *channel.others.items(),
        *((key, "pem_as_key") for key in _pem_keys(channel.private)),
    ]
    for key, cause in guesses:
        try:
            public = b64decode(key, validate=True)
            digest = sm2.signed_digest(public, signature)
        except (ValueError, sm2.BadKey):
            continue
        if digest is not None:
            found.append((public, digest, cause))
    return found


def _pem_keys(private: str) -> Iterator[str]:
    """Public keys of the scalars a careless reader finds in a PEM."""
    if not private:
        return
    pem = f"-----BEGIN PRIVATE KEY-----\n{private}\n-----END PRIVATE KEY-----\n"
    letters = re.sub(r"[^A-Za-z0-9+/]", "", pem)
    whole = b64decode(letters + "=" * (-len(letters) % 4) if len(letters) % 4 != 1 else letters[:-1])
    for scalar in (whole[:32], whole[-32:]):
        try:
            yield b64encode(sm2.public_of(scalar)).decode()
        except sm2.BadKey:
            continue


def _signers(channel: Channel) -> list[tuple[bytes, str]]:
    """SM2 user ids: the right one, then those others use."""
    ids = {"appSecret": channel.app_secret.encode(), "default": sm2.DEFAULT_ID}
    own = ids[channel.user_id]
    others = [*ids.values(), channel.app_id.encode(), b"", channel.app_secret.lower().encode()]
    return [(own, ""), *((one, "sm2_user_id") for one in dict.fromkeys(others) if one != own)]


def _by(message: bytes, public: bytes, digest: int, channel: Channel) -> list[str] | None:
    """What is odd about how this text was signed; None if it was not this text."""
    for user_id, cause in _signers(channel):
        if sm2.digest(public, message, user_id) % sm2.N == digest:
            return [cause] if cause else []
    return None


def _odd_hash(message: bytes, public: bytes, digest: int, channel: Channel) -> str | None:
    import hashlib

    own = _signers(channel)[0][0]
    z = sm2.identity(public, own)
    guesses = {
        "sm2_without_z": sm2.sm3(message),
        "sha256_not_sm3": hashlib.sha256(z + message).digest(),
        "hashed_twice": sm2.sm3(z + sm2.sm3(message)),
    }
    more = {
        "sha256_not_sm3": hashlib.sha256(message).digest(),
        "hashed_twice": sm2.sm3(z + sm2.sm3(message).hex().encode()),
    }
    for cause, made in (*guesses.items(), *more.items()):
        if int.from_bytes(made) % sm2.N == digest:
            return cause
    return None


def _signed(
    report: Report, fields: Mapping[str, Any], data: Any, plain: bytes, channel: Channel, digests: Digests
) -> None:
    message = report.message or b""
    for public, digest, cause in digests:
        odd = _by(message, public, digest, channel)
        if odd is None and (hashed := _odd_hash(message, public, digest, channel)):
            odd = [hashed]
        if odd is not None:
            report.blame(*filter(None, (cause,)), *odd)
            report.verdict = report.verdict if report.found else OK
            return
    own = next(((public, digest) for public, digest, cause in digests if not cause), None)
    if own is None:
        report.blame("signature_out_of_range")
        return
    public, digest = own

    def fits(made: bytes) -> bool:
        return _by(made, public, digest, channel) is not None

    if found := _search(fields, data, plain, channel, fits):
        report.blame(*found.names, *(_by(found.made, public, digest, channel) or ()))
        report.differs(found.made)
        return
    z = sm2.identity(public, _signers(channel)[0][0])
    other = one_byte(z + message, len(z), len(z) + len(message), "sm3", digest.to_bytes(32))
    if other is not None:
        report.blame("body_changed")
        report.differs(other[len(z) :])
        return
    report.blame("text_or_key_unknown" if fields.get("encData") else "encdata_missing")


def _search(
    fields: Mapping[str, Any], data: Any, plain: bytes, channel: Channel, fits: Callable[[bytes], bool]
) -> Any:
    secret = channel.app_secret
    tails = variants(
        f"&key={secret}",
        *(
            ("key_suffix", tail)
            for tail in ("", f"&{secret}", secret, f"&appSecret={secret}", f"&secret={secret}", "&key=")
        ),
        ("secret_case", f"&key={secret.lower()}"),
        ("secret_case", f"&key={secret.upper()}"),
        ("secret_with_newline", f"&key={secret}\n"),
        ("newline_extra", f"&key={secret}\n"),
    )
    own = {k: v for k, v in fields.items() if k not in wire.NOT_SIGNED}

    def make(chosen: Mapping[str, Any], text: str, order: Any, tail: str) -> bytes:
        whole = {**chosen, "data": text} if text else dict(chosen)
        said = (f"{k}={v if isinstance(v, str) else wire.compact(v)}" for k, v in order(whole))
        return ("&".join(said) + tail).encode(errors="surrogateescape")

    return search(
        [_field_variants(fields, own), _data_variants(data, plain, fields), _key_orders(), tails], make, fits
    )


def _field_variants(fields: Mapping[str, Any], own: Mapping[str, Any]) -> list[Variant]:
    kept = {k: v for k, v in own.items() if v not in (None, "", {}, [])}
    without = {k: v for k, v in kept.items() if k not in ("signType", "encType")}
    return variants(
        kept,
        ("sign_type_left_out", without),
        ("sign_type_left_out", {k: v for k, v in kept.items() if k != "signType"}),
        ("sign_type_left_out", {k: v for k, v in kept.items() if k != "encType"}),
        ("field_left_in", {**kept, **{k: fields[k] for k in ("encData",) if fields.get(k)}}),
        ("field_left_in", {**kept, **{k: fields[k] for k in ("extra",) if fields.get(k)}}),
        ("field_left_in", {**kept, **{k: fields[k] for k in ("encData", "extra") if fields.get(k)}}),
        ("empty_left_in", {k: "" if v is None else v for k, v in own.items()}),
        *(("field_left_out", {k: v for k, v in kept.items() if k != name}) for name in kept),
    )


def _key_orders() -> list[Variant]:
    return [
        right(lambda whole: sorted(whole.items())),
        Variant(("keys_unsorted",), lambda whole: list(whole.items())),
        Variant(("keys_unsorted",), lambda whole: sorted(whole.items(), key=lambda pair: pair[0].lower())),
        Variant(("keys_unsorted",), lambda whole: sorted(whole.items(), reverse=True)),
        Variant(("keys_unsorted",), lambda whole: sorted(whole.items(), key=lambda pair: pair[0] == "data")),
    ]


def _data_variants(data: Any, plain: bytes, fields: Mapping[str, Any]) -> list[Variant]:
    pruned = wire.pruned(data)
    loose = json.loads(wire.compact(pruned))
    found: dict[str, tuple[str, ...]] = {wire.compact(pruned) if pruned else "": ()}
    for name, text in (
        ("data_not_pruned", wire.compact(_sorted(data))),
        ("data_unsorted", wire.compact(_pruned_only(data))),
        ("data_unsorted", wire.compact({k: _pruned_only(data[k]) for k in pruned})),
        ("data_not_pruned", wire.compact(data)),
        ("data_not_pruned", plain.decode(errors="surrogateescape")),
        (
            "data_pruned_shallow",
            wire.compact({k: v for k, v in _sorted(data).items() if v not in (None, "", {}, [])}),
        ),
        ("numbers_reformatted", wire.compact(loose)),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: f"{float(one):.2f}"))),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: f"{float(one):g}"))),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: json.dumps(float(one))))),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: f'"{one}"'))),
        ("data_encrypted_signed", str(fields.get("encData") or "")),
        ("data_left_out", ""),
        ("data_quoted", json.dumps(wire.compact(pruned), ensure_ascii=False)),
    ):
        found.setdefault(text, (name,))
    for variant in texts.bodies(wire.compact(pruned).encode(errors="surrogateescape"))[1:]:
        found.setdefault(variant.value.decode(errors="surrogateescape"), variant.names)
    return [Variant(names, text) for text, names in found.items()]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _pruned_only(value: Any) -> Any:
    """Empty members left out, order as given."""
    if isinstance(value, dict):
        kept = {k: _pruned_only(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v is not None and v not in ("", {}, [])}
    return [_pruned_only(one) for one in value] if isinstance(value, list) else value


def _numbers(value: Any, spell: Callable[[Any], str]) -> Any:
    """Every number written another way."""
    if isinstance(value, dict):
        return {k: _numbers(v, spell) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(one, spell) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | wire.Number):
        return value
    made = wire.Number("0")
    try:
        made.text = spell(value.text if isinstance(value, wire.Number) else value)
    except (ValueError, OverflowError):
        return value
    return made


# One changed byte of ciphertext


def _repair(report: Report, fields: dict[str, Any], plain: bytes, channel: Channel, digests: Digests) -> None:
    """A block that came out as noise: which byte of encData was changed?"""
    text = str(fields.get("encData"))
    cipher, key = bytes.fromhex(text), wire.message_key(channel.app_id, channel.app_secret)
    whole = _blocks(key, cipher)
    noisy = [at for at in range(0, len(whole), 16) if not _texty(whole[at : at + 16])]
    report.facts["encData"] = f"noise in bytes {', '.join(f'{at}–{at + 15}' for at in noisy[:4])} of the plaintext"
    report.blame("body_changed" if noisy else "not_json")
    everywhere = (
        [at for at in range(0, len(whole), 16) if at not in noisy] if len(whole) <= LOOKED_THROUGH_AT_MOST else []
    )
    for at in (*noisy[:2], *everywhere):
        for place in range(at, at + 16):
            if (right_byte := _fits_at(fields, cipher, key, whole, place, channel, digests)) is not None:
                said = {"hex": text[place * 2 : place * 2 + 2], "text": text[max(0, place * 2 - 16) : place * 2 + 18]}
                expected = {"hex": f"{right_byte:02X}"}
                report.first_difference = {"in": "encData", "offset": place * 2, "expected": said, "signed": expected}
                report.facts["ciphertext_byte"] = place
                return


def _fits_at(
    fields: Mapping[str, Any], cipher: bytes, key: bytes, whole: bytes, place: int, channel: Channel, digests: Digests
) -> int | None:
    """The value of this byte of the ciphertext with which the signature is right."""
    start = place // 16 * 16
    block = bytearray(cipher[start : start + 16])
    guesses = bytearray()
    for value in range(256):
        block[place - start] = value
        guesses += block
    opened = _blocks(key, bytes(guesses))
    for value in range(256):
        made = opened[value * 16 : value * 16 + 16]
        if not _texty(made):
            continue
        candidate = whole[:start] + made + whole[start + 16 :]
        data = _data(candidate[: -candidate[-1]]) if 1 <= candidate[-1] <= 16 else None
        if data is None:
            continue
        message = wire.string_to_sign(fields, data, channel.app_secret).encode(errors="surrogateescape")
        if any(_by(message, public, digest, channel) is not None for public, digest, cause in digests if not cause):
            return value
    return None

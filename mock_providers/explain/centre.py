"""The payment centre's sealed message: encData under SM4, signData under SM2."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from mock_providers.explain.centre_signature import Digests, digests_for, odd_hash, read_raw, signed_as, signers
from mock_providers.explain.centre_texts import search_texts
from mock_providers.explain.parties import HEX, Channel
from mock_providers.explain.report import OK, UNREADABLE, UNSIGNED, Report, clock
from mock_providers.explain.search import one_byte
from mock_providers.explain.sm4 import BLOCKWISE, blocks, is_texty, keys_for, opened, readable
from mock_providers.national import sm2, wire

LOOKED_THROUGH_AT_MOST = 512
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
    signature, odd = read_raw(text)
    report.blame(*odd) if odd else None
    if signature is None:
        return report
    digests = digests_for(signature, channel)
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
    for key, mode, cause in keys_for(channel):
        plain = opened(key, mode, cipher)
        if plain is not None and (cause == "" or _looks_right(plain)):
            if cause:
                report.blame(cause)
            if not _looks_right(plain) and _gbk(plain):
                report.blame("charset_gbk")
                return plain.decode("gb2312").encode()
            if _looks_right(plain) or cause:
                return plain
    plain = blocks(own, cipher)
    if readable(plain) * 2 >= len(plain) // 16:
        return plain
    report.blame("sm4_key_unknown")
    return None


def _base64(text: str, channel: Channel, report: Report) -> bytes | None:
    try:
        cipher = b64decode(text, validate=True)
        plain = opened(wire.message_key(channel.app_id, channel.app_secret), BLOCKWISE, cipher)
    except (NotBase64, ValueError):
        plain = None
    report.blame("not_hex" if plain is None else "base64_not_hex")
    return plain


def _looks_right(plain: bytes) -> bool:
    return _data(plain) is not None


def _gbk(plain: bytes) -> bool:
    try:
        return _data(plain.decode("gb2312").encode()) is not None
    except UnicodeError:
        return False


def _signed(
    report: Report, fields: Mapping[str, Any], data: Any, plain: bytes, channel: Channel, digests: Digests
) -> None:
    message = report.message or b""
    for public, digest, cause in digests:
        odd = signed_as(message, public, digest, channel)
        if odd is None and (hashed := odd_hash(message, public, digest, channel)):
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
        return signed_as(made, public, digest, channel) is not None

    if found := search_texts(fields, data, plain, channel, fits):
        report.blame(*found.names, *(signed_as(found.made, public, digest, channel) or ()))
        report.differs(found.made)
        return
    z = sm2.identity(public, signers(channel)[0][0])
    other = one_byte(z + message, len(z), len(z) + len(message), "sm3", digest.to_bytes(32))
    if other is not None:
        report.blame("body_changed")
        report.differs(other[len(z) :])
        return
    report.blame("text_or_key_unknown" if fields.get("encData") else "encdata_missing")


def _repair(report: Report, fields: dict[str, Any], plain: bytes, channel: Channel, digests: Digests) -> None:
    """A block that came out as noise: which byte of encData was changed?"""
    text = str(fields.get("encData"))
    cipher, key = bytes.fromhex(text), wire.message_key(channel.app_id, channel.app_secret)
    whole = blocks(key, cipher)
    noisy = [at for at in range(0, len(whole), 16) if not is_texty(whole[at : at + 16])]
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
    opened = blocks(key, bytes(guesses))
    for value in range(256):
        made = opened[value * 16 : value * 16 + 16]
        if not is_texty(made):
            continue
        candidate = whole[:start] + made + whole[start + 16 :]
        data = _data(candidate[: -candidate[-1]]) if 1 <= candidate[-1] <= 16 else None
        if data is None:
            continue
        message = wire.string_to_sign(fields, data, channel.app_secret).encode(errors="surrogateescape")
        if any(
            signed_as(message, public, digest, channel) is not None for public, digest, cause in digests if not cause
        ):
            return value
    return None

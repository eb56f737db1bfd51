"""Digests made with a shared secret: every part, the hash, and how the digest is written may have been wrong."""

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from mock_providers.explain.report import OK, Report
from mock_providers.explain.search import Dimension, Found, Variant, search

Digest = Callable[[bytes, bytes], bytes]
Wrap = Callable[[bytes], str]
WRITTEN: dict[str, Wrap] = {
    "lower_hex": lambda made: made.hex(),
    "upper_hex": lambda made: made.hex().upper(),
    "base64": lambda made: b64encode(made).decode(),
    "base64url": lambda made: urlsafe_b64encode(made).decode().rstrip("="),
}
MEANS = {
    "lower_hex": "lower_case_hex",
    "upper_hex": "upper_case_hex",
    "base64": "base64_not_hex",
    "base64url": "base64_not_hex",
}
HASHES = {"sha256": "sha256_not_this", "sm3": "sm3_not_this", "sha1": "sha1_not_this", "md5": "md5_not_this"}


def mac(name: str) -> Digest:
    """HMAC under the secret."""
    return lambda secret, message: hmac.digest(secret, message, name)


def plain(name: str) -> Digest:
    """A bare hash of the text; the secret stands in the text, if anywhere."""
    return lambda secret, message: hashlib.new(name, message, usedforsecurity=False).digest()


def digests(name: str, keyed: bool) -> list[Variant]:
    """The right hash first, then others, then keyed for bare or the other way round."""
    kind, other = (mac, plain) if keyed else (plain, mac)
    wrong = [Variant((means,), kind(one)) for one, means in HASHES.items() if one != name]
    return [Variant((), kind(name)), *wrong, Variant(("hash_not_hmac" if keyed else "hmac_not_hash",), other(name))]


def written(name: str) -> list[Variant]:
    """How the digest is written."""
    return [Variant((), WRITTEN[name]), *(Variant((MEANS[one],), how) for one, how in WRITTEN.items() if one != name)]


def secrets(own: str, others: Mapping[str, Iterable[str]] | None = None) -> list[Variant]:
    """The secret, then what people take for it. `others` are named by the cause they mean."""
    guesses = [
        ("secret_with_newline", f"{own}\n"),
        ("secret_with_newline", f"{own}\r\n"),
        ("secret_with_newline", f" {own}"),
        ("secret_with_newline", f"{own} "),
        ("secret_quoted", f'"{own}"'),
        ("secret_case", own.lower()),
        ("secret_case", own.upper()),
        ("pem_as_key", f"-----BEGIN PRIVATE KEY-----\n{own}\n-----END PRIVATE KEY-----"),
        ("pem_as_key", f"-----BEGIN PRIVATE KEY-----\n{own}\n-----END PRIVATE KEY-----\n"),
        ("bom", f"\ufeff{own}"),
        ("secret_empty", ""),
        *((cause, one) for cause, many in (others or {}).items() for one in many if one),
    ]
    found: dict[bytes, tuple[str, ...]] = {own.encode(): ()}
    for cause, guess in guesses:
        found.setdefault(guess.encode(), (cause,))
    with suppress(ValueError):
        found.setdefault(bytes.fromhex(own), ("secret_decoded",))
    return [Variant(names, value) for value, names in found.items()]


def judge(
    report: Report,
    shown: str,
    dimensions: Sequence[Dimension],
    message: Callable[..., bytes],
    hashing: Sequence[Dimension],
) -> Found | None:
    """Compare what is shown with what is right, then with what mistakes would have made.

    `hashing` is three dimensions: secret, digest, writing. `message` makes the text from the values of `dimensions`
    and the secret. A mistake in the text is located.
    """
    count = len(dimensions)

    def make(*values: object) -> str:
        secret, digest, how = values[count:]
        return how(digest(secret, message(*values[:count], secret)))  # type: ignore[operator]

    straight = [one[0].value for one in (*dimensions, *hashing)]
    report.message = message(*straight[:count], straight[count])
    report.expected["signature"] = make(*straight)
    report.shown["signature"] = shown
    if not shown:
        report.verdict = "unsigned"
        report.blame("signature_missing")
        return None
    chosen: list[object] = []

    def noting(*values: object) -> str:
        chosen[:] = values
        return make(*values)

    found = search([*dimensions, *hashing], noting, lambda made: made == shown)
    if found is None:
        report.blame(*_unknown(shown, report.expected["signature"]))
        return None
    report.blame(*found.names)
    if not report.found:
        report.verdict = OK
    signed = message(*chosen[:count], chosen[count])
    if signed != report.message:
        report.differs(signed)
    return found


def _unknown(shown: str, expected: str) -> list[str]:
    if len(shown) < len(expected) and expected.startswith(shown):
        return ["signature_truncated"]
    if shown.strip() == expected:
        return ["signature_padded"]
    return ["text_or_secret_unknown"]

"""An SM2 signature: how it is written down, which key made it, under which user id, over which digest."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator

from mock_providers.explain.parties import HEX, Channel
from mock_providers.national import sm2


def read_raw(text: str) -> tuple[bytes | None, list[str]]:
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


def digests_for(signature: bytes, channel: Channel) -> Digests:
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


def signers(channel: Channel) -> list[tuple[bytes, str]]:
    """SM2 user ids: the right one, then those others use."""
    ids = {"appSecret": channel.app_secret.encode(), "default": sm2.DEFAULT_ID}
    own = ids[channel.user_id]
    others = [*ids.values(), channel.app_id.encode(), b"", channel.app_secret.lower().encode()]
    return [(own, ""), *((one, "sm2_user_id") for one in dict.fromkeys(others) if one != own)]


def signed_as(message: bytes, public: bytes, digest: int, channel: Channel) -> list[str] | None:
    """What is odd about how this text was signed; None if it was not this text."""
    for user_id, cause in signers(channel):
        if sm2.digest(public, message, user_id) % sm2.N == digest:
            return [cause] if cause else []
    return None


def odd_hash(message: bytes, public: bytes, digest: int, channel: Channel) -> str | None:
    import hashlib

    own = signers(channel)[0][0]
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

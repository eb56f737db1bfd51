"""New RSA keys. One place, because making them is the slowest thing a new space does."""

from collections.abc import Callable
from functools import cache

Pair = tuple[str, str]


def rsa_pem() -> Pair:
    """A fresh 2048-bit key as (private PKCS#8 PEM, public PEM)."""
    return MAKE()


def _make() -> Pair:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


MAKE: Callable[[], Pair] = _make


@cache
def strangers_pem() -> str:
    """A private key nobody was ever given: what forgeries are signed with. One a process."""
    return _make()[0]

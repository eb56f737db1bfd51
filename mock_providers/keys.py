"""New RSA keys. One place, because making them is the slowest thing a new space does."""

import threading
from collections import deque
from collections.abc import Callable
from functools import cache

Pair = tuple[str, str]


_ahead = threading.local()


def rsa_pem() -> Pair:
    """A fresh 2048-bit key as (private PKCS#8 PEM, public PEM)."""
    made = _made_ahead()
    return made.popleft() if made else MAKE()


def make_ahead(count: int) -> None:
    """Make the keys this thread will ask for next. Call it before the transaction: nobody else can write in one."""
    made = _made_ahead()
    while len(made) < count:
        made.append(MAKE())


def _made_ahead() -> deque[Pair]:
    made: deque[Pair] = _ahead.__dict__.setdefault("pairs", deque())
    return made


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

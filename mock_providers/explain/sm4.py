"""SM4 keys somebody may have sealed with, and what comes out."""

from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.padding import PKCS7

from mock_providers.explain.parties import Channel
from mock_providers.national import wire

BLOCKWISE = ECB()  # noqa: S305 - what the platform speaks


def keys_for(channel: Channel) -> Iterator[tuple[bytes, Any, str]]:
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


def opened(key: bytes, mode: Any, cipher: bytes) -> bytes | None:
    try:
        coder, unpad = Cipher(SM4(key), mode).decryptor(), PKCS7(128).unpadder()
        return unpad.update(coder.update(cipher) + coder.finalize()) + unpad.finalize()
    except ValueError:
        return None


def blocks(key: bytes, cipher: bytes) -> bytes:
    coder = Cipher(SM4(key), BLOCKWISE).decryptor()
    return coder.update(cipher) + coder.finalize()


def readable(plain: bytes) -> int:
    """How many blocks look like text."""
    return sum(is_texty(plain[at : at + 16]) for at in range(0, len(plain), 16))


def is_texty(block: bytes) -> bool:
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

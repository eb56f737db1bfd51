"""The payment centre's message: SM4 over the business data, SM2 over everything (nhsa §3.10).

Rules of the file: no I/O. What is signed is what is sent: the data is put into its canonical form first, so a
receiver that drops empties or sorts keys in another order of steps still finds the same text.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

from yibao.providers import sm2
from yibao.providers.http import Untrusted

ECB = modes.ECB()  # noqa: S305 (the protocol says so)
UNSIGNED = ("signData", "encData", "extra")


class Number(str):
    """A decimal exactly as it stood in the JSON: its trailing zeros were signed too."""


def seal(data: Mapping[str, Any], account: Mapping[str, Any], timestamp: str, version: str) -> dict[str, Any]:
    """Wrap business data for sending."""
    secret = account["app_secret"]
    fields: dict[str, Any] = {
        "appId": account["app_id"],
        "encType": "SM4",
        "signType": "SM2",
        "timestamp": timestamp,
        "version": version,
    }
    kept = pruned(data)
    text = signing_text({**fields, "data": kept}, secret)
    signature = sm2.sign(account["private_key"], text.encode(), user_id(account))
    fields["encData"] = encrypt(canonical(kept), account["app_id"], secret)
    fields["signData"] = b64encode(signature).decode()
    return fields


def unseal(message: Mapping[str, Any], account: Mapping[str, Any]) -> dict[str, Any]:
    """The business data of a message the platform sealed. Raises Untrusted."""
    secret = account["app_secret"]
    try:
        plain = decrypt(str(message["encData"]), account["app_id"], secret)
        data = json.loads(plain, parse_float=Number)
        signature = b64decode(str(message["signData"]), validate=True)
        text = signing_text({**message, "data": data}, secret)
    except (KeyError, ValueError, TypeError) as error:
        raise Untrusted(f"the sealed message cannot be opened: {error}") from error
    if message.get("appId") != account["app_id"] or not isinstance(data, dict):
        raise Untrusted("the sealed message is not for this app")
    if not sm2.verify(account["platform_public_key"], text.encode(), signature, user_id(account)):
        raise Untrusted("the SM2 signature of the sealed message is wrong")
    return data


def user_id(account: Mapping[str, Any]) -> bytes:
    """The SM2 user id: the app secret, unless the account says otherwise (regions differ)."""
    return str(account.get("sm2_user_id") or account["app_secret"]).encode()


def signing_text(fields: Mapping[str, Any], secret: str) -> str:
    """`k=v` of the filled fields in ASCII order, then the secret."""
    kept = {name: value for name, value in fields.items() if name not in UNSIGNED}
    pairs = [
        f"{name}={value if isinstance(value, str) else canonical(value)}"
        for name, value in sorted(pruned(kept).items())
    ]
    return "&".join([*pairs, f"key={secret}"])


def pruned(value: Any) -> Any:
    """Without null, "", {} and [] at any depth; keys in ASCII order."""
    if isinstance(value, Mapping):
        kept = {name: pruned(inner) for name, inner in sorted(value.items())}
        return {name: inner for name, inner in kept.items() if not _is_empty(inner)}
    if isinstance(value, list | tuple):
        return [pruned(inner) for inner in value]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | dict | list) and not value)


def canonical(value: Any) -> str:
    """Compact JSON that keeps a Number's own text."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{canonical(name)}:{canonical(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def message_key(app_id: str, secret: str) -> bytes:
    """SM4(appSecret) under the app id's first 16 characters, as upper-case hex, cut to 16 characters."""
    return _sm4(app_id.encode()[:16], secret.encode()).hex().upper()[:16].encode()


def encrypt(text: str, app_id: str, secret: str) -> str:
    return _sm4(message_key(app_id, secret), text.encode()).hex().upper()


def decrypt(data: str, app_id: str, secret: str) -> str:
    """The text behind hex of either case. Raises ValueError."""
    decryptor = Cipher(SM4(message_key(app_id, secret)), ECB).decryptor()
    padded = decryptor.update(bytes.fromhex(data)) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def _sm4(key: bytes, plain: bytes) -> bytes:
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(SM4(key), ECB).encryptor()
    return encryptor.update(padded) + encryptor.finalize()

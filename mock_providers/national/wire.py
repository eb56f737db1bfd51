"""The payment centre's message on the wire: SM4 outside, SM2 over the plain business data (sheet §3.10).

Rule of the file: pure functions over bytes; keys, time and switches come in as arguments. Whatever is wrong
with a message is a `Malformed` that says what.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7

from mock_providers.national import sm2

PAYMENT = "2.0.1"
PRESCRIPTION = "1.0.0"
MOMENT, CHINA = "%Y%m%d%H%M%S", timezone(timedelta(hours=8))
TIMESTAMPS = {"ms": "毫秒时间戳", "datetime": "yyyyMMddHHmmss", "either": "毫秒时间戳或yyyyMMddHHmmss"}
NOT_SIGNED = ("signData", "encData", "extra")


class Malformed(Exception):
    """A message that cannot be taken; the text tells its sender why."""


class Number(Decimal):
    """A JSON number with a point or exponent, remembering how it was spelt: `300.00` stays `300.00`."""

    text: str

    def __new__(cls, text: str) -> "Number":
        made = super().__new__(cls, text)
        made.text = text
        return made


@dataclass(frozen=True)
class Party:
    """One end of a channel: the app both know, our own private key, the other's public key.

    `user_id`: `appSecret` or `default`, whose id goes into the signature. `timestamp`: the form it is taken in (`ms`,
    `datetime` or `either`) and, but for `either`, which is milliseconds, sent in.
    """

    app_id: str
    app_secret: str
    private_key: str
    other_public_key: str
    user_id: str = "appSecret"
    timestamp: str = "either"

    @property
    def signer(self) -> bytes:
        return sm2.DEFAULT_ID if self.user_id == "default" else self.app_secret.encode()


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def parse(body: bytes | str) -> Any:
    """JSON with numbers kept as they were spelt. Raises Malformed."""
    try:
        found = json.loads(body, parse_float=Number, parse_constant=_no_constant)
        compact(found).encode()  # a lone surrogate is no text
        return found
    except (ValueError, RecursionError) as error:
        raise Malformed("报文不是合法的JSON") from error


def compact(value: Any) -> str:
    """JSON without spaces, in the order given, Chinese as it is."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{encode_basestring(str(k))}:{compact(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(compact, value)) + "]"
    return value.text if isinstance(value, Number) else json.dumps(value)


def pruned(value: Any) -> Any:
    """Keys sorted at every depth; those of null, "", {} and [] left out."""
    if isinstance(value, dict):
        kept = ((k, pruned(value[k])) for k in sorted(value))
        return {k: v for k, v in kept if not _empty(v)}
    if isinstance(value, list):
        return [pruned(v) for v in value]
    return value


def _empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def message_key(app_id: str, app_secret: str) -> bytes:
    """The SM4 key: appSecret encrypted under appId's first 16 characters, as hex, its first 16 characters."""
    first = app_id[:16].encode()
    if len(first) != 16:
        raise Malformed("appId长度不足16位")
    return encrypt(first, app_secret.encode())[:16].encode()


def _cipher(key: bytes) -> Cipher[ECB]:
    return Cipher(SM4(key), ECB())  # noqa: S305 - ECB is what the platform speaks


def encrypt(key: bytes, plain: bytes) -> str:
    """SM4-ECB-PKCS7, upper-case hex."""
    pad = PKCS7(128).padder()
    run = _cipher(key).encryptor()
    return (run.update(pad.update(plain) + pad.finalize()) + run.finalize()).hex().upper()


def decrypt(key: bytes, text: str) -> bytes:
    """The reverse; hex in either case. Raises Malformed."""
    try:
        run = _cipher(key).decryptor()
        unpad = PKCS7(128).unpadder()
        return unpad.update(run.update(bytes.fromhex(text)) + run.finalize()) + unpad.finalize()
    except ValueError as error:
        raise Malformed("encData解密失败") from error


def string_to_sign(fields: Mapping[str, Any], data: Any, app_secret: str) -> str:
    """The canonical text: top-level fields with the plain data, sorted, joined, closed by the secret."""
    whole = pruned({**{k: v for k, v in fields.items() if k not in NOT_SIGNED}, "data": data})
    said = (f"{k}={v if isinstance(v, str) else compact(v)}" for k, v in whole.items())
    return "&".join((*said, f"key={app_secret}"))


def _bytes(text: str, what: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError) as error:
        raise Malformed(f"{what}不是合法的base64") from error


def sign(text: str, party: Party) -> str:
    """Our raw r‖s over a canonical text, base64."""
    return b64encode(sm2.sign(b64decode(party.private_key), text.encode(), party.signer)).decode()


def signed_by(text: str, signature: str, party: Party) -> bool:
    """Whether the other end signed this text. Raises Malformed for what is no base64."""
    try:
        public = _bytes(party.other_public_key, "公钥")
        return sm2.verify(public, text.encode(), _bytes(signature, "signData"), party.signer)
    except sm2.BadKey as error:
        raise Malformed("验签失败") from error


def app_id(body: bytes) -> str:
    """Which app a message says it is from; "" if it says nothing readable."""
    try:
        fields = parse(body)
    except Malformed:
        return ""
    said = fields.get("appId") if isinstance(fields, dict) else None
    return said if isinstance(said, str) else ""


def open_message(body: bytes, party: Party, version: str = PAYMENT) -> dict[str, Any]:
    """The business data of a message from the other end, decrypted and verified. Raises Malformed."""
    fields = parse(body)
    if not isinstance(fields, dict):
        raise Malformed("报文不是JSON对象")
    _check_fields(fields, party, version)
    data = parse(decrypt(message_key(party.app_id, party.app_secret), fields["encData"]))
    if not isinstance(data, dict):
        raise Malformed("业务数据不是JSON对象")
    if not signed_by(string_to_sign(fields, data, party.app_secret), fields["signData"], party):
        raise Malformed("验签失败")
    return data


def _check_fields(fields: dict[str, Any], party: Party, version: str) -> None:
    for name in ("appId", "encData", "signData", "timestamp", "version"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise Malformed(f"{name}不能为空")
    if fields["appId"] != party.app_id:
        raise Malformed("appId不存在")
    if fields.get("encType") != "SM4" or fields.get("signType") != "SM2":
        raise Malformed("encType应为SM4,signType应为SM2")
    if fields["version"] != version:
        raise Malformed(f"version应为{version}")
    if not _is_timestamp(fields["timestamp"], party.timestamp):
        raise Malformed(f"timestamp应为{TIMESTAMPS[party.timestamp]}")


def _is_timestamp(text: str, form: str) -> bool:
    """Milliseconds of any year, or yyyyMMddHHmmss of one that is a moment."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 14:
        return False
    return {"ms": len(text) <= 13, "datetime": _is_moment(text)}.get(form, len(text) <= 13 or _is_moment(text))


def _is_moment(text: str) -> bool:
    try:
        return len(text) == 14 and bool(datetime.strptime(text, MOMENT).replace(tzinfo=CHINA))
    except ValueError:
        return False


def _said_at(timestamp_ms: int, form: str) -> str:
    if form != "datetime":
        return str(timestamp_ms)
    return datetime.fromtimestamp(timestamp_ms / 1000, CHINA).strftime(MOMENT)


def seal(data: Any, party: Party, timestamp_ms: int, version: str = PAYMENT, **more: Any) -> bytes:
    """A message to the other end. `more` joins the top level (an answer's code, message, success)."""
    data = pruned(data or {})
    fields: dict[str, Any] = {**more, "appId": party.app_id, "version": version}
    fields["timestamp"] = _said_at(timestamp_ms, party.timestamp)
    fields.update(encType="SM4", signType="SM2")
    fields["signData"] = sign(string_to_sign(fields, data, party.app_secret), party)
    if data:
        key = message_key(party.app_id, party.app_secret)
        fields["encData"] = encrypt(key, compact(data).encode())
    return compact(fields).encode()


def answer(data: dict[str, Any], party: Party, timestamp_ms: int, version: str = PAYMENT) -> bytes:
    """A call that went well."""
    return seal(data, party, timestamp_ms, version, code=0, message="成功", success=True)


def refusal(message: str, party: Party, timestamp_ms: int, version: str = PAYMENT) -> bytes:
    """A call that did not, signed like any answer. CHOICE: one code, -1; the text is what is published."""
    return seal({}, party, timestamp_ms, version, code=-1, message=message, success=False)


def stranger(message: str) -> bytes:
    """CHOICE: a caller whose app nobody knows has no key in common with us, so this is plain."""
    return compact({"code": -1, "message": message, "success": False}).encode()

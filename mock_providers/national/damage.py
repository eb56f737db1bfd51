"""Faults of the bureau's notices (6302, face) and of the payment centre's answers: SM2 outside, SM4 inside. Pure."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mock_providers.national import wire
from mock_providers.webhooks.faults import GENERIC, SKEW, Case, Damage, Sent, Vendor, replaced_json, turned

STRANGER = b64encode(b"\x01" * 32).decode()
Fields = dict[str, Any]
MONEY = ("feeSumamt", "fundPay", "psnAcctPay")
NUMBERS = ("payOrdId", "medOrgOrd", "faceToken", "outBizNo")
STATES = {"ordStas": "15", "faceStas": "0"}


def party(
    credentials: Mapping[str, Any], about: Mapping[str, Any], private: str = "", user_id: str = ""
) -> wire.Party:
    """The platform's end of the channel, as `notify.build` uses it, or with another key or user id."""
    mip = credentials["mip"]
    keys = (mip["app_id"], mip["app_secret"], private or mip["platform_private_key"], mip["public_key"])
    agreed = about.get("user_id", "appSecret")
    return wire.Party(*keys, user_id=user_id or agreed, timestamp=about.get("timestamp", "either"))


def resigned(fields: Fields, data: Any, by: wire.Party) -> Fields:
    """The message with the signature of its members as they are now."""
    text = wire.string_to_sign(fields, wire.pruned(data), by.app_secret)
    return {**fields, "signData": wire.sign(text, by)}


def _put(sent: Sent, fields: Mapping[str, Any]) -> Sent:
    kept = {name: value for name, value in fields.items() if value is not None}
    return replace(sent, body=wire.compact(kept).encode())


def _signature(change: Callable[[str], str | None]) -> Damage:
    def damage(case: Case) -> Sent:
        sent = case.sent()
        fields = json.loads(sent.body)
        return _put(sent, {**fields, "signData": change(fields["signData"])})

    return damage


def _signed_by(private: Callable[[Case], str] = lambda case: "", user_id: str = "") -> Damage:
    def damage(case: Case) -> Sent:
        about = case.event.about
        user = user_id and ("default" if about.get("user_id", "appSecret") == "appSecret" else "appSecret")
        sent = case.sent()
        by = party(case.credentials, about, private(case), user)
        return _put(sent, resigned(json.loads(sent.body), case.event.plain, by))

    return damage


def _fields(signed: bool, **changes: Any) -> Damage:
    """Members of the envelope changed, and signed again or not."""

    def damage(case: Case) -> Sent:
        sent = case.sent()
        fields = json.loads(sent.body)
        fields.update({name: new(fields.get(name)) if callable(new) else new for name, new in changes.items()})
        if signed:
            by = party(case.credentials, case.event.about)
            fields = resigned({k: v for k, v in fields.items() if v is not None}, case.event.plain, by)
        return _put(sent, fields)

    return damage


def flipped(encoded: str) -> str:
    """Base64 with one bit turned."""
    raw = bytearray(b64decode(encoded))
    raw[20] ^= 1
    return b64encode(bytes(raw)).decode()


def _der(encoded: str) -> str:
    raw = b64decode(encoded)
    return b64encode(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))).decode()


def _another_body(case: Case) -> Sent:
    sent = case.sent()
    other = {**case.event.plain, "traceTime": "20000101000000"}
    fields = resigned(json.loads(sent.body), other, party(case.credentials, case.event.about))
    return _put(sent, fields)


def _digit(hexadecimal: str) -> str:
    place = len(hexadecimal) // 2
    return hexadecimal[:place] + ("0" if hexadecimal[place] != "0" else "1") + hexadecimal[place + 1 :]


def _reordered(case: Case) -> Sent:
    sent = case.sent()
    turned_round = dict(reversed(json.loads(sent.body).items()))
    return replace(sent, body=json.dumps(turned_round, indent=1).encode())


def _another_key(case: Case) -> Sent:
    """Signed as agreed, sealed with the key of another appSecret."""
    sent, mip = case.sent(), case.credentials["mip"]
    key = wire.message_key(mip["app_id"], mip["app_secret"][::-1])
    return _put(
        sent, replaced_json(sent, encData=wire.encrypt(key, wire.compact(wire.pruned(case.event.plain)).encode()))
    )


def _unsealed(case: Case) -> Sent:
    return replace(case.sent(), body=wire.compact(case.event.plain).encode())


def _fresh_stamp(case: Case) -> Sent:
    sent = case.sent(now=case.now - SKEW)
    return _put(sent, {**json.loads(sent.body), "timestamp": str(round(case.now.timestamp() * 1000))})


def _content(change: Callable[[Case], dict[str, Any]]) -> Damage:
    return lambda case: case.sent(plain={**case.event.plain, **change(case)})


def _more(case: Case) -> dict[str, Any]:
    """A yuan more of the first amount there is."""
    name = next(name for name in MONEY if name in case.event.plain)
    said = case.event.plain[name]
    yuan, point, rest = str(said).partition(".")
    return {name: f"{int(yuan) + 1}{point}{rest}"}


def _elsewhere(case: Case) -> dict[str, Any]:
    return {"orgCode": turned(str(case.event.plain["orgCode"]), 3)}


def _unknown(case: Case) -> dict[str, Any]:
    return {name: case.draw(name, 10).hex() for name in NUMBERS if name in case.event.plain}


DAMAGES: dict[str, Damage] = {
    "signature_missing": _signature(lambda value: None),
    "signature_bad": _signature(flipped),
    "signature_truncated": _signature(lambda value: value[: len(value) // 2]),
    "signature_of_another_body": _another_body,
    "signature_of_another_key": _signed_by(lambda case: STRANGER),
    "signature_of_merchants_key": _signed_by(lambda case: case.credentials["mip"]["private_key"]),
    "signature_not_base64": _signature(lambda value: f"*{value[1:-2]}*!"),
    "signature_der": _signature(_der),
    "signature_of_another_user_id": _signed_by(user_id="other"),
    "sign_type_unknown": _fields(True, signType="RSA"),
    "timestamp_not_a_number": _fields(True, timestamp="昨天"),
    "timestamp_changed": _fresh_stamp,
    "body_changed_after_signing": _fields(False, transType="6303"),
    "envelope_reordered": _reordered,
    "unsealed": _unsealed,
    "ciphertext_bit_flipped": _fields(False, encData=_digit),
    "ciphertext_garbled": _fields(False, encData=lambda value: f"不是十六进制{value[:64]}"),
    "ciphertext_missing": _fields(False, encData=None),
    "ciphertext_in_lower_case": _fields(False, encData=lambda value: value.lower()),
    "sealed_with_another_key": _another_key,
    "algorithm_unknown": _fields(True, encType="AES"),
    "version_wrong": _fields(True, version="9.9.9"),
    "appid_wrong": _fields(True, appId=lambda value: turned(value)),
    "addressee_wrong": _content(_elsewhere),
    "amount_changed": _content(_more),
    "order_unknown": _content(_unknown),
    "state_contradicts": _content(lambda case: {k: v for k, v in STATES.items() if k in case.event.plain}),
}
IN_PLAIN = {"addressee_wrong", "amount_changed", "order_unknown", "state_contradicts"}
NO_TIME = {"timestamp_stale", "timestamp_future"}
NEEDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "addressee_wrong": lambda plain: plain.get("orgCode"),
    "amount_changed": lambda plain: any(name in plain for name in MONEY),
    "order_unknown": lambda plain: any(name in plain for name in NUMBERS),
    "state_contradicts": lambda plain: plain.keys() & STATES.keys(),
}


def fits(name: str, event: Any) -> bool:
    """Whether the fault can be done to this notice. One in clear has neither signature, seal nor time."""
    needed = NEEDS.get(name)
    if needed is not None and not needed(event.plain):
        return False
    if event.about.get("form") == "plain":
        return name in IN_PLAIN or (name in GENERIC and name not in NO_TIME)
    return name in DAMAGES or name in GENERIC


VENDOR = Vendor(DAMAGES, fits)

"""Faults of WeChat Pay's notifications and answers. Pure: keys, bytes and times come in as arguments."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from mock_providers import accounts, keys
from mock_providers.webhooks.faults import GARBAGE, GENERIC, HUGE, SKEW, Case, Damage, Sent, Vendor, edited, turned
from mock_providers.wechatpay import wire
from mock_providers.wechatpay.account import signing_key

NOT_ANYBODYS = "4F5C3D2E1B0A99887766554433221100FFEEDDCC"
SIGNATURE, SERIAL = "Wechatpay-Signature", "Wechatpay-Serial"
TIMESTAMP, NONCE = "Wechatpay-Timestamp", "Wechatpay-Nonce"


def _key(case: Case) -> Any:
    return signing_key(case.credentials, case.event.about["signer"])[0]


def _signed(case: Case, sent: Sent, key: Any = None, over: bytes | None = None) -> Sent:
    """Signed again, over its timestamp, nonce and body as they are now."""
    message = f"{sent.header(TIMESTAMP)}\n{sent.header(NONCE)}\n".encode()
    message += (sent.body if over is None else over) + b"\n"
    return sent.with_header(SIGNATURE, wire.sign(key or _key(case), message))


def _stranger() -> Any:
    return accounts.private_key(keys.strangers_pem())


def _signature(case: Case, change: Any) -> Sent:
    sent = case.sent()
    return sent.with_header(SIGNATURE, change(sent.header(SIGNATURE)))


def _not_base64(signature: str) -> str:
    return f"*{signature[1:-2]}*!"


def _another_body(case: Case) -> Sent:
    sent = case.sent()
    return _signed(case, sent, over=sent.body.replace(b'"id":"', b'"id":"X', 1))


def _old_serial(case: Case) -> Sent:
    """What the old certificate really signed with, if it is still known; else a stranger's key."""
    old = case.credentials.get("old_platform_private_key")
    serial = case.credentials.get("old_platform_serial_no") or turned(case.credentials["platform_serial_no"], 1)
    key = accounts.private_key(old) if old else _stranger()
    return _signed(case, case.sent().with_header(SERIAL, serial), key)


def _wrong_kind(case: Case) -> Sent:
    held, by_certificate = case.credentials, case.event.about["signer"] != "pubkey"
    return case.sent().with_header(SERIAL, held["public_key_id" if by_certificate else "platform_serial_no"])


def _stamped(case: Case, stamp: str) -> Sent:
    return _signed(case, case.sent().with_header(TIMESTAMP, stamp))


def _fresh_stamp(case: Case) -> Sent:
    fresh = str(int(case.now.timestamp()))
    return case.sent(now=case.now - SKEW).with_header(TIMESTAMP, fresh)


def _new_id(case: Case) -> list[Sent]:
    return [case.sent(), case.sent(notice_id=f"EV-{case.draw('new id', 16).hex()}")]


def _id_reused(case: Case) -> list[Sent]:
    return [case.sent(), case.sent(plain=_other_content(case.event.plain))]


def _other_content(plain: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in ("out_refund_no", "out_trade_no", "mix_trade_no") if name in plain]
    return {**plain, **{name: f"{plain[name]}"[:30] + "X" for name in names}}


def _after_signing(case: Case) -> Sent:
    sent = case.sent()
    return replace(sent, body=sent.body.replace(b"encrypt-resource", b"encrypt-resourcE", 1))


def _reserialised(case: Case) -> Sent:
    sent = case.sent()
    import json

    return replace(sent, body=json.dumps(orjson.loads(sent.body), ensure_ascii=False).encode())


def _envelope(case: Case, change: Any, sent: Sent | None = None) -> Sent:
    """The envelope after `change`, signed as it is now."""
    sent = sent or case.sent()
    envelope = orjson.loads(sent.body)
    change(envelope)
    return _signed(case, replace(sent, body=wire.compact(envelope)))


def _resource(**changes: Any) -> Damage:
    """Members of the resource exchanged: by a value, or by what a function makes of the old one."""

    def change(envelope: dict[str, Any]) -> None:
        for name, new in changes.items():
            old = envelope["resource"].get(name)
            envelope["resource"][name] = new(old) if callable(new) else new
            if envelope["resource"][name] is None:
                del envelope["resource"][name]

    return lambda case: _envelope(case, change)


def flipped(encoded: str) -> str:
    """Base64 with one bit of the bytes turned."""
    raw = bytearray(b64decode(encoded))
    raw[len(raw) // 2] ^= 1
    return b64encode(bytes(raw)).decode()


def _other_data(case: Case) -> Sent:
    def change(envelope: dict[str, Any]) -> None:
        resource = envelope["resource"]
        key, nonce = case.credentials["apiv3_key"], resource["nonce"]
        resource["ciphertext"] = wire.seal_aes(key, nonce, "another", wire.compact(case.event.plain))

    return _envelope(case, change)


def _other_key(case: Case) -> Sent:
    return case.sent(credentials={**case.credentials, "apiv3_key": case.credentials["apiv3_key"][::-1]})


def _huge(case: Case) -> Sent:
    return _envelope(case, lambda envelope: envelope.update(summary="大" * (HUGE // 3)))


def _body(body: bytes) -> Damage:
    return lambda case: _signed(case, replace(case.sent(), body=body))


# The content

APPIDS = ("appid", "sp_appid")
MCHIDS = ("mchid", "sp_mchid")
ORDERS = ("out_refund_no", "mix_trade_no", "out_trade_no", "transaction_id", "refund_id")
FEES = ("med_ins_cash_fee", "med_ins_gov_fee", "total_fee")
STATES = {"trade_state": "NOTPAY", "refund_status": "PROCESSING", "mix_pay_status": "MIX_PAY_FAIL"}


def _first(plain: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if plain.get(name)), None)


def _said(names: tuple[str, ...], value: Any) -> Damage:
    def damage(case: Case) -> Sent:
        name = _first(case.event.plain, names)
        assert name is not None
        return case.sent(plain={**case.event.plain, name: value(case.event.plain[name])})

    return damage


def _unknown_order(case: Case) -> Sent:
    numbers = {name: case.draw(name, 14).hex() for name in ORDERS if name in case.event.plain}
    return case.sent(plain={**case.event.plain, **numbers})


def _amounts(plain: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(plain.get("amount"), Mapping):
        moved = {name: value + 100 for name, value in plain["amount"].items() if isinstance(value, int)}
        return edited(plain, "amount", value={**plain["amount"], **moved})
    return {**plain, **{name: plain[name] + 100 for name in FEES if isinstance(plain.get(name), int)}}


def _currencies(plain: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: "USD" for name in plain["amount"] if name.endswith("currency")}
    return edited(plain, "amount", value={**plain["amount"], **(others or {"currency": "USD"})})


def _contradicting(case: Case) -> Sent:
    plain = case.event.plain
    return case.sent(plain={**plain, **{name: state for name, state in STATES.items() if name in plain}})


DAMAGES: dict[str, Damage] = {
    "signature_missing": lambda case: case.sent().with_header(SIGNATURE, None),
    "signature_bad": lambda case: _signature(case, flipped),
    "signature_truncated": lambda case: _signature(case, lambda value: value[: len(value) // 2]),
    "signature_of_another_body": _another_body,
    "signature_of_another_key": lambda case: _signed(case, case.sent(), _stranger()),
    "signature_of_merchants_key": lambda case: _signed(
        case, case.sent(), accounts.private_key(case.credentials["merchant_private_key"])
    ),
    "signature_not_base64": lambda case: _signature(case, _not_base64),
    "signature_probe": lambda case: _signature(case, lambda value: wire.probe(value, "base64")),
    "signature_probe_not_base64": lambda case: _signature(case, lambda value: wire.probe(value, "not_base64")),
    "signature_type_unknown": lambda case: case.sent().with_header(
        "Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"
    ),
    "serial_missing": lambda case: case.sent().with_header(SERIAL, None),
    "serial_unknown": lambda case: _signed(case, case.sent().with_header(SERIAL, NOT_ANYBODYS), _stranger()),
    "serial_old": _old_serial,
    "serial_wrong_kind": _wrong_kind,
    "timestamp_not_a_number": lambda case: _stamped(case, case.now.strftime("%Y-%m-%dT%H:%M:%S")),
    "timestamp_changed": _fresh_stamp,
    "nonce_changed": lambda case: case.sent().with_header(NONCE, case.draw("nonce", 16).hex()),
    "same_fact_new_id": _new_id,
    "event_id_reused": _id_reused,
    "body_changed_after_signing": _after_signing,
    "body_reserialised": _reserialised,
    "newline_added": lambda case: replace(sent := case.sent(), body=sent.body + b"\n"),
    "ciphertext_bit_flipped": _resource(ciphertext=flipped),
    "ciphertext_garbled": _resource(ciphertext=lambda old: f"不是密文{old[:40]}"),
    "ciphertext_missing": _resource(ciphertext=None),
    "sealed_with_another_key": _other_key,
    "associated_data_wrong": _other_data,
    "cipher_nonce_wrong": _resource(nonce=lambda old: old[::-1] if old[::-1] != old else "0" * 12),
    "algorithm_unknown": _resource(algorithm="AEAD_SM4_GCM"),
    "appid_wrong": _said(APPIDS, lambda old: "wx" + turned(old[2:])),
    "mchid_wrong": _said(MCHIDS, lambda old: str(int(old) + 1)),
    "amount_changed": lambda case: case.sent(plain=_amounts(case.event.plain)),
    "currency_changed": lambda case: case.sent(plain=_currencies(case.event.plain)),
    "order_unknown": _unknown_order,
    "state_contradicts": _contradicting,
    "event_type_unknown": lambda case: _envelope(case, lambda it: it.update(event_type="TRANSACTION.UNHEARD_OF")),
    "body_empty": _body(b""),
    "body_garbage": _body(GARBAGE),
    "body_huge": _huge,
}
NEEDS = {
    "appid_wrong": lambda plain: _first(plain, APPIDS),
    "mchid_wrong": lambda plain: _first(plain, MCHIDS),
    "amount_changed": lambda plain: _amounts(plain) != plain,
    "currency_changed": lambda plain: isinstance(plain.get("amount"), Mapping),
    "order_unknown": lambda plain: _first(plain, ORDERS),
    "state_contradicts": lambda plain: plain.keys() & STATES.keys(),
}
ANY_FORM = ("content_type_wrong", "content_type_missing", "headers_in_lower_case", "body_empty", "body_garbage")
IN_V2 = {*ANY_FORM, "body_truncated", "body_cut_off", "connection_reset", "body_slow", "body_dribbled"}


def fits(name: str, event: Any) -> bool:
    """Whether the fault can be done to this event. The old XML form has neither headers nor an envelope."""
    if event.about.get("v2"):
        return name in IN_V2 and name not in ("body_empty", "body_garbage")
    needed = NEEDS.get(name)
    return (name in DAMAGES or name in GENERIC) and (needed is None or bool(needed(event.plain)))


VENDOR = Vendor(DAMAGES, fits)

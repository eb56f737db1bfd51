"""Faults of WeChat Pay's answers: their signature, and the gateway's own refusals. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from mock_providers import accounts, keys
from mock_providers.webhooks.answer_faults import Answer, AnswerDamage, Answering, Given
from mock_providers.webhooks.faults import SKEW
from mock_providers.wechatpay import errors, wire
from mock_providers.wechatpay.account import mine
from mock_providers.wechatpay.damage import NONCE, NOT_ANYBODYS, SERIAL, SIGNATURE, TIMESTAMP, flipped

JSON = "application/json; charset=utf-8"


def _refused(status: int, code: str, message: str) -> AnswerDamage:
    body = wire.error_body(code, message)
    return lambda given: Answer(status, (("Server", "nginx"), ("Content-Type", JSON)), body)


def _signed(damage: AnswerDamage) -> AnswerDamage:
    """Only an answer that has a signature can lose or spoil it."""
    return lambda given: damage(given) if given.answer.header(SIGNATURE) else None


def _key(credentials: Mapping[str, Any], serial: str) -> Any:
    """The private key an answer names."""
    by_certificate = serial != credentials["public_key_id"]
    return accounts.private_key(credentials["platform_private_key" if by_certificate else "public_key_private_key"])


def _signature(answer: Answer, key: Any) -> Answer:
    message = wire.answer_message(int(answer.header(TIMESTAMP)), answer.header(NONCE), answer.body)
    return answer.with_header(SIGNATURE, wire.sign(key, message))


def _spoilt(change: Any) -> AnswerDamage:
    return _signed(lambda given: given.answer.with_header(SIGNATURE, change(given.answer.header(SIGNATURE))))


def _stranger(answer: Answer) -> Answer:
    return _signature(answer, accounts.private_key(keys.strangers_pem()))


def _changed(given: Given) -> Answer | None:
    """One character of the last value in the body is another; the signature stays."""
    body = given.answer.body
    place = next((at for at in range(len(body) - 1, -1, -1) if chr(body[at]).isalnum()), None)
    if place is None:
        return None
    other = b"0" if body[place : place + 1] != b"0" else b"1"
    return replace(given.answer, body=body[:place] + other + body[place + 1 :])


def _stale(given: Given) -> Answer:
    then: datetime = given.now - SKEW
    answer = given.answer.with_header(TIMESTAMP, str(int(then.timestamp())))
    return _signature(answer, _key(given.credentials, answer.header(SERIAL)))


DAMAGES: dict[str, AnswerDamage] = {
    "answer_500": _refused(500, "SYSTEM_ERROR", errors.SYSTEM_ERROR),
    "answer_500_after": _refused(500, "SYSTEM_ERROR", errors.SYSTEM_ERROR),
    "answer_502": _refused(502, "SERVICE_UNAVAILABLE", "服务下线，暂时不可用"),
    "answer_503": _refused(503, "SERVICE_UNAVAILABLE", "服务不可用，过载保护"),
    "answer_429": _refused(429, "FREQUENCY_LIMITED", errors.TOO_MANY),
    "answer_unsigned": _signed(lambda given: given.answer.without("Wechatpay-")),
    "answer_signature_bad": _spoilt(flipped),
    "answer_of_another_key": _signed(lambda given: _stranger(given.answer)),
    "answer_of_another_body": _signed(_changed),
    "answer_probe": _spoilt(lambda value: wire.probe(value, "base64")),
    "answer_probe_not_base64": _spoilt(lambda value: wire.probe(value, "not_base64")),
    "answer_serial_unknown": _signed(lambda given: _stranger(given.answer.with_header(SERIAL, NOT_ANYBODYS))),
    "answer_timestamp_stale": _signed(_stale),
}
ANSWERING = Answering(DAMAGES, mine)

"""Faults of the payment centre's answers: the SM2 signature over them. The gateway's answers carry none. Pure."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mock_providers import accounts
from mock_providers.national import wire
from mock_providers.national.damage import STRANGER, flipped, party, resigned
from mock_providers.webhooks.answer_faults import Answer, AnswerDamage, Answering, Given


def _sealed(change: Callable[[dict[str, Any], Given], dict[str, Any]]) -> AnswerDamage:
    """Only for an answer that is signed."""

    def damage(given: Given) -> Answer | None:
        try:
            fields = wire.parse(given.answer.body)
        except wire.Malformed:
            return None
        if not isinstance(fields, dict) or "signData" not in fields:
            return None
        return replace(given.answer, body=wire.compact(change(fields, given)).encode())

    return damage


def _strangers(fields: dict[str, Any], given: Given) -> dict[str, Any]:
    mip = given.credentials["mip"]
    key = wire.message_key(mip["app_id"], mip["app_secret"])
    data = wire.parse(wire.decrypt(key, fields["encData"])) if "encData" in fields else {}
    return resigned(fields, data, party(given.credentials, {}, STRANGER))


DAMAGES: dict[str, AnswerDamage] = {
    "answer_unsigned": _sealed(lambda fields, given: {k: v for k, v in fields.items() if k != "signData"}),
    "answer_signature_bad": _sealed(lambda fields, given: {**fields, "signData": flipped(fields["signData"])}),
    "answer_of_another_key": _sealed(_strangers),
}
ANSWERING = Answering(DAMAGES, lambda: accounts.account("national"))

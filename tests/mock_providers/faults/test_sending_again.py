"""Resend: to any address, as it was or edited in clear text, fresh, stale, with a wrong key, or with a fault."""

import json
from typing import Any

import pytest
from flask import Flask

from mock_providers import accounts, spaces
from mock_providers.db import db
from mock_providers.webhooks import edits
from mock_providers.webhooks.models import emit
from tests.mock_providers.faults.pay import sdk
from tests.mock_providers.faults.test_asked_faults import deliver
from tests.mock_providers.webhooks.toy import Ear

URL = "http://127.0.0.1:9/callback"
OTHER = "http://127.0.0.1:8/elsewhere"
PLAIN = {"out_trade_no": "AGAIN-0001", "trade_state": "SUCCESS", "payer": {"openid": "o1"}, "list": [1, 2],
         "amount": {"total": 1280, "currency": "CNY"}}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


@pytest.fixture
def again(mocks: Flask, ear: Ear, ask: Any) -> Any:
    """Tells a payment, then sends it again as asked; what was heard the second time."""
    with spaces.entered(mocks, "default"):
        held = accounts.account("wechatpay")
        plain = {**PLAIN, "appid": held["appid"], "mchid": held["mchid"]}
        emit("wechatpay", "TRANSACTION.SUCCESS", "AGAIN-0001", plain, URL, signer="pubkey")
        db.session.commit()
    deliver(mocks)

    def again(**how: Any) -> tuple[str, Any, dict[str, str], bytes]:
        ask("POST", "events/1/resend", how)
        deliver(mocks)
        url, headers, body = ear.heard[-1]
        lower = {name.lower(): value for name, value in headers.items()}
        return url, body and sdk(held).callback(lower, body), headers, body

    return again


def test_as_it_was_to_the_same_address_with_the_same_id(again: Any, ear: Ear) -> None:
    url, read, _, body = again()
    first = json.loads(ear.heard[0][2])
    assert (url, read["id"], read["resource"]["out_trade_no"]) == (URL, first["id"], "AGAIN-0001")
    assert json.loads(body)["resource"]["nonce"]


def test_to_another_address(again: Any) -> None:
    assert again(to=OTHER)[0] == OTHER


def test_edited_in_clear_text_and_sealed_again(again: Any) -> None:
    edit = {"amount": {"total": 1}, "payer": None, "/list/0": 9, "/amount/currency": "USD", "new": {"deep": True}}
    read = again(edit=edit)[1]["resource"]
    assert read["amount"] == {"total": 1, "currency": "USD"}
    assert (read["list"], read["new"], "payer" in read) == ([9, 2], {"deep": True}, False)


def test_an_edit_leaves_the_event_as_it_was(again: Any) -> None:
    again(edit={"/amount/total": 1})
    assert again()[1]["resource"]["amount"]["total"] == 1280


def test_a_stale_one_is_rightly_signed_and_ten_minutes_old(again: Any) -> None:
    _, read, headers, _ = again(signature="stale")
    _, _, fresh, _ = again()
    assert read
    assert 590 <= int(fresh["Wechatpay-Timestamp"]) - int(headers["Wechatpay-Timestamp"]) <= 660


def test_a_wrong_key_does_not_verify(again: Any) -> None:
    assert again(signature="wrong_key")[1] is None


def test_an_explanation_says_what_was_done_on_purpose(again: Any, ask: Any) -> None:
    again(signature="wrong_key", edit={"/amount/total": 1})
    again(fault="signature_of_another_key")
    last = [ask("GET", f"attempts/{number}/explanation") for number in (2, 3)]
    assert last[0]["facts"]["sent_again"] == "signature wrong_key, edited /amount/total"
    assert last[0]["how"]["signature"] == "wrong_key", "that is no secret"
    planned = "signature_of_another_key: signed with a key (a token) nobody knows; an honest receiver: refuse"
    assert last[1]["facts"]["planned_fault"] == planned


def test_with_a_fault_by_name_once_and_without_a_retry(again: Any, ask: Any, ear: Ear) -> None:
    assert again(fault="signature_probe")[2]["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    line = ask("GET", "attempts")["items"][-1]
    assert (line["fault"]["name"], line["fault"]["expected"]) == ("signature_probe", "refuse")
    assert again()[1]


def test_a_fault_after_an_edit_damages_the_edited_content(again: Any) -> None:
    assert again(edit={"attach": "x"}, fault="body_reserialised")[1] is None


def test_faults_that_were_asked_for_leave_stale_and_wrong_ones_alone(again: Any, ask: Any) -> None:
    ask("POST", "faults", {"fault": "body_empty"})
    assert again(signature="stale")[3]
    assert again()[3] == b""


@pytest.mark.parametrize(("how", "field"), [
    ({"edit": {"/amount/nothing/here": 1}}, "edit"),
    ({"edit": {"/list/7": 1}}, "edit"),
    ({"edit": {"/trade_state/x": 1}}, "edit"),
    ({"fault": "unheard_of"}, "fault"),
    ({"fault": "answer_500"}, "fault"),
    ({"fault": "unsealed"}, "vendor"),
    ({"fault": "signature_bad", "signature": "stale"}, "signature"),
    ({"signature": "crooked"}, "signature"),
    ({"to": "file:///etc/passwd"}, "to"),
    ({"to": "http://"}, "to"),
    ({"to": "http://[::1"}, "to"),
    ({"to": "http://127.0.0.1:99999/x"}, "to"),
    ({"to": "http://127.0.0.1:0/x"}, "to"),
    ({"to": "http://127.0.0.1/a b"}, "to"),
    ({"edit": {"/trade~2state": 1}}, "edit"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    again: Any, ask: Any, ear: Ear, how: Any, field: str
) -> None:
    assert field in ask("POST", "events/1/resend", how, status=400)["fields"]
    assert len(ear.heard) == 1


@pytest.mark.parametrize(("edit", "result"), [
    ({"a": {"b": None}}, {"a": {"c": [1, {"d": 2}]}, "e/f": 3}),
    ({"/a/c/1/d": 9}, {"a": {"b": 1, "c": [1, {"d": 9}]}, "e/f": 3}),
    ({"/a/c/-": 5}, {"a": {"b": 1, "c": [1, {"d": 2}, 5]}, "e/f": 3}),
    ({"/a/c/0": None}, {"a": {"b": 1, "c": [{"d": 2}]}, "e/f": 3}),
    ({"/e~1f": 4}, {"a": {"b": 1, "c": [1, {"d": 2}]}, "e/f": 4}),
    ({"/e~1f": None}, {"a": {"b": 1, "c": [1, {"d": 2}]}}),
    ({"a": 1}, {"a": 1, "e/f": 3}),
    ({"a": {"c": {"x": 1}}}, {"a": {"b": 1, "c": {"x": 1}}, "e/f": 3}),
    ({"n": {"m": {"o": None, "p": 1}}}, {"a": {"b": 1, "c": [1, {"d": 2}]}, "e/f": 3, "n": {"m": {"p": 1}}}),
])  # fmt: skip
def test_edits_are_merge_patches_and_pointers(edit: Any, result: Any) -> None:
    plain = {"a": {"b": 1, "c": [1, {"d": 2}]}, "e/f": 3}
    before = json.dumps(plain)
    assert edits.edited(plain, edit) == result
    assert json.dumps(plain) == before

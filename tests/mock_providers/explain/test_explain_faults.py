"""A callback that was spoilt on purpose, sent, and then explained: the explanation finds the fault by itself."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import clock
from mock_providers.db import db
from mock_providers.webhooks.models import Attempt, Delivery, emit

AMOUNT = {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"}
PAID = {"appid": "wx1", "mchid": "1900000001", "out_trade_no": "T1", "trade_state": "SUCCESS", "amount": AMOUNT}
PUSH = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1, "MsgType": "event", "Event": "x"}
SETTLED = {"payOrdId": "1", "callType": "02", "feeSumamt": "1.00", "ordStas": "6"}
EVENTS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "wechatpay": ("TRANSACTION.SUCCESS", PAID, {"signer": "cert"}),
    "wechat": ("x", PUSH, {"mode": "safe", "form": "json"}),
    "national": ("6302", SETTLED, {}),
}
FOUND = {
    "wechatpay": {
        "signature_of_merchants_key": "key_of_merchant",
        "signature_probe": "probe",
        "signature_type_unknown": "algorithm_name",
        "serial_wrong_kind": "key_of_platform",
        "timestamp_stale": "clock_behind",
        "body_reserialised": "json_spaces",
        "newline_added": "body_trimmed",
        "ciphertext_bit_flipped": "ciphertext_changed",
        "ciphertext_garbled": "ciphertext_not_base64",
        "associated_data_wrong": "associated_data",
        "amount_changed": "content_edited",
        "body_empty": "envelope_malformed",
    },
    "wechat": {
        "signature_missing": "signature_missing",
        "timestamp_future": "clock_ahead",
        "ciphertext_missing": "push_encrypt_missing",
        "length_wrong": "push_length_lies",
        "padding_wrong": "push_padding_wrong",
        "appid_wrong": "push_appid_tail",
    },
    "national": {
        "signature_der": "der_not_raw",
        "signature_of_another_user_id": "sm2_user_id",
        "signature_of_merchants_key": "key_of_merchant",
        "timestamp_stale": "clock_behind",
        "ciphertext_bit_flipped": "body_changed",
        "ciphertext_missing": "encdata_missing",
        "version_wrong": "version",
        "order_unknown": "content_edited",
    },
}


@pytest.mark.parametrize("vendor", FOUND)
def test_the_explanation_of_an_attempt_finds_the_fault_by_itself(
    mocks: Flask, client: FlaskClient, vendor: str
) -> None:
    kind, plain, about = EVENTS[vendor]
    for fault, cause in {"": None, **FOUND[vendor]}.items():
        if fault:
            assert client.post("/_mock/faults", json={"fault": fault, "vendor": vendor}).status_code == 200
        found = sent(mocks, client, vendor, kind, plain, about)
        assert [one["name"] for one in found["causes"]][:1] == ([cause] if cause else []), fault
        assert (found["verdict"] == "ok") is (not fault)
        assert (found["fault"] or {}).get("name", "") == fault


def sent(
    app: Flask, client: FlaskClient, vendor: str, kind: str, plain: dict[str, Any], about: Any
) -> dict[str, Any]:
    with app.app_context():
        emit(vendor, kind, "T1", plain, "http://127.0.0.1:9/cb", **about)
        until = clock.now() + timedelta(seconds=1)
        db.session.commit()
    app.extensions["sender"].deliver_due("default", until)
    with app.app_context():
        id_ = db.session.query(Attempt.id).order_by(Attempt.id.desc()).limit(1).scalar()
        db.session.query(Delivery).update({"state": "cancelled", "next_at": None})
        db.session.commit()
    return client.get(f"/_mock/attempts/{id_}/explanation").json

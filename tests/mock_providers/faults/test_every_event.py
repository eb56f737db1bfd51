"""Every fault that fits an event can be done to it, changes what is sent, and leaves by the sender."""

import copy
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from mock_providers import damages, spaces
from mock_providers.db import db
from mock_providers.webhooks import faults
from mock_providers.webhooks.catalogue import CATALOGUE
from mock_providers.webhooks.models import emit
from tests.mock_providers.faults import stage
from tests.mock_providers.faults.stage import Act
from tests.mock_providers.faults.test_asked_faults import deliver
from tests.mock_providers.webhooks.toy import Ear

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
REFUND = {
    "out_trade_no": "A1",
    "out_refund_no": "R1",
    "refund_status": "SUCCESS",
    "mchid": "1900000001",
    "amount": {"total": 100, "refund": 50, "payer_total": 100, "payer_refund": 50},
}
MIXED = {
    "mix_trade_no": "M1",
    "out_trade_no": "A1",
    "mix_pay_status": "MIX_PAY_SUCCESS",
    "appid": "wx0000000000000001",
    "med_ins_cash_fee": 100,
    "med_ins_gov_fee": 200,
    "total_fee": 300,
}
V2 = {**REFUND, "success_time": "2025-12-01T10:00:00+08:00", "transaction_id": "42", "refund_id": "50"}
FACE = {"faceToken": "T1", "outBizNo": "B1", "faceStas": "1", "finishTime": "2025-12-01 10:00:00"}


def other(act: Act, type_: str, plain: Any = None, **about: Any) -> Act:
    event = copy.copy(act.event)
    event.type, event.plain, event.about = type_, plain or event.plain, {**event.about, **about}
    return replace(act, event=event, made={})


def every_event(app: Flask) -> Iterator[tuple[str, Act]]:
    pay, safe, compatible, notice = stage.acts(app)
    yield "payment", pay
    yield "payment, public key", other(pay, "TRANSACTION.SUCCESS", signer="pubkey")
    yield "refund", other(pay, "REFUND.SUCCESS", REFUND)
    yield "medical insurance", other(pay, "MEDICAL_INSURANCE.SUCCESS", MIXED)
    yield "push, safe JSON", safe
    yield "push, safe XML", other(safe, safe.event.type, form="xml")
    yield "push, compatible XML", compatible
    yield "push, plaintext", other(safe, safe.event.type, mode="plaintext")
    yield "6302", notice
    yield "6302 in clear", other(notice, "6302", form="plain")
    yield "face", other(notice, "face", FACE)


@pytest.fixture
def events(mocks: Flask) -> dict[str, Act]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(every_event(mocks))


def test_every_fault_that_fits_changes_what_is_sent(events: dict[str, Act]) -> None:
    for name, act in events.items():
        case = act.case()
        usual = case.sent()
        for fault in act.faults():
            sents = faults.damaged(fault.name, act.vendor, damages.CALLBACKS, case)
            last = sents[-1]
            same = (last.headers, last.body, last.query, last.way) == (usual.headers, usual.body, usual.query, "")
            assert len(sents) > 1 or not same, (name, fault.name)


def test_what_does_not_make_sense_does_not_fit(events: dict[str, Act]) -> None:
    fitting = {name: {fault.name for fault in act.faults()} for name, act in events.items()}
    assert not fitting["face"] & {"amount_changed", "addressee_wrong"}
    assert not fitting["6302 in clear"] & {"signature_bad", "ciphertext_missing", "unsealed", "timestamp_stale"}
    assert not fitting["push, plaintext"] & {"ciphertext_missing", "appid_wrong", "unsealed", "clear_text_differs"}
    assert "xml_entities" in fitting["push, safe XML"] and "xml_entities" not in fitting["push, safe JSON"]
    assert "currency_changed" not in fitting["medical insurance"] and "amount_changed" in fitting["medical insurance"]
    assert all(len(names) >= 15 for names in fitting.values())


def test_an_old_xml_refund_only_suffers_what_it_has(mocks: Flask, events: dict[str, Act]) -> None:
    act = other(events["refund"], "REFUND.SUCCESS", V2, v2=True)
    assert {"body_truncated", "content_type_wrong", "connection_reset"} <= {fault.name for fault in act.faults()}
    assert not {"signature_bad", "ciphertext_missing", "amount_changed"} & {fault.name for fault in act.faults()}


@pytest.mark.parametrize("name", ["payment", "push, safe JSON", "push, compatible XML", "6302"])
def test_every_fault_leaves_by_the_sender_and_is_written_down(
    mocks: Flask, events: dict[str, Act], ear: Ear, ask: Any, name: str
) -> None:
    act = events[name]
    event = act.event
    with spaces.entered(mocks, "default"):
        emit(event.vendor, event.type, event.ref, event.plain, "http://127.0.0.1:9/callback?a=b", **event.about)
        db.session.commit()
    deliver(mocks)
    for fault in act.faults():
        ask("POST", "events/1/resend", {"fault": fault.name})
    deliver(mocks)
    rows = [row for row in ask("GET", "attempts", limit=500)["items"][1:] if "part" not in row["fault"]]
    assert [row["fault"]["name"] for row in rows] == [fault.name for fault in act.faults()]
    assert all(row["fault"]["expected"] == CATALOGUE[row["fault"]["name"]].verdict for row in rows)
    assert all(row["status"] == 200 for row in rows)

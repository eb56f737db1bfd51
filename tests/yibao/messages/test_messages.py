"""The outbox of subscribe messages: once per fact, after its commit, and never in the journey's way."""

from datetime import datetime
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from tests.yibao.conftest import P01, FakeVendors, Phone
from yibao import audit, clock, tasks
from yibao.clock import CHINA
from yibao.db import db
from yibao.errors import Refused
from yibao.spaces import entered
from yibao.steps.family.models import Binding
from yibao.steps.login.models import User
from yibao.steps.messages import models, rules
from yibao.steps.messages.models import Message
from yibao.steps.settlement.models import Settlement

SEND = "/cgi-bin/message/subscribe/send"
OPENID = "oSAMPLEOPENID0000000000000001"
NOON = datetime(2025, 12, 1, 12, 5, tzinfo=CHINA)
OK = {"errcode": 0, "errmsg": "ok"}
TEMPLATES = {purpose: purpose[0] * 43 for purpose in rules.PURPOSES}


@pytest.fixture
def accounts(accounts: dict[str, Any]) -> dict[str, Any]:
    accounts["wechat"]["templates"] = TEMPLATES
    return accounts


@pytest.fixture
def phone(yibao: Flask, vendors: FakeVendors) -> Phone:
    vendors.on(SEND, OK)
    return Phone(yibao.test_client(), vendors).log_in().bind()


def settlement(number: str = "S1", **changes: Any) -> Settlement:
    """A row as a paid purchase leaves it; only what a message reads matters."""
    texts = {"openid": OPENID, "payer_name": "", "payer_id_type": "", "payer_id_number": "", "patient_name": ""}
    texts |= {"patient_id_type": "", "patient_id_number": "", "psn_no": "", "insutype": "", "insured_in": ""}
    texts |= {"institution_code": "P1", "policy_version": "", "prices_version": ""}
    money = {"total_fen": 5340, "pooled_fen": 2759, "own_fen": 0, "mutual_fen": 0, "wallet_fen": 0, "cash_fen": 2581}
    row = {**texts, **money, "lines": [], "created_at": NOON, "quote_expires_at": NOON, **changes}
    return Settlement(number=number, user_id=1, **{"institution_name": "样例大药房", **row})


def binding(key: str = "B1", **changes: Any) -> Binding:
    row = {"name": "王样七", "id_type": "id_card", "id_number": "469099198911239146", "notice_version": "1.0"}
    return Binding(key=key, user_id=1, created_at=NOON, **{**row, **changes})


def happen(yibao: Flask, machine: str, ref: str, event: str, *rows: Any) -> None:
    """A fact, noted in a transaction of its own."""
    with entered(yibao, "default"):
        db.session.add_all(rows)
        audit.moved(machine, ref, "BEFORE", "AFTER", event, "S")
        db.session.commit()


def run(yibao: Flask) -> None:
    with entered(yibao, "default"):
        tasks.run_due(clock.now())


def found(yibao: Flask) -> list[tuple[str, str, str]]:
    """Purpose, state and reason of every message."""
    with entered(yibao, "default"):
        return [
            (row.purpose, row.state, row.reason) for row in db.session.scalars(select(Message).order_by(Message.id))
        ]


def test_a_settled_purchase_is_told_once_with_its_amounts(yibao: Flask, phone: Phone, vendors: FakeVendors) -> None:
    happen(yibao, "settlement", "S1", "all_paid", settlement())
    happen(yibao, "settlement", "S1", "all_paid")
    assert vendors.sent(SEND) == []
    run(yibao)
    run(yibao)
    (body,) = vendors.sent(SEND)
    assert (body["touser"], body["template_id"], body["page"]) == (OPENID, "s" * 43, "pages/records/index")
    assert {key: one["value"] for key, one in body["data"].items()} == {
        "thing1": "样例大药房",
        "amount2": "¥53.40",
        "amount3": "¥27.59",
        "amount4": "¥25.81",
        "time5": "2025年12月1日 10:00",
    }
    assert found(yibao) == [("settlement", "SENT", "")]


@pytest.mark.parametrize(
    ("machine", "event", "purpose", "first"),
    [
        ("settlement", "refunded", "refund", "样例大药房"),
        ("binding", "activate", "binding_done", "王*七"),
    ],
)
def test_every_fact_has_its_message(
    yibao: Flask, phone: Phone, vendors: FakeVendors, machine: str, event: str, purpose: str, first: str
) -> None:
    row = settlement("X1") if machine == "settlement" else binding("X1")
    happen(yibao, machine, "X1", event, row)
    run(yibao)
    (body,) = vendors.sent(SEND)
    assert body["template_id"] == TEMPLATES[purpose]
    assert body["data"]["thing1"]["value"] == first


@pytest.mark.parametrize("event", ["ask_face", "come_of_age"])
def test_a_relative_who_uses_the_app_is_invited(yibao: Flask, phone: Phone, vendors: FakeVendors, event: str) -> None:
    relative = {"name": P01["name"], "id_type": P01["id_type"], "id_number": P01["id_number"]}
    happen(yibao, "binding", "B1", event, binding(**relative))
    run(yibao)
    (body,) = vendors.sent(SEND)
    assert body["touser"] == OPENID
    assert body["data"]["thing1"]["value"] == "林*一"


def test_a_relative_who_is_no_user_cannot_be_told(yibao: Flask, phone: Phone, vendors: FakeVendors) -> None:
    happen(yibao, "binding", "B1", "ask_face", binding())
    run(yibao)
    assert vendors.sent(SEND) == []
    assert found(yibao) == [("invitation", "DROPPED", "nobody to tell")]


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ({"errcode": 43101, "errmsg": "user refuse to accept the msg"}, "NOT_SUBSCRIBED", "WeChat 43101"),
        ({"errcode": 47003, "errmsg": "argument invalid!"}, "FAILED", "WeChat 47003"),
        ({"errcode": 40037, "errmsg": "invalid template_id"}, "FAILED", "WeChat 40037"),
        ({"errcode": -1, "errmsg": "system error"}, "UNKNOWN", "WeChat is busy: system error"),
        (requests.ConnectionError("gone"), "UNKNOWN", ""),
        ((500, b"", {}), "UNKNOWN", "HTTP 500"),
    ],
)
def test_what_goes_wrong_stays_in_the_message_and_is_not_repeated(
    yibao: Flask, phone: Phone, vendors: FakeVendors, answer: Any, state: str, reason: str
) -> None:
    vendors.on(SEND, answer)
    happen(yibao, "settlement", "S1", "all_paid", settlement())
    run(yibao)
    run(yibao)
    ((_, is_state, why),) = found(yibao)
    assert (is_state, why[: len(reason)]) == (state, reason)
    assert len(vendors.sent(SEND)) == 1
    with entered(yibao, "default"):
        noted = [
            (row["from"], row["to"], row["event"]) for row in audit.entries(0, 100) if row["machine"] == "message"
        ]
    assert noted[0] == ("PLANNED", "SENDING", "settlement:send")
    assert noted[1][:2] == ("SENDING", state)


@pytest.mark.parametrize("code", [40001, 42001])
def test_a_dead_token_is_replaced_once(yibao: Flask, phone: Phone, vendors: FakeVendors, code: int) -> None:
    vendors.on(SEND, {"errcode": code, "errmsg": "dead"}, OK)
    happen(yibao, "settlement", "S1", "all_paid", settlement())
    run(yibao)
    assert found(yibao) == [("settlement", "SENT", "")]
    assert len(vendors.sent(SEND)) == 2


def test_what_a_crash_cut_off_is_not_sent_again_and_what_it_left_planned_is(
    yibao: Flask, phone: Phone, vendors: FakeVendors
) -> None:
    happen(yibao, "settlement", "S1", "all_paid", settlement())
    happen(yibao, "settlement", "S2", "all_paid", settlement("S2"))
    with entered(yibao, "default"):
        tasks.drop(models.SEND, models.OUTBOX)  # as if the process had ended between the task and its work
        db.session.scalars(select(Message)).first().move("send")
        db.session.commit()
    happen(yibao, "settlement", "S3", "all_paid", settlement("S3"))
    run(yibao)
    assert [state for _, state, _ in found(yibao)] == ["UNKNOWN", "SENT", "SENT"]
    assert len(vendors.sent(SEND)) == 2


def test_a_fact_that_is_rolled_back_is_not_told(yibao: Flask, phone: Phone) -> None:
    with entered(yibao, "default"):
        audit.moved("settlement", "S1", "CASH_WAIT", "SETTLED", "all_paid", "S")
        db.session.rollback()
    run(yibao)
    assert found(yibao) == []


def test_without_templates_nothing_is_sent(
    yibao: Flask, phone: Phone, vendors: FakeVendors, accounts: dict[str, Any]
) -> None:
    del accounts["wechat"]["templates"]
    happen(yibao, "settlement", "S1", "all_paid", settlement())
    run(yibao)
    assert (found(yibao), vendors.sent(SEND)) == ([("settlement", "DROPPED", "no template")], [])
    assert phone.call("get", "/me/message-templates").get_json() == {"items": [], "next": None}


def test_the_front_end_learns_what_to_ask_for(yibao: Flask, phone: Phone) -> None:
    items = phone.call("get", "/me/message-templates").get_json()["items"]
    assert [(row["purpose"], row["template_id"], row["kind"]) for row in items] == [
        ("binding_done", "b" * 43, "ONCE"),
        ("invitation", "i" * 43, "ONCE"),
        ("settlement", "s" * 43, "LONG_TERM"),
        ("refund", "r" * 43, "LONG_TERM"),
    ]
    assert all("样例" in row["title"] for row in items)


def test_who_is_not_logged_in_learns_nothing(client: Any) -> None:
    assert client.get("/api/v1/me/message-templates").status_code == 401


def test_no_message_holds_a_whole_name_or_number(yibao: Flask, phone: Phone, vendors: FakeVendors) -> None:
    happen(yibao, "binding", "B1", "activate", binding())
    run(yibao)
    said = str(vendors.sent(SEND)[0]["data"])
    with entered(yibao, "default"):
        user = db.session.scalars(select(User)).one()
        assert "王样七" not in said and str(user.name) not in said and "4690" not in said


@pytest.mark.parametrize(
    ("text", "shown"), [("样" * 20, "样" * 20), ("样" * 21, "样" * 19 + "…"), (" a \n b ", "a b"), ("x", "x")]
)
def test_a_thing_has_at_most_twenty_characters(text: str, shown: str) -> None:
    assert rules.thing(text) == shown


def test_amounts_and_instants_have_the_form_templates_want() -> None:
    assert (rules.amount(5), rules.amount(123456), rules.instant(NOON)) == (
        "¥0.05",
        "¥1234.56",
        "2025年12月1日 12:05",
    )


@pytest.mark.parametrize("state", ["SENT", "NOT_SUBSCRIBED", "FAILED", "UNKNOWN", "DROPPED"])
@pytest.mark.parametrize("event", ["send", "sent", "refused", "cut_off"])
def test_an_ended_message_stays_as_it_is(state: str, event: str) -> None:
    with pytest.raises(Refused):
        rules.move(state, event)


GOOD: dict[str, dict[str, Any]] = {
    purpose: {
        "title": "样例",
        "once": True,
        "page": "p",
        "data": {f"thing{n}": f"{{{place}}}" for n, place in enumerate(sorted(places))},
    }
    for purpose, places in rules.PLACES.items()
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"title": "no mark"}, "refund.title"),
        ({"data": {"thing1": "{institution}{total}{at}{secret}"}}, "refund.data"),
        ({"data": {"thing1": "{institution}{total}{at}", "thing2": "样" * 21}}, "refund.data.thing2"),
        ({"data": {"thing1": "{institution}{total}{at}", "phrase2": "样" * 6}}, "refund.data.phrase2"),
    ],
)
def test_a_wording_that_could_not_be_sent_stops_the_start(change: dict[str, Any], named: str) -> None:
    with pytest.raises(rules.BadMessage, match=named):
        rules.wordings(GOOD | {"refund": GOOD["refund"] | change})


def test_a_missing_wording_stops_the_start() -> None:
    with pytest.raises(rules.BadMessage):
        rules.wordings({"refund": GOOD["refund"]})

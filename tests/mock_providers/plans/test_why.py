"""Why has my callback not come? Every reason there is, in words and with a next step."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import spaces, timers
from mock_providers.db import db
from mock_providers.webhooks.models import emit
from mock_providers.webhooks.reply import Reply
from mock_providers.webhooks.transport import Transport
from tests.mock_providers.plans.test_plan_book import START, URL, deliver, plan, tell
from tests.mock_providers.webhooks.toy import Ear, sender_of

__all__ = ["ear"]
from tests.mock_providers.plans.test_plan_book import ear


def why(client: FlaskClient, ref: str = "A1") -> Any:
    answer = client.get("/_mock/deliveries/why", query_string={"ref": ref})
    assert answer.status_code == 200, answer.json
    return answer.json


def only(client: FlaskClient, ref: str = "A1") -> Any:
    (one,) = why(client, ref)["deliveries"]
    same = client.get(f"/_mock/deliveries/{one['delivery']}/why").json
    assert {**same, "due": None} == {**one, "due": None}
    assert one["next_step"]
    return one


def test_it_came(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks)
    deliver(client)
    said = only(client)
    assert said["verdict"].startswith("it came: the receiver accepted it at 2025-12-01T10:00:00")
    assert (said["held_by"], said["left"], said["due"]) == ([], 0, None)
    assert why(client)["verdict"] == "everything there is to tell of it has come"


def test_it_waits_for_the_next_step_of_the_ladder(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    ear.answer = 500
    tell(mocks)
    deliver(client)
    said = only(client)
    assert said["held_by"] == ["ladder", "clock_frozen"]
    assert said["due"]["business"] == (START + timedelta(seconds=15)).isoformat()
    assert said["due"]["wall"] is None
    assert (said["left"], len(said["ladder"])) == (15, 15)
    assert said["last_reply"]["status"] == 500
    assert "the clock stands still" in said["verdict"]
    assert "yibao clock to next" in said["next_step"]
    assert said["send_now"]["command"] == f"yibao delivery send-now {said['delivery']}"
    deliver(client, resume=True)
    said = only(client)
    assert said["held_by"] == ["ladder"]
    assert said["due"]["wall"] is not None


def test_the_vendor_gave_up(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    ear.answer = 500
    tell(mocks)
    deliver(client, advance="2d")
    said = only(client)
    assert (said["held_by"], said["left"], said["ladder"]) == (["ladder_over"], 0, [])
    assert "gave up after 16 attempts" in said["verdict"]


@pytest.mark.parametrize(
    ("text", "held_by", "words"),
    [
        ("hold 1", ["plan"], "held by plan 1: hold 1, until somebody lets it go"),
        ("swap 1 2", ["plan"], "until the events it changes places with have come (this is number 1)"),
        ("drop 1", ["plan"], "it will not come: dropped by plan 1: drop 1"),
        ("delay 1 90s", ["plan", "clock_frozen"], "delayed 90 s by plan 1: delay 1 90s; due at"),
    ],
)
def test_a_plan_has_it(mocks: Flask, client: FlaskClient, ear: Ear, text: str, held_by: list, words: str) -> None:
    plan(client, text)
    tell(mocks)
    said = only(client)
    assert said["held_by"] == held_by
    assert words in said["verdict"]


def test_a_plan_with_a_time_says_when_it_ends_and_one_that_was_removed_is_not_offered(
    client: FlaskClient, mocks: Flask, ear: Ear
) -> None:
    plan(client, "hold 1; for 2h")
    tell(mocks)
    assert f"or the plan's time ends at {(START + timedelta(hours=2)).isoformat()}" in only(client)["verdict"]
    client.delete("/_mock/plans?held=keep")
    said = only(client)
    assert "the plan was removed and left it held" in said["verdict"]
    assert "plan clear" not in said["next_step"] and "delivery release" in said["next_step"]


def test_what_was_sent_by_hand_did_not_end_a_ladder(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks)
    deliver(client)
    ear.answer = 500
    client.post("/_mock/events/1/resend", json={})
    deliver(client)
    assert "by hand, once and outside the ladder" in why(client)["deliveries"][1]["verdict"]


def test_it_waits_behind_another(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "swap 1 2")
    tell(mocks, 2)
    first, second = why(client)["deliveries"]
    assert first["held_by"] == ["plan", "order"]
    assert f"behind delivery {second['delivery']}" in first["verdict"]


@pytest.mark.parametrize(("verb", "words"), [("hold", "a tester holds it"), ("cancel", "a tester cancelled it")])
def test_a_tester_has_it(mocks: Flask, client: FlaskClient, ear: Ear, verb: str, words: str) -> None:
    tell(mocks)
    (row,) = client.get("/_mock/deliveries").json["items"]
    client.post(f"/_mock/deliveries/{row['id']}/{verb}")
    assert only(client)["held_by"] == ["tester"]
    assert words in only(client)["verdict"]


def test_the_guard_has_it(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    sender_of(mocks).post = Transport()
    with spaces.entered(mocks, "default"):
        emit("toy", "toy.done", "A1", {"n": 1}, "http://10.0.0.1/callback")
        db.session.commit()
    deliver(client)
    assert only(client)["held_by"] == ["guard"]
    assert "MOCK_ALLOWED_HOSTS" in only(client)["next_step"]


def test_there_is_no_address(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    sender_of(mocks).post = Transport()
    with spaces.entered(mocks, "default"):
        emit("toy", "toy.done", "A1", {"n": 1}, "")
        db.session.commit()
    deliver(client)
    assert only(client)["held_by"] == ["no_address"]


def test_nothing_sends_in_the_background(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks)
    assert only(client)["held_by"] == ["sender"]


def test_it_could_not_be_built(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks, type="broken")
    deliver(client)
    assert only(client)["held_by"] == ["error"]


def test_the_last_reply_is_shown_in_clear_and_masked(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    sender_of(mocks).post = lambda *_: Reply(500, [], b"call 13800001234 \xff")
    tell(mocks)
    deliver(client)
    assert only(client)["last_reply"]["body"] == "call 138****1234 �"


def test_a_deliverys_own_number_is_understood_as_well(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks)
    (row,) = client.get("/_mock/deliveries").json["items"]
    assert why(client, str(row["id"]))["deliveries"][0]["ref"] == "A1"


def test_an_unknown_number_names_the_nearest(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks, ref="ORDER-2025-001")
    said = why(client, "ORDER-2025-007")
    assert said["verdict"].startswith("nothing here is called ORDER-2025-007")
    assert said["nearest"] == ["ORDER-2025-001"]
    assert why(client, "2025-00")["nearest"] == ["ORDER-2025-001"]
    assert client.get("/_mock/deliveries/99/why").status_code == 404
    assert client.get("/_mock/deliveries/why").status_code == 400


def order(mocks: Flask, **changes: Any) -> None:
    from mock_providers import clock
    from mock_providers.wechatpay.models import Order

    with spaces.entered(mocks, "default"):
        about = {"out_trade_no": "T1", "prepay_id": "p", "appid": "wx", "mchid": "1", "openid": "o", "person": "P01"}
        about |= {"total": 1, "notify_url": URL, "asked": {}, "signer": "cert", "state": "NOTPAY"} | changes
        now = clock.now()
        db.session.add(Order(**about, prepaid_at=now, created_at=now, closes_at=now + timedelta(hours=2)))
        db.session.commit()


@pytest.mark.parametrize(
    ("changes", "switch", "words"),
    [
        ({}, {}, "there is no event yet: JSAPI order T1 is NOTPAY; TRANSACTION.SUCCESS is told when the payer pays"),
        (
            {"state": "CLOSED"},
            {},
            "there is no event: JSAPI order T1 is CLOSED; that an order was closed is never told",
        ),
        ({}, {"wechatpay.merchant_state": "no_apiv3_key"}, "without a key to seal it with nothing is told"),
        ({"notify_url": ""}, {}, "the request named no address"),
        ({"state": "SUCCESS"}, {}, "no such event is stored"),
    ],
)
def test_an_order_without_an_event_says_what_would_make_one(
    mocks: Flask, client: FlaskClient, ear: Ear, changes: dict, switch: dict, words: str
) -> None:
    order(mocks, **changes)
    if switch:
        assert client.post("/_mock/deviations", json=switch).status_code == 200
    said = why(client, "T1")
    assert words in said["verdict"]
    assert said["nearest"] == []
    assert why(client, "T12")["nearest"] == ["T1"]


def test_a_person_whose_app_has_no_address_is_told_so(client: FlaskClient) -> None:
    assert "no app has an address to push to" in why(client, "P01")["verdict"]


def test_a_face_check_that_waits_says_how_it_ends(mocks: Flask, client: FlaskClient) -> None:
    from mock_providers import clock
    from mock_providers.national.faces import NationalFace

    with spaces.entered(mocks, "default"):
        about = {"face_token": "F", "out_biz_no": "B1", "person": "P01", "redirect_url": "", "notify_url": URL}
        db.session.add(NationalFace(**about, expires_at=clock.now()))
        db.session.commit()
    said = why(client, "B1")
    assert "face check B1 has faceStas 0" in said["verdict"]
    assert "phone/national/face" in said["awaited"][0]["how"]


def test_a_refund_that_is_on_its_way_says_when(mocks: Flask, client: FlaskClient) -> None:
    from mock_providers import clock
    from mock_providers.wechatpay.models import Refund

    order(mocks, state="REFUND")
    with spaces.entered(mocks, "default"):
        about = {"order_id": 1, "out_refund_no": "R1", "refund_id": "5", "ends": "succeeded", "amount": 1}
        asked = {"notify_url": URL}
        db.session.add(Refund(**about, asked=asked, signer="cert", created_at=clock.now(), state="PROCESSING"))
        db.session.commit()
    said = why(client, "R1")
    assert "refund R1 is PROCESSING; REFUND.SUCCESS is told when it ends" in said["verdict"]
    assert [one["number"] for one in why(client, "T1")["awaited"]] == ["T1", "R1"]
    with spaces.entered(mocks, "default"):
        emit("wechatpay", "REFUND.SUCCESS", "R1", {"out_refund_no": "R1"}, URL)
        db.session.commit()
    said = why(client, "T1")
    assert [one["number"] for one in said["awaited"]] == ["T1"], "what has an event is not awaited any more"
    assert [one["ref"] for one in said["deliveries"]] == ["R1"]


WANTED = "/_mock/wait?event=toy.done&ref=A1"


def test_waiting_in_business_time_moves_the_clock_until_it_is_there(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    ear.answer = lambda *_: 200 if len(ear.heard) > 3 else 500
    tell(mocks)
    said = client.get(f"{WANTED}&delivered=true&within=1h&clock=business").json
    assert said["now"] == (START + timedelta(seconds=60)).isoformat()
    assert [one["number"] for one in said["fired"]] == [1, 2, 3, 4]
    assert said["deliveries"][0]["state"] == "delivered"


def test_waiting_in_business_time_ends_with_the_nearest_match(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    plan(client, "hold 1")
    tell(mocks)
    answer = client.get(f"{WANTED}&delivered=true&within=1h&clock=business")
    assert (answer.status_code, answer.json["code"]) == (408, "WAITED_TOO_LONG")
    assert answer.json["now"] == (START + timedelta(hours=1)).isoformat()
    assert answer.json["detail"] == "not within 3600 s of business time: event toy.done ref A1, delivered"
    assert answer.json["nearest"]["differs_in"] == []
    assert "held by plan" in answer.json["nearest"]["why"][0]
    assert len(answer.json["queue"]) == 1
    assert client.get("/_mock/clock").json["now"] == (START + timedelta(hours=1)).isoformat()


def test_waiting_in_business_time_sees_what_a_timer_emits(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    timers.HANDLERS["later"] = lambda _: emit("toy", "toy.done", "A1", {"n": 1}, URL) and None
    with spaces.entered(mocks, "default"):
        timers.at(START + timedelta(minutes=5), "later")
        db.session.commit()
    said = client.get(f"{WANTED}&within=1h&clock=business").json
    del timers.HANDLERS["later"]
    assert said["now"] == (START + timedelta(minutes=5)).isoformat()


def test_waiting_on_the_wall_moves_nothing(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    tell(mocks, ref="A2")
    answer = client.get(f"{WANTED}&within=0s")
    assert answer.status_code == 408
    assert answer.json["nearest"]["differs_in"] == ["ref"]
    assert client.get("/_mock/clock").json["now"] == START.isoformat()
    assert not ear.heard
    assert client.get("/_mock/wait?person=P01&vendor=toy&within=0s").json["event"]["ref"] == "A2"
    assert client.get("/_mock/wait?clock=moon").status_code == 400
    assert client.get("/_mock/wait?person=P99").json["code"] == "PERSON_UNKNOWN", "nobody waits for nobody"
    assert client.get("/_mock/wait?vendor=nobody").json["fields"] == {"vendor": ["unknown"]}

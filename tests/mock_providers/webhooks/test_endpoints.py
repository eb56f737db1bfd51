"""Further receivers: who is told, with which keys, until when, and how soon they answer."""

import json
import warnings
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as sql

from mock_providers import create_app, spaces
from mock_providers.db import db
from mock_providers.settings import Settings
from mock_providers.webhooks import endpoints, engine, meter, receivers, store
from mock_providers.webhooks.models import emit
from mock_providers.webhooks.reply import Reply
from mock_providers.wechat import push_wire
from tests.mock_providers.webhooks.toy import Ear, answer, receiver, sender_of

with warnings.catch_warnings():  # what it imports is its own affair
    warnings.simplefilter("ignore")
    from wechatpayv3 import WeChatPay, WeChatPayType

OWN, MORE = "http://127.0.0.1:9/callback", "http://127.0.0.1:10/second"
START = "2025-12-01T10:00:00+08:00"
KEY = "K" * 31 + "!"
Json = dict[str, Any]


@pytest.fixture
def ear(mocks: Flask, client: FlaskClient) -> Iterator[Ear]:
    """Receivers that accept all, and a clock that stands still."""
    sender_of(mocks).post = heard = Ear()
    client.post("/_mock/clock", json={"set": START, "freeze": True})
    yield heard


def tell(app: Flask, ref: str = "A1", type_: str = "TRANSACTION.SUCCESS", space: str = "default") -> int:
    with spaces.entered(app, space):
        plain = {"out_trade_no": ref, "amount": {"total": 1}}
        row = emit("wechatpay", type_, ref, plain, OWN, person="P01", signer="pubkey")
        db.session.commit()
        return row.id


def add(client: FlaskClient, **given: Any) -> Json:
    answer = client.post("/_mock/endpoints", json={"vendor": "wechatpay", "url": MORE, "name": "shop", **given})
    assert answer.status_code == 200, answer.json
    return answer.json


def refused(client: FlaskClient, **given: Any) -> Json:
    answer = client.post("/_mock/endpoints", json={"vendor": "wechatpay", "url": MORE, "name": "shop", **given})
    assert answer.status_code in (400, 409), answer.json
    return answer.json


def deliver(client: FlaskClient, **body: Any) -> None:
    assert client.post("/_mock/clock", json=body or {"advance": "0s"}).status_code == 200


def deliveries(client: FlaskClient, **asked: Any) -> list[Json]:
    return client.get("/_mock/deliveries", query_string=asked).json["items"]


def shown(client: FlaskClient, which: str = "shop") -> Json:
    answer = client.get(f"/_mock/endpoints/{which}")
    assert answer.status_code == 200, answer.json
    return answer.json


def switch(client: FlaskClient, **values: str) -> None:
    said = {f"control.endpoint_{name}": value for name, value in values.items()}
    assert client.post("/_mock/deviations", json=said).status_code == 200


def urls(ear: Ear) -> list[str]:
    return [url for url, _, _ in ear.heard]


# Fan-out


def test_an_event_goes_to_its_own_address_and_to_every_endpoint_it_fits(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client)
    add(client, name="refunds", url="http://127.0.0.1:11/r", events=["REFUND.*"])
    add(client, name="push", url="http://127.0.0.1:12/p", vendor="wechat")
    tell(mocks)
    tell(mocks, "R1", "REFUND.SUCCESS")
    deliver(client)
    assert urls(ear) == [OWN, MORE, OWN, MORE, "http://127.0.0.1:11/r"]
    assert [row["endpoint"] for row in deliveries(client)] == [None, "shop", None, "shop", "refunds"]
    assert [row["id"] for row in deliveries(client, endpoint="refunds")] == [5]


def test_each_receiver_climbs_a_ladder_of_its_own(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    ear.answer = lambda url, body: 200 if url == OWN else 500
    add(client)
    tell(mocks)
    deliver(client, advance="2d")
    own, more = deliveries(client)
    assert (own["state"], own["tries"]) == ("delivered", 1)
    assert (more["state"], more["tries"]) == ("failed", 16)


def test_another_space_is_not_told(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client)
    client.post("/_mock/spaces", json={"name": "other"})
    tell(mocks, space="other")
    there = client.get("/_mock/deliveries", headers={"X-Yibao-Space": "other"}).json["items"]
    assert [row["endpoint"] for row in there] == [None]


def test_without_endpoints_an_event_costs_one_look_more(mocks: Flask, client: FlaskClient) -> None:
    said: list[str] = []
    with mocks.app_context():
        sql.listen(db.engine, "before_cursor_execute", lambda c, cursor, text, *_: said.append(text))
    tell(mocks)
    assert sum("FROM endpoint" in text for text in said) == 1
    assert sum("INSERT INTO delivery" in text for text in said) == 1


def test_a_plan_acts_on_all_deliveries_of_an_event(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client)
    client.post("/_mock/plans", json={"text": "hold 1; dup 2"})
    tell(mocks, "A1")
    tell(mocks, "A2")
    deliver(client)
    assert [row["state"] for row in deliveries(client, ref="A1")] == ["held", "held"]
    assert sorted(urls(ear)) == [MORE, MORE, OWN, OWN]


def test_in_a_swap_nobody_waits_for_another_receivers_answer(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client)
    client.post("/_mock/plans", json={"text": "swap 1 2"})
    tell(mocks, "A1")
    tell(mocks, "A2")
    behind = {row["id"]: (row["endpoint"], row["behind"]) for row in deliveries(client)}
    assert behind == {1: (None, 3), 2: ("shop", 4), 3: (None, None), 4: ("shop", None)}
    deliver(client)
    assert {row["state"] for row in deliveries(client)} == {"delivered"}


def test_a_fault_strikes_the_own_address_unless_an_endpoint_is_named(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client)
    client.post("/_mock/faults", json={"fault": "body_empty", "next": 2})
    tell(mocks)
    deliver(client)
    assert [(url, body == b"") for url, _, body in ear.heard] == [(OWN, True), (MORE, False)]
    client.delete("/_mock/faults")
    made = client.post("/_mock/faults", json={"fault": "body_empty", "endpoint": "shop"}).json
    assert made["scope"] == {"endpoint": "shop"}
    ear.heard.clear()
    tell(mocks, "A2")
    deliver(client)
    assert [(url, body == b"") for url, _, body in ear.heard] == [(OWN, False), (MORE, True)]


def test_a_fault_for_an_endpoint_there_is_not_or_of_an_answer_is_refused(client: FlaskClient) -> None:
    add(client)
    for said in (
        {"fault": "body_empty", "endpoint": "nobody"},
        {"fault": "body_empty", "endpoint": "shop", "vendor": "wechat"},
        {"fault": "answer_503", "endpoint": "shop"},
    ):
        answer = client.post("/_mock/faults", json=said)
        assert (answer.status_code, answer.json["code"]) == (400, "FIELD_INVALID")
        assert "endpoint" in answer.json["fields"]


# Keys of its own


def sdk(held: Json, **changes: Any) -> Any:
    """WeChat Pay's notifications as a merchant with these keys reads them, with somebody else's code."""
    keys = {**held, **changes}
    return WeChatPay(
        WeChatPayType.MINIPROG,
        mchid=keys["mchid"],
        private_key=keys["merchant_private_key"],
        cert_serial_no=keys["merchant_serial_no"],
        apiv3_key=keys["apiv3_key"],
        appid=keys["appid"],
        public_key=keys["public_key"],
        public_key_id=keys["public_key_id"],
    )


def test_an_endpoint_with_its_own_apiv3_key_is_read_by_the_sdk_with_that_key_and_no_other(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client, credentials={"apiv3_key": KEY})
    tell(mocks)
    deliver(client)
    held = client.get("/_mock/credentials").json["wechatpay"]
    (_, *to_own), (_, *to_more) = ear.heard
    assert sdk(held, apiv3_key=KEY).callback(*to_more)["resource"]["out_trade_no"] == "A1"
    assert sdk(held).callback(*to_own)["resource"]["out_trade_no"] == "A1"
    assert sdk(held).callback(*to_more) is None
    assert sdk(held, apiv3_key=KEY).callback(*to_own) is None


def test_over_the_wire_a_second_receiver_with_its_own_key_verifies_and_answers(live: Flask) -> None:
    client = live.test_client()
    held, read = client.get("/_mock/credentials").json["wechatpay"], []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        body = answer(handler, 204)
        read.append((handler.path, sdk(held, apiv3_key=KEY).callback(handler.headers, body)))

    with receiver(respond) as url:
        add(client, url=f"{url}/second", credentials={"apiv3_key": KEY})
        tell(live)
        assert sender_of(live).wait_idle(5)
    ((path, notice),) = read
    assert (path, notice["event_type"]) == ("/second", "TRANSACTION.SUCCESS")
    own, more = deliveries(client)
    assert (own["state"], own["reason"], more["state"]) == ("pending", "connection refused", "delivered")
    assert shown(client)["meter"]["answered"] == 1


def test_an_endpoint_chooses_which_key_of_wechat_pay_signs(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client, options={"signer": "cert"})
    tell(mocks)
    deliver(client)
    held = client.get("/_mock/credentials").json["wechatpay"]
    serials = [headers["Wechatpay-Serial"] for _, headers, _ in ear.heard]
    assert serials == [held["public_key_id"], held["platform_serial_no"]]


def test_a_pushed_message_is_sealed_with_the_endpoints_token_and_key_in_its_own_form(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    made = add(client, vendor="wechat", new_secret=True, options={"mode": "safe", "format": "xml"})
    with spaces.entered(mocks, "default"):
        said = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1, "MsgType": "event", "Event": "x"}
        emit("wechat", "x", "P01", said, OWN, account="wechat", mode="plaintext", form="json", pauses=[5])
        db.session.commit()
    deliver(client)
    (_, _, plain), (url, _, sealed) = ear.heard
    assert json.loads(plain) == said
    keys, query = made["credentials"], dict(parse_qsl(urlsplit(url).query))
    encrypted = push_wire.reply(sealed)["Encrypt"]  # type: ignore[index]
    assert query["msg_signature"] == push_wire.signature(
        keys["push_token"], query["timestamp"], query["nonce"], encrypted
    )
    appid = client.get("/_mock/credentials").json["wechat"]["appid"]
    assert push_wire.decrypt(encrypted, keys["encoding_aes_key"], appid) == push_wire.as_xml(said)


def test_a_notice_of_the_bureau_is_sealed_and_signed_with_the_endpoints_app(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    from mock_providers.national import wire

    own = {"app_id": "SIMAPPID00000000000000000000OWN1", "app_secret": "SIMSECRET0000000000000000000OWN1"}
    add(client, vendor="national", credentials=own)
    with spaces.entered(mocks, "default"):
        emit("national", "6302", "M1", {"medOrgOrd": "M1"}, OWN, form="envelope", user_id="appSecret")
        db.session.commit()
    deliver(client)
    mip = client.get("/_mock/credentials").json["national"]["mip"]
    (_, _, to_own), (_, _, to_more) = ear.heard

    def reader(keys: Json) -> wire.Party:
        return wire.Party(keys["app_id"], keys["app_secret"], mip["private_key"], mip["platform_public_key"])

    assert wire.open_message(to_more, reader(own)) == {"medOrgOrd": "M1"}
    assert wire.open_message(to_own, reader(mip)) == {"medOrgOrd": "M1"}
    with pytest.raises(wire.Malformed):
        wire.open_message(to_more, reader(mip))


def test_keys_are_shown_once_and_shortened_ever_after(
    mocks: Flask, client: FlaskClient, ear: Ear, caplog: Any
) -> None:
    made = add(client, credentials={"apiv3_key": KEY})
    assert made["credentials"] == {"apiv3_key": KEY}
    minted = add(client, name="minted", new_secret=True)["credentials"]["apiv3_key"]
    assert len(minted) == 32
    renewed = client.patch("/_mock/endpoints/minted", json={"new_secret": True}).json["credentials"]["apiv3_key"]
    assert renewed != minted
    assert client.post("/_mock/endpoints", json={"vendor": "x", "credentials": {"apiv3_key": KEY}}).status_code == 400
    tell(mocks)
    deliver(client)
    calls = [client.get(f"/_mock/calls/{row['id']}").json for row in client.get("/_mock/calls").json["items"]]
    looked = [
        client.get(f"/_mock/{path}").text
        for path in ("endpoints", "endpoints/shop", "timeline", "attempts/2/explanation", "endpoints/meter")
    ]
    bodies = [b64decode(call[way]["body_base64"]).decode() for call in calls for way in ("request", "response")]
    assert any("minted" in text for text in bodies), "the calls are in the journal"
    for secret in (KEY, minted, renewed):
        assert not any(secret in text for text in (*looked, *bodies, caplog.text))
    assert shown(client)["credentials"] == {"apiv3_key": "KK… (32 characters)"}


def test_the_same_seed_makes_the_same_keys(mocks: Flask, client: FlaskClient) -> None:
    first = add(client, new_secret=True)["credentials"]
    client.post("/_mock/reset", json={"level": "all"})
    assert add(client, new_secret=True)["credentials"] == first


@pytest.mark.parametrize(
    ("vendor", "name", "value", "says"),
    [
        ("wechatpay", "apiv3_key", "short", "has 5 characters; wanted 32 printable ASCII"),
        ("wechatpay", "apiv3_key", "钥" * 32, "has a character that cannot be in it"),
        ("wechatpay", "apiv3_key", 7, "is no text"),
        ("wechatpay", "push_token", "abc", "a receiver of wechatpay may have its own apiv3_key"),
        ("wechat", "push_token", "ab", "wanted 3 to 32 letters or digits (wechat.md §5.1)"),
        ("wechat", "encoding_aes_key", "A" * 42, "has 42 characters; wanted 43 letters or digits"),
        ("wechat", "encoding_aes_key", "A" * 42 + "-", "has a character that cannot be in it"),
        ("national", "app_secret", "S" * 15, "wanted 16 to 64 printable ASCII"),
        ("national", "app_id", "A" * 65, "the first 16 are an SM4 key"),
        ("national", "platform_private_key", "x", "may have its own app_id, app_secret"),
    ],
)
def test_a_key_of_the_wrong_shape_is_refused_without_saying_it(
    client: FlaskClient, vendor: str, name: str, value: Any, says: str
) -> None:
    said = refused(client, vendor=vendor, credentials={name: value})
    assert said["code"] == "FIELD_INVALID"
    assert says in said["fields"][f"credentials.{name}"][0]
    assert str(value) not in said["fields"][f"credentials.{name}"][0] or len(str(value)) < 4
    assert client.get("/_mock/endpoints").json["items"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"options": {"signer": "mine"}}, "options.signer"),
        ({"options": {"mode": "safe"}}, "options.mode"),
        ({"vendor": "alipay"}, "vendor"),
        ({"name": "meter"}, "name"),
        ({"name": "12"}, "name"),
        ({"events": ["x" * 61]}, "events"),
        ({"secret": "x"}, "secret"),
        ({"url": "ftp://127.0.0.1/x"}, "url"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(client: FlaskClient, given: Json, field: str) -> None:
    said = refused(client, **given)
    assert said["code"] == "FIELD_INVALID"
    assert field in said["fields"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/latest", "an address callbacks never go to"),
        ("http://10.0.0.5/x", "neither loopback nor in MOCK_ALLOWED_HOSTS"),
        ("http://[::ffff:10.0.0.5]/x", "MOCK_ALLOWED_HOSTS"),
        ("http://me:pw@127.0.0.1/x", "neither a user nor a fragment"),
        ("http://127.0.0.1/x#y", "neither a user nor a fragment"),
        ("http://127.0.0.1:99999/x", "is no address"),
    ],
)
def test_an_address_the_guard_would_stop_is_refused_at_once(client: FlaskClient, url: str, why: str) -> None:
    said = refused(client, url=url)
    assert said["code"] == "ENDPOINT_URL_REFUSED"
    assert why in said["fields"]["url"][0]
    add(client)
    answer = client.patch("/_mock/endpoints/shop", json={"url": url})
    assert (answer.status_code, answer.json["code"]) == (400, "ENDPOINT_URL_REFUSED")
    assert shown(client)["url"] == MORE


def test_a_listed_host_may_be_told(tmp_path: Any) -> None:
    app = create_app(Settings(data=tmp_path, background=False, allowed_hosts=("10.0.0.0/8",)))
    assert add(app.test_client(), url="http://10.0.0.5/x")["url"] == "http://10.0.0.5/x"


def test_a_name_is_given_once_and_free_again_after_removal(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    first = add(client)
    assert refused(client)["code"] == "STATE_CONFLICT"
    tell(mocks)
    assert client.delete("/_mock/endpoints/shop").json == {"removed": "shop", "cancelled": 1}
    second = add(client)
    assert second["id"] > first["id"]
    (_, gone) = deliveries(client)
    assert (gone["state"], gone["reason"], gone["endpoint"]) == ("cancelled", endpoints.IS_REMOVED, "shop")
    assert "endpoint shop was removed" in client.get(f"/_mock/deliveries/{gone['id']}/why").json["verdict"]
    assert client.get("/_mock/endpoints/nobody").status_code == 404
    assert client.delete("/_mock/endpoints/nobody").status_code == 404


def test_there_is_an_end_to_how_many(client: FlaskClient) -> None:
    for _ in range(endpoints.MOST):
        client.post("/_mock/endpoints", json={"vendor": "wechatpay", "url": MORE})
    assert len(client.get("/_mock/endpoints").json["items"]) == endpoints.MOST
    assert refused(client)["code"] == "STATE_CONFLICT"
    page = client.get("/_mock/endpoints?limit=3").json
    assert (len(page["items"]), page["next"]) == (3, "3")


def test_what_is_on_its_way_follows_an_endpoint_to_its_new_address(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    ear.answer = lambda url, body: 500 if url == MORE else 200
    add(client, credentials={"apiv3_key": KEY})
    tell(mocks)
    deliver(client)
    moved = "http://127.0.0.1:13/moved"
    said = client.patch(
        "/_mock/endpoints/shop", json={"url": moved, "events": ["TRANSACTION.*"], "credentials": None}
    )
    assert (said.json["url"], said.json["keys"], said.json["failures"]) == (moved, "the account's", 0)
    deliver(client, advance="15s")
    assert urls(ear) == [OWN, MORE, moved]
    held = client.get("/_mock/credentials").json["wechatpay"]
    assert sdk(held).callback(*ear.heard[-1][1:]) is not None


# Switched off after long failure


def failing(client: FlaskClient, ear: Ear) -> None:
    ear.answer = lambda url, body: 500 if url == MORE else 200
    switch(client, off_after="1h", off_failures="8")


def test_an_endpoint_that_fails_for_long_is_switched_off_with_a_notice(
    mocks: Flask, client: FlaskClient, ear: Ear, caplog: Any
) -> None:
    failing(client, ear)
    add(client)
    tell(mocks, "A1")
    deliver(client, advance="2h")
    row = shown(client)
    assert row["state"] == "off"
    assert row["reason"].startswith(f"8 attempts in a row failed since {START}; the last one: ")
    assert datetime.fromisoformat(row["since"]) > datetime.fromisoformat(START)
    assert row["banner"][0] in client.get("/_mock/deliveries").json["banner"]
    assert "endpoint shop (wechatpay) is off since" in client.get("/_mock/people").headers["X-Yibao-Banner"]
    (alarm,) = client.get("/_mock/timeline?kind=alarm").json["items"]
    assert alarm["summary"].startswith("endpoint shop (wechatpay) is off") and alarm["endpoint"] == "shop"
    assert "space default: endpoint shop is off: 8 attempts" in caplog.text
    own, more = deliveries(client)
    assert own["state"] == "delivered"
    assert (more["state"], more["reason"], more["next_at"]) == ("cancelled", endpoints.IS_OFF, None)


def test_what_an_endpoint_misses_is_kept_and_sent_when_it_is_on_again(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    failing(client, ear)
    add(client)
    tell(mocks, "A1")
    deliver(client, advance="2h")
    tell(mocks, "A2")
    tell(mocks, "A3")
    deliver(client)
    assert [row["state"] for row in deliveries(client, endpoint="shop")] == ["cancelled"] * 3
    assert shown(client)["missed"] == 3
    (said,) = client.get("/_mock/deliveries/why?ref=A2").json["deliveries"][1:]
    assert said["held_by"] == ["endpoint"]
    assert "it will not come: endpoint shop is off since" in said["verdict"]
    assert "yibao endpoint on shop --resend" in said["next_step"]
    ear.answer, ear.heard = 200, []
    assert client.post("/_mock/endpoints/shop/on", json={"resend": True}).json["resent"] == 3
    deliver(client)
    assert urls(ear) == [MORE] * 3
    row = shown(client)
    assert (row["state"], row["missed"], row["failures"], row["banner"]) == ("on", 0, 0, [])
    assert {one["state"] for one in deliveries(client, endpoint="shop")} == {"delivered"}
    assert client.post("/_mock/endpoints/shop/on").status_code == 409


def test_switched_on_without_resending_what_was_missed_can_still_be_sent(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client)
    assert (
        client.post("/_mock/endpoints/shop/off", json={"reason": "being rebuilt"}).json["reason"] == "being rebuilt"
    )
    assert client.post("/_mock/endpoints/shop/off").status_code == 409
    tell(mocks)
    client.post("/_mock/endpoints/shop/on")
    deliver(client)
    assert urls(ear) == [OWN]
    why = client.get("/_mock/deliveries/2/why").json
    assert "endpoint shop was off then; it is on again" in why["verdict"]
    assert client.post("/_mock/endpoints/shop/on", json={"resend": True}).json["resent"] == 1
    deliver(client)
    assert urls(ear) == [OWN, MORE]


def test_a_trial_while_it_is_off_is_sent_and_not_tried_again(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client)
    client.post("/_mock/endpoints/shop/off")
    tell(mocks)
    ear.answer = 500
    client.post("/_mock/deliveries/2/send-now")
    deliver(client, advance="1h")
    assert urls(ear).count(MORE) == 1
    assert deliveries(client, endpoint="shop")[0]["state"] == "cancelled"


def test_one_acceptance_begins_the_count_anew(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    switch(client, off_after="1h", off_failures="8")
    add(client)
    answers = iter([500] * 7 + [200] + [500] * 7 + [200])
    ear.answer = lambda url, body: next(answers) if url == MORE else 200
    tell(mocks)
    deliver(client, advance="2h")
    tell(mocks, "A2")
    deliver(client, advance="2h")
    assert (shown(client)["state"], shown(client)["failures"]) == ("on", 0)


@pytest.mark.parametrize("values", [{"off_after": "never"}, {"off_failures": "17"}, {"off_after": "2d"}])
def test_the_switches_say_how_long_is_long(
    mocks: Flask, client: FlaskClient, ear: Ear, values: dict[str, str]
) -> None:
    failing(client, ear)
    switch(client, **values)
    add(client)
    tell(mocks)
    deliver(client, advance="3d")
    assert (shown(client)["state"], shown(client)["failures"]) == ("on", 16)


def test_a_refusal_of_what_a_tester_spoilt_counts_for_nothing(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    switch(client, off_after="0s", off_failures="1")
    add(client)
    ear.answer = 401
    client.post("/_mock/faults", json={"fault": "signature_bad", "endpoint": "shop"})
    event = tell(mocks)
    deliver(client)
    client.post(f"/_mock/events/{event}/resend", json={"endpoint": "shop", "signature": "wrong_key"})
    deliver(client)
    assert urls(ear)[-1] == MORE
    assert (shown(client)["state"], shown(client)["failures"]) == ("on", 0)


def test_the_vendors_own_address_is_never_switched_off(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    switch(client, off_after="0s", off_failures="1")
    ear.answer = 500
    for number in range(3):
        tell(mocks, f"A{number}")
        deliver(client, advance="2d")
    assert {row["state"] for row in deliveries(client)} == {"failed"}
    assert client.get("/_mock/endpoints").json["switched_off"]["own_addresses"] == "never"
    tell(mocks, "A9")
    assert deliveries(client, ref="A9")[0]["state"] == "pending"


def test_a_plan_does_not_wake_what_an_endpoint_that_is_off_misses(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client)
    client.post("/_mock/endpoints/shop/off")
    client.post("/_mock/plans", json={"text": "hold 1"})
    tell(mocks)
    assert [row["state"] for row in deliveries(client)] == ["held", "cancelled"]
    client.delete("/_mock/plans")
    deliver(client)
    assert urls(ear) == [OWN]


def test_a_switch_that_is_no_length_is_refused(client: FlaskClient) -> None:
    for value in ("soon", "-1d"):
        answer = client.post("/_mock/deviations", json={"control.endpoint_off_after": value})
        assert (answer.status_code, answer.json["code"]) == (400, "FIELD_INVALID")


# The meter


def metered(app: Flask, client: FlaskClient, url: str, ms: list[float | None]) -> None:
    """Attempts at an address that took so long; None: no answer in time."""
    with app.app_context():
        for taken in ms:
            row = emit("wechatpay", "TRANSACTION.SUCCESS", "A1", {}, url, signer="pubkey")
            db.session.commit()
            (job,) = store.claim("default", row.created_at, 1)
            silent = taken is None
            reply = Reply(None, [], b"", "no answer within 5 s") if taken is None else Reply(204, [], b"")
            made = store.Made(job, row.created_at, 1, taken or 5000.4, ([], b""), reply, not silent, reply.trouble)
            store.write([made])
            db.session.commit()


def test_the_meter_knows_every_receiver_and_the_vendors_limit(mocks: Flask, client: FlaskClient) -> None:
    metered(mocks, client, OWN, [float(number) for number in range(1, 99)] + [5000.1, None])
    (own,) = client.get("/_mock/endpoints").json["receivers"]
    assert own == {
        "vendor": "wechatpay",
        "endpoint": None,
        "url": OWN,
        "attempts": 100,
        "answered": 99,
        "accepted_percent": 99.0,
        "p50_ms": 50.0,
        "p95_ms": 95.0,
        "max_ms": 5000.1,
        "over_limit": 2,
        "limit_ms": 5000.0,
        "limit_source": "wechatpay.md §5.3 (documented)",
    }
    newest = client.get("/_mock/endpoints/meter?last=1").json
    assert (newest["items"][0]["attempts"], newest["items"][0]["p50_ms"]) == (1, None)
    assert newest["given_up_after_ms"] == 5000.0


def test_an_endpoint_is_metered_apart_and_faults_are_not_its_doing(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client)
    assert shown(client)["meter"]["attempts"] == 0
    tell(mocks)
    deliver(client)
    client.post("/_mock/faults", json={"fault": "body_empty", "endpoint": "shop"})
    tell(mocks, "A2")
    deliver(client)
    assert [(row["endpoint"], row["attempts"]) for row in client.get("/_mock/endpoints/meter").json["items"]] == [
        (None, 2),
        ("shop", 1),
    ]
    assert shown(client)["meter"]["accepted_percent"] == 100.0
    client.post("/_mock/reset", json={"level": "traffic"})
    assert client.get("/_mock/endpoints/meter").json["items"] == []


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [meter.percentile([1.0, 2.0, 3.0, 4.0], percent) for percent in (1, 25, 50, 51, 95, 100)] == [
        1.0, 1.0, 2.0, 3.0, 4.0, 4.0,
    ]  # fmt: skip
    assert meter.percentile([], 50) is None


def test_every_vendor_has_a_limit_with_its_source() -> None:
    for terms in receivers.terms().values():
        assert terms.reply_seconds > 0 and "§" in terms.source
        assert terms.evidence in ("documented", "inferred", "simulator")
    assert engine.host_of(MORE) == "127.0.0.1:10"


# Looked at


def test_an_attempt_is_explained_with_the_keys_of_its_endpoint(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client, credentials={"apiv3_key": KEY})
    tell(mocks)
    deliver(client)
    own, more = (client.get(f"/_mock/attempts/{id_}/explanation").json for id_ in (1, 2))
    assert (own["verdict"], more["verdict"]) == ("ok", "ok")
    assert "opens with your APIv3 key" in more["facts"]["resource"]
    assert more["facts"]["endpoint"] == "shop; keys of its own: apiv3_key"
    assert "endpoint" not in own["facts"]
    _, headers, body = ear.heard[1]
    pasted = client.post(
        "/_mock/explanations", json={"headers": headers, "text": body.decode(), "vendor": "wechatpay"}
    )
    assert pasted.json["facts"]["endpoint"] == "shop"
    assert "opens with your APIv3 key" in pasted.json["facts"]["resource"]


def test_the_timeline_names_the_endpoint_and_what_became_of_it(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client)
    tell(mocks)
    deliver(client)
    client.patch("/_mock/endpoints/shop", json={"events": ["*"]})
    client.delete("/_mock/endpoints/shop")
    items = client.get("/_mock/timeline").json["items"]
    tries = [item for item in items if item["kind"] == "attempt"]
    assert [item.get("endpoint") for item in tries] == [None, "shop"]
    assert "[endpoint shop]" in tries[1]["summary"]
    assert [item["what"] for item in items if item["kind"] == "endpoint"] == ["added", "changed", "removed"]


def test_why_and_wait_know_for_whom_a_delivery_is(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    ear.answer = lambda url, body: 500 if url == OWN else 200
    add(client)
    tell(mocks)
    deliver(client)
    said = client.get("/_mock/deliveries/why?ref=A1").json["deliveries"]
    assert [(one["endpoint"], one["state"]) for one in said] == [(None, "pending"), ("shop", "delivered")]
    wait = "/_mock/wait?ref=A1&delivered=true&within=0s"
    assert client.get(wait).status_code == 408, "an endpoint's acceptance is not the own address's"
    assert client.get(f"{wait}&endpoint=shop").status_code == 200
    assert client.get(f"{wait}&endpoint=nobody").status_code == 400


def test_an_event_is_sent_again_to_an_endpoint_with_its_keys(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    event = tell(mocks)
    add(client, credentials={"apiv3_key": KEY})
    add(client, name="push", vendor="wechat")
    again = client.post(f"/_mock/events/{event}/resend", json={"endpoint": "shop"}).json
    assert (again["endpoint"], again["url"]) == ("shop", MORE)
    deliver(client)
    held = client.get("/_mock/credentials").json["wechatpay"]
    assert sdk(held, apiv3_key=KEY).callback(*ear.heard[-1][1:]) is not None
    for which in ("nobody", "push"):
        assert client.post(f"/_mock/events/{event}/resend", json={"endpoint": which}).status_code == 400


# Reset and snapshots


def test_a_reset_of_state_keeps_endpoints_and_one_of_all_does_not(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client)
    tell(mocks)
    for level in ("traffic", "faults", "state"):
        client.post("/_mock/reset", json={"level": level})
        assert shown(client)["state"] == "on"
    assert client.get("/_mock/timeline?kind=endpoint").json["items"] == []
    assert client.post("/_mock/reset", json={"level": "all"}).json["removed"]["endpoint"] == 1
    assert client.get("/_mock/endpoints").json["items"] == []


def test_a_snapshot_brings_endpoints_back_with_their_keys(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client, credentials={"apiv3_key": KEY})
    tell(mocks)
    assert client.post("/_mock/snapshots", json={"name": "one"}).status_code == 200
    client.delete("/_mock/endpoints/shop")
    assert client.post("/_mock/snapshots/one/restore").status_code == 200
    deliver(client)
    held = client.get("/_mock/credentials").json["wechatpay"]
    assert sdk(held, apiv3_key=KEY).callback(*ear.heard[1][1:]) is not None


def test_an_import_that_was_edited_by_hand_does_no_harm(mocks: Flask, client: FlaskClient, ear: Ear) -> None:
    add(client, events=["REFUND.*"], options={"signer": "cert"})
    add(client, name="odd", events=["X"])
    client.post("/_mock/snapshots", json={"name": "one"})
    document = client.get("/_mock/snapshots/one/export").json
    table = document["halves"]["mock"]["endpoint"]

    def put_in(**values: str) -> int:
        for row in table["rows"]:
            for column, value in values.items():
                row[table["columns"].index(column)] = value
        return client.post("/_mock/snapshots/import", json={"name": "two", "snapshot": document}).status_code

    assert put_in(types="7") == put_in(types="[7, null]", options="[]") == 400, "a list is a list"
    table["rows"][0][table["columns"].index("types")] = "[]"
    assert put_in(options="{}", credentials="null", vendor="wechatpay") == 200
    assert client.post("/_mock/snapshots/two/restore").status_code == 200
    tell(mocks)
    rows = client.get("/_mock/endpoints").json["items"]
    assert [(row["name"], row["state"], row["options"], row["keys"]) for row in rows] == [
        ("shop", "off", {}, "the account's"),
        ("odd", "off", {}, "the account's"),
    ]
    assert [row["state"] for row in deliveries(client)] == ["pending", "cancelled"]


def test_an_exported_snapshot_has_no_keys_and_its_endpoints_come_switched_off(
    mocks: Flask, client: FlaskClient, ear: Ear
) -> None:
    add(client, credentials={"apiv3_key": KEY})
    add(client, name="tiny", vendor="wechat", credentials={"push_token": "abc"})
    add(client, name="plain", url="http://127.0.0.1:14/plain")
    tell(mocks)
    client.post("/_mock/snapshots", json={"name": "one"})
    document = client.get("/_mock/snapshots/one/export").json
    assert KEY not in json.dumps(document)
    table = document["halves"]["mock"]["endpoint"]
    keys = [json.loads(row[table["columns"].index("credentials")]) for row in table["rows"]]
    assert keys == [{"apiv3_key": "removed"}, {"push_token": "removed"}, {}]
    client.post("/_mock/spaces", json={"name": "other"})
    there = {"X-Yibao-Space": "other"}
    client.post("/_mock/snapshots/import", json={"name": "two", "snapshot": document}, headers=there)
    assert client.post("/_mock/snapshots/two/restore", headers=there).status_code == 200
    rows = client.get("/_mock/endpoints", headers=there).json["items"]
    assert [(row["name"], row["state"], row["keys"]) for row in rows] == [
        ("shop", "off", "the account's"),
        ("tiny", "off", "the account's"),
        ("plain", "on", "the account's"),
    ]
    assert rows[0]["reason"].startswith("imported: its own keys stayed behind")
    assert [
        (row["endpoint"], row["state"]) for row in client.get("/_mock/deliveries", headers=there).json["items"]
    ] == [
        (None, "pending"),
        ("shop", "cancelled"),
        ("plain", "pending"),
    ]
    assert shown(client)["state"] == "on", "the space it came from is as it was"

"""wechat.md §11, checks 52–57 and the tables of §5.1–§5.5: what a developer's server is pushed, and its answers."""

import json
from base64 import b64decode
from typing import Any

import pytest

from mock_providers import webhooks
from tests.mock_providers.wechat.conftest import World
from tests.mock_providers.wechat.inbox import SILENCE, Inbox, Push, opened, said, sealed, sha1

REVOKED = [str(n) for n in (*range(1, 9), 12, 13, 14, 15, 16, 18, 19, 20)]
EVENT_FIELDS = {
    "user_info_modified": {"OpenID", "AppID"},
    "user_authorization_revoke": {"OpenID", "AppID", "RevokeInfo"},
    "user_authorization_cancellation": {"OpenID", "AppID"},
    "user_enter_tempsession": {"SessionFrom"},
    "wxa_media_check": {"appid", "trace_id", "version", "result", "detail", "errcode", "errmsg"},
    "trade_manage_remind_access_api": {"msg"},
    "trade_manage_remind_shipping": {
        *("transaction_id", "merchant_id", "sub_merchant_id", "merchant_trade_no", "pay_time", "msg"),
    },
    "trade_manage_order_settlement": {
        *("transaction_id", "merchant_id", "sub_merchant_id", "merchant_trade_no", "pay_time", "shipped_time"),
        *("confirm_receive_method", "confirm_receive_time", "settlement_time"),
    },
    "subscribe_msg_popup_event": {"List"},
    "subscribe_msg_change_event": {"List"},
    "subscribe_msg_sent_event": {"List"},
}
MESSAGE_FIELDS = {
    "text": {"Content"},
    "image": {"PicUrl", "MediaId"},
    "miniprogrampage": {"Title", "AppId", "PagePath", "ThumbUrl", "ThumbMediaId"},
}


@pytest.fixture
def inbox(world: World) -> Inbox:
    return Inbox(world)


def pushed(inbox: Inbox, event: str = "user_enter_tempsession", **more: Any) -> Push:
    """One message of a kind, delivered."""
    inbox.world.phone("push", person="P01", event=event, **more)
    return inbox.deliver()[-1]


# the address (§5.1)


def test_w51_the_address_is_asked_with_signature_timestamp_nonce_and_echostr(inbox: Inbox) -> None:
    inbox.open_for()
    (query,) = inbox.asked
    assert set(query) == {"from", "signature", "timestamp", "nonce", "echostr"}
    assert query["signature"] == sha1(inbox.world.account["push_token"], query["timestamp"], query["nonce"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda echo: said(f'"{echo}"'.encode()), "wanted the raw echostr"),
        (lambda echo: said(f"{echo}\n".encode()), "wanted the raw echostr"),
        (lambda echo: said(b"success"), "b'success'"),
        (lambda echo: said(b""), "b''"),
        (lambda echo: said(echo.encode(), 404), "HTTP 404"),
        (lambda echo: SILENCE, "no answer within 5 s"),
    ],
)
def test_w51_an_address_that_does_not_echo_is_refused_with_what_came_instead(
    inbox: Inbox, answer: Any, words: str
) -> None:
    inbox.greeting = answer
    refused = inbox.open_for(status=400)
    assert refused["code"] == "PUSH_URL_REFUSED"
    assert words in refused["detail"]
    assert inbox.world.client.get("/_mock/push").get_json()["items"] == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://", "http://127.0.0.1:99999/", "http://a b/", "x", ""])
def test_what_is_no_http_address_is_refused(inbox: Inbox, url: str) -> None:
    answer = inbox.world.client.post("/_mock/push", json={"url": url})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "FIELD_INVALID")
    assert inbox.asked == []


def test_a_switch_holds_addresses_to_port_80_and_443(inbox: Inbox) -> None:
    inbox.world.switch("wechat.push_ports", "80_443")
    assert inbox.open_for(status=400)["fields"] == {"url": ["another port"]}


def test_an_address_can_be_seen_changed_and_removed(inbox: Inbox) -> None:
    inbox.open_for("safe", "json")
    inbox.open_for("plaintext", "xml")
    (row,) = inbox.world.client.get("/_mock/push").get_json()["items"]
    assert (row["app"], row["mode"], row["format"]) == ("mini_program", "plaintext", "xml")
    assert row["original_id"] == inbox.world.account["original_id"]
    assert inbox.world.client.delete("/_mock/push").get_json() == {"removed": {"wechat_push": 1}}
    refused = inbox.world.phone("push", 409, person="P01", event="text")
    assert "POST /_mock/push" in refused["detail"]


def test_the_guard_of_callbacks_holds_for_the_verification_too(world: World) -> None:
    world.app.extensions["get_url"] = webhooks.over_the_wire(())[1]
    answer = world.client.post("/_mock/push", json={"url": "http://169.254.169.254/latest"})
    assert answer.status_code == 400
    assert "callbacks never go to" in answer.get_json()["detail"]


# delivery (§5.2, §5.3)


def test_w52_a_safe_json_push_has_two_keys_and_says_it_is_encrypted(inbox: Inbox) -> None:
    inbox.open_for("safe", "json")
    push = pushed(inbox)
    token, query = inbox.world.account["push_token"], push.query
    assert set(push.json) == {"ToUserName", "Encrypt"}
    assert query["encrypt_type"] == "aes"
    assert query["signature"] == sha1(token, query["timestamp"], query["nonce"])
    assert query["msg_signature"] == sha1(token, query["timestamp"], query["nonce"], push.encrypted)
    assert query["openid"] == inbox.message(push)["FromUserName"]
    assert query["from"] == "wechat"


def test_w53_the_ciphertext_is_of_whole_32_byte_blocks_and_ends_with_the_appid(inbox: Inbox) -> None:
    inbox.open_for("safe", "json")
    for length in range(1, 33):
        push = pushed(inbox, "user_enter_tempsession", fields={"SessionFrom": "s" * length})
        message, appid, padding = opened(push.encrypted, inbox.world.account["encoding_aes_key"])
        assert len(b64decode(push.encrypted)) % 32 == 0
        assert 1 <= padding <= 32
        assert appid == inbox.world.account["appid"]
        assert json.loads(message)["SessionFrom"] == "s" * length


def test_w54_compatible_mode_carries_the_message_and_its_ciphertext(inbox: Inbox) -> None:
    inbox.open_for("compatible", "json")
    push = pushed(inbox)
    message = inbox.message(push)
    assert push.json == {**message, "Encrypt": push.encrypted}
    assert push.query["encrypt_type"] == "aes"


def test_w54_plaintext_mode_carries_the_message_and_no_word_of_encryption(inbox: Inbox) -> None:
    inbox.open_for("plaintext", "json")
    push = pushed(inbox)
    assert set(push.query) == {"from", "signature", "timestamp", "nonce", "openid"}
    assert set(push.json) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "SessionFrom"}
    assert isinstance(push.json["CreateTime"], int)
    assert push.json["ToUserName"] == inbox.world.account["original_id"]


@pytest.mark.parametrize(("form", "kind"), [("json", "application/json"), ("xml", "text/xml")])
@pytest.mark.parametrize("mode", ["plaintext", "compatible", "safe"])
def test_w55_the_content_type_is_the_containers(inbox: Inbox, mode: str, form: str, kind: str) -> None:
    inbox.open_for(mode, form)
    push = pushed(inbox)
    assert push.headers["Content-Type"] == kind
    assert push.body.startswith(b"<xml><ToUserName><![CDATA[gh_" if form == "xml" else b'{"ToUserName":"gh_')
    assert (b"Encrypt" in push.body) == (mode != "plaintext")
    assert (b"FromUserName" in push.body) == (mode != "safe")


def test_the_official_account_has_an_address_and_keys_of_its_own(inbox: Inbox) -> None:
    inbox.open_for("safe", "json", app="official_account")
    push = pushed(inbox, "text", app="official_account")
    account = inbox.world.official_account
    message, appid, _ = opened(push.encrypted, account["encoding_aes_key"])
    assert (appid, json.loads(message)["ToUserName"]) == (account["appid"], account["original_id"])
    assert push.query["signature"] == sha1(account["push_token"], push.query["timestamp"], push.query["nonce"])


# acknowledgement and retry (§5.4)


def test_w56_silence_is_retried_three_times_with_the_same_message(inbox: Inbox) -> None:
    inbox.open_for("safe", "json")
    inbox.answers = [SILENCE] * 9
    inbox.world.phone("push", person="P01", event="text")
    for _ in range(6):
        inbox.deliver(5)
    messages = [inbox.message(push) for push in inbox.heard]
    assert len(messages) == 4
    assert all(message == messages[0] for message in messages)
    assert messages[0]["MsgId"] and messages[0]["CreateTime"]
    assert len({push.query["nonce"] for push in inbox.heard}) == 4
    assert len({push.encrypted for push in inbox.heard}) == 4


@pytest.mark.parametrize("body", [b"success", b""])
def test_w56_success_or_nothing_ends_it(inbox: Inbox, body: bytes) -> None:
    inbox.open_for()
    inbox.answers = [SILENCE, said(body)]
    inbox.world.phone("push", person="P01", event="text")
    for _ in range(4):
        inbox.deliver(5)
    assert len(inbox.heard) == 2


def test_w56_a_switch_makes_it_three_attempts_in_all(inbox: Inbox) -> None:
    inbox.world.switch("wechat.push_retries", "2")
    inbox.world.switch("wechat.push_pause_seconds", "60")
    inbox.open_for()
    inbox.answers = [SILENCE] * 9
    inbox.world.phone("push", person="P01", event="text")
    counts = [len(inbox.deliver(seconds)) for seconds in (0, 59, 1, 60, 600)]
    assert counts == [1, 1, 2, 3, 3]


@pytest.mark.parametrize(("switch", "count"), [("retried", 2), ("dropped", 1)])
def test_whether_a_wrong_answer_is_retried_is_a_switch(inbox: Inbox, switch: str, count: int) -> None:
    inbox.world.switch("wechat.push_bad_answer", switch)
    inbox.open_for()
    inbox.answers = [said(b"", 500)]
    inbox.world.phone("push", person="P01", event="text")
    inbox.deliver()
    assert len(inbox.deliver(5)) == count


def reply_in(form: str, spelling: str, inbox: Inbox, **spoiled: str) -> bytes:
    """A developer's sealed reply, signed; `spoiled` puts wrong things into it."""
    account = inbox.world.account
    timestamp, nonce = "1713424427", "415670741"
    appid = spoiled.pop("appid", account["appid"])
    encrypted = sealed(b'{"demo_resp":"good luck"}', account["encoding_aes_key"], appid)
    values = [encrypted, sha1(account["push_token"], timestamp, nonce, encrypted), timestamp, nonce]
    names = ["Encrypt", "MsgSignature", "TimeStamp", "Nonce"]
    made = dict(zip(names, values, strict=True)) | spoiled
    if form == "xml":
        return ("<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in made.items()) + "</xml>").encode()
    if spelling == "lower":
        made = {name.lower(): value for name, value in made.items()}
    else:
        made["TimeStamp"] = int(made["TimeStamp"]) if made["TimeStamp"].isdigit() else made["TimeStamp"]
    return json.dumps(made).encode()


@pytest.mark.parametrize(("form", "spelling"), [("json", "upper"), ("json", "lower"), ("xml", "upper")])
@pytest.mark.parametrize("mode", ["compatible", "safe"])
def test_w57_a_sealed_reply_is_taken_in_both_spellings(inbox: Inbox, mode: str, form: str, spelling: str) -> None:
    inbox.open_for(mode, form)
    inbox.answers = [said(reply_in(form, spelling, inbox))]
    inbox.world.phone("push", person="P01", event="text")
    inbox.deliver()
    assert len(inbox.deliver(5)) == 1


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"MsgSignature": "0" * 40}, "MsgSignature of the reply is wrong"),
        ({"Nonce": "1"}, "MsgSignature of the reply is wrong"),
        ({"appid": "wx0000000000000000"}, "appid at its tail"),
        ({"Nonce": ""}, "without nonce"),
    ],
)
def test_w57_a_reply_that_does_not_check_is_no_acknowledgement(inbox: Inbox, spoiled: Any, reason: str) -> None:
    inbox.open_for("safe", "json")
    inbox.answers = [said(reply_in("json", "upper", inbox, **spoiled))]
    inbox.world.phone("push", person="P01", event="text")
    inbox.deliver()
    (row,) = inbox.world.client.get("/_mock/deliveries").get_json()["items"]
    assert (row["state"], row["tries"]) == ("pending", 1)
    assert reason in row["reason"]


@pytest.mark.parametrize(
    ("mode", "body", "good"),
    [
        ("plaintext", b'{"MsgType":"transfer_customer_service"}', True),
        ("plaintext", b"<xml><MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>", True),
        ("safe", b'{"MsgType":"transfer_customer_service"}', False),
        ("plaintext", b'{"Encrypt":"x"}', False),
        ("plaintext", b"SUCCESS", False),
        ("plaintext", b'"success"', False),
        ("plaintext", b"<html>oops</html>", False),
        ("plaintext", b"{}", False),
        ("plaintext", b" success\n", True),
    ],
)
def test_which_answers_count(inbox: Inbox, mode: str, body: bytes, good: bool) -> None:
    inbox.open_for(mode)
    inbox.answers = [said(body)]
    inbox.world.phone("push", person="P01", event="text")
    inbox.deliver()
    (row,) = inbox.world.client.get("/_mock/deliveries").get_json()["items"]
    assert row["state"] == ("delivered" if good else "pending")


def test_a_push_can_be_resent_with_a_wrong_key(inbox: Inbox) -> None:
    inbox.open_for("safe", "json")
    inbox.world.phone("push", person="P01", event="text")
    inbox.deliver()
    row = inbox.world.client.get("/_mock/events").get_json()["items"][0]
    inbox.world.client.post(f"/_mock/events/{row['id']}/resend", json={"signature": "wrong_key"})
    push = inbox.deliver()[-1]
    assert push.query["signature"] != sha1(
        inbox.world.account["push_token"], push.query["timestamp"], push.query["nonce"]
    )


def test_an_attempt_shows_the_whole_address_it_was_sent_to(inbox: Inbox) -> None:
    inbox.open_for()
    push = pushed(inbox)
    id_ = inbox.world.client.get("/_mock/attempts").get_json()["items"][0]["id"]
    shown = inbox.world.client.get(f"/_mock/attempts/{id_}").get_json()
    assert shown["url"].startswith("http://127.0.0.1:9/push?from=wechat&signature=")
    assert push.query["msg_signature"] in shown["url"]


# events (§5.5)


@pytest.mark.parametrize("event", EVENT_FIELDS)
def test_every_event_has_its_fields_without_being_told_any(inbox: Inbox, event: str) -> None:
    inbox.open_for("plaintext", "json")
    message = pushed(inbox, event).json
    head = {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event"}
    assert set(message) == head | EVENT_FIELDS[event]
    assert (message["MsgType"], message["Event"]) == ("event", event)


@pytest.mark.parametrize("kind", MESSAGE_FIELDS)
def test_every_message_has_its_fields_and_a_msg_id(inbox: Inbox, kind: str) -> None:
    inbox.open_for("plaintext", "json")
    first, second = pushed(inbox, kind).json, pushed(inbox, kind).json
    head = {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId"}
    assert set(first) == head | MESSAGE_FIELDS[kind]
    assert isinstance(first["MsgId"], int) and first["MsgId"] != second["MsgId"]


@pytest.mark.parametrize("value", REVOKED)
def test_every_revoked_permission_can_be_told(inbox: Inbox, value: str) -> None:
    inbox.open_for("plaintext", "json")
    assert pushed(inbox, "user_authorization_revoke", fields={"RevokeInfo": value}).json["RevokeInfo"] == value


@pytest.mark.parametrize(
    ("event", "fields", "named"),
    [
        ("user_authorization_revoke", {"RevokeInfo": "9"}, "fields.RevokeInfo"),
        ("user_authorization_revoke", {"RevokeInfo": 8}, "fields.RevokeInfo"),
        ("user_authorization_revoke", {"Nonsense": "8"}, "fields.Nonsense"),
        ("text", {"Content": "\x00"}, "fields.Content"),
        ("text", {"Content": "x" * 2049}, "fields.Content"),
        ("text", {"MsgId": 1}, "fields.MsgId"),
        ("trade_manage_order_settlement", {"pay_time": "soon"}, "fields.pay_time"),
        ("trade_manage_order_settlement", {"pay_time": True}, "fields.pay_time"),
        ("wxa_media_check", {"result": {"<": 1}}, "fields.result"),
        ("wxa_media_check", {"detail": {}}, "fields.detail"),
        ("subscribe_msg_popup_event", {"List": []}, "fields.List"),
        ("subscribe_msg_popup_event", {"List": [1]}, "fields.List.0"),
        ("subscribe_msg_popup_event", {"List": {"TemplateId": "short"}}, "fields.List.0.TemplateId"),
        ("subscribe_msg_popup_event", {"List": {"PopupScene": "3"}}, "fields.List.0.PopupScene"),
        ("subscribe_msg_change_event", {"List": {"SubscribeStatusString": "ban"}}, "fields.List.0.SubscribeStatus"),
        ("subscribe_msg_change_event", {"TemplateId": "x"}, "fields.TemplateId"),
        ("subscribe_everything", {}, "event"),
    ],
)
def test_what_no_message_can_carry_is_refused_in_words(inbox: Inbox, event: str, fields: Any, named: str) -> None:
    inbox.open_for("plaintext", "json")
    refused = inbox.world.phone("push", 400, person="P01", event=event, fields=fields)
    assert refused["code"] == "FIELD_INVALID"
    assert any(key.startswith(named) for key in refused["fields"])
    assert inbox.deliver() == []


def test_text_in_xml_cannot_end_its_section(inbox: Inbox) -> None:
    inbox.open_for("plaintext", "xml")
    push = pushed(inbox, "text", fields={"Content": "a]]><b>"})
    assert b"<Content><![CDATA[a]]]]><![CDATA[><b>]]></Content>" in push.body


def test_numbers_stand_bare_in_xml_and_objects_nest(inbox: Inbox) -> None:
    inbox.open_for("plaintext", "xml")
    push = pushed(inbox, "wxa_media_check")
    assert (
        b"<version>2</version><detail><strategy><![CDATA[content_model]]></strategy><errcode>0</errcode>" in push.body
    )
    assert b"<result><suggest><![CDATA[pass]]></suggest><label>100</label></result>" in push.body

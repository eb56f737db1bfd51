"""wechatpy on what is pushed to a developer's address: the signature, the seal, the message; and on forgeries."""

import json
from typing import Any

import pytest

from tests.mock_providers.wechat.conftest import World
from tests.mock_providers.wechat.inbox import Inbox, Push
from tests.sdk.wechat.conftest import (
    InvalidAppIdException,
    InvalidSignatureException,
    WeChatCrypto,
    check_signature,
    parse_message,
)

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("ignore::DeprecationWarning:wechatpy")]
KEYS = ("msg_signature", "timestamp", "nonce")


@pytest.fixture
def inbox(world: World) -> Inbox:
    return Inbox(world)


def crypto(account: dict[str, Any]) -> WeChatCrypto:
    return WeChatCrypto(account["push_token"], account["encoding_aes_key"], account["appid"])


def pushed(inbox: Inbox, event: str, **more: Any) -> Push:
    inbox.world.phone("push", person="P01", event=event, **more)
    return inbox.deliver()[-1]


def signed(query: dict[str, str], token: str) -> None:
    check_signature(token, query["signature"], query["timestamp"], query["nonce"])


def test_the_address_is_asked_with_a_signature_that_checks(inbox: Inbox) -> None:
    inbox.open_for()
    signed(inbox.asked[0], inbox.world.account["push_token"])
    with pytest.raises(InvalidSignatureException):
        signed(inbox.asked[0] | {"nonce": "1"}, inbox.world.account["push_token"])


@pytest.mark.parametrize("mode", ["plaintext", "compatible", "safe"])
def test_a_customers_message_is_parsed_in_every_mode(inbox: Inbox, mode: str) -> None:
    inbox.open_for(mode, "xml")
    push = pushed(inbox, "text", fields={"Content": "医保怎么报销?"})
    signed(push.query, inbox.world.account["push_token"])
    xml = push.body.decode()
    if mode != "plaintext":
        xml = crypto(inbox.world.account).decrypt_message(xml, *(push.query[key] for key in KEYS))
    message = parse_message(xml)
    assert (message.type, message.content, message.target) == (
        "text",
        "医保怎么报销?",
        inbox.world.account["original_id"],
    )
    assert message.source == push.query["openid"] and message.id


def test_an_event_it_has_no_class_for_is_still_opened_as_xml_and_json(inbox: Inbox) -> None:
    for form in ("xml", "json"):
        inbox.open_for("safe", form)
        push = pushed(inbox, "user_authorization_revoke")
        body = json.loads(push.body) if form == "json" else push.body.decode()
        plain = crypto(inbox.world.account).decrypt_message(body, *(push.query[key] for key in KEYS))
        read = json.loads(plain) if form == "json" else parse_message(plain)._data
        assert (read["Event"], read["AppID"]) == ("user_authorization_revoke", inbox.world.account["appid"])


def test_a_reply_it_seals_is_accepted(inbox: Inbox) -> None:
    inbox.open_for("safe", "xml")
    from mock_providers.webhooks.reply import Reply

    sealed = crypto(inbox.world.account).encrypt_message("<xml><a>1</a></xml>", "486452656", "1714037059")
    inbox.answers = [Reply(200, [], sealed.encode())]
    pushed(inbox, "text")
    attempt = inbox.world.client.get("/_mock/attempts").get_json()["items"][-1]
    assert attempt["accepted"] is True


def test_forgeries_are_refused(inbox: Inbox) -> None:
    inbox.open_for("safe", "xml")
    push = pushed(inbox, "text")
    account, given = inbox.world.account, [push.query[key] for key in KEYS]
    for changed in ((0, "0" * 40), (1, "1"), (2, "1")):
        with pytest.raises(InvalidSignatureException):
            forged = [changed[1] if n == changed[0] else value for n, value in enumerate(given)]
            crypto(account).decrypt_message(push.body.decode(), *forged)
    with pytest.raises(InvalidSignatureException):
        crypto({**account, "push_token": "another"}).decrypt_message(push.body.decode(), *given)
    with pytest.raises(InvalidAppIdException):
        crypto({**account, "appid": "wx0123456789abcdef"}).decrypt_message(push.body.decode(), *given)

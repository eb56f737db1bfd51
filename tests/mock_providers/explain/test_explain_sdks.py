"""Honest SDKs are explained as fine; those that were configured wrongly are told what is wrong with it."""

import json
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import accounts
from mock_providers.db import db
from mock_providers.explain import centre, wechat
from mock_providers.explain.parties import Channel
from mock_providers.explain.pay_sign import pay_sign
from mock_providers.explain.wechat import App
from mock_providers.national import sm2
from mock_providers.spaces import entered
from tests.mock_providers.explain import shop
from tests.mock_providers.explain import test_explain_national as institution
from tests.mock_providers.explain.test_explain_api import causes, last_call
from tests.wsgi_adapter import WsgiAdapter

with warnings.catch_warnings():  # what they import is their own affair
    warnings.simplefilter("ignore")
    from gmssl import sm2 as their_sm2
    from wechatpayv3 import WeChatPay, WeChatPayType
    from wechatpy.crypto import WeChatCrypto


@pytest.fixture
def keys(mocks: Flask) -> Iterator[dict[str, dict[str, Any]]]:
    with entered(mocks, "default"):
        found = {name: accounts.account(name) for name in ("wechatpay", "wechatpay_partner")}
        db.session.commit()
    yield found


def sdk(app: Flask, held: dict[str, Any], **wrong: Any) -> WeChatPay:
    made = WeChatPay(
        WeChatPayType.MINIPROG,
        mchid=wrong.get("mchid", held["mchid"]),
        private_key=wrong.get("private_key", held["merchant_private_key"]),
        cert_serial_no=wrong.get("serial", held["merchant_serial_no"]),
        apiv3_key=held["apiv3_key"],
        appid=held["appid"],
        notify_url="http://127.0.0.1:9/notify",
        public_key=held["public_key"],
        public_key_id=held["public_key_id"],
    )
    made._core._gate_way = held["base_url"]
    return made


@pytest.fixture
def through_wsgi(mocks: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK calls requests.get and requests.post: let them reach the mock without a socket."""
    import requests

    real = requests.Session.get_adapter
    adapter = WsgiAdapter(mocks)
    monkeypatch.setattr(
        requests.Session, "get_adapter", lambda self, url: adapter if "/wechatpay" in url else real(self, url)
    )


@pytest.mark.usefixtures("through_wsgi")
def test_wechatpayv3_honest_and_configured_wrongly(mocks: Flask, client: FlaskClient, keys: Any) -> None:
    held, partner = keys["wechatpay"], keys["wechatpay_partner"]
    wrong: dict[str | None, dict[str, Any]] = {
        None: {},
        "key_of_other_account": {"private_key": partner["merchant_private_key"]},
        "serial_of_platform": {"serial": held["platform_serial_no"]},
        "serial_is_public_key_id": {"serial": held["public_key_id"]},
        "mchid_unknown": {"mchid": "1999999999"},
    }
    for cause, changes in wrong.items():
        sdk(mocks, held, **changes).query(out_trade_no="NOTHERE")
        found = last_call(client, "wechatpay")
        assert causes(found)[:1] == ([cause] if cause else []), (cause, causes(found), found["says"])


def test_wechatpayv3s_pay_sign_right_and_with_mistakes_of_its_callers(mocks: Flask, keys: Any) -> None:
    held = keys["wechatpay"]
    mine = sdk(mocks, held)
    with entered(mocks, "default"):
        from mock_providers.control import keyring

        ring = keyring.ring()
    stamp, nonce = str(shop.NOW), shop.NONCE
    for parts, cause in (
        ([held["appid"], stamp, nonce, "prepay_id=wx1"], None),
        ([held["appid"], stamp, nonce, "wx1"], "pay_package_prefix"),
        (["wx-of-somebody", stamp, nonce, "prepay_id=wx1"], "text_unknown"),
        ([held["appid"], stamp, nonce, "prepay_id=wx1", "RSA"], "pay_sign_type_signed"),
        ([ring.appids[1], stamp, nonce, "prepay_id=wx1"], "pay_appid_of_another"),
    ):
        params = {"timeStamp": stamp, "nonceStr": nonce, "package": "prepay_id=wx1", "signType": "RSA"}
        report = pay_sign({**params, "paySign": mine.sign(parts)}, held["appid"], "wx1", ring)
        assert report.found == ([cause] if cause else [])


AES_KEY, TOKEN, APPID = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "token0123456789", "wxba5fad812f8e6fb9"


def test_wechatpys_sealed_reply_right_and_of_another_app() -> None:
    app = App(APPID, TOKEN, AES_KEY, ("othertoken012345",), (AES_KEY.swapcase(),))
    for crypto, cause in (
        (WeChatCrypto(TOKEN, AES_KEY, APPID), None),
        (WeChatCrypto("othertoken012345", AES_KEY, APPID), "token_of_other_app"),
        (WeChatCrypto(TOKEN, AES_KEY.swapcase(), APPID), "aes_key_of_other_app"),
        (WeChatCrypto(TOKEN, AES_KEY, "wx0000000000000000"), "push_appid_tail"),
    ):
        body = crypto.encrypt_message("<xml><MsgType>text</MsgType></xml>", "415670741", "1714112445").encode()
        report = wechat.replied(body, app)
        assert report.found == ([cause] if cause else []), report.facts


def test_gmssls_signature_is_read_in_hex_and_with_its_own_user_id() -> None:
    private = b64decode(institution.PRIVATE)
    public = sm2.public_of(private)
    channel = Channel(institution.APP, institution.APP_SECRET, b64encode(public).decode())
    crypt = their_sm2.CryptSM2(private_key=private.hex(), public_key=public[1:].hex())
    body = institution.body(signing=lambda m: bytes.fromhex(crypt.sign_with_sm3(m)), writing=bytes.hex)
    assert centre.sealed(body, channel).found == ["hex_not_base64", "sm2_user_id"]
    assert json.loads(body)["signType"] == "SM2"

"""Calls, attempts and pasted bytes are explained by the running mock: its own keys, its own journal."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import accounts, clock
from mock_providers.db import db
from mock_providers.national import wire
from mock_providers.spaces import entered
from mock_providers.webhooks.models import Attempt, Delivery, emit
from tests.mock_providers.wechatpay.merchant import Merchant

ORDER = {
    "mchid": "1900000001",
    "description": "样例药品",
    "out_trade_no": "EXPLAIN-1",
    "notify_url": "http://127.0.0.1:9/callbacks",
    "amount": {"total": 100},
}


def held(app: Flask, vendor: str, space: str = "default") -> dict[str, Any]:
    with entered(app, space):
        found = accounts.account(vendor)
        db.session.commit()
        return found


@pytest.fixture
def shop(mocks: Flask, client: FlaskClient) -> Merchant:
    return Merchant(client, held(mocks, "wechatpay"))


def last_call(client: FlaskClient, door: str) -> dict[str, Any]:
    newest = client.get(f"/_mock/calls?door={door}&limit=500").json["items"][-1]
    answer = client.get(f"/_mock/calls/{newest['id']}/explanation")
    assert answer.status_code == 200, answer.text
    return answer.json


def causes(found: dict[str, Any]) -> list[str]:
    return [one["name"] for one in found["causes"]]


def test_an_honest_call_is_explained_as_ok_whatever_it_then_came_to(shop: Merchant, client: FlaskClient) -> None:
    shop.get("/v3/certificates")
    found = last_call(client, "wechatpay")
    assert (found["verdict"], found["causes"], found["answer"]["status"]) == ("ok", [], 200)
    shop.post("/v3/pay/transactions/jsapi", {"mchid": "1900000001"})
    found = last_call(client, "wechatpay")
    assert (found["verdict"], found["answer"]["status"]) == ("ok", 400)
    assert "PARAM_ERROR" in str(found["answer"])


MISTAKES: dict[str, dict[str, Any]] = {
    "json_spaces": {"signed": json.dumps(ORDER, ensure_ascii=False, separators=(",", ":")).encode()},
    "path_prefix_left_out": {"signed_target": "/pay/transactions/jsapi"},
    "body_left_out": {"signed": b""},
    "clock_ahead": {"timestamp": int(time.time()) + 1000},
    "algorithm_name": {"scheme": "WECHATPAY2-SHA256-RSA"},
    "serial_unknown": {"serial_no": "1" * 40},
}


def test_a_refused_call_is_explained(shop: Merchant, client: FlaskClient) -> None:
    for cause, mistake in MISTAKES.items():
        assert shop.post("/v3/pay/transactions/jsapi", ORDER, **dict(mistake)).status_code == 401
        found = last_call(client, "wechatpay")
        assert causes(found)[:1] == [cause] and found["verdict"] == "wrong"
        assert found["causes"][0]["remedy"] and found["causes"][0]["remedy_zh"]


def test_keys_and_serials_of_the_platform_the_partner_and_other_spaces_are_recognised(
    mocks: Flask, client: FlaskClient, shop: Merchant
) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    partner, other = held(mocks, "wechatpay_partner"), held(mocks, "wechatpay", "other")
    for cause, changes in {
        "serial_of_platform": {"merchant_serial_no": shop.held["platform_serial_no"]},
        "serial_is_public_key_id": {"merchant_serial_no": shop.held["public_key_id"]},
        "serial_of_other_account": {"merchant_serial_no": partner["merchant_serial_no"]},
        "serial_of_other_space": {"merchant_serial_no": other["merchant_serial_no"]},
    }.items():
        assert Merchant(client, {**shop.held, **changes}).get("/v3/certificates").status_code == 401
        assert causes(last_call(client, "wechatpay"))[:1] == [cause]


def test_the_body_of_another_request_is_found_in_the_journal(shop: Merchant, client: FlaskClient) -> None:
    first = json.dumps(ORDER).encode()
    shop.post("/v3/pay/transactions/jsapi", None, raw=first)
    shop.post("/v3/pay/transactions/jsapi", {**ORDER, "out_trade_no": "EXPLAIN-2"}, signed=first)
    found = last_call(client, "wechatpay")
    assert causes(found)[:1] == ["body_of_another"]
    assert found["first_difference"]["expected"]["text"] != found["first_difference"]["signed"]["text"]


def test_the_python_sdk_with_the_wrong_key_for_its_serial_is_told_so(
    mocks: Flask, client: FlaskClient, shop: Merchant
) -> None:
    core = pytest.importorskip("wechatpayv3.utils")
    stamp, nonce = str(int(time.time())), "n" * 32
    key = core.load_private_key(shop.held["merchant_private_key"])
    for body, signed, cause in ((b"", b"", None), (b'{"a":1}', b'{"a": 1}', "json_spaces")):
        target = "/v3/pay/transactions/jsapi"
        signature = core.rsa_sign(key, f"POST\n{target}\n{stamp}\n{nonce}\n{signed.decode()}\n")
        pairs = {"mchid": shop.held["mchid"], "nonce_str": nonce, "signature": signature, "timestamp": stamp}
        pairs["serial_no"] = shop.held["merchant_serial_no"]
        value = "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{k}="{v}"' for k, v in pairs.items())
        heads = {"Authorization": value, "Content-Type": "application/json", "Accept": "*/*", "User-Agent": "sdk"}
        client.post("/wechatpay" + target, data=body, headers=heads)
        assert causes(last_call(client, "wechatpay")) == ([cause] if cause else [])


def test_a_call_that_cannot_be_read_is_found_where_its_merchant_belongs(client: FlaskClient) -> None:
    client.post("/_mock/spaces", json={"name": "other"})
    there = {"X-Yibao-Space": "other"}
    held = client.get("/_mock/credentials", headers=there).json["wechatpay"]
    pairs = f'mchid="{held["mchid"]}",nonce_str="n",signature="eA==",timestamp="{int(time.time() * 1000)}"'
    value = f'WECHATPAY2-SHA256-RSA2048 {pairs},serial_no="{held["merchant_serial_no"]}"'
    client.get("/wechatpay/v3/certificates", headers={"Authorization": value, "Accept": "*/*", "User-Agent": "sdk"})
    call = client.get("/_mock/calls", headers=there).json["items"][-1]
    found = client.get(f"/_mock/calls/{call['id']}/explanation", headers=there).json
    assert causes(found) == ["timestamp_ms"]


def test_a_tap_with_a_wrong_pay_sign_is_explained(mocks: Flask, client: FlaskClient, shop: Merchant) -> None:
    stamp = str(int(time.time()))
    appid = shop.held["appid"]
    message = f"{appid}\n{stamp}\nnonce\nwx1\n".encode()
    params = {"appId": appid, "timeStamp": stamp, "nonceStr": "nonce", "package": "prepay_id=wx1", "signType": "RSA"}
    client.post(
        "/_mock/phone/wechatpay/pay", json={"params": {**params, "paySign": shop.sign(message)}, "outcome": "paid"}
    )
    found = last_call(client, "_mock")
    assert causes(found) == ["pay_package_prefix"]
    assert found["string_to_sign"] == [appid, stamp, "nonce", "prepay_id=wx1"]


def test_a_session_signature_with_the_decoded_key_is_explained(mocks: Flask, client: FlaskClient) -> None:
    app = held(mocks, "wechat")
    code = client.post("/_mock/phone/wechat/login", json={"person": "P01"}).json["code"]
    asked = {"appid": app["appid"], "secret": app["secret"], "js_code": code, "grant_type": "authorization_code"}
    session = client.get("/wechat/sns/jscode2session", query_string=asked).get_json(force=True)
    token = client.get(
        "/wechat/cgi-bin/token",
        query_string={"appid": app["appid"], "secret": app["secret"], "grant_type": "client_credential"},
    ).json["access_token"]
    for key, cause in (
        (session["session_key"].encode(), []),
        (b64decode(session["session_key"]), ["session_key_decoded"]),
    ):
        query = {"access_token": token, "openid": session["openid"], "sig_method": "hmac_sha256"}
        query["signature"] = hmac.new(key, b"", "sha256").hexdigest()
        client.get(f"/wechat/wxa/checksession?{urlencode(query)}")
        found = last_call(client, "wechat")
        assert causes(found) == cause
        assert session["session_key"] not in json.dumps(found) and token not in json.dumps(found)


def test_gateway_portal_and_centre_calls_are_explained(mocks: Flask, client: FlaskClient) -> None:
    account = held(mocks, "national")
    stamp = str(int(time.time()))
    for secret, cause in ((account["secret"], []), (account["mip"]["app_secret"], ["secret_of_other_system"])):
        signature = hashlib.sha256(
            f"{stamp}{secret}nonce{secret[:1]}{stamp}".replace(secret[:1] + stamp, stamp).encode()
        )
        signature = hashlib.sha256(f"{stamp}{secret}nonce{stamp}".encode())
        heads = {"x-tif-paasid": account["paas_id"], "x-tif-timestamp": stamp, "x-tif-nonce": "nonce"}
        client.post("/national/fsi/gateway", data=b"{}", headers={**heads, "x-tif-signature": signature.hexdigest()})
        found = last_call(client, "national")
        assert causes(found) == cause and account["secret"] not in json.dumps(found)
        assert "*" * 16 in found["string_to_sign"][0]
    mip, ms = account["mip"], f"{stamp}000"
    made = hmac.new(mip["partner_secret"].encode(), f"{ms}{mip['partner_id']}".encode(), "sha256").hexdigest()
    heads = {"god-portal-timestamp": ms, "god-portal-request-id": "r" * 32, "god-portal-signature": made}
    client.post(f"/wechat/api/mipuserquery/userQuery/{mip['partner_id']}", json={}, headers=heads)
    assert causes(last_call(client, "wechat")) == ["part_order"]
    own = wire.Party(mip["app_id"], mip["app_secret"], mip["private_key"], mip["platform_public_key"])
    for user_id, cause in (("appSecret", []), ("default", ["sm2_user_id"])):
        party = wire.Party(own.app_id, own.app_secret, own.private_key, own.other_public_key, user_id)
        body = wire.seal({"payOrdId": "X", "idNo": "110101199003074514"}, party, int(stamp) * 1000)
        client.post("/national/org/local/api/hos/query_order_info", data=body)
        found = last_call(client, "national")
        assert causes(found) == cause
        assert mip["app_secret"] not in json.dumps(found) and "110101199003074514" not in json.dumps(found)


def test_a_call_nothing_is_signed_in_is_explained_by_what_its_door_noted(client: FlaskClient) -> None:
    client.get("/wechat/sns/jscode2session?appid=wx1&secret=topsecretvalue&js_code=2&grant_type=authorization_code")
    found = last_call(client, "wechat")
    assert (found["verdict"], found["causes"]) == ("not_checked", [])
    assert found["answer"]["says"]["errcode"] == 40013 and found["says"] and "topsecretvalue" not in json.dumps(found)


# Attempts


@pytest.fixture
def told(mocks: Flask) -> Iterator[Any]:
    """Build what would be sent about an event and store it as an attempt."""

    def tell(vendor: str, plain: dict[str, Any], damage: Any = None, status: int | None = 401, **about: Any) -> int:
        notify = {
            v: __import__(f"mock_providers.{v}.notify", fromlist=["build"])
            for v in ("wechatpay", "wechat", "national")
        }
        with mocks.app_context():
            credentials = accounts.account(about.get("account", vendor))
            kind = {"wechatpay": "TRANSACTION.SUCCESS", "wechat": "event", "national": "6302"}[vendor]
            event = emit(vendor, kind, "T1", plain, "http://127.0.0.1:9/cb", **about)
            headers, body, *query = notify[vendor].build(event, credentials, clock.wall())
            url = "http://127.0.0.1:9/cb" + (f"?{urlencode(query[0])}" if query else "")
            delivery = db.session.query(Delivery).filter_by(event_id=event.id).one()
            body = damage(body) if damage else body
            row = Attempt(
                delivery_id=delivery.id, number=1, at=clock.now(), wall_ns=clock.wall_ns(), ms=3.0, url=url,
                request_headers=headers, request_body=body, status=status, response_body=b'{"code":"FAIL"}',
                accepted=status == 200, reason="",
            )  # fmt: skip
            db.session.add(row)
            db.session.commit()
            return row.id

    yield tell


PLAIN = {"out_trade_no": "T1", "amount": {"total": 100}}
PUSH = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1, "MsgType": "event", "Event": "x"}


def test_an_attempt_says_what_is_signed_how_to_verify_it_and_what_the_reply_suggests(
    client: FlaskClient, told: Any
) -> None:
    for vendor, plain, about in (
        ("wechatpay", PLAIN, {"signer": "cert"}),
        ("wechatpay", PLAIN, {"signer": "pubkey", "account": "wechatpay_partner"}),
        ("wechat", PUSH, {"mode": "safe", "form": "json"}),
        ("wechat", PUSH, {"mode": "plaintext", "form": "xml"}),
        ("national", {"payOrdId": "1"}, {}),
    ):
        found = client.get(f"/_mock/attempts/{told(vendor, plain, **about)}/explanation").json
        assert (found["verdict"], found["causes"]) == ("ok", []), found
        assert found["string_to_sign"] and len(found["steps"]) >= 6
        assert found["receiver"]["suggests"][0]["name"] == "verification"


def test_a_byte_changed_after_signing_is_located_in_an_attempt(client: FlaskClient, told: Any) -> None:
    def spoil(body: bytes) -> bytes:
        return body[:40] + bytes((body[40] ^ 1,)) + body[41:]

    found = client.get(f"/_mock/attempts/{told('wechatpay', PLAIN, spoil, 200, signer='cert')}/explanation").json
    assert causes(found)[:1] == ["body_changed"]
    assert found["receiver"]["suggests"][0]["name"] == "does_not_verify"
    start = len("1735787045\n") + 32 + 1
    assert found["first_difference"]["offset"] == start + 40


# Pasted bytes


def test_pasted_text_is_explained_by_its_looks(client: FlaskClient, told: Any, shop: Merchant) -> None:
    shop.post("/v3/pay/transactions/jsapi", ORDER, signed_target="/v3/pay/transactions/jsapi/")
    call = client.get("/_mock/calls?door=wechatpay").json["items"][-1]
    seen = client.get(f"/_mock/calls/{call['id']}").json["request"]
    body = b64decode(seen["body_base64"])
    lines = [f"POST {call['target']} HTTP/1.1", *(f"{name}: {value}" for name, value in seen["headers"])]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\n"
    found = client.post("/_mock/explanations", json={"raw_base64": b64encode(raw).decode()}).json
    assert (found["subject"], causes(found)) == ("WeChat Pay request", ["path_slash"])
    parts = {"method": "POST", "target": call["target"], "headers": dict(seen["headers"]), "text": body.decode()}
    assert causes(client.post("/_mock/explanations", json=parts).json) == ["path_slash"]


def test_a_pasted_callback_is_held_against_what_was_sent(client: FlaskClient, told: Any, mocks: Flask) -> None:
    id_ = told("wechatpay", PLAIN, signer="cert")
    row = client.get(f"/_mock/attempts/{id_}").json
    body = b64decode(row["request"]["body_base64"])
    paste = {"method": "POST", "target": "/cb", "headers": dict(row["request"]["headers"])}
    found = client.post("/_mock/explanations", json={**paste, "body": b64encode(body).decode()}).json
    assert (found["verdict"], found["facts"]["sent_as"]) == ("ok", f"attempt {id_}")
    spaced = json.dumps(json.loads(body), ensure_ascii=False).encode()
    found = client.post("/_mock/explanations", json={**paste, "body": b64encode(spaced).decode()}).json
    assert causes(found)[:1] == ["json_spaces"]
    edited = body.replace(b"TRANSACTION.SUCCESS", b"TRANSACTION.FAILURE")
    found = client.post("/_mock/explanations", json={**paste, "body": b64encode(edited).decode()}).json
    assert causes(found)[:1] == ["body_changed"] and found["first_difference"]["offset"] == edited.find(b"FAILURE")


def test_an_answer_of_ours_is_explained(client: FlaskClient, shop: Merchant) -> None:
    answer = shop.get("/v3/certificates")
    paste = {"direction": "response", "headers": dict(answer.headers), "text": answer.get_data(as_text=True)}
    found = client.post("/_mock/explanations", json=paste).json
    assert (found["subject"], found["verdict"]) == ("WeChat Pay answer", "ok")


def test_a_message_out_of_a_log_or_of_curl_is_read_as_well(client: FlaskClient, told: Any) -> None:
    sent = client.get(f"/_mock/attempts/{told('wechatpay', PLAIN, signer='cert')}").json["request"]
    headers = [f"{name}: {value}" for name, value in sent["headers"]]
    body = b64decode(sent["body_base64"]).decode()
    curl = ["* Connected to 127.0.0.1", "> POST /n HTTP/1.1", *(f"> {line}" for line in headers), ">", body]
    for raw in ("\n".join([*headers, "", body]), "\n".join(curl), "\r\n".join(curl)):
        found = client.post("/_mock/explanations", json={"raw": raw}).json
        assert (found["subject"], found["verdict"]) == ("WeChat Pay notification", "ok"), raw
    answer = (
        "> GET /v3/certificates HTTP/1.1\n>\n< HTTP/1.1 200 OK\n< Wechatpay-Signature: eA==\n<\n{ [5 bytes data]\n{}"
    )
    assert client.post("/_mock/explanations", json={"raw": answer}).json["subject"] == "WeChat Pay answer"


def test_what_cannot_be_read_is_refused_not_broken(client: FlaskClient) -> None:
    wrong: list[dict[str, Any]] = [{"raw": "hello"}, {"raw_base64": "!"}, {"body": "!"}, {"vendor": "nobody"}]
    for given in (*wrong, {"x": 1}, {"headers": {"a": 1}}):
        assert client.post("/_mock/explanations", json=given).status_code == 400
    assert client.post("/_mock/explanations", json={}).json["verdict"] == "not_checked"


def test_odd_pastes_are_explained(client: FlaskClient) -> None:
    texts = ("[1]", '{"signData":1,"encData":2}', '{"params":[]}', "\x00\ufeff")
    targets = ("/v3/x?signature=1&timestamp=2&nonce=3", "x")
    for vendor, text, target in product(("wechatpay", "wechat", "national"), texts, targets):
        for direction in ("request", "response", "notification"):
            given = {"vendor": vendor, "direction": direction, "text": text, "target": target}
            answer = client.post("/_mock/explanations", json=given)
            assert answer.status_code == 200
            assert answer.json["verdict"] != "ok" or answer.json["subject"] == "pushed message", given


def test_what_is_not_there_is_404(client: FlaskClient) -> None:
    for path in ("calls/99/explanation", "attempts/99/explanation"):
        assert client.get(f"/_mock/{path}").status_code == 404

"""The back end alone: scripted vendors instead of a network, a clock that stands still, a directory of its own."""

import io
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter

from yibao import create_app
from yibao.clock import CHINA
from yibao.providers import sealed
from yibao.settings import Settings, UnknownSpace

TODAY = datetime(2025, 12, 1, 10, tzinfo=CHINA)
APIV3_KEY = "0123456789abcdef0123456789abcdef"
# the key pair of the standard's example (nhsa §3.10): both ends use it, so that tests can seal as the platform
SM2_PRIVATE = "OUUgj3shRLE/NuOKxtOflYiTk2koYLUaQvuB7033xbg="
SM2_PUBLIC = "BAn53zEeVCGhUN19Fh5LxcZyF5+tGDP8B2uwj/NW81AgzOpJDOJndaUtxupxjMGqYArtBfvzXghKZjL2By2prRM="
MIP = {
    "base_url": "http://vendors.test/national",
    "partner_id": "SIMPARTNER01",
    "partner_secret": "SIMPARTNERSECRET",
    "app_id": "SIMAPPID000000000000000000000001",
    "app_secret": "SIMSECRET00000000000000000000001",
    "private_key": SM2_PRIVATE,
    "public_key": SM2_PUBLIC,
    "platform_public_key": SM2_PUBLIC,
}
P01 = {"name": "林样一", "id_type": "id_card", "id_number": "469099198803159034"}


def rsa_key() -> tuple[rsa.RSAPrivateKey, str, str]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key, private.decode(), public.decode()


@pytest.fixture(scope="session")
def platform_key() -> tuple[rsa.RSAPrivateKey, str, str]:
    """WeChat Pay's own key."""
    return rsa_key()


@pytest.fixture(scope="session")
def merchant_key() -> tuple[rsa.RSAPrivateKey, str, str]:
    return rsa_key()


Handler = Callable[[requests.PreparedRequest], Any]


class FakeVendors(BaseAdapter):
    """A network of scripted answers. `on(path, *answers)`: one per call, the last for ever.

    An answer is a dict (200, JSON), (status, body, headers), an exception to raise, or a function of the request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scripts: dict[str, list[Any]] = {}
        self.calls: list[requests.PreparedRequest] = []

    def on(self, path: str, *answers: Any) -> None:
        self.scripts[path] = list(answers)

    def sent(self, path: str) -> list[Any]:
        """The JSON bodies that were sent to a path."""
        return [json.loads(call.body or b"null") for call in self.calls if self._path(call) == path]

    @staticmethod
    def _path(call: requests.PreparedRequest) -> str:
        return (call.path_url or "").partition("?")[0].removeprefix("/wechatpay").removeprefix("/national")

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.calls.append(request)
        script = self.scripts.get(self._path(request))
        if script is None:
            raise requests.ConnectionError(f"nothing scripted for {self._path(request)}")
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            answer = (200, json.dumps(answer).encode(), {})
        status, body, headers = answer
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, request.url or ""
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), headers=headers, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is held open."""


class Time:
    """Business time that moves when told."""

    def __init__(self) -> None:
        self.now = TODAY

    def __call__(self, space: str) -> datetime:
        return self.now

    def advance(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)


@pytest.fixture
def vendors() -> FakeVendors:
    found = FakeVendors()
    found.on("/cgi-bin/stable_token", {"access_token": "TOKEN-1", "expires_in": 7200})
    return found


@pytest.fixture
def business_time() -> Time:
    return Time()


@pytest.fixture
def accounts(platform_key: Any, merchant_key: Any) -> dict[str, Any]:
    """Vendor accounts of the default space."""
    return {
        "wechat": {"base_url": "http://vendors.test", "appid": "wx0000000000000001", "secret": "s" * 32},
        "wechatpay": {
            "base_url": "http://vendors.test/wechatpay",
            "mchid": "1900000001",
            "appid": "wx0000000000000001",
            "apiv3_key": APIV3_KEY,
            "merchant_serial_no": "AA" * 20,
            "merchant_private_key": merchant_key[1],
            "public_key_id": "PUB_KEY_ID_0000000000000001",
            "public_key": platform_key[2],
            "platform_serial_no": "",
            "platform_certificate": "",
        },
        "national": {
            "gateway_url": "http://vendors.test/national/gateway",
            "paas_id": "paas-1",
            "secret": "SIMPAASTOKEN0000000000000000001",
            "fixmedins_code": "H46019900001",
            "mip": MIP,
        },
    }


@pytest.fixture
def yibao(tmp_path: Path, vendors: FakeVendors, business_time: Time, accounts: dict[str, Any]) -> Flask:
    """The app in two spaces, `default` and `other`, with the same vendor accounts."""

    def of_space(space: str) -> dict[str, Any]:
        if space not in ("default", "other"):
            raise UnknownSpace(space)
        return accounts

    app = create_app(Settings(data=tmp_path, accounts=of_space, background=False), vendors, business_time)
    app.testing = True
    return app


@pytest.fixture
def client(yibao: Flask) -> FlaskClient:
    return yibao.test_client()


_codes = itertools.count(1)


class Phone:
    """A user of the API: logged in as somebody, with their token on every call."""

    def __init__(self, client: FlaskClient, vendors: FakeVendors, space: str = "") -> None:
        self.client, self.vendors, self.tokens = client, vendors, {}
        self.space = {"X-Yibao-Space": space} if space else {}

    def log_in(self, openid: str = "oSAMPLEOPENID0000000000000001") -> "Phone":
        self.vendors.on("/sns/jscode2session", {"openid": openid, "session_key": "c2Vzc2lvbg=="})
        self.tokens = self.call("post", "/login/wechat", {"code": f"code-{next(_codes)}"}).get_json()
        return self

    def bind(self, person: dict[str, str] | None = None) -> "Phone":
        person = person or P01
        self.vendors.on("/gateway", person_answer(**person))
        assert self.call("post", "/me/real-name", person).status_code == 200
        return self

    def activate(self) -> "Phone":
        """Credential active through a passed face."""
        self.vendors.on("/cityservice/face/identify/getverifyid", {"errcode": 0, "verify_id": "v-1"})
        self.vendors.on("/cityservice/face/identify/queryverifyinfo", {"errcode": 0, "verify_ret": 10000})
        assert self.call("post", "/credential", {}).status_code == 200
        ticket = self.call("post", "/face/tickets", {"purpose": "ACTIVATE"}).get_json()
        assert self.call("post", f"/face/tickets/{ticket['id']}/result", {}).status_code == 200
        return self

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.tokens.get("access_token"):
            headers.setdefault("Authorization", f"Bearer {self.tokens['access_token']}")
        more = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return getattr(self.client, method)(f"/api/v1{path}", headers={**self.space, **headers}, **more)


@pytest.fixture
def phone(client: FlaskClient, vendors: FakeVendors) -> Phone:
    return Phone(client, vendors)


def person_answer(name: str, id_number: str, id_type: str = "id_card", **more: Any) -> dict[str, Any]:
    """A 1101 answer."""
    row = {
        "balc": "3286.50",
        "insutype": "310",
        "psn_type": "1101",
        "psn_insu_stas": "1",
        "insuplc_admdvs": "460100",
        **more,
    }
    base = {"psn_no": f"46{id_number[-8:]:0>18}", "certno": id_number, "psn_name": name, "gend": "1"}
    output = {"baseinfo": {**base, "brdy": "1988-03-15"}, "insuinfo": [row], "idetinfo": []}
    return {"infcode": 0, "err_msg": None, "output": output}


def gateway_refusal(message: str) -> dict[str, Any]:
    return {"infcode": -1, "err_msg": message, "output": None}


def centre_answer(data: dict[str, Any]) -> dict[str, Any]:
    """What the payment centre answers, sealed as the platform."""
    said = {"code": 0, "message": "success", "success": True}
    text = sealed.seal(data, MIP, "1764554400000", "2.0.1")
    return {**text, **said, "signData": _signed({**text, **said}, data)}


def centre_notice(data: dict[str, Any], **changes: Any) -> bytes:
    """A 6302 notice, sealed as the platform."""
    now_ms = str(time.time_ns() // 1_000_000)
    return json.dumps({**sealed.seal(data, MIP, now_ms, "2.0.1"), **changes}).encode()


def _signed(fields: dict[str, Any], data: dict[str, Any]) -> str:
    from yibao.providers import sm2

    text = sealed.signing_text({**fields, "data": sealed.pruned(data)}, MIP["app_secret"])
    return b64encode(sm2.sign(SM2_PRIVATE, text.encode(), sealed.user_id(MIP))).decode()


class WechatPay:
    """Signs answers and notices with WeChat Pay's key."""

    serial = "PUB_KEY_ID_0000000000000001"

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key = key

    def headers(self, body: bytes, stamp: int | None = None, **changes: str) -> dict[str, str]:
        at = str(stamp if stamp is not None else int(time.time()))
        signature = self.key.sign(f"{at}\nnonce\n".encode() + body + b"\n", padding.PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": at,
            "Wechatpay-Nonce": "nonce",
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature": b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }

    def answer(self, data: dict[str, Any] | None = None, status: int = 200) -> tuple[int, bytes, dict[str, str]]:
        body = b"" if data is None else json.dumps(data).encode()
        return (status if data is not None else 204), body, self.headers(body)

    def notice(self, event_type: str, resource: Any, number: str = "EV-1", **changes: Any) -> bytes:
        plain = json.dumps(resource).encode()
        about = "transaction"
        text = AESGCM(APIV3_KEY.encode()).encrypt(b"0123456789ab", plain, about.encode())
        inner = {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": b64encode(text).decode(),
            "associated_data": about,
            "nonce": "0123456789ab",
            **changes,
        }
        return json.dumps({"id": number, "event_type": event_type, "resource": inner}).encode()


@pytest.fixture
def wechat_pay(platform_key: Any) -> WechatPay:
    return WechatPay(platform_key[0])

"""wechatpayv3 in four ways: its blocking and its asynchronous client, with the platform's public key or certificates.

Unmodified but for the base URL: the address is its attribute `_gate_way`. Certificate mode calls from the
constructor, before the attribute can be set, so the vendor's own host name ends at our app as well.
"""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import requests
import wechatpayv3.core
from flask import Flask
from wechatpayv3 import WeChatPay, async_
from wechatpayv3 import type as kinds

from mock_providers.control.reset import empty
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY
from tests.served import served
from tests.wsgi_adapter import WsgiAdapter

HOST = "https://api.mch.weixin.qq.com"
WAYS = [(client, keys) for client in ("blocking", "asynchronous") for keys in ("public key", "certificates")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with served(tmp_path_factory.mktemp("vendors"), background=False) as app:
        yield app


@pytest.fixture
def world(running: Flask) -> Iterator[World]:
    """The same app for a module's tests, emptied after each: to build one takes longer than most of them."""
    as_built = running.wsgi_app
    yield World(running)
    running.wsgi_app = as_built  # type: ignore[method-assign]
    empty(running, "default", "all")


@pytest.fixture
def asked(world: World) -> list[str]:
    """The paths asked for, in order."""
    seen: list[str] = []
    inner = world.app.wsgi_app

    def noting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ["PATH_INFO"].removeprefix("/wechatpay"))
        return inner(environ, start_response)

    world.app.wsgi_app = noting  # type: ignore[method-assign]
    return seen


class Blocking:
    """An asynchronous client whose answers are waited for, so that one test reads the same for both."""

    def __init__(self, runner: asyncio.Runner, inner: Any) -> None:
        self._runner, self._inner = runner, inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name == "_core":
            return Blocking(self._runner, found)
        if inspect.iscoroutinefunction(found):
            return lambda *given, **named: self._runner.run(found(*given, **named))
        return found


def options(held: dict[str, Any], keys: str = "public key", **changes: Any) -> dict[str, Any]:
    """What the constructor takes."""
    known = {"public_key": held["public_key"], "public_key_id": held["public_key_id"]} if keys == "public key" else {}
    return {
        "mchid": held["mchid"],
        "private_key": held["merchant_private_key"],
        "cert_serial_no": held["merchant_serial_no"],
        "apiv3_key": held["apiv3_key"],
        "appid": held["appid"],
        "notify_url": f"{NOTIFY}/pay",
        **known,
        **changes,
    }


@pytest.fixture
def blocking(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., WeChatPay]]:
    """Makes the blocking client; both the vendor's host name and our address are answered without a socket."""
    session, adapter = requests.Session(), WsgiAdapter(world.app)
    base = world.credentials()["base_url"]
    session.mount(HOST, adapter)
    session.mount(base, adapter)
    monkeypatch.setattr(wechatpayv3.core, "requests", session)

    def make(given: dict[str, Any]) -> WeChatPay:
        made = WeChatPay(kinds.WeChatPayType.MINIPROG, **given)
        made._core._gate_way = base
        return made

    yield make
    session.close()


@pytest.fixture
def asynchronous(world: World) -> Iterator[Callable[..., Any]]:
    """Makes the asynchronous client, over a real socket: httpx brings its own."""
    with asyncio.Runner() as runner:
        opened: list[async_.AsyncWeChatPay] = []

        def make(given: dict[str, Any]) -> Any:
            made = async_.AsyncWeChatPay(async_.type.WeChatPayType.MINIPROG, **given)
            made._core._gate_way = world.credentials()["base_url"]
            opened.append(runner.run(made.__aenter__()))
            return Blocking(runner, made)

        yield make
        for client in opened:
            runner.run(client.__aexit__(None, None, None))


@pytest.fixture(params=WAYS, ids=" with ".join)
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def make(way: tuple[str, str], request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes a client of the way under test with other credentials."""
    maker = request.getfixturevalue(way[0])

    def make(held: dict[str, Any], **changes: Any) -> Any:
        return maker(options(held, way[1], **changes))

    return make


@pytest.fixture
def sdk(world: World, make: Callable[..., Any]) -> Any:
    return make(world.credentials())


# What every test does with a client, whichever way it is made.


def order(sdk: Any, number: str, total: int = 4200) -> str:
    """A new order's prepay_id."""
    payer, amount = {"openid": "openid-P01"}, {"total": total, "currency": "CNY"}
    code, text = sdk.pay(description="样例药品", out_trade_no=number, amount=amount, payer=payer)
    assert code == 200, text
    return json.loads(text)["prepay_id"]


def tap(world: World, sdk: Any, call: str, prepay_id: str | None, outcome: str = "paid", **more: str) -> str:
    """The phone, with parameters the SDK signed; without an order nothing is signed."""
    signed = {}
    if prepay_id:
        stamp, nonce, package = "1764554400", "n0nce", f"prepay_id={prepay_id}"
        pay_sign = sdk.sign([sdk._appid, stamp, nonce, package])
        signed = {"timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": pay_sign}
    answer = world.app.test_client().post(
        f"/_mock/phone/wechatpay/{call}", json={"params": {**more, **signed}, "outcome": outcome}
    )
    return answer.json["errMsg"]  # type: ignore[index]


def heard(world: World, sdk: Any) -> list[dict[str, Any]]:
    """Every notification so far, as the SDK's callback helper reads it."""
    return [sdk.callback(*world.built(event)) for event, _ in world.events()]


def post(sdk: Any, path: str, content: dict[str, Any]) -> tuple[int, Any]:
    """A call the SDK has no method for, through its generic request; sealed fields are announced."""
    kind = async_.type.RequestType if isinstance(sdk, Blocking) else kinds.RequestType
    code, text = sdk._core.request(path, kind.POST, content, cipher_data=True)
    return code, json.loads(text) if text else None


def get(sdk: Any, path: str) -> tuple[int, Any]:
    code, text = sdk._core.request(path)
    return code, json.loads(text) if text else None

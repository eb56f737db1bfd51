"""wechatpy against our app by the vendor's own host name, its literal token address included."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from mock_providers import create_app
from mock_providers.control.reset import empty
from mock_providers.settings import Settings
from tests.mock_providers.wechat.conftest import World
from tests.wsgi_adapter import WsgiAdapter

with warnings.catch_warnings():  # its imports of imp, pkg_resources and invalid escapes are its own affair
    warnings.simplefilter("ignore")
    from wechatpy import WeChatClient, WeChatClientException, WeChatOAuth, WeChatOAuthException, parse_message
    from wechatpy.crypto import WeChatCrypto, WeChatWxaCrypto
    from wechatpy.exceptions import APILimitedException, InvalidAppIdException, InvalidSignatureException
    from wechatpy.utils import check_signature

__all__ = [
    "APILimitedException",
    "InvalidAppIdException",
    "InvalidSignatureException",
    "WeChatClient",
    "WeChatClientException",
    "WeChatCrypto",
    "WeChatOAuth",
    "WeChatOAuthException",
    "WeChatWxaCrypto",
    "check_signature",
    "parse_message",
]


def mounted(world: World, client: Any) -> Any:
    """The client itself; api.weixin.qq.com is our app from now on."""
    client._http.mount("https://api.weixin.qq.com", WsgiAdapter(world.app))
    return client


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(Settings(data=tmp_path_factory.mktemp("vendors"), background=False))


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """The same app for a module's tests, emptied after each: to build one takes longer than most of them."""
    kept = dict(app.extensions)
    made = World(app, app.test_client())
    made.advance(0)
    yield made
    app.extensions.update(kept)
    empty(app, "default", "all")


@pytest.fixture
def official(world: World) -> dict[str, Any]:
    """What the official account's console shows."""
    return world.client.get("/_mock/credentials").get_json()["wechat_official_account"]


@pytest.fixture
def sdk(world: World) -> WeChatClient:
    return mounted(world, WeChatClient(world.account["appid"], world.account["secret"]))

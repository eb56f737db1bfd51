"""wechatpy for an official account: its own token, and visitors who say who they are (网页授权)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.mock_providers.wechat.conftest import World
from tests.sdk.wechat.conftest import (
    WeChatClient,
    WeChatClientException,
    WeChatOAuth,
    WeChatOAuthException,
    mounted,
)

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("ignore::DeprecationWarning:wechatpy")]


@pytest.fixture
def visit(world: World, official: dict[str, Any]) -> Callable[..., tuple[WeChatOAuth, dict[str, str]]]:
    """Somebody opens the link the SDK made; the SDK's object, and the query the browser comes back with."""

    def visit(scope: str = "snsapi_userinfo", outcome: str = "allow") -> tuple[WeChatOAuth, dict[str, str]]:
        oauth = WeChatOAuth(official["appid"], official["secret"], "http://127.0.0.1:9/back?a=1", scope, "page42")
        said = world.phone("oauth", person="P01", url=oauth.authorize_url, outcome=outcome)
        query = parse_qs(urlsplit(said["redirect"]).query)
        assert query.pop("a") == ["1"]
        return mounted(world, oauth), {key: values[0] for key, values in query.items()}

    return visit


def test_a_consenting_visitor_is_known_by_name(visit: Callable[..., Any]) -> None:
    oauth, back = visit()
    assert back["state"] == "page42"
    token = oauth.fetch_access_token(back["code"])
    assert (token["expires_in"], token["scope"]) == (7200, "snsapi_userinfo")
    user = oauth.get_user_info()
    assert user["openid"] == token["openid"] and user["nickname"]
    assert oauth.check_access_token() is True
    refreshed = oauth.refresh_access_token(token["refresh_token"])
    assert refreshed["access_token"] == token["access_token"]


def test_a_silent_visit_gives_the_openid_and_no_profile(visit: Callable[..., Any]) -> None:
    oauth, back = visit("snsapi_base")
    assert oauth.fetch_access_token(back["code"])["openid"] == oauth.open_id
    with pytest.raises(WeChatOAuthException) as caught:
        oauth.get_user_info()
    assert caught.value.errcode == 48001


def test_a_visitor_who_declines_comes_back_with_the_state_alone(visit: Callable[..., Any]) -> None:
    assert visit(outcome="deny")[1] == {"state": "page42"}


@pytest.mark.parametrize(
    ("act", "errcode"),
    [
        (lambda oauth, code: oauth.fetch_access_token("021Nobody"), 40029),
        (lambda oauth, code: [oauth.fetch_access_token(code) for _ in range(2)], 40163),
        (lambda oauth, code: oauth.refresh_access_token("nobodys"), 40030),
        (lambda oauth, code: oauth.get_user_info("o" * 28, oauth.fetch_access_token(code)["access_token"]), 40003),
        (lambda oauth, code: oauth.get_user_info("o" * 28, "nobodys"), 40001),
    ],
)
def test_a_refusal_is_an_exception_with_its_errcode(
    visit: Callable[..., Any], act: Callable[..., Any], errcode: int
) -> None:
    oauth, back = visit()
    with pytest.raises(WeChatOAuthException) as caught:
        act(oauth, back["code"])
    assert caught.value.errcode == errcode


def test_its_token_is_its_own(world: World, official: dict[str, Any], sdk: WeChatClient) -> None:
    account = mounted(world, WeChatClient(official["appid"], official["secret"]))
    assert account.fetch_access_token()["expires_in"] == 7200
    assert account.access_token != sdk.access_token
    with pytest.raises(WeChatClientException) as caught:
        account.wxa.get_wxa_code_unlimited("a=1")
    assert caught.value.errcode == 45063

"""wechatpy, unmodified but for where api.weixin.qq.com is: code, session, phone number, errors."""

import json
import re
import warnings
from pathlib import Path

import pytest

from mock_providers import create_app
from mock_providers.settings import Settings
from tests.mock_providers.wechat.conftest import World
from tests.wsgi_adapter import WsgiAdapter

with warnings.catch_warnings():  # its imports of imp, pkg_resources and invalid escapes are its own affair
    warnings.simplefilter("ignore")
    from wechatpy import WeChatClient, WeChatClientException
    from wechatpy.crypto import WeChatWxaCrypto

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("ignore::DeprecationWarning:wechatpy")]
FACE = "https://api.weixin.qq.com/cityservice/face/identify/"
PHONE = "https://api.weixin.qq.com/wxa/business/getuserphonenumber"


@pytest.fixture
def world(tmp_path: Path) -> World:
    from mock_providers.phone import wechat as phone

    app = create_app(Settings(data=tmp_path, background=False))
    if phone.bp.name not in app.blueprints:
        app.register_blueprint(phone.bp, url_prefix="/_mock")
    made = World(app, app.test_client())
    made.advance(0)
    return made


@pytest.fixture
def sdk(world: World) -> WeChatClient:
    """Every address of the SDK, its literal token URL included, ends at our WSGI app by the vendor's host name."""
    client = WeChatClient(world.account["appid"], world.account["secret"])
    client._http.mount("https://api.weixin.qq.com", WsgiAdapter(world.app))
    return client


def test_a_code_becomes_a_session(world: World, sdk: WeChatClient) -> None:
    answer = sdk.wxa.code_to_session(world.phone("login", person="P01")["code"])
    assert re.fullmatch(r"o[\w-]{27}", answer["openid"]) and len(answer["session_key"]) == 24
    assert sdk.session.get(f"{sdk.appid}_access_token")


def test_only_the_base_url_of_the_endpoint_changes(world: World, sdk: WeChatClient) -> None:
    sdk._http.mount("http://127.0.0.1:8000", WsgiAdapter(world.app))
    sdk.wxa.API_BASE_URL = f"{world.account['base_url']}/"
    assert "openid" in sdk.wxa.code_to_session(world.phone("login", person="P01")["code"])


def test_a_phone_code_becomes_a_number(world: World, sdk: WeChatClient) -> None:
    answer = sdk.post(PHONE, data={"code": world.phone("phone-number", person="P01")["code"]})
    assert answer["phone_info"]["purePhoneNumber"] == "15400000001"


def test_its_decryption_opens_our_open_data(world: World, sdk: WeChatClient) -> None:
    session = sdk.wxa.code_to_session(world.phone("login", person="P01")["code"])
    data = world.phone("phone-number", person="P01")
    crypto = WeChatWxaCrypto(session["session_key"], data["iv"], sdk.appid)
    assert crypto.decrypt_message(data["encryptedData"])["phoneNumber"] == "15400000001"


@pytest.mark.parametrize(("again", "errcode"), [(True, 40163), (False, 40029)])
def test_a_refusal_is_an_exception_with_its_errcode(
    world: World, sdk: WeChatClient, again: bool, errcode: int
) -> None:
    code = world.phone("login", person="P01")["code"] if again else "0bNobody"
    if again:
        sdk.wxa.code_to_session(code)
    with pytest.raises(WeChatClientException) as caught:
        sdk.wxa.code_to_session(code)
    assert caught.value.errcode == errcode


def test_a_wrong_secret_is_an_exception(world: World) -> None:
    client = WeChatClient(world.account["appid"], "0" * 32)
    client._http.mount("https://api.weixin.qq.com", WsgiAdapter(world.app))
    with pytest.raises(WeChatClientException) as caught:
        client.fetch_access_token()
    assert caught.value.errcode == 40125


@pytest.mark.parametrize("seconds", [301, 7300])
def test_it_renews_a_dead_token_and_tries_again(world: World, sdk: WeChatClient, seconds: int) -> None:
    sdk.fetch_access_token()
    dead = sdk.access_token
    if seconds == 301:  # somebody else fetched one: ours is superseded (40001), not expired (42001)
        world.get("/cgi-bin/token", **world.app_keys(grant_type="client_credential"))
    world.advance(seconds)
    answer = sdk.post(PHONE, data={"code": world.phone("phone-number", person="P02")["code"]})
    assert answer["errcode"] == 0 and sdk.access_token != dead


def test_a_face_check_through_its_raw_bytes(world: World, sdk: WeChatClient) -> None:
    from mock_providers.people import world as people
    from mock_providers.wechat import wire

    who = people().people["P01"]
    openid = sdk.wxa.code_to_session(world.phone("login", person="P01")["code"])["openid"]
    cert = {"cert_type": "IDENTITY_CARD", "cert_name": who.name, "cert_no": who.id_number}
    begun = sdk.post(f"{FACE}getverifyid", data={"out_seq_no": "sdk-00001", "cert_info": cert, "openid": openid})
    world.phone("face", verify_id=begun["verify_id"], outcome="pass")
    asked = {"verify_id": begun["verify_id"], "out_seq_no": "sdk-00001", "cert_hash": wire.cert_hash(**cert)}
    answer = sdk.post(f"{FACE}queryverifyinfo", data=json.dumps({**asked, "openid": openid}).encode())
    assert answer["verify_ret"] == 10000

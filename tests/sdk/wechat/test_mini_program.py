"""wechatpy, unmodified but for where api.weixin.qq.com is: codes, numbers, tokens, faces, codes to scan, messages."""

import json
import re
from io import BytesIO

import pytest
from PIL import Image

from tests.mock_providers.wechat.conftest import World
from tests.sdk.wechat.conftest import (
    APILimitedException,
    WeChatClient,
    WeChatClientException,
    WeChatWxaCrypto,
    mounted,
)
from tests.wsgi_adapter import WsgiAdapter

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("ignore::DeprecationWarning:wechatpy")]
HOST = "https://api.weixin.qq.com"
FACE = f"{HOST}/cityservice/face/identify/"
PHONE = f"{HOST}/wxa/business/getuserphonenumber"


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
    client = mounted(world, WeChatClient(world.account["appid"], "0" * 32))
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


def test_a_mini_program_code_is_a_picture_and_a_refusal_an_exception(world: World, sdk: WeChatClient) -> None:
    drawn = sdk.wxa.get_wxa_code_unlimited("b=42", width=300)
    assert drawn.headers["Content-Type"] == "image/jpeg"
    assert Image.open(BytesIO(drawn.content)).size == (300, 300)
    assert Image.open(BytesIO(sdk.wxa.get_wxa_code("pages/index/index").content)).format == "JPEG"
    with pytest.raises(WeChatClientException) as caught:
        sdk.wxa.get_wxa_code_unlimited("%")
    assert caught.value.errcode == 40129


def a_template(sdk: WeChatClient) -> tuple[str, dict[str, dict[str, str]]]:
    """A template of the mini program and data it takes, as its list shows them."""
    row = sdk.get(f"{HOST}/wxaapi/newtmpl/gettemplate")["data"][0]
    names = re.findall(r"\{\{(\w+)\.DATA\}\}", row["content"])
    samples = [line.partition(":")[2] for line in row["example"].splitlines()]
    return row["priTmplId"], {name: {"value": value} for name, value in zip(names, samples, strict=True)}


def test_a_subscribe_message_arrives_once_for_one_acceptance(world: World, sdk: WeChatClient) -> None:
    openid = sdk.wxa.code_to_session(world.phone("login", person="P01")["code"])["openid"]
    template_id, data = a_template(sdk)

    def refused(openid: str, template_id: str, data: dict) -> int:
        with pytest.raises(WeChatClientException) as caught:
            sdk.wxa.send_subscribe_message(openid, template_id, data)
        return caught.value.errcode

    assert refused(openid, template_id, data) == 43101
    world.phone("subscribe", person="P01", tmplIds=[template_id])
    assert refused(openid, template_id, {}) == 47003
    assert refused(openid, "nobodys", data) == 40037
    assert refused("o" + "x" * 27, template_id, data) == 40003
    assert sdk.wxa.send_subscribe_message(openid, template_id, data) == {"errcode": 0, "errmsg": "ok"}
    shown = world.client.get("/_mock/people/P01/messages").get_json()["items"]
    assert [row["template_id"] for row in shown] == [template_id]


def test_a_spent_quota_is_its_own_exception_until_it_is_cleared(world: World, sdk: WeChatClient) -> None:
    openid = sdk.wxa.code_to_session(world.phone("login", person="P01")["code"])["openid"]
    template_id, data = a_template(sdk)
    for _ in range(2):
        world.phone("subscribe", person="P01", tmplIds=[template_id])
    world.switch("wechat.subscribe_daily_limit", "1")
    sdk.wxa.send_subscribe_message(openid, template_id, data)
    with pytest.raises(APILimitedException):
        sdk.wxa.send_subscribe_message(openid, template_id, data)
    assert sdk.post(f"{HOST}/cgi-bin/clear_quota", data={"appid": sdk.appid})["errcode"] == 0
    assert sdk.wxa.send_subscribe_message(openid, template_id, data)["errcode"] == 0


@pytest.mark.parametrize(("path", "errcode"), [("nope", 40066), ("business/getuserphonenumber", 43002)])
def test_a_wrong_path_or_method_is_an_exception(sdk: WeChatClient, path: str, errcode: int) -> None:
    with pytest.raises(WeChatClientException) as caught:
        sdk.get(f"{HOST}/wxa/{path}")
    assert caught.value.errcode == errcode


@pytest.mark.parametrize(("outcome", "errcode"), [("system_error", -1), ("unauthorized", 48001), ("http_500", None)])
def test_trouble_at_the_vendor_is_an_exception_and_over_at_once(
    world: World, sdk: WeChatClient, outcome: str, errcode: int | None
) -> None:
    world.plan("wechat.getwxacodeunlimit", outcome)
    with pytest.raises(WeChatClientException) as caught:
        sdk.wxa.get_wxa_code_unlimited("a=1")
    assert caught.value.errcode == errcode
    assert sdk.wxa.get_wxa_code_unlimited("a=1").content

"""Whatever is asked of the code and link makers, the answer is a picture, a link or WeChat's refusal; never a 500."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mock_providers.wechat.test_wechat_garbage import SCALARS, somewhere

NAMES = (
    *(
        "scene",
        "page",
        "path",
        "query",
        "width",
        "auto_color",
        "line_color",
        "is_hyaline",
        "check_path",
        "env_version",
    ),
    *("jump_wxa", "is_expire", "expire_type", "expire_time", "expire_interval", "cloud_base", "env", "r", "g", "b"),
)
KEYS = st.sampled_from(NAMES)
WORDS = st.sampled_from(("pages/index/index", "release", "a=1", "x"))
VALUES = st.recursive(SCALARS | WORDS, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=4)
PATHS = (
    "/wxa/getwxacodeunlimit",
    "/wxa/getwxacode",
    "/cgi-bin/wxaapp/createwxaqrcode",
    "/wxa/generatescheme",
    "/wxa/generate_urllink",
    "/cityservice/face/identify/getimage",
    "/cityservice/face/identify/getinfo",
    "/cityservice/face/identify/getuseridkey",
)
TAPS = ("scan", "open-link", "face-recognition", "face-support", "navigate", "navigate-back", "upload-file")
SAID = ("content", "image_base64", "link", "person", "appId", "outcome", "url", "name", "extraData", "path", "header")


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(PATHS), body=st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_json_gets_a_picture_or_an_errcode(path: str, body: dict) -> None:
    world, token = somewhere()
    answer = world.send(path, json.dumps(body).encode(), access_token=token)
    assert answer.status_code == 200
    if answer.content_type != "image/jpeg":
        assert isinstance(answer.get_json(force=True)["errcode"], int)


@settings(max_examples=40, deadline=None)
@given(action=st.sampled_from(TAPS), body=st.dictionaries(st.sampled_from(SAID), VALUES, max_size=5))
def test_any_tap_is_answered_or_a_problem(action: str, body: dict) -> None:
    world, _ = somewhere()
    answer = world.client.post(f"/_mock/phone/wechat/{action}", data=json.dumps(body))
    assert answer.status_code == 200 or answer.content_type == "application/problem+json"
    assert answer.status_code < 500

"""Whatever is thrown at WeChat's doors, the answer is WeChat's: HTTP 200 with an errcode, never a 500."""

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_providers import create_app
from mock_providers.phone import wechat as phone
from mock_providers.settings import Settings
from tests.mock_providers.wechat.conftest import World

POSTS = (
    "/cgi-bin/stable_token",
    "/wxa/business/getuserphonenumber",
    "/cityservice/face/identify/getverifyid",
    "/cityservice/face/identify/queryverifyinfo",
    "/wxa/business/checkencryptedmsg",
    "/cgi-bin/clear_quota",
    "/cgi-bin/openapi/rid/get",
)
GETS = (
    "/cgi-bin/token",
    "/sns/jscode2session",
    "/wxa/checksession",
    "/wxa/resetusersessionkey",
    "/wxa/getpaidunionid",
    "/sns/oauth2/access_token",
    "/sns/oauth2/refresh_token",
    "/sns/userinfo",
    "/sns/auth",
)
PAGES = ("/connect/oauth2/authorize", "/oauth/code")
IN_PAGES = (
    "appid",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "redirectUrl",
    "authType",
    "orgCodg",
    "cityCode",
)
NAMES = (
    "appid",
    "secret",
    "grant_type",
    "js_code",
    "openid",
    "signature",
    "sig_method",
    "access_token",
    "code",
    "out_seq_no",
    "cert_info",
    "verify_id",
    "cert_hash",
    "force_refresh",
    "cert_name",
    "cert_no",
    "cert_type",
    "refresh_token",
    "rid",
    "encrypted_msg_hash",
    "transaction_id",
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50)
KEYS = st.sampled_from(NAMES) | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@cache
def somewhere() -> tuple[World, str]:
    app = create_app(Settings(data=Path(mkdtemp()), background=False))
    if phone.bp.name not in app.blueprints:
        app.register_blueprint(phone.bp, url_prefix="/_mock")
    world = World(app, app.test_client())
    world.advance(0)
    return world, world.token()


def refused(answer: object) -> None:
    assert answer.status_code == 200
    assert answer.get_json(force=True)["errcode"] != 0
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(POSTS), body=st.dictionaries(KEYS, VALUES, max_size=6))
@example(path=POSTS[2], body={"out_seq_no": "\ud800" * 6})
@example(path=POSTS[1], body={"code": "\x00"})
def test_any_json_is_refused_in_wechats_words(path: str, body: dict) -> None:
    world, token = somewhere()
    refused(world.send(path, json.dumps(body).encode(), access_token=token))


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from(POSTS), raw=st.binary(max_size=200))
def test_any_bytes_are_refused_in_wechats_words(path: str, raw: bytes) -> None:
    world, token = somewhere()
    refused(world.send(path, raw, access_token=token))


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from(GETS), query=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=50)))
def test_any_query_is_refused_in_wechats_words(path: str, query: dict) -> None:
    world, token = somewhere()
    safe = {key: value.encode("utf-8", "ignore") for key, value in query.items()}
    refused(world.client.get(f"/wechat{path}", query_string={"access_token": token, **safe}))


@settings(max_examples=40, deadline=None)
@given(
    path=st.sampled_from(PAGES),
    query=st.dictionaries(st.sampled_from(IN_PAGES), st.text(max_size=50)),
    form=st.dictionaries(st.sampled_from(("person", "decision")), st.text(max_size=5)),
)
def test_any_query_of_a_page_shows_a_page(path: str, query: dict, form: dict) -> None:
    world, _ = somewhere()
    safe = {key: value.encode("utf-8", "ignore") for key, value in query.items()}
    for answer in (
        world.client.get(f"/wechat{path}", query_string=safe),
        world.client.post(
            f"/wechat{path}", query_string=safe, data={k: v.encode("utf-8", "ignore") for k, v in form.items()}
        ),
    ):
        assert answer.status_code in (200, 303) and answer.content_type.startswith("text/html")


@settings(max_examples=40, deadline=None)
@given(
    action=st.sampled_from(("login", "phone-number", "face", "insurance-authorisation", "oauth", "user-profile")),
    body=st.dictionaries(
        st.sampled_from(("person", "appid", "verify_id", "outcome", "params", "url", "desc")), VALUES
    ),
)
def test_any_tap_is_a_problem_document(action: str, body: dict) -> None:
    world, _ = somewhere()
    answer = world.client.post(f"/_mock/phone/wechat/{action}", data=json.dumps(body))
    assert 400 <= answer.status_code < 500 and answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200_000,
        b'{"appid":' + b"9" * 10_000 + b"}",
        '{{"code":"{0}","out_seq_no":"{0}","verify_id":"{0}"}}'.format("样😀" * 200_000).encode(),
    ],
)
def test_a_megabyte_is_refused_in_wechats_words(raw: bytes) -> None:
    world, token = somewhere()
    for path in POSTS:
        refused(world.send(path, raw, access_token=token))


def test_a_body_of_nine_megabytes_is_too_big() -> None:
    world, token = somewhere()
    answer = world.send(POSTS[1], b" " * (9 * 1024 * 1024), access_token=token)
    assert answer.status_code == 413
    assert world.send(POSTS[0], b" " * (9 * 1024 * 1024)).status_code == 413

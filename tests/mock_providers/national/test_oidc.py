"""The national log-in as any OAuth 2.0 and OpenID Connect client meets it: Authlib unmodified, and by hand."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask

from mock_providers import accounts, switches
from tests.mock_providers.national.bureau import writing
from tests.wsgi_adapter import WsgiAdapter

HOME = "http://127.0.0.1:8000/callbacks/national/login"
SCOPE = "openid profile phone insurance offline_access"


@pytest.fixture
def keys(mocks: Flask) -> dict[str, Any]:
    """This space's client at the national log-in."""
    with writing(mocks):
        return dict(accounts.account("national.oauth"))


@pytest.fixture
def session(mocks: Flask, keys: dict[str, Any]) -> Iterator[OAuth2Session]:
    """Authlib's client, told the address and the keys and nothing else."""
    made = OAuth2Session(
        keys["client_id"],
        keys["client_secret"],
        scope=SCOPE,
        redirect_uri=keys["redirect_uris"][0],
        code_challenge_method="S256",
    )
    made.mount("http://", WsgiAdapter(mocks))
    yield made
    made.close()


def read(session: OAuth2Session, keys: dict[str, Any]) -> dict[str, Any]:
    return session.get(f"{keys['issuer']}/.well-known/openid-configuration", withhold_token=True).json()


def answer(mocks: Flask, url: str, person: str = "P01", outcome: str = "allow") -> str:
    """What the person does on the page; the address their browser is sent to."""
    said = {"person": person, "url": url, "outcome": outcome}
    told = mocks.test_client().post("/_mock/phone/national/authorise", json=said)
    assert told.status_code == 200, told.get_data(as_text=True)
    return told.get_json()["redirect"]


def params(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def logged_in(mocks: Flask, session: OAuth2Session, keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Authlib's whole log-in; the token answer."""
    meta, verifier = read(session, keys), generate_token(48)
    url, state = session.create_authorization_url(
        meta["authorization_endpoint"], code_verifier=verifier, nonce="n-1", **more
    )
    back = answer(mocks, url)
    assert params(back)["state"] == state and params(back)["iss"] == keys["issuer"]
    return session.fetch_token(meta["token_endpoint"], authorization_response=back, code_verifier=verifier)


def by_hand(mocks: Flask, keys: dict[str, Any], **change: Any) -> Any:
    """A token request with HTTP Basic; a field given as None is left out."""
    basic = base64.b64encode(f"{keys['client_id']}:{keys['client_secret']}".encode()).decode()
    headers = {"Authorization": change.pop("authorization", f"Basic {basic}")}
    form = {"grant_type": "authorization_code", "redirect_uri": keys["redirect_uris"][0], **change}
    said = {name: value for name, value in form.items() if value is not None}
    return mocks.test_client().post("/national/oauth2/token", data=said, headers=headers)


def asked(keys: dict[str, Any], **change: str | None) -> dict[str, str]:
    query = {
        "response_type": "code",
        "client_id": keys["client_id"],
        "redirect_uri": keys["redirect_uris"][0],
        "scope": "openid",
        "state": "s",
        **change,
    }
    return {name: value for name, value in query.items() if value is not None}


def page(mocks: Flask, keys: dict[str, Any], **change: str | None) -> Any:
    return mocks.test_client().get("/national/oauth2/authorize", query_string=asked(keys, **change))


def code_of(mocks: Flask, keys: dict[str, Any], **change: str | None) -> str:
    """An authorisation code, by the page's own form."""
    client = mocks.test_client()
    form = {"person": "P01", "answer": "allow"}
    back = client.post("/national/oauth2/authorize", query_string=asked(keys, **change), data=form)
    assert back.status_code == 302, back.get_data(as_text=True)
    return params(back.location)["code"]


def test_authlib_unmodified_logs_in_by_discovery_pkce_and_jwks(
    mocks: Flask, session: OAuth2Session, keys: dict[str, Any]
) -> None:
    token = logged_in(mocks, session, keys)
    meta = read(session, keys)
    key = jwt.PyJWKSet.from_dict(session.get(meta["jwks_uri"], withhold_token=True).json()).keys[0]
    claims = jwt.decode(
        token["id_token"], key.key, ["RS256"], audience=keys["client_id"], issuer=keys["issuer"], leeway=5
    )
    assert claims["nonce"] == "n-1" and claims["sub"]
    told = session.get(meta["userinfo_endpoint"]).json()
    assert told["sub"] == claims["sub"]
    assert (told["name"], told["id_number"]) == ("林样一", "469099198803159034")
    assert (told["phone_number"], told["psn_no"]) == ("15400000001", "46000000000000000001")


def test_authlib_refreshes_with_rotation_and_revokes(
    mocks: Flask, session: OAuth2Session, keys: dict[str, Any]
) -> None:
    token, meta = logged_in(mocks, session, keys), read(session, keys)
    newer = session.refresh_token(meta["token_endpoint"], refresh_token=token["refresh_token"])
    assert newer["access_token"] != token["access_token"]
    again = by_hand(mocks, keys, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert (again.status_code, again.get_json()["error"]) == (400, "invalid_grant")
    assert session.revoke_token(meta["revocation_endpoint"], newer["refresh_token"]).status_code == 200
    refused = mocks.test_client().get(
        "/national/oauth2/userinfo", headers={"Authorization": f"Bearer {newer['access_token']}"}
    )
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


def test_a_code_used_twice_takes_its_tokens_along(mocks: Flask, keys: dict[str, Any]) -> None:
    code = code_of(mocks, keys)
    token = by_hand(mocks, keys, code=code).get_json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert mocks.test_client().get("/national/oauth2/userinfo", headers=bearer).status_code == 200
    assert by_hand(mocks, keys, code=code).get_json()["error"] == "invalid_grant"
    assert mocks.test_client().get("/national/oauth2/userinfo", headers=bearer).status_code == 401


def test_a_scope_says_what_userinfo_tells(mocks: Flask, keys: dict[str, Any]) -> None:
    token = by_hand(mocks, keys, code=code_of(mocks, keys)).get_json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    told = mocks.test_client().post("/national/oauth2/userinfo", headers=bearer).get_json()
    assert set(told) == {"sub"} and "refresh_token" not in token


@pytest.mark.parametrize(
    "change, error",
    [
        ({"code": "nobody's"}, "invalid_grant"),
        ({"code": None}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1/other"}, "invalid_grant"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"authorization": "Basic bm9ib2R5OnNlY3JldA=="}, "invalid_client"),
        ({"authorization": "Basic %%%"}, "invalid_client"),
        ({"authorization": "Bearer x"}, "invalid_client"),
    ],
)
def test_a_wrong_token_request_is_refused_in_the_words_of_the_rfc(
    mocks: Flask, keys: dict[str, Any], change: dict[str, Any], error: str
) -> None:
    refused = by_hand(mocks, keys, **{"code": code_of(mocks, keys), **change})
    assert refused.get_json()["error"] == error
    assert refused.status_code == (401 if error == "invalid_client" else 400)
    assert refused.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("verifier, status", [("v" * 64, 200), ("w" * 64, 400), (None, 400)])
def test_a_code_with_a_challenge_wants_its_verifier(
    mocks: Flask, keys: dict[str, Any], verifier: str | None, status: int
) -> None:
    challenge = create_s256_code_challenge("v" * 64)
    code = code_of(mocks, keys, code_challenge=challenge, code_challenge_method="S256")
    assert by_hand(mocks, keys, code=code, code_verifier=verifier).status_code == status


def test_a_code_lives_five_minutes(mocks: Flask, keys: dict[str, Any]) -> None:
    code = code_of(mocks, keys)
    mocks.test_client().post("/_mock/clock", json={"advance": "5m1s"})
    assert by_hand(mocks, keys, code=code).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "change, error",
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": "x" * 43}, "invalid_request"),
        ({"nonce": "n" * 256}, "invalid_request"),
    ],
)
def test_a_wrong_authorisation_request_goes_back_to_the_client_with_an_error(
    mocks: Flask, keys: dict[str, Any], change: dict[str, Any], error: str
) -> None:
    back = page(mocks, keys, **change)
    assert back.status_code == 302 and back.location.startswith(keys["redirect_uris"][0])
    assert params(back.location)["error"] == error and params(back.location)["state"] == "s"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "stranger"},
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": None},
        {"redirect_uri": HOME + "#x"},
    ],
)
def test_nobody_is_sent_to_an_address_that_cannot_be_trusted(
    mocks: Flask, keys: dict[str, Any], change: dict[str, Any]
) -> None:
    shown = page(mocks, keys, **change)
    assert shown.status_code == 400 and "无法登录" in shown.get_data(as_text=True)
    form = {"person": "P01", "answer": "allow"}
    posted = mocks.test_client().post("/national/oauth2/authorize", query_string=asked(keys, **change), data=form)
    assert posted.status_code == 400


def test_the_switch_for_pkce_and_for_registered_addresses_only(mocks: Flask, keys: dict[str, Any]) -> None:
    with writing(mocks):
        switches.put("national.oauth_pkce", "required")
        switches.put("national.oauth_redirect", "registered")
    assert params(page(mocks, keys).location)["error"] == "invalid_request"
    assert page(mocks, keys, redirect_uri="http://127.0.0.1:9/x").status_code == 400


def test_the_page_shows_who_may_log_in_and_refusal_says_so(mocks: Flask, keys: dict[str, Any]) -> None:
    shown = page(mocks, keys)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200 and "林样一" in text and "样例 SAMPLE" in text
    client = mocks.test_client()
    denied = client.post("/national/oauth2/authorize", query_string=asked(keys), data={"answer": "deny"})
    assert params(denied.location)["error"] == "access_denied"


def test_whose_credential_is_not_active_cannot_log_in(mocks: Flask, keys: dict[str, Any]) -> None:
    with writing(mocks):
        switches.put("national.credential_default", "none")
    url = f"{keys['issuer']}/oauth2/authorize?" + "&".join(f"{k}={v}" for k, v in asked(keys).items())
    assert params(answer(mocks, url))["error"] == "access_denied"


def test_a_space_has_an_issuer_and_keys_of_its_own(mocks: Flask, keys: dict[str, Any]) -> None:
    client = mocks.test_client()
    client.post("/_mock/spaces", json={"name": "other"})
    told = client.get("/s/other/national/.well-known/openid-configuration").get_json()
    assert told["issuer"].endswith("/s/other/national") and told["issuer"] != keys["issuer"]
    mine = client.get("/_mock/credentials").get_json()["national"]["oauth"]
    assert set(mine) == {"issuer", "client_id", "client_secret", "redirect_uris"}


def test_the_consent_page_gives_an_auth_code_or_says_why_not(mocks: Flask, keys: dict[str, Any]) -> None:
    query = {"redirectUrl": HOME, "bizType": "04107", "orgCodg": "P46019900008", "state": "s"}
    url = "http://127.0.0.1:8000/national/oauth/code?" + "&".join(f"{k}={v}" for k, v in query.items())
    assert set(params(answer(mocks, url))) == {"authCode", "state"}
    assert params(answer(mocks, url, outcome="deny"))["retCode"] == "1"
    wrong = params(answer(mocks, url.replace("P46019900008", "P00000000000")))
    assert "authCode" not in wrong and wrong["retMsg"]
    shown = mocks.test_client().get("/national/oauth/code", query_string=query)
    assert shown.status_code == 200 and "林样一" in shown.get_data(as_text=True)
    evil = {**query, "redirectUrl": "https://evil.example/"}
    assert mocks.test_client().get("/national/oauth/code", query_string=evil).status_code == 400

"""The national log-in as its client: what it asks, what it believes, and whose account it opens."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from tests.yibao.conftest import P01, Phone, gateway_refusal, person_answer
from yibao import spaces
from yibao.audit import AuditEntry
from yibao.db import db
from yibao.providers.national import login
from yibao.steps.login.models import NationalLogin, User

ISSUER = "http://vendors.test/national"
CLIENT, SECRET = "SIMCLIENT01", "SIMSECRET+01"
HOME = "http://localhost/callbacks/national/login"
DISCOVERY, TOKEN, KEYS, USERINFO = (
    "/.well-known/openid-configuration",
    "/oauth2/token",
    "/oauth2/jwks",
    "/oauth2/userinfo",
)
P02 = {"name": "陈样二", "id_type": "id_card", "id_number": "469099199007029049"}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk(key: rsa.RSAPrivateKey, kid: str = "k1", **more: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    n, e = (number.to_bytes((number.bit_length() + 7) // 8) for number in (numbers.n, numbers.e))
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": b64(n), "e": b64(e), **more}


class Platform:
    """The platform's side: what it publishes, and the id_token for the attempt that is under way."""

    def __init__(self, vendors: Any, key: rsa.RSAPrivateKey) -> None:
        self.vendors, self.key, self.nonce, self.sub = vendors, key, "", "sub-1"
        self.published = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/oauth2/authorize",
            "token_endpoint": f"{ISSUER}/oauth2/token",
            "userinfo_endpoint": f"{ISSUER}/oauth2/userinfo",
            "jwks_uri": f"{ISSUER}/oauth2/jwks",
            "code_challenge_methods_supported": ["S256"],
        }
        vendors.on(DISCOVERY, self.published)
        vendors.on(KEYS, {"keys": [jwk(key)]})
        self.knows(P01)
        self.gives()

    def knows(self, person: dict[str, str], **more: Any) -> None:
        self.vendors.on(USERINFO, {"sub": self.sub, **person, **more})
        self.vendors.on("/gateway", person_answer(**person))

    def id_token(self, key: Any = None, alg: str = "RS256", kid: str = "k1", **claims: Any) -> str:
        """Right in every respect but for what is given; None leaves a claim out."""
        now = int(time.time())
        right = {
            "iss": ISSUER,
            "sub": self.sub,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonce,
            "at_hash": b64(sha256(b"ACCESS").digest()[:16]),
        }
        said = {name: value for name, value in {**right, **claims}.items() if value is not None}
        return jwt.encode(said, self.key if key is None else key, alg, {"kid": kid})

    def gives(self, id_token: Any = None, **changes: Any) -> None:
        """What the token endpoint answers; `id_token` is made when it is asked, so that the nonce is known."""
        made = id_token or self.id_token
        told = {"access_token": "ACCESS", "token_type": "Bearer", "expires_in": 7200, **changes}
        self.vendors.on(TOKEN, lambda request: (200, json.dumps({**told, "id_token": made()}).encode(), {}))


@pytest.fixture
def platform(vendors: Any, accounts: dict[str, Any], key: rsa.RSAPrivateKey) -> Platform:
    accounts["national"]["oauth"] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [HOME],
    }
    return Platform(vendors, key)


def begin(client: Any, platform: Platform, query: str = "", **more: Any) -> dict[str, str]:
    """What the page is asked; the platform remembers the nonce."""
    answer = client.get(f"/api/v1/login/national{query}", **more)
    assert answer.status_code == 302, answer.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}
    platform.nonce = asked["nonce"]
    return asked


def come_back(client: Any, asked: dict[str, str], **changes: str) -> Any:
    said = {"code": "CODE-1", "state": asked["state"], "iss": ISSUER, **changes}
    return client.get("/callbacks/national/login", query_string={k: v for k, v in said.items() if v != "-"})


def logged_in(client: Any, platform: Platform) -> dict[str, Any]:
    answer = come_back(client, begin(client, platform))
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def me(client: Any, tokens: dict[str, Any]) -> dict[str, Any]:
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).get_json()


def refused(answer: Any, code: str) -> None:
    assert answer.content_type == "application/problem+json", answer.text
    assert answer.get_json()["code"] == code, answer.get_json()


def alarms(yibao: Any) -> list[str]:
    with spaces.entered(yibao, "default"):
        rows = select(AuditEntry).where(AuditEntry.kind == "alarm", AuditEntry.machine == "national_login")
        return [row.about["why"] for row in db.session.scalars(rows)]


def users(yibao: Any) -> list[tuple[str | None, str | None, str | None]]:
    with spaces.entered(yibao, "default"):
        rows = db.session.scalars(select(User).order_by(User.id))
        return [(row.openid, row.national_sub, row.id_number) for row in rows]


# the way of a good one


def test_the_page_is_asked_with_pkce_a_state_and_a_nonce(client: Any, platform: Platform, vendors: Any) -> None:
    asked = begin(client, platform)
    assert asked["response_type"] == "code" and asked["client_id"] == CLIENT and asked["redirect_uri"] == HOME
    assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    come_back(client, asked)
    (call,) = [call for call in vendors.calls if call.path_url.endswith(TOKEN)]
    form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    assert b64(sha256(form["code_verifier"].encode()).digest()) == asked["code_challenge"]
    assert (form["code"], form["redirect_uri"], form["grant_type"]) == ("CODE-1", HOME, "authorization_code")
    basic = base64.b64decode(call.headers["Authorization"].removeprefix("Basic ")).decode()
    assert basic == f"{CLIENT}:SIMSECRET%2B01"


def test_who_only_looks_begins_nothing(client: Any, platform: Platform, yibao: Any) -> None:
    assert client.head("/api/v1/login/national").status_code == 302
    with spaces.entered(yibao, "default"):
        assert db.session.scalars(select(NationalLogin)).all() == []


def test_of_two_who_come_back_at_once_one_is_logged_in(client: Any, platform: Platform, yibao: Any) -> None:
    asked = begin(client, platform)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: come_back(yibao.test_client(), asked).status_code, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]


def test_no_two_attempts_share_anything(client: Any, platform: Platform) -> None:
    one, other = begin(client, platform), begin(client, platform)
    assert all(one[name] != other[name] for name in ("state", "nonce", "code_challenge"))


def test_who_comes_back_is_logged_in_and_bound(client: Any, platform: Platform) -> None:
    platform.knows(P01, phone_number="15400000001", phone_number_verified=True)
    answer = come_back(client, begin(client, platform))
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.get_json()
    assert set(tokens) == {"access_token", "refresh_token", "expires_in", "token_type"}
    shown = me(client, tokens)
    assert (shown["channel"], shown["real_name"], shown["name_masked"]) == ("nhsa_app", True, "林*一")
    assert (shown["openid_masked"], shown["phone_masked"]) == (None, "154****0001")


def test_the_session_is_refreshed_and_ended_like_any_other(client: Any, platform: Platform) -> None:
    tokens = logged_in(client, platform)
    again = client.post("/api/v1/login/refresh", json={"refresh_token": tokens["refresh_token"]}).get_json()
    assert me(client, again)["channel"] == "nhsa_app"
    bearer = {"Authorization": f"Bearer {again['access_token']}"}
    assert client.post("/api/v1/logout", json={}, headers=bearer).status_code == 204
    assert me(client, again)["code"] == "SESSION_EXPIRED"


def test_what_the_platform_publishes_is_read_once(client: Any, platform: Platform, vendors: Any) -> None:
    for _ in range(3):
        logged_in(client, platform)
    paths = [call.path_url for call in vendors.calls]
    assert sum(path.endswith(DISCOVERY) for path in paths) == 1
    assert sum(path.endswith(KEYS) for path in paths) == 1


# whose account it is


def test_the_same_person_is_the_same_user(client: Any, platform: Platform, yibao: Any) -> None:
    logged_in(client, platform)
    logged_in(client, platform)
    assert users(yibao) == [(None, "sub-1", P01["id_number"])]


def test_a_wechat_user_whose_face_said_so_is_the_same_user(
    phone: Phone, client: Any, platform: Platform, vendors: Any, yibao: Any
) -> None:
    phone.log_in("oWECHAT").bind().activate()
    platform.knows(P01)
    logged_in(client, platform)
    assert users(yibao) == [("oWECHAT", "sub-1", P01["id_number"])]
    assert phone.call("get", "/me").get_json()["channel"] == "wechat"


def test_a_document_that_was_only_typed_gives_way_to_who_holds_it(
    phone: Phone, client: Any, platform: Platform, yibao: Any
) -> None:
    phone.log_in("oTYPED").bind()
    logged_in(client, platform)
    assert users(yibao) == [("oTYPED", None, None), (None, "sub-1", P01["id_number"])]
    assert phone.call("get", "/me").get_json()["real_name"] is False


def test_a_new_sub_for_the_same_document_is_remembered_instead(client: Any, platform: Platform, yibao: Any) -> None:
    logged_in(client, platform)
    platform.sub = "sub-2"
    platform.knows(P01)
    logged_in(client, platform)
    assert users(yibao) == [(None, "sub-2", P01["id_number"])]


def test_a_sub_that_was_somebody_elses_moves_to_who_holds_the_document(
    client: Any, platform: Platform, yibao: Any
) -> None:
    logged_in(client, platform)
    platform.sub = "sub-2"
    platform.knows(P02)
    logged_in(client, platform)
    platform.sub = "sub-1"
    platform.knows(P02)
    logged_in(client, platform)
    assert users(yibao) == [(None, None, P01["id_number"]), (None, "sub-1", P02["id_number"])]


def test_one_sub_is_not_two_people(client: Any, platform: Platform) -> None:
    logged_in(client, platform)
    platform.knows(P02)
    refused(come_back(client, begin(client, platform)), "REAL_NAME_BOUND")


def test_who_took_their_name_off_has_it_again_after_the_next_log_in(client: Any, platform: Platform) -> None:
    bearer = {"Authorization": f"Bearer {logged_in(client, platform)['access_token']}"}
    assert client.delete("/api/v1/me/real-name", headers=bearer).status_code == 204
    assert client.get("/api/v1/me", headers=bearer).get_json()["real_name"] is False
    assert me(client, logged_in(client, platform))["real_name"] is True


@pytest.mark.parametrize(
    ("answer", "code"),
    [("人员基本信息为空", "PERSON_NOT_FOUND"), ("该人员已死亡", "PERSON_DECEASED")],
)
def test_somebody_the_bureau_does_not_have_does_not_log_in(
    client: Any, platform: Platform, vendors: Any, yibao: Any, answer: str, code: str
) -> None:
    vendors.on("/gateway", gateway_refusal(answer))
    refused(come_back(client, begin(client, platform)), code)
    assert users(yibao) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id_type": "birth_certificate", "id_number": "Z990000006"}, "LOGIN_DENIED"),
        ({"id_type": "spaceship"}, "LOGIN_DENIED"),
        ({"id_number": "110101199003070011"}, "REAL_ID_REFUSED"),
        ({"id_number": "469099198803159035"}, "ID_CHECKSUM"),
        ({"name": ""}, "VENDOR_ERROR"),
        ({"name": 7}, "VENDOR_ERROR"),
    ],
)
def test_papers_that_cannot_be(
    client: Any, platform: Platform, vendors: Any, change: dict[str, Any], code: str
) -> None:
    vendors.on(USERINFO, {"sub": "sub-1", **P01, **change})
    refused(come_back(client, begin(client, platform)), code)


# the state


def test_a_state_serves_once(client: Any, platform: Platform, vendors: Any) -> None:
    asked = begin(client, platform)
    assert come_back(client, asked).status_code == 200
    refused(come_back(client, asked), "LOGIN_STATE_INVALID")
    assert len([call for call in vendors.calls if call.path_url.endswith(TOKEN)]) == 1


@pytest.mark.parametrize("state", ["", "-", "somebody-else's", "样", "x" * 5000])
def test_a_state_nobody_gave_out_is_refused(client: Any, platform: Platform, state: str) -> None:
    refused(come_back(client, begin(client, platform), state=state), "LOGIN_STATE_INVALID")


def test_a_state_is_good_for_ten_minutes(client: Any, platform: Platform, business_time: Any) -> None:
    late, in_time = begin(client, platform), begin(client, platform)
    business_time.advance(minutes=9, seconds=59)
    assert come_back(client, in_time).status_code == 200
    business_time.advance(seconds=1)
    refused(come_back(client, late), "LOGIN_STATE_INVALID")


def test_a_state_of_another_space_is_none(client: Any, platform: Platform) -> None:
    asked = begin(client, platform, headers={"X-Yibao-Space": "other"})
    refused(come_back(client, asked), "LOGIN_STATE_INVALID")


def test_a_refused_log_in_uses_its_state_up(client: Any, platform: Platform) -> None:
    asked = begin(client, platform)
    refused(come_back(client, asked, code="-", error="access_denied"), "LOGIN_DENIED")
    refused(come_back(client, asked), "LOGIN_STATE_INVALID")


# the page's answer


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"code": "-", "error": "access_denied", "error_description": "the user refused"}, "LOGIN_DENIED"),
        ({"code": "-", "error": "server_error"}, "VENDOR_ERROR"),
        ({"code": "-", "error": "invalid_scope"}, "VENDOR_ERROR"),
        ({"code": "-"}, "VENDOR_ERROR"),
        ({"error": "access_denied"}, "LOGIN_DENIED"),
        ({"iss": "http://evil.test"}, "VENDOR_ERROR"),
        ({"iss": ""}, "VENDOR_ERROR"),
    ],
)
def test_what_the_page_may_answer_instead(
    client: Any, platform: Platform, vendors: Any, said: dict[str, str], code: str
) -> None:
    refused(come_back(client, begin(client, platform), **said), code)
    assert not [call for call in vendors.calls if call.path_url.endswith(TOKEN)]


def test_a_page_that_does_not_say_who_it_is_is_believed_by_its_tokens(client: Any, platform: Platform) -> None:
    assert come_back(client, begin(client, platform), iss="-").status_code == 200


# the token endpoint


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, b'{"error": "invalid_grant"}', {}), "LOGIN_CODE_INVALID"),
        ((401, b'{"error": "invalid_client"}', {}), "VENDOR_ERROR"),
        ((400, b'{"error": ["odd"]}', {}), "VENDOR_ERROR"),
        ((500, b"{}", {}), "VENDOR_ERROR"),
        ((200, b"<html>", {}), "VENDOR_ERROR"),
        ((200, b"[]", {}), "VENDOR_ERROR"),
        ((200, b"{}", {}), "VENDOR_ERROR"),
        ((200, b'{"token_type": "Bearer", "access_token": "A"}', {}), "VENDOR_ERROR"),
        ((302, b"{}", {"Location": "http://evil.test"}), "VENDOR_ERROR"),
        (requests.ConnectionError("down"), "VENDOR_ERROR"),
    ],
)
def test_a_token_endpoint_that_says_no_or_nonsense(
    client: Any, platform: Platform, vendors: Any, yibao: Any, answer: Any, code: str
) -> None:
    vendors.on(TOKEN, answer)
    refused(come_back(client, begin(client, platform)), code)
    assert users(yibao) == []


def test_tokens_of_another_type_are_not_used(client: Any, platform: Platform) -> None:
    platform.gives(token_type="mac")
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")


# the id_token

NOW = int(time.time())
FORGERIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "http://evil.test"},
    "no issuer": {"iss": None},
    "for another client": {"aud": "SIMCLIENT02"},
    "for others too": {"aud": [CLIENT, "SIMCLIENT02"]},
    "for nobody": {"aud": None},
    "of another attempt": {"nonce": "n-other"},
    "without a nonce": {"nonce": None},
    "with a nonce that is no text": {"nonce": 7},
    "run out": {"exp": NOW - 120},
    "without an end": {"exp": None},
    "from the future": {"iat": NOW + 3600, "exp": NOW + 7200},
    "without a birthday": {"iat": None},
    "of another access token": {"at_hash": b64(sha256(b"OTHER").digest()[:16])},
    "of no access token": {"at_hash": None},
    "of nobody": {"sub": None},
    "of an empty name": {"sub": ""},
    "of an endless name": {"sub": "s" * 256},
    "with an unknown key": {"kid": "k2"},
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_an_id_token_that_is_wrong_in_one_respect_is_refused(
    client: Any, platform: Platform, yibao: Any, change: dict[str, Any]
) -> None:
    platform.gives(lambda: platform.id_token(**change))
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")
    assert users(yibao) == [] and len(alarms(yibao)) == 1


def test_an_audience_of_one_may_be_a_list_and_clocks_differ_a_little(client: Any, platform: Platform) -> None:
    platform.gives(lambda: platform.id_token(aud=[CLIENT], exp=int(time.time()) - 30, iat=int(time.time()) + 30))
    logged_in(client, platform)


def test_an_id_token_of_a_strangers_key_is_refused(client: Any, platform: Platform, stranger: Any) -> None:
    platform.gives(lambda: platform.id_token(stranger))
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")


def unsigned(platform: Platform) -> str:
    return platform.id_token("", "none")


def with_the_public_key_as_a_secret(platform: Platform) -> str:
    """What a verifier falls for that takes the algorithm from the token."""
    head, body = b64(b'{"alg":"HS256","kid":"k1"}'), platform.id_token().split(".")[1]
    import hmac

    secret = json.dumps(jwk(platform.key)).encode()
    return f"{head}.{body}.{b64(hmac.digest(secret, f'{head}.{body}'.encode(), 'sha256'))}"


def with_another_hash(platform: Platform) -> str:
    return platform.id_token(alg="RS512")


def twisted(platform: Platform) -> str:
    head, body, signature = platform.id_token().split(".")
    return f"{head}.{body}.{signature[::-1]}"


def no_token(platform: Platform) -> str:
    return "not.a.token"


@pytest.mark.parametrize("forge", [unsigned, with_the_public_key_as_a_secret, with_another_hash, twisted, no_token])
def test_only_rs256_is_a_signature(client: Any, platform: Platform, yibao: Any, forge: Any) -> None:
    platform.gives(lambda: forge(platform))
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")
    assert users(yibao) == []


def test_a_key_that_was_changed_meanwhile_is_fetched(
    client: Any, platform: Platform, vendors: Any, stranger: Any
) -> None:
    logged_in(client, platform)
    vendors.on(KEYS, {"keys": [jwk(stranger, "k2")]})
    platform.gives(lambda: platform.id_token(stranger, kid="k2"))
    logged_in(client, platform)
    platform.gives()
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")  # the old one is published no more


@pytest.mark.parametrize(
    "keys",
    [
        {"keys": []},
        {"keys": "none"},
        {},
        {"keys": [{"kid": "k1", "kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [{"kid": "k1", "kty": "RSA", "n": "%%%", "e": "AQAB"}]},
        (503, b"", {}),
        (404, b"{}", {}),
    ],
)
def test_keys_nobody_can_use(client: Any, platform: Platform, vendors: Any, keys: Any) -> None:
    vendors.on(KEYS, keys)
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")


def test_a_key_for_sealing_or_a_weak_one_signs_nothing(
    client: Any, platform: Platform, vendors: Any, yibao: Any
) -> None:
    vendors.on(KEYS, {"keys": [jwk(platform.key, use="enc")]})
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")
    vendors.on(KEYS, {"keys": [jwk(rsa.generate_private_key(65537, 1024))]})
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")
    assert alarms(yibao)[-1] == "the platform's key is too weak"


# userinfo


@pytest.mark.parametrize(
    "answer",
    [
        {"sub": "sub-2", **P01},
        P01,
        (401, b'{"error": "invalid_token"}', {}),
        (200, b"eyJhbGciOi", {"Content-Type": "application/jwt"}),
        (500, b"", {}),
    ],
)
def test_userinfo_must_be_about_the_same_subject(
    client: Any, platform: Platform, vendors: Any, yibao: Any, answer: Any
) -> None:
    vendors.on(USERINFO, answer)
    refused(come_back(client, begin(client, platform)), "VENDOR_ERROR")
    assert users(yibao) == []


@pytest.mark.parametrize("more", [{}, {"phone_number_verified": False}, {"phone_number_verified": "true"}])
def test_a_number_nobody_verified_is_not_taken(client: Any, platform: Platform, more: dict[str, Any]) -> None:
    platform.knows(P01, phone_number="15400000001", **more)
    assert me(client, logged_in(client, platform))["phone_masked"] is None


# discovery


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://evil.test"},
        {"issuer": None},
        {"token_endpoint": "http://evil.test/token"},
        {"jwks_uri": "https://vendors.test/keys"},
        {"authorization_endpoint": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_platform_that_is_not_ours_is_not_gone_to(
    client: Any, platform: Platform, vendors: Any, change: dict[str, Any]
) -> None:
    vendors.on(DISCOVERY, {**platform.published, **change})
    refused(client.get("/api/v1/login/national"), "VENDOR_ERROR")
    vendors.on(DISCOVERY, platform.published)
    assert client.get("/api/v1/login/national").status_code == 302


@pytest.mark.parametrize("answer", [(500, b"", {}), (404, b"{}", {}), (200, b"[", {}), requests.Timeout("slow")])
def test_a_platform_that_does_not_answer_is_a_vendors_fault(
    client: Any, platform: Platform, vendors: Any, answer: Any
) -> None:
    vendors.on(DISCOVERY, answer)
    refused(client.get("/api/v1/login/national"), "VENDOR_ERROR")


def test_what_was_published_is_asked_for_again_after_an_hour(
    client: Any, platform: Platform, vendors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(client, platform)
    now = login.clock.monotonic()
    monkeypatch.setattr(login.clock, "monotonic", lambda: now + login.KEPT_SECONDS + 1)
    begin(client, platform)
    assert sum(call.path_url.endswith(DISCOVERY) for call in vendors.calls) == 2


# back to the front end's page

PAGE = "http://127.0.0.1:5173/app?x=1"


def test_the_front_ends_page_gets_the_tokens_in_its_fragment(client: Any, platform: Platform) -> None:
    answer = come_back(client, begin(client, platform, f"?return_to={PAGE}"))
    assert answer.status_code == 302 and answer.headers["Cache-Control"] == "no-store"
    page, _, fragment = answer.location.partition("#")
    tokens = {name: values[0] for name, values in parse_qs(fragment).items()}
    assert page == PAGE and set(tokens) == {"access_token", "refresh_token", "expires_in", "token_type"}
    assert me(client, tokens)["real_name"] is True


def test_only_the_browser_that_began_gets_the_tokens(client: Any, yibao: Any, platform: Platform) -> None:
    asked = begin(client, platform, f"?return_to={PAGE}")
    refused(come_back(yibao.test_client(), asked), "LOGIN_STATE_INVALID")
    other = yibao.test_client()
    begin(other, platform, f"?return_to={PAGE}")
    refused(come_back(other, asked), "LOGIN_STATE_INVALID")
    platform.nonce = asked["nonce"]
    assert come_back(client, asked).status_code == 302


def test_the_cookie_is_the_callbacks_alone(client: Any, platform: Platform) -> None:
    answer = client.get(f"/api/v1/login/national?return_to={PAGE}")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/callbacks/national/login" in cookie
    assert "Set-Cookie" not in client.get("/api/v1/login/national").headers


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:80%40evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1\\@evil.example/",
        "javascript:alert(1)",
        "http://127.0.0.1:5173/#x",
        "/app",
        "app",
        "http://127.0.0.1 /",
        "http://127.0.0.1/\r\nSet-Cookie:x",
        "http://127.0.0.1/样",
        "http://127.0.0.1/" + "x" * 500,
    ],
)
def test_nobody_else_is_sent_tokens(client: Any, platform: Platform, page: str) -> None:
    refused(client.get("/api/v1/login/national", query_string={"return_to": page}), "FIELD_INVALID")

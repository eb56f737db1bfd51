"""Bearer tokens: only ours, only now, only here."""

import jwt
import pytest

from tests.yibao.conftest import TODAY, Phone
from yibao import auth
from yibao.spaces import entered


def ask(phone, **headers):
    return phone.call("get", "/me", **headers).get_json().get("code")


def forged(yibao, key="ours", algorithm="HS256", **change):
    now = int(TODAY.timestamp())
    claims = {
        "iss": "yibao",
        "aud": "access",
        "sub": "1",
        "sid": "x",
        "space": "default",
        "iat": now,
        "exp": now + 600,
        **change,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, yibao.config["SIGNING_KEY"] if key == "ours" else key, algorithm)


def test_no_token_is_missing(phone):
    assert ask(phone) == "TOKEN_MISSING"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic abc", "Bearer a.b.c", "Bearer \u00e9"])
def test_nonsense_is_no_token(phone, header):
    assert ask(phone, Authorization=header) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "change",
    [
        {"key": "another key that is long enough for it"},
        {"algorithm": "HS512"},
        {"iss": "somebody"},
        {"aud": "refresh"},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"space": None},
        {"space": "other"},
    ],
)
def test_a_token_that_is_not_ours_is_refused(phone, yibao, change):
    token = forged(yibao, **change)
    headers = {"Authorization": f"Bearer {token}", "X-Yibao-Space": "default"}
    assert ask(phone, **headers) == "TOKEN_INVALID"


def test_an_unsigned_token_is_refused(phone, yibao):
    assert ask(phone, Authorization=f"Bearer {forged(yibao, None, 'none')}") == "TOKEN_INVALID"


def test_a_token_of_no_session_is_over(phone, yibao):
    assert ask(phone, Authorization=f"Bearer {forged(yibao)}") == "SESSION_EXPIRED"


def test_a_session_serves_its_own_user_only(phone, client, vendors, yibao):
    phone.log_in()
    second = Phone(client, vendors).log_in("oSECONDOPENID000000000000002")
    with entered(yibao, "default"):
        mine = jwt.decode(phone.tokens["access_token"], options={"verify_signature": False})
        mixed = auth.mint(int(mine["sub"]) + 1, mine["sid"], "default", TODAY)
    assert ask(second, Authorization=f"Bearer {mixed}") == "SESSION_EXPIRED"


def test_ten_minutes_later_it_is_over(phone, business_time):
    phone.log_in()
    business_time.advance(minutes=9, seconds=59)
    assert ask(phone) is None
    business_time.advance(seconds=1)
    assert ask(phone) == "SESSION_EXPIRED"


def test_the_token_says_the_space(client, vendors):
    phone = Phone(client, vendors, "other").log_in()
    phone.space = {}
    assert ask(phone) is None
    assert ask(phone, **{"X-Yibao-Space": "default"}) == "TOKEN_INVALID"
    assert ask(phone, **{"X-Yibao-Space": "nowhere"}) == "SPACE_UNKNOWN"


def test_a_refusal_says_how_to_authenticate(phone):
    answer = phone.call("get", "/me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"

"""The national log-in: an OpenID Connect client (code flow with PKCE S256, id_token in RS256 and nothing else).

What the platform publishes about itself (discovery, keys) is kept for an hour; a key that is not among them is asked
for once more. `exp` and `iat` are wall time. Raises Unreachable, VendorRefused (its code is the RFC's) or Untrusted.
"""

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import current_app

from yibao import clock
from yibao.db import current_space
from yibao.providers.http import Answer, Unreachable, Untrusted, VendorRefused, send
from yibao.providers.national.facts import credentials

ALGORITHM = "RS256"
SCOPE = "openid profile phone"
KEPT_SECONDS = 3600.0
LEEWAY_SECONDS = 60
KEY_BITS = 2048
SUB_AT_MOST = 255  # OpenID Connect Core §2
CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash"]
DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Identity:
    """Who logged in, as the platform vouches for them. `sub` is theirs with us and nobody else."""

    sub: str
    name: str
    id_type: str
    id_number: str
    phone: str = ""


def page_url(state: str, nonce: str, verifier: str) -> str:
    """The platform's log-in page for this attempt."""
    asked = {
        "response_type": "code",
        "client_id": _client()["client_id"],
        "redirect_uri": redirect_uri(),
        "scope": SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": _b64(sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    return f"{_published()['authorization_endpoint']}?{urlencode(asked)}"


def redirect_uri() -> str:
    """Where the page sends the browser: the address that was registered."""
    return str(_client()["redirect_uris"][0])


def is_issuer(said: str) -> bool:
    """Whether an answer that names its issuer (RFC 9207) comes from ours."""
    return said == _client()["issuer"]


def identity(code: str, verifier: str, nonce: str) -> Identity:
    """Who the code stands for. It is good once."""
    told = _exchange(code, verifier)
    access, id_token = (told.get(name) for name in ("access_token", "id_token"))
    if not (isinstance(access, str) and access and isinstance(id_token, str)):
        raise Untrusted("the token endpoint gave no access_token or no id_token")
    sub = _verified(id_token, access, nonce)
    said = _userinfo(access)
    if said.get("sub") != sub:
        raise Untrusted("userinfo is about another sub than the id_token")
    name, id_type, id_number, phone = (_text(said, each) for each in ("name", "id_type", "id_number", "phone_number"))
    if not (name and id_type and id_number):
        raise Untrusted("userinfo names no person")
    return Identity(sub, name, id_type, id_number, phone if said.get("phone_number_verified") is True else "")


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _client() -> Mapping[str, Any]:
    return credentials()["oauth"]


def _exchange(code: str, verifier: str) -> dict[str, Any]:
    client = _client()
    pair = f"{quote_plus(client['client_id'])}:{quote_plus(client['client_secret'])}"
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(),
        "code_verifier": verifier,
    }
    headers = {
        "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    answer = _call("POST", _published()["token_endpoint"], headers, urlencode(form).encode())
    said = _object(answer)
    if answer.status != 200:
        words = str(said.get("error_description", ""))
        raise VendorRefused("national log-in", str(said.get("error", answer.status)), words, answer.status)
    if str(said.get("token_type", "")).lower() != "bearer":
        raise Untrusted("the token endpoint gave no bearer token")
    return said


def _userinfo(access: str) -> dict[str, Any]:
    answer = _call("GET", _published()["userinfo_endpoint"], {"Authorization": f"Bearer {access}"})
    if answer.status != 200:
        raise VendorRefused("national log-in", "userinfo", f"HTTP {answer.status}", answer.status)
    return _object(answer)


def _verified(id_token: str, access: str, nonce: str) -> str:
    """The `sub` of an id_token that is right in every respect. Raises Untrusted."""
    client = _client()
    try:
        claims = jwt.decode(
            id_token,
            _key(jwt.get_unverified_header(id_token).get("kid")),
            [ALGORITHM],
            audience=client["client_id"],
            issuer=client["issuer"],
            leeway=LEEWAY_SECONDS,
            options={"require": CLAIMS},
        )
    except jwt.PyJWTError as error:
        raise Untrusted(f"the id_token is no good: {error}") from error
    if claims["aud"] not in (client["client_id"], [client["client_id"]]):
        raise Untrusted("the id_token is for others too")
    if not _same(claims["nonce"], nonce):
        raise Untrusted("the id_token has another nonce")
    if not _same(claims["at_hash"], _b64(sha256(access.encode()).digest()[:16])):
        raise Untrusted("the id_token came with another access_token")
    if not 0 < len(claims["sub"]) <= SUB_AT_MOST:
        raise Untrusted("the id_token names nobody")
    return str(claims["sub"])


def _same(said: Any, ours: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), ours.encode())


def _key(kid: Any) -> RSAPublicKey:
    """The platform's key of that name; the list is fetched anew for a name it does not hold. Raises Untrusted."""
    url = _published()["jwks_uri"]
    found = _named(_kept(url, _keys), kid)
    if found is None:
        current_app.extensions["national_login"].pop((current_space(), url), None)
        found = _named(_kept(url, _keys), kid)
    if found is None:
        raise Untrusted("the id_token is signed with a key nobody published")
    key = jwt.PyJWK.from_dict(found, ALGORITHM).key
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS:
        raise Untrusted("the platform's key is too weak")
    return key


def _named(keys: list[dict[str, Any]], kid: Any) -> dict[str, Any] | None:
    def fits(key: dict[str, Any]) -> bool:
        return key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", ALGORITHM) == ALGORITHM

    return next((key for key in keys if isinstance(kid, str) and key.get("kid") == kid and fits(key)), None)


def _keys(url: str) -> list[dict[str, Any]]:
    answer = _call("GET", url)
    keys = _object(answer).get("keys")
    if answer.status != 200 or not isinstance(keys, list):
        raise Unreachable("the platform shows no keys")
    return [key for key in keys if isinstance(key, dict)]


def _published() -> Mapping[str, Any]:
    return _kept(_client()["issuer"] + DISCOVERY, _discover)


def _discover(url: str) -> dict[str, Any]:
    """What the platform says of itself, if it is our issuer and offers what we need. Raises Untrusted."""
    answer = _call("GET", url)
    said, issuer = _object(answer), _client()["issuer"]
    if answer.status != 200:
        raise Unreachable(f"discovery answered HTTP {answer.status}")
    if said.get("issuer") != issuer:
        raise Untrusted("the discovery document is of another issuer")
    home = urlsplit(issuer)
    for name in ENDPOINTS:
        parts = urlsplit(str(said.get(name, "")))
        if (parts.scheme, parts.netloc) != (home.scheme, home.netloc):
            raise Untrusted(f"{name} is not at the issuer's")
    if "S256" not in said.get("code_challenge_methods_supported", ()):
        raise Untrusted("the platform offers no PKCE with S256")
    return said


def _kept(url: str, fetch: Callable[[str], Any]) -> Any:
    """What was found at an address within the hour, else what is there now."""
    kept = current_app.extensions.setdefault("national_login", {})
    found, at = kept.get((current_space(), url), (None, 0.0))
    if found is None or clock.monotonic() - at > KEPT_SECONDS:
        found = fetch(url)
        kept[current_space(), url] = found, clock.monotonic()
    return found


def _call(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    answer = send(method, url, base_url=_client()["issuer"], headers=headers, body=body)
    if answer.status >= 500:
        raise Unreachable(f"HTTP {answer.status}")
    return answer


def _object(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"HTTP {answer.status}, and the answer is not JSON") from error
    if not isinstance(said, dict):
        raise Unreachable("the answer is not a JSON object")
    return said


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()

"""The national log-in (SIM): a standard OAuth 2.0 and OpenID Connect front, because none of the real one is public.

Authorisation code with PKCE (RFC 6749, 7636), discovery, JWKS, id_token (RS256), refresh with rotation, revocation
(RFC 7009), userinfo. Lives run on business time; `iat` and `exp` in the id_token are wall time, as its reader's are.
"""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import orjson
from flask import Blueprint, Response, current_app, redirect, render_template, request
from sqlalchemy import select

from mock_providers import accounts, clock, keys, serials, switches
from mock_providers.db import current_space, db, writes
from mock_providers.national import credential
from mock_providers.national.oidc_models import LoginCode, LoginGrant, LoginToken
from mock_providers.national.person import standing
from mock_providers.people import Person, world

ACCOUNT = "national.oauth"
SCOPES = ("openid", "profile", "phone", "insurance", "offline_access")
CODE_LIVES = timedelta(minutes=5)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
bp = Blueprint("national_oidc", __name__, template_folder="templates")
switches.declare(
    "national.oauth_redirect",
    "loopback",
    ("loopback", "registered"),
    kind="relaxation",
    source="nhsa §4.4 (SIM); RFC 8252 §7.3",
    why="besides the registered redirect_uris any address on this machine may be sent the code",
)
switches.declare(
    "national.oauth_pkce",
    "optional",
    ("optional", "required"),
    kind="choice",
    source="nhsa §4.4 (SIM)",
    why="whether a client without a code_challenge is let in; S256 only, in either case",
)


class Wrong(Exception):
    """An OAuth error: its code of the RFCs, a description, and the HTTP status."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


@accounts.maker(ACCOUNT, rsa_keys=1)
def make() -> dict[str, Any]:
    """This space's client, and the platform's signing key."""
    public, space = current_app.config["SETTINGS"].public_url, current_space()
    root = public if space == "default" else f"{public}/s/{space}"
    private, key = keys.rsa_pem()
    client_id = f"SIMCLIENT{accounts.label()}"
    return {
        "public_id": client_id,
        "issuer": f"{root}/national",
        "client_id": client_id,
        "client_secret": serials.derive("national_oauth.secret", size=24).hex(),
        "redirect_uris": [f"{root}/callbacks/national/login"],
        "private_key": private,
        "public_key": key,
        "kid": sha256(key.encode()).hexdigest()[:16],
    }


def client() -> dict[str, Any]:
    return accounts.account(ACCOUNT)


def space_of() -> str | None:
    """The space of the client or access token this request shows."""
    if token := bearer():
        table = LoginToken.__table__.c
        return db.session.scalar(select(table.space).where(table.token == token))
    shown = request.args.get("client_id") or request.form.get("client_id") or basic_credentials()[0]
    return accounts.space_of(ACCOUNT, shown)


# what a client reads first


@bp.get("/.well-known/openid-configuration")
def discovery() -> Response:
    """OpenID Connect Discovery 1.0."""
    issuer = client()["issuer"]
    return as_json(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth2/authorize",
            "token_endpoint": f"{issuer}/oauth2/token",
            "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
            "jwks_uri": f"{issuer}/oauth2/jwks",
            "revocation_endpoint": f"{issuer}/oauth2/revoke",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": [
                "sub",
                "name",
                "gender",
                "birthdate",
                "phone_number",
                "id_type",
                "id_number",
                "psn_no",
            ],
        }
    )


@bp.get("/oauth2/jwks")
def jwks() -> Response:
    """The key id_tokens are signed with."""
    numbers = accounts.public_key(client()["public_key"]).public_numbers()
    return as_json(
        {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": client()["kid"],
                    "n": _unsigned(numbers.n),
                    "e": _unsigned(numbers.e),
                }
            ]
        }
    )


def _unsigned(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8))


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


# the page


@bp.get("/oauth2/authorize")
@writes
def authorize() -> Response | tuple[str, int]:
    """The log-in page: who holds the phone, and whether they agree."""
    return _page(request.args)


@bp.post("/oauth2/authorize")
def agreed() -> Response | tuple[str, int]:
    """The page's button."""
    return _page(request.args, request.form.get("person", ""), request.form.get("answer", ""))


def _page(asked: Mapping[str, str], person: str = "", answer: str = "") -> Response | tuple[str, int]:
    if why := untrusted(asked):
        return render_template("login.html", problem=why, asked=asked, people=[], client=client()), 400
    found = world().people.get(person)
    if answer and (found or answer == "deny"):
        return redirect(decided(asked, found, answer == "allow"), 302)  # type: ignore[return-value]
    try:
        check(asked)
    except Wrong as wrong:
        return redirect(_back(asked, error=wrong.error, error_description=wrong.description))  # type: ignore[return-value]
    can = [who for who in world().people.values() if standing(who).insutype]
    return render_template("login.html", problem="", asked=asked, people=can, client=client()), 200


def untrusted(asked: Mapping[str, str]) -> str:
    """Why nobody may be sent back to this redirect_uri; "" if they may (RFC 6749 §4.1.2.1: never redirect there)."""
    mine = client()
    if asked.get("client_id") != mine["client_id"]:
        return "unknown client_id"
    uri = asked.get("redirect_uri", "")
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or len(uri) > 500:
        return "redirect_uri is not an absolute http(s) address without a fragment"
    loopback = parts.hostname in LOOPBACK and switches.value("national.oauth_redirect") == "loopback"
    return "" if uri in mine["redirect_uris"] or loopback else "redirect_uri is not registered for this client"


def check(asked: Mapping[str, str]) -> list[str]:
    """The scopes asked for. Raises Wrong, which goes back to the client."""
    if asked.get("response_type") != "code":
        raise Wrong("unsupported_response_type", "response_type must be code")
    scopes = asked.get("scope", "").split()
    if not scopes or any(scope not in SCOPES for scope in scopes):
        raise Wrong("invalid_scope", f"scopes are {' '.join(SCOPES)}")
    challenge, method = asked.get("code_challenge", ""), asked.get("code_challenge_method", "plain")
    if challenge and (method != "S256" or not 43 <= len(challenge) <= 128):
        raise Wrong("invalid_request", "code_challenge_method must be S256, the challenge 43 to 128 characters")
    if not challenge and switches.value("national.oauth_pkce") == "required":
        raise Wrong("invalid_request", "code_challenge is required")
    if len(asked.get("nonce", "")) > 255 or len(asked.get("state", "")) > 500:
        raise Wrong("invalid_request", "nonce or state is too long")
    return scopes


def decided(asked: Mapping[str, str], person: Person | None, allowed: bool) -> str:
    """Where the browser goes after the page, the code or error in its query. Commits what it made."""
    try:
        scopes = check(asked)
        if not allowed or person is None:
            raise Wrong("access_denied", "the user refused")
        if credential.state_of(person) != "ACTIVE":
            raise Wrong("access_denied", "the credential is not active")
    except Wrong as wrong:
        return _back(asked, error=wrong.error, error_description=wrong.description)
    now = clock.now()
    grant = LoginGrant(
        client_id=asked["client_id"],
        person=person.id,
        scope=" ".join(scopes),
        nonce=asked.get("nonce", ""),
        authenticated_at=now,
        auth_time=clock.wall_unix(),
    )
    code = LoginCode(
        grant=grant,
        code=serials.fresh_text("login_code", 43),
        redirect_uri=asked["redirect_uri"],
        challenge=asked.get("code_challenge", ""),
        expires_at=now + CODE_LIVES,
    )
    db.session.add(code)
    db.session.commit()
    return _back(asked, code=code.code)


def _back(asked: Mapping[str, str], **said: str) -> str:
    """The client's own address with our answer in its query (RFC 9207 adds `iss`)."""
    parts = urlsplit(asked["redirect_uri"])
    state = {"state": asked["state"]} if "state" in asked else {}
    query = [*parse_qsl(parts.query, keep_blank_values=True), *{**said, **state, "iss": client()["issuer"]}.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


# how a client shows who it is


def basic_credentials() -> tuple[str, str]:
    """client_id and secret of an Authorization: Basic header, each form-decoded (RFC 6749 §2.3.1)."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def bearer() -> str:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


def as_json(document: dict[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(orjson.dumps(document), status, headers, content_type="application/json")

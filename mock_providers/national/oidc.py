"""The national log-in (SIM): a standard OAuth 2.0 and OpenID Connect front, because none of the real one is public.

Authorisation code with PKCE (RFC 6749, 7636), discovery, JWKS, id_token (RS256), refresh with rotation, revocation
(RFC 7009), userinfo. Lives run on business time; `iat` and `exp` in the id_token are wall time, as its reader's are.
"""

import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import orjson
from flask import Blueprint, Response, current_app, redirect, render_template, request
from sqlalchemy import select, update

from mock_providers import accounts, clock, journal, keys, serials, switches
from mock_providers.db import current_space, db, writes
from mock_providers.national import credential
from mock_providers.national.oidc_models import LoginCode, LoginGrant, LoginToken
from mock_providers.national.person import standing
from mock_providers.people import Person, world

ACCOUNT = "national.oauth"
SCOPES = ("openid", "profile", "phone", "insurance", "offline_access")
CODE_LIVES = timedelta(minutes=5)
ACCESS_LIVES = timedelta(hours=2)
REFRESH_LIVES = timedelta(days=30)
ID_TOKEN_SECONDS = 600
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


@accounts.maker(ACCOUNT)
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
    if token := _bearer():
        table = LoginToken.__table__.c
        return db.session.scalar(select(table.space).where(table.token == token))
    shown = request.args.get("client_id") or request.form.get("client_id") or _basic()[0]
    return accounts.space_of(ACCOUNT, shown)


# what a client reads first


@bp.get("/.well-known/openid-configuration")
def discovery() -> Response:
    """OpenID Connect Discovery 1.0."""
    issuer = client()["issuer"]
    return _json(
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
    return _json(
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
    return _b64(number.to_bytes((number.bit_length() + 7) // 8))


def _b64(raw: bytes) -> str:
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


# the client's own calls


@bp.post("/oauth2/token")
def token() -> Response:
    """A code or a refresh token becomes tokens."""
    try:
        _check_client()
        kind = request.form.get("grant_type")
        if kind == "authorization_code":
            grant = _of_code()
        elif kind == "refresh_token":
            grant = _of_refresh()
        else:
            raise Wrong("unsupported_grant_type", "grant_type is authorization_code or refresh_token")
        said = _tokens(grant)
    except Wrong as wrong:
        return _refused(wrong)
    db.session.commit()
    return _json(said)


def _refused(wrong: Wrong) -> Response:
    db.session.rollback()
    journal.explain(refused=str(wrong))
    answer = _json({"error": wrong.error, "error_description": wrong.description}, wrong.status)
    if wrong.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="national"'
    return answer


def _basic() -> tuple[str, str]:
    """client_id and secret of an Authorization: Basic header, each form-decoded (RFC 6749 §2.3.1)."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _check_client() -> None:
    mine = client()
    name, secret = _basic()
    if not name:
        name, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    right = hmac.compare_digest(secret.encode(), mine["client_secret"].encode())
    if name != mine["client_id"] or not right:
        raise Wrong("invalid_client", "client_id or client_secret is wrong", 401)


def _of_code() -> LoginGrant:
    row = db.session.scalar(select(LoginCode).where(LoginCode.code == request.form.get("code", "")))
    if row is None or clock.now() >= row.expires_at:
        raise Wrong("invalid_grant", "the code is unknown or has expired")
    if row.used_at is not None:
        _end(row.grant_id)
        db.session.commit()
        raise Wrong("invalid_grant", "the code was used before; its tokens are revoked")
    if row.redirect_uri != request.form.get("redirect_uri"):
        raise Wrong("invalid_grant", "redirect_uri differs from that of the authorisation request")
    verifier = request.form.get("code_verifier", "")
    if row.challenge and not hmac.compare_digest(_b64(sha256(verifier.encode()).digest()), row.challenge):
        raise Wrong("invalid_grant", "code_verifier does not fit the code_challenge")
    if verifier and not row.challenge:
        raise Wrong("invalid_grant", "a code_verifier without a code_challenge")
    row.used_at = clock.now()
    return row.grant


def _of_refresh() -> LoginGrant:
    row = _live(request.form.get("refresh_token", ""), "refresh")
    if row is None:
        raise Wrong("invalid_grant", "the refresh token is unknown, used, revoked or expired")
    wanted = request.form.get("scope", row.grant.scope).split()
    if not set(wanted) <= set(row.grant.scope.split()):
        raise Wrong("invalid_scope", "more than was granted")
    row.ended_at = clock.now()
    return row.grant


def _live(shown: str, kind: str) -> LoginToken | None:
    row = db.session.scalar(select(LoginToken).where(LoginToken.token == shown, LoginToken.kind == kind))
    if row is None or row.ended_at or row.grant.ended_at or clock.now() >= row.expires_at:
        return None
    return row


def _end(grant_id: int) -> None:
    now = clock.now()
    db.session.execute(update(LoginGrant).where(LoginGrant.id == grant_id).values(ended_at=now))
    db.session.execute(update(LoginToken).where(LoginToken.grant_id == grant_id).values(ended_at=now))


def _tokens(grant: LoginGrant) -> dict[str, Any]:
    scopes = grant.scope.split()
    access = _new(grant, "access", ACCESS_LIVES)
    said: dict[str, Any] = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIVES.total_seconds()),
        "scope": grant.scope,
    }
    if "offline_access" in scopes:
        said["refresh_token"] = _new(grant, "refresh", REFRESH_LIVES)
    if "openid" in scopes:
        said["id_token"] = _id_token(grant, access)
    return said


def _new(grant: LoginGrant, kind: str, lives: timedelta) -> str:
    token = serials.fresh_text(f"login_{kind}", 43)
    row = LoginToken(grant_id=grant.id, kind=kind, token=token, expires_at=clock.now() + lives)
    db.session.add(row)
    return token


def _id_token(grant: LoginGrant, access: str) -> str:
    import jwt

    mine, now = client(), clock.wall_unix()
    person = world().people[grant.person]
    claims = {
        "iss": mine["issuer"],
        "sub": subject(person),
        "aud": mine["client_id"],
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "auth_time": grant.auth_time,
        "at_hash": _b64(sha256(access.encode()).digest()[:16]),
        **({"nonce": grant.nonce} if grant.nonce else {}),
    }
    return jwt.encode(claims, accounts.private_key(mine["private_key"]), "RS256", {"kid": mine["kid"]})


def subject(person: Person) -> str:
    """Pairwise: another client's sub for the same person is another."""
    return serials.derive("national_subject", client()["client_id"], person.id, size=16).hex()


@bp.route("/oauth2/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """The claims the scopes allow."""
    row = _live(_bearer(), "access")
    if row is None:
        answer = _json({"error": "invalid_token", "error_description": "unknown, revoked or expired"}, 401)
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer
    return _json(_claims(world().people[row.grant.person], row.grant.scope.split()))


def _claims(person: Person, scopes: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {"sub": subject(person)}
    if "profile" in scopes:
        said |= {
            "name": person.name,
            "gender": person.gender,
            "birthdate": person.born_on.isoformat(),
            "id_type": person.id_type,
            "id_number": person.id_number,
        }
    if "phone" in scopes and person.phone:
        said |= {"phone_number": person.phone, "phone_number_verified": True}
    if "insurance" in scopes:
        now = standing(person)
        said |= {"psn_no": person.psn_no, "insutype": now.insutype, "insuplc_admdvs": now.area}
    return said


def _bearer() -> str:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


@bp.post("/oauth2/revoke")
def revoke() -> Response:
    """RFC 7009: 200 whether or not there was such a token; a refresh token takes its grant along."""
    try:
        _check_client()
    except Wrong as wrong:
        return _refused(wrong)
    row = db.session.scalar(select(LoginToken).where(LoginToken.token == request.form.get("token", "")))
    if row is not None and row.kind == "refresh":
        _end(row.grant_id)
    elif row is not None:
        row.ended_at = clock.now()
    db.session.commit()
    return Response(status=200)


def _json(document: dict[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(orjson.dumps(document), status, headers, content_type="application/json")

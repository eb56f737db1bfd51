"""The national log-in's calls by the client itself: token, userinfo, revocation."""

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Any

from flask import Response, request
from sqlalchemy import select, update

from mock_providers import accounts, clock, journal, serials
from mock_providers.db import db
from mock_providers.national.oidc import Wrong, as_json, b64, basic_credentials, bearer, bp, client
from mock_providers.national.oidc_models import LoginCode, LoginGrant, LoginToken
from mock_providers.national.person import standing
from mock_providers.people import Person, world

ACCESS_LIVES = timedelta(hours=2)
REFRESH_LIVES = timedelta(days=30)
ID_TOKEN_SECONDS = 600


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
    return as_json(said)


def _refused(wrong: Wrong) -> Response:
    db.session.rollback()
    journal.explain(refused=str(wrong))
    answer = as_json({"error": wrong.error, "error_description": wrong.description}, wrong.status)
    if wrong.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="national"'
    return answer


def _check_client() -> None:
    mine = client()
    name, secret = basic_credentials()
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
    if row.challenge and not hmac.compare_digest(b64(sha256(verifier.encode()).digest()), row.challenge):
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
        "at_hash": b64(sha256(access.encode()).digest()[:16]),
        **({"nonce": grant.nonce} if grant.nonce else {}),
    }
    return jwt.encode(claims, accounts.private_key(mine["private_key"]), "RS256", {"kid": mine["kid"]})


@bp.route("/oauth2/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """The claims the scopes allow."""
    row = _live(bearer(), "access")
    if row is None:
        answer = as_json({"error": "invalid_token", "error_description": "unknown, revoked or expired"}, 401)
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer
    return as_json(_claims(world().people[row.grant.person], row.grant.scope.split()))


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


def subject(person: Person) -> str:
    """Pairwise: another client's sub for the same person is another."""
    return serials.derive("national_subject", client()["client_id"], person.id, size=16).hex()

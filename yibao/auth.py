"""Who is calling: our own JWTs (HS256, pinned), judged by business time.

An access token says user, session and space; whether the session still lives is asked once per request. A refresh
token says which rotation of the session it belongs to. Neither is taken for the other.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import jwt
from flask import current_app, g, request

from yibao import clock
from yibao.db import db
from yibao.errors import Refused

ALGORITHM = "HS256"
ACCESS_LIFE = timedelta(minutes=10)
REFRESH_LIFE = timedelta(minutes=30)
ISSUER = "yibao"
ACCESS, REFRESH = "access", "refresh"
REQUIRED = ["sub", "sid", "space", "exp", "iat", "aud"]


def mint(user_id: int, session_id: str, space: str, now: datetime) -> str:
    """An access token, good for ACCESS_LIFE of business time."""
    return _encode(ACCESS, user_id, session_id, space, now, ACCESS_LIFE)


def mint_refresh(user_id: int, session_id: str, space: str, rotation: int, now: datetime) -> str:
    """A refresh token for one rotation of a session, good for REFRESH_LIFE of business time."""
    return _encode(REFRESH, user_id, session_id, space, now, REFRESH_LIFE, rot=rotation)


def _encode(use: str, user_id: int, session_id: str, space: str, now: datetime, life: timedelta, **more: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": use,
        "sub": str(user_id),
        "sid": session_id,
        "space": space,
        "iat": int(now.timestamp()),
        "exp": int((now + life).timestamp()),
        **more,
    }
    return jwt.encode(claims, current_app.config["SIGNING_KEY"], ALGORITHM)


def _decode(token: str, use: str) -> dict[str, Any] | None:
    """The claims of a token of ours for this use, whatever its age; None if it is not one."""
    try:
        claims = jwt.decode(
            token,
            current_app.config["SIGNING_KEY"],
            [ALGORITHM],
            issuer=ISSUER,
            audience=use,
            options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, ValueError):
        return None
    return claims


def read_refresh(token: str) -> dict[str, Any]:
    """The claims of a refresh token, its age judged. Raises Refused TOKEN_INVALID or SESSION_EXPIRED."""
    claims = _decode(token, REFRESH)
    if claims is None:
        raise Refused("TOKEN_INVALID")
    if clock.now().timestamp() >= claims["exp"]:
        raise Refused("SESSION_EXPIRED")
    return claims


def _claims() -> dict[str, Any] | None:
    """The claims of the request's access token if its signature is ours. Its time is judged in `caller`."""
    if "claims" not in g:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        g.claims = _decode(token, ACCESS) if scheme.lower() == "bearer" else None
    return g.claims


def space_of_token() -> str | None:
    """The space our own token was minted in."""
    claims = _claims()
    return claims["space"] if claims else None


def caller() -> tuple[int, str]:
    """(user id, session id) of the request. Raises Refused TOKEN_MISSING, TOKEN_INVALID or SESSION_EXPIRED."""
    if not request.headers.get("Authorization"):
        raise Refused("TOKEN_MISSING")
    claims = _claims()
    if claims is None or claims["space"] != g.space:
        raise Refused("TOKEN_INVALID")
    if clock.now().timestamp() >= claims["exp"]:
        raise Refused("SESSION_EXPIRED", "the access token expired; use the refresh token")
    return int(claims["sub"]), claims["sid"]


def required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only a logged-in caller in; `g.user_id` and `g.session_id` say who. No transaction is left open."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.user_id, g.session_id = caller()
        mode, g.write_mode = g.get("write_mode", True), False
        try:
            current_app.extensions["session_alive"](g.user_id, g.session_id)
        finally:
            db.session.rollback()
            g.write_mode = mode
        return view(*args, **kwargs)

    guarded._apidoc = {  # type: ignore[attr-defined]
        **getattr(view, "_apidoc", {}),
        "manual_doc": {**getattr(view, "_apidoc", {}).get("manual_doc", {}), "security": [{"bearer": []}]},
    }
    return guarded

"""Who is calling: our own JWTs (HS256, pinned), judged by business time.

An access token says user, session and space; whether the session still lives is asked once per request.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import jwt
from flask import current_app, g, request

from yibao import clock
from yibao.errors import Refused

ALGORITHM = "HS256"
ACCESS_LIFE = timedelta(minutes=10)
ISSUER = "yibao"


def mint(user_id: int, session_id: str, space: str, now: datetime) -> str:
    """An access token, good for ACCESS_LIFE of business time."""
    claims = {
        "iss": ISSUER,
        "sub": str(user_id),
        "sid": session_id,
        "space": space,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_LIFE).timestamp()),
    }
    return jwt.encode(claims, current_app.config["SIGNING_KEY"], ALGORITHM)


def _claims() -> dict[str, Any] | None:
    """The claims of the request's token if its signature is ours, else None. Its time is judged in `caller`."""
    if "claims" not in g:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            g.claims = jwt.decode(
                token,
                current_app.config["SIGNING_KEY"],
                [ALGORITHM],
                issuer=ISSUER,
                options={
                    "require": ["sub", "sid", "space", "exp", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError):
            g.claims = None
        if scheme.lower() != "bearer":
            g.claims = None
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
    """Let only a logged-in caller in; `g.user_id` and `g.session_id` say who."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.user_id, g.session_id = caller()
        current_app.extensions["session_alive"](g.user_id, g.session_id)
        return view(*args, **kwargs)

    guarded._apidoc = {  # type: ignore[attr-defined]
        **getattr(view, "_apidoc", {}),
        "manual_doc": {**getattr(view, "_apidoc", {}).get("manual_doc", {}), "security": [{"bearer": []}]},
    }
    return guarded

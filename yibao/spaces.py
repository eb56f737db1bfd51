"""Which tester's world a request belongs to: X-Yibao-Space, our own token, /s/<space>/, else default."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app, g, request

from yibao import auth
from yibao.db import current_space
from yibao.errors import Refused
from yibao.settings import UnknownSpace

PREFIX = re.compile(r"^/s/([a-z0-9][a-z0-9-]{0,31})(/.*)$")


def init(app: Flask) -> None:
    """Find the space before anything else is done with a request."""

    @app.before_request
    def find() -> None:
        said = request.headers.get("X-Yibao-Space")
        carried, prefixed = auth.space_of_token(), request.environ.get("yibao.space")
        g.space = said or carried or prefixed or "default"
        if prefixed and prefixed != g.space:
            raise Refused(
                "TOKEN_INVALID", f"the path says space {prefixed}, the token or header says {g.space[:40]!r}"
            )
        if g.space != "default":
            try:
                current_app.config["SETTINGS"].vendor(g.space, "wechat")
            except UnknownSpace:
                unknown, g.space = g.space, "default"
                raise Refused("SPACE_UNKNOWN", f"there is no space {unknown[:40]!r}") from None

    app.wsgi_app = PathPrefix(app.wsgi_app)  # type: ignore[method-assign]


@contextmanager
def entered(app: Flask, name: str) -> Iterator[None]:
    """An app context inside a space, for work that is not a request."""
    with app.app_context():
        g.space = name
        yield


def unlearn(app: Flask, name: str) -> None:
    """Drop what this process remembers of a space's providers: tokens, certificates, published keys."""
    for what in ("wechat_tokens", "wechatpay_certificates", "national_login"):
        kept = app.extensions.get(what, {})
        for key in [key for key in list(kept) if key[0] == name]:
            kept.pop(key, None)


def callback_url(path: str) -> str:
    """Where a provider reaches this space."""
    return f"{current_app.config['SETTINGS'].public_url}/s/{current_space()}/callbacks/{path}"


class PathPrefix:
    """WSGI: take `/s/<space>` off the path and remember it."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if found := PREFIX.match(environ["PATH_INFO"]):
            environ = {**environ, "yibao.space": found[1], "PATH_INFO": found[2]}
        return self.app(environ, start_response)

"""The one way out to providers. It refuses other hosts, redirects, endless answers, and an open transaction.

Errors name the blame: `Unreachable` may be tried again, `VendorRefused` carries the vendor's own code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from yibao.db import db

ANSWER_AT_MOST = 4 * 1024 * 1024


class Unreachable(Exception):
    """No answer, or one that says nothing (5xx, garbage). What happened at the provider is unknown."""


class VendorRefused(Exception):
    """The provider said no. `code` is the vendor's own code (errcode, code, infcode), `message` its words.

    `inner` is a finer number some vendors give beside the code; 0 where there is none.
    """

    def __init__(self, vendor: str, code: str | int, message: str, status: int = 200, inner: int = 0) -> None:
        super().__init__(f"{vendor} {code}: {message}")
        self.vendor, self.code, self.message, self.status = vendor, str(code), message, status
        self.inner = inner


class Untrusted(Exception):
    """A message or answer whose signature, decryption or shape is wrong."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    method: str,
    url: str,
    *,
    base_url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    params: Mapping[str, str] | None = None,
) -> Answer:
    """One call. `base_url` is the configured address the URL must lie under. Raises Unreachable."""
    import requests

    if db.session().in_transaction():
        raise RuntimeError("a transaction is open over a network call (law 2)")
    given, allowed = urlsplit(url), urlsplit(base_url)
    if (given.scheme, given.netloc) != (allowed.scheme, allowed.netloc):
        raise Untrusted(f"outgoing call to {given.netloc!r} refused")
    session = _session()
    try:
        with session.request(
            method,
            url,
            params=params,
            data=body,
            headers=dict(headers or {}),
            timeout=current_app.config["SETTINGS"].timeout_seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = response.raw.read(ANSWER_AT_MOST + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise Unreachable(f"{method} {given.netloc}{given.path}: {error}") from error
    if len(content) > ANSWER_AT_MOST:
        raise Unreachable(f"{method} {given.path}: answer larger than {ANSWER_AT_MOST} bytes")
    return Answer(response.status_code, response.headers, content)


def _session() -> Any:
    """One requests session per app; `transport` replaces the network when the app was given one."""
    import requests

    held = current_app.extensions.get("http_session")
    if held is None:
        held = requests.Session()
        held.trust_env = False
        transport = current_app.extensions["transport"]
        adapter = transport or requests.adapters.HTTPAdapter(pool_connections=8, pool_maxsize=32)
        held.mount("http://", adapter)
        held.mount("https://", adapter)
        current_app.extensions["http_session"] = held
    return held

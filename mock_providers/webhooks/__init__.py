"""Callbacks: a vendor emits an event in its own transaction; the sender delivers it after the commit."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from flask import Flask

from mock_providers.webhooks import plan_book
from mock_providers.webhooks.faults import Vendor
from mock_providers.webhooks.reply import Post, Reply
from mock_providers.webhooks.sender import Sender
from mock_providers.webhooks.spoilt_try import Rough

__all__ = ["init", "over_the_wire", "plan_book"]


def init(app: Flask, vendors: dict[str, Any], damages: dict[str, Vendor]) -> None:
    """`vendors` maps a vendor's name to its `notify` module: SCHEDULE, build, accepted.

    `build` and `accepted` run in worker threads without an app context: everything they need is handed in.
    `damages` are the vendors' own faults.
    """
    settings = app.config["SETTINGS"]
    post, get = over_the_wire(settings.allowed_hosts)
    app.extensions["damages"] = damages
    app.extensions["sender"] = Sender(app, vendors, post, oddly(settings.allowed_hosts))
    app.extensions["get_url"] = get


def oddly(allowed: Sequence[str]) -> Rough:
    """How callbacks leave that are cut off, reset or slow on purpose."""

    def send(url: str, headers: list[tuple[str, str]], body: bytes, way: str, seconds: float) -> Reply:
        from mock_providers.webhooks.rough import Rough as Client

        return Client(allowed)(url, headers, body, way, seconds)

    return send


def over_the_wire(allowed: Sequence[str]) -> tuple[Post, Callable[[str], Reply]]:
    """The HTTP client of the callbacks, made when the first one leaves: it is not needed to start.

    The second asks an address whether it is who it says it is (a vendor that verifies one before it calls it).
    """

    @cache
    def client() -> Any:
        from mock_providers.webhooks.transport import Transport

        return Transport(allowed)

    def post(url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        return client()(url, headers, body)

    def get(url: str) -> Reply:
        return client()(url, [("User-Agent", "Mozilla/4.0"), ("Accept", "*/*")], b"", "GET")

    return post, get

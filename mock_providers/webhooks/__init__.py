"""Callbacks: a vendor emits an event in its own transaction; the sender delivers it after the commit."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from flask import Flask

from mock_providers.webhooks.reply import Post, Reply
from mock_providers.webhooks.sender import Sender


def init(app: Flask, vendors: dict[str, Any]) -> None:
    """`vendors` maps a vendor's name to its `notify` module: SCHEDULE, build, accepted.

    `build` and `accepted` run in worker threads without an app context: everything they need is handed in.
    """
    settings = app.config["SETTINGS"]
    app.extensions["sender"] = Sender(app, vendors, over_the_wire(settings.allowed_hosts))


def over_the_wire(allowed: Sequence[str]) -> Post:
    """The HTTP client of the callbacks, made when the first one leaves: it is not needed to start."""

    @cache
    def client() -> Post:
        from mock_providers.webhooks.transport import Transport

        return Transport(allowed)

    def post(url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        return client()(url, headers, body)

    return post

"""Callbacks: a vendor emits an event in its own transaction; the sender delivers it after the commit."""

from typing import Any

from flask import Flask

from mock_providers.webhooks.sender import Sender
from mock_providers.webhooks.transport import Transport


def init(app: Flask, vendors: dict[str, Any]) -> None:
    """`vendors` maps a vendor's name to its `notify` module: SCHEDULE, build, accepted.

    `build` and `accepted` run in worker threads without an app context: everything they need is handed in.
    """
    settings = app.config["SETTINGS"]
    app.extensions["sender"] = Sender(app, vendors, Transport(settings.allowed_hosts))

"""The face of the mocks that no vendor has: /_mock, the start page, health and metrics."""

import hmac
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from flask import Flask, request

from mock_providers.errors import Problem

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PHONES = (
    "wechat",
    "wechat_face",
    "wechat_codes",
    "wechat_page",
    "wechat_consent",
    "wechat_messages",
    "wechatpay",
    "alipay",
    "national",
)


def init(app: Flask) -> None:
    """Register everything under /_mock, the phone's side of the vendors included."""
    from mock_providers.control import (
        banner,
        certificates,
        choices,
        endpoints,
        explain,
        faults,
        home,
        ladders,
        messages,
        openapi,
        plans,
        reset,
        snapshots,
        story,
        time,
        traffic,
        wait,
        why,
        world,
    )

    _guard(app)
    banner.init(app)
    workbench = (plans, ladders, why, wait, faults, explain, snapshots, endpoints)
    for part in (world, certificates, messages, time, traffic, story, *workbench, reset, choices, openapi):
        app.register_blueprint(part.bp, url_prefix="/_mock")
    app.register_blueprint(home.bp)
    for vendor in PHONES:
        if find_spec(f"mock_providers.phone.{vendor}"):
            phone = import_module(f"mock_providers.phone.{vendor}")
            app.register_blueprint(phone.bp, url_prefix="/_mock")


def _guard(app: Flask) -> None:
    """With an admin token set, nothing under /_mock answers without it."""
    wanted = app.config["SETTINGS"].admin_token

    @app.before_request
    def admin() -> None:
        if wanted and request.path.startswith("/_mock"):
            given = request.headers.get("Authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, f"Bearer {wanted}".encode()):
                raise Problem("ADMIN_TOKEN", "Authorization: Bearer <the token given at start> is missing or wrong")
        elif request.path.startswith("/_mock") and urlsplit(f"//{request.host}").hostname not in LOOPBACK:
            raise Problem("HOST_REFUSED", f"/_mock answers to loopback names only, not to {request.host[:80]!r}")

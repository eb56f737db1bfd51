"""The 海南医保 back end, as a hospital-insurance team would write it.

`create_app(settings, transport, clock)` gives a Flask app. It knows nothing of mocks: pointed at the real vendors'
addresses with real keys, it would run against them.
"""

from typing import Any

from flask import Flask, Response, g, request

from yibao.clock import Clock
from yibao.settings import Settings

STEPS = ("login", "credential", "commitment", "face", "family", "settlement", "records", "messages")
API = {
    "API_TITLE": "海南医保 (样例) API",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.0.3",
    "OPENAPI_URL_PREFIX": "/api/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
}


def create_app(settings: Settings | None = None, transport: Any = None, clock: Clock | None = None) -> Flask:
    """Build the back end. `transport` is a requests adapter in place of the network; `clock` gives business time."""
    from importlib import import_module

    from yibao import bodies, db, errors, policy, routing, spaces, tasks
    from yibao import clock as clocks
    from yibao.openapi import Document
    from yibao.settings import signing_key

    settings = settings or Settings.from_env()
    if settings.url.startswith("sqlite:///"):
        settings.data.mkdir(parents=True, exist_ok=True)
    app = Flask(__name__)
    app.url_rule_class = routing.LazyRule
    app.config.update(API, SETTINGS=settings, SIGNING_KEY=signing_key(settings), MAX_CONTENT_LENGTH=8 * 1024 * 1024)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions.update(clock=clock or clocks.system, transport=transport)
    app.extensions["policies"] = policy.load(settings.region)
    policy.check_pin(app.extensions["policies"], settings.policy_version)
    _guard_requests(app)
    bodies.init(app)
    spaces.init(app)
    steps = [import_module(f"yibao.steps.{step}.routes") for step in STEPS]  # their tables are known before db.init
    db.init(app, settings.url)
    api = Document(app)
    errors.init(app)
    for routes in steps:
        api.register_blueprint(routes.blp, url_prefix="/api/v1")
        if hasattr(routes, "callbacks"):
            app.register_blueprint(routes.callbacks, url_prefix="/callbacks")
    _add_pages(app)
    app.extensions["ticker"] = tasks.Ticker(app)
    if settings.background:
        app.extensions["ticker"].start()
    return app


def _guard_requests(app: Flask) -> None:
    """A request id for every request, CORS for loopback origins."""
    from yibao import ids, origins

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        is_fit = given.isascii() and given.isprintable() and 0 < len(given) <= 40
        g.request_id = given if is_fit else ids.nonce(16)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        origin = request.headers.get("Origin", "")
        if origins.allowed(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = (
                "Authorization, Content-Type, Idempotency-Key, X-Yibao-Space"
            )
            response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
            response.headers["Vary"] = "Origin"
        return response


def _add_pages(app: Flask) -> None:
    """/docs (assets from disk) and /healthz."""
    from flask_swagger_ui import get_swaggerui_blueprint

    app.register_blueprint(get_swaggerui_blueprint("/docs", "/api/v1/openapi.json", {"app_name": "yibao"}))

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Ready to serve."""
        return {"status": "ok"}

"""The outside world a 海南医保 back end talks to: WeChat, WeChat Pay and the national platform, as faithful mocks.

`create_app(settings)` gives one WSGI app with every vendor under its mount (/wechat, /wechatpay, /national),
at the root under the vendor's own host name, and the control API under /_mock. It never imports `yibao`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from flask import Flask

from mock_providers.settings import Settings

HOSTS = {
    "api.weixin.qq.com": "wechat",
    "api2.weixin.qq.com": "wechat",
    "sh.api.weixin.qq.com": "wechat",
    "sz.api.weixin.qq.com": "wechat",
    "hk.api.weixin.qq.com": "wechat",
    "open.weixin.qq.com": "wechat",
    "mip-receiver.tengmed.com": "wechat",
    "test-receiver.tengmed.com": "wechat",
    "card.wecity.qq.com": "wechat",
    "mitest.wecity.qq.com": "wechat",
    "api.mch.weixin.qq.com": "wechatpay",
    "api2.mch.weixin.qq.com": "wechatpay",
    "openapi.alipay.com": "alipay",
    "openauth.alipay.com": "alipay",
    "national.yibao.invalid": "national",
}
MOUNTS = ("wechat", "wechatpay", "alipay", "national", "_mock")


class Neighbour(Protocol):
    """The app next door that shares our clock (the back end in the simulator). All calls name a space."""

    def next_due(self, space: str) -> Any: ...

    def run_due(self, space: str, now: Any) -> list[dict]: ...

    def timeline(self, space: str, after_ns: int, limit: int) -> Sequence[dict]: ...

    def forget(self, space: str, level: str) -> dict[str, int]: ...

    def keep(self, space: str, folder: Path) -> None: ...

    def put_back(self, space: str, folder: Path) -> None: ...

    def private_tables(self) -> tuple[str, ...]: ...


class VendorHosts:
    """WSGI: a request to a vendor's real host name is served by that vendor at the root."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        mount = HOSTS.get(environ.get("HTTP_HOST", "").partition(":")[0].lower())
        if mount and not environ["PATH_INFO"].startswith(f"/{mount}/"):
            environ = {**environ, "PATH_INFO": f"/{mount}{environ['PATH_INFO']}"}
        return self.app(environ, start_response)


def create_app(settings: Settings | None = None, neighbour: Neighbour | None = None) -> Flask:
    """Build this half. Starts its background work (journal, callback sender, timers) unless told not to."""
    from mock_providers import (
        answering,
        clock,
        control,
        damages,
        db,
        errors,
        journal,
        national,
        people,
        routing,
        spaces,
        webhooks,
        wechat,
        wechatpay,
    )
    from mock_providers.national import channel
    from mock_providers.snapshots import checkpoints, keeper

    settings = settings or Settings.from_env()
    people.read(settings.world)
    settings = replace(settings, switches={**people.switches_of(settings.world), **settings.switches})
    if settings.url.startswith("sqlite:///"):
        settings.data.mkdir(parents=True, exist_ok=True)
    app = Flask(__name__)
    app.url_rule_class = routing.LazyRule
    app.config.update(SETTINGS=settings, NEIGHBOUR=neighbour, MAX_CONTENT_LENGTH=8 * 1024 * 1024)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.init(app)
    book = journal.init(app, MOUNTS)
    db.init(app, settings.url)
    app.before_request(spaces.find_by({v.NAME: v.space_of for v in (wechat, wechatpay, national)}))
    answering.init(app, damages.ANSWERS)
    for vendor in (wechat, wechatpay, national):
        app.register_blueprint(vendor.bp, url_prefix=f"/{vendor.NAME}")
    for vendor in (wechat, wechatpay, national):
        vendor.connect(app)
    app.extensions["bureau_order"] = channel.find
    control.init(app)
    checkpoints.init()
    webhooks.init(app, {v.NAME: v.notify for v in (wechat, wechatpay, national)}, damages.CALLBACKS)
    clock.ensure_default(app)
    keeper.finish(app, neighbours_too=False)
    app.wsgi_app = spaces.PathPrefix(VendorHosts(app.wsgi_app))  # type: ignore[method-assign]
    if settings.background:
        book.start()
        app.extensions["sender"].start()
    return app

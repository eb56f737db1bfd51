"""`/` for a newcomer, `/healthz` for a script, `/metrics` for Prometheus."""

from flask import Blueprint, Response, current_app, render_template
from sqlalchemy import func, select

from mock_providers import bounds, clock, people, switches
from mock_providers.control import banner
from mock_providers.control.door import reply
from mock_providers.db import db
from mock_providers.spaces import Space
from mock_providers.webhooks.models import Delivery, Event

bp = Blueprint("home", __name__, template_folder="templates")
ADDRESSES = (
    ("/docs", "后端接口文档(OpenAPI)", "the back end's API pages"),
    ("/api/v1/", "海南医保后端", "the 海南医保 back end"),
    ("/wechat/", "替代 api.weixin.qq.com", "stands for api.weixin.qq.com"),
    ("/wechatpay/", "替代 api.mch.weixin.qq.com", "stands for api.mch.weixin.qq.com"),
    ("/national/", "替代国家医保平台与移动支付中心", "stands for the national platform and its payment centre"),
    ("/_mock/", "模拟器控制接口", "the control API of the mocks"),
    ("/_mock/credentials", "本空间的密钥与编号", "keys and ids of this space"),
    ("/_mock/people/P01/messages", "某人微信里的订阅消息", "the subscribe messages on somebody's phone"),
    ("/_mock/timeline", "所有请求与回调,按时间", "every call and callback in order"),
    ("/_mock/openapi.json", "控制接口文档", "the control API as OpenAPI"),
)


@bp.get("/")
def start() -> str:
    """What is here, for whom, and what to do next."""
    moved = [switch for switch in switches.ALL.values() if switches.value(switch.name) != switch.default]
    bent = [s for s in switches.ALL.values() if s.kind == "relaxation" and switches.value(s.name) not in ("", "off")]
    return render_template(
        "start.html",
        base=current_app.config["SETTINGS"].public_url,
        addresses=ADDRESSES,
        people=people.world().people.values(),
        now=clock.now(),
        moved=moved,
        bent=bent,
        in_force=banner.lines(),
        values={switch.name: switches.value(switch.name) for switch in switches.ALL.values()},
        joined=current_app.config["NEIGHBOUR"] is not None,
    )


@bp.get("/healthz")
def healthz() -> Response:
    """Ready when the database answers."""
    db.session.execute(select(1))
    return reply({"status": "ok"})


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text. Counters begin at the start of this process; gauges are counted now."""
    journal, sent = current_app.extensions["journal"], current_app.extensions["sender"].ledger
    gone = current_app.extensions["bounds"].gone
    table = Delivery.__table__.c
    states = db.session.execute(select(table.state, func.count()).group_by(table.state)).all()
    events = db.session.scalar(select(func.count()).select_from(Event.__table__))
    spaces = db.session.scalar(select(func.count()).select_from(Space.__table__))
    lines = [
        *_metric("mock_calls_total", "counter", "calls noted in the journal", {"": journal.noted}),
        *_metric("mock_calls_dropped_total", "counter", "calls dropped by retention", {"": gone["call"]}),
        *_metric("mock_attempts_total", "counter", "callback attempts stored", {"": sent.attempts}),
        *_metric("mock_attempts_accepted_total", "counter", "attempts a receiver accepted", {"": sent.accepted}),
        *_metric("mock_events_retired_total", "counter", "old events dropped by retention", {"": gone["event"]}),
        *_metric("mock_events", "gauge", "events stored", {"": events or 0}),
        *_metric("mock_deliveries", "gauge", "deliveries by state", {f'{{state="{name}"}}': n for name, n in states}),
        *_metric("mock_spaces", "gauge", "testers' worlds", {"": spaces or 0}),
        *_metric("mock_database_bytes", "gauge", "what the database holds", {"": bounds.used_bytes()}),
    ]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _metric(name: str, kind: str, text: str, values: dict[str, int]) -> list[str]:
    head = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    return head + [f"{name}{labels} {value}" for labels, value in values.items()]

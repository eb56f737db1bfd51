"""What a rid stands for: the journal keeps every refused call with its rid, the app is asked for its own only."""

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from mock_providers import clock, retention, switches
from mock_providers.db import current_space, db
from mock_providers.journal import CALL
from mock_providers.wechat import wire
from mock_providers.wechat.door import Refused, address, api, body, caller, text

KEPT = timedelta(days=7)

switches.declare(
    "wechat.rid_too_old",
    "76004",
    ("76004", "76001"),
    kind="choice",
    source="wechat.md §0.3",
    why="the table has 76004 for a rid of more than 7 days, a note on the same documentation page says 76001",
)
switches.declare(
    "wechat.rid_of_sns",
    "76022",
    ("76022", "76001", "found"),
    kind="choice",
    source="wechat.md §0.3; developers.weixin.qq.com: getRidInfo, note 4",
    why="rids of /sns/ cannot be looked up: 76022 by the documentation, 76001 in a capture; found helps debugging",
)


@api("/cgi-bin/openapi/rid/get", "POST")
def rid_get() -> dict[str, Any]:
    """The refused call behind a rid."""
    rid = text(body(), "rid")
    if not wire.RID.fullmatch(rid):
        raise Refused(76002)
    me = caller()
    db.session.commit()
    current_app.extensions["journal"].flush()
    call = _call(rid)
    if call is None:
        raise Refused(76001)
    of_sns = switches.value("wechat.rid_of_sns")
    if "/sns/" in call.target.partition("?")[0] and of_sns != "found":
        raise Refused(int(of_sns))
    if call.space != current_space() or (call.why.get("appid") or me) != me:
        raise Refused(76003)
    if clock.now() - call.at >= KEPT:
        raise Refused(int(switches.value("wechat.rid_too_old")))
    return {"errcode": 0, "errmsg": "ok", "request": _shown(call)}


def _call(rid: str) -> Any:
    """The newest call with that rid, whosever it was."""
    wanted = CALL.c.door == "wechat", CALL.c.why["rid"].as_string() == rid, retention.alive(CALL, CALL.c.space)
    return db.session.execute(select(CALL).where(*wanted).order_by(CALL.c.id.desc()).limit(1)).first()


def _shown(call: Any) -> dict[str, Any]:
    return {
        "invoke_time": int(call.at.timestamp()),
        "cost_in_ms": round(call.ms),
        "request_url": call.target.partition("?")[2],
        "request_body": call.request_body.decode("utf-8", "replace"),
        "response_body": call.response_body.decode("utf-8", "replace"),
        "client_ip": address(),
    }

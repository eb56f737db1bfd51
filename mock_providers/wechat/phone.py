"""The phone number a user agreed to hand over."""

from typing import Any

from mock_providers import clock, outcomes, people, switches
from mock_providers.journal import explain
from mock_providers.wechat import users, wire
from mock_providers.wechat.door import Refused, api, body, caller, planned, text

outcomes.declare("wechat.getuserphonenumber", "system_error", "rate_limited", "unauthorized", "http_500")
switches.declare(
    "wechat.phone_code_of_other_app",
    "40013",
    ("40013", "40029"),
    kind="choice",
    source="wechat.md §3.1, §10.2",
    why="40013 for another app's phone code rests on one documentation table",
)
switches.declare(
    "wechat.phone_openid",
    "checked",
    ("checked", "ignored"),
    kind="choice",
    source="wechat.md §3.1",
    why="whether the optional openid must be the one the code was made for is not published",
)


@api("/wxa/business/getuserphonenumber", "POST")
def getuserphonenumber() -> dict[str, Any]:
    """The number behind a getPhoneNumber code."""
    given = body()
    shown, openid = text(given, "code"), text(given, "openid")
    row = users.code("phone", shown) if shown else None
    if row is None:
        explain(code="not a phone code given out here")
        raise Refused(40029)
    if row.appid != caller():
        explain(code="made for another appid", appid=row.appid)
        raise Refused(int(switches.value("wechat.phone_code_of_other_app")))
    if row.used or clock.now() - row.made_at >= users.CODE_LIFE:
        explain(code="used before" if row.used else "expired")
        raise Refused(40029)
    foreign = bool(openid) and openid != users.openid_of(row.appid, row.person)
    if foreign and switches.value("wechat.phone_openid") == "checked":
        raise Refused(40003)
    planned("wechat.getuserphonenumber", row.person)
    row.used = True
    info = wire.phone_info(people.world().people[row.person].phone, row.appid, int(row.made_at.timestamp()))
    return {"errcode": 0, "errmsg": "ok", "phone_info": info}

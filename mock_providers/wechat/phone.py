"""The phone number a user agreed to hand over."""

from datetime import timedelta
from typing import Any

from mock_providers import clock, outcomes, people, switches
from mock_providers.journal import explain
from mock_providers.wechat import limits, quota, users, wire
from mock_providers.wechat.door import Refused, api, body, caller, number, planned, text

SEALED_KNOWN = timedelta(days=3)
PACKAGE = "wechat.phone_number_package"

outcomes.declare("wechat.checkencryptedmsg", "system_error", "http_500")
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
    PACKAGE,
    "0",
    (),
    kind="choice",
    source="wechat.md §3.1",
    why="how many numbers the app has paid for (1000 free for trial); 0: exempt, as public medical bodies are",
)
switches.declare(
    "wechat.phone_openid",
    "checked",
    ("checked", "ignored"),
    kind="choice",
    source="wechat.md §3.1",
    why="whether the optional openid must be the one the code was made for is not published",
)


def is_spent(appid: str) -> bool:
    """Whether the app has no phone number left to ask for. Seen on the phone, before any code exists."""
    package = number(PACKAGE)
    return bool(package) and limits.used(_package_of(appid)) >= package


def _package_of(appid: str) -> str:
    return f"{appid}.package.getuserphonenumber"


@api("/wxa/business/checkencryptedmsg", "POST")
def checkencryptedmsg() -> dict[str, Any]:
    """Whether encryptedData with this SHA-256 was made for the app in the last three days. `vaild` is theirs."""
    shown = text(body(), "encrypted_msg_hash")
    if not wire.HASH.fullmatch(shown):
        raise Refused(40097)
    planned("wechat.checkencryptedmsg")
    row = users.code(users.SEALED, shown.lower())
    if row is None or row.appid != caller() or clock.now() - row.made_at >= SEALED_KNOWN:
        raise Refused(1)
    return {"errcode": 0, "errmsg": "ok", "vaild": True, "create_time": int(row.made_at.timestamp())}


@api("/wxa/business/getuserphonenumber", "POST")
def getuserphonenumber() -> dict[str, Any]:
    """The number behind a getPhoneNumber code."""
    given = body()
    quota.spend("getuserphonenumber", "minute")
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
    if package := number(PACKAGE):
        limits.spend(_package_of(row.appid), package, limits.FOREVER)
    info = wire.phone_info(people.world().people[row.person].phone, row.appid, int(row.made_at.timestamp()))
    return {"errcode": 0, "errmsg": "ok", "phone_info": info}

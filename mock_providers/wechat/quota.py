"""How often an app may do what, as switches; and clear_quota, which gives the daily ones back."""

from typing import Any

from mock_providers import switches
from mock_providers.wechat import limits
from mock_providers.wechat.door import ERRCODE_OF_WINDOW, Refused, api, body, caller, number, text

KNOWN = {
    ("token", "day"): ("2000", "§1.1", "2,000 calls of /cgi-bin/token a day are commonly quoted, not documented"),
    ("stable_token", "minute"): ("10000", "§1.2", "documented; lower it to see the refusal"),
    ("stable_token", "day"): ("500000", "§1.2", "documented; lower it to see the refusal"),
    ("forced_refresh", "day"): ("20", "§1.2", "documented; lower it to see the refusal"),
    ("code2session", "minute"): ("100", "§2.1", "documented, for one user; lower it to see the refusal"),
    ("resetusersessionkey", "minute"): ("60000", "§2.3, §10.2", "a single documentation page"),
    ("getuserphonenumber", "minute"): ("0", "§3.1", "there is a limit (45011) nobody publishes; 0 is none"),
    ("oauth_access_token", "minute"): ("50000", "§7.2", "documented; lower it to see the refusal"),
    ("clear_quota", "month"): ("10", "§0.6", "documented; lower it to see the refusal"),
}
for (what, window), (default, where, why) in KNOWN.items():
    name = "wechat.token_daily_quota" if what == "token" else f"wechat.{what}_a_{window}"
    switches.declare(name, default, (), kind="choice", source=f"wechat.md {where}", why=why)


def has_left(what: str, window: str, each: str = "") -> bool:
    """Use one of the calling app's quota of `what`, for `each` of whom it counts alone."""
    at_most = number("wechat.token_daily_quota" if what == "token" else f"wechat.{what}_a_{window}")
    mine = f"{caller()}.{window}.{what}" + (f".{each}" if each else "")
    return not at_most or limits.spend(mine, at_most, limits.WINDOWS[window])


def spend(what: str, window: str, each: str = "") -> None:
    """The same; raises Refused with the errcode of the window when none is left."""
    if not has_left(what, window, each):
        raise Refused(ERRCODE_OF_WINDOW[window])


@api("/cgi-bin/clear_quota", "POST")
def clear_quota() -> dict[str, Any]:
    """All daily quotas of the calling app begin again."""
    if text(body(), "appid") != caller():
        raise Refused(40013)
    spend("clear_quota", "month")
    limits.clear(caller())
    return {"errcode": 0, "errmsg": "ok"}

"""Quotas: how often a thing may be done in a minute (from its first use on), on a day, in a month.

What belongs to an app is named `<appid>.<window>.<what>`, so that its daily quotas can be cleared together.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from mock_providers import clock, switches
from mock_providers.db import current_space, db
from mock_providers.wechat.models import WechatUse

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)
FOREVER = timedelta.max
WINDOWS = {"minute": MINUTE, "day": DAY, "month": MONTH}

switches.declare(
    "wechat.quota_day",
    "calendar",
    ("calendar", "rolling"),
    kind="choice",
    source="wechat.md §0.6, §1.2",
    why="whether the quota of a day or month starts with it (+08:00) or with the first call is not published",
)


def spend(name: str, at_most: int, window: timedelta) -> bool:
    """Use one of a quota. False, and nothing used, when none is left."""
    now = clock.now()
    row = _row(name, now)
    if _is_over(row.began_at, now, window):
        row.began_at, row.n = now, 0
    if row.n >= at_most:
        return False
    row.n += 1
    row.last_at = now
    return True


def used(name: str) -> int:
    """How often, in the window it was last used in."""
    return db.session.scalar(select(WechatUse.n).where(WechatUse.name == name)) or 0


def last(name: str) -> datetime | None:
    """When the quota was last used."""
    return db.session.scalar(select(WechatUse.last_at).where(WechatUse.name == name))


def clear(appid: str) -> None:
    """Give an app its daily quotas back."""
    mine = WechatUse.space == current_space(), WechatUse.name.startswith(f"{appid}.day.", autoescape=True)
    db.session.execute(update(WechatUse).where(*mine).values(n=0))


def _row(name: str, now: datetime) -> WechatUse:
    row = db.session.scalar(select(WechatUse).where(WechatUse.name == name).with_for_update())
    if row is None:
        row = WechatUse(name=name, began_at=now, last_at=now, n=0)
        db.session.add(row)
    return row


def _is_over(began: datetime, now: datetime, window: timedelta) -> bool:
    if window == FOREVER:
        return False
    if window > MINUTE and switches.value("wechat.quota_day") == "calendar":
        kept = 7 if window == MONTH else 10  # characters of 2025-12-01
        return began.isoformat()[:kept] != now.isoformat()[:kept]
    return now - began >= window

"""Quotas: how often a thing may be done in a minute (from its first use on) or on a day."""

from datetime import datetime, timedelta

from sqlalchemy import select

from mock_providers import clock, switches
from mock_providers.db import db
from mock_providers.wechat.models import WechatUse

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

switches.declare(
    "wechat.quota_day",
    "calendar",
    ("calendar", "rolling"),
    kind="choice",
    source="wechat.md §1.2",
    why="whether a daily quota starts at midnight (+08:00) or with the first call is not published",
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


def last(name: str) -> datetime | None:
    """When the quota was last used."""
    return db.session.scalar(select(WechatUse.last_at).where(WechatUse.name == name))


def _row(name: str, now: datetime) -> WechatUse:
    row = db.session.scalar(select(WechatUse).where(WechatUse.name == name).with_for_update())
    if row is None:
        row = WechatUse(name=name, began_at=now, last_at=now, n=0)
        db.session.add(row)
    return row


def _is_over(began: datetime, now: datetime, window: timedelta) -> bool:
    if window == DAY and switches.value("wechat.quota_day") == "calendar":
        return began.date() != now.date()
    return now - began >= window

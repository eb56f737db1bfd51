"""Pushed messages on their way out: signed afresh for every try, the message the same each time.

What a try makes up (nonce, padding) follows from the push token, the event, the number of the try and its time.
"""

import hmac
from datetime import datetime
from typing import Any

from mock_providers.webhooks import ladders
from mock_providers.webhooks.models import Event
from mock_providers.wechat import push_wire

SCHEDULE = ladders.schedule("wechat")  # an event carries its own pauses, see push.tell
Built = tuple[list[tuple[str, str]], bytes, dict[str, str]]


def build(event: Event, credentials: dict[str, Any], now: datetime) -> Built:
    """Headers, body, and the signed query that joins the address."""
    mode, form = event.about["mode"], event.about["form"]
    about_try = f"{event.notice_id}\x1f{getattr(event, 'tries', 0)}\x1f{now.isoformat()}"
    made = hmac.digest(credentials["push_token"].encode(), about_try.encode(), "sha512")
    stamp = (str(int(now.timestamp())), str(10**9 + (int.from_bytes(made[:4]) >> 2)), made[4:12].hex().encode())
    query, body = push_wire.pushed(event.plain, mode, form, credentials, stamp)
    headers = {
        "User-Agent": "Mozilla/4.0",
        "Accept": "*/*",
        "Content-Type": push_wire.CONTENT_TYPE[form],
        "Pragma": "no-cache",
    }
    return list(headers.items()), body, query


def judged(event: Event, credentials: dict[str, Any], status: int | None, body: bytes) -> tuple[bool, str]:
    """200 with `success`, with nothing, or with a reply that opens."""
    if status != 200:
        return accepted(status, (), body)
    why = push_wire.heard(body, event.about["mode"], credentials)
    return not why, why


def accepted(status: int | None, headers: Any, body: bytes) -> tuple[bool, str]:
    """What can be said without the keys."""
    if status == 200:
        return True, ""
    return False, "no answer" if status is None else f"HTTP {status} instead of 200"

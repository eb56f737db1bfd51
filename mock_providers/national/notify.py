"""6302 结算结果通知 on its way out. The retry schedule is SIM: 15 s, 60 s, 300 s, then hourly, 24 tries in all."""

from datetime import datetime
from typing import Any

from mock_providers.national import wire
from mock_providers.webhooks import ladders
from mock_providers.webhooks.models import Event

SCHEDULE = ladders.schedule("national")


def build(event: Event, credentials: dict[str, Any], now: datetime) -> tuple[list[tuple[str, str]], bytes]:
    """The notice as one try sends it: the encrypted message, signed by the platform, or plain JSON.

    `event.about` says which (`form`), under which SM2 `user_id` and with what form of `timestamp`, as it was when the
    event happened.
    """
    headers = [("Content-Type", "application/json;charset=UTF-8")]
    if event.about.get("form") == "plain":
        return headers, wire.compact(event.plain).encode()
    mip = credentials["mip"]
    keys = (mip["app_id"], mip["app_secret"], mip["platform_private_key"], mip["public_key"])
    how = {"user_id": event.about.get("user_id", "appSecret"), "timestamp": event.about.get("timestamp", "either")}
    party = wire.Party(*keys, **how)
    return headers, wire.seal(event.plain, party, round(now.timestamp() * 1000))


def accepted(status: int | None, headers: Any, body: bytes) -> tuple[bool, str]:
    """HTTP 200 is the whole acknowledgement; its body is not standardised."""
    if status == 200:
        return True, ""
    return False, "no answer" if status is None else f"HTTP {status} instead of 200"

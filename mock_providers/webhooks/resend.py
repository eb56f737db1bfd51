"""One more attempt a tester asked for: as it was or edited, signed afresh, with an old time, or with a wrong key."""

import copy
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

from mock_providers import keys
from mock_providers.webhooks import edits

SIGNATURES = ("fresh", "stale", "wrong_key")
STALE = timedelta(minutes=10)
SHARED = ("push_token", "encoding_aes_key")


def altered(
    event: Any, credentials: dict[str, Any] | None, how: dict[str, Any] | None, now: datetime
) -> tuple[Any, Any, datetime]:
    """What to hand to the vendor's `build` for a delivery sent `how`; unchanged for an ordinary one."""
    if not how:
        return event, credentials, now
    if how.get("edit"):
        event = copy.copy(event)
        event.plain = edits.edited(event.plain, how["edit"])
    if how.get("signature") == "wrong_key" and credentials is not None:
        credentials = _with_wrong_keys(credentials)
    return event, credentials, now - STALE if how.get("signature") == "stale" else now


def _with_wrong_keys(credentials: dict[str, Any]) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    for name, value in credentials.items():
        if isinstance(value, dict):
            wrong[name] = _with_wrong_keys(value)
        elif name.endswith("private_key"):
            wrong[name] = keys.strangers_pem() if "PRIVATE KEY" in value else b64encode(b"\x01" * 32).decode()
        elif name in SHARED:
            wrong[name] = value.swapcase()
        else:
            wrong[name] = value
    return wrong

"""`/_mock/ladders`: how often and when each vendor tells a fact again, with source and switch."""

from typing import Any

from flask import Blueprint

from mock_providers import switches
from mock_providers.control.door import Strict, route, text
from mock_providers.webhooks import ladders
from mock_providers.webhooks.ladders import Ladder

bp = Blueprint("control_ladders", __name__)


class Which(Strict):
    vendor = text(20)


def ladder_line(one: Ladder) -> dict[str, Any]:
    steps = one.steps()
    at = ladders.instants(steps)
    return {
        "vendor": one.vendor,
        "product": one.product,
        "what": one.what,
        "pauses": list(steps),
        "at": at,
        "attempts": len(at),
        "total_seconds": at[-1],
        "words": " ".join(map(ladders.words, steps)) or "none",
        "says": f"{len(at)} attempts within {ladders.words(at[-1])}",
        "moved": steps != ladders.parse(one.pauses),
        "switches": {name: switches.value(name) for name in one.moved_by},
        "source": one.source,
        "evidence": one.evidence,
        "why": one.why,
    }


@route(bp, "GET", "/ladders", query=Which)
def list_ladders(asked: dict[str, Any]) -> dict[str, Any]:
    """Every vendor's ladder by product (event type; empty: all others), as the switches of this space stand."""
    wanted = [one for one in ladders.LADDERS.values() if asked.get("vendor") in (None, one.vendor)]
    return {"items": [ladder_line(one) for one in wanted], "next": None}

"""How soon receivers answer, against what the vendor allows: computed from the newest attempts when somebody asks."""

from collections import defaultdict
from math import ceil
from typing import Any

from sqlalchemy import select

from mock_providers.db import current_space, db
from mock_providers.retention import alive
from mock_providers.webhooks import receivers
from mock_providers.webhooks.models import Attempt, Delivery, Event

USUAL, MOST = 1_000, 20_000
TIMED_OUT = "no answer within"
Key = tuple[str, str, int | None]


def percentile(sorted_ms: list[float], percent: int) -> float | None:
    """The nearest rank; None of nothing."""
    return sorted_ms[ceil(len(sorted_ms) * percent / 100) - 1] if sorted_ms else None


def summary(vendor: str, tries: list[tuple[float, bool, bool, bool]]) -> dict[str, Any]:
    """`tries`: (ms, answered, accepted, timed out). Times are of answers; no answer in time is over the limit too."""
    known = receivers.of(vendor)
    limit = known.reply_seconds * 1000 if known else None
    answered = sorted(ms for ms, was, _, _ in tries if was)
    over = sum(late or (limit is not None and was and ms > limit) for ms, was, _, late in tries)
    accepted = sum(good for _, _, good, _ in tries)
    return {
        "attempts": len(tries),
        "answered": len(answered),
        "accepted_percent": round(100 * accepted / len(tries), 1) if tries else None,
        "p50_ms": percentile(answered, 50),
        "p95_ms": percentile(answered, 95),
        "max_ms": answered[-1] if answered else None,
        "over_limit": over,
        "limit_ms": limit,
        "limit_source": f"{known.source} ({known.evidence})" if known else None,
    }


def read(last: int = USUAL) -> dict[Key, dict[str, Any]]:
    """By (vendor, address, endpoint): the newest `last` attempts of this space.

    Attempts with a fault are left out: how long they take is our doing.
    """
    attempt, delivery, event = Attempt.__table__.c, Delivery.__table__.c, Event.__table__.c
    newest = select(attempt.id).where(attempt.space == current_space(), alive(Attempt)).order_by(attempt.id.desc())
    wanted = (
        select(attempt.ms, attempt.status, attempt.accepted, attempt.reason, attempt.fault)
        .add_columns(attempt.url.label("sent_to"), delivery.url, delivery.endpoint_id, event.vendor)
        .select_from(Attempt.__table__)
        .join(Delivery.__table__, delivery.id == attempt.delivery_id)
        .join(Event.__table__, event.id == delivery.event_id)
        .where(attempt.id.in_(newest.limit(last)))
    )
    found: dict[Key, list[tuple[float, bool, bool, bool]]] = defaultdict(list)
    for row in db.session.execute(wanted):
        if not row.fault:
            late = row.status is None and row.reason.startswith(TIMED_OUT)
            its_own = row.sent_to.startswith(row.url)  # with the query a vendor signs; else it moved since
            key = (row.vendor, row.url if its_own else row.sent_to.partition("?")[0], row.endpoint_id)
            found[key].append((row.ms, row.status is not None, row.accepted, late))
    order = sorted(found, key=lambda key: (key[0], key[2] or 0, key[1]))
    return {key: summary(key[0], found[key]) for key in order}

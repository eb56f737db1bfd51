"""Before an event: with the switch `control.checkpoints` at N the space is saved each time one is emitted, and the
last N of these are kept.

The event's own transaction is not committed then, so what is read is exactly the state before it.
"""

from typing import Any

from flask import current_app

from mock_providers import switches
from mock_providers.db import current_space
from mock_providers.snapshots import keeper
from mock_providers.webhooks import models
from mock_providers.webhooks.models import Delivery, Event

MOST = 50

switches.declare(
    "control.checkpoints",
    "0",
    (),
    kind="choice",
    source="architecture B.3",
    why="how many of the last events of a space one can rewind to exactly; each costs a copy of the space, so 0",
    check=lambda value: "" if value.isdecimal() and int(value) <= MOST else f"a whole number up to {MOST}",
)


def before(event: Event, deliveries: list[Delivery]) -> None:
    """Save the space as it is committed, if it is wanted."""
    wanted = int(switches.value("control.checkpoints"))
    if not wanted:
        return
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    space = current_space()
    place = keeper.of(app, space)
    place.grew(keeper.write(app, space, place.event_folder(event.id), automatic=True))
    place.keep_events(wanted)


def init() -> None:
    """Look at every event, once in a process."""
    if before not in models.ON_EMIT:
        models.ON_EMIT.append(before)

"""Which policy holds for the work at hand: the version in force on the business date, unless one is pinned."""

from flask import current_app, g

from yibao import clock, policy
from yibao.errors import Refused


def current() -> policy.Policy:
    """The policy of today (or the pinned one); audit rows written from here on carry its version.

    Raises Refused STATE_CONFLICT before the first version begins.
    """
    pinned = current_app.config["SETTINGS"].policy_version
    try:
        found = policy.at(current_app.extensions["policies"], clock.now().date(), pinned)
    except LookupError as error:
        raise Refused("STATE_CONFLICT", f"{error}; the region's first version begins later") from error
    g.policy_version = found.version
    return found


def version(name: str) -> policy.Policy:
    """The policy an order or binding was made under."""
    return policy.at(current_app.extensions["policies"], clock.now().date(), name)

"""Which policy holds for the work at hand: the version in force on the business date, unless one is pinned."""

from flask import current_app, g

from yibao import clock, policy


def current() -> policy.Policy:
    """The policy of today (or the pinned one); audit rows written from here on carry its version."""
    pinned = current_app.config["SETTINGS"].policy_version
    found = policy.at(current_app.extensions["policies"], clock.now().date(), pinned)
    g.policy_version = found.version
    return found


def version(name: str) -> policy.Policy:
    """The policy an order or binding was made under."""
    return policy.at(current_app.extensions["policies"], clock.now().date(), name)

"""Which web pages may talk to us and be sent back to: those of this machine, and those the settings name."""

import re

from flask import current_app

LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)


def allowed(origin: str) -> bool:
    """Whether a page of this origin is one of ours."""
    return bool(LOOPBACK.fullmatch(origin)) or origin in current_app.config["SETTINGS"].cors_origins

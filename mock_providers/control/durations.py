"""How long: `90s`, `15m`, `2h`, `3d`, `1h30m`, ISO 8601 `PT2H`, or seconds as a number or digits. Pure."""

import re
from datetime import timedelta

SHORT = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9}(?:\.\d{1,3})?)s)?", re.ASCII)
ISO = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?", re.ASCII)
PLAIN = re.compile(r"\d{1,10}(?:\.\d{1,3})?", re.ASCII)
LONGEST = timedelta(days=36_600)


def parse(given: str | float) -> timedelta | None:
    """The length of time, or None if it is none, negative, or more than a century."""
    if isinstance(given, str) and PLAIN.fullmatch(given):
        given = float(given)
    if isinstance(given, str):
        found = (ISO if given.startswith("P") else SHORT).fullmatch(given)
        if not found or not any(found.groups()):
            return None
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    elif isinstance(given, bool) or not 0 <= given <= LONGEST.total_seconds():
        return None
    else:
        length = timedelta(seconds=given)
    return length if length <= LONGEST else None

"""The vendors' retry ladders: data (ladders.toml) with a source and a switch each.

A list of pauses reads `15s 15s 30s 3m 20x1h`, or `none`.
"""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import accumulate

from mock_providers import switches
from mock_providers.control import durations

MOST = 100
PART = re.compile(r"(?:([1-9][0-9]?)x)?(\S+)", re.ASCII)


class Wrong(ValueError):
    """No list of pauses."""


@dataclass(frozen=True)
class Ladder:
    """How one product of a vendor is told again. At most one of switch, instead, counted moves it."""

    vendor: str
    product: str
    what: str
    pauses: str
    source: str
    evidence: str
    why: str
    switch: str = ""
    instead: dict[str, str] = field(default_factory=dict)
    counted: dict[str, str] = field(default_factory=dict)

    @property
    def moved_by(self) -> tuple[str, ...]:
        """The switches that move it."""
        if self.counted:
            return self.counted["times"], self.counted["seconds"]
        return (self.switch or self.instead["switch"],)

    def steps(self) -> tuple[int, ...]:
        """The pauses in seconds as the switches of the current space stand."""
        if self.counted:
            times, seconds = (int(switches.value(self.counted[name])) for name in ("times", "seconds"))
            return (seconds,) * times
        if self.switch:
            return parse(switches.value(self.switch))
        if switches.value(self.instead["switch"]) == self.instead["value"]:
            return LADDERS[self.vendor, ""].steps()
        return parse(self.pauses)


@cache
def parse(text: str) -> tuple[int, ...]:
    """Pauses in whole seconds. Raises Wrong."""
    if text.strip() == "none":
        return ()
    found: list[int] = []
    for part in text.split():
        said = PART.fullmatch(part)
        length = durations.parse(said[2]) if said else None
        if not said or length is None or length.total_seconds() % 1 or not 1 <= length.total_seconds() <= 864_000:
            raise Wrong(f"{part[:40]!r} is no pause; say for example `15s 15s 3m 20x1h`, or `none`")
        found += [int(length.total_seconds())] * int(said[1] or 1)
    if not 0 < len(found) <= MOST:
        raise Wrong(f"1 to {MOST} pauses such as `15s 15s 3m 20x1h`, or `none`")
    return tuple(found)


def wrong(text: str) -> str:
    """Why a text is no list of pauses; empty if it is one."""
    try:
        parse(text)
    except Wrong as error:
        return str(error)
    return ""


def _read() -> dict[tuple[str, str], Ladder]:
    given = tomllib.loads((files(__package__) / "ladders.toml").read_text("utf-8"))["ladder"]
    found = [Ladder(**one) for one in given]
    for one in found:
        parse(one.pauses)
        if one.switch:
            about = {"kind": "choice", "source": one.source, "why": one.why}
            switches.declare(one.switch, one.pauses, (), check=wrong, **about)
    return {(one.vendor, one.product): one for one in found}


LADDERS = _read()


def schedule(vendor: str) -> dict[str, tuple[int, ...]]:
    """A vendor's ladders as its documents have them: by product, "" for all others."""
    return {one.product: parse(one.pauses) for one in LADDERS.values() if one.vendor == vendor}


def pauses(vendor: str, product: str) -> tuple[int, ...] | None:
    """The ladder in force in the current space; None for a vendor that has none here."""
    one = LADDERS.get((vendor, product)) or LADDERS.get((vendor, ""))
    return one.steps() if one else None


def instants(steps: tuple[int, ...]) -> list[int]:
    """Seconds from the first attempt to each attempt."""
    return list(accumulate(steps, initial=0))


def words(seconds: float) -> str:
    """A length of time as people write it: 24h4m."""
    rest, text = int(seconds), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if unit == "d" and rest < 2 * size:
            continue
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"

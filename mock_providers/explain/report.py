"""What an explanation says, and what it never shows."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_providers.explain.causes import TABLE
from mock_providers.explain.differ import first_difference, shown

ID_LIKE = re.compile(rb"(?<!\d)(?!469099)[1-9]\d{5}(?:19|20)\d\d[01]\d[0-3]\d\d{3}[\dXx](?!\d)")
OK, WRONG, UNREADABLE, UNSIGNED, NOT_CHECKED = "ok", "wrong", "unreadable", "unsigned", "not_checked"


class Mask:
    """Puts stars over secrets and over ID numbers that may be a real person's; every byte keeps its place."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = sorted({one.encode() for one in secrets if len(one) >= 8}, key=len, reverse=True)

    def __call__(self, given: bytes) -> bytes:
        for secret in self.secrets:
            given = given.replace(secret, b"*" * len(secret))
        return ID_LIKE.sub(lambda found: b"*" * len(found[0]), given)

    def text(self, given: str) -> str:
        return self(given.encode(errors="surrogateescape")).decode(errors="backslashreplace")

    def tree(self, given: Any) -> Any:
        if isinstance(given, dict):
            return {self.text(str(name)): self.tree(value) for name, value in given.items()}
        if isinstance(given, list | tuple):
            return [self.tree(value) for value in given]
        return self.text(given) if isinstance(given, str) else given


@dataclass
class Report:
    """One explanation. `causes` are names of the table of causes, the likeliest first.

    `string_to_sign` is built from the bytes on the wire; `first_difference` holds it against what was really signed.
    """

    subject: str
    verdict: str = NOT_CHECKED
    says: str = ""
    mask: Mask = field(default_factory=Mask)
    message: bytes | None = None
    expected: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    first_difference: dict[str, Any] | None = None
    found: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def blame(self, *names: str) -> "Report":
        """Something is wrong, probably for this reason."""
        self.found += [name for name in names if name not in self.found]
        if names and self.verdict in (OK, NOT_CHECKED):
            self.verdict = WRONG
        return self

    def differs(self, signed: bytes) -> None:
        """What was signed is this, not `message`."""
        self.first_difference = first_difference(self.message or b"", signed, self.mask)

    def document(self) -> dict[str, Any]:
        """The answer of the control API."""
        likely = [TABLE[name].document() for name in self.found]
        says = self.says or (likely[0]["says"] if likely else "")
        plain = {
            "subject": self.subject,
            "verdict": self.verdict,
            "says": says,
            "string_to_sign": lines(self.message, self.mask),
            "expected": self.expected,
            "shown": self.shown,
            "facts": self.facts,
            "steps": self.steps,
        }
        return {**self.mask.tree(plain), "first_difference": self.first_difference, "causes": likely}


SKEW_SECONDS = 300


def clock(report: Report, stamp: str, wall: int | None, digits: int = 10) -> None:
    """Whether a timestamp is a number in the right unit (10 digits: seconds, 13: milliseconds) and of our time."""
    if not (stamp.isascii() and stamp.isdecimal()):
        report.blame("timestamp_no_number")
    elif len(stamp) != digits:
        report.blame("timestamp_ms" if len(stamp) > digits else "timestamp_seconds")
    elif wall is not None:
        ahead(report, int(stamp) // 10 ** (digits - 10) - wall)


def ahead(report: Report, seconds: int) -> None:
    """By how much the sender's clock is before the receiver's."""
    says = f"the timestamp is {seconds:+d} s from the receiver's wall clock; {SKEW_SECONDS} s are let pass"
    report.facts["clock"] = says
    if abs(seconds) > SKEW_SECONDS:
        report.blame("clock_ahead" if seconds > 0 else "clock_behind")


def lines(message: bytes | None, mask: Mask) -> list[str]:
    """The lines of a string to sign, without the line feeds that end them."""
    if message is None:
        return []
    rows = mask(message).split(b"\n")
    return [shown(row) for row in (rows[:-1] if len(rows) > 1 and not rows[-1] else rows)]


def joined(rows: Sequence[str]) -> str:
    return "; ".join(row for row in rows if row)

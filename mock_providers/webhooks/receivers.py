"""What each vendor settles with a receiver (receivers.toml): its reply time, the keys that may be its own, the form.

No I/O but reading that file. What may be set is refused in words that say what would be right.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Wrong(ValueError):
    """What cannot be set: field → sentence."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(f"{wrong}")
        self.wrong = dict(wrong)


@dataclass(frozen=True)
class Credential:
    """A key a receiver may have for itself. `path` is its place in the account's credentials."""

    path: str
    pattern: str
    length: int
    says: str
    source: str
    secret: bool = True

    def made_of(self, randomness: bytes) -> str:
        """One of letters and digits."""
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in randomness)[: self.length]


@dataclass(frozen=True)
class Option:
    """How a receiver is told. `member` of an event's `about` decides it."""

    member: str
    values: tuple[str, ...]
    says: str
    source: str


@dataclass(frozen=True)
class Terms:
    """What a vendor settles with its receivers."""

    vendor: str
    reply_seconds: float
    source: str
    evidence: str
    credentials: Mapping[str, Credential]
    options: Mapping[str, Option]

    def check(self, credentials: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Raises Wrong."""
        wrong: dict[str, str] = {}
        for name, value in credentials.items():
            known = self.credentials.get(name)
            if known is None:
                own = ", ".join(self.credentials)
                wrong[f"credentials.{name[:40]}"] = f"a receiver of {self.vendor} may have its own {own}"
            elif not isinstance(value, str) or not re.fullmatch(known.pattern, value):
                wrong[f"credentials.{name}"] = f"{_shape(value, known.length)}; wanted {known.says} ({known.source})"
        for name, value in options.items():
            choice = self.options.get(name)
            if choice is None:
                wrong[f"options.{name[:40]}"] = f"for {self.vendor} there are {', '.join(self.options)}"
            elif value not in choice.values:
                wrong[f"options.{name}"] = f"one of {', '.join(choice.values)} ({choice.says})"
        if wrong:
            raise Wrong(wrong)

    def shown(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Enough to recognise, not enough to use."""
        return {
            name: f"{value[:2]}… ({len(value)} characters)" if self.credentials[name].secret else value
            for name, value in credentials.items()
        }

    def about(self, options: Mapping[str, str]) -> dict[str, str]:
        """Options as the members of `about` they are."""
        return {self.options[name].member: value for name, value in options.items() if name in self.options}

    def merged(self, held: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, Any]:
        """The account's credentials with a receiver's own in their places."""
        made = dict(held)
        for name, value in own.items():
            place, _, leaf = self.credentials[name].path.rpartition(".")
            if place:
                made[place] = {**made[place], leaf: value}
            else:
                made[leaf] = value
        return made


def _shape(value: Any, length: int) -> str:
    """What is wrong with what was given, without giving it away."""
    if not isinstance(value, str):
        return "is no text"
    return f"has {len(value)} characters" if len(value) != length else "has a character that cannot be in it"


@cache
def terms() -> dict[str, Terms]:
    """By vendor."""
    given = tomllib.loads((files(__package__) / "receivers.toml").read_text("utf-8"))["receiver"]
    found = {}
    for one in given:
        credentials = {name: Credential(**about) for name, about in one.pop("credentials").items()}
        options = {
            name: Option(**{**about, "values": tuple(about["values"])}) for name, about in one.pop("options").items()
        }
        found[one["vendor"]] = Terms(**one, credentials=credentials, options=options)
    return found


def of(vendor: str) -> Terms | None:
    """A vendor's terms; None for one that has none here."""
    return terms().get(vendor)

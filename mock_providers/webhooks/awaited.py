"""What a vendor will tell, or would: asked when no callback has come. Each vendor answers for its own numbers."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Awaited:
    """A fact that was not told yet, or never will be. `type` is empty where nothing will be told.

    `when`: what makes it happen; `how`: the command or call that does; `hindered`: why it is not told although it
    has happened, or will not be when it does.
    """

    vendor: str
    number: str
    what: str
    type: str = ""
    when: str = ""
    how: str = ""
    hindered: str = ""


ASK: dict[str, Callable[[str], list[Awaited]]] = {}
NUMBERS: dict[str, Callable[[], list[str]]] = {}


def answers(
    vendor: str, numbers: Callable[[], list[str]]
) -> Callable[[Callable[[str], list[Awaited]]], Callable[[str], list[Awaited]]]:
    """Register who knows a vendor's numbers. `numbers` gives the newest few hundred."""

    def register(ask: Callable[[str], list[Awaited]]) -> Callable[[str], list[Awaited]]:
        ASK[vendor], NUMBERS[vendor] = ask, numbers
        return ask

    return register


def of(number: str) -> list[Awaited]:
    """What all vendors say of a number."""
    return [one for ask in ASK.values() for one in ask(number)]


def numbers() -> list[str]:
    """Numbers the vendors know, each once."""
    return list(dict.fromkeys(number for known in NUMBERS.values() for number in known()))

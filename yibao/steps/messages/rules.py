"""Which facts are told to whom, what the words become, and where a message stands. No I/O; time comes in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from yibao.errors import Refused
from yibao.money import yuan

# (state table, event): the purpose of the message
FACTS = {
    ("binding", "activate"): "binding_done",
    ("binding", "ask_face"): "invitation",
    ("binding", "come_of_age"): "invitation",
    ("settlement", "all_paid"): "settlement",
    ("settlement", "refunded"): "refund",
}
# SENDING is written before the call: what is found in it later was cut off and is not sent a second time
NEXT = {
    ("PLANNED", "send"): "SENDING",
    ("PLANNED", "drop"): "DROPPED",
    ("SENDING", "sent"): "SENT",
    ("SENDING", "not_subscribed"): "NOT_SUBSCRIBED",
    ("SENDING", "refused"): "FAILED",
    ("SENDING", "no_answer"): "UNKNOWN",
    ("SENDING", "cut_off"): "UNKNOWN",
}
PURPOSES = ("binding_done", "invitation", "settlement", "refund")
PLACES = {
    "binding_done": {"relative", "at"},
    "invitation": {"binder", "at"},
    "settlement": {"institution", "total", "insured", "cash", "at"},
    "refund": {"institution", "total", "at"},
}
PLACE = re.compile(r"\{([a-z]+)\}")
NOT_SUBSCRIBED = "43101"
THING_AT_MOST = 20
PHRASE_AT_MOST = 5


class BadMessage(ValueError):
    """messages.toml says something it must not; the message names the key."""


@dataclass(frozen=True)
class Wording:
    """One purpose: the template's title and kind, the page behind the card, the words of every keyword."""

    purpose: str
    title: str
    once: bool
    page: str
    data: Mapping[str, str]

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """What each keyword says. Raises KeyError for a missing value."""
        said = {key: PLACE.sub(lambda place: values[place[1]], words) for key, words in self.data.items()}
        return {key: thing(words) if key.startswith("thing") else words for key, words in said.items()}


def move(state: str, event: str) -> str:
    """The state after an event. Raises Refused STATE_CONFLICT."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise Refused("STATE_CONFLICT", f"a message in {state} cannot {event}") from None


def wordings(given: Mapping[str, Mapping[str, object]]) -> dict[str, Wording]:
    """The content of messages.toml, checked. Raises BadMessage."""
    if tuple(given) != PURPOSES:
        raise BadMessage(f"messages.toml: {list(given)} instead of {list(PURPOSES)}")
    return {purpose: _wording(purpose, one) for purpose, one in given.items()}


def _wording(purpose: str, given: Mapping[str, object]) -> Wording:
    made = Wording(purpose=purpose, **given)  # type: ignore[arg-type]
    if set(PLACE.findall("".join(made.data.values()))) != PLACES[purpose]:
        raise BadMessage(f"messages.toml: {purpose}.data: the placeholders are {sorted(PLACES[purpose])}")
    if "样例" not in made.title:
        raise BadMessage(f"messages.toml: {purpose}.title: 样例 must be visible")
    for key, words in made.data.items():
        at_most = PHRASE_AT_MOST if key.startswith("phrase") else THING_AT_MOST
        if not PLACE.search(words) and len(words) > at_most:
            raise BadMessage(f"messages.toml: {purpose}.data.{key}: longer than {at_most} characters")
    return made


def thing(text: str) -> str:
    """At most 20 characters on one line, as a `thing` of a template is."""
    line = " ".join(text.split())
    return line if len(line) <= THING_AT_MOST else line[: THING_AT_MOST - 1] + "…"


def amount(fen: int) -> str:
    """¥53.40"""
    return f"¥{yuan(fen)}"


def instant(at: datetime) -> str:
    """2025年12月1日 10:00"""
    return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"

"""A plan in words: what becomes of the next events, one after the other. Pure: no clock, no database.

    hold 2          the second event waits until somebody lets it go
    swap 1 2        the second event is told first, then the first
    dup 3           the third is told once more under the same id
    drop 4          the fourth is not told
    delay 5 90s     the fifth is told 90 s later, in business time
    shuffle         all are told in another order, which follows from the space's seed
    shuffle 2-6     these are

Events are counted from 1 beginning with the next one. `2-4`, `1,3` and `all` name several. Words are separated
by `;` or lines, `#` begins a remark. Three more words say for which events and for how long:

    on ref A1 type REFUND.*     also vendor and person; a `*` at the end stands for anything
    next 6                      it ends after six events; without it, after the last one named
    until 2025-12-01T12:00:00+08:00, or `for 2h`: it ends then, and lets go what it still holds

An event that changes places leaves once the one that now goes before it was tried; others do not wait for it.
An event is in one fate: `hold`, `drop`, `delay`, or a change of order; `dup` goes with any of them but `drop`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mock_providers.control import durations

LONGEST_TEXT, MOST_EVENTS, MOST_ACTS, MOST_SHUFFLED = 2_000, 10_000, 200, 500
FATES = ("hold", "drop", "delay")
SCOPE = ("ref", "person", "vendor", "type")
NUMBER = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
RANGE = re.compile(r"([1-9][0-9]{0,4})-([1-9][0-9]{0,4})", re.ASCII)
WORD = re.compile(r"[^\s;=]+|=")
EXAMPLES = {
    "hold": "hold 2",
    "drop": "drop 4",
    "dup": "dup 3",
    "delay": "delay 5 90s",
    "swap": "swap 1 2",
    "shuffle": "shuffle, or shuffle 2-6",
    "on": "on ref A1, or on type REFUND.*",
    "next": "next 6",
    "until": "until 2025-12-01T12:00:00+08:00",
    "for": "for 2h",
}


class Wrong(ValueError):
    """The text is no plan; the message says where and what was wanted."""

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(f"line {line}, column {column}: {why}")
        self.line, self.column, self.why = line, column, why


@dataclass(frozen=True)
class Word:
    text: str
    line: int
    column: int

    def wrong(self, why: str) -> Wrong:
        return Wrong(self.line, self.column, why)


@dataclass(frozen=True)
class Act:
    """One word with its events, from `first` to `last` (None: to the end)."""

    verb: str
    first: int
    last: int | None
    said: Word
    seconds: float = 0
    other: int = 0

    def meets(self, position: int) -> bool:
        return self.first <= position and (self.last is None or position <= self.last)

    def __str__(self) -> str:
        return self.said.text


@dataclass(frozen=True)
class Block:
    """Events that wait for the last of them and then go in this order."""

    first: int
    order: tuple[int, ...]
    why: str

    @property
    def last(self) -> int:
        return self.first + len(self.order) - 1


@dataclass(frozen=True)
class Does:
    """What becomes of one event. fate: send, hold, drop, delay, wait. `goes`: now these leave, in this order."""

    fate: str = "send"
    seconds: float = 0
    twice: bool = False
    why: str = ""
    goes: tuple[int, ...] = ()

    @property
    def idle(self) -> bool:
        return self.fate == "send" and not self.twice


@dataclass(frozen=True)
class Plan:
    """A text that was understood. It ends after `size` events, at `until`, or `lasts` after it was made."""

    acts: tuple[Act, ...]
    scope: dict[str, str] = field(default_factory=dict)
    size: int | None = None
    until: datetime | None = None
    lasts: timedelta | None = None


def parse(
    text: str, scope: Mapping[str, str] | None = None, size: int | None = None, until: datetime | None = None
) -> Plan:
    """The plan a text describes; the rest may be said beside it. Raises Wrong."""
    said = read(text)
    beside = {name: value for name, value in (scope or {}).items() if value}
    for name in said.scope.keys() & beside.keys():
        raise Wrong(1, 1, f"{name} is said in the text and beside it")
    if size is not None and said.size is not None:
        raise Wrong(1, 1, "`next` is said in the text and beside it")
    if until is not None and (said.until or said.lasts):
        raise Wrong(1, 1, "when it ends is said in the text and beside it")
    plan = Plan(said.acts, {**said.scope, **beside}, said.size or size, said.until or until, said.lasts)
    last = max((act.last or act.first for act in plan.acts), default=0)
    if plan.size is None and plan.until is None and plan.lasts is None:
        for act in plan.acts:
            if act.last is None:
                raise act.said.wrong(f"{act} has no end; add `next 6`, `for 2h` or `until …`")
        plan = replace(plan, size=last)
    _fits(plan)
    _agree(plan)
    return plan


def read(text: str) -> Plan:
    """The words of a text, whether or not they make sense together. Raises Wrong."""
    if len(text) > LONGEST_TEXT:
        raise Wrong(1, LONGEST_TEXT + 1, f"a plan has at most {LONGEST_TEXT} characters")
    acts: list[Act] = []
    scope: dict[str, str] = {}
    ends: dict[str, Word] = {}
    for words in _sentences(text):
        verb = words[0]
        if verb.text == "on":
            _on(words, scope)
        elif verb.text in ("next", "until", "for"):
            _end(words, ends)
        elif verb.text in EXAMPLES:
            acts += _acts(words)
        else:
            raise verb.wrong(f"{verb.text[:40]!r} is no word of a plan; there are {', '.join(EXAMPLES)}")
    if not acts:
        raise Wrong(1, 1, f"nothing is to be done; say for example {EXAMPLES['hold']!r}")
    if len(acts) > MOST_ACTS:
        raise acts[MOST_ACTS].said.wrong(f"more than {MOST_ACTS} things at once")
    return Plan(tuple(acts), scope, *_ends(ends))


def _fits(plan: Plan) -> None:
    for act in plan.acts:
        if plan.size is not None and (act.last or act.first) > plan.size:
            raise act.said.wrong(f"{act} lies beyond the end, which is after {plan.size} events")
        if act.verb == "shuffle" and act.last is None and plan.size is None:
            raise act.said.wrong("shuffle must know how many: add `next 6` or say `shuffle 1-6`")
        if act.verb == "shuffle" and (plan.size == 1 or (plan.size or 2) > MOST_SHUFFLED):
            raise act.said.wrong(f"shuffle wants 2 to {MOST_SHUFFLED} events")


def does(plan: Plan, position: int, seed: bytes = b"") -> Does:
    """What becomes of the event at this position. `seed` decides how a shuffle falls."""
    fate, seconds, why = "send", 0.0, []
    twice = False
    goes: tuple[int, ...] = ()
    for act in plan.acts:
        if act.meets(position) and act.verb in FATES:
            fate, seconds = act.verb, act.seconds
            why.append(str(act))
        elif act.meets(position) and act.verb == "dup":
            twice = True
            why.append(str(act))
    for block in blocks(plan, seed):
        if block.first <= position <= block.last:
            if fate == "send":
                fate = "wait"
                why.append(block.why)
            if position == block.last:
                goes = block.order
    return Does(fate, seconds, twice, "; ".join(dict.fromkeys(why)), goes)


def blocks(plan: Plan, seed: bytes = b"") -> list[Block]:
    """Events whose order changes, in groups that do not touch each other; what lies between two swapped waits too.

    A shuffle is one group, so that all of it keeps to its order.
    """
    order: dict[int, int] = {}
    said: dict[int, str] = {}
    together: dict[int, int] = {}
    for act in plan.acts:
        if act.verb == "swap":
            there = [order.get(one, one) for one in (act.first, act.other)]
            order[act.first], order[act.other] = there[1], there[0]
            said |= {act.first: str(act), act.other: str(act)}
        elif act.verb == "shuffle":
            last = plan.size if act.last is None else act.last
            assert last is not None
            positions = list(range(act.first, last + 1))
            order |= dict(zip(positions, shuffled(positions, seed), strict=True))
            said |= dict.fromkeys(positions, str(act))
            together[act.first] = last
    found: list[Block] = []
    reach, start = 0, 0
    for position in range(1, max(order, default=0) + 1):
        if not start:
            start, reach = position, position
        reach = max(reach, order.get(position, position), together.get(position, position))
        if position == reach:
            if position > start:
                went = tuple(order.get(one, one) for one in range(start, position + 1))
                why = "; ".join(dict.fromkeys(said[one] for one in range(start, position + 1) if one in said))
                found.append(Block(start, went, why))
            start = 0
    return found


def shuffled(positions: Sequence[int], seed: bytes) -> list[int]:
    """Another order of them: the same for the same seed, and never the order they had."""
    order = sorted(positions, key=lambda one: hashlib.sha256(seed + str(one).encode()).digest())
    return [*order[1:], order[0]] if order == list(positions) else order


def _sentences(text: str) -> Iterator[list[Word]]:
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].replace("\uff1b", ";")
        start = 0
        for part in line.split(";"):
            words = [Word(found[0], number, start + found.start() + 1) for found in WORD.finditer(part)]
            if words:
                yield words
            start += len(part) + 1


def _acts(words: list[Word]) -> list[Act]:
    verb, *given = words
    said = Word(" ".join(word.text for word in words), verb.line, verb.column)
    seconds = 0.0
    if verb.text == "swap":
        numbers = [_number(word, verb) for word in given]
        if len(numbers) != 2:
            raise verb.wrong(f"swap wants two events, such as {EXAMPLES['swap']!r}")
        if numbers[0] == numbers[1]:
            raise given[1].wrong(f"event {numbers[1]} cannot be swapped with itself")
        return [Act("swap", min(numbers), max(numbers), said, other=max(numbers))]
    if verb.text == "delay":
        length = durations.parse(given[-1].text) if len(given) > 1 else None
        if length is None:
            where = given[-1] if len(given) > 1 else verb
            raise where.wrong(f"delay wants events and how long, such as {EXAMPLES['delay']!r}")
        if not length:
            raise given[-1].wrong(f"{given[-1].text} is no delay; say {EXAMPLES['delay']!r}")
        seconds = length.total_seconds()
        given = given[:-1]
    if not given and verb.text != "shuffle":
        raise verb.wrong(f"{verb.text} wants the number of an event, such as {EXAMPLES[verb.text]!r}")
    if not given or given[0].text == "all":
        if len(given) > 1:
            raise given[1].wrong("nothing more can be named after `all`")
        return [Act(verb.text, 1, None, said, seconds)]
    spans = [span for word in given for span in _spans(word, verb)]
    if verb.text == "shuffle" and (len(spans) > 1 or spans[0][0] == spans[0][1]):
        raise given[0].wrong("shuffle wants one range of at least two, such as `shuffle 2-6`")
    return [Act(verb.text, first, last, said, seconds) for first, last in spans]


def _spans(word: Word, verb: Word) -> Iterator[tuple[int, int]]:
    for part in word.text.split(","):
        if found := RANGE.fullmatch(part):
            first, last = int(found[1]), int(found[2])
            if first > last:
                raise word.wrong(f"{part} runs backwards")
        else:
            first = last = _number(Word(part, word.line, word.column), verb)
        if last > MOST_EVENTS:
            raise word.wrong(f"events are counted up to {MOST_EVENTS}")
        yield first, last


def _number(word: Word, verb: Word) -> int:
    if not NUMBER.fullmatch(word.text) or int(word.text) > MOST_EVENTS:
        wanted = f"an event is a number from 1 to {MOST_EVENTS}, such as in {EXAMPLES[verb.text]!r}"
        raise word.wrong(f"{word.text[:40]!r} is none: {wanted}")
    return int(word.text)


def _on(words: list[Word], scope: dict[str, str]) -> None:
    verb, *given = [word for word in words if word.text != "="]
    if not given:
        raise verb.wrong(f"on wants {', '.join(SCOPE)} and a value, such as {EXAMPLES['on']!r}")
    for key, value in zip(given[::2], [*given[1::2], None], strict=False):
        if key.text not in SCOPE:
            raise key.wrong(f"{key.text[:40]!r} is nothing events are told apart by: {', '.join(SCOPE)}")
        if value is None:
            raise key.wrong(f"on {key.text} wants a value, such as {EXAMPLES['on']!r}")
        if key.text in scope:
            raise key.wrong(f"{key.text} is said twice")
        if len(value.text) > 64:
            raise value.wrong("a value has at most 64 characters")
        scope[key.text] = value.text


def _end(words: list[Word], ends: dict[str, Word]) -> None:
    verb, *given = words
    if len(given) != 1:
        raise verb.wrong(f"{verb.text} wants one thing, such as {EXAMPLES[verb.text]!r}")
    if verb.text in ends:
        raise verb.wrong(f"{verb.text} is said twice")
    ends[verb.text] = given[0]


def _ends(ends: dict[str, Word]) -> tuple[int | None, datetime | None, timedelta | None]:
    if "until" in ends and "for" in ends:
        raise ends["for"].wrong("`for` and `until` both say when it ends")
    size = _number(ends["next"], Word("next", 0, 0)) if "next" in ends else None
    until = lasts = None
    if word := ends.get("until"):
        try:
            until = datetime.fromisoformat(word.text)
        except ValueError as error:
            raise word.wrong(f"{word.text[:40]!r} is no instant; say {EXAMPLES['until']!r}") from error
        if until.tzinfo is None:
            raise word.wrong("the instant says no offset; +08:00 is China")
        if not 1970 < until.year < 2200:
            raise word.wrong("between 1971 and 2199")
    if word := ends.get("for"):
        lasts = durations.parse(word.text)
        if not lasts:
            raise word.wrong(f"{word.text[:40]!r} is no length of time; say {EXAMPLES['for']!r}")
    return size, until, lasts


def _agree(plan: Plan) -> None:
    """Raises Wrong where two words say different things of one event."""
    fates = [act for act in plan.acts if act.verb in (*FATES, "swap", "shuffle")]
    for number, act in enumerate(fates):
        for earlier in fates[:number]:
            if (both := _clash(earlier, act)) is not None:
                raise act.said.wrong(f"{act} contradicts {earlier}: both decide about event {both}")
    dups = [act for act in plan.acts if act.verb == "dup"]
    for number, act in enumerate(dups):
        for earlier in dups[:number]:
            if (both := _clash(earlier, act)) is not None:
                raise act.said.wrong(f"{act} repeats {earlier}: event {both} is told once more, not oftener")
        for other in fates:
            if other.verb == "drop" and (both := _clash(act, other)) is not None:
                raise act.said.wrong(f"{act} contradicts {other}: event {both} is not told at all")


def _clash(one: Act, other: Act) -> int | None:
    """An event both decide about. A swap decides about its two; two swaps may follow each other."""
    if one.verb == other.verb == "swap":
        return None
    mine = {one.first, one.other} if one.verb == "swap" else None
    theirs = {other.first, other.other} if other.verb == "swap" else None
    if mine is not None:
        return next((place for place in sorted(mine) if other.meets(place)), None)
    if theirs is not None:
        return next((place for place in sorted(theirs) if one.meets(place)), None)
    first = max(one.first, other.first)
    return first if one.meets(first) and other.meets(first) else None

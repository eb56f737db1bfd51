"""Trying mistakes: none, one, then two at a time, until one explains what was signed."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

BYTES_AT_MOST = 48_000_000
TRIES_AT_MOST = 60_000
PAIRED_AT_MOST = 32
HASHED_AT_MOST = 240_000_000
LIKELY = frozenset(range(32, 127)) | {9, 10, 13}


class Variant(NamedTuple):
    """One way a part may have been when it was signed; no names: as it should be."""

    names: tuple[str, ...]
    value: Any


class Found(NamedTuple):
    names: tuple[str, ...]
    made: Any


Dimension = Sequence[Variant]


def right(value: Any) -> Variant:
    return Variant((), value)


def variants(value: Any, *others: tuple[str, Any]) -> list[Variant]:
    """The right value, then named wrong ones that differ from it and from one another."""
    found, seen = [right(value)], [value]
    for name, other in others:
        if other is not None and other not in seen:
            seen.append(other)
            found.append(Variant((name,), other))
    return found


def search(
    dimensions: Sequence[Dimension], make: Callable[..., Any], fits: Callable[[Any], bool], depth: int = 2
) -> Found | None:
    """The fewest mistakes that fit. The first variant of each is the right one; the last of many are tried alone."""
    straight = [dimension[0].value for dimension in dimensions]
    spent = 0
    for tried, (names, values) in enumerate(_choices(dimensions, straight, depth)):
        made = make(*values)
        spent += len(made)
        if fits(made):
            return Found(names, made)
        if spent > BYTES_AT_MOST or tried > TRIES_AT_MOST:
            return None
    return None


def _choices(
    dimensions: Sequence[Dimension], straight: list[Any], depth: int
) -> Iterable[tuple[tuple[str, ...], list]]:
    yield (), straight
    for count in range(1, depth + 1):
        for which in combinations(range(len(dimensions)), count):
            yield from _product(dimensions, straight, which, count == 1)


def _product(
    dimensions: Sequence[Dimension], straight: list[Any], which: tuple[int, ...], alone: bool = False
) -> Iterable[tuple]:
    first, rest = which[0], which[1:]
    for variant in dimensions[first][1 : None if alone else PAIRED_AT_MOST]:
        values = list(straight)
        values[first] = variant.value
        if not rest:
            yield variant.names, values
            continue
        for names, more in _product(dimensions, values, rest):
            yield variant.names + names, more


def one_byte(message: bytes, start: int, end: int, hash_name: str, digest: bytes) -> bytes | None:
    """The message that was signed, if it differs from this one in a single byte of [start, end): another value, one
    byte more, or one byte fewer. In long ones only likely values are tried, then bits, in very long ones nothing.
    """
    length = end - start
    work = length * (len(message) - start) // 2
    budget = HASHED_AT_MOST // (8 if hash_name == "sm3" else 1)
    if 8 * work > budget:
        return None
    values = range(256) if 256 * work <= budget else LIKELY if len(LIKELY) * work <= budget else ()
    state = hashlib.new(hash_name, message[:start], usedforsecurity=False)
    for at in range(start, end):
        rest, here = message[at + 1 :], message[at]
        dropped = state.copy()
        dropped.update(rest)
        if dropped.digest() == digest:
            return message[:at] + rest
        for value in {*values, *(here ^ (1 << bit) for bit in range(8))}:
            guess = state.copy()
            guess.update(bytes((value,)) + rest)
            if guess.digest() == digest:
                return message[:at] + bytes((value,)) + rest
        state.update(message[at : at + 1])
    return None

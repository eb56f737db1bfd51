"""The words of a plan, without a database."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.webhooks import plans
from mock_providers.webhooks.plans import Plan, Wrong, blocks, does, parse


def line_up(plan: Plan, count: int, seed: bytes = b"s") -> tuple[list[int], set[int], set[int], dict[int, float]]:
    """What a receiver hears of `count` events if every one is told at once: order, held, dropped, delayed by."""
    heard: list[int] = []
    held, dropped, waiting = set(), set(), set()
    later: dict[int, float] = {}
    for position in range(1, count + 1):
        done = does(plan, position, seed)
        times = [position] * (1 + done.twice)
        if done.fate == "send":
            heard += times
        elif done.fate == "wait":
            waiting.add(position)
        elif done.fate == "hold":
            held.add(position)
        elif done.fate == "drop":
            dropped.add(position)
        else:
            later[position] = done.seconds
        for gone in done.goes:
            if gone in waiting:
                waiting.remove(gone)
                heard += [gone] * (1 + does(plan, gone, seed).twice)
    return heard, held | waiting, dropped, later


@pytest.mark.parametrize(
    ("text", "heard", "held", "dropped", "later"),
    [
        ("hold 2", [1, 3, 4, 5], {2}, set(), {}),
        ("swap 1 2", [2, 1, 3, 4, 5], set(), set(), {}),
        ("swap 2 1", [2, 1, 3, 4, 5], set(), set(), {}),
        ("swap 1 3", [3, 2, 1, 4, 5], set(), set(), {}),
        ("swap 1 2; swap 2 3", [2, 3, 1, 4, 5], set(), set(), {}),
        ("swap 1 2; swap 3 4", [2, 1, 4, 3, 5], set(), set(), {}),
        ("swap 1 2; swap 1 2", [1, 2, 3, 4, 5], set(), set(), {}),
        ("dup 3", [1, 2, 3, 3, 4, 5], set(), set(), {}),
        ("drop 4", [1, 2, 3, 5], set(), {4}, {}),
        ("delay 5 90s", [1, 2, 3, 4], set(), set(), {5: 90}),
        ("hold 2-4", [1, 5], {2, 3, 4}, set(), {}),
        ("drop 1,3", [2, 4, 5], set(), {1, 3}, {}),
        ("hold all; next 3", [4, 5], {1, 2, 3}, set(), {}),
        ("delay all 1h; for 2h", [], set(), set(), dict.fromkeys(range(1, 6), 3600)),
        ("swap 1 3; hold 2", [3, 1, 4, 5], {2}, set(), {}),
        ("swap 1 3; drop 2; dup 1", [3, 1, 1, 4, 5], set(), {2}, {}),
        ("swap 4 6", [1, 2, 3], {4, 5}, set(), {}),
        ("dup 1; hold 1", [2, 3, 4, 5], {1}, set(), {}),
        ("hold 1 # the first\n\n; drop 2 ;;", [3, 4, 5], {1}, {2}, {}),
        ("hold 1\uff1bdrop 2", [3, 4, 5], {1}, {2}, {}),
    ],
)
def test_each_word_does_what_it_says(text: str, heard: list, held: set, dropped: set, later: dict) -> None:
    plan = parse(text)
    count = 5
    size = plan.size or count
    told = line_up(plan, min(size, count))
    rest = list(range(size + 1, count + 1))
    assert (told[0] + rest, told[1], told[2], told[3]) == (heard, held, dropped, later)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("", (1, 1), "nothing is to be done"),
        ("# only a remark", (1, 1), "nothing is to be done"),
        ("hold", (1, 1), "hold wants the number of an event, such as 'hold 2'"),
        ("hold x", (1, 6), "'x' is none"),
        ("hold 0", (1, 6), "'0' is none"),
        ("hold -1", (1, 6), "'-1' is none"),
        ("hold \uff12", (1, 6), "is none"),
        ("hold 99999", (1, 6), "number from 1 to 10000"),
        ("hold 2-99999", (1, 6), "counted up to 10000"),
        ("hold 5-2", (1, 6), "runs backwards"),
        ("hold 1,,2", (1, 6), "'' is none"),
        ("swap 1", (1, 1), "swap wants two events"),
        ("swap 1 2 3", (1, 1), "swap wants two events"),
        ("swap 1 1", (1, 8), "cannot be swapped with itself"),
        ("shuffle", (1, 1), "has no end"),
        ("shuffle; for 2h", (1, 1), "must know how many"),
        ("shuffle; next 1", (1, 1), "2 to 500"),
        ("shuffle 3", (1, 9), "one range"),
        ("hold all", (1, 1), "hold all has no end"),
        ("hold all 2; next 3", (1, 10), "after `all`"),
        ("delay 3", (1, 1), "delay wants events and how long"),
        ("delay 3 soon", (1, 9), "delay wants events and how long"),
        ("delay 3 0s", (1, 9), "0s is no delay"),
        ("hold 2; drop 2", (1, 9), "drop 2 contradicts hold 2: both decide about event 2"),
        ("hold 1\n  dup 3; drop 1-4", (2, 10), "both decide about event 1"),
        ("dup 2; drop 2", (1, 1), "event 2 is not told at all"),
        ("dup 2; dup 1-3", (1, 8), "told once more, not oftener"),
        ("swap 1 2; hold 2", (1, 11), "both decide about event 2"),
        ("shuffle 1-3; swap 3 4", (1, 14), "both decide about event 3"),
        ("frobnicate 1", (1, 1), "is no word of a plan; there are hold, drop"),
        ("HOLD 2", (1, 1), "is no word of a plan"),
        ("hold 2; next 1", (1, 1), "lies beyond the end"),
        ("hold 2; next", (1, 9), "next wants one thing"),
        ("hold 2; next soon", (1, 14), "is none"),
        ("hold 2; next 3; next 4", (1, 17), "said twice"),
        ("hold 2; until tomorrow", (1, 15), "is no instant"),
        ("hold 2; until 2025-01-01", (1, 15), "says no offset"),
        ("hold 2; until 9999-01-01T00:00:00+08:00", (1, 15), "between"),
        ("hold 2; for ever", (1, 13), "no length of time"),
        ("hold 2; for 0s", (1, 13), "no length of time"),
        ("hold 2; for 2h; until 2025-01-01T00:00:00Z", (1, 13), "both say when it ends"),
        ("hold 2; on", (1, 9), "on wants ref, person, vendor, type"),
        ("hold 2; on ref", (1, 12), "wants a value"),
        ("hold 2; on shop A1", (1, 12), "nothing events are told apart by"),
        ("hold 2; on ref A1 ref A2", (1, 19), "said twice"),
        ("hold 2; on ref " + "A" * 65, (1, 16), "at most 64"),
        ("hold " + ",".join(map(str, range(1, 300))), None, "more than 200 things"),
        ("hold 1" + " " * 2000, (1, 2001), "at most 2000 characters"),
    ],
)
def test_nonsense_is_refused_in_words_with_the_place(text: str, where: tuple[int, int] | None, why: str) -> None:
    with pytest.raises(Wrong) as refused:
        parse(text)
    assert why in str(refused.value)
    assert where is None or (refused.value.line, refused.value.column) == where
    assert str(refused.value).startswith(f"line {refused.value.line}, column {refused.value.column}: ")


def test_scope_and_end_can_be_said_in_the_text_or_beside_it_but_not_twice() -> None:
    said = parse("hold 2; on ref A1 type=REFUND.*; next 4")
    assert said == parse("hold 2", {"ref": "A1", "type": "REFUND.*", "person": ""}, 4)
    for again in ({"scope": {"ref": "A2"}}, {"size": 5}):
        with pytest.raises(Wrong, match="in the text and beside it"):
            parse("hold 2; on ref A1; next 4", **again)


def test_a_plan_without_an_end_ends_after_the_last_event_it_names() -> None:
    assert parse("hold 2; swap 4 7").size == 7
    assert parse("hold 2; for 2h").size is None


def test_a_shuffle_follows_from_the_seed_and_changes_the_order() -> None:
    plan = parse("shuffle; next 6")
    assert blocks(plan, b"a") == blocks(plan, b"a")
    assert len({tuple(line_up(plan, 6, bytes([n]))[0]) for n in range(30)}) > 10
    for seed in range(50):
        assert line_up(parse("shuffle 1-2"), 2, bytes([seed]))[0] == [2, 1]


NUMBERS = st.integers(1, 12)
ACTS = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["hold", "dup", "drop"]), NUMBERS),
    st.builds("delay {} {}s".format, NUMBERS, st.integers(1, 999)),
    st.builds("swap {} {}".format, NUMBERS, NUMBERS),
    st.builds(lambda a, b: f"shuffle {min(a, b)}-{max(a, b)}", NUMBERS, NUMBERS),
    st.builds(lambda a, b: f"drop {min(a, b)}-{max(a, b)}", NUMBERS, NUMBERS),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=6), st.integers(0, 15), st.binary(max_size=4))
def test_nothing_is_lost_and_nothing_invented(acts: list[str], count: int, seed: bytes) -> None:
    try:
        plan = parse("; ".join(acts))
    except Wrong:
        return
    count = min(count, plan.size or 0)
    heard, held, dropped, later = line_up(plan, count, seed)
    doubled = {n for n in range(1, count + 1) if does(plan, n, seed).twice}
    expected = set(range(1, count + 1)) - held - dropped - later.keys()
    assert Counter(heard) == Counter({n: 2 if n in doubled else 1 for n in expected})
    assert not (held & dropped or held & later.keys() or dropped & later.keys())
    said_to_hold = {n for n in range(1, count + 1) if does(plan, n, seed).fate == "hold"}
    unfinished = {n for b in blocks(plan, seed) if b.last > count for n in range(b.first, count + 1)}
    assert held == said_to_hold | {n for n in unfinished if does(plan, n, seed).fate == "wait"}


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("holdswapupretyfn 0123456789;,-\n#=*all"), max_size=40))
def test_any_text_is_a_plan_or_refused_in_words(text: str) -> None:
    try:
        plan = parse(text)
    except Wrong as wrong:
        assert wrong.why
        return
    assert all(does(plan, n).fate in ("send", "hold", "drop", "delay", "wait") for n in range(1, 20))
    assert plans.parse(text) == plan

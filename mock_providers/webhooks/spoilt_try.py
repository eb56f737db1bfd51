"""One attempt that carries a fault: built damaged, sent in its own way, judged by what an honest receiver does."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from mock_providers import clock
from mock_providers.webhooks import faults
from mock_providers.webhooks.faults import Case, Sent
from mock_providers.webhooks.reply import Post, Reply
from mock_providers.webhooks.rough import BROKEN, sent_of
from mock_providers.webhooks.store import Job, Made

Rough = Callable[[str, list[tuple[str, str]], bytes, str, float], Reply]
Judge = Callable[[Job, Reply], tuple[bool, str]]
JOINED_SECONDS = 10.0
TAKEN = "taken in spite of {}: an honest receiver refuses it"
TURNED_AWAY = "turned away for {}: an honest receiver takes it"


def build(made: Made, case: Case, known: Mapping[str, faults.Vendor]) -> list[Sent]:
    """What is to be sent, the attempt last. `made` remembers the request of the attempt."""
    assert made.job.fault is not None
    sents = faults.damaged(made.job.fault["name"], made.job.event.vendor, known, case)
    _write(made, sents[-1])
    return sents


def _write(made: Made, sent: Sent) -> None:
    job = made.job
    if sent.query:
        made.url = f"{job.url}{'&' if urlsplit(job.url).query else '?'}{urlencode(sent.query)}"
    host = [("Host", job.host), ("Content-Length", str(len(sent.body)))]
    made.request = ([*host, *sent.headers], sent.body)


def send(made: Made, sents: list[Sent], post: Post, rough: Rough, judge: Judge) -> None:
    """Send them one after the other; those before the attempt are attempts of their own."""
    for sent in sents[:-1]:
        before = Made(made.job, made.at, clock.wall_ns())
        _write(before, sent)
        _one(before, sent, post, rough, judge)
        before.fault = {**(made.job.fault or {}), "part": "before"}
        made.earlier.append(before)
    if sents[-1].way == "twice":
        _at_once(made, sents[-1], post, rough, judge)
    else:
        _one(made, sents[-1], post, rough, judge)
    made.fault, made.reason = _compared(made)
    if sents[-1].way in BROKEN:
        whole = len(sents[-1].body)
        made.fault["sent"] = f"{sent_of(whole)} of {whole} bytes of the body"


def _one(made: Made, sent: Sent, post: Post, rough: Rough, judge: Judge) -> None:
    assert made.request is not None
    url, began = made.url or made.job.url, clock.monotonic()
    made.wall_ns = clock.wall_ns()
    try:
        if sent.way:
            made.reply = rough(url, *made.request, sent.way, sent.seconds)
        else:
            made.reply = post(url, *made.request)
        made.accepted, made.reason = judge(made.job, made.reply)
    except Exception as error:
        made.accepted, made.reason = False, f"{type(error).__name__}: {error}"
    made.ms = round((clock.monotonic() - began) * 1000, 3)
    made.reason = made.reply.trouble or made.reason


def _at_once(made: Made, sent: Sent, post: Post, rough: Rough, judge: Judge) -> None:
    """The same bytes on two connections at the same moment: two attempts, the last of which counts."""
    once, other = replace(sent, way=""), Made(made.job, made.at, clock.wall_ns())
    _write(other, sent)
    beside = threading.Thread(target=_one, args=(other, once, post, rough, judge), daemon=True)
    beside.start()
    _one(made, once, post, rough, judge)
    beside.join(JOINED_SECONDS)
    other.fault = {**(made.job.fault or {}), "part": "at once"}
    made.earlier.append(other)


def _compared(made: Made) -> tuple[dict[str, Any], str]:
    """What the attempt remembers: whether the receiver did what an honest one does, as far as it shows."""
    note = dict(made.job.fault or {})
    name, expected = note["name"], note["expected"]
    if made.reply.status is None or expected not in ("refuse", "accept"):
        return note | {"as_expected": None}, made.reason
    note["as_expected"] = made.accepted == (expected == "accept")
    if note["as_expected"]:
        return note, made.reason
    said = (TAKEN if made.accepted else TURNED_AWAY).format(name)
    return note, f"{said}; {made.reason}" if made.reason else said

"""One attempt: equip it (in the space's context), build it, post it, judge the answer (in a worker's thread)."""

from collections.abc import Mapping, Sequence
from logging import Logger
from typing import Any
from urllib.parse import urlencode, urlsplit

from mock_providers import accounts, clock
from mock_providers.webhooks import engine, ladders, resend, spoilt_try, store
from mock_providers.webhooks.faults import Case, Vendor
from mock_providers.webhooks.reply import Post, Reply
from mock_providers.webhooks.store import Job, Made

Known = Mapping[str, Vendor]


def equip(jobs: list[Job], vendors: dict[str, Any]) -> None:
    """Give each job its ladder and its vendor's credentials; they are read once a batch."""
    for job in jobs:
        notify = vendors.get(job.event.vendor)
        if notify and not job.how:
            job.schedule = ladder(job.event, notify)
        whose = job.event.about.get("account", job.event.vendor)
        if whose in accounts.MAKERS:
            held = accounts.account(whose)
            job.credentials = job.endpoint.keys(held) if job.endpoint else held


def ladder(event: Any, notify: Any) -> Sequence[int]:
    """The pauses after each attempt of an event: its own, else its vendor's for its type as the switches stand."""
    if "pauses" in event.about:
        return event.about["pauses"]
    product = event.about.get("schedule", event.type)
    pauses = ladders.pauses(event.vendor, product)
    return engine.schedule_for(notify.SCHEDULE, product) if pauses is None else pauses


def make(
    job: Job, vendors: dict[str, Any], post: Post, logger: Logger, rough: spoilt_try.Rough, known: Known
) -> Made:
    """Build afresh with wall time now, post, judge. Whatever goes wrong becomes a reason.

    An attempt with a fault is built by way of what is `known` of the vendor's damages; `rough` sends the odd ones.
    """
    made = Made(job, store.business_time(job), clock.wall_ns())
    try:
        notify = vendors[job.event.vendor]
        event, credentials, signed_at = resend.altered(job.event, job.credentials, job.how, clock.wall())
        if job.fault:
            spoilt = Case(event, credentials, signed_at, notify.build, job.fault.get("seconds", 0.0))
            sents = spoilt_try.build(made, spoilt, known)
        else:
            headers, body, *query = notify.build(event, credentials, signed_at)
    except Exception as error:
        logger.exception("a callback of %s could not be built", job.event.vendor)
        made.reason = f"could not be built: {type(error).__name__}: {error}"
        return made
    if job.fault:
        spoilt_try.send(made, sents, post, rough, lambda job, reply: _judged(job, notify, reply))
        return made
    if query:
        made.url = f"{job.url}{'&' if urlsplit(job.url).query else '?'}{urlencode(query[0])}"
    made.request = ([("Host", job.host), ("Content-Length", str(len(body))), *headers], body)
    _send(made, notify, post)
    return made


def _send(made: Made, notify: Any, post: Post) -> None:
    assert made.request is not None
    job, began = made.job, clock.monotonic()
    made.wall_ns = clock.wall_ns()
    try:
        made.reply = post(made.url or job.url, *made.request)
        made.ms = round((clock.monotonic() - began) * 1000, 3)
        made.accepted, made.reason = _judged(job, notify, made.reply)
    except Exception as error:
        made.ms = round((clock.monotonic() - began) * 1000, 3)
        made.accepted, made.reason = False, f"{type(error).__name__}: {error}"
    made.reason = made.reply.trouble or made.reason


def _judged(job: Job, notify: Any, reply: Reply) -> tuple[bool, str]:
    status, heard, said = reply[:3]
    if judge := getattr(notify, "judged", None):
        return judge(job.event, job.credentials, status, said)
    return notify.accepted(status, heard, said)

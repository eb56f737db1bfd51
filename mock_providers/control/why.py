"""`/_mock/deliveries/<id>/why`: why has my callback not come? Also for a number of which there is no event at all."""

from dataclasses import asdict
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from flask import Blueprint, current_app
from sqlalchemy import or_, select

from mock_providers import clock, switches
from mock_providers.control import masking
from mock_providers.control.door import ID, Strict, fresh, route, text
from mock_providers.control.traffic import one
from mock_providers.db import CHINA, current_space, db
from mock_providers.retention import alive
from mock_providers.webhooks import awaited, endpoints, engine, one_try
from mock_providers.webhooks.endpoints import Endpoint
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.webhooks.plan_book import Plan, PlanStep

bp = Blueprint("control_why", __name__)
VENDORS = ("wechat", "wechatpay", "national")
NEAREST, SHOWN, BODY_SHOWN = 5, 50, 500
GUARD = ("MOCK_ALLOWED_HOSTS", "callbacks never go to", "is not an http address", "private network")
CRASHED = "{} of its tries cut off by the end of the server: the receiver may have had it before, look for it twice"
Words = dict[str, Any]


class Asked(Strict):
    ref = text(64, required=True)


@route(bp, "GET", f"/deliveries/{ID}/why")
def why(id_: int) -> Words:
    """Why this delivery has not come (yet): due when, held by what, last reply, next step, how to send it now."""
    fresh()
    return explained(one(Delivery, id_))


@route(bp, "GET", "/deliveries/why", query=Asked)
def why_of(asked: Words) -> Words:
    """The same for a business number, whether or not there is an event; a delivery's own number does as well."""
    fresh()
    ref = asked["ref"]
    events = _events(ref)
    _vendors()
    coming = awaited.of(ref)
    numbers = {said.number for said in coming} - {ref}
    events += [row for number in sorted(numbers) for row in _events(number)]
    if not events and ref.isascii() and ref.isdecimal() and len(ref) < 19:
        row = db.session.scalar(select(Delivery).where(Delivery.id == int(ref), alive(Delivery)))
        if row is not None:
            return {"ref": ref, "verdict": "", "deliveries": [explained(row)], "awaited": [], "nearest": []}
    theirs = select(Delivery).where(Delivery.event_id.in_([row.id for row in events]), alive(Delivery))
    found = [explained(row) for row in db.session.scalars(theirs.order_by(Delivery.id).limit(SHOWN))]
    told = {(row.vendor, row.type, row.ref) for row in events}
    coming = [said for said in coming if (said.vendor, said.type, said.number) not in told]
    return {
        "ref": ref,
        "verdict": _overall(ref, found, coming),
        "deliveries": found,
        "awaited": [{name: value for name, value in asdict(said).items() if value} for said in coming],
        "nearest": [] if events or coming else _nearest(ref),
    }


@cache
def _vendors() -> None:
    """Those who can be asked about a number; imported when somebody does."""
    for vendor in VENDORS:
        import_module(f"mock_providers.{vendor}.awaited")


def _events(ref: str) -> list[Event]:
    wanted = select(Event).where(or_(Event.ref == ref, Event.notice_id == ref), alive(Event))
    return list(db.session.scalars(wanted.order_by(Event.id.desc()).limit(SHOWN)))[::-1]


def _overall(ref: str, found: list[Words], coming: list[awaited.Awaited]) -> str:
    if found:
        missing = [said for said in found if said["state"] != "delivered"]
        if missing:
            return missing[0]["verdict"]
        still = f"; {coming[0].what}, {coming[0].type} is told when {coming[0].when}" if _expected(coming) else ""
        return f"everything there is to tell of it has come{still}"
    if not coming:
        return f"nothing here is called {ref}: no event, and no order, refund or check a vendor knows"
    said = coming[0]
    if not said.type:
        return f"there is no event: {said.what}"
    hindered = f"; but {said.hindered}" if said.hindered else ""
    return f"there is no event yet: {said.what}; {said.type} is told when {said.when}{hindered}"


def _expected(coming: list[awaited.Awaited]) -> bool:
    return bool(coming) and bool(coming[0].type)


def _nearest(ref: str) -> list[str]:
    refs = db.session.execute(select(Event.ref).where(alive(Event)).order_by(Event.id.desc()).limit(500))
    known = list(dict.fromkeys([row.ref for row in refs] + awaited.numbers()))
    parts = [name for name in known if len(ref) > 2 and (ref in name or name in ref)]
    close = get_close_matches(ref, known, NEAREST, 0.6)
    return [masking.text(name) for name in dict.fromkeys([*parts, *close])][:NEAREST]


def explained(row: Delivery) -> Words:
    """Everything about one delivery that did not come, or the fact that it did."""
    event = db.session.get_one(Event, row.event_id)
    last = db.session.scalar(
        select(Attempt).where(Attempt.delivery_id == row.id).order_by(Attempt.id.desc()).limit(1)
    )
    held_by, verdict, step = _verdict(row, event, last)
    if row.interrupted:
        verdict += f"; {CRASHED.format(row.interrupted)}"
    steps = _pauses(row, event)
    return {
        "delivery": row.id,
        "vendor": event.vendor,
        "type": event.type,
        "ref": event.ref,
        "endpoint": endpoints.name_of(row.endpoint_id),
        "url": masking.target(row.url),
        "state": row.state,
        "verdict": verdict,
        "held_by": held_by,
        "due": _due(row.next_at if row.state in ("pending", "leased") else None),
        "tries": row.tries,
        "interrupted": row.interrupted,
        "last_reply": _reply(last),
        "left": _left(row, steps),
        "ladder": [at.isoformat() for at in _coming(row, steps)],
        "planned": row.plan_did,
        "next_step": step,
        "send_now": {
            "command": f"yibao delivery send-now {row.id}",
            "call": f"POST /_mock/deliveries/{row.id}/send-now",
        }
        if engine.may(row.state, "send-now")
        else None,
    }


def _verdict(row: Delivery, event: Event, last: Attempt | None) -> tuple[list[str], str, str]:
    """Held by what, in one sentence why, and what to do."""
    send = f"`yibao delivery send-now {row.id}` sends it now"
    if row.state == "delivered":
        at = f" at {last.at.isoformat()}" if last else ""
        more = f" ({last.reason})" if last and last.reason else ""
        return [], f"it came: the receiver accepted it{at}{more}", f"nothing; {send} once more"
    if row.state == "leased":
        return ["sending"], "it is on the wire at this moment", "wait for the answer; at most a few seconds"
    if row.state == "held":
        return _held(row, send)
    if row.state == "cancelled" and row.endpoint_id and row.reason in (endpoints.IS_OFF, endpoints.IS_REMOVED):
        return _without_endpoint(row, send)
    if row.state == "cancelled":
        by = "plan" if row.plan_id and row.reason == row.plan_did else "tester"
        words = row.plan_did if by == "plan" else "a tester cancelled it"
        return [by], f"it will not come: {words}", f"nothing happens by itself; {send}"
    if row.state == "failed":
        return _failed(row, last, send)
    return _pending(row, event, last, send)


def _without_endpoint(row: Delivery, send: str) -> tuple[list[str], str, str]:
    """Its endpoint is off, was off when this happened, or is gone."""
    name = endpoints.name_of(row.endpoint_id)
    it = db.session.get(Endpoint, row.endpoint_id)
    if it is None or it.state == endpoints.REMOVED:
        return ["endpoint"], f"it will not come: endpoint {name} was removed", f"nothing happens by itself; {send}"
    if it.state == endpoints.ON:
        then = f"`yibao endpoint on {name} --resend` sends all it missed"
        return ["endpoint"], f"it was not sent: endpoint {name} was off then; it is on again", f"{then}; {send}"
    words = f"it will not come: endpoint {name} is off since {it.since.isoformat()} ({it.reason})"
    step = f"mend it, then `yibao endpoint on {name} --resend`; {send} as a trial"
    return ["endpoint"], words, step


def _held(row: Delivery, send: str) -> tuple[list[str], str, str]:
    free = f"`yibao delivery release {row.id}` lets it go"
    if row.behind_id:
        words = f"it waits behind delivery {row.behind_id} ({row.plan_did}) and leaves once that one was tried"
        return ["plan", "order"], words, f"look at delivery {row.behind_id}; {free}"
    if row.plan_id:
        number = db.session.scalar(
            select(PlanStep.position).where(PlanStep.event_id == row.event_id, PlanStep.plan_id == row.plan_id)
        )
        plan = db.session.scalar(select(Plan).where(Plan.id == row.plan_id))
        if plan is None:
            words = f"{row.plan_did}; the plan was removed and left it held, until somebody lets it go"
            return ["plan"], words, f"{free}; {send}"
        waits = "until somebody lets it go"
        if "kept back" in row.plan_did:
            waits = f"until the events it changes places with have come (this is number {number})"
        elif plan.until:
            waits += f" or the plan's time ends at {plan.until.isoformat()}"
        return ["plan"], f"{row.plan_did}, {waits}", f"{free}; `yibao plan clear {row.plan_id}` ends the plan"
    return ["tester"], "a tester holds it", f"{free}; {send}"


def _failed(row: Delivery, last: Attempt | None, send: str) -> tuple[list[str], str, str]:
    why_ = row.reason or "the receiver did not accept it"
    if not row.url:
        return ["no_address"], "there is no address to tell it to", "give one: `yibao event resend ID --to URL`"
    if any(words in why_ for words in GUARD):
        return (
            ["guard"],
            f"our own guard does not let it out: {why_}",
            ("use loopback, or start with MOCK_ALLOWED_HOSTS=<host>; then " + send),
        )
    if why_.startswith("could not be built"):
        return ["error"], why_, "report this; it is a fault of the simulator"
    if last is None:
        return ["error"], why_, send
    if row.how:
        words = f"it was sent by hand, once and outside the ladder, and not accepted: {why_}"
        return ["ladder_over"], words, f"mend the receiver, then {send}"
    return (
        ["ladder_over"],
        f"the vendor gave up after {row.tries} attempt{'s' if row.tries > 1 else ''}; the last one: {why_}",
        (f"mend the receiver, then {send} (production would not send it again: query the order instead)"),
    )


def _pending(row: Delivery, event: Event, last: Attempt | None, send: str) -> tuple[list[str], str, str]:
    now, frozen = clock.now(), clock.is_frozen(current_space())
    at = row.next_at or now
    if at <= now:
        busy = current_app.extensions["sender"].lanes.flying[row.space, row.host]
        running = bool(current_app.extensions["sender"].running)
        if not running:
            move = "any move of the clock, e.g. `yibao clock advance 0s`"
            return ["sender"], "it is due, and nothing sends in the background here", move
        return ["sending"], f"it is due now and leaves within milliseconds ({busy} on the wire to {row.host})", "wait"
    held = ["ladder"] if row.tries else [_late(row, event)]
    reason = {
        "ladder": f"attempt {row.tries} was not accepted ({row.reason}); the next one is due at {at.isoformat()}",
        "plan": f"{row.plan_did}; due at {at.isoformat()}",
        "switch": f"wechatpay.callback_order is refund_first; due at {at.isoformat()} or after the refund",
        "outcome": f"a planned outcome makes it late; due at {at.isoformat()}",
    }[held[0]]
    if frozen:
        held.append("clock_frozen")
        reason += f", but the clock stands still at {now.isoformat()}"
    return held, reason, f"`yibao clock to next` goes to the next thing due; {send}"


def _late(row: Delivery, event: Event) -> str:
    if row.plan_id:
        return "plan"
    refund_first = event.vendor == "wechatpay" and switches.value("wechatpay.callback_order") == "refund_first"
    return "switch" if refund_first else "outcome"


def _due(at: datetime | None) -> dict[str, str | None] | None:
    """When it is due in business time, and on the wall; a clock that stands still never gets there by itself."""
    if at is None:
        return None
    offset_ms, frozen = clock.hands(current_space())
    now = clock.now()
    wall = None if frozen and at > now else (at - timedelta(milliseconds=offset_ms)).astimezone(CHINA)
    if frozen and at <= now:
        wall = clock.wall()
    return {"business": at.isoformat(), "wall": wall.isoformat() if wall else None, "now": now.isoformat()}


def _pauses(row: Delivery, event: Event) -> list[int]:
    notify = current_app.extensions["sender"].vendors.get(event.vendor)
    return [] if notify is None or row.how else list(one_try.ladder(event, notify))


def _left(row: Delivery, steps: list[int]) -> int:
    return max(0, len(steps) + 1 - row.tries) if row.state in ("pending", "leased", "held") else 0


def _coming(row: Delivery, steps: list[int]) -> list[datetime]:
    """When the attempts that are left would be made if none were accepted."""
    if row.state != "pending" or row.next_at is None:
        return []
    return engine.ladder(steps[row.tries :], row.next_at)


def _reply(last: Attempt | None) -> Words | None:
    if last is None:
        return None
    body = last.response_body[:BODY_SHOWN].decode("utf-8", "replace")
    return {
        "attempt": last.id,
        "number": last.number,
        "at": last.at.isoformat(),
        "status": last.status,
        "ms": last.ms,
        "accepted": last.accepted,
        "reason": last.reason,
        "body": masking.text(body),
    }

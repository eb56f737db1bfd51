"""`/_mock/calls/<id>/explanation`, `attempts/<id>/explanation`, `explanations`: what was wrong with it, and why."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, g
from marshmallow import fields, validate
from sqlalchemy import select

from mock_providers import accounts
from mock_providers.control import keyring, masking
from mock_providers.control.door import ID, Strict, fresh, route, text
from mock_providers.control.traffic import attempt_line, call_line, delivery_line, event_line, one
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.explain import centre, national, pasted, told, wechat, wechatpay
from mock_providers.explain.differ import first_difference
from mock_providers.explain.merchant import Seen
from mock_providers.explain.pasted import Message
from mock_providers.explain.pay_sign import pay_sign
from mock_providers.explain.receiver import suggests
from mock_providers.explain.report import OK, Mask, Report
from mock_providers.journal import BODY_AT_MOST, Call
from mock_providers.national import wire
from mock_providers.retention import alive
from mock_providers.webhooks import endpoints
from mock_providers.webhooks.catalogue import CATALOGUE
from mock_providers.webhooks.endpoints import Own
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.wechatpay.models import order_by

bp = Blueprint("control_explain", __name__)
AROUND, LOOKED_AT = 8, 300
MOUNT = re.compile(r"^(?:/s/[^/?]+)?/(?:wechatpay|wechat|national)(?=/)")
VENDORS = ("wechatpay", "wechat", "national")
DIRECTIONS = ("request", "response", "notification")


class Paste(Strict):
    """Raw HTTP text, or its parts. `body` is base64, `text` is the same as text."""

    raw = text(1_000_000)
    raw_base64 = text(1_400_000)
    vendor = fields.String(validate=validate.OneOf(VENDORS))
    direction = fields.String(validate=validate.OneOf(DIRECTIONS))
    method = text(10)
    target = text(8_000)
    headers = fields.Dict(keys=text(200), values=text(8_000, 0))
    body = text(1_400_000, 0)
    text = text(1_000_000, 0)


@route(bp, "GET", f"/calls/{ID}/explanation")
def call_explanation(id_: int) -> dict[str, Any]:
    """Why a call was refused: the string to sign, the first differing byte, the likely mistake."""
    fresh()
    row = one(Call, id_)
    message = Message(row.method, row.target, _lower(row.request_headers), row.request_body)
    report = _explained(message, row.wall_ns // 1_000_000_000, _neighbours(row))
    why = row.why or {}
    if why.get("verdict") == "ok" and report.verdict != OK:
        report.found, report.verdict = [], OK
        report.says = "it was right when it came; keys or switches have changed since"
    document = report.document()
    document["journal"] = report.mask.tree(_masked_secrets(why))
    document["answer"] = {"status": row.status, **_said(row.response_body, report.mask)}
    if document["verdict"] in ("ok", "not_checked") and not document["says"]:
        document["says"] = _in_words(row, document)
    if len(row.request_body) >= BODY_AT_MOST:
        document["facts"]["partial"] = f"only the first {BODY_AT_MOST} bytes of the body were kept"
    return {"call": call_line(row), **document}


@route(bp, "GET", f"/attempts/{ID}/explanation")
def attempt_explanation(id_: int) -> dict[str, Any]:
    """What we signed with which key, how a receiver verifies it step by step, and what its reply suggests."""
    row = one(Attempt, id_)
    delivery = db.session.get_one(Delivery, row.delivery_id)
    event = db.session.get_one(Event, delivery.event_id)
    message = Message("POST", _target(row.url or delivery.url), _lower(row.request_headers), row.request_body)
    to = endpoints.own_of(delivery)
    report = _of_ours(event, message, row.wall_ns // 1_000_000_000, to)
    _content(report, event, row.request_body, to)
    if to:
        own = ", ".join(to.credentials) or "none, those of the account"
        report.facts["endpoint"] = f"{to.name}; keys of its own: {own}"
    document = report.document()
    document["receiver"] = {
        "status": row.status,
        "ms": row.ms,
        "accepted": row.accepted,
        "reason": row.reason,
        **_said(row.response_body, report.mask),
        "suggests": suggests(row.status, row.accepted, row.response_body, row.ms, report.verdict),
    }
    if event.vendor == "wechat" and row.status == 200:
        document["reply"] = wechat.replied(
            row.response_body, keyring.app(event.about.get("account", "wechat"), to)
        ).document()
    document["fault"], document["how"] = row.fault, delivery_line(delivery)["how"]
    document["facts"] |= _on_purpose(row, delivery)
    if row.fault and report.verdict == OK:
        document["says"] = f"the signature is right; what is wrong is the planned fault {row.fault.get('name', '')}"
    return {"attempt": attempt_line(row), "event": event_line(event), **document}


def _on_purpose(row: Attempt, delivery: Delivery) -> dict[str, str]:
    """What a tester asked for, so that nobody looks for another cause."""
    found = {}
    if row.fault and (known := CATALOGUE.get(row.fault.get("name", ""))):
        found["planned_fault"] = f"{known.name}: {known.says}; an honest receiver: {known.verdict}"
    how = delivery.how or {}
    wanted = [f"signature {how['signature']}"] if how.get("signature", "fresh") != "fresh" else []
    wanted += [f"edited {name}" for name in how.get("edit", {})]
    return found | ({"sent_again": ", ".join(wanted)} if wanted else {})


@route(bp, "POST", "/explanations", body=Paste)
def explanations(given: dict[str, Any]) -> dict[str, Any]:
    """The same for pasted bytes: a request, an answer or a notification of this space."""
    g.write_mode = False
    db.session.rollback()
    message = _pasted(given)
    row = _sent_as(message)
    to = endpoints.own_of(db.session.get_one(Delivery, row.delivery_id)) if row else None
    report = _explained(message, None, (), given.get("vendor", ""), given.get("direction", ""), to)
    if to:
        report.facts["endpoint"] = to.name
    report.facts |= {"notes": message.notes} if message.notes else {}
    if row is not None:
        _compare(report, row, message)
    return report.document()


# Whose it is, and who looks at it


def _explained(
    message: Message,
    wall: int | None,
    others: Iterable[Seen] = (),
    vendor: str = "",
    direction: str = "",
    to: Own | None = None,
) -> Report:
    is_ours = direction in ("response", "notification")
    kind = pasted.kind(message)
    if vendor == "wechatpay" and kind not in ("pay_sign",):
        kind = "wechatpay_told" if is_ours or kind == "wechatpay_told" else "wechatpay_request"
    elif not kind:
        kind = {("wechat", True): "pushed", ("national", True): "sealed"}.get((vendor, is_ours), "")
    seen = Seen(message.method, message.target, message.headers, message.body, wall, keyring.hosts())
    if kind == "wechatpay_request":
        return wechatpay.request(seen, keyring.ring(_mchid(message.headers), others=tuple(others)))
    if kind == "wechatpay_told":
        ring = keyring.ring(others=tuple(others), to=to)
        return told.told(seen, ring, bool(message.method) and direction != "response")
    if kind == "pay_sign":
        return _paid(pasted.members(message.body), tuple(others))
    if kind == "session":
        query = message.query
        key, rest = keyring.session(query.get("appid", ""), query.get("openid", ""))
        body = message.body if message.method == "POST" else b""
        return wechat.session(query, key, body, rest, keyring.mask())
    if kind in ("pushed", "replied"):
        app = keyring.app("wechat", to)
        return (
            wechat.pushed(message.query, message.body, app) if kind == "pushed" else wechat.replied(message.body, app)
        )
    return _national(kind, message, wall, tuple(others), is_ours, to)


def _national(
    kind: str, message: Message, wall: int | None, others: tuple[Seen, ...], is_ours: bool, to: Own | None
) -> Report:
    if kind == "portal":
        partner = message.path.rpartition("/")[2]
        return national.portal(partner, message.headers, message.body, keyring.portal(), wall)
    if kind == "tif":
        nonces = (seen.headers.get("x-tif-nonce", "") for seen in others)
        return national.tif(message.headers, keyring.gateway(tuple(filter(None, nonces))), wall)
    if kind == "ca":
        return national.ca(message.headers, message.body, keyring.gateway(), wall, [seen.body for seen in others])
    if kind == "sealed":
        answer = is_ours or not message.method or "success" in pasted.members(message.body)
        return centre.sealed(message.body, keyring.channel(from_platform=answer, to=to))
    report = Report("message without a signature we know", mask=keyring.mask())
    report.facts["target"] = masking.target(message.target)
    return report


def _of_ours(event: Event, message: Message, wall: int, to: Own | None) -> Report:
    """A callback of ours, looked at as a receiver should: with the keys of the endpoint it went `to`."""
    about = to.about(event.about) if to else event.about
    account = about.get("account", event.vendor)
    seen = Seen(message.method, message.target, message.headers, message.body, wall)
    if event.vendor == "wechatpay" and not about.get("v2"):
        return told.told(seen, keyring.ring(vendor=account, to=to))
    if event.vendor == "wechat":
        return wechat.pushed(message.query, message.body, keyring.app(account, to), wall)
    if event.vendor == "national" and about.get("form") != "plain":
        return centre.sealed(message.body, keyring.channel(True, about.get("user_id", ""), to), "6302 notice", wall)
    report = Report(f"{event.vendor} {event.type}", mask=keyring.mask())
    report.says = "nothing is signed in this form; what is sealed opens with the key the vendor gave you"
    return report


def _content(report: Report, event: Event, body: bytes, to: Own | None) -> None:
    """Hold what is sealed in a callback of ours against what happened."""
    held = accounts.account(event.about.get("account", event.vendor))
    held = to.keys(held) if to else held
    inside: Any = None
    if event.vendor == "wechatpay" and "apiv3_key" in held:
        inside = told.content(body, held["apiv3_key"])
    elif event.vendor == "national":
        inside = centre.content(body, held["mip"]["app_id"], held["mip"]["app_secret"])
    if not isinstance(inside, dict):
        return
    there = wire.pruned(event.plain) if event.vendor == "national" else event.plain
    if differing := [f"{name}: {was!r} → {now!r}" for name, was, now in _changes(there, inside)]:
        report.facts["content"] = differing[:10]
        report.blame("content_edited")


def _changes(one: Any, other: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Members that differ, by their path."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            yield from _changes(one.get(key), other.get(key), f"{name}.{key}" if name else str(key))
    elif str(one) != str(other):
        yield name, one, other


def _paid(given: Mapping[str, Any], others: tuple[Seen, ...]) -> Report:
    params = given.get("params") if isinstance(given.get("params"), dict) else given
    assert params is not None
    prepay_id = str(params.get("package", "")).rpartition("=")[2]
    order = order_by(prepay_id=prepay_id) if prepay_id else None
    appid = order.appid if order else str(params.get("appId") or accounts.account("wechat")["appid"])
    vendor = keyring.PARTNER if order and order.sp_mchid else keyring.DIRECT
    return pay_sign(params, appid, order.prepay_id if order else "", keyring.ring("", vendor, others))


# Rows and pasted text as messages


def _lower(headers: Iterable[Iterable[str]]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers}


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _mchid(headers: Mapping[str, str]) -> str:
    found = re.search(r'mchid="([^"]{1,64})"', headers.get("authorization", ""))
    return found[1] if found else ""


def _neighbours(row: Call) -> list[Seen]:
    """Calls at the same door around this one: what a caller may have mixed up."""
    near = select(Call).where(Call.door == row.door, Call.id != row.id, alive(Call))
    before = db.session.scalars(near.where(Call.id < row.id).order_by(Call.id.desc()).limit(AROUND)).all()
    after = db.session.scalars(near.where(Call.id > row.id).order_by(Call.id).limit(AROUND // 2)).all()
    return [Seen(c.method, c.target, _lower(c.request_headers), c.request_body) for c in (*before, *after)]


def _pasted(given: dict[str, Any]) -> Message:
    try:
        if raw := given.get("raw_base64"):
            return pasted.read(b64decode(raw, validate=True))
        if raw := given.get("raw"):
            return pasted.read(raw.encode(errors="surrogatepass"))
        body = b64decode(given["body"], validate=True) if "body" in given else given.get("text", "").encode()
    except (NotBase64, pasted.Unreadable, ValueError) as error:
        raise Problem("FIELD_INVALID", f"what was pasted cannot be read: {error}"[:300]) from error
    headers = {name.lower(): value for name, value in given.get("headers", {}).items()}
    method = given.get("method", "" if given.get("direction") == "response" else "POST")
    return Message(method, given.get("target", ""), headers, body)


def _sent_as(message: Message) -> Attempt | None:
    """The attempt this is a copy of, by the nonce of its signature."""
    nonce = message.headers.get("wechatpay-nonce") or message.query.get("nonce")
    sign = pasted.members(message.body).get("signData")
    if not nonce and not isinstance(sign, str):
        return None
    rows = db.session.scalars(select(Attempt).where(alive(Attempt)).order_by(Attempt.id.desc()).limit(LOOKED_AT))
    for row in rows:
        theirs = dict(parse_qsl(urlsplit(row.url).query))
        if nonce and nonce in (_lower(row.request_headers).get("wechatpay-nonce"), theirs.get("nonce")):
            return row
        if isinstance(sign, str) and sign and sign.encode() in row.request_body:
            return row
    return None


def _compare(report: Report, row: Attempt, message: Message) -> None:
    """Hold a copy against what was really sent."""
    report.facts["sent_as"] = f"attempt {row.id}"
    names = ("sent", "pasted")
    different = first_difference(row.request_body, message.body, report.mask, names)
    if different is None:
        return
    report.facts["body"] = f"differs from attempt {row.id} at byte {different['offset']}"
    report.first_difference = report.first_difference or {"in": "body", **different}
    report.found = [
        "body_changed" if name in ("text_unknown", "text_or_key_unknown") else name for name in report.found
    ]


# Words


def _said(body: bytes, mask: Mask) -> dict[str, Any]:
    given = pasted.members(body)
    names = ("code", "message", "errcode", "errmsg", "infcode", "err_msg", "errMsg")
    said = {name: given[name] for name in names if isinstance(given.get(name), str | int)}
    return (
        {"says": mask.tree(said)} if said else {"says": masking.text(mask.text(body[:200].decode(errors="replace")))}
    )


def _in_words(row: Call, document: Mapping[str, Any]) -> str:
    if row.status < 400 and document["verdict"] == OK:
        return "the signature is right"
    notes = [
        f"{name}: {value}" for name, value in document["journal"].items() if name not in ("verdict", "string_to_sign")
    ]
    return "; ".join(notes)[:500] or "nothing in it is signed, and its door noted nothing"


def _masked_secrets(why: Mapping[str, Any]) -> Any:
    """What the door noted, without what could be used again."""
    return {
        key: value if key in ("string_to_sign", "signature", "expected", "shown") else masking.tree(value, key)
        for key, value in why.items()
    }

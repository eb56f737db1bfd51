"""The timeline as it may be compared byte by byte with that of another run: same seed, same commands, same text.

Wire time and what follows from it is named here and nowhere else: items lose LEFT_OUT, and what stands in HEADERS and
MEMBERS is written as WIRE. Row ids are counted from 1 since the space was reset.
"""

import json
import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from mock_providers.control import masking
from mock_providers.db import current_space, db
from mock_providers.journal import Call
from mock_providers.retention import alive
from mock_providers.timers import Timer
from mock_providers.webhooks.endpoints import EndpointNote
from mock_providers.webhooks.models import Attempt, Delivery, Event
from mock_providers.webhooks.plan_book import Plan, PlanStep

WIRE, SERVER, BLOCK, TOKEN = "wire", "(server)", "(RSA)", "(JWT)"
LEFT_OUT = ("cursor", "wall_ns", "ms")
HEADERS = (
    "Date",
    "Request-ID",
    "Wechatpay-Nonce",
    "Wechatpay-Signature",
    "Wechatpay-Timestamp",
    "X-Request-Id",
    "god-portal-request-id",
    "god-portal-signature",
    "god-portal-timestamp",
    "x-tif-nonce",
    "x-tif-signature",
    "x-tif-timestamp",
)
MEMBERS = (
    "ciphertext",
    "code_challenge",
    "code_verifier",
    "effective_time",
    "Encrypt",
    "expire_time",
    "kid",
    "medins_setl_id",
    "msg_signature",
    "msgid",
    "MsgSignature",
    "nonce",
    "Nonce",
    "nonce_str",
    "nonceStr",
    "paySign",
    "req_info",
    "sign",
    "signature",
    "signData",
    "timeStamp",
    "TimeStamp",
    "timestamp",
)
_TABLES: dict[str, Any] = {
    "call": Call,
    "event": Event,
    "plan": PlanStep,
    "attempt": Attempt,
    "timer": Timer,
    "endpoint": EndpointNote,
    "alarm": EndpointNote,
    "delivery": Delivery,
    "plan_id": Plan,
}
_REFERS = {"delivery": "delivery", "event": "event", "plan": "plan_id"}
_SAYING = ("summary", "reason", "planned", "did")
_NAMES = "|".join(map(re.escape, MEMBERS))
_JSON = re.compile(rf'("(?:{_NAMES})"\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\Z)|-?\d+)')
_INNER = re.compile(rf'(\\"(?:{_NAMES})\\"\s*:\s*)(\\"[^"\\]*(?:\\"|\Z)|-?\d+)')
_XML = re.compile(rf"(<({_NAMES})>).*?(</\2>|\Z)", re.DOTALL)
_PAIR = re.compile(rf'((?:^|[?&, ])(?:{_NAMES})=)("[^"]*"|[^&\s"]*)')
_RSA = re.compile(r"(?<![\w+/-])([A-Za-z0-9+/]{342}==|[\w-]{342})(?![\w+/=-])")
_JWT = re.compile(r"\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
_STATE = re.compile(r"([?&]state=)[0-9a-f]{64}\b")
_IN_WORDS = re.compile(r"\b(event|plan|delivery) (\d+)\b")
Json = dict[str, Any]


def named() -> Json:
    """What may differ between two runs, by name: part of every answer."""
    wire = {"headers": HEADERS, "members": MEMBERS, "parameters": ["state"], "written_as": WIRE}
    return {"left_out": LEFT_OUT, **wire, "and": [BLOCK, TOKEN], "of_the_answer": ["next", "last"]}


def calm(text: str) -> str:
    """A text (JSON, XML, a query, a header) without what follows from wire time, or from where the server listens."""
    address = current_app.config["SETTINGS"].public_url
    text = text.replace(address, SERVER).replace(address.partition("://")[2], SERVER)
    text = _INNER.sub(rf'\1\\"{WIRE}\\"', _JSON.sub(rf'\1"{WIRE}"', text))
    text = _STATE.sub(rf"\1{WIRE}", _PAIR.sub(rf"\1{WIRE}", _XML.sub(rf"\1{WIRE}\3", text)))
    return _RSA.sub(BLOCK, _JWT.sub(TOKEN, text))


def items(shown: list[Json]) -> list[Json]:
    """Items of the timeline with the bytes behind them, as they are the same in every run."""
    rows = {
        kind: _rows(model, shown, kind) for kind, model in (("call", Call), ("event", Event), ("attempt", Attempt))
    }
    deliveries = _deliveries(rows["event"])
    found = []
    for item in shown:
        kept = {name: value for name, value in item.items() if name not in LEFT_OUT}
        if kept.get("kind") in ("call", "attempt"):
            kept |= _bytes(rows[kept["kind"]][kept["id"]])
        elif kept.get("kind") == "event":
            kept |= _told(rows["event"][kept["id"]], deliveries.get(kept["id"], ()))
        found.append(kept)
    return _counted(found)


def _rows(model: Any, shown: list[Json], kind: str) -> dict[int, Any]:
    ids = [item["id"] for item in shown if item["kind"] == kind]
    return {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(ids)))}


def _deliveries(events: Iterable[int]) -> dict[int, list[Delivery]]:
    found: dict[int, list[Delivery]] = {}
    wanted = select(Delivery).where(Delivery.event_id.in_(list(events)), alive(Delivery)).order_by(Delivery.id)
    for row in db.session.scalars(wanted):
        found.setdefault(row.event_id, []).append(row)
    return found


def _told(row: Event, deliveries: Iterable[Delivery]) -> Json:
    going = [
        {
            "delivery": one.id,
            "url": calm(masking.target(one.url)),
            "state": one.state,
            "tries": one.tries,
            "next_at": one.next_at.isoformat() if one.next_at else None,
            "reason": one.reason,
            "planned": one.plan_did,
        }
        for one in deliveries
    ]
    plain = calm(json.dumps(row.plain, ensure_ascii=False))
    about = {"plain": _shown(plain), "sha256": sha256(plain.encode()).hexdigest()}
    return {"notice_id": row.notice_id, **about, "deliveries": going}


def _bytes(row: Any) -> Json:
    about: Json = {"method": row.method} if isinstance(row, Call) else {"number": row.number, "reason": row.reason}
    target = row.target if isinstance(row, Call) else row.url
    return {
        **about,
        "target": calm(masking.target(target)),
        "request": _message(row.request_headers, row.request_body, target),
        "response": _message(row.response_headers, row.response_body),
    }


def _message(headers: list[Any], body: bytes, target: str = "") -> Json:
    kept = [(name, WIRE if name.lower() in _LOWER else calm(value)) for name, value in headers]
    text = calm(body.decode("utf-8", "backslashreplace"))
    exact = "\n".join([calm(target), *(f"{name}: {value}" for name, value in kept), "", text])
    return {
        "headers": [f"{name}: {masking.tree(value, name)}" for name, value in kept],
        "body": _shown(text),
        "sha256": sha256(exact.encode()).hexdigest(),
    }


def _shown(text: str) -> Any:
    try:
        return masking.tree(json.loads(text))
    except ValueError:
        return masking.text(text)


def _counted(found: list[Json]) -> list[Json]:
    """The same with ids that count from 1 in this space since its last reset."""
    used: dict[str, set[int]] = {table: set() for table in _TABLES}

    def note(table: str, id_: int) -> int:
        used[table].add(id_)
        return id_

    _each_id(found, note)
    places = {table: _places(table, ids) for table, ids in used.items() if ids}
    return _each_id(found, lambda table, id_: places[table].get(id_, 0))


def _each_id(given: Any, told: Callable[[str, int], int]) -> Any:
    """A tree of items with every id, in members and in words, as `told` says."""

    def in_words(found: re.Match[str]) -> str:
        return f"{found[1]} {told(_REFERS[found[1]], int(found[2]))}"

    if isinstance(given, list):
        return [_each_id(one, told) for one in given]
    made: Json = {}
    for name, value in given.items():
        if name in _REFERS and isinstance(value, int):
            made[name] = told(_REFERS[name], value)
        elif name == "id" and given["kind"] in _TABLES:
            made[name] = told(given["kind"], value)
        elif name in _SAYING and isinstance(value, str):
            made[name] = calm(_IN_WORDS.sub(in_words, value))
        elif name == "fault":  # the one that was asked for may be gone: which number it had cannot be told
            made[name] = {about: said for about, said in value.items() if about != "id"}
        else:
            made[name] = _each_id(value, told) if name == "deliveries" else value
    return made


def _places(table: str, ids: set[int]) -> dict[int, int]:
    """Which one of its kind each of these is, counted over what this space holds."""
    model = _TABLES[table]
    every = select(model.id, func.row_number().over(order_by=model.id).label("place"))
    every = every.where(model.space == current_space(), alive(model))
    if model is Call:
        every = every.where(Call.door != "_mock")
    counted = every.subquery()
    rows = db.session.execute(select(counted).where(counted.c.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


_LOWER = {name.lower() for name in HEADERS}

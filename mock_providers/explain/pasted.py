"""Reading what somebody pasted: a request or an answer as raw HTTP text, and whose it is by its looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

START = re.compile(rb"^\s*([A-Z]{3,8}) (\S+)(?: HTTP/[\d.]+)?\s*$")
STATUS = re.compile(rb"^\s*HTTP/[\d.]+ (\d{3})\b")
MARKED = re.compile(rb"\s*([*<>] |[<>]\r?\n|[{}] \[)")
HEADER = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$")


class Unreadable(ValueError):
    """This is no HTTP message."""


@dataclass(frozen=True)
class Message:
    """An HTTP message. `method` is empty for an answer; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    notes: list[str] = field(default_factory=list)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def read(raw: bytes) -> Message:
    """A message out of text: first line, headers, empty line, body. Raises Unreadable.

    Where Content-Length says that the body ended before a line feed or two, those were added by pasting. What
    `curl -v` prints and a message without its first line (headers and body out of a log) are understood too.
    """
    head, _, body = _split(_without_marks(raw).lstrip(b"\r\n"))
    first, *rest = head.splitlines() or [b""]
    start, status = START.match(first), STATUS.match(first)
    no_start = not start and not status and HEADER.match(first) is not None
    if no_start:
        rest = [first, *rest]
    elif not start and not status:
        if raw.lstrip()[:1] in (b"{", b"<"):
            return Message("", "", {}, raw)
        raise Unreadable("the first line is neither `POST /path HTTP/1.1` nor `HTTP/1.1 200 OK`")
    headers = {m[1].decode().lower(): m[2].decode("latin-1") for m in map(HEADER.match, rest) if m}
    notes = [f"not a header: {line[:60]!r}" for line in rest if not HEADER.match(line)]
    if no_start:
        notes.append("there is no first line: taken for a POST to nowhere")
    length = headers.get("content-length", "")
    if length.isdecimal() and len(body) != int(length[:9]):
        if len(body) > int(length[:9]) and not body[int(length[:9]) :].strip():
            body = body[: int(length[:9])]
        else:
            notes.append(f"Content-Length is {length[:9]}, the body pasted has {len(body)} bytes")
    target = start[2].decode(errors="surrogateescape") if start else ""
    if "://" in target:
        host, _, path = target.partition("://")[2].partition("/")
        headers.setdefault("host", host)
        target = f"/{path}"
    return Message(start[1].decode() if start else "POST" if no_start else "", target, headers, body, notes)


def _without_marks(raw: bytes) -> bytes:
    """Out of what `curl -v` prints the answer (`<` and what follows), or the request (`>`) where there is none."""
    if not MARKED.match(raw):
        return raw
    lines = raw.splitlines(keepends=True)
    mark = b"<" if any(line.startswith(b"< HTTP/") for line in lines) else b">"
    kept, begun = [], False
    for line in lines:
        begun = begun or line.startswith(mark + b" ")
        if begun and line[:1] == mark:
            kept.append(line[1:].removeprefix(b" "))
        elif begun and not MARKED.match(line):
            kept.append(line)
    return b"".join(kept)


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", raw)
    return (raw[: found.start()], found[0], raw[found.end() :]) if found else (raw, b"", b"")


def members(body: bytes) -> dict[str, Any]:
    """A JSON body's members; none if it is something else."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def kind(message: Message) -> str:
    """Which verifier this is for; "" if nothing in it is signed in a way we know."""
    headers, query, given = message.headers, message.query, members(message.body)
    if "wechatpay-signature" in headers or "wechatpay-timestamp" in headers:
        return "wechatpay_told"
    if "authorization" in headers or message.path.startswith(("/v3/", "/wechatpay/")):
        return "wechatpay_request"
    if "paySign" in given or "paySign" in (given.get("params") or {}):
        return "pay_sign"
    if "sig_method" in query or message.path.endswith(("/checksession", "/resetusersessionkey")):
        return "session"
    if {"signature", "timestamp", "nonce"} <= query.keys():
        return "pushed"
    if "god-portal-signature" in headers or "/mipuserquery/" in message.path:
        return "portal"
    if "x-ca-signature" in headers:
        return "ca"
    if "x-tif-signature" in headers or "x-tif-paasid" in headers:
        return "tif"
    if {"signData", "encData"} & given.keys():
        return "sealed"
    lower = {name.lower() for name in given} | {name.lower() for name in _elements(message.body)}
    return "replied" if {"encrypt", "msgsignature"} <= lower else ""


def _elements(body: bytes) -> list[str]:
    return [name.decode() for name in re.findall(rb"<(\w{1,40})>", body[:20_000])]

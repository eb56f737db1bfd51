"""Damage done on purpose to the answer of a vendor's API. Pure: a damage takes the answer and gives another one.

None means that the fault does not fit this answer: an unsigned one cannot lose its signature.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from mock_providers.webhooks.catalogue import CATALOGUE

NGINX = "<html>\r\n<head><title>{0} {1}</title></head>\r\n<body>\r\n<center><h1>{0} {1}</h1></center>\r\n"
NGINX += "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
GARBAGE = b"\x1f\x8b\x08\x00\xff\xfe\x00{not an answer\x00\xfd"
PORTAL = (
    "<!DOCTYPE html><html><head><title>网络登录</title></head><body>请先登录网络后再访问。</body></html>".encode()
)
RESET, CUT_OFF, SLOW, DRIBBLED = "reset", "cut_off", "slow", "dribbled"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; `way`: how it goes out, with pauses of `seconds` in all."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    way: str = ""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")

    def with_header(self, name: str, value: str | None) -> "Answer":
        """The same with a header set, or without it."""
        kept = [(known, old) for known, old in self.headers if known.lower() != name.lower()]
        return replace(self, headers=(*kept, *([] if value is None else [(name, value)])))

    def without(self, prefix: str) -> "Answer":
        """The same without the headers whose names begin so."""
        kept = tuple(pair for pair in self.headers if not pair[0].lower().startswith(prefix.lower()))
        return replace(self, headers=kept)


@dataclass(frozen=True)
class Given:
    """An answer on its way out (or, where the call is not made, an empty 200), and who it is for."""

    answer: Answer
    credentials: Mapping[str, Any]
    now: datetime
    seconds: float = 0.0


AnswerDamage = Callable[[Given], Answer | None]
EMPTY = Answer(200, (), b"")


@dataclass(frozen=True)
class Answering:
    """A vendor's own answer faults, and whose keys sign for the caller at hand."""

    damages: Mapping[str, AnswerDamage] = field(default_factory=dict)
    credentials: Callable[[], Mapping[str, Any]] = dict


def page(status: int) -> AnswerDamage:
    """The error page of a gateway in front of the vendor."""

    def damage(given: Given) -> Answer:
        body = NGINX.format(status, HTTPStatus(status).phrase).encode()
        return Answer(status, (("Server", "nginx"), ("Content-Type", "text/html")), body)

    return damage


def _with_body(body: bytes | None = None, half: bool = False) -> AnswerDamage:
    def damage(given: Given) -> Answer | None:
        old = given.answer
        if not old.body:
            return None
        return replace(old, body=old.body[: len(old.body) // 2] if half else body or b"")

    return damage


def _by_way(way: str, whole: bool = False) -> AnswerDamage:
    def damage(given: Given) -> Answer | None:
        if whole and not given.answer.body:
            return None
        return replace(given.answer, way=way, seconds=given.seconds)

    return damage


def _plain_text(given: Given) -> Answer | None:
    is_json = given.answer.header("Content-Type").startswith("application/json")
    return given.answer.with_header("Content-Type", "text/plain; charset=utf-8") if is_json else None


def _portal(given: Given) -> Answer | None:
    """What stands in front of the vendor answers by itself: nothing of the vendor's headers is left."""
    return Answer(200, (("Content-Type", "text/html; charset=utf-8"),), PORTAL) if given.answer.body else None


GENERIC: dict[str, AnswerDamage] = {
    "answer_500": page(500),
    "answer_500_after": page(500),
    "answer_502": page(502),
    "answer_503": page(503),
    "answer_429": page(429),
    "answer_reset": _by_way(RESET),
    "answer_lost": _by_way(RESET),
    "answer_slow": _by_way(SLOW),
    "answer_dribbled": _by_way(DRIBBLED, whole=True),
    "answer_empty": _with_body(b""),
    "answer_garbage": _with_body(GARBAGE),
    "answer_truncated": _with_body(half=True),
    "answer_cut_off": _by_way(CUT_OFF, whole=True),
    "answer_html": _portal,
    "answer_content_type_wrong": _plain_text,
}


def damaged(name: str, vendor: str, known: Mapping[str, Answering], given: Given) -> Answer | None:
    """The answer with this fault, None if it does not fit."""
    own = known.get(vendor)
    damage = (own.damages.get(name) if own else None) or GENERIC.get(name)
    return damage(replace(given, seconds=given.seconds or CATALOGUE[name].seconds)) if damage else None

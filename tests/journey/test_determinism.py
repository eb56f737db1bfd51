"""Same seed, same commands, same story: byte for byte, again and again, with one worker and with eight.

What may differ is named by the program (control/stable.py); with a wall clock that repeats itself nothing may.
"""

import itertools
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha1
from typing import Any

import pytest
import requests

import mock_providers.clock as mock_clock
import yibao.clock as back_end_clock
from app import InProcess, Simulator, join
from mock_providers import keys
from mock_providers.phone import handset
from mock_providers.phone.handset import Handset
from mock_providers.webhooks.reply import Reply
from tests.journey.conftest import BASE, post_to
from yibao.providers import wechatpay
from yibao.providers.national import gateway

Json = dict[str, Any]
Install = Callable[..., Handset]
SHOP, BEGINS = "P46019900008", "2025-12-01T10:00:00+08:00"
SINK = "http://127.0.0.1:9/sink"
TO_SINK = tuple({"to": f"{SINK}?{turn}", "signature": "stale" if turn % 2 else "fresh"} for turn in range(6))
AGAIN: tuple[Json, ...] = (*TO_SINK, {"signature": "wrong_key"})
BAD = (500, 200, 302, None, 204, 404)
PAIRS = [keys._make() for _ in range(2)]


class Ticking:
    """A wall clock that goes the same way every time: a little further each time somebody looks."""

    def __init__(self) -> None:
        self.looks = itertools.count(1_795_000_000_000_000_000, 1_000_000)

    def time_ns(self) -> int:
        return next(self.looks)

    def time(self) -> float:
        return next(self.looks) / 1e9

    perf_counter = time

    def put(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In both halves, in place of the one that never comes back."""
        ticking = self

        class Moments(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return datetime.fromtimestamp(ticking.time(), tz)

        for half in (mock_clock, back_end_clock):
            monkeypatch.setattr(half, "time", self)
            monkeypatch.setattr(half, "datetime", Moments)


def padded_alike(text: str) -> str:
    """RSAES-OAEP as the back end seals names and numbers, but with the same padding every time."""
    numbers = wechatpay.public_key(wechatpay._account()["public_key"]).public_numbers()
    content, salt = text.encode(), bytes(20)
    block = sha1(b"").digest() + bytes(214 - len(content)) + b"\1" + content
    block = _mixed(block, salt)
    whole = int.from_bytes(_mixed(salt, block) + block)
    return b64encode(pow(whole, numbers.e, numbers.n).to_bytes(256)).decode()


def _mixed(given: bytes, seed: bytes) -> bytes:
    mask = b"".join(sha1(seed + turn.to_bytes(4)).digest() for turn in range(13))
    return bytes(one ^ other for one, other in zip(given, mask, strict=False))


@pytest.fixture(scope="module")
def patches() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patches:
        yield patches


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, patches: pytest.MonkeyPatch) -> Iterator[Install]:
    """Fresh installs, one after another, with the same keys if not told otherwise: a phone each."""
    open_ = []

    def install(background: bool = False, pairs: Any = PAIRS, **settings: Any) -> Handset:
        made = itertools.cycle(pairs)
        patches.setattr(keys, "MAKE", lambda: next(made))
        patches.setattr(gateway, "SERIALS", itertools.count())
        data = tmp_path_factory.mktemp("install")
        (data / "token.key").write_text("0" * 64)
        simulator = join(data, BASE, background=background, **settings)
        post = Post(simulator)
        simulator.mocks.extensions["sender"].post, simulator.mocks.extensions["get_url"] = post, post.verified
        open_.append(simulator)
        session = requests.Session()
        session.mount("http://", InProcess(simulator))
        return Handset(BASE, session=session)

    yield install
    for simulator in open_:
        simulator.close()


@pytest.fixture(scope="module")
def one_worker(installed: Install, patches: pytest.MonkeyPatch) -> Handset:
    """An install with one worker in which the story has happened; the next ones have other keys."""
    phone = installed(background=True, pairs=PAIRS[::-1], sender_threads=1)
    story(phone, patches)
    return phone


@pytest.fixture(scope="module")
def once(one_worker: Handset) -> str:
    return told(one_worker)


class Post:
    """The way out of the callback sender: to the back end, or to a receiver that answers badly every now and then."""

    def __init__(self, simulator: Simulator) -> None:
        self.post = post_to(simulator)

    def __call__(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        if not url.startswith(SINK):
            return self.post(url, headers, body)
        status = next(self.turns)
        return Reply(status, [("X-Turn", str(status))], b"", trouble="" if status else "connection reset")

    def verified(self, url: str) -> Reply:
        """A story begins: the receiver begins anew as well."""
        self.turns = itertools.cycle(BAD)
        return Reply(200, [], url.partition("echostr=")[2].encode())


def story(phone: Handset, monkeypatch: pytest.MonkeyPatch, until_refund: bool = True) -> None:
    """Bought with faults and plans over simulated time, told again, pushed to a bad receiver, given back."""
    monkeypatch.setattr(handset, "_packs", itertools.count(1))
    phone.token = ""
    phone.control("POST", "clock", {"set": BEGINS, "freeze": True})
    phone.control("POST", "push", {"url": SINK})
    phone.control("POST", "plans", {"text": "shuffle 1-3; dup 4; delay 5 90s"})
    phone.control("POST", "faults", {"fault": "signature_bad", "percent": 50, "next": 3})
    phone.ready("P02")
    confirmed = _paid(phone)
    phone.advance("1h")
    phone.log_in("P02")
    assert phone.settlement(confirmed)["state"] == "SETTLED"
    events = phone.control("GET", "events")["items"]
    for event, how in itertools.product(events, AGAIN):
        phone.control("POST", f"events/{event['id']}/resend", how)
    phone.deliver()
    phone.control("POST", "phone/wechat/push", {"person": "P02", "event": "text", "fields": {"Content": "样例"}})
    phone.deliver()
    if not until_refund:
        return
    phone.control("POST", "faults", {"fault": "answer_503", "vendor": "wechatpay", "next": 2})
    phone.control("POST", "faults", {"fault": "body_garbage", "next": 1})
    phone.refund(confirmed)
    phone.advance("25h")


def _paid(phone: Handset) -> str:
    """An order with a pooled and a cash part, paid; its callbacks are due."""
    quote = phone.quote(SHOP, [("D09", 3), ("D13", 2), ("D25", 1)], prescription_no="RXSAMPLE-E3")
    phone.pay(phone.confirm(quote))
    phone.deliver()
    return str(quote["id"])


def told(phone: Handset) -> str:
    """The whole timeline, as `yibao timeline --stable` prints it."""
    lines, after = [], "0"
    while after:
        page = phone.control("GET", f"timeline?stable=true&limit=50&after={after}")
        lines += [json.dumps(item, ensure_ascii=False) for item in page["items"]]
        after = page["next"]
    return "\n".join(lines)


def everything(phone: Handset) -> list[Any]:
    """All there is to see, exact bytes and wire time included."""
    items = phone.control("GET", "timeline?limit=500")["items"]
    paths = [f"{item['kind']}s/{item['id']}" for item in items if item["kind"] in ("call", "event", "attempt")]
    return [*items, *(phone.control("GET", path) for path in paths)]


def test_a_reset_and_the_same_commands_tell_the_same_story(
    one_worker: Handset, once: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {json.loads(line)["kind"] for line in once.splitlines()} >= {"call", "event", "plan", "attempt", "state"}
    one_worker.control("POST", "reset", {"level": "all"})
    assert told(one_worker) == ""
    story(one_worker, monkeypatch)
    assert told(one_worker) == once


def test_neither_eight_workers_nor_the_keys_of_another_install_change_the_story(
    installed: Install, once: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    eight_workers = installed(background=True, sender_threads=8)
    story(eight_workers, monkeypatch)
    assert told(eight_workers) == once


def test_where_wall_time_repeats_itself_nothing_differs_at_all(
    installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechatpay, "_encrypt", padded_alike)
    seen = []
    for _ in range(2):
        Ticking().put(monkeypatch)
        phone = installed()
        story(phone, monkeypatch, until_refund=False)
        seen.append(everything(phone))
    for one, other in zip(*seen, strict=True):
        assert one == other

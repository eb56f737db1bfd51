"""Fifty testers at once on one server (over sockets, longer and with figures: tests/benchmarks/bench_spaces.py)."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from flask import Flask

from mock_providers.webhooks.reply import Reply
from tests.benchmarks.spaces import Calm, Heard, Wild
from tests.mock_providers.webhooks.conftest import live
from tests.mock_providers.webhooks.toy import sender_of

__all__ = ["live"]
ADDRESS = "http://127.0.0.1:9"


def test_each_of_fifty_sees_its_own_and_nothing_else_whatever_the_others_do(live: Flask) -> None:
    heard: Heard = defaultdict(list)

    def post(url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        heard[urlsplit(url).path].append((dict(headers), body))
        return Reply(204, [], b"")

    sender_of(live).post = post
    calm = [Calm(live.test_client(), f"calm-{number}", ADDRESS) for number in range(46)]
    wild = [Wild(live.test_client(), f"wild-{number}", ADDRESS, number) for number in range(4)]

    def come(one: Calm) -> None:
        one.move_in()
        for _ in range(4):
            one.act() if isinstance(one, Wild) else one.sell() if len(one.paid) < 1 else None

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(come, (*wild, *calm)))
    for one in wild:
        one.control("POST", "reset", {"level": "all"})
    assert sender_of(live).wait_idle(20)
    for number, one in enumerate(calm):
        one.judge(heard, closely=number % 6 == 0)
    assert not [name for one in wild for name in one.strangers(heard)]


def test_nobody_gets_in_with_another_spaces_keys_or_numbers(live: Flask) -> None:
    mine, other = (Calm(live.test_client(), f"calm-{number}", ADDRESS) for number in range(2))
    for one in (mine, other):
        one.move_in()
        one.sell()
    (event,) = mine.control("GET", "events")["items"]
    other.control("GET", f"events/{event['id']}", expected=404)
    other.control("POST", f"events/{event['id']}/resend", {}, expected=404)
    (delivery,) = mine.control("GET", "deliveries")["items"]
    other.control("POST", f"deliveries/{delivery['id']}/send-now", {}, expected=404)
    target = f"/v3/pay/transactions/out-trade-no/{mine.paid[0]}?mchid={other.merchant.held['mchid']}"
    assert other.merchant.get(target).status_code == 404
    forged = other.merchant.get(target, mchid=mine.merchant.held["mchid"])
    assert forged.status_code == 401

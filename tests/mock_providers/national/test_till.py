"""A till that is somebody else's program: the counter's day, a lost answer, random days, and many tills at once."""

import random
import threading
from collections.abc import Mapping
from decimal import Decimal
from queue import Queue
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from mock_providers import clock, outcomes, people, switches
from mock_providers.db import db
from mock_providers.national import person as bureau
from mock_providers.national.models import Settlement
from mock_providers.till import Customer, Goods, Lost, Said, Till
from tests.mock_providers.national.bureau import writing
from tests.mock_providers.national.institution import Institution

PHARMACY = "P46019900008"
PRICES = {"D04": 390, "D05": 1850, "D06": 720, "D07": 1280, "D15": 1580, "D20": 1480, "D25": 2990, "X01": 19900}


def till(mocks: Flask, number: int = 1) -> Till:
    """A counter that has signed in and knows its items."""
    client = mocks.test_client()

    def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        answer = client.post(path, data=body, headers=dict(headers))
        return answer.status_code, answer.get_data()

    def now() -> Any:
        with mocks.app_context():
            return clock.now()

    keys = client.get("/_mock/credentials").get_json()["national"]
    made = Till(post, keys, now, number=number)
    made.sign_in()
    made.learn_items()
    return made


def customer(mocks: Flask, counter: Till, person: str = "P01", **more: str) -> Customer:
    said = {"person": person, "institution": PHARMACY, **more}
    shown = mocks.test_client().post("/_mock/phone/national/code", json=said)
    assert shown.status_code == 200, shown.get_data(as_text=True)
    return counter.scan(shown.get_json()["ecQrCode"])


def goods(counter: Till, *codes: str, count: int = 1) -> list[Goods]:
    """Packs nobody has sold before."""
    return [
        Goods(
            code, count, Decimal(PRICES[code]) / 100, tuple(f"84{next(counter.serials):018d}" for _ in range(count))
        )
        for code in codes
    ]


def balance(mocks: Flask, who: str) -> int:
    with mocks.app_context():
        return bureau.describe(who)["balance_fen"]


def test_a_counters_day_from_sign_in_to_a_balanced_evening(mocks: Flask) -> None:
    counter = till(mocks)
    who = customer(mocks, counter)
    basket = goods(counter, "D05", "D07")
    quoted = counter.quote(who, basket)
    info = counter.settle(who, basket)
    assert (
        (info["acct_pay"], info["balc"])
        == (quoted["acct_pay"], quoted["balc"])
        == (Decimal("31.30"), Decimal("3255.20"))
    )
    counter.settle(customer(mocks, counter, "P02"), goods(counter, "D25"))
    counter.refund(info, who.area)
    assert counter.close_day() == ({"310": "0"}, [])
    assert balance(mocks, "P01") == 328650
    counter.sign_out()
    with pytest.raises(Said):
        counter.sign_no = "10000001"
        counter.quote(who, basket)


def test_no_two_counters_ever_name_a_message_alike(mocks: Flask) -> None:
    counters = [till(mocks, number) for number in range(1, 5)]
    names = [counter.msgid() for _ in range(300) for counter in counters]
    assert len(set(names)) == len(names) and {len(name) for name in names} == {30}


def test_a_lost_answer_is_undone_before_the_till_tries_again(mocks: Flask) -> None:
    counter = till(mocks)
    who = customer(mocks, counter)
    with writing(mocks):
        outcomes.plan("national.2102", "timeout")
    basket = goods(counter, "D05")
    with pytest.raises(Lost):
        counter.settle(who, basket)
    assert balance(mocks, "P01") == 328650 and counter.book == []
    counter.settle(who, basket)
    assert balance(mocks, "P01") == 326800
    assert counter.close_day() == ({"310": "0"}, [])


def test_a_book_that_misses_a_sale_does_not_balance(mocks: Flask) -> None:
    counter = till(mocks)
    counter.settle(customer(mocks, counter), goods(counter, "D05"))
    counter.settle(customer(mocks, counter), goods(counter, "D07"))
    counter.book.pop()
    results, ((_, _, setl_id, _, result, *_),) = counter.close_day()
    assert (results, result) == ({"310": "1"}, "101") and setl_id


@pytest.mark.parametrize("seed", [2025, 2026])
def test_random_sales_and_refunds_leave_ledger_balances_counters_and_totals_in_step(mocks: Flask, seed: int) -> None:
    counter, choose = till(mocks), random.Random(seed)
    money_before = {who: balance(mocks, who) for who in people.world().people}
    with mocks.app_context():
        counters_before = {who: bureau.describe(who) for who in people.world().people}
    standing = []
    for _ in range(40):
        if standing and choose.random() < 0.4:
            info, area = standing.pop(choose.randrange(len(standing)))
            counter.refund(info, area)
            continue
        who = customer(mocks, counter, choose.choice(["P01", "P02", "P03", "P07", "P08"]))
        codes = choose.sample(sorted(PRICES), choose.randint(1, 4))
        standing.append((counter.settle(who, goods(counter, *codes, count=choose.randint(1, 3))), who.area))
    results, differences = counter.close_day()
    assert set(results.values()) == {"0"} and differences == []
    for info, area in standing:
        counter.refund(info, area)
    assert {who: balance(mocks, who) for who in people.world().people} == money_before
    with mocks.app_context():
        after = {who: bureau.describe(who) for who in people.world().people}
    assert after == counters_before
    assert sum(row["medfee_sumamt"] for row in counter.book) == 0


def test_many_counters_at_once_never_overdraw_an_account_nor_sell_a_pack_twice(mocks: Flask) -> None:
    with writing(mocks):
        bureau.adjust("P01", balance_fen=10_000)
        switches.put("national.ec_token_ttl_s", "3600")
    counters = [till(mocks, number) for number in range(1, 5)]
    tokens = [customer(mocks, counter) for counter in counters]
    (shared,) = goods(counters[0], "D07")
    sold, refused = [], []
    lock = threading.Lock()

    def work(counter: Till, who: Customer) -> None:
        for turn in range(50):
            basket = [shared] if turn % 10 == 0 else goods(counter, "D07")
            try:
                info = counter.settle(who, basket)
            except Said as said:
                with lock:
                    refused.append(str(said))
                continue
            with lock:
                sold.append((info, basket[0] is shared))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(counters, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(sold) + len(refused) == 200 and not any(thread.is_alive() for thread in threads)
    assert sum(is_shared for _, is_shared in sold) == 1 and {"FSI-药品追溯码已被使用"} == set(refused)
    paid = sum(info["acct_pay"] for info, _ in sold)
    assert paid == Decimal("100.00") and balance(mocks, "P01") == 0
    assert all(info["acct_pay"] + info["psn_cash_pay"] == Decimal("12.80") for info, _ in sold)
    counters[0].book = [row for counter in counters for row in counter.book]
    assert counters[0].close_day() == ({"310": "0"}, [])


class Phone:
    """A payment in an app, confirmed by two taps at the same moment."""

    def __init__(self, mocks: Flask) -> None:
        self.centre, self.paid, self.failed = Institution(mocks, mocks.test_client()), [], []
        self.together, self.orders = threading.Barrier(2, timeout=60), Queue[tuple[Any, Any] | None]()

    def order(self, count: int) -> None:
        """6201 and 6202, then both thumbs."""
        for _ in range(count):
            order = self.centre.upload("P01", {"D07": 1})
            split = self.centre.place(order)
            self.orders.put((order, split))
            self.tap((order, split))
        self.orders.put(None)

    def also(self) -> None:
        while order := self.orders.get(timeout=60):
            self.tap(order)

    def tap(self, order: tuple[Any, Any]) -> None:
        self.together.wait()
        said = self.centre.settle(*order)
        (self.paid if said["ok"] else self.failed).append((order, said))


def test_two_tills_and_a_phone_spend_one_account_at_the_same_time(mocks: Flask) -> None:
    """200 attempts: 2 × 60 over 2102, some of them one message sent by both tills, and 40 orders tapped twice."""
    with writing(mocks):
        bureau.adjust("P01", balance_fen=60_000)
        switches.put("national.ec_token_ttl_s", "3600")
    tills, phone = [till(mocks, number) for number in (1, 2)], Phone(mocks)
    tokens = [customer(mocks, counter) for counter in tills]
    shared = [tills[0].msgid() for _ in range(6)]
    sold: list[Any] = []
    refused: list[str] = []

    def work(counter: Till, who: Customer) -> None:
        for turn in range(60):
            msgid = shared[turn // 10] if turn % 10 == 0 else counter.msgid()
            bill = counter._bill(who, goods(counter, "D07"), "2025-12-01 10:00:00")
            try:
                sold.append(counter.call("2102", bill, who.area, msgid)["setlinfo"])
            except Said as said:
                refused.append(str(said))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(tills, tokens, strict=True)]
    threads += [threading.Thread(target=phone.order, args=(40,)), threading.Thread(target=phone.also)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert not any(thread.is_alive() for thread in threads)
    assert len(sold) + len(refused) + len(phone.paid) + len(phone.failed) == 200
    assert len(sold) == 114 and set(refused) == {"FSI-发送方报文ID重复"}
    orders = [order["payOrdId"] for (order, _), _ in phone.paid]
    assert 0 < len(orders) == len(set(orders)) and len(phone.failed) == 80 - len(orders)
    by_phone = [Decimal(split["psnAcctPay"]) for (_, split), _ in phone.paid]
    assert sum(info["acct_pay"] for info in sold) + sum(by_phone) == Decimal("600.00")
    assert balance(mocks, "P01") == 0
    with mocks.app_context():
        rows = db.session.scalars(select(Settlement)).all()
        assert (len(rows), sum(row.own_fen for row in rows)) == (len(sold) + len(orders), 60_000)
        assert len({row.medins_setl_id for row in rows}) == len(rows)


def test_the_balance_after_each_sale_is_a_balance_the_account_really_had(mocks: Flask) -> None:
    """Told by every answer: no two sales left the same balance behind, and each took what it says."""
    with writing(mocks):
        bureau.adjust("P01", balance_fen=30_000)
        switches.put("national.ec_token_ttl_s", "3600")
    counters = [till(mocks, number) for number in (1, 2)]
    tokens = [customer(mocks, counter) for counter in counters]
    told: list[tuple[Decimal, Decimal]] = []

    def work(counter: Till, who: Customer) -> None:
        for _ in range(10):
            info = counter.settle(who, goods(counter, "D07"))
            told.append((info["balc"], info["acct_pay"]))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(counters, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    left = Decimal("300.00")
    for balc, paid in sorted(told, reverse=True):
        left -= paid
        assert balc == left
    assert balance(mocks, "P01") == int(left * 100) == 30_000 - 20 * 1280

"""kill -9 in the middle of 2102: after a restart 2601 tells the truth, and money is neither lost nor made."""

import json
import os
import random
import re
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mock_providers import clock
from mock_providers.__main__ import main
from mock_providers.till import Customer, Goods, Lost, Said, Till

PHARMACY, PRICES = "P46019900008", {"D04": "3.90", "D05": "18.50", "D07": "12.80", "D20": "14.80"}
START_FEN, TILLS = 300_000, 3
HALF = ("control", "national", "wechat", "wechatpay", "phone", "webhooks.sender", "listen", "claim")
PRELOADED = [__name__, "waitress.server", *(f"mock_providers.{name}" for name in HALF)]


def serve(data: str, said: Connection) -> None:
    """A server of its own, in a fresh process; its first line goes to whoever started it."""
    os.dup2(said.fileno(), 1)
    main(["--port", "0", "--data", data, "--threads", "8"])


@dataclass
class Server:
    """A server that can lose its power, on one data directory and each time another port."""

    data: Path
    process: Any = None
    port: int = 0

    def start(self) -> None:
        """Forked, where there is a fork, from a process that has imported everything: the cut is the point here."""
        context: Any = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
        if context.get_start_method() == "forkserver":
            context.set_forkserver_preload(PRELOADED)
        heard, said = context.Pipe(duplex=False)
        self.process = context.Process(target=serve, args=(str(self.data), said))
        self.process.start()
        said.close()
        line = os.read(heard.fileno(), 200).decode()
        heard.close()
        found = re.search(r":(\d+)$", line.strip())
        assert found, line
        self.port = int(found[1])

    def cut(self) -> None:
        self.process.kill()
        self.process.join(10)

    def ask(self, path: str, content: Any = None) -> Any:
        """The control API."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            body = None if content is None else json.dumps(content)
            method = "GET" if content is None else "POST"
            connection.request(method, f"/_mock/{path}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read() or b"{}")
            assert answer.status < 300, (path, said)
            return said

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            try:
                connection.request("POST", path, body, dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.read()
            except HTTPException as error:
                raise OSError(str(error)) from error

    def throw(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a request and never look for its answer."""
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with closing(socket.create_connection(("127.0.0.1", self.port), 10)) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


@dataclass
class Day:
    """What the tills believe: answered settlements, and messages nobody answered."""

    server: Server
    keys: Mapping[str, Any]
    tills: list[Till] = field(default_factory=list)
    answered: dict[str, Any] = field(default_factory=dict)
    unanswered: dict[str, Till] = field(default_factory=dict)
    reversed: int = 0
    never: int = 0

    def scan(self, counter: Till) -> Customer:
        shown = self.server.ask("phone/national/code", {"person": "P01", "institution": PHARMACY})
        return counter.scan(shown["ecQrCode"])

    def sell(self, counter: Till, who: Customer, choose: random.Random) -> None:
        """2102 after 2102 until the power goes; some are sent and not waited for."""
        while True:
            basket = [
                Goods(code, 1, Decimal(PRICES[code]), (f"84{next(counter.serials):018d}",))
                for code in choose.sample(sorted(PRICES), choose.randint(1, 3))
            ]
            msgid, moment = counter.msgid(), counter.now().strftime("%Y-%m-%d %H:%M:%S")
            bill = counter._bill(who, basket, moment)
            self.unanswered[msgid] = counter
            try:
                if choose.random() < 0.35:
                    self.forget(counter, bill, who.area, msgid)
                    continue
                self.answered[msgid] = counter.call("2102", bill, who.area, msgid)["setlinfo"]
            except (Lost, OSError, HTTPException):
                return
            del self.unanswered[msgid]

    def forget(self, counter: Till, bill: Any, area: str, msgid: str) -> None:
        told: list[Any] = []

        def hold(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
            told.append((path, body, headers))
            return 200, b"{}"

        counter.post, post = hold, counter.post
        counter.send("2102", bill, area, msgid)
        counter.post = post
        self.server.throw(*told[0])

    def undo(self, psn_no: str, area: str) -> None:
        """2601 for every message without an answer, against what really is on the disk; asked twice."""
        for msgid, counter in self.unanswered.items():
            booked = on_disk(
                self.server.data, "SELECT count(*) FROM national_settlement WHERE medins_setl_id = ?", msgid
            )
            node = {"psn_no": psn_no, "omsgid": msgid, "oinfno": "2102"}
            for _ in range(2):
                try:
                    counter.call("2601", {"data": node}, area)
                    said = 1
                except Said as refused:
                    assert "未查询到" in str(refused)
                    said = 0
                assert said == booked
            self.reversed += booked
            self.never += 1 - booked
        self.unanswered.clear()


def on_disk(data: Path, statement: str, *values: str) -> int:
    with closing(sqlite3.connect(f"file:{data / 'mock.sqlite'}?mode=ro", uri=True)) as connection:
        return int(connection.execute(statement, values).fetchone()[0] or 0)


@contextmanager
def powered(data: Path) -> Iterator[Server]:
    server = Server(data)
    server.start()
    try:
        yield server
    finally:
        server.cut()


def day(server: Server) -> Day:
    server.ask("people/P01", {"balance_fen": START_FEN})
    server.ask("deviations", {"national.pharmacy_pooled_mode": "open"})
    keys, ahead = (
        server.ask("credentials")["national"],
        datetime.fromisoformat(server.ask("clock")["now"]) - clock.wall(),
    )
    made = Day(server, keys)
    for number in range(1, TILLS + 1):
        counter = Till(server.post, keys, lambda: clock.wall() + ahead, number=number)
        counter.sign_in()
        counter.learn_items()
        made.tills.append(counter)
    return made


def one_round(today: Day, choose: random.Random) -> None:
    """Sell at every till, pull the plug at a random moment, start again, find out what happened."""
    who = [today.scan(counter) for counter in today.tills]
    began = len(today.answered)
    seeds = [choose.random() for _ in today.tills]
    threads = [
        threading.Thread(target=today.sell, args=(counter, one, random.Random(seed)))
        for counter, one, seed in zip(today.tills, who, seeds, strict=True)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(today.answered) < began + 3 and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(choose.uniform(0, 0.15))
    today.server.cut()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads) and len(today.answered) > began
    today.server.start()
    today.undo(who[0].psn_no, who[0].area)
    check(today, who[0])


def check(today: Day, who: Customer) -> None:
    """The account, the year's counters, the rows and 3201 are those of what was answered, and of nothing else."""
    infos = list(today.answered.values())
    kept = today.server.ask("people/P01")["bureau"]
    assert kept["balance_fen"] == START_FEN - sum(fen(info, "acct_pay") for info in infos)
    assert kept["pooled_used_fen"] == sum(fen(info, "hifp_pay") for info in infos)
    assert kept["deductible_paid_fen"] == sum(fen(info, "act_pay_dedc") for info in infos)
    rows = on_disk(today.server.data, "SELECT count(*) FROM national_settlement")
    assert rows == len(infos) and len({info["setl_id"] for info in infos}) == rows
    packs = on_disk(today.server.data, "SELECT count(*) FROM national_trace_code")
    lines = "SELECT sum(json_array_length(detail, '$.lines')) FROM national_settlement"
    assert packs == on_disk(today.server.data, lines)
    counter = today.tills[0]
    counter.book = []
    for info in infos:
        counter._note(info, info["psn_part_amt"], "0")
    assert counter.close_day() == ({"310": "0"}, [])
    last = infos[-1]
    named = {name: last[name] for name in ("psn_no", "setl_id", "mdtrt_id")}
    found = counter.call("5203", {"data": named}, who.area)["setlinfo"]
    assert found["medins_setl_id"] in today.answered and found["balc"] == last["balc"]


def fen(info: Mapping[str, Any], name: str) -> int:
    return int(info[name] * 100)


def rounds(data: Path, many: int, seed: int) -> Day:
    choose = random.Random(seed)
    with powered(data) as server:
        today = day(server)
        for _ in range(many):
            one_round(today, choose)
    return today


def test_a_power_cut_in_2102_neither_loses_nor_makes_money(tmp_path: Path) -> None:
    today = rounds(tmp_path, 5, 20261122)
    assert today.reversed + today.never >= 5 and today.reversed > 0


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        seen = rounds(Path(place), int(sys.argv[1]), int(sys.argv[2]))
    print(f"{sys.argv[1]} cuts: {len(seen.answered)} answered, {seen.reversed} booked without an answer and undone,")
    print(f"{seen.never} that never were; nothing lost, nothing made")

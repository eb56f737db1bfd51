"""`kill -9` at random moments under load, and what must hold afterwards: no callback lost, none made up, none twice
unless it was in flight and is marked. Both halves run; the second one is a receiver as well.

    python tests/benchmarks/torture_kills.py [kills] [seed]
"""

import json
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import requests

from mock_providers.phone.handset import Handset, Refusal
from tests.benchmarks.bench_vendors import logged_in
from tests.benchmarks.load import ROOT
from tests.mock_providers.wechatpay.merchant import Merchant

SHOP = "P46019900008"
PAYERS = ("P01", "P02")
BOTH = "both"
WHOLE, MOCKS = ("app.py", "up"), ("-m", "mock_providers")
BALANCE = 90_000_000
Think = Callable[[int], int]


class Receiver:
    """A merchant's own server on loopback: keeps every notice it gets, then answers what `think(number)` says."""

    def __init__(self, think: Think) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.came = threading.Condition()
        me = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with me.came:
                    me.heard.append((json.loads(body)["id"], body))
                    number = len(me.heard)
                    me.came.notify_all()
                try:
                    self.send_response(think(number))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # who asked was killed

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.server.server_port}/notify"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def has(self, count: int) -> bool:
        """Wait for so many notices; False if they do not come."""
        with self.came:
            return self.came.wait_for(lambda: len(self.heard) >= count, 30)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Server:
    """The program itself, as a child that can be killed and started again on the same data and port."""

    def __init__(self, data: Path, program: Sequence[str]) -> None:
        self.data, self.program = data, program
        self.process: subprocess.Popen[str] | None = None
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.up = threading.Event()
        self.leased: set[int] = set()
        self.cut_off: dict[int, int] = {}
        self.said: deque[str] = deque(maxlen=200)

    def spawn(self) -> None:
        command = [sys.executable, *self.program, "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        self.overhearing = threading.Thread(target=self._overhear, args=(self.process.stderr,), daemon=True)
        self.overhearing.start()

    def _overhear(self, stream: Any) -> None:
        self.said.extend(line for line in stream if line[:1].isalpha())

    def ready(self) -> None:
        assert self.process and self.process.stdout
        assert " ready on " in self.process.stdout.readline(), "it did not start"
        self.up.set()

    def kill(self) -> None:
        """SIGKILL, then look at what it left behind: whole, and marked only what had been leased."""
        assert self.process and self.process.stdout
        self.up.clear()
        self.process.kill()
        self._gone()
        with tempfile.TemporaryDirectory() as place:
            for path in self.data.glob("*.sqlite*"):
                shutil.copy(path, place)
            for path in Path(place).glob("*.sqlite"):
                assert rows(path, "PRAGMA quick_check") == [("ok",)], path
            if (Path(place) / "mock.sqlite").exists():
                self._look(Path(place) / "mock.sqlite")

    def _look(self, file: Path) -> None:
        if not rows(file, "SELECT 1 FROM sqlite_master WHERE name = 'delivery'"):
            return
        cut_off = dict(rows(file, "SELECT id, interrupted FROM delivery WHERE interrupted > 0"))
        newly = {id_ for id_, count in cut_off.items() if count > self.cut_off.get(id_, 0)}
        assert newly <= self.leased, newly - self.leased
        leased = {row[0] for row in rows(file, "SELECT id FROM delivery WHERE state = 'leased'")}
        self.cut_off, self.leased = cut_off, leased

    def stop(self) -> None:
        assert self.process and self.process.stdout
        self.process.terminate()
        self._gone()

    def finish(self) -> None:
        """Until it ends by itself."""
        self._gone()

    def _gone(self) -> None:
        assert self.process and self.process.stdout and self.process.stderr
        self.process.wait(40)
        self.overhearing.join()
        self.process.stdout.close()
        self.process.stderr.close()


def rows(file: Path, query: str, *values: Any) -> list[tuple]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query, values).fetchall()


@dataclass
class Told:
    """What the load knows: payments that were answered, and those that got no answer."""

    answered: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    settled: list[str] = field(default_factory=list)
    broken: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


class Cashier(threading.Thread):
    """Orders of one merchant, paid on the phone one after another; each paid one is one callback to the receiver."""

    def __init__(self, server: Server, url: str, told: Told, number: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.url, self.told, self.number, self.ended = server, url, told, number, ended
        self.session = requests.Session()
        held = self.session.get(f"{server.base}/_mock/credentials", timeout=10).json()
        self.merchant = Merchant(None, held["wechatpay"])  # type: ignore[arg-type]
        self.payer = {"openid": logged_in(server.base, held["wechat"], 1)[0]}

    def run(self) -> None:
        count = 0
        while not self.ended.is_set():
            if self.server.up.wait(0.1):
                count += 1
                self.sell(f"KILL-{self.number}-{count:06d}")

    def sell(self, number: str) -> None:
        target = "/v3/pay/transactions/jsapi"
        content = json.dumps(self.merchant.order(number, notify_url=self.url, payer=self.payer)).encode()
        headers = {**self.merchant.headers, "Content-Type": "application/json"}
        headers["Authorization"] = self.merchant.authorization("POST", target, content)
        try:
            made = self.session.post(f"{self.server.base}/wechatpay{target}", content, headers=headers, timeout=30)
        except requests.RequestException:
            return
        if made.status_code == 503:
            return
        tapped = {"params": self.merchant.pay_params(made.json()["prepay_id"]), "outcome": "paid"}
        try:
            paid = self.session.post(f"{self.server.base}/_mock/phone/wechatpay/pay", json=tapped, timeout=30)
        except requests.RequestException:
            self.told.unanswered.add(number)
            return
        if paid.status_code == 200:
            self.told.answered.add(number)
        else:
            assert paid.status_code == 503, paid.text


class Patient(threading.Thread):
    """Somebody who buys medicine again and again through the back end, and starts over when it is gone."""

    def __init__(self, server: Server, person: str, told: Told, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.told, self.ended = server, told, ended
        self.phone = Handset(server.base, BOTH)
        self.phone.ready(person)
        self.phone.control("POST", f"people/{person}", {"balance_fen": BALANCE})

    def run(self) -> None:
        while not self.ended.is_set():
            if not self.server.up.wait(0.1):
                continue
            try:
                quote = self.phone.quote(SHOP, [("D05", 1), ("D07", 1)])
                self.phone.pay(self.phone.confirm(quote))
                self.told.settled.append(quote["id"])
            except requests.RequestException:
                self.told.broken += 1
            except Refusal as refusal:
                if refusal.response.status_code != 503:
                    self.told.refusals[refusal.code] += 1


@contextmanager
def torture(
    data: Path, think: Think, program: Sequence[str] = WHOLE, cashiers: int = 3, patients: Sequence[str] = PAYERS
) -> Iterator[tuple[Server, Receiver, Told, Callable[[], None]]]:
    """A started server with people at it, until the end of the block or until they are sent home."""
    server, receiver, told, ended = Server(data, program), Receiver(think), Told(), threading.Event()

    def go_home() -> None:
        ended.set()
        for one in people:
            if one.ident:
                one.join(40)

    server.spawn()
    server.ready()
    people: list[threading.Thread] = []
    try:
        requests.post(f"{server.base}/_mock/spaces", json={"name": BOTH}, timeout=10).raise_for_status()
        people += [Cashier(server, receiver.url, told, number, ended) for number in range(cashiers)]
        people += [Patient(server, person, told, ended) for person in patients]
        for one in people:
            one.start()
        yield server, receiver, told, go_home
    finally:
        go_home()
        receiver.close()
        if server.process and server.process.poll() is None:
            server.stop()


def drain(server: Server, *steps: str) -> None:
    """Everything on its way arrives: business time passes, in which ladders and the back end's own questions run."""
    for space in ("default", BOTH):
        headers = {"X-Yibao-Space": space}
        for step in steps:
            moved = requests.post(f"{server.base}/_mock/clock", json={"advance": step}, headers=headers, timeout=300)
            assert moved.status_code == 200, moved.text


def judge(data: Path, receiver: Receiver, told: Told) -> dict[str, Any]:
    """Raises AssertionError unless nothing was lost, made up, or told twice without a mark."""
    mock, own = data / "mock.sqlite", data / "yibao.sqlite"
    for file in data.glob("*.sqlite"):
        assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert rows(mock, "PRAGMA foreign_key_check") == []
    figures = merchants(mock, receiver, told)
    return {**figures, **_back_end(mock, own)} if own.exists() else figures


def merchants(mock: Path, receiver: Receiver, told: Told) -> dict[str, Any]:
    events = rows(mock, "SELECT notice_id, ref, plain FROM event WHERE space = 'default'")
    paid = Counter(ref for _, ref, _ in events)
    assert set(paid.values()) <= {1}, "a payment made two events"
    assert told.answered <= paid.keys(), f"lost: {sorted(told.answered - paid.keys())[:5]}"
    assert paid.keys() <= told.answered | told.unanswered, "an event nobody caused"
    heard = Counter(notice for notice, _ in receiver.heard)
    known = {notice for notice, _, _ in events}
    assert heard.keys() <= known, "a notice of no event"
    assert known <= heard.keys(), f"never told: {sorted(known - heard.keys())[:5]}"
    ((secret,),) = rows(mock, "SELECT secret FROM account WHERE space = 'default' AND vendor = 'wechatpay'")
    merchant = Merchant(None, json.loads(secret))  # type: ignore[arg-type]
    plain = {notice: json.loads(content) for notice, _, content in events}
    for notice, body in receiver.heard:
        assert json.loads(merchant.open(json.loads(body)["resource"])) == plain[notice], "another content"
    tries = rows(
        mock,
        "SELECT e.notice_id, d.state, d.interrupted, count(a.id), coalesce(sum(a.after_crash), 0) FROM event e "
        "JOIN delivery d ON d.event_id = e.id LEFT JOIN attempt a ON a.delivery_id = d.id "
        "WHERE e.space = 'default' GROUP BY d.id",
    )
    assert len(tries) == len(events), "an event without its delivery, or with two"
    for notice, state, interrupted, attempts, marked in tries:
        assert state == "delivered", (notice, state)
        assert attempts <= heard[notice] <= attempts + interrupted, (notice, attempts, heard[notice], interrupted)
        assert bool(marked) == bool(interrupted), (notice, "cut off and not marked, or the other way round")
    doubled = [notice for notice, _, _, attempts, _ in tries if heard[notice] > attempts]
    return {
        "payments answered": len(told.answered),
        "of the unanswered were paid": f"{len(told.unanswered & paid.keys())} of {len(told.unanswered)}",
        "events": len(events),
        "notices received": len(receiver.heard),
        "deliveries cut off and marked": sum(1 for row in tries if row[2]),
        "of these received twice": len(doubled),
    }


def _back_end(mock: Path, own: Path) -> dict[str, Any]:
    """The back end as receiver: every event it was told it applied once, and the books of both halves agree."""
    told = {row[0] for row in rows(mock, "SELECT notice_id FROM event WHERE space = ?", BOTH)}
    states = Counter(row[0] for row in rows(mock, "SELECT state FROM delivery WHERE space = ?", BOTH))
    assert set(states) <= {"delivered"}, states
    applied = Counter(row[0] for row in rows(own, "SELECT event_id FROM received WHERE space = ?", BOTH))
    assert set(applied.values()) <= {1}
    moves = "SELECT ref, after, count(*) FROM audit_entry WHERE space = ? AND machine = 'settlement' GROUP BY 1, 2"
    assert all(count == 1 for _, after, count in rows(own, moves, BOTH) if after == "SETTLED")
    settled = rows(own, "SELECT number, mix_trade_no FROM settlement WHERE space = ? AND state = 'SETTLED'", BOTH)
    of_paid = "SELECT mix_trade_no FROM wechatpay_mixed_order WHERE space = ? AND mix_state = 'MIX_PAY_SUCCESS'"
    paid = rows(mock, of_paid, BOTH)
    assert {mix for _, mix in settled} == {mix for (mix,) in paid}, "one half has been paid and the other has not"
    alarms = rows(own, "SELECT event, count(*) FROM audit_entry WHERE space = ? AND kind = 'alarm' GROUP BY 1", BOTH)
    assert alarms == [], alarms
    return {
        "events told to the back end": f"{len(told)}, each applied once ({len(applied)} in its inbox)",
        "settlements": f"{len(settled)} settled, the same as paid at WeChat Pay",
    }


def main(kills: int, seed: int) -> None:
    chance = random.Random(seed)

    def think(number: int) -> int:
        threading.Event().wait(chance.random() * 0.03)
        return 500 if chance.random() < 0.02 else 204

    with tempfile.TemporaryDirectory() as place:
        data, began, under_load = Path(place), time.perf_counter(), 0.0
        with torture(data, think) as (server, receiver, told, go_home):
            for number in range(kills):
                while_starting = number and chance.random() < 0.2
                pause = chance.uniform(0.05, 2.5)
                if not while_starting:
                    under_load += pause
                    threading.Event().wait(pause)
                server.kill()
                if while_starting:
                    server.spawn()
                    threading.Event().wait(pause)
                    server.kill()
                server.spawn()
                server.ready()
                said = f"{len(told.answered)} paid, {len(receiver.heard)} told, {len(told.settled)} settlements"
                print(f"kill {number + 1:2}{' (and while starting)' if while_starting else ''}: {said}", flush=True)
            go_home()
            drain(server, "0s", "1h")
        figures = judge(data, receiver, told)
        print(f"{kills} kills, seed {seed}, {time.perf_counter() - began:.0f} s, {under_load:.0f} s of it under load")
        for name, value in figures.items():
            print(f"{name:<32} {value}")
        print(f"the server said: {dict(Counter(line.strip() for line in server.said).most_common(5)) or 'nothing'}")
        print(f"journeys cut short {told.broken}, refusals {dict(told.refusals)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 1)

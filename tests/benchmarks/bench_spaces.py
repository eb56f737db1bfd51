"""Fifty testers at once on one server: who sees what, who gets how much, and what it costs.

Some turn their spaces upside down meanwhile (resets, snapshots, clocks, plans, faults): the others must not notice.

    python tests/benchmarks/bench_spaces.py [spaces] [seconds] [threads]
"""

import sys
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import requests

from mock_providers.phone.handset import Handset
from tests.benchmarks.load import rss_mib, start, stop
from tests.benchmarks.spaces import Calm, Heard, Wild, work

SHOP = "P46019900008"
TOLD = ["6302", "MEDICAL_INSURANCE.SUCCESS"]


class Answer:
    """An answer as the small merchant reads it."""

    def __init__(self, given: requests.Response) -> None:
        self.status_code, self.headers, self.data, self.text = (
            given.status_code,
            given.headers,
            given.content,
            given.text,
        )

    @property
    def json(self) -> Any:
        import json

        return json.loads(self.data)


class Wire:
    """Flask's test client, as far as it is used here, over a socket."""

    def __init__(self, base: str) -> None:
        self.base, self.session = base, requests.Session()

    def open(self, path: str, method: str, **more: Any) -> Answer:
        return Answer(self.session.request(method, f"{self.base}{path}", timeout=60, **more))


def receiver() -> tuple[ThreadingHTTPServer, Heard]:
    """Every tester's own address on one server; it accepts everything."""
    heard: Heard = defaultdict(list)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard[self.path].append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, heard


def journeys(base: str, spaces: list[str], threads: int) -> None:
    """The same purchase through the back end in every space at once: each has one record, and only its own."""

    def go(space: str) -> tuple[Handset, str]:
        phone = Handset(base, space).ready("P01")
        before = phone.facts()["bureau"]["balance_fen"]
        bought = phone.buy(SHOP, [("D05", 1), ("D07", 1)])
        assert bought["state"] == "SETTLED"
        assert phone.facts()["bureau"]["balance_fen"] == before - 3130
        return phone, bought["id"]

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(go, spaces))
    for (phone, mine), (other, theirs) in zip(done, [*done[1:], done[0]], strict=True):
        assert [row["id"] for row in phone.api("GET", "/records")["items"]] == [mine]
        told = [row["type"] for row in phone.control("GET", "events?limit=500")["items"]]
        assert sorted(told)[: len(TOLD)] == TOLD and told.count(TOLD[0]) == told.count(TOLD[1]) == 1
        assert phone.ask("GET", f"/settlements/{theirs}").status_code == 404
        phone.token, own = other.token, phone.token
        assert phone.ask("GET", "/me").status_code == 401
        phone.token = own
    print(
        f"{len(done)} journeys through the back end in {time.perf_counter() - began:.0f} s, none in another's",
        flush=True,
    )


def main(spaces: int, seconds: float, threads: int) -> None:
    server, heard = receiver()
    address = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as data:
        process, base, _ = start("app.py", "up", "--port", "0", "--data", data)
        try:
            measure(base, process.pid, address, heard, spaces, seconds, threads)
            print(f"database {sum(f.stat().st_size for f in Path(data).glob('*.sqlite*')) / 2**20:.0f} MiB")
        finally:
            stop(process)
            server.shutdown()


def measure(base: str, pid: int, address: str, heard: Heard, spaces: int, seconds: float, threads: int) -> None:
    wild = [Wild(Wire(base), f"wild-{n}", address, n) for n in range(max(1, spaces // 10))]
    calm = [Calm(Wire(base), f"calm-{n}", address) for n in range(spaces - len(wild))]
    began = time.perf_counter()
    for tester in (*calm, *wild):
        tester.move_in()
    at_first = rss_mib(pid)
    print(f"{spaces} spaces made in {time.perf_counter() - began:.0f} s; {at_first:.0f} MiB", flush=True)
    ended = threading.Event()
    threading.Timer(seconds, ended.set).start()
    began = time.perf_counter()
    wrong: list[BaseException] = []
    others = threading.Thread(target=lambda: wrong.extend(work([one.act for one in wild], 2, ended)))
    others.start()
    wrong += work([one.sell for one in calm], threads, ended)
    others.join()
    spent = time.perf_counter() - began
    assert not wrong, wrong
    for one in wild:
        one.control("POST", "reset", {"level": "all"})
    wanted = sum(len(one.paid) for one in calm)
    until = time.perf_counter() + 60
    while sum(len(heard[f"/{one.space}"]) for one in calm) < wanted and time.perf_counter() < until:
        threading.Event().wait(0.05)
    late = time.perf_counter() - began - spent
    for one in calm:
        one.judge(heard)
    assert not [name for one in wild for name in one.strangers(heard)]
    counts = sorted(len(one.paid) for one in calm)
    print(
        f"{wanted} orders made, paid and told in {spent:.1f} s: {wanted / spent:.0f}/s; the last {late:.2f} s later"
    )
    print(f"orders per calm space: least {counts[0]}, median {median(counts):.0f}, most {counts[-1]}")
    print(f"meanwhile {sum(one.did for one in wild)} upheavals in {len(wild)} other spaces")
    journeys(base, [one.space for one in calm], 8)
    print(f"every calm space saw its own and nothing else; {at_first:.0f} → {rss_mib(pid):.0f} MiB")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 50,
        float(sys.argv[2]) if len(sys.argv) > 2 else 20,
        int(sys.argv[3]) if len(sys.argv) > 3 else 64,
    )

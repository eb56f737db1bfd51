"""Whole journeys per second against a bare Flask handler on the same server, in one run.

A journey here: wx.login → log in → quote → authorise → confirm (1101-free: 2101, user query, 6201, 6202, med-ins
order) → the phone pays → two signed callbacks arrive and settle it → read it back. Binding is done once before.

    python tests/benchmarks/bench_journey.py [seconds] [threads]
"""

import multiprocessing
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.load import BARE, hammer, rss_mib, start, stop

SHOP = "P46019900008"


def journeys(answer: Any, base: str, number: int, seconds: float, threads: int) -> None:
    """Count settled journeys; every thread is another person in another space."""
    from mock_providers.phone.handset import Handset

    done = [0] * threads
    requests_made = [0] * threads
    phones = []
    for index in range(threads):
        phone = Handset(base)
        space = f"bench-{number}-{index}"
        phone.control("POST", "spaces", {"name": space})
        phone.space = space
        phone.ready("P01")
        phone.control("POST", "people/P01", {"balance_fen": 90_000_000})
        phones.append(phone)
    until = time.perf_counter() + seconds

    def run(index: int) -> None:
        phone, call = phones[index], phones[index].call

        def counted(*args: Any, **more: Any) -> Any:
            requests_made[index] += 1
            return call(*args, **more)

        phone.call = counted  # type: ignore[method-assign]
        while time.perf_counter() < until:
            phone.log_in("P01")
            quote = phone.quote(SHOP, [("D05", 1), ("D07", 1)])
            phone.pay(phone.confirm(quote))
            while phone.settlement(quote["id"])["state"] != "SETTLED":
                time.sleep(0.005)
            done[index] += 1

    workers = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spent = time.perf_counter() - began
    answer.put((sum(done) / spent, sum(requests_made) / max(1, sum(done))))


def main(seconds: float, threads: int) -> None:
    for number in range(3):
        process, base, _ = start("-c", BARE)
        bare = hammer(base, "POST", "/hello", {"a": 1}, {}, threads, seconds)
        stop(process)
        process, base, _ = start("app.py", "up", "--port", "0", "--ephemeral")
        context = multiprocessing.get_context("spawn")
        answer: Any = context.Queue()
        child = context.Process(target=journeys, args=(answer, base, number, seconds, threads))
        child.start()
        rate, per_journey = answer.get(timeout=seconds + 120)
        child.join()
        memory = rss_mib(process.pid)
        stop(process)
        print(
            f"round {number + 1}: bare Flask {bare:.0f}/s; journeys {rate:.1f}/s of {per_journey:.1f} requests each; "
            f"one journey costs {bare / rate:.0f} bare requests; {memory:.0f} MiB afterwards"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10, int(sys.argv[2]) if len(sys.argv) > 2 else 4)

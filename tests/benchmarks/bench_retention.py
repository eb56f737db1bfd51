"""Memory and disk while callbacks and calls go on and on: both must come to rest.

python tests/benchmarks/bench_retention.py [callbacks] [calls] [MiB kept]
"""

import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_callbacks import emit_many, sink
from tests.benchmarks.load import rss_mib

ROUND = 5_000


def disk(data: Path) -> str:
    """The database and its write-ahead log, as they lie there."""
    sizes = (data / f"mock.sqlite{end}" for end in ("", "-wal"))
    return " + ".join(f"{file.stat().st_size / 2**20:.0f}" for file in sizes)


def main(callbacks: int, calls: int, kept_mib: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    receiver = multiprocessing.Process(target=sink, args=(theirs,), daemon=True)
    receiver.start()
    url = f"http://127.0.0.1:{ours.recv()}/notify"
    with tempfile.TemporaryDirectory() as place:
        run(Path(place), url, callbacks, calls, kept_mib)
    receiver.terminate()


def run(data: Path, url: str, callbacks: int, calls: int, kept_mib: int) -> None:
    from mock_providers import create_app
    from mock_providers.settings import Settings

    app = create_app(Settings(data=data, background=False, journal_bytes=kept_mib * 2**20))
    sender, began = app.extensions["sender"], time.perf_counter()
    sender.start()
    for done in range(ROUND, callbacks + 1, ROUND):
        emit_many(app, url, ROUND)
        sender.wake()
        with sender.changed:
            while sender.ledger.attempts < done:
                sender.changed.wait(1)
        if done % (2 * ROUND) == 0 or done == ROUND:
            show(app, data, f"{done} callbacks")
    print(f"{callbacks / (time.perf_counter() - began):.0f} callbacks/s, with making the events")
    sender.stop()
    client, body = app.test_client(), os.urandom(6_000)
    for done in range(1, calls + 1):
        client.post("/wechat/cgi-bin/nothing", data=body)
        if done % 500 == 0:
            app.extensions["journal"].flush()
        if done % (calls // 4) == 0:
            show(app, data, f"{done} calls")


def show(app: Any, data: Path, what: str) -> None:
    listed = app.test_client().get("/_mock/events").json["retention"]
    called = app.test_client().get("/_mock/calls").json["retention"]
    gone = f"dropped {listed['dropped']} events, {called['dropped']} calls"
    print(f"after {what:<18} {rss_mib(os.getpid()):5.0f} MiB memory  {disk(data):>9} MiB disk  {gone}", flush=True)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 40_000,
        int(sys.argv[3]) if len(sys.argv) > 3 else 256,
    )

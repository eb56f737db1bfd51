"""Saving a space with many events and putting it back: each event with a delivery, an attempt and a journalled call.

python tests/benchmarks/bench_snapshots.py [how many]
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_reset import fill

MORE = 100


def timed(client: Any, path: str, body: dict[str, Any] | None = None) -> tuple[str, Any]:
    began, worked = time.perf_counter(), time.thread_time()
    answer = client.post(path, json=body or {})
    worked = (time.thread_time() - worked) * 1000
    took = f"{(time.perf_counter() - began) * 1000:6.1f} ms, {worked:5.1f} of work"
    assert answer.status_code == 200, answer.json
    return took, answer.json


def main(count: int) -> None:
    from mock_providers import create_app
    from mock_providers.settings import Settings

    with tempfile.TemporaryDirectory() as data:
        app = create_app(Settings(data=Path(data)))
        client = app.test_client()
        client.post("/_mock/reset", json={"level": "faults"})
        fill(app, "default", count)
        for turn in range(3):
            took, said = timed(client, "/_mock/snapshots", {"name": f"s{turn}"})
            print(f"save                          {took}  {said['bytes'] / 1e6:.1f} MB")
            fill(app, "default", MORE)
            took, said = timed(client, f"/_mock/snapshots/s{turn}/restore")
            print(f"restore after {MORE} more events {took}  {said['rows']}")
        timed(client, "/_mock/reset", {"level": "traffic"})
        took, said = timed(client, "/_mock/snapshots/s0/restore")
        print(f"restore after a reset         {took}  {said['rows']}")
        while app.extensions["sender"].untidy:
            time.sleep(0.02)
        timed(client, "/_mock/reset", {"level": "traffic"})
        while app.extensions["sender"].untidy:
            time.sleep(0.02)
        took, said = timed(client, "/_mock/snapshots/s0/restore")
        print(f"restore after a swept reset   {took}  {said['rows']}")
        app.extensions["sender"].stop()
        app.extensions["journal"].stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

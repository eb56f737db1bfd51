"""Cold start with data on disk, against a bare Flask app on the same server; memory at rest.

python tests/benchmarks/bench_start.py [runs]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.load import BARE, rss_mib, start, stop


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as data:
        command = ("app.py", "up", "--port", "0", "--data", data)
        process, _, first = start(*command)
        stop(process)
        ours, bare, rest = [], [], []
        for _ in range(runs):
            process, _, seconds = start(*command)
            ours.append(seconds)
            time.sleep(1)
            rest.append(rss_mib(process.pid))
            stop(process)
            process, _, seconds = start("-c", BARE)
            bare.append(seconds)
            stop(process)
    print(f"first start (database made)  {first:.2f} s")
    for name, row in (("cold start, data on disk", ours), ("bare Flask on waitress", bare)):
        print(f"{name:<28} median {statistics.median(row):.2f} s  (min {min(row):.2f}, max {max(row):.2f})")
    print(f"ratio                        {statistics.median(ours) / statistics.median(bare):.1f}")
    print(f"memory at rest               {statistics.median(rest):.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)

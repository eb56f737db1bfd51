"""`kill -9` of the callback sender at full speed: a queue that never ends, every worker busy, batches being stored.

python tests/benchmarks/torture_sender.py [kills] [seed]
"""

import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.load import ROOT
from tests.benchmarks.torture_kills import Receiver, Server, Told, merchants

BATCH = 40


def refs(run: int, batch: int) -> list[str]:
    return [f"B{run}-{batch}-{number}" for number in range(BATCH)]


def child(data: Path, url: str, run: int) -> None:
    """Send what is there and make more, a line for every commit, until killed; without a run only send all."""
    from mock_providers import accounts, create_app, spaces
    from mock_providers.db import db
    from mock_providers.settings import Settings
    from mock_providers.webhooks.models import emit

    app = create_app(Settings(data=data))
    with spaces.entered(app, "default"):
        accounts.account("wechatpay")
        db.session.commit()
    print("ready", flush=True)
    batch = 0
    while run:
        with spaces.entered(app, "default"):
            for ref in refs(run, batch):
                emit("wechatpay", "TRANSACTION.SUCCESS", ref, {"out_trade_no": ref}, url, signer="pubkey")
            db.session.commit()
        print(batch, flush=True)
        batch += 1
    assert app.extensions["sender"].wait_idle(300)


class Child(Server):
    """The process that is killed."""

    def __init__(self, data: Path, url: str, told: Told) -> None:
        super().__init__(data, ())
        self.url, self.told, self.run = url, told, 0

    def spawn(self, run: int = 0) -> None:
        self.run = run
        command = [sys.executable, __file__, "--child", str(self.data), self.url, str(run)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        self.overhearing = threading.Thread(target=self._overhear, args=(self.process.stderr,), daemon=True)
        self.overhearing.start()
        self.listening = threading.Thread(target=self._listen, args=(self.process.stdout, run), daemon=True)
        self.up.clear()
        self.listening.start()

    def _listen(self, lines: Any, run: int) -> None:
        batch = -1
        for line in lines:
            self.up.set()
            if line.strip().isdigit():
                batch = int(line)
                self.told.answered.update(refs(run, batch))
        self.told.unanswered.update(refs(run, batch + 1))

    def _gone(self) -> None:
        assert self.process
        self.process.wait(400)
        self.listening.join()
        super()._gone()


def main(kills: int, seed: int) -> None:
    chance = random.Random(seed)
    receiver, told, began = Receiver(lambda number: 204), Told(), time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        server = Child(Path(place), receiver.url, told)
        for number in range(1, kills + 1):
            server.spawn(number)
            if chance.random() < 0.8:
                assert server.up.wait(60)
            threading.Event().wait(chance.uniform(0.05, 2.0))
            server.kill()
            print(f"kill {number:2}: {len(told.answered)} made, {len(receiver.heard)} told", flush=True)
        server.spawn()
        server.finish()
        for name, value in merchants(Path(place) / "mock.sqlite", receiver, told).items():
            print(f"{name:<32} {value}")
    spent = time.perf_counter() - began
    print(f"{kills} kills, seed {seed}, {spent:.0f} s; the server said {list(server.said) or 'nothing'}")
    receiver.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 1)

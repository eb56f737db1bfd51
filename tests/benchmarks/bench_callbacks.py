"""Callbacks per second from one process: signed, encrypted, every attempt stored; against bare posts in one run.

python tests/benchmarks/bench_callbacks.py [how many]
"""

import asyncio
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.load import rss_mib


class Sink(asyncio.Protocol):
    """Answers 204 to every POST; a receiver that costs next to nothing."""

    def __init__(self) -> None:
        self.held = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self.held) < end + 4 + length:
                return
            self.held = self.held[end + 4 + length :]
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def sink(port: Any) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def main(count: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    receiver = multiprocessing.Process(target=sink, args=(theirs,), daemon=True)
    receiver.start()
    url = f"http://127.0.0.1:{ours.recv()}/notify"
    with tempfile.TemporaryDirectory() as data:
        measure(Path(data), url, count)
    receiver.terminate()


def bare_posts(url: str, count: int, signed: bool) -> float:
    """The same client and threads; nothing encrypted, nothing stored, at most an RSA signature made."""
    from concurrent.futures import ThreadPoolExecutor

    from cryptography.hazmat.primitives.asymmetric import rsa

    from mock_providers.webhooks.transport import Transport
    from mock_providers.wechatpay import wire

    key = rsa.generate_private_key(65537, 2048)
    post, headers, body = Transport(), [("Content-Type", "application/json")], b"x" * 900

    def one(_: int) -> None:
        if signed:
            wire.sign(key, body)
        post(url, headers, body)

    with ThreadPoolExecutor(8) as pool:
        began = time.perf_counter()
        list(pool.map(one, range(count)))
        return count / (time.perf_counter() - began)


def emit_many(app: Any, url: str, count: int) -> None:
    from mock_providers import accounts, spaces
    from mock_providers.db import db
    from mock_providers.webhooks.models import emit

    plain = {
        "transaction_id": "4200000000202512010000000001",
        "amount": {"total": 4500, "payer_total": 4500, "currency": "CNY", "payer_currency": "CNY"},
        "trade_state": "SUCCESS",
        "trade_type": "JSAPI",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "success_time": "2025-12-01T10:00:00+08:00",
    }
    with spaces.entered(app, "default"):
        accounts.account("wechatpay")
        for number in range(count):
            about = {"signer": "pubkey"}
            emit(
                "wechatpay",
                "TRANSACTION.SUCCESS",
                f"O{number}",
                {**plain, "out_trade_no": f"O{number}"},
                url,
                **about,
            )
        db.session.commit()


def measure(data: Path, url: str, count: int) -> None:
    from sqlalchemy import func, select

    from mock_providers import create_app
    from mock_providers.db import db
    from mock_providers.settings import Settings
    from mock_providers.webhooks.models import Attempt

    raw, signed = bare_posts(url, 3000, False), bare_posts(url, 3000, True)
    app = create_app(Settings(data=data, background=False))
    emit_many(app, url, count)
    sender, pid = app.extensions["sender"], os.getpid()
    gc.collect()
    gc.freeze()  # as the server does
    marks = {1: 0.0, count // 2: 0.0, count: 0.0}
    sender.start()
    began, worked = time.perf_counter(), time.process_time()
    for mark in marks:
        with sender.changed:
            while sender.ledger.attempts < mark:
                sender.changed.wait(1)
        marks[mark] = rss_mib(pid)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    sender.stop()
    with app.app_context():
        table = Attempt.__table__.c
        stored, heard = db.session.execute(select(func.count(), func.sum(table.accepted)).select_from(Attempt)).one()
    print(f"bare posts, same client      {raw:8.0f} /s")
    print(f"the same with one signature  {signed:8.0f} /s")
    rate = count / seconds
    print(f"signed, encrypted, stored    {rate:8.0f} /s   ratios {rate / raw:.2f}, {rate / signed:.2f}")
    print(f"processor time               {worked / count * 1000:8.2f} ms per callback")
    print(f"attempts stored {stored}, accepted {heard}")
    print("RSS " + ", ".join(f"after {mark}: {size:.0f} MiB" for mark, size in marks.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

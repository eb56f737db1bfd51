"""Reset with many events stored: one delivery, one attempt with its bytes, and one journalled call each.

python tests/benchmarks/bench_reset.py [how many]
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import func, insert, select


def fill(app: Any, space: str, count: int) -> None:
    from mock_providers import clock, spaces
    from mock_providers.db import db
    from mock_providers.journal import Call
    from mock_providers.webhooks.models import Attempt, Delivery, Event

    body, url = b"x" * 900, "http://127.0.0.1:9/"
    tables: list[Any] = [model.__table__ for model in (Event, Delivery, Attempt, Call)]
    with spaces.entered(app, space):
        first = max(db.session.scalar(select(func.max(table.c.id))) or 0 for table in tables) + 1
        here = [{"id": number, "space": space} for number in range(first, first + count)]
        at = {"at": clock.now(), "wall_ns": clock.wall_ns(), "ms": 1.0, "status": 204}
        sent = {"request_headers": [["A", "b" * 400]], "request_body": body, "response_headers": []}
        event = {"vendor": "wechatpay", "type": "TRANSACTION.SUCCESS", "plain": {}, "about": {}, "wall_ns": 1}
        delivery = {"url": url, "host": "x", "state": "delivered", "tries": 1, "reason": ""}
        tried = {"number": 1, "url": url, "accepted": True, "reason": "", "response_body": b""}
        called = {"door": "wechatpay", "method": "GET", "target": "/x", "response_body": body, "why": None}
        rows: list[dict[str, Any]] = [
            {**event, "created_at": at["at"]},
            delivery,
            {**at, **sent, **tried},
            {**at, **sent, **called},
        ]
        for table, row in zip(tables, rows, strict=True):
            own = [{"notice_id": f"E{one['id']}", "ref": "R"} for one in here] if table.name == "event" else None
            links = {"delivery": "event_id", "attempt": "delivery_id"}.get(table.name)
            db.session.execute(
                insert(table),
                [
                    {**row, **one, **(own[n] if own else {}), **({links: one["id"]} if links else {})}
                    for n, one in enumerate(here)
                ],
            )
        db.session.commit()


def main(count: int) -> None:
    from mock_providers import create_app
    from mock_providers.settings import Settings

    with tempfile.TemporaryDirectory() as data:
        app = create_app(Settings(data=Path(data)))
        client = app.test_client()
        client.post("/_mock/spaces", json={"name": "other"})
        client.post("/_mock/reset", json={"level": "faults"})
        for title, others in (("alone on the server", 0), ("beside another space as full", count)):
            if others:
                fill(app, "other", others)
            for _ in range(3):
                fill(app, "default", count)
                began, worked = time.perf_counter(), time.thread_time()
                answer = client.post("/_mock/reset", json={"level": "traffic"}).json
                worked = (time.thread_time() - worked) * 1000
                asked = (time.perf_counter() - began) * 1000
                while app.extensions["sender"].untidy:
                    time.sleep(0.02)
                swept = time.perf_counter() - began
                times = f"{asked:6.1f} ms, {worked:.1f} of work (swept after {swept:.1f} s)"
                print(f"{title:<30} {times}  {answer['removed']}")
        app.extensions["sender"].stop()
        app.extensions["journal"].stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

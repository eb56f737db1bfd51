"""Ladders in simulated time: a payment notification nobody accepts, sixteen signed and encrypted attempts each.

python tests/benchmarks/bench_ladders.py [how many orders]
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


def main(most: int) -> None:
    from mock_providers import accounts, create_app, spaces
    from mock_providers.db import db
    from mock_providers.settings import Settings
    from mock_providers.webhooks.models import emit
    from tests.mock_providers.webhooks.toy import answer, receiver

    with tempfile.TemporaryDirectory() as data, receiver(lambda handler: void(answer(handler, 500))) as url:
        app = create_app(Settings(data=Path(data)))
        client = app.test_client()
        with spaces.entered(app, "default"):
            accounts.account("wechatpay")
            db.session.commit()
        for orders in (1, 1, 1, most):
            client.post("/_mock/reset", json={"level": "traffic"})
            client.post("/_mock/clock", json={"freeze": True})
            before, began = app.extensions["sender"].ledger.attempts, time.perf_counter()
            with spaces.entered(app, "default"):
                for number in range(orders):
                    plain = {"out_trade_no": f"T{number}", "trade_state": "SUCCESS", "amount": {"total": 1}}
                    emit("wechatpay", "TRANSACTION.SUCCESS", f"T{number}", plain, url, signer="pubkey")
                db.session.commit()
            client.post("/_mock/clock", json={"advance": "25h"})
            took = time.perf_counter() - began
            made = app.extensions["sender"].ledger.attempts - before
            assert made == 16 * orders, made
            print(f"{orders:>6} orders  {made:>6} attempts  {took:6.2f} s  {made / took:7.0f} attempts/s")
        app.extensions["sender"].stop()
        app.extensions["journal"].stop()


def void(_: object) -> None: ...


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)

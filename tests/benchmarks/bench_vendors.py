"""The hottest calls of WeChat and WeChat Pay against a bare Flask view on the same server, in one run.

python tests/benchmarks/bench_vendors.py [seconds per call] [connections]

Each signed request is made and signed before the clock starts: a client's RSA signature is not our time. What is
left is a verification of the caller's signature and a signature of our own per request.
"""

import http.client
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.load import BARE, start, stop

Call = tuple[str, str, bytes | None, dict[str, str]]


def rate(base: str, calls: list[Call], threads: int, seconds: float) -> float:
    """Requests per second; every call is made once at most, so there must be enough of them."""
    context = multiprocessing.get_context("spawn")
    said: Any = context.Queue()
    child = context.Process(target=_run, args=(said, base, calls, threads, seconds))
    child.start()
    found = said.get(timeout=seconds + 60)
    child.join()
    return found


def _run(said: Any, base: str, calls: list[Call], threads: int, seconds: float) -> None:
    where, waiting, counts = urlsplit(base), iter(calls), [0] * threads
    lock, until = threading.Lock(), time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        while time.perf_counter() < until:
            with lock:
                call = next(waiting, None)
            if call is None:
                return
            connection.request(*call)
            response = connection.getresponse()
            content = response.read()
            assert response.status < 300, (response.status, content[:300])
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    said.put(sum(counts) / (time.perf_counter() - began))


def asked(base: str, path: str, body: Any = None) -> Any:
    sent = json.dumps(body).encode() if body is not None else None
    request = Request(f"{base}{path}", sent, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as response:
        return json.load(response)


def signed(held: dict[str, Any], calls: list[tuple[str, str, Any]]) -> list[Call]:
    """WeChat Pay calls, signed by the merchant."""
    from tests.mock_providers.wechatpay.merchant import Merchant

    merchant, made = Merchant(None, held), []  # type: ignore[arg-type]
    for method, path, content in calls:
        body = b"" if content is None else json.dumps(content).encode()
        headers = {**merchant.headers, "Wechatpay-Serial": held["public_key_id"]}
        headers["Authorization"] = merchant.authorization(method, path, body)
        if body:
            headers["Content-Type"] = "application/json"
        made.append((method, f"/wechatpay{path}", body or None, headers))
    return made


def logged_in(base: str, app: dict[str, Any], count: int) -> tuple[str, list[Call]]:
    """One openid that exists, and calls of code2Session with a code each."""
    login = "/wechat/sns/jscode2session?grant_type=authorization_code"
    calls: list[Call] = []
    for _ in range(count):
        code = asked(base, "/_mock/phone/wechat/login", {"person": "P01"})["code"]
        calls.append(("GET", f"{login}&appid={app['appid']}&secret={app['secret']}&js_code={code}", None, {}))
    with urlopen(f"{base}{calls.pop()[1]}", timeout=30) as response:
        return json.load(response)["openid"], calls


def main(seconds: float, threads: int) -> None:
    with tempfile.TemporaryDirectory() as data:
        process, base, _ = start("-m", "mock_providers", "--port", "0", "--data", data)
        bare_process, bare_base, _ = start("-c", BARE)
        try:
            held = asked(base, "/_mock/credentials")
            openid, logins = logged_in(base, held["wechat"], int(600 * seconds))
            pay = held["wechatpay"]

            def order(number: int) -> dict[str, Any]:
                return {
                    "appid": pay["appid"],
                    "mchid": pay["mchid"],
                    "description": "样例药品",
                    "out_trade_no": f"BENCH-{number:07d}",
                    "notify_url": "http://127.0.0.1:9/pay",
                    "amount": {"total": 4200, "currency": "CNY"},
                    "payer": {"openid": openid},
                }

            many = int(900 * seconds)
            orders = signed(pay, [("POST", "/v3/pay/transactions/jsapi", order(n)) for n in range(many)])
            queries = signed(
                pay, [("GET", "/v3/pay/transactions/out-trade-no/BENCH-0000000?mchid=" + pay["mchid"], None)] * many
            )
            certificates = signed(pay, [("GET", "/v3/certificates", None)] * many)
            hello: list[Call] = [("POST", "/hello", b"{}", {"Content-Type": "application/json"})] * int(
                6000 * seconds
            )
            rows = [
                ("bare Flask view", bare_base, hello),
                ("jscode2session", base, logins),
                ("JSAPI create", base, orders),
                ("JSAPI query", base, queries),
                ("certificates", base, certificates),
            ]
            bare = 0.0
            for name, where, calls in rows:
                found = rate(where, calls, threads, seconds)
                bare = bare or found
                print(f"{name:<18} {found:7.0f} requests/s   {bare / found:5.1f} times a bare view", flush=True)
        finally:
            stop(process)
            stop(bare_process)


if __name__ == "__main__":
    main(
        float(sys.argv[1]) if len(sys.argv) > 1 else 4,
        int(sys.argv[2]) if len(sys.argv) > 2 else 8,
    )

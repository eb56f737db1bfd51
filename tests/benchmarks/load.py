"""Load from a process of its own, over loopback only, that stops by itself. Used by the bench_* scripts."""

import http.client
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]


def hammer(base: str, method: str, path: str, body: Any, headers: dict, threads: int, seconds: float) -> float:
    """Requests per second of one request repeated on `threads` keep-alive connections for `seconds`."""
    answer: Any = multiprocessing.get_context("spawn").Queue()
    child = multiprocessing.get_context("spawn").Process(
        target=_hammer, args=(answer, base, method, path, body, headers, threads, seconds)
    )
    child.start()
    rate = answer.get(timeout=seconds + 60)
    child.join()
    return rate


def _hammer(
    answer: Any, base: str, method: str, path: str, body: Any, headers: dict, threads: int, seconds: float
) -> None:
    where = urlsplit(base)
    content = json.dumps(body).encode() if body is not None else None
    sent = {"Content-Type": "application/json", **headers} if content else headers
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def run(number: int) -> None:
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        while time.perf_counter() < until:
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            response.read()
            assert response.status < 400, response.status
            counts[number] += 1

    workers = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    answer.put(sum(counts) / (time.perf_counter() - began))


def rss_mib(pid: int) -> float:
    """Resident memory of a process, MiB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def start(*command: str) -> tuple[subprocess.Popen, str, float]:
    """A server process, its address from the first line it prints, and the seconds to its first 200."""
    import urllib.request

    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    base = process.stdout.readline().split()[-1]
    urllib.request.urlopen(f"{base}/healthz", timeout=30).read()
    return process, base, time.perf_counter() - began


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(30)
    process.stdout.close()


BARE = """
import sys
from flask import Flask, jsonify
from waitress.server import create_server
app = Flask(__name__)
@app.get('/healthz')
def healthz(): return jsonify(status='ok')
@app.post('/hello')
def hello(): return jsonify(hello='world')
server = create_server(app, host='127.0.0.1', port=0, threads=32)
print('ready on http://127.0.0.1:%s' % server.effective_port, flush=True)
server.run()
"""

"""What waitress is taught (mock_providers/listen.py)."""

import http.client
from collections.abc import Callable, Iterable, Iterator
from threading import Thread
from typing import Any

import pytest

from mock_providers.listen import listen


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    stated = [("Content-Length", "0")] if environ["PATH_INFO"] == "/stated" else []
    start_response("204 NO CONTENT", [("Content-Type", "application/json"), *stated])
    return []


@pytest.fixture
def port() -> Iterator[int]:
    from waitress import wasyncore

    server = listen("127.0.0.1", 0, threads=1)
    server.application = app
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    yield server.effective_port
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(5)
    server.task_dispatcher.shutdown()


@pytest.mark.parametrize(("path", "length"), [("/stated", "0"), ("/unsaid", None)])
def test_the_length_of_an_empty_answer_is_passed_on_if_the_app_states_it(port: int, path: str, length: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (204, length, b"")
    connection.close()

"""The mocks behind a real port, in this process, for SDKs that bring their own HTTP client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from flask import Flask

from mock_providers import create_app
from mock_providers.listen import listen
from mock_providers.settings import Settings


@contextmanager
def served(data: Path, background: bool) -> Iterator[Flask]:
    """An app that answers at its own `public_url`. `background` also delivers callbacks."""
    server = listen("127.0.0.1", 0, threads=4)
    settings = Settings(data=data, background=background, public_url=f"http://127.0.0.1:{server.effective_port}")
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        app = server.application = create_app(settings)
        yield app
    finally:
        server.trigger.pull_trigger(_end(server))
        thread.join(10)
        server.task_dispatcher.shutdown()
    if background:
        app.extensions["sender"].stop()
        app.extensions["journal"].stop()


def _end(server: object) -> Callable[[], None]:
    """What makes the server's loop end: it has nothing left to listen to."""
    from waitress import wasyncore

    return lambda: wasyncore.close_all(server._map)  # type: ignore[attr-defined]

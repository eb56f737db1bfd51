"""The server of both ways to start: waitress, which keeps the raw target, taught to tell a chunked body."""

from collections.abc import Callable, Iterable
from typing import Any

BODY_AT_MOST = 9 * 1024 * 1024


def listen(host: str, port: int, threads: int = 32) -> Any:
    """A server that has its port already. Set `application` when it is built; until then it answers 503."""
    from waitress.channel import HTTPChannel
    from waitress.server import create_server
    from waitress.task import WSGITask

    class Task(WSGITask):
        """Tells the app whether the body came chunked, which waitress hides and WeChat refuses."""

        def get_environment(self) -> dict[str, Any]:
            environ: dict[str, Any] = super().get_environment()
            environ["yibao.chunked"] = bool(self.request.chunked)
            return environ

    class Channel(HTTPChannel):
        task_class = Task

    def not_yet(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("503 Service Unavailable", [("Retry-After", "1")])
        return []

    server = create_server(
        not_yet,
        host=host,
        port=port,
        threads=threads,
        ident="yibao",
        max_request_body_size=BODY_AT_MOST,
        backlog=1024,
    )
    server.channel_class = Channel
    return server

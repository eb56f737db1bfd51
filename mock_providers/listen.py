"""The server of both ways to start: waitress, which keeps the raw target, taught to tell a chunked body.

And to pass on the length of an empty answer, where the vendor's has it.
"""

from collections.abc import Callable, Iterable
from typing import Any

BODY_AT_MOST = 9 * 1024 * 1024


def listen(host: str, port: int, threads: int = 32) -> Any:
    """A server that has its port already. Set `application` when it is built; until then it answers 503."""
    import struct
    from socket import SO_LINGER, SOL_SOCKET

    from waitress.channel import ClientDisconnected, HTTPChannel
    from waitress.server import create_server
    from waitress.task import WSGITask

    class Task(WSGITask):
        """Tells the app whether the body came chunked, which waitress hides and WeChat refuses."""

        def get_environment(self) -> dict[str, Any]:
            environ: dict[str, Any] = super().get_environment()
            environ["yibao.chunked"] = bool(self.request.chunked)
            environ["yibao.hang_up"] = self.hang_up
            return environ

        def hang_up(self, reset: bool) -> BaseException:
            """What to raise to end the connection without another byte; with RST if that is wanted."""
            if reset:
                self.channel.socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            return ClientDisconnected()

        def build_response_header(self) -> bytes:
            """A 204 whose length the app states keeps it, which waitress would drop."""
            stated = ("content-length", "0") in ((name.lower(), value) for name, value in self.response_headers)
            head: bytes = super().build_response_header()
            if stated and not self.has_body:
                return head.replace(b"\r\n", b"\r\nContent-Length: 0\r\n", 1)
            return head

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

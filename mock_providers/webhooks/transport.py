"""The only way a callback leaves: one request, pooled connections, a hard time limit, and a guard at connect.

Allowed are loopback addresses and the hosts in `settings.allowed_hosts`; the address is checked after the
name was resolved and the very address that was checked is connected to. Redirects are never followed.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util import SKIP_HEADER, Retry

from mock_providers import clock
from mock_providers.webhooks.reply import Headers, Reply

SECONDS = 5.0
BODY_AT_MOST = 64 * 1024
METADATA = {"100.100.100.200", "fd00:ec2::254", "168.63.129.16"}
NO_RETRY = Retry(total=False, redirect=False)


class Forbidden(Exception):
    """The guard does not let a callback go there."""


def check(host: str, address: str, allowed: Sequence[str]) -> None:
    """Raises Forbidden unless this resolved address may be called for this host."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        return
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or str(ip) in METADATA:
        raise Forbidden(f"{host} is {ip}, an address callbacks never go to")
    if host.lower().strip("[]") not in (name.lower() for name in allowed):
        raise Forbidden(f"{host} is neither loopback nor in MOCK_ALLOWED_HOSTS")


_limit = threading.local()


def _left() -> float:
    left = _limit.until - clock.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Limited:
    """A socket that keeps to the time limit of the call at hand, however slowly bytes drip in."""

    def recv_into(self, *args: Any) -> int:
        self.settimeout(_left())  # type: ignore[attr-defined]
        return super().recv_into(*args)  # type: ignore[misc]

    def sendall(self, *args: Any) -> None:
        self.settimeout(_left())  # type: ignore[attr-defined]
        super().sendall(*args)  # type: ignore[misc]


class _Socket(_Limited, socket.socket): ...


class _TlsSocket(_Limited, ssl.SSLSocket): ...


class _Guarded:
    """Connects to a checked address."""

    allowed: Sequence[str] = ()
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        host = self.host.strip("[]")
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"{host}: no such host") from error  # type: ignore[arg-type]
        for *_, address in found:
            check(host, str(address[0]), self.allowed)
        trouble: OSError = OSError("no address")
        for family, kind, protocol, _, address in found:
            made = _Socket(family, kind, protocol)
            try:
                made.settimeout(_left())
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.connect(address)
                return made
            except OSError as error:
                made.close()
                trouble = error
        raise trouble


class Transport:
    """`Transport(allowed)(url, headers, body)` posts and says what came back. It never raises."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self.allowed = tuple(allowed)

    @cached_property
    def _plain(self) -> PoolManager:
        connection = type("Connection", (_Guarded, HTTPConnection), {"allowed": self.allowed})
        pool = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": connection})
        return self._manager("http", pool)

    @cached_property
    def _secure(self) -> PoolManager:
        context = ssl.create_default_context()
        context.sslsocket_class = _TlsSocket
        connection = type("Connection", (_Guarded, HTTPSConnection), {"allowed": self.allowed})
        pool = type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": connection})
        return self._manager("https", pool, ssl_context=context)

    @staticmethod
    def _manager(scheme: str, pool: type, **more: Any) -> PoolManager:
        manager = PoolManager(num_pools=64, maxsize=8, retries=False, timeout=SECONDS, **more)
        manager.pool_classes_by_scheme = {scheme: pool}
        return manager

    def _pool(self, scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
        manager = self._secure if scheme == "https" else self._plain
        return manager.connection_from_host(host, port, scheme)

    def __call__(self, url: str, headers: Headers, body: bytes, method: str = "POST") -> Reply:
        _limit.until = clock.monotonic() + SECONDS
        try:
            return self._send(method, url, headers, body)
        except Forbidden as error:
            return Reply(None, [], b"", str(error), refused=True)
        except (HTTPError, OSError, ValueError) as error:
            return Reply(None, [], b"", _plainly(error))

    def _send(self, method: str, url: str, headers: Headers, body: bytes) -> Reply:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Forbidden(f"{url[:80]} is not an http address")
        pool = self._pool(parts.scheme, parts.hostname, parts.port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = None if method == "GET" else body
        answer = pool.urlopen(
            method, target, sent, _sent(headers), NO_RETRY, False, preload_content=False, decode_content=False
        )
        try:
            read = answer.read(BODY_AT_MOST + 1)
            if len(read) > BODY_AT_MOST:
                answer.close()
            return Reply(answer.status, list(answer.headers.items()), read[:BODY_AT_MOST])
        except (HTTPError, OSError) as error:
            answer.close()
            return Reply(None, list(answer.headers.items()), b"", _plainly(error))
        finally:
            answer.release_conn()


def _sent(headers: Headers) -> dict[str, Any] | HTTPHeaderDict:
    """Exactly these headers: urllib3 adds nothing of its own."""
    sent: dict[str, Any] | HTTPHeaderDict = dict(headers)
    if len(sent) < len(headers):
        sent = HTTPHeaderDict(headers)
    names = {name.lower() for name, _ in headers}
    for name in ("User-Agent", "Accept-Encoding"):
        if name.lower() not in names:
            sent[name] = SKIP_HEADER
    return sent


def _plainly(error: BaseException) -> str:
    """One short sentence, whatever a library wrapped around it."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, TimeoutError):
            return f"no answer within {SECONDS:g} s"
        if isinstance(inner, ConnectionRefusedError):
            return "connection refused"
        if isinstance(inner, ConnectionResetError):
            return "connection reset"
        inner = inner.__cause__ or inner.__context__
    return f"{type(error).__name__}: {error}"[:190]

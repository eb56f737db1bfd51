"""The only way a callback leaves: one request, pooled connections, a hard time limit, and a guard at connect.

Allowed are loopback addresses and what `settings.allowed_hosts` lists: names, addresses, networks (10.1.0.0/16). The
address is checked after the name was resolved, at every connect, and the very address that was checked is connected
to, so a name that changes its mind (DNS rebinding) gains nothing. A listed name may not lead into a private network
that is not listed itself; link-local and metadata addresses are never called. Redirects are never followed.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, cached_property
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
METADATA = {"100.100.100.200", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
NO_RETRY = Retry(total=False, redirect=False)


class Forbidden(Exception):
    """The guard does not let a callback go there."""


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Found = tuple[Any, Any, int, Any]


def check(host: str, address: str, allowed: Sequence[str]) -> None:
    """Raises Forbidden unless this resolved address may be called for this host."""
    ip = _meant(address)
    if ip.is_loopback:
        return
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved or str(ip) in METADATA:
        raise Forbidden(f"{host} is {ip}, an address callbacks never go to")
    if any(ip in network for network in _networks(tuple(allowed))):
        return
    if host.lower().strip("[]").rstrip(".") not in (name.lower().rstrip(".") for name in allowed):
        raise Forbidden(f"{host} is neither loopback nor in MOCK_ALLOWED_HOSTS")
    if not ip.is_global:
        raise Forbidden(f"{host} is {ip}, a private address; list it (or its network) in MOCK_ALLOWED_HOSTS as well")


def _meant(address: str) -> Address:
    """The address a packet ends at: IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4) are unwrapped."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in NAT64 or (int(ip) >> 32 == 0 and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


@cache
def _networks(allowed: tuple[str, ...]) -> list[Any]:
    """The listed addresses and networks."""
    found = []
    for listed in allowed:
        with suppress(ValueError):
            found.append(ipaddress.ip_network(listed.strip("[]"), strict=False))
    return found


def checked_addresses(host: str, port: int, allowed: Sequence[str], seconds: float) -> list[Found]:
    """Where a host may be called, every address of it checked. Raises Forbidden, OSError or UnicodeError."""
    host = host.strip("[]")
    found = _resolved(host, port, seconds)
    for *_, address in found:
        check(host, str(address[0]), allowed)
    return [(family, kind, protocol, address) for family, kind, protocol, _, address in found]


def _resolved(host: str, port: int, seconds: float) -> list[Any]:
    """What the resolver says, unless it says nothing in time: it has no time limit of its own."""
    if host == "localhost" or not any(letter.isalpha() for letter in host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    said: list[Any] = []

    def ask() -> None:
        try:
            said.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            said.append(error)

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(seconds)
    if not said:
        raise TimeoutError
    if isinstance(said[0], Exception):
        raise said[0]
    return said[0]


_limit = threading.local()


def limit(seconds: float) -> None:
    """Whatever this thread does on a guarded socket from now on ends within so many seconds."""
    _limit.until = clock.monotonic() + seconds


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


class Socket(_Limited, socket.socket): ...


class TlsSocket(_Limited, ssl.SSLSocket): ...


def secure() -> ssl.SSLContext:
    """TLS as usual, over sockets that keep to the limit."""
    context = ssl.create_default_context()
    context.sslsocket_class = TlsSocket
    return context


class _Guarded:
    """Connects to a checked address."""

    allowed: Sequence[str] = ()
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        try:
            found = checked_addresses(self.host, self.port, self.allowed, _left())
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"{self.host}: no such host") from error  # type: ignore[arg-type]
        trouble: OSError = OSError("no address")
        for family, kind, protocol, address in found:
            made = Socket(family, kind, protocol)
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
        context = secure()
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
        limit(SECONDS)
        try:
            return self._send(method, url, headers, body)
        except Forbidden as error:
            return Reply(None, [], b"", str(error), refused=True)
        except (HTTPError, OSError, ValueError) as error:
            return Reply(None, [], b"", plainly(error))

    def _send(self, method: str, url: str, headers: Headers, body: bytes) -> Reply:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Forbidden(f"{url[:80]} is not an http address")
        pool = self._pool(parts.scheme, parts.hostname, parts.port)
        sent = None if method == "GET" else body
        answer = pool.urlopen(
            method, target_of(url), sent, _sent(headers), NO_RETRY, False, preload_content=False, decode_content=False
        )
        try:
            read = answer.read(BODY_AT_MOST + 1)
            if len(read) > BODY_AT_MOST:
                answer.close()
            return Reply(answer.status, list(answer.headers.items()), read[:BODY_AT_MOST])
        except (HTTPError, OSError) as error:
            answer.close()
            return Reply(None, list(answer.headers.items()), b"", plainly(error))
        finally:
            answer.release_conn()


def target_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


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


def plainly(error: BaseException) -> str:
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

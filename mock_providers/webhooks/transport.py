"""The only way a callback leaves: one request in one piece, kept connections, a hard time limit, a guard at connect.

Allowed are loopback addresses and what `settings.allowed_hosts` lists: names, addresses, networks (10.1.0.0/16). The
address is checked after the name was resolved, at every connect, and the very address that was checked is connected
to, so a name that changes its mind (DNS rebinding) gains nothing. A listed name may not lead into a private network
that is not listed itself; link-local and metadata addresses are never called. Redirects are never followed.
"""

import io
import ipaddress
import re
import select
import socket
import ssl
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast
from urllib.parse import SplitResult, quote, urlsplit

from mock_providers import clock
from mock_providers.webhooks.reply import Headers, Reply

SECONDS = 5.0
BODY_AT_MOST = 64 * 1024
METADATA = {"100.100.100.200", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
KEPT_EACH = 8
KEPT_RECEIVERS = 64
SIMPLE = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)[^\r\n]*\r\n((?:[!-9;-~]+:[^\r\n]*\r\n)*)\r\n")
SPECIAL = frozenset(("connection", "transfer-encoding", "upgrade", "trailer"))
TARGET = "!#$%&'()*+,/:;=?@[]~"


class Forbidden(Exception):
    """The guard does not let a callback go there."""


class NoSuchHost(OSError):
    """The name has no address."""


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

    def recv(self, *args: Any) -> bytes:
        self.settimeout(_left())  # type: ignore[attr-defined]
        return super().recv(*args)  # type: ignore[misc]

    def sendall(self, *args: Any) -> None:
        self.settimeout(_left())  # type: ignore[attr-defined]
        super().sendall(*args)  # type: ignore[misc]


class Socket(_Limited, socket.socket): ...


class TlsSocket(_Limited, ssl.SSLSocket): ...


@cache
def secure() -> ssl.SSLContext:
    """TLS as usual, over sockets that keep to the limit."""
    context = ssl.create_default_context()
    context.sslsocket_class = TlsSocket
    return context


class Transport:
    """`Transport(allowed)(url, headers, body)` posts and says what came back. It never raises.

    Connections are kept, a few a receiver; one the receiver closed meanwhile is noticed before it is used.
    """

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self.allowed = tuple(allowed)
        self.lock = threading.Lock()
        self.kept: dict[tuple[str, str], list[socket.socket]] = {}
        weakref.finalize(self, _hang_up, self.kept)

    def __call__(self, url: str, headers: Headers, body: bytes, method: str = "POST") -> Reply:
        limit(SECONDS)
        try:
            parts = http_address(url)
            request = head(method, url, headers, body) + body
            connection = self._kept(parts) or connect(parts, self.allowed)
            return self._ask(connection, parts, request, method)
        except Forbidden as error:
            return Reply(None, [], b"", str(error), refused=True)
        except (OSError, ValueError, HTTPException) as error:
            return Reply(None, [], b"", plainly(error))

    def _ask(self, connection: socket.socket, parts: SplitResult, request: bytes, method: str) -> Reply:
        usable = False
        try:
            connection.sendall(request)
            reply, usable = answered(connection, method)
            return reply
        finally:
            self._keep(parts, connection) if usable else connection.close()

    def _kept(self, parts: SplitResult) -> socket.socket | None:
        """A connection to this receiver that is still open, and silent as it should be."""
        while True:
            with self.lock:
                kept = self.kept.get((parts.scheme, parts.netloc))
                if not kept:
                    return None
                connection = kept.pop()
            if not _is_readable(connection):
                return connection
            connection.close()

    def _keep(self, parts: SplitResult, connection: socket.socket) -> None:
        with self.lock:
            kept = self.kept.pop((parts.scheme, parts.netloc), [])
            self.kept[parts.scheme, parts.netloc] = kept
            gone = [connection] if len(kept) >= KEPT_EACH else []
            if not gone:
                kept.append(connection)
            if len(self.kept) > KEPT_RECEIVERS:
                gone += self.kept.pop(next(iter(self.kept)))
        for one in gone:
            one.close()


def _hang_up(kept: dict[tuple[str, str], list[socket.socket]]) -> None:
    for connections in kept.values():
        for connection in connections:
            connection.close()


def http_address(url: str) -> SplitResult:
    """The parts of an address that may be called. Raises Forbidden, or ValueError where it is no address at all."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Forbidden(f"{url[:80]} is not an http address")
    return parts


def connect(parts: SplitResult, allowed: Sequence[str]) -> socket.socket:
    """A connection to a checked address. Raises Forbidden, OSError or ValueError."""
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = checked_addresses(host, port, allowed, _left())
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise NoSuchHost(f"{host}: no such host") from error
    trouble: OSError = OSError("no address")
    for family, kind, protocol, address in found:
        made = Socket(family, kind, protocol)
        try:
            made.settimeout(_left())
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect(address)
            return secure().wrap_socket(made, server_hostname=host) if parts.scheme == "https" else made
        except OSError as error:
            made.close()
            trouble = error
    raise trouble


def head(method: str, url: str, headers: Headers, body: bytes) -> bytes:
    """Request line and exactly these headers, with Host and Content-Length where they are missing."""
    named = {name.lower() for name, _ in headers}
    lines = [f"{method} {target_of(url)} HTTP/1.1"]
    if "host" not in named:
        lines.append(f"Host: {urlsplit(url).netloc.rpartition('@')[2]}")
    if "content-length" not in named and method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers]
    written = "\r\n".join([*lines, "", ""])
    if written.count("\r") != len(lines) + 1 or written.count("\n") != len(lines) + 1 or "\0" in written:
        raise ValueError("a header may not hold a line break")
    return written.encode("latin-1")


def answered(connection: socket.socket, method: str = "POST") -> tuple[Reply, bool]:
    """What came back, capped; and whether the connection may be used again. Raises OSError or HTTPException.

    A short and simple answer, as nearly all are, is read without http.client: that was the dearest part of a callback
    beside its signature. Whatever is not plain to see is http.client's.
    """
    start = connection.recv(BODY_AT_MOST)
    if simple := _simple(start):
        return simple, True
    answer = HTTPResponse(cast(socket.socket, _Begun(start, connection)), method=method)
    try:
        answer.begin()
        body = answer.read(BODY_AT_MOST + 1)
        if answer.length and len(body) <= BODY_AT_MOST:
            raise IncompleteRead(body, answer.length)
        usable = answer.isclosed() and not answer.will_close
        return Reply(answer.status, answer.getheaders(), body[:BODY_AT_MOST]), usable
    finally:
        answer.close()


def _simple(start: bytes) -> Reply | None:
    """An answer that came in one piece: its head, and a body as long as it says or none; nothing more."""
    found = SIMPLE.match(start)
    if not found:
        return None
    lines = found[2].decode("latin-1").split("\r\n")[:-1]
    headers = [(name, value.lstrip(" \t")) for name, _, value in (line.partition(":") for line in lines)]
    known = {name.lower(): value for name, value in headers}
    status, body = int(found[1]), start[found.end() :]
    length = known.get("content-length", "0" if status in (204, 304) else "")
    if not length.isdecimal() or int(length) != len(body) or (body and status in (204, 304)):
        return None
    if len(known) < len(headers) or not SPECIAL.isdisjoint(known):
        return None
    return Reply(status, headers, body)


class _Begun(io.RawIOBase):
    """A connection of which the first bytes were read already, as http.client wants to see one."""

    def __init__(self, start: bytes, connection: socket.socket) -> None:
        self.start, self.connection = start, connection

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        if not self.start:
            return self.connection.recv_into(room)
        some, self.start = self.start[: len(room)], self.start[len(room) :]
        room[: len(some)] = some
        return len(some)


def _is_readable(connection: socket.socket) -> bool:
    """Whether something came that nobody asked for: the end of the connection, as a rule."""
    look = select.poll()
    look.register(connection, select.POLLIN)
    return bool(look.poll(0))


def target_of(url: str) -> str:
    """Path and query of an address, as they stand in a request line."""
    parts = urlsplit(url)
    return quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), TARGET)


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
        if isinstance(inner, NoSuchHost):
            return str(inner)
        inner = inner.__cause__ or inner.__context__
    return f"{type(error).__name__}: {error}"[:190]

import io
import select
import socket
import threading
import time
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler

import pytest

from mock_providers.webhooks import over_the_wire, transport
from mock_providers.webhooks.transport import Forbidden, Transport, check
from tests.mock_providers.webhooks.toy import answer, receiver

HEADERS = [("Content-Type", "application/json"), ("X-One", "1")]


def test_status_headers_and_body_come_back_and_exactly_the_given_headers_leave() -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        seen.append((dict(handler.headers), answer(handler, 201, b"hello", Server="x")))

    with receiver(respond) as url:
        host = url.removeprefix("http://")
        sent = [("Host", host), ("Content-Length", "2"), *HEADERS]
        reply = Transport()(f"{url}/a?b=c", sent, b"{}")
    assert (reply.status, reply.body, reply.trouble) == (201, b"hello", "")
    assert seen == [(dict(sent), b"{}")]


def test_an_address_can_be_asked_with_get_and_no_body() -> None:
    seen = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        seen.append((handler.command, handler.path, handler.headers["Content-Length"]))
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"42")

    with receiver(respond) as url:
        reply = over_the_wire(())[1](f"{url}/push?echostr=42")
    assert (reply.status, reply.body) == (200, b"42")
    assert seen == [("GET", "/push?echostr=42", None)]


def test_connections_are_kept() -> None:
    ports = set()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        answer(handler, 204)

    with receiver(respond) as url:
        post = Transport()
        assert [post(url, [], b"x").status for _ in range(3)] == [204, 204, 204]
    assert len(ports) == 1


def test_a_connection_the_receiver_closed_meanwhile_is_not_used_again() -> None:
    ports = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        ports.append(handler.client_address[1])
        answer(handler, 204)
        handler.close_connection = True

    with receiver(respond) as url:
        post = Transport()
        for _ in range(5):
            assert post(url, [], b"x").status == 204
            (kept,) = post.kept[("http", url.removeprefix("http://"))]
            select.select([kept], [], [], 2)
    assert len(set(ports)) == 5


def test_connections_kept_are_few_a_receiver_and_receivers_kept_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "KEPT_RECEIVERS", 2)
    post = Transport()
    with receiver(lambda handler: void(answer(handler, 204))) as url:
        port = url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "127.1"):
            assert post(f"http://{host}:{port}/", [], b"x").status == 204
        assert [name for _, name in post.kept] == [f"localhost:{port}", f"127.1:{port}"]


def test_an_answer_that_ends_early_is_no_answer() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        handler.close_connection = True

    with receiver(respond) as url:
        reply = Transport()(url, [], b"x")
    assert (reply.status, reply.trouble) == (None, "IncompleteRead: IncompleteRead(4 bytes read, 6 more expected)")


ANSWERS = [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"code":"SUCCESS"}',
    b"HTTP/1.1 500 \r\ncontent-LENGTH:  4\r\nX-Name: \t \xe9 \r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-Fold: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
]


class Canned:
    """A connection on which these bytes came, as http.client wants to see one."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.raw)


@pytest.mark.parametrize("cut", [0, 1, 30])
@pytest.mark.parametrize("raw", ANSWERS)
def test_an_answer_is_read_as_http_client_reads_it_in_one_piece_or_in_two(raw: bytes, cut: int) -> None:
    expected = HTTPResponse(Canned(raw), method="POST")  # type: ignore[arg-type]
    expected.begin()
    wanted = (expected.status, expected.getheaders(), expected.read(99))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.sendall(raw[:cut])
        later = threading.Timer(0.01, lambda: (theirs.sendall(raw[cut:]), theirs.shutdown(socket.SHUT_WR)))
        later.start()
        reply, usable = transport.answered(ours)
        later.join()
    assert reply[:3] == wanted
    assert usable == (expected.isclosed() and not expected.will_close)


@pytest.mark.parametrize(
    "headers", [[("X-One", "1\r\nX-Two: 2")], [("X-One", "1\nX-Two: 2")], [("X-One: 1\r\nX", "2")]]
)
def test_a_header_cannot_smuggle_another_one(headers: list[tuple[str, str]]) -> None:
    assert "line break" in Transport()("http://127.0.0.1:9/", headers, b"").trouble


def test_an_address_with_letters_of_any_script_is_written_as_a_browser_would() -> None:
    paths = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        paths.append(handler.path)
        answer(handler, 204)

    with receiver(respond) as url:
        assert Transport()(f"{url}/回调 1?名=值&a=%20", [], b"x").status == 204
    assert paths == ["/%E5%9B%9E%E8%B0%83%201?%E5%90%8D=%E5%80%BC&a=%20"]


def test_a_redirect_is_not_followed() -> None:
    paths = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        paths.append(handler.path)
        answer(handler, 302, Location="/elsewhere")

    with receiver(respond) as url:
        assert Transport()(f"{url}/here", [], b"").status == 302
    assert paths == ["/here"]


def test_a_huge_answer_is_capped() -> None:
    with receiver(lambda handler: void(answer(handler, 200, b"x" * 1_000_000))) as url:
        assert len(Transport()(url, [], b"").body) == transport.BODY_AT_MOST


def test_an_answer_that_drips_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SECONDS", 0.3)

    def respond(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, 200, b"")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        try:
            for _ in range(40):
                handler.wfile.write(b"H")
                time.sleep(0.05)
        except OSError:
            return

    with receiver(drip) as url:
        began = time.perf_counter()
        reply = Transport()(url, [], b"x")
        assert time.perf_counter() - began < 1
    assert (reply.status, reply.trouble) == (None, "no answer within 0.3 s")


def test_nobody_listening_is_a_reason_not_an_exception() -> None:
    assert Transport()("http://127.0.0.1:9/", [], b"").trouble == "connection refused"
    assert "such host" in Transport()("http://no-such-host.invalid/", [], b"").trouble


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "nonsense", "http://", "http://[::1", ""])
def test_what_is_not_an_http_address_is_refused_or_explained(url: str) -> None:
    reply = Transport()(url, [], b"")
    assert reply.status is None
    assert reply.trouble


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "192.168.1.1",
        "8.8.8.8",
        "169.254.169.254",
        "0.0.0.0",
        "fe80::1",
        "::ffff:169.254.169.254",
        "224.0.0.1",
    ],
)
def test_only_loopback_may_be_called(address: str) -> None:
    with pytest.raises(Forbidden):
        check("anything.example", address, ())


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_may_always_be_called(address: str) -> None:
    check("anything.example", address, ())


def test_a_listed_host_may_be_called_unless_it_is_a_metadata_address() -> None:
    check("Tester.example", "8.8.8.8", ("tester.example",))
    for address in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1", "0.0.0.0", "255.255.255.255"):
        with pytest.raises(Forbidden):
            check("tester.example", address, ("tester.example", address, "0.0.0.0/0", "::/0"))


@pytest.mark.parametrize(
    "address", ["10.0.0.7", "172.17.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.7"]
)
def test_a_listed_name_does_not_lead_into_a_private_network_unless_that_is_listed_too(address: str) -> None:
    with pytest.raises(Forbidden, match="private address"):
        check("tester.example", address, ("tester.example",))
    check("tester.example", address, ("tester.example", address.removeprefix("::ffff:")))


def test_a_network_may_be_listed() -> None:
    check("172.17.0.3", "172.17.0.3", ("172.17.0.0/16",))
    with pytest.raises(Forbidden):
        check("172.18.0.3", "172.18.0.3", ("172.17.0.0/16",))


@pytest.mark.parametrize("address", ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::a9fe:a9fe"])
def test_an_ipv4_address_inside_an_ipv6_one_is_seen(address: str) -> None:
    with pytest.raises(Forbidden, match=r"169\.254\.169\.254"):
        check("tester.example", address, ("tester.example",))


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """From now on a name's addresses are these, one list a look-up; the last one stays."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(transport.socket, "getaddrinfo", getaddrinfo)


def test_a_name_that_changes_its_mind_between_two_connects_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(lambda handler: void(answer(handler, 200, Connection="close"))) as url:
        port = url.rpartition(":")[2]
        resolving(monkeypatch, ["127.0.0.1"], ["192.168.0.9"])
        post = Transport(("rebind.example",))
        assert post(f"http://rebind.example:{port}/", [], b"").status == 200
        second = post(f"http://rebind.example:{port}/", [], b"")
    assert (second.status, second.refused) == (None, True)
    assert "private address" in second.trouble


def test_one_bad_address_among_good_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["127.0.0.1", "169.254.169.254"])
    assert Transport(("two.example",))("http://two.example:9/", [], b"").refused


def test_a_resolver_that_says_nothing_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SECONDS", 0.2)
    for_ever = threading.Event()
    monkeypatch.setattr(transport.socket, "getaddrinfo", lambda *_, **__: for_ever.wait(5))
    reply = Transport(("silent.example",))("http://silent.example/", [], b"")
    for_ever.set()
    assert reply.trouble == "no answer within 0.2 s"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1"])
def test_odd_spellings_of_an_address_are_judged_by_what_they_mean(host: str) -> None:
    reply = Transport()(f"http://{host}:9/", [], b"")
    assert (reply.refused, reply.trouble) == (False, "connection refused")


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "169.254.43518"])
def test_odd_spellings_of_the_metadata_address_are_refused(host: str) -> None:
    assert Transport((host,))(f"http://{host}/", [], b"").refused


def test_the_guard_looks_at_the_address_that_is_connected_to() -> None:
    reply = Transport()("http://169.254.169.254/latest/meta-data", [], b"")
    assert reply.refused
    assert "never go to" in reply.trouble


def void(_: object) -> None: ...

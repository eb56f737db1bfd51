"""What a page has WeChat do: check 76 of wechat.md §11, and the results of §6.3."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.mock_providers.wechat.conftest import World

TARGET = "wx0123456789abcdef"


class Receiver(BaseHTTPRequestHandler):
    """Answers every upload with JSON and keeps what came."""

    got: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((str(self.headers), body))
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"id": 7, "name": "\xe6\xa0\xb7"}')

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/materials?x=1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_w76_the_data_of_an_upload_is_text_even_for_json(world: World, receiver: str) -> None:
    said = world.phone(
        "upload-file",
        url=receiver,
        name="file",
        filePath="http://tmp/birth.png",
        file_base64=b64encode(b"\x89PNG sample").decode(),
        formData={"type": "birth_certificate", "n": 3},
        header={"Authorization": "Bearer t", "Content-Type": "text/plain", "Host": "elsewhere"},
    )
    assert said == {"data": '{"id": 7, "name": "样"}', "statusCode": 201, "errMsg": "uploadFile:ok"}
    headers, body = Receiver.got.pop()
    assert "Authorization: Bearer t" in headers and "Content-Type: multipart/form-data; boundary=" in headers
    assert "elsewhere" not in headers and world.account["appid"] in headers
    assert b'name="type"\r\n\r\nbirth_certificate\r\n' in body and b'name="n"\r\n\r\n3\r\n' in body
    assert b'name="file"; filename="birth.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG sample\r\n' in body


def test_w76_without_a_file_a_sample_picture_is_sent(world: World, receiver: str) -> None:
    assert world.phone("upload-file", url=receiver, name="file")["errMsg"] == "uploadFile:ok"
    assert b"\xff\xd8\xff" in Receiver.got.pop()[1]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.1/upload", "url not in domain list"),
        ("ftp://127.0.0.1/upload", "url not in domain list"),
        ("http://127.0.0.1:1/upload", "connection refused"),
    ],
)
def test_an_upload_that_gets_nowhere_fails(world: World, url: str, reason: str) -> None:
    assert world.phone("upload-file", url=url, name="file") == {"errMsg": f"uploadFile:fail {reason}"}


def test_an_upload_with_nonsense_is_a_problem(world: World) -> None:
    for wrong in (
        {"formData": "x"},
        {"file_base64": "***"},
        {"header": {"a b": "c"}},
        {"header": {"a": "b\r\nc: d"}},
        {"header": "x"},
        {"name": 5},
    ):
        body = {"url": "http://127.0.0.1:1/", "name": "file"} | wrong
        assert world.phone("upload-file", 400, **body)["code"] == "FIELD_INVALID"


def test_another_mini_program_is_opened_with_what_was_handed_over(world: World) -> None:
    said = world.phone(
        "navigate", appId=TARGET, path="pages/a?b=%20&c=1", extraData={"from": "样"}, envVersion="trial"
    )
    assert said == {
        "errMsg": "navigateToMiniProgram:ok",
        "envVersion": "release",
        "onLaunch": {
            "path": "pages/a",
            "query": {"b": "%20", "c": "1"},
            "scene": 1037,
            "referrerInfo": {"appId": world.account["appid"], "extraData": {"from": "样"}},
        },
    }
    assert world.phone("navigate", appId=TARGET, envVersion="trial", callerVersion="develop")["envVersion"] == "trial"
    assert world.phone("navigate", shortLink="#小程序://样/x")["errMsg"] == "navigateToMiniProgram:ok"


def test_another_mini_program_is_not_opened(world: World) -> None:
    listed = f'fail appId "{TARGET}" is not in navigateToMiniProgramAppIdList'
    for more, said in (
        ({"outcome": "cancel"}, "fail cancel"),
        ({"tap": False}, "fail can only be invoked by user TAP gesture."),
        ({"appIdList": ["wx1111111111111111"]}, listed),
        ({"appIdList": [TARGET]}, "ok"),
    ):
        assert world.phone("navigate", appId=TARGET, **more)["errMsg"] == f"navigateToMiniProgram:{said}"
    for wrong in ({}, {"appId": 5}, {"appId": TARGET, "envVersion": "beta"}, {"appId": TARGET, "extraData": "x"}):
        assert world.phone("navigate", 400, **wrong)["code"] in ("FIELD_INVALID", "OUTCOME_UNKNOWN")


def test_the_way_back_brings_extra_data_under_scene_1038(world: World) -> None:
    said = world.phone("navigate-back", appId=TARGET, extraData={"authCode": "a"})
    shown = {"scene": 1038, "referrerInfo": {"appId": TARGET, "extraData": {"authCode": "a"}}}
    assert said == {"errMsg": "navigateBackMiniProgram:ok", "onShow": shown}

"""A developer's server for pushed messages: checks and opens them with code of its own, answers as it is told."""

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Flask

from mock_providers import spaces
from mock_providers.webhooks.reply import Reply
from tests.mock_providers.wechat.conftest import T0, World

URL = "http://127.0.0.1:9/push?from=wechat"


@dataclass
class Push:
    """One delivery as it came in."""

    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def encrypted(self) -> str:
        if self.headers["Content-Type"] == "text/xml":
            found = re.search(rb"<Encrypt><!\[CDATA\[(.*?)\]\]></Encrypt>", self.body)
            assert found
            return found[1].decode()
        return str(self.json["Encrypt"])


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def opened(encrypted: str, key: str) -> tuple[bytes, str, int]:
    """Message, appid at the tail, padding."""
    secret = b64decode(key + "=")
    coder = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).decryptor()
    plain = coder.update(b64decode(encrypted)) + coder.finalize()
    padding = plain[-1]
    assert plain.endswith(bytes([padding]) * padding)
    length = int.from_bytes(plain[16:20], "big")
    return plain[20 : 20 + length], plain[20 + length : -padding].decode(), padding


def sealed(message: bytes, key: str, appid: str) -> str:
    secret = b64decode(key + "=")
    plain = b"0123456789abcdef" + len(message).to_bytes(4, "big") + message + appid.encode()
    padding = 32 - len(plain) % 32
    coder = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).encryptor()
    return b64encode(coder.update(plain + bytes([padding]) * padding) + coder.finalize()).decode()


def said(body: bytes = b"success", status: int = 200) -> Reply:
    return Reply(status, [], body)


SILENCE = Reply(None, [], b"", "no answer within 5 s")


@dataclass
class Inbox:
    """Stands in for the network. `answers` are used up one by one, then `success`."""

    world: World
    heard: list[Push] = field(default_factory=list)
    answers: list[Reply | Callable[[Push], Reply]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    greeting: Callable[[str], Reply] = field(default=lambda echo: said(echo.encode()))

    def __post_init__(self) -> None:
        self.app.extensions["sender"].post = self.post
        self.app.extensions["get_url"] = self.get

    @property
    def app(self) -> Flask:
        return self.world.app

    def get(self, url: str) -> Reply:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        self.asked.append(query)
        return self.greeting(query["echostr"])

    def post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        push = Push(query, dict(headers), body)
        self.heard.append(push)
        answer = self.answers.pop(0) if self.answers else said()
        return answer if isinstance(answer, Reply) else answer(push)

    def open_for(self, mode: str = "safe", form: str = "json", app: str = "mini_program", status: int = 200) -> Any:
        """Set the push address."""
        body = {"url": URL, "mode": mode, "format": form, "app": app}
        answer = self.world.client.post("/_mock/push", json=body)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def deliver(self, seconds: int = 0) -> list[Push]:
        """Let business time go on; everything that came in since the beginning."""
        if seconds:
            self.world.advance(seconds)
        with spaces.entered(self.app, self.world.space):
            from mock_providers import clock

            now = clock.now()
        assert now >= T0
        self.app.extensions["sender"].deliver_due(self.world.space, now)
        return self.heard

    def message(self, push: Push) -> dict[str, Any]:
        """A pushed JSON message in the clear, whatever the mode."""
        if "encrypt_type" not in push.query:
            return push.json
        return json.loads(opened(push.encrypted, self.world.account["encoding_aes_key"])[0])

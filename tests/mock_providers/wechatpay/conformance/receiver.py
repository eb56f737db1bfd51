"""A merchant's back end that answers callbacks as told; time is moved through the control API."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mock_providers.webhooks.reply import Reply
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant


class Heard(NamedTuple):
    """One callback as it came in, and the business second since the first one."""

    headers: dict[str, str]
    body: bytes
    url: str

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def signature(self) -> str:
        return self.headers["Wechatpay-Signature"]


class Receiver:
    """`answers`: a status for each callback in turn, the last one for ever; None is silence."""

    def __init__(self, world: World, merchant: Merchant, answers: Sequence[int | None] = (200,)) -> None:
        self.world, self.merchant = world, merchant
        self.answers = list(answers)
        self.heard: list[Heard] = []
        self.respond: Callable[[Heard], int | None] | None = None
        self.says = b""
        world.app.extensions["sender"].post = self.post

    def post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        heard = Heard(dict(headers), body, url)
        self.heard.append(heard)
        if self.respond:
            status = self.respond(heard)
        else:
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Reply(status, [], self.says, "" if status else "no answer within 5 s")

    def wait(self, how_long: str = "2d") -> list[dict[str, Any]]:
        """Let time pass; every attempt with its instant and what came of it."""
        answer = self.merchant.client.post("/_mock/clock", json={"advance": how_long})
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json["fired"] if one["what"] == "delivery"]

    def verified(self) -> list[bool]:
        """Whether each callback is signed by the key it names."""
        return [self._verifies(one) for one in self.heard]

    def _verifies(self, one: Heard) -> bool:
        try:
            self.merchant.verify(one.headers, one.body)
        except Exception:
            return False
        return True

"""Who asks WeChat Pay for an order: an honest shop built on wechatpayv3, and shops careless in one way.

The SDK is the real one; only its `requests` is exchanged for a wire that ends in the app under test.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, ClassVar

import requests
from flask.testing import FlaskClient
from wechatpayv3 import core

from tests.mock_providers.faults.pay import WINDOW, sdk

ASKED_AT_MOST = 4
PROBE = "WECHATPAY/SIGNTEST/"
BASE = "http://127.0.0.1:8000/wechatpay"


class Trouble(Exception):
    """No answer that can be believed: whether the order was made is not known."""


class GaveUp(Exception):
    """The shop tells its customer that it did not work."""


class Wire:
    """What stands for `requests` in the SDK. `paused`: seconds the answer at hand was late; `asked`: how often."""

    def __init__(self, client: FlaskClient, paused: list[float]) -> None:
        self.client, self.paused, self.asked, self.patience = client, paused, 0, 10.0
        self.last = requests.Response()

    def post(self, url: str, *, json: Any = None, headers: Any = None, **_: Any) -> requests.Response:
        sent = requests.Request("POST", url, json=json, headers=headers).prepare()
        self.asked += 1
        self.paused.clear()
        path = str(sent.url).removeprefix("http://127.0.0.1:8000")
        try:
            answer = self.client.post(path, data=sent.body, headers=dict(sent.headers))
            body = answer.data
        except OSError as error:
            raise requests.ConnectionError(str(error)) from error
        if sum(self.paused) > self.patience:
            raise requests.Timeout
        self.last = requests.Response()
        self.last.status_code, self.last._content, self.last.encoding = answer.status_code, body, "utf-8"
        self.last.headers.update(dict(answer.headers))
        if int(self.last.headers.get("Content-Length", len(body))) != len(body):
            raise requests.ConnectionError("half an answer")
        return self.last


@contextmanager
def on(wire: Wire) -> Iterator[None]:
    """While this lasts the SDK talks over the wire."""
    usual, core.requests = core.requests, wire
    try:
        yield
    finally:
        core.requests = usual


class Buyer:
    """Honest. `believed`: the number and the prepay_id it goes on with, None if it gave up."""

    says: ClassVar[str] = "honest: wechatpayv3, asks again with the same number when it does not know"
    patience: ClassVar[float] = 10.0
    numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(self, keys: dict[str, Any]) -> None:
        self.sdk = copy.copy(sdk(keys))
        self.sdk._core = copy.copy(self.sdk._core)
        self.sdk._core._gate_way = BASE
        self.first = self.new_number()
        self.believed: tuple[str, str] | None = None

    def new_number(self) -> str:
        return f"BUYER{next(self.numbers):06d}"

    def buy(self, wire: Wire) -> None:
        wire.patience, number = self.patience, self.first
        for _ in range(ASKED_AT_MOST):
            try:
                self.believed = number, self.ordered(number, wire)
                return
            except Trouble as trouble:
                number = self.after(trouble, number)

    def after(self, trouble: Trouble, number: str) -> str:
        """The number it asks with next. Raises GaveUp."""
        return number

    def ordered(self, number: str, wire: Wire) -> str:
        """The prepay_id of an answer it believes. Raises Trouble."""
        try:
            status, said = self.sdk.pay(
                description="样例",
                out_trade_no=number,
                amount={"total": 100},
                payer={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
                notify_url="http://127.0.0.1:9/notify",
            )
        except Exception as error:  # the SDK raises bare ones
            raise Trouble(str(error)) from error
        return self.read(status, said, wire)

    def read(self, status: int, said: Any, wire: Wire) -> str:
        if status != 200:
            raise Trouble(f"status {status}")
        self.fresh(wire)
        try:
            return str(json.loads(said)["prepay_id"])
        except (ValueError, KeyError, TypeError) as error:
            raise Trouble("no prepay_id") from error

    def fresh(self, wire: Wire) -> None:
        stamp = wire.last.headers.get("Wechatpay-Timestamp", "")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > WINDOW:
            raise Trouble("an old answer")


class NoSignature(Buyer):
    says = "does not check the signature of an answer"

    def __init__(self, keys: dict[str, Any]) -> None:
        super().__init__(keys)
        self.sdk._core._verify_signature = lambda headers, body: True

    def fresh(self, wire: Wire) -> None: ...


class NoTime(Buyer):
    says = "ignores the timestamp of an answer (as wechatpayv3 by itself does)"

    def fresh(self, wire: Wire) -> None: ...


class ProbeIsFine(Buyer):
    says = "has a branch for WECHATPAY/SIGNTEST/ that lets it pass"

    def __init__(self, keys: dict[str, Any]) -> None:
        super().__init__(keys)
        usual: Callable[[Any, str], bool] = self.sdk._core._verify_signature
        probe = PROBE
        self.sdk._core._verify_signature = lambda headers, body: (
            headers.get("Wechatpay-Signature", "").startswith(probe) or usual(headers, body)
        )


class StatusOnly(NoSignature):
    says = "takes any 200 for a success, whatever the body is"

    def read(self, status: int, said: Any, wire: Wire) -> str:
        if status != 200:
            raise Trouble
        try:
            return super().read(status, said, wire)
        except Trouble:
            return ""


class NewNumber(Buyer):
    says = "asks again with a new number"

    def after(self, trouble: Trouble, number: str) -> str:
        return self.new_number()


class GivesUp(Buyer):
    says = "takes an answer it does not understand, or none, for a refusal"

    def after(self, trouble: Trouble, number: str) -> str:
        raise GaveUp


class Impatient(Buyer):
    says = "waits a second for an answer"
    patience = 1.0


class Pedant(Buyer):
    says = "insists on a Content-Type of JSON, which nobody signs"

    def read(self, status: int, said: Any, wire: Wire) -> str:
        if not wire.last.headers.get("Content-Type", "").startswith("application/json"):
            raise Trouble
        return super().read(status, said, wire)


HONEST = Buyer
CARELESS: tuple[type[Buyer], ...] = (
    NoSignature,
    NoTime,
    ProbeIsFine,
    StatusOnly,
    NewNumber,
    GivesUp,
    Impatient,
    Pedant,
)

"""Testers who share one server, each in a space of their own: the calm ones, and those who turn theirs upside down.

Used by bench_spaces.py over sockets, and by a test without.
"""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.mock_providers.wechatpay.merchant import Merchant

NUMBER = re.compile(r"\b(calm-\d+|wild-\d+)x\d{4}\b")
LOGIN = "/wechat/sns/jscode2session?grant_type=authorization_code"
Heard = dict[str, list[tuple[dict[str, str], bytes]]]
LISTS = ("events", "deliveries", "attempts", "calls", "timeline")


class Calm:
    """One tester: a merchant whose orders are called `<space>x0001` and told to an address that ends in the space."""

    def __init__(self, client: Any, space: str, address: str) -> None:
        self.client, self.space, self.address = client, space, f"{address}/{space}"
        self.paid: list[str] = []
        self.calls = 0

    def control(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        headers = {"X-Yibao-Space": self.space, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        answer = self.client.open(f"/_mock/{path}", method=method, data=data, headers=headers)
        assert answer.status_code == expected, (self.space, path, answer.text)
        self.banner = answer.headers.get("X-Yibao-Banner")
        return answer.json

    def move_in(self) -> None:
        made = json.dumps({"name": self.space}).encode()
        headers = {"Content-Type": "application/json"}
        assert self.client.open("/_mock/spaces", method="POST", data=made, headers=headers).status_code < 300
        held = self.control("GET", "credentials")
        self.merchant = Merchant(self.client, held["wechatpay"])
        code = self.control("POST", "phone/wechat/login", {"person": "P01"})["code"]
        app = held["wechat"]
        asked = f"{LOGIN}&appid={app['appid']}&secret={app['secret']}&js_code={code}"
        self.openid = json.loads(self.client.open(asked, method="GET").data)["openid"]
        self.clock = self.control("GET", "clock")
        self.people = self.control("GET", "people/P01")
        self.calls = len(self.control("GET", "calls?limit=500")["items"])

    def sell(self) -> None:
        """One order, made by the merchant and paid on the phone. The vendor's calls name no space: the keys do."""
        number = f"{self.space}x{len(self.paid) + 1:04d}"
        made = self.merchant.create(number, payer={"openid": self.openid}, notify_url=self.address)
        self.control("POST", "phone/wechatpay/pay", {"params": self.merchant.pay_params(made), "outcome": "paid"})
        self.paid.append(number)

    def judge(self, heard: Heard, closely: bool = True) -> None:
        """A calm tester sees what he did, all of it, once, and nothing else. Raises AssertionError."""
        told = Counter(self._read(headers, body) for headers, body in heard.get(f"/{self.space}", ()))
        assert told == Counter(self.paid), (self.space, told - Counter(self.paid), Counter(self.paid) - told)
        seen = {what: self._all(what) for what in LISTS}
        assert self.banner is None
        assert sorted(row["ref"] for row in seen["events"]) == sorted(self.paid)
        assert all((row["state"], row["tries"], row["plan"]) == ("delivered", 1, None) for row in seen["deliveries"])
        assert all((row["accepted"], row["fault"]) == (True, None) for row in seen["attempts"])
        assert len(seen["deliveries"]) == len(seen["attempts"]) == len(self.paid)
        assert len(seen["calls"]) == self.calls + 2 * len(self.paid), (len(seen["calls"]), self.calls, len(self.paid))
        named = set(NUMBER.findall(json.dumps(seen)))
        assert named <= {self.space}, named
        if closely:
            self._untouched()

    def _read(self, headers: dict[str, str], body: bytes) -> str:
        """The order a notice is of: it must be signed and sealed with the keys of this space."""
        self.merchant.verify(headers, body)
        number: str = json.loads(self.merchant.open(json.loads(body)["resource"]))["out_trade_no"]
        return number

    def _all(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: str | None = "0"
        while after is not None:
            page = self.control("GET", f"{what}?limit=500&after={after}")
            found, after = found + page["items"], page["next"]
        return found

    def _untouched(self) -> None:
        for what in ("plans", "faults", "outcomes", "snapshots"):
            assert self.control("GET", what)["items"] == [], what
        assert self.control("GET", "people/P01") == self.people
        stands = self.control("GET", "clock")
        assert (stands["frozen"], _ahead(stands)) == (False, _ahead(self.clock))


def _ahead(clock: dict[str, Any]) -> int:
    """How far business time stands from the wall, in whole minutes."""
    from datetime import datetime

    gap = datetime.fromisoformat(clock["now"]) - datetime.fromisoformat(clock["wall"])
    return round(gap.total_seconds() / 60)


class Wild(Calm):
    """Somebody who sells as well, and meanwhile resets, restores, moves clocks, plans, damages and adjusts."""

    def __init__(self, client: Any, space: str, address: str, seed: int) -> None:
        super().__init__(client, space, address)
        self.chance = random.Random(seed)
        self.saved = self.did = 0

    def act(self) -> None:
        """One thing that changes much of this space, and must change nothing of any other."""
        acts: list[Callable[[], None]] = [
            self._reset,
            self._snapshot,
            self._clock,
            self._plan,
            self._fault,
            self._more,
        ]
        self.chance.choice(acts)()
        self.did += 1

    def _reset(self) -> None:
        self.control("POST", "reset", {"level": self.chance.choice(["traffic", "faults", "state", "all"])})

    def _snapshot(self) -> None:
        self.saved += 1
        self.control("POST", "snapshots", {"name": f"s{self.saved}"})
        self.sell_if_possible()
        self.control("POST", f"snapshots/s{self.saved}/restore", {})

    def _clock(self) -> None:
        moves: list[dict[str, Any]] = [{"freeze": True}, {"advance": "30m"}, {"advance": "1d"}, {"resume": True}]
        self.control("POST", "clock", self.chance.choice(moves))

    def _plan(self) -> None:
        words = self.chance.choice(
            ["hold all; for 2h", "dup all; next 5", "drop 1", "shuffle; next 4", "delay all 90s"]
        )
        self.control("POST", "plans", {"text": words})
        self.sell_if_possible()

    def _fault(self) -> None:
        fault = self.chance.choice(["signature_bad", "nonce_changed", "sent_anew", "timestamp_stale"])
        self.control("POST", "faults", {"fault": fault, "next": 3, "percent": 50})
        self.sell_if_possible()

    def _more(self) -> None:
        self.control("POST", "outcomes", {"target": "wechatpay.pay", "outcome": "insufficient", "next": 9})
        self.control("POST", "people/P01", {"balance_fen": self.chance.randrange(10**6)})
        for delivery in self.control("GET", "deliveries?limit=5")["items"]:
            self.client.open(f"/_mock/deliveries/{delivery['id']}/send-now", method="POST", headers=self._here())

    def _here(self) -> dict[str, str]:
        return {"X-Yibao-Space": self.space}

    def sell_if_possible(self) -> None:
        """A reset or a planned fault may be in the way: that is as it was asked for."""
        number = f"{self.space}x{self.did:04d}"
        asked = self.merchant.order(number, payer={"openid": self.openid}, notify_url=self.address)
        answer = self.merchant.post("/v3/pay/transactions/jsapi", asked)
        if answer.status_code == 200 and "prepay_id" in answer.text:
            params = {"params": self.merchant.pay_params(answer.json["prepay_id"]), "outcome": "paid"}
            self.client.open("/_mock/phone/wechatpay/pay", method="POST", json=params, headers=self._here())

    def strangers(self, heard: Heard) -> list[str]:
        """What came to this tester's address and is neither damaged nor his own: must be nothing."""
        found = []
        for _, body in heard.get(f"/{self.space}", ()):
            found += [name for name in NUMBER.findall(body.decode("utf-8", "replace")) if name != self.space]
        return found


def work(people: list[Callable[[], None]], threads: int, ended: threading.Event) -> list[BaseException]:
    """Let everybody act again and again, each in one thread at a time, until the end; what went wrong."""
    wrong: list[BaseException] = []

    def run(mine: list[Callable[[], None]]) -> None:
        try:
            while not ended.is_set():
                for one in mine:
                    one()
        except BaseException as error:
            wrong.append(error)
            ended.set()

    workers = [threading.Thread(target=run, args=(people[number::threads],)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return wrong

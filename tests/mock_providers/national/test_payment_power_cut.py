"""kill -9 somewhere between 6202 and the payment: afterwards 6301 tells the truth and no fen is lost or made."""

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import requests
from flask import Flask
from sqlalchemy import func, select

from mock_providers import create_app, people, spaces
from mock_providers.db import db
from mock_providers.national import person as bureau
from mock_providers.national import wire
from mock_providers.national.models import Settlement
from mock_providers.settings import Settings
from mock_providers.webhooks.models import Event
from tests.mock_providers.national.institution import PHARMACY
from tests.mock_providers.wechatpay.merchant import Merchant

ROOT = Path(__file__).parents[3]
HOS = "/national/org/local/api/hos/"
MASK = ("X02", 8900)  # a consumable: no trace codes, no prescription
PEOPLE, ACCOUNT_FEN = ("P01", "P02"), 10_000_000
SALES, PATIENCE_S = 8, 10


class Answer:
    """What tests.mock_providers.wechatpay.merchant reads of an answer."""

    def __init__(self, response: requests.Response) -> None:
        self.status_code, self.headers, self.text, self.data = (
            *(response.status_code, response.headers, response.text),
            response.content,
        )

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Shop:
    """A pharmacy's system over HTTP for one customer. `known`: orders it heard of; `paid`: those it was told of."""

    base: str
    person: str
    known: list[dict[str, Any]] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    broken: str = ""

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        keys = self.ask("GET", "/_mock/credentials")
        self.mip = keys["national"]["mip"]
        names = ("app_id", "app_secret", "private_key", "platform_public_key")
        self.party = wire.Party(*(self.mip[name] for name in names))
        self.merchant = Merchant(self, keys["wechatpay"])  # type: ignore[arg-type]
        app = keys["wechat"]
        code = self.ask("POST", "/_mock/phone/wechat/login", {"person": self.person})["code"]
        asked = f"appid={app['appid']}&secret={app['secret']}&js_code={code}&grant_type=authorization_code"
        self.openid = self.ask("GET", f"/wechat/sns/jscode2session?{asked}")["openid"]
        self.me = people.read(people.SAMPLE).people[self.person]

    def open(self, path: str, method: str, data: bytes, headers: dict[str, str]) -> Answer:
        return Answer(self.session.request(method, self.base + path, data=data, headers=headers, timeout=10))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        answer = self.session.request(method, self.base + path, json=body, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        body = wire.seal(data, self.party, 1735787045000)
        answer = self.session.post(f"{self.base}{HOS}{name}", data=body, timeout=10)
        assert json.loads(answer.content)["code"] == 0, answer.content.decode()
        return wire.open_message(answer.content, self.party)

    def grant(self) -> str:
        code = self.ask("POST", "/_mock/phone/wechat/insurance-authorisation", {"person": self.person})["authCode"]
        partner, stamp = self.mip["partner_id"], "1735787045000"
        key = self.mip["partner_secret"].encode()
        signed = hmac.new(key, f"{partner}{stamp}".encode(), hashlib.sha256).hexdigest()
        headers = {"god-portal-timestamp": stamp, "god-portal-request-id": "0" * 32, "god-portal-signature": signed}
        path = f"/wechat/api/mipuserquery/userQuery/{partner}"
        return self.ask("POST", path, {"qrcode": code, "openid": self.openid}, **headers)["pay_auth_no"]

    def sell(self, n: int) -> None:
        """6201, 6202, the channel's order, the payment."""
        number, granted = f"{self.person}{n:08d}", self.grant()
        order = self.call("uldFeeInfo", {**self.bill(number), "payAuthNo": granted})
        named = {**order, "payAuthNo": granted, "number": number}
        self.known.append(named)
        asked = {name: named[name] for name in ("payOrdId", "payToken", "payAuthNo")}
        split = self.call("pay_order", {**asked, "orgCodg": PHARMACY, "orgBizSer": number})
        assert split["psnAcctPay"] == "89.00"
        mixed = self.merchant.create_mixed(
            number,
            "INSURANCE_ONLY",
            openid=self.openid,
            payer=self.merchant.someone(self.me.name, self.me.id_number),
            serial_no=number,
            pay_order_id=order["payOrdId"],
            pay_auth_no=granted,
            total_fee=8900,
            med_ins_gov_fee=0,
            med_ins_self_fee=8900,
            med_ins_cash_fee=0,
            cash_reduce_detail=None,
        )
        assert mixed.status_code == 200, mixed.text
        named["mix"] = mixed.json["mix_trade_no"]
        tapped = {"params": {"mixTradeNo": named["mix"]}}
        said = self.ask("POST", "/_mock/phone/wechatpay/medical-pay", tapped)
        assert said["errMsg"] == "requestMedicalInsurancePay:ok", said
        self.paid.append(order["payOrdId"])

    def bill(self, number: str) -> dict[str, Any]:
        code, fen = MASK
        yuan, item = f"{fen / 100:.2f}", people.read(people.SAMPLE).items[code]
        line = {
            "feedetlSn": number,
            "medListCodg": item.med_list_codg,
            "medinsListCodg": code,
            "detItemFeeSumamt": yuan,
            "cnt": "1",
            "pric": yuan,
        }
        assert self.me.insurance
        return {
            "orgCodg": PHARMACY,
            "psnNo": self.me.psn_no,
            "insutype": self.me.insurance.type,
            "insuCode": self.me.insurance.area,
            "medOrgOrd": number,
            "begntime": "2025-12-01 10:00:00",
            **self.identity(),
            "iptOtpNo": number,
            "deptCode": "01",
            "deptName": "药房",
            "caty": "A99",
            "mdtrtId": number,
            "medType": "41",
            "feeType": "01",
            "medfeeSumamt": yuan,
            "psnSetlway": "01",
            "chrgBchno": number,
            "pubHospRfomFlag": "0",
            "feedetailList": [line],
        }

    def identity(self) -> dict[str, str]:
        return {"idNo": self.me.id_number, "userName": self.me.name, "idType": "01"}

    def work(self) -> None:
        """Sell until nobody answers any more."""
        try:
            for n in range(10_000):
                self.sell(n)
        except requests.RequestException:
            return
        except Exception as error:
            self.broken = repr(error)


@contextmanager
def server(data: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    command = [sys.executable, "-m", "tests.mock_providers.national.power_cut", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()


def fill(base: str, person: str) -> None:
    answer = requests.post(f"{base}/_mock/people/{person}", json={"balance_fen": ACCOUNT_FEN}, timeout=10)
    assert answer.status_code == 200, answer.text


def test_after_kill_9_between_6202_and_the_payment_6301_tells_the_truth(tmp_path: Path) -> None:
    with server(tmp_path) as (process, base):
        for person in PEOPLE:
            fill(base, person)
        shops = [Shop(base, person) for person in PEOPLE]
        threads = [Thread(target=shop.work, daemon=True) for shop in shops]
        for thread in threads:
            thread.start()
        until = time.monotonic() + PATIENCE_S
        while sum(len(shop.paid) for shop in shops) < SALES and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join(20)
    assert [shop.broken for shop in shops] == ["", ""] and sum(len(shop.paid) for shop in shops) >= SALES
    app = create_app(Settings(data=tmp_path, background=False))
    for shop in shops:
        check(app, shop)


def check(app: Flask, shop: Shop) -> None:
    """The books, 6301 and the channel agree, and nothing anybody was told is gone."""
    shop.session = Here(app)  # type: ignore[assignment]
    states = {order["payOrdId"]: shop.call("query_order_info", named(shop, order)) for order in shop.known}
    done = {number for number, said in states.items() if said["ordStas"] == "6"}
    assert set(shop.paid) <= done and len(done - set(shop.paid)) <= 1
    assert {said["ordStas"] for said in states.values()} <= {"0", "1", "2", "6"}
    for order in shop.known:
        said = states[order["payOrdId"]]
        assert (said.get("hiDocSn", "") != "") == (order["payOrdId"] in done)
        if "mix" in order:
            mixed = shop.merchant.get(f"/v3/med-ins/orders/mix-trade-no/{order['mix']}").json
            wanted = "MIX_PAY_SUCCESS" if order["payOrdId"] in done else "MIX_PAY_CREATED"
            assert mixed["mix_pay_status"] == wanted
    with spaces.entered(app, "default"):
        assert bureau.describe(shop.person)["balance_fen"] == ACCOUNT_FEN - 8900 * len(done)
        mine = select(func.count(), func.sum(Settlement.own_fen)).where(Settlement.person == shop.person)
        assert tuple(db.session.execute(mine).one()) == (len(done), 8900 * len(done))
        told = db.session.scalars(select(Event.ref).where(Event.type == "6302", Event.ref.startswith(shop.person)))
        assert sorted(told) == sorted(order["number"] for order in shop.known if order["payOrdId"] in done)


def named(shop: Shop, order: dict[str, Any]) -> dict[str, Any]:
    who = {name: order[name] for name in ("payOrdId", "payToken")}
    return {**who, **shop.identity(), "orgCodg": PHARMACY}


class Here:
    """The server after the restart, without a port."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def post(self, url: str, data: bytes, timeout: int) -> Any:
        return self.request("POST", url, data)

    def request(self, method: str, url: str, data: bytes, headers: Any = None, timeout: int = 0) -> Any:
        answer = self.client.open("/" + url.split("/", 3)[3], method=method, data=data, headers=headers)
        made = requests.Response()
        made.status_code, made._content = answer.status_code, answer.get_data()
        return made

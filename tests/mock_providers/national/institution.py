"""An institution's system, as a stranger would write it: sealed calls to the centres, and the bureau's books."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from mock_providers import accounts, clock, outcomes, spaces, switches
from mock_providers.db import db
from mock_providers.national import person as people
from mock_providers.national import wire
from mock_providers.people import world
from mock_providers.spaces import Space

PRICES = {"D01": 680, "D05": 1850, "D07": 1280, "D09": 560, "D13": 2860, "D14": 1260, "D17": 3980, "D24": 47800}
PRICES |= {"D25": 2990, "X01": 19900, "X03": 8900}
PHARMACY = "P46019900008"


class Institution:
    """One institution's keys and habits in one space."""

    def __init__(self, app: Flask, client: FlaskClient, space: str = "default") -> None:
        self.app, self.client, self.space = app, client, space
        with self.inside():
            self.account = accounts.account("national")
            db.session.commit()
        mip = self.account["mip"]
        keys = (mip["app_id"], mip["app_secret"], mip["private_key"], mip["platform_public_key"])
        self.party = wire.Party(*keys)
        self.orders = 0

    def inside(self) -> AbstractContextManager[None]:
        return spaces.entered(self.app, self.space)

    # the wire

    def call(self, path: str, data: Mapping[str, Any], version: str = wire.PAYMENT, **more: Any) -> dict[str, Any]:
        """A sealed call; the answer's business data, or {"refused": message}. Answers must be signed."""
        body = wire.seal(dict(data), self.party, 1735787045000, version, **more)
        reply = self.client.post(f"/national{path}", data=body, content_type="application/json")
        assert reply.status_code == 200, reply.get_data(as_text=True)[:300]
        return self.read(reply.get_data(), version)

    def read(self, body: bytes, version: str = wire.PAYMENT) -> dict[str, Any]:
        fields = json.loads(body)
        if fields["code"] != 0:
            said = wire.string_to_sign(fields, None, self.party.app_secret)
            assert wire.signed_by(said, fields["signData"], self.party)
            return {"refused": fields["message"]}
        return wire.open_message(body, self.party, version)

    # the world

    def advance(self, **by: int) -> None:
        with self.inside():
            row = db.session.get(Space, self.space)
            assert row
            row.offset_ms += round(timedelta(**by).total_seconds() * 1000)
            db.session.commit()

    def set(self, person: str, **facts: Any) -> None:
        with self.inside():
            people.adjust(person, **facts)
            db.session.commit()

    def balance(self, person: str) -> int:
        with self.inside():
            return people.describe(person)["balance_fen"]

    def switch(self, name: str, value: str) -> None:
        with self.inside():
            switches.put(name, value)
            db.session.commit()

    def plan(self, target: str, outcome: str, **more: Any) -> None:
        with self.inside():
            outcomes.plan(target, outcome, **more)
            db.session.commit()

    # the phone

    def consent(self, payer: str, patient: str | None = None) -> str:
        with self.inside():
            code = self.app.extensions["authorise"](payer, patient, {})
            db.session.commit()
            return code

    def grant(self, payer: str, patient: str | None = None) -> str:
        """Consent and user query: a payment number."""
        from tests.mock_providers.national.test_authorisation import ask

        answer = ask(self, self.consent(payer, patient))
        assert answer["code"] == 0, answer
        return answer["pay_auth_no"] or answer["family_pay_auth_no"]

    def settle(self, order: Mapping[str, Any], split: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """What WeChat Pay does when the user confirms."""
        fen = {k: round(Decimal(split[k]) * 100) for k in ("fundPay", "psnAcctPay", "ownPayAmt")}
        sums = {
            "gov_fee": fen["fundPay"],
            "self_fee": fen["psnAcctPay"],
            "other_fee": 0,
            "cash_fee": fen["ownPayAmt"],
        }
        named = {"pay_order_id": order["payOrdId"], "pay_auth_no": order["payAuthNo"]}
        with self.inside():
            said = self.app.extensions["settle"](**{**named, **sums, **change})
            db.session.commit()
            return said

    # the calls

    def bill(self, person: str, items: Mapping[str, int], **change: Any) -> dict[str, Any]:
        """6201's data for a pharmacy sale; `rxno` goes to every prescription drug."""
        patient, rxno = world().people[person], change.pop("rxno", "")
        self.orders += 1
        number = f"{self.space[:4].upper()}{self.orders:08d}"
        with self.inside():
            now = clock.now().strftime("%Y-%m-%d %H:%M:%S")
        lines = [self._line(number, n, code, count, now, rxno) for n, (code, count) in enumerate(items.items())]
        total = sum(PRICES[code] * count for code, count in items.items())
        return {
            "orgCodg": PHARMACY,
            "psnNo": patient.psn_no,
            "insutype": patient.insurance.type if patient.insurance else "310",
            "insuCode": "460100",
            "medOrgOrd": number,
            "begntime": now,
            "idNo": patient.id_number,
            "userName": patient.name,
            "idType": "01",
            "iptOtpNo": number,
            "deptCode": "01",
            "deptName": "药房",
            "caty": "A99",
            "mdtrtId": number,
            "medType": "41",
            "feeType": "01",
            "medfeeSumamt": f"{total / 100:.2f}",
            "acctUsedFlag": "1",
            "psnSetlway": "01",
            "chrgBchno": number,
            "pubHospRfomFlag": "0",
            "feedetailList": lines,
            **change,
        }

    def _line(self, number: str, n: int, code: str, count: int, now: str, rxno: str) -> dict[str, Any]:
        item = world().items[code]
        traces = [{"drugTracCodg": f"81{n:02d}{i:04d}{number:0>12}"[:20]} for i in range(count)]
        return {
            "feedetlSn": f"{number}-{n}",
            "rxno": rxno,
            "rxCircFlag": "1" if rxno else "0",
            "feeOcurTime": now,
            "medListCodg": item.med_list_codg,
            "medinsListCodg": code,
            "detItemFeeSumamt": f"{PRICES[code] * count / 100:.2f}",
            "cnt": str(count),
            "pric": f"{PRICES[code] / 100:.2f}",
            "extData": {"drugtracinfo": traces},
        }

    def upload(self, person: str, items: Mapping[str, int], payer: str = "", **change: Any) -> dict[str, Any]:
        """6201; the answer with what the later calls need."""
        number = change.pop("payAuthNo", None) or self.grant(payer or person, person)
        data = self.bill(person, items, payAuthNo=number, **change)
        answer = self.call("/org/local/api/hos/uldFeeInfo", data)
        return {**answer, "payAuthNo": number, "medOrgOrd": data["medOrgOrd"], "person": person}

    def place(self, order: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """6202."""
        named = {k: order[k] for k in ("payOrdId", "payToken", "payAuthNo")}
        more = {"orgCodg": PHARMACY, "orgBizSer": order["medOrgOrd"], **change}
        return self.call("/org/local/api/hos/pay_order", {**named, **more})

    def _named(self, order: Mapping[str, Any]) -> dict[str, Any]:
        who = world().people[order["person"]]
        who_is = {"idNo": who.id_number, "userName": who.name, "idType": "01", "orgCodg": PHARMACY}
        return {**{k: order[k] for k in ("payOrdId", "payToken")}, **who_is}

    def query(self, order: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """6301."""
        return self.call("/org/local/api/hos/query_order_info", {**self._named(order), **change})

    def revoke(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """6401."""
        return self.call("/org/local/api/hos/revoke_order", self._named(order))

    def refund(self, order: Mapping[str, Any], split: Mapping[str, Any], kind: str = "ALL", **change: Any) -> dict:
        """6203 of everything of its kind."""
        account, fund = (split["psnAcctPay"], split["fundPay"]) if kind != "CASH" else ("0.00", "0.00")
        cash = split["ownPayAmt"] if kind != "HI" else "0.00"
        amounts = {"psnAcctRefdAmt": account, "fundRefdAmt": fund, "cashRefdAmt": cash}
        amounts = {**amounts, **{k: change.pop(k) for k in tuple(change) if k in amounts}}
        total = sum(Decimal(value) for value in amounts.values())
        data = {
            "payOrdId": order["payOrdId"],
            "appRefdSn": f"R{order['medOrgOrd']}",
            "appRefdTime": "20251201100000",
            "totlRefdAmt": f"{total:.2f}",
            **amounts,
            "payAuthNo": order["payAuthNo"],
            "refdType": kind,
            **change,
        }
        return self.call("/org/local/api/hos/refund_Order", data)

    def settled(self, person: str, items: Mapping[str, int], **change: Any) -> tuple[dict, dict]:
        """An order that was paid."""
        order = self.upload(person, items, **change)
        split = self.place(order)
        assert self.settle(order, split)["ok"]
        return order, split

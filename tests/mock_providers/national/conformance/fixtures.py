"""The world of nhsa.md §B.1 and the baskets of its section C, for every conformance check by number.

The people P1-P8, the items A1-C1 and the two institutions are data of the platform itself (people/protocol/*.toml,
national/standing.toml): a server started with `MOCK_WORLD=protocol` has them, with the switches §B takes for granted
(people/protocol/switches.toml: only P3 has the pooled fund at pharmacies, P6 is refused, any rxno will do).

One app serves a whole run; every check gets a space of its own, so balances, counters and journals are as new.
Business time stands at FROZEN in it until `advance` moves it.

    def test_n28_…(bureau: Bureau) -> None:
        info = bureau.output("2102", e1())["setlinfo"]
        assert bureau.balance("P1") == "422.00"
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask, g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mock_providers import accounts, clock, outcomes, people, spaces, switches
from mock_providers.db import db
from mock_providers.national import person

FROZEN = datetime.fromisoformat("2025-01-02T03:04:05+08:00")
PHARMACY, HOSPITAL = "P46010500001", "H46010500001"
NAMES = {PHARMACY: "测试大药房", HOSPITAL: "测试医院"}
WORLD = people.read(people.PROTOCOL)
SERIAL = itertools.count(1)
IDENTITY = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")


class Bureau:
    """One check's space, and the institutions' software that calls it."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.app, self.client, self.space = app, client, f"check-{next(SERIAL)}"
        with app.app_context():
            g.write_mode = True
            spaces.create(self.space, next(SERIAL), 0)
            clock.stand(self.space, FROZEN)
            db.session.commit()
        with self.writing():
            self.account = accounts.account("national")

    # the space

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction inside the space, committed at the end."""
        with spaces.entered(self.app, self.space):
            g.write_mode = True
            yield
            db.session.commit()

    def reading(self) -> AbstractContextManager[None]:
        return spaces.entered(self.app, self.space)

    def switch(self, name: str, value: str) -> None:
        """`acct_mulaid_mode`, `exclusive`: a switch of the national platform (or a full name)."""
        with self.writing():
            switches.put(name if "." in name else f"national.{name}", value)

    def plan(self, target: str, outcome: str, **more: Any) -> None:
        with self.writing():
            outcomes.plan(target, outcome, **more)

    def set(self, who: str, **facts: Any) -> None:
        """What the bureau knows of a person: balance_fen, status, pooled_used_fen, mutual_aid_from …"""
        with self.writing():
            person.adjust(who, **facts)

    def look(self, who: str) -> dict[str, Any]:
        """What the bureau keeps of a person, fen."""
        with self.reading():
            g.write_mode = False
            return person.describe(who)

    def advance(self, **by: int) -> None:
        with self.writing():
            clock.stand(self.space, clock.now() + timedelta(**by))

    def now(self) -> str:
        with self.reading():
            return clock.now().strftime("%Y-%m-%d %H:%M:%S")

    # the wire

    def headers(self, stamp: str = "", nonce: str = "") -> dict[str, str]:
        """x-tif headers of this space."""
        stamp, nonce = stamp or str(clock.wall_unix()), nonce or f"n{next(SERIAL)}"
        text = f"{stamp}{self.account['secret']}{nonce}{stamp}"
        return {
            "x-tif-paasid": self.account["paas_id"],
            "x-tif-timestamp": stamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
        }

    def envelope(self, infno: str, content: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
        """§1.1. `fixmedins_code` may be given; a field given as None is left out."""
        code = more.get("fixmedins_code") or PHARMACY
        now = self.now()
        digits = "".join(c for c in now if c.isdigit())
        fields = {
            "infno": infno,
            "msgid": f"{code}{digits}{next(SERIAL) % 10_000:04d}",
            "mdtrtarea_admvs": "460100",
            "insuplc_admdvs": "460100",
            "recer_sys_code": "FSI_LOCAL",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "001",
            "opter_name": "测试",
            "inf_time": now,
            "fixmedins_code": code,
            "fixmedins_name": NAMES.get(code, code),
            "sign_no": "",
            "input": content,
            **more,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def post(
        self, body: bytes, headers: Mapping[str, str] | None = None, path: str = "/fsi/gateway", **more: Any
    ) -> TestResponse:
        """Bytes as they are, in this space. `headers` None: signed as it should be."""
        sent = {**(self.headers() if headers is None else headers), "X-Yibao-Space": self.space}
        return self.client.post(f"/national{path}", data=body, headers=sent, content_type="application/json", **more)

    def send(
        self, infno: str, content: Mapping[str, Any] | None, path: str = "/fsi/gateway", **more: Any
    ) -> TestResponse:
        body = json.dumps(self.envelope(infno, content, **more), ensure_ascii=False, default=str).encode()
        return self.post(body, path=path)

    def __call__(self, infno: str, content: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
        """The whole answer, amounts as Decimal."""
        response = self.send(infno, content, **more)
        assert response.status_code == 200, response.get_data(as_text=True)
        return json.loads(response.get_data(), parse_float=Decimal)

    def output(self, infno: str, content: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
        """What a call that succeeds gives."""
        answer = self(infno, content, **more)
        assert int(answer["infcode"]) == 0, answer["err_msg"]
        return answer["output"]

    def refusal(self, infno: str, content: Mapping[str, Any] | None, **more: Any) -> str:
        """fail(X) of the sheet: HTTP 200, infcode -1, output null; the text to compare."""
        answer = self(infno, content, **more)
        assert (int(answer["infcode"]), answer.get("output")) == (-1, None), answer
        return answer["err_msg"]

    # what checks ask for again and again

    def sign_in(self) -> str:
        node = {"opter_no": "001", "mac": "00-00-00-00-00-01", "ip": "10.0.0.1"}
        return self.output("9001", {"signIn": node})["signinoutb"]["sign_no"]

    def person(self, who: str) -> dict[str, Any]:
        """1101 by identity card."""
        return self.output("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number(who)}})

    def balance(self, who: str) -> str:
        """The own account as 1101 shows it: "422.00"."""
        return f"{self.person(who)['insuinfo'][0]['balc']:.2f}"

    def settle(self, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """2102; its setlinfo."""
        return self.output("2102", content, **more)["setlinfo"]

    def refund(self, info: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """2103 of a 2102's setlinfo; its whole output."""
        return self.output("2103", {"data": {**named(info), **change}})

    def reverse(self, msgid: str, infno: str = "2102", who: str = "P1", **more: Any) -> dict[str, Any]:
        """2601; the whole answer."""
        return self("2601", {"data": {"psn_no": psn_no(who), "omsgid": msgid, "oinfno": infno}}, **more)


def number(who: str) -> str:
    return WORLD.people[who].id_number


def psn_no(who: str) -> str:
    return WORLD.people[who].psn_no


def insutype(who: str) -> str:
    insured = WORLD.people[who].insurance
    return insured.type if insured else "310"


def named(info: Mapping[str, Any]) -> dict[str, str]:
    """setl_id, mdtrt_id, psn_no, as 2103, 2208, 5203 and 5204 take them."""
    return {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}


def line(item: str, cnt: Any, pric: str, **more: Any) -> dict[str, Any]:
    """One row of drugdetail. Trace codes are not asked for at FROZEN; give `drugtracinfo` to show some."""
    return {
        "feedetl_sn": f"L{next(SERIAL)}",
        "rxno": "",
        "rx_circ_flag": "0",
        "fee_ocur_time": "2025-01-02 03:00:00",
        "med_list_codg": WORLD.items[item].med_list_codg,
        "medins_list_codg": item,
        "det_item_fee_sumamt": f"{Decimal(str(cnt)) * Decimal(pric):.2f}",
        "cnt": cnt,
        "pric": pric,
        **more,
    }


def purchase(who: str, *lines: Mapping[str, Any], **head: Any) -> dict[str, Any]:
    """The input of 2101 and 2102."""
    return {
        "druginfo": {
            "psn_no": psn_no(who),
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": number(who),
            "begntime": "2025-01-02 03:00:00",
            "medfee_sumamt": str(sum(Decimal(row["det_item_fee_sumamt"]) for row in lines)),
            "invono": "",
            "insutype": insutype(who),
            "acct_used_flag": "1",
            "med_type": "41",
            **head,
        },
        "drugdetail": list(lines),
    }


def e1(**head: Any) -> dict[str, Any]:
    """P1, own account 500.00 pays 78.00."""
    return purchase("P1", line("A1", 2, "12.50"), line("B1", 1, "38.00"), line("C1", 1, "15.00"), **head)


def e2(**head: Any) -> dict[str, Any]:
    """P2, own 20.00 and 46.00 of P7's by mutual aid."""
    return purchase("P2", line("A1", 2, "18.00"), line("B2", 3, "10.00"), **head)


def e3(**head: Any) -> dict[str, Any]:
    """P3, 138.00 of the pooled fund and 162.00 of the account."""
    return purchase("P3", line("A1", 4, "25.00"), line("B3", 2, "100.00", rxno="RX0001"), **head)


def e4(**head: Any) -> dict[str, Any]:
    """P4, 50.00 of the account and 38.00 in cash."""
    return purchase("P4", line("A1", 1, "58.00"), line("B4", 2, "15.00"), **head)


def e5(**head: Any) -> dict[str, Any]:
    """P5, everything in cash."""
    return purchase("P5", line("A1", 3, "9.80"), line("C1", 1, "16.20"), **head)


BASKETS = {"E1": e1, "E2": e2, "E3": e3, "E4": e4, "E5": e5}


def money(info: Mapping[str, Any], *names: str) -> list[str]:
    """Amounts as the sheet writes them."""
    return [f"{info[name]:.2f}" for name in names]


def identities(info: Mapping[str, Any], exclusive: bool = False) -> None:
    """§2.5 identities 2, 3, 5 (6 in the exclusive reading) on a setlinfo under either answer's names."""
    cash = next(info[name] for name in ("psn_cash_pay", "cash_payamt", "pdn_cash_pay") if name in info)
    personal = next(info[name] for name in ("psn_part_amt", "psn_pay") if name in info)
    assert info["medfee_sumamt"] == sum(info[name] for name in IDENTITY), "identity 2"
    assert info["medfee_sumamt"] == info["fund_pay_sumamt"] + personal + info.get("hosp_part_amt", 0), "identity 3"
    aid = info["acct_mulaid_pay"] if exclusive else 0
    assert personal == info["acct_pay"] + aid + cash, "identity 5"


def line_identities(rows: list[Mapping[str, Any]]) -> None:
    """§2.5 identity 1 on detlcutinfo."""
    parts = ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
    for row in rows:
        assert row["det_item_fee_sumamt"] == sum(row[name] for name in parts), "identity 1"

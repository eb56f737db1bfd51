"""What tests of the bureau share: signed gateway calls, purchases of sample goods, and trace codes for them."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from flask import Flask, g
from flask.testing import FlaskClient

from mock_providers import accounts, clock
from mock_providers.db import db
from mock_providers.national import person, purchase
from mock_providers.people import world

SERIAL = itertools.count(1)
PHARMACY, PHARMACY_WITHOUT_FUND = "P46019900008", "P46019900010"
PRICES = {
    "D01": 680, "D04": 390, "D05": 1850, "D07": 1280, "D08": 960, "D09": 560, "D13": 2860, "D14": 1260, "D17": 3980,
    "D24": 47800, "D25": 2990, "X01": 19900, "X02": 1580, "X03": 8900, "X04": 3200, "X05": 1500, "X06": 1200,
}  # fmt: skip


@contextmanager
def writing(app: Flask) -> Iterator[None]:
    """A transaction in the default space that is committed at the end."""
    with app.app_context():
        g.write_mode = True
        yield
        db.session.commit()


def adjust(app: Flask, who: str, **fields: Any) -> None:
    with writing(app):
        person.adjust(who, **fields)


def look(app: Flask, who: str) -> dict[str, Any]:
    with app.app_context():
        g.write_mode = False
        return person.describe(who)


def trace_codes(count: int) -> list[dict[str, str]]:
    return [{"drug_trac_codg": f"8300{next(SERIAL):016d}"} for _ in range(count)]


def line(code: str, count: int = 1, rxno: str = "", **more: Any) -> dict[str, Any]:
    """One row of drugdetail."""
    item, total = world().items[code], PRICES[code] * count
    return {
        "feedetl_sn": f"L{next(SERIAL)}",
        "rxno": rxno,
        "rx_circ_flag": "1" if rxno else "0",
        "fee_ocur_time": "2025-12-01 10:00:00",
        "med_list_codg": item.med_list_codg,
        "medins_list_codg": code,
        "det_item_fee_sumamt": f"{Decimal(total) / 100:.2f}",
        "cnt": str(count),
        "pric": f"{Decimal(PRICES[code]) / 100:.2f}",
        "drugtracinfo": trace_codes(count) if item.kind == "drug" else [],
        **more,
    }


def head(who: str, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """druginfo."""
    patient = world().people[who]
    assert patient.insurance
    return {
        "psn_no": patient.psn_no,
        "mdtrt_cert_type": "02" if patient.id_type == "id_card" else "99",
        "mdtrt_cert_no": patient.id_number,
        "begntime": "2025-12-01 10:00:00",
        "medfee_sumamt": str(sum(Decimal(row["det_item_fee_sumamt"]) for row in lines)),
        "insutype": patient.insurance.type,
        "acct_used_flag": "1",
        "med_type": "41",
        **more,
    }


def bought(who: str, *lines: dict[str, Any], at: str = PHARMACY, **more: Any) -> purchase.Purchase:
    """A purchase as the ledger takes it."""
    return purchase.read(who, at, head(who, list(lines), **more), list(lines))


def envelope(infno: str, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "infno": infno,
        "msgid": f"{PHARMACY}20251201100000{next(SERIAL):04d}",
        "mdtrtarea_admvs": "460199",
        "insuplc_admdvs": "460100",
        "recer_sys_code": "FSI_LOCAL",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "001",
        "opter_name": "样例",
        "inf_time": "2025-12-01 10:00:00",
        "fixmedins_code": PHARMACY,
        "fixmedins_name": "样安大药房",
        "sign_no": "",
        "input": content,
        **more,
    }


def signed(app: Flask, **more: str) -> dict[str, str]:
    """x-tif headers of the default space."""
    with app.app_context():
        account = accounts.account("national")
        db.session.commit()
    stamp, nonce = more.get("stamp", str(clock.wall_unix())), more.get("nonce", f"n{next(SERIAL)}")
    text = f"{stamp}{account['secret']}{nonce}{stamp}"
    return {
        "x-tif-paasid": account["paas_id"],
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
    }


class Gateway:
    """An institution's software."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.app, self.client = app, client

    def send(self, infno: str, content: Mapping[str, Any], path: str = "/national/fsi/gateway", **more: Any) -> Any:
        body = json.dumps(envelope(infno, content, **more), ensure_ascii=False).encode()
        return self.client.post(path, data=body, headers=signed(self.app), content_type="application/json")

    def __call__(self, infno: str, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The answer, amounts as Decimal."""
        response = self.send(infno, content, **more)
        assert response.status_code == 200, response.get_data(as_text=True)
        return json.loads(response.get_data(), parse_float=Decimal)

    def output(self, infno: str, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        answer = self(infno, content, **more)
        assert answer["infcode"] == 0, answer["err_msg"]
        return answer["output"]

    def refusal(self, infno: str, content: Mapping[str, Any], **more: Any) -> str:
        answer = self(infno, content, **more)
        assert (answer["infcode"], answer.get("output")) == (-1, None)
        return answer["err_msg"]

    def who(self, number: str, **more: Any) -> dict[str, Any]:
        return {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number, **more}}

    def preview(self, who: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"druginfo": head(who, list(lines), **more), "drugdetail": list(lines)}

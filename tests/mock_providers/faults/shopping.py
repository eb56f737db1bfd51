"""Every fault of an answer against every shop that asks for an order: who falls for what."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Flask
from sqlalchemy import select

from mock_providers import accounts, spaces
from mock_providers.db import db
from mock_providers.webhooks.catalogue import ANSWER, CATALOGUE, Fault
from mock_providers.wechatpay.models import Order
from tests.mock_providers.faults import buyers
from tests.mock_providers.faults.buyers import Buyer, GaveUp, Wire, on

TITLE = "WeChat Pay: the answer to a new order"


def faults() -> list[Fault]:
    return [fault for fault in CATALOGUE.values() if fault.on == ANSWER and fault.concerns("wechatpay")]


class Shopping:
    """An app of the mocks, and shops that order there while an answer is spoilt."""

    title = TITLE

    def __init__(self, app: Flask) -> None:
        self.app, self.client, self.paused = app, app.test_client(), list[float]()
        app.extensions["pause"] = self.paused.append
        app.extensions["person_of_openid"] = lambda appid, openid: "P01"
        with spaces.entered(app, "default"):
            self.keys: dict[str, Any] = accounts.account("wechatpay")
            db.session.commit()
        self.says = {kind.__name__: kind.says for kind in buyers.CARELESS}
        self.found: dict[str, Mapping[str, str]] = {}

    def fallen(self, name: str) -> Mapping[str, str]:
        """What a careless shop falls for, and how. Played once."""
        if name not in self.found:
            kind = next(kind for kind in buyers.CARELESS if kind.__name__ == name)
            played = {fault.name: self.falls(fault, kind(self.keys)) for fault in faults()}
            self.found[name] = {fault: how for fault, how in played.items() if how}
        return self.found[name]

    def falls(self, fault: Fault | None, buyer: Buyer) -> str:
        """What it does wrong under this fault, in a word; empty if it does what an honest one does."""
        if fault:
            asked = {"fault": fault.name, "vendor": "wechatpay", "path": "/v3/pay/transactions/jsapi"}
            assert self.client.post("/_mock/faults", json=asked).status_code == 200
        before, wire = self.orders(), Wire(self.client, self.paused)
        with on(wire), suppress(GaveUp):
            buyer.buy(wire)
        assert not fault or self.client.get("/_mock/faults").json["items"] == [], "it struck"
        made = self.orders().items() - before.items()
        if buyer.believed is None:
            return "tells the customer no"
        if len(made) > 1:
            return "orders twice"
        if buyer.believed not in made:
            return "believes it"
        verdict = fault.verdict if fault else "believe"
        if verdict == "believe":
            return "" if wire.asked == 1 else "does not believe it"
        return "" if wire.asked > 1 else "believes it"

    def orders(self) -> dict[str, str]:
        with spaces.entered(self.app, "default"):
            rows = db.session.execute(select(Order.out_trade_no, Order.prepay_id)).all()
            db.session.rollback()
            return {row.out_trade_no: row.prepay_id for row in rows}

"""A merchant, its phone, and what the sender would send; who knows openids and the bureau are stand-ins here."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from mock_providers import accounts, clock, outcomes, switches, timers
from mock_providers.db import db
from mock_providers.spaces import Space, entered
from mock_providers.webhooks.models import Delivery, Event
from mock_providers.wechatpay import notify
from tests.mock_providers.wechatpay.merchant import Merchant

PEOPLE = ("P01", "P02", "P03", "P04", "P09", "P14")


class World:
    """The mock half as a tester steers it, without the control API."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.settled: list[dict[str, Any]] = []
        self.bureau: dict[str, Any] = {"ok": True, "reason": "", "passthrough": {"setl_id": "S1"}}
        app.extensions["person_of_openid"] = self.person_of
        app.extensions["settle"] = self.settle
        app.extensions.pop("check_authorisation", None)
        app.extensions.pop("bureau_order", None)

    def person_of(self, appid: str, openid: str) -> str | None:
        person = openid.removeprefix("openid-")
        return person if openid.startswith("openid-") and person in PEOPLE else None

    def settle(self, **asked: Any) -> dict[str, Any]:
        self.settled.append(asked)
        refuses = asked["outcome"].startswith("insurance_failed")
        return {"ok": False, "reason": "账户已冻结", "passthrough": {}} if refuses else self.bureau

    def credentials(self, space: str = "default", vendor: str = "wechatpay") -> dict[str, Any]:
        with entered(self.app, space):
            held = accounts.account(vendor)
            db.session.commit()
            return held

    def switch(self, name: str, value: str) -> None:
        with self.app.app_context():
            switches.put(f"wechatpay.{name}", value)
            db.session.commit()

    def plan(self, target: str, outcome: str, **more: Any) -> None:
        with self.app.app_context():
            outcomes.plan(f"wechatpay.{target}", outcome, **more)
            db.session.commit()

    def advance(self, **how_long: float) -> None:
        """Move business time; timers that fall due meanwhile run."""
        from datetime import timedelta

        with self.app.app_context():
            space = db.session.get(Space, "default")
            assert space
            space.offset_ms += round(timedelta(**how_long).total_seconds() * 1000)
            db.session.commit()
            timers.run_due(clock.now())

    def events(self) -> list[tuple[Event, str]]:
        """Every event and the address it goes to."""
        with self.app.app_context():
            rows = db.session.execute(
                select(Event, Delivery.url).join(Delivery, Delivery.event_id == Event.id).order_by(Event.id)
            )
            return [(event, url) for event, url in rows]

    def built(self, event: Event) -> tuple[dict[str, str], bytes]:
        """One attempt as the sender would make it now."""
        credentials = self.credentials(vendor=event.about.get("account", event.vendor))
        headers, body = notify.build(event, credentials, datetime.now(UTC))
        return dict(headers), body


@pytest.fixture
def world(mocks: Flask) -> World:
    if "phone_wechatpay" not in mocks.blueprints:
        from mock_providers.phone.wechatpay import bp

        mocks.register_blueprint(bp, url_prefix="/_mock")
    return World(mocks)


@pytest.fixture
def merchant(world: World, client: FlaskClient) -> Merchant:
    return Merchant(client, world.credentials())


@pytest.fixture
def tap(client: FlaskClient) -> Callable[..., str]:
    """The user taps; what the page hears. Without an outcome it is the planned one, or paid."""

    def tap(call: str, params: dict[str, Any], outcome: str | None = None) -> str:
        said = {"params": params} | ({"outcome": outcome} if outcome else {})
        answer = client.post(f"/_mock/phone/wechatpay/{call}", json=said)
        assert answer.status_code == 200, answer.text
        return answer.json["errMsg"]  # type: ignore[index]

    return tap

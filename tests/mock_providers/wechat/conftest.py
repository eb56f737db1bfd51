"""WeChat as a back end and a phone see it: one space, a clock that stands still, no network."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from mock_providers import accounts, outcomes, spaces, switches, wechat
from mock_providers.db import CHINA, db
from mock_providers.spaces import Space

T0 = datetime(2025, 12, 1, 10, 0, tzinfo=CHINA)


@dataclass
class World:
    """What a test does besides calling WeChat. `space` is sent as X-Yibao-Space unless it is default."""

    app: Flask
    client: FlaskClient
    space: str = "default"

    @cached_property
    def account(self) -> dict[str, Any]:
        return self._held("wechat")

    @cached_property
    def official_account(self) -> dict[str, Any]:
        return self._held("wechat_official_account")

    def _held(self, vendor: str) -> dict[str, Any]:
        with spaces.entered(self.app, self.space):
            found = accounts.account(vendor)
            db.session.commit()
            return found

    def advance(self, seconds: float) -> None:
        with spaces.entered(self.app, self.space):
            row = db.session.scalar(select(Space).where(Space.name == self.space))
            row.frozen_at = (row.frozen_at or T0) + timedelta(seconds=seconds)
            db.session.commit()

    def switch(self, name: str, value: str) -> None:
        with spaces.entered(self.app, self.space):
            switches.put(name, value)
            db.session.commit()

    def plan(self, target: str, outcome: str, **about: Any) -> None:
        with spaces.entered(self.app, self.space):
            outcomes.plan(target, outcome, **about)
            db.session.commit()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = self.client.get(f"/wechat{path}", query_string=query)
        assert answer.status_code == 200
        return answer.get_json(force=True)

    def post(self, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        answer = self.send(path, body, **query)
        assert answer.status_code == 200
        return answer.get_json(force=True)

    def send(self, path: str, body: Any = None, **query: Any) -> TestResponse:
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self.client.post(f"/wechat{path}", query_string=query, **sent)

    def phone(self, action: str, status: int = 200, **body: Any) -> dict[str, Any]:
        headers = {"X-Yibao-Space": self.space} if self.space != "default" else {}
        answer = self.client.post(f"/_mock/phone/wechat/{action}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.get_json(force=True)

    def app_keys(self, **other: Any) -> dict[str, Any]:
        return {"appid": self.account["appid"], "secret": self.account["secret"], **other}

    def token(self) -> str:
        body = self.app_keys(grant_type="client_credential")
        return self.post("/cgi-bin/stable_token", body)["access_token"]

    def session(self, code: str, **other: Any) -> dict[str, Any]:
        query = self.app_keys(js_code=code, grant_type="authorization_code", **other)
        return self.get("/sns/jscode2session", **query)

    def log_in(self, person: str = "P01", **more: Any) -> dict[str, Any]:
        return self.session(self.phone("login", person=person, **more)["code"])


@pytest.fixture
def world(mocks: Flask) -> World:
    if "person_of_openid" not in mocks.extensions:
        wechat.connect(mocks)
    made = World(mocks, mocks.test_client())
    made.advance(0)
    return made

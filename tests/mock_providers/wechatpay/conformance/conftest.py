"""One mock half for all checks of a file, emptied after each: a fresh one per row of a table would be too slow."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app
from mock_providers.control.reset import empty
from mock_providers.settings import Settings
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant


@pytest.fixture(scope="module")
def mocks(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(Settings(data=tmp_path_factory.mktemp("mocks"), background=False))


@pytest.fixture(autouse=True)
def nothing_left_over(mocks: Flask) -> Iterator[None]:
    """Orders, events, outcomes, switches, serial numbers and a moved clock do not outlive a test; keys do."""
    yield
    mocks.extensions["journal"].waiting.clear()
    empty(mocks, "default", "all")


@pytest.fixture
def client(mocks: Flask) -> FlaskClient:
    return mocks.test_client()


@pytest.fixture
def partner(world: World, client: FlaskClient) -> Merchant:
    """The partner (服务商) of the space: it calls for its sub-merchant."""
    return Merchant(client, world.credentials(vendor="wechatpay_partner"))


def refused(answer: Any, status: int, code: str, message: str | None = None) -> dict[str, Any]:
    """The error body, after looking at status, code and, where it is known, the literal message."""
    assert answer.status_code == status, answer.text
    told = answer.json
    assert told["code"] == code, told
    assert told["message"] == (message or told["message"])
    assert answer.content_type.startswith("application/json")
    return told

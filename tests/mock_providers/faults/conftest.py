"""Faults through the control API, on a small vendor, and a network that remembers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app
from mock_providers.settings import Settings
from tests.mock_providers.webhooks.toy import Ear, sender_of


@pytest.fixture
def ear(mocks: Flask) -> Ear:
    """Hears every callback and answers 200; the odd ones as well, with their way as a header."""
    heard = Ear()
    sender = sender_of(mocks)
    sender.post = heard
    sender.rough = lambda url, headers, body, way, seconds: heard(
        url, [*headers, ("Way", f"{way} {seconds:g}")], body
    )
    return heard


@pytest.fixture
def ask(client: FlaskClient) -> Any:
    """One call of the control API; its JSON. `status` is what is expected."""

    def ask(method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        answer = client.open(f"/_mock/{path}", method=method, json=body, query_string=query)
        assert answer.status_code == status, answer.text
        return answer.json

    return ask


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Flask]:
    """The mock half with its sender and journal running."""
    app = create_app(Settings(data=tmp_path))
    yield app
    sender_of(app).stop()
    app.extensions["journal"].stop()


@pytest.fixture
def client_of() -> Callable[[Flask], FlaskClient]:
    return lambda app: app.test_client()

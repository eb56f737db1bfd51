"""The mock half alone, in a directory of its own, with nothing running in the background."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app
from mock_providers.settings import Settings


@pytest.fixture
def mocks(tmp_path: Path) -> Flask:
    return create_app(Settings(data=tmp_path, background=False))


@pytest.fixture
def client(mocks: Flask) -> FlaskClient:
    return mocks.test_client()

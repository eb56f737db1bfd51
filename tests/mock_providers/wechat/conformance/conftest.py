"""A module that says ONE_FOR_ALL has one mock half for all its checks, emptied after each: tables have many rows,
and a fresh half for each would be too slow. Other modules get a fresh one per test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app
from mock_providers.control.reset import empty
from mock_providers.settings import Settings


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Flask]:
    return {"at": tmp_path_factory.mktemp("mocks")}


@pytest.fixture
def mocks(request: pytest.FixtureRequest, tmp_path: Path, shared: dict) -> Iterator[Flask]:
    if not getattr(request.module, "ONE_FOR_ALL", False):
        yield create_app(Settings(data=tmp_path, background=False))
        return
    if "app" not in shared:
        shared["app"] = create_app(Settings(data=shared["at"], background=False))
    yield shared["app"]
    empty(shared["app"], "default", "all")


@pytest.fixture
def client(mocks: Flask) -> FlaskClient:
    return mocks.test_client()

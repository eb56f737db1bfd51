from pathlib import Path

import pytest
from flask import Flask

from mock_providers import create_app
from mock_providers.settings import Settings
from tests.mock_providers.national.conformance.fixtures import Bureau


@pytest.fixture(scope="session")
def protocol_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """One server with the world of the protocol sheet; its checks live in spaces of their own."""
    place: Path = tmp_path_factory.mktemp("protocol")
    return create_app(Settings(data=place, background=False, world="protocol"))


@pytest.fixture
def bureau(protocol_app: Flask) -> Bureau:
    return Bureau(protocol_app, protocol_app.test_client())

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from mock_providers import create_app
from mock_providers.settings import Settings
from tests.mock_providers.webhooks.toy import sender_of


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Flask]:
    """The mock half with its sender and journal running."""
    app = create_app(Settings(data=tmp_path))
    yield app
    sender_of(app).stop()
    app.extensions["journal"].stop()

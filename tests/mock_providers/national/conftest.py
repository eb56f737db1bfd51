import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.mock_providers.national.institution import Institution


@pytest.fixture
def pharmacy(mocks: Flask, client: FlaskClient) -> Institution:
    return Institution(mocks, client)

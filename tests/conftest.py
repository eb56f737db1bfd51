"""What every test may ask for. RSA keys are made once per run: making them is slow and they are not the point."""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import cycle

import pytest


@pytest.fixture(scope="session", autouse=True)
def few_rsa_keys() -> Iterator[None]:
    if find_spec("mock_providers") is None:
        yield
        return
    from mock_providers import keys

    made = cycle([keys._make() for _ in range(6)])
    real, keys.MAKE = keys.MAKE, lambda: next(made)
    yield
    keys.MAKE = real

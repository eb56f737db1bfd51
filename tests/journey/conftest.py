"""Both halves joined without a socket: the phone, the back end, the vendors, and the callbacks between them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from app import InProcess, Simulator, join
from mock_providers.phone.handset import Handset

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = join(tmp_path, BASE, background=False)
    made.mocks.extensions["sender"].transport = InProcess(made)
    yield made
    made.close()


@pytest.fixture
def phone_in(simulator: Simulator) -> Callable[[str], Handset]:
    """A phone in a space; the space is made if it is not there."""

    def make(space: str = "default") -> Handset:
        session = requests.Session()
        session.mount("http://", InProcess(simulator))
        phone = Handset(BASE, session=session)
        if space != "default":
            names = [row["name"] for row in phone.control("GET", "spaces")["items"]]
            if space not in names:
                phone.control("POST", "spaces", {"name": space})
        phone.space = space
        return phone

    return make


@pytest.fixture
def phone(phone_in: Callable[[str], Handset]) -> Handset:
    return phone_in("default")

"""Both halves joined without a socket: the phone, the back end, the vendors, and the callbacks between them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from app import InProcess, Simulator, join
from mock_providers.phone.handset import Handset
from mock_providers.webhooks.transport import Reply

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = join(tmp_path, BASE, background=False)
    made.mocks.extensions["sender"].post = post_to(made)
    yield made
    made.close()


def post_to(app: Simulator) -> Callable[[str, list[tuple[str, str]], bytes], Reply]:
    """What the callback sender posts with, without a socket."""
    session = requests.Session()
    session.mount("http://", InProcess(app))

    def post(url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        response = session.post(url, data=body, headers=dict(headers), allow_redirects=False)
        return Reply(response.status_code, list(response.headers.items()), response.content)

    return post


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

"""What a receiver answered to a callback, and how callbacks are posted."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

Headers = Sequence[tuple[str, str]]


class Reply(NamedTuple):
    """What came back. Without an answer `status` is None and `trouble` says why; `refused` by our own guard."""

    status: int | None
    headers: list[tuple[str, str]]
    body: bytes
    trouble: str = ""
    refused: bool = False


Post = Callable[[str, list[tuple[str, str]], bytes], Reply]

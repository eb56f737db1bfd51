"""A request as a receiver sees it."""

from dataclasses import dataclass, field
from functools import cached_property


class Refused(Exception):
    """The receiver says no."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


class Headers(dict[str, str]):
    """Names in any spelling, as a web framework gives them."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return super().get(name.lower(), default)


@dataclass(frozen=True)
class Heard:
    pairs: tuple[tuple[str, str], ...]
    body: bytes
    query: dict[str, str] = field(default_factory=dict)

    @cached_property
    def headers(self) -> Headers:
        return Headers({name.lower(): value for name, value in self.pairs})

    def header(self, name: str) -> str:
        return self.headers.get(name) or ""

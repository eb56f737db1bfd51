"""The mistakes an explanation can name: what each one is, and what to do about it, in English and in Chinese."""

import tomllib
from importlib.resources import files
from typing import NamedTuple


class Cause(NamedTuple):
    """One mistake."""

    name: str
    says: str
    remedy: str
    remedy_zh: str

    def document(self) -> dict[str, str]:
        return self._asdict()


def _read() -> dict[str, Cause]:
    rows = tomllib.loads(files(__package__).joinpath("causes.toml").read_text("utf-8"))
    return {name: Cause(name, **row) for name, row in rows.items()}


TABLE = _read()

"""What this half needs to know at start. `Settings.from_env` is the only reader of the environment here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Attributes: `data` the directory everything is kept in; `public_url` where clients reach this half;
    `seed` what every minted value grows from; `start` where a new space's clock begins (or `now`);
    `admin_token` guards /_mock when bound beyond loopback; `allowed_hosts` where callbacks may go besides
    loopback; `journal_rows` how many calls, and how many events, a space keeps; `journal_bytes` how much disk
    all spaces take together; `sender_threads` how many callbacks may be on their way
    at once; `world` whose people there are (people.py).
    """

    data: Path = Path("var")
    database_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    seed: int = 1
    start: str = "2025-12-01T10:00:00+08:00"
    admin_token: str = ""
    allowed_hosts: tuple[str, ...] = ()
    journal_rows: int = 20_000
    journal_bytes: int = 256 * 1024 * 1024
    sender_threads: int = 8
    background: bool = True
    world: str = "sample"
    switches: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data / 'mock.sqlite').absolute()}"

    @classmethod
    def from_env(cls, **given: object) -> "Settings":
        """Read MOCK_* variables; arguments win."""
        env = os.environ
        found: dict[str, object] = {
            "data": Path(env.get("YIBAO_DATA", "var")),
            "database_url": env.get("MOCK_DATABASE_URL", ""),
            "public_url": env.get("MOCK_PUBLIC_URL", "http://127.0.0.1:8000"),
            "seed": int(env.get("YIBAO_SEED", "1")),
            "start": env.get("MOCK_START", "2025-12-01T10:00:00+08:00"),
            "admin_token": env.get("YIBAO_ADMIN_TOKEN", ""),
            "world": env.get("MOCK_WORLD", "sample"),
            "journal_rows": int(env.get("MOCK_JOURNAL_ROWS", "20000")),
            "journal_bytes": int(env.get("MOCK_JOURNAL_MIB", "256")) * 1024 * 1024,
            "sender_threads": int(env.get("MOCK_SENDER_THREADS", "8")),
            "allowed_hosts": tuple(filter(None, env.get("MOCK_ALLOWED_HOSTS", "").split(","))),
        }
        if "MOCK_CHECKPOINTS" in env:
            found["switches"] = {"control.checkpoints": env["MOCK_CHECKPOINTS"]}
        return cls(**{**found, **given})  # type: ignore[arg-type]

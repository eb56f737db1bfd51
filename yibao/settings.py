"""What the back end needs to know at start. `Settings.from_env` is the only reader of the environment here."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Accounts = Callable[[str], Mapping[str, Any]]


class UnknownSpace(LookupError):
    """There are no vendor accounts for that space."""


@dataclass(frozen=True)
class Settings:
    """Attributes: `data` where everything is kept; `public_url` where providers can reach us; `accounts` gives
    a space's vendor accounts, `{"wechat": …, "wechatpay": …, "national": …}`; `region` and `policy_version`
    which rules hold; `seed` what business numbers grow from.
    """

    data: Path = Path("var")
    database_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    accounts: Accounts | None = None
    region: str = "hn"
    policy_version: str = ""
    seed: int = 1
    signing_key: str = ""
    cors_origins: tuple[str, ...] = ()
    background: bool = True
    timeout_seconds: float = 10.0

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data / 'yibao.sqlite').absolute()}"

    def vendor(self, space: str, name: str) -> Mapping[str, Any]:
        """One vendor's account in a space. Raises UnknownSpace."""
        if self.accounts is None:
            raise UnknownSpace(space)
        return self.accounts(space)[name]

    @classmethod
    def from_env(cls, **given: object) -> "Settings":
        """Read YIBAO_* variables; arguments win. YIBAO_ACCOUNTS is a JSON file as `yibao credentials` prints."""
        env = os.environ
        found: dict[str, object] = {
            "data": Path(env.get("YIBAO_DATA", "var")),
            "database_url": env.get("YIBAO_DATABASE_URL", ""),
            "public_url": env.get("YIBAO_PUBLIC_URL", "http://127.0.0.1:8000"),
            "region": env.get("YIBAO_REGION", "hn"),
            "policy_version": env.get("YIBAO_POLICY", ""),
            "seed": int(env.get("YIBAO_SEED", "1")),
            "cors_origins": tuple(filter(None, env.get("YIBAO_CORS_ORIGINS", "").split(","))),
        }
        if "YIBAO_ACCOUNTS" in env:
            found["accounts"] = _from_file(Path(env["YIBAO_ACCOUNTS"]))
        return cls(**{**found, **given})  # type: ignore[arg-type]


def _from_file(path: Path) -> Accounts:
    held = json.loads(path.read_text("utf-8"))

    def accounts(space: str) -> Mapping[str, Any]:
        if space != "default":
            raise UnknownSpace(space)
        return held

    return accounts


def signing_key(settings: Settings) -> str:
    """The key of our own tokens: given, or made once and kept in the data directory (mode 0600)."""
    if settings.signing_key:
        return settings.signing_key
    path = settings.data / "token.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()

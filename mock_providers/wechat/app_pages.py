"""Which pages of the mini program are published, and what a code, link or message may say about one."""

import re
from fnmatch import fnmatchcase

from mock_providers import switches
from mock_providers.wechat.door import Refused

ENV_VERSIONS = ("release", "trial", "develop")
OWN = ("index", "face", "family", "letter", "pay", "records")
QUERY = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~%]*")

switches.declare(
    "wechat.published_pages",
    ",".join(f"pages/{name}/index" for name in OWN),
    (),
    kind="choice",
    source="wechat.md §6.1, §6.2",
    why="the published mini program is not on this server: its pages, separated by commas, the first is its home; "
    "`*` stands for any text, a single - for nothing published",
)


def published() -> list[str]:
    """The pages (patterns), home first."""
    names = switches.value("wechat.published_pages").replace(" ", "").split(",")
    return [name for name in names if name not in ("", "-")]


def home() -> str:
    """The page an empty name leads to. Empty if nothing is published."""
    return next((name for name in published() if "*" not in name), "")


def is_published(path: str) -> bool:
    """Whether the published version has this page."""
    return bool(path) and any(fnmatchcase(path, pattern) for pattern in published())


def env_version(given: dict[str, object]) -> str:
    """Which version of the mini program is meant."""
    said = given.get("env_version")
    if said in (None, ""):
        return "release"
    if said not in ENV_VERSIONS:
        raise Refused(40097)
    return str(said)


def query_of(text: str) -> dict[str, str]:
    """The query an app is launched with. WeChat takes it apart and leaves every value encoded as it is."""
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {name: value for name, _, value in pairs}

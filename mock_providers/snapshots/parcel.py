"""A snapshot as one JSON document that may leave the machine: what is secret stays here, and is unpacked elsewhere.

Left out whole: credentials, tokens and codes, and the exact bytes of calls and attempts (signatures, Authorization).
What else is secret by its name becomes `removed-<n>`, the same everywhere it occurs, so that rows still belong
together. Public ids of the space (appid, mchid, our address) become those of the space it is unpacked into.
"""

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from mock_providers.snapshots import cabinet

VERSION = 1
PRIVATE = (
    "account",
    "attempt",
    "call",
    "national_ec_token",
    "national_gateway_nonce",
    "national_login_code",
    "national_login_grant",
    "national_login_token",
    "wechat_code",
    "wechat_id_key",
    "wechat_oauth_grant",
    "wechat_oauth_token",
    "wechat_token",
)
KEYS = {"endpoint": "credentials"}
# Columns whose name does not say what they hold: codes and numbers somebody could still use.
MEANT = {
    ("national_consent", "code"): "auth_code",
    ("national_pay_authorisation", "number"): "auth_no",
    ("national_shown_code", "code"): "qr_code",
    ("shown_code", "code"): "qr_code",
}
SECRET = re.compile(
    r"(?i)(token|secret|session_?key|private_?key|user_?id_?key|password|auth_?no|auth_?code|authorization|"
    r"aes_?key|apiv[23]_?key|qr_?code|(?<!public_)(?<!idempotency_)_key)$"
)
WORD = re.compile(r"^[a-z_0-9]+$")
SHORTEST = 8
Json = dict[str, Any]


class Malformed(Exception):
    """This is not a document `packed` made."""


def packed(folder: Path, private: Iterable[str], ids: Mapping[str, str]) -> Json:
    """The document of a snapshot. `private`: tables of the back end that stay here; `ids`: public ones, by name."""
    left_out = {*PRIVATE, *private}
    files = [path for path in (folder / cabinet.MOCKS, folder / cabinet.BACK_END) if path.exists()]
    held = {path.stem: _read(path) for path in files}
    accounts = _accounts(held["mock"])
    secrets = Secrets()
    for vendor, about in accounts.items():
        secrets.collect(about, vendor)
    for tables in held.values():
        for name, table in tables.items():
            for row in table["rows"]:
                for column, value in zip(table["columns"], row, strict=True):
                    secrets.collect(_parsed(value), MEANT.get((name, column), column))
    parts = {
        half: {
            name: {"columns": table["columns"], "rows": [list(map(secrets.hidden, row)) for row in table["rows"]]}
            for name, table in map(_emptied, tables.items())
            if name not in left_out
        }
        for half, tables in held.items()
    }
    materials = folder / cabinet.MATERIALS
    return {
        "yibao_snapshot": VERSION,
        "about": json.loads((folder / cabinet.ABOUT).read_text()),
        "sample": True,
        "left_out": sorted(name for tables in held.values() for name in tables if name in left_out),
        "secrets_removed": secrets.count,
        "ids": {name: value for name, value in ids.items() if value not in secrets.known},
        "halves": parts,
        "materials": {path.name: _plain(path.read_bytes()) for path in sorted(materials.glob("*"))},
    }


class Secrets:
    """Values that must not leave, each with the word that stands for it."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    @property
    def count(self) -> int:
        return len(set(self.known.values()))

    def collect(self, value: Any, name: str) -> None:
        """Remember what is secret by its name, at any depth."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.collect(inner, str(key))
        elif isinstance(value, list):
            for inner in value:
                self.collect(inner, name)
        elif isinstance(value, str) and len(value) >= SHORTEST and SECRET.search(name):
            word = self.known.setdefault(value, f"removed-{len(self.known) + 1}")
            self.known.setdefault(json.dumps(value)[1:-1], word)  # as it stands inside a JSON column

    def hidden(self, value: Any) -> Any:
        """A value of a row as it may leave."""
        if isinstance(value, bytes):
            return _plain(_replaced(value.decode("latin-1"), self._latin()).encode("latin-1"))
        return _replaced(value, self.known) if isinstance(value, str) else value

    def _latin(self) -> dict[str, str]:
        return {secret: word for secret, word in self.known.items() if secret.isascii()}


def _emptied(item: tuple[str, Json]) -> tuple[str, Json]:
    """A table without the keys of its rows' own, however short they are."""
    name, table = item
    keys = KEYS.get(name)
    if keys not in table["columns"]:
        return item
    place = table["columns"].index(keys)
    rows = [
        [
            json.dumps(dict.fromkeys(_parsed(value), "removed")) if at == place else value
            for at, value in enumerate(row)
        ]
        for row in table["rows"]
    ]
    return name, {**table, "rows": rows}


def _replaced(text: str, words: Mapping[str, str]) -> str:
    """Every word that occurs put in place of its key, the longest first, in one pass."""
    found = _any_of(frozenset(words))
    return found.sub(lambda hit: words[hit[0]], text) if found else text


@lru_cache(maxsize=8)
def _any_of(words: frozenset[str]) -> re.Pattern[str] | None:
    """What finds any of these."""
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))) if words else None


def _parsed(value: Any) -> Any:
    """A column's value, read as JSON where it is some."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _read(file: Path) -> dict[str, Json]:
    with closing(sqlite3.connect(file)) as shelf:
        names = [row[0] for row in shelf.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found = {}
        for name in names:
            rows = shelf.execute(f'SELECT * FROM "{name}"')
            found[name] = {"columns": [column[0] for column in rows.description], "rows": rows.fetchall()}
        return found


def _accounts(tables: dict[str, Json]) -> Json:
    table = tables.get("account", {"columns": [], "rows": []})
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return {row["vendor"]: json.loads(row["secret"]) for row in rows}


def public_ids(accounts: Mapping[str, Any], at: str = "") -> dict[str, str]:
    """What of credentials may be seen by everybody: `wechat.appid` and the like."""
    found: dict[str, str] = {}
    for name, value in accounts.items():
        path = f"{at}{name}"
        if isinstance(value, dict):
            found |= public_ids(value, f"{path}.")
        elif isinstance(value, str) and len(value) >= SHORTEST and "-----" not in value and not SECRET.search(name):
            found[path] = value
    return found


def _plain(value: bytes) -> Json:
    return {"base64": base64.b64encode(value).decode()}


def unpack(document: Any, folder: Path, ids: Mapping[str, str]) -> Json:
    """Write a document's rows into a snapshot's folder, for a space with these public ids; its `about`.

    Raises Malformed.
    """
    try:
        if document["yibao_snapshot"] != VERSION:
            raise Malformed(f"this program reads version {VERSION} of snapshots")
        words = {old: ids[name] for name, old in document["ids"].items() if ids.get(name, old) != old}
        files = {"mock": cabinet.MOCKS, "back_end": cabinet.BACK_END}
        for half, tables in document["halves"].items():
            _write(folder / files[half], tables, words)
        if not (folder / cabinet.MOCKS).exists():
            raise Malformed("the half of the mocks is missing")
        for name, content in document["materials"].items():
            if not re.fullmatch(r"[0-9a-f]{64}\.[a-z0-9]{1,5}", name):
                raise Malformed("a material has a strange name")
            (folder / cabinet.MATERIALS).mkdir(exist_ok=True)
            (folder / cabinet.MATERIALS / name).write_bytes(_stored(content, {}))
        return dict(document["about"])
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error, sqlite3.Error) as error:
        raise Malformed(f"{type(error).__name__}: {error}"[:200]) from error


def _write(file: Path, tables: dict[str, Json], words: Mapping[str, str]) -> None:
    with closing(sqlite3.connect(file)) as shelf:
        for name, table in tables.items():
            columns = table["columns"]
            if not WORD.match(name) or not all(WORD.match(column) for column in columns):
                raise Malformed("a table has a strange name")
            named = ", ".join(f'"{column}"' for column in columns)
            made = named.replace('"id"', '"id" INTEGER PRIMARY KEY', 1)
            shelf.execute(f'CREATE TABLE "{name}" ({made})')
            places = ", ".join("?" * len(columns))
            rows = ([_stored(value, words) for value in row] for row in table["rows"])
            shelf.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
        shelf.commit()


def _stored(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True)
    return _replaced(value, words) if isinstance(value, str) else value

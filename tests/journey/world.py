"""One person in the middle of everything, and a way back to that moment: for tests that throw bad things at it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from app import InProcess, Simulator, join
from mock_providers.phone.handset import Handset
from tests.journey.conftest import BASE, post_to

Json = dict[str, Any]
Rows = dict[str, list[tuple[Any, ...]]]
SHOP = "P46019900008"
REMEMBERED = ("answered", "national_copy")  # the first answer to a key, and what the platform said, outlive a refusal


class Tables:
    """A database looked at from outside the program. `rows()` is quick while nothing changed."""

    def __init__(self, path: Path) -> None:
        self.live = sqlite3.connect(path)
        self.copy = sqlite3.connect(":memory:")
        self.keep()

    def keep(self) -> None:
        """Remember everything as it is now."""
        self.live.backup(self.copy)
        self.kept = self._read()
        self._seen = self._version()

    def restore(self) -> None:
        """Back to what was remembered."""
        if self._version() != self._seen:
            self.copy.backup(self.live)
            self._seen = self._version()

    def changed(self) -> list[str]:
        """The tables that are not as remembered; what may outlive a refusal is not counted."""
        if self._version() == self._seen:
            return []
        now = self._read()
        return [name for name, rows in now.items() if rows != self.kept[name] and name not in REMEMBERED]

    def close(self) -> None:
        self.live.close()
        self.copy.close()

    def _version(self) -> int:
        return int(self.live.execute("PRAGMA data_version").fetchone()[0])

    def _read(self) -> Rows:
        names = [row[0] for row in self.live.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: self.live.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall() for name in names}


@dataclass
class World:
    """`mine` and `theirs`: ids by the name of the path parameter, or by kind. Business time stands still."""

    simulator: Simulator
    phone: Handset
    other: Handset
    tables: Tables
    mine: dict[str, Any]
    theirs: dict[str, Any]

    def close(self) -> None:
        self.tables.close()
        self.simulator.close()


def build(data: Path) -> World:
    """P01 with bindings, letters, a face ticket and settlements in several states; P02 with one of each."""
    simulator = join(data, BASE, background=False)
    simulator.mocks.extensions["sender"].post = post_to(simulator)
    phone, other = _phone(simulator), _phone(simulator)
    phone.control("POST", "clock", {"freeze": True})
    theirs = _life(other, "P02", "P14", "spouse", [("X01", 1)])
    mine = _life(phone, "P01", "P04", None, [("D05", 1), ("D07", 1)])
    mine["bindings"] += [phone.api("POST", "/bindings", {})["id"], phone.start_binding()["id"]]
    return World(simulator, phone, other, Tables(data / "yibao.sqlite"), mine, theirs)


def _phone(simulator: Simulator) -> Handset:
    session = requests.Session()
    session.mount("http://", InProcess(simulator))
    return Handset(BASE, session=session)


def _life(phone: Handset, person: str, relative: str, relation: str | None, items: list[tuple[str, int]]) -> Json:
    phone.log_in(person)
    phone.bind_real_name()
    phone.api("POST", "/credential", {})
    ticket = phone.api("POST", "/face/tickets", {"purpose": "ACTIVATE"})
    phone.pass_face(ticket, "pass")
    bound = phone.prepare_binding(relative, relation)
    phone.submit(bound)
    letter = phone.api("POST", f"/bindings/{_readied(phone)}/letter", {})["id"]
    waiting, cancelled = phone.quote(SHOP, items)["id"], phone.quote(SHOP, items)["id"]
    phone.api("POST", f"/settlements/{cancelled}/cancellation", {})
    settled = phone.buy(SHOP, items)
    assert settled["state"] == "SETTLED"
    phone.log_in(person)  # the clock was moved for the letters
    return {
        "bindings": [bound],
        "letters": [letter],
        "ticket_id": [ticket["id"]],
        "settlement_id": [waiting, cancelled, settled["id"]],
    }


def _readied(phone: Handset) -> str:
    """A draft of P03, who may be bound by anybody, with every paper there and no letter yet."""
    binding_id = phone.start_binding()["id"]
    phone.fill_in(binding_id, "P03", "parent")
    for kind in phone.wanted_materials(binding_id):
        phone.upload(binding_id, kind)
    return str(binding_id)

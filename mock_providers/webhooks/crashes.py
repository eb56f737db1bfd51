"""What a crash cut off, and which callbacks may therefore come twice.

A worker notes which delivery it hands to the wire in a mapped file: that outlives a killed process and costs no
system call. The next start reads there which of the leased ones may have reached their receiver.
"""

import itertools
import mmap
import struct
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update

from mock_providers import clock
from mock_providers.db import db
from mock_providers.webhooks.store import DELIVERY

CUT_OFF = "the server ended while this was on the wire: it is sent again, the receiver may have had it already"
NOTE = struct.Struct("<qq")
NOTES = 65_536  # many times what is ever under way at once
Lease = tuple[int, int]


class FlightBook:
    """The last deliveries handed to the wire, each with the instant of its lease: no two leases share both."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.turns = itertools.count()
        self.page: mmap.mmap | None = None

    def open(self) -> bool:
        """Note from now on; whether the last process did."""
        known = self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.truncate(NOTE.size * NOTES)
        with self.path.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), NOTE.size * NOTES)
        return known

    def noted(self) -> set[Lease]:
        """What was handed to the wire last, by this process or the one before."""
        return set(NOTE.iter_unpack(self.page)) if self.page is not None else set()

    def note(self, id_: int, leased_at_ns: int) -> None:
        """This one leaves now. Never waits."""
        if self.page is not None:
            NOTE.pack_into(self.page, next(self.turns) % NOTES * NOTE.size, id_, leased_at_ns)


def recover(book: FlightBook) -> int:
    """At start: what was leased when the last process ended is due again, and marked if it may have been sent; how
    many were marked. The caller commits.
    """
    known = book.open()
    table: Any = DELIVERY.c
    leased = db.session.execute(select(table.id, table.leased_at_ns).where(table.state == "leased")).all()
    free = update(DELIVERY).where(table.state == "leased")
    noted = book.noted() if leased else set()
    sent = [{"its_id": id_} for id_, at in leased if not known or (id_, at) in noted]
    if sent:
        mark = update(DELIVERY).where(table.id == bindparam("its_id"))
        cut = {"interrupted": table.interrupted + 1, "cut_off_ns": clock.wall_ns(), "reason": CUT_OFF}
        db.session.execute(mark.values(cut), sent)
    db.session.execute(free.values(state="pending", leased_at_ns=None))
    return len(sent)

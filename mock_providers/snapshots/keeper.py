"""Saving a space and putting it back: both halves, its clock, serials, switches, and everything on its way.

A restore is one transaction per half. Which snapshot is being put back is written down first; if the program is
killed before the end, the next start puts it back again from the beginning, so there is the state from before
(nothing was written down) or the saved one, never a mixture.
"""

import inspect
import re
import shutil
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, g
from sqlalchemy import func, select

from mock_providers import clock, spaces
from mock_providers.control.walk import lock
from mock_providers.db import Model, db
from mock_providers.errors import Problem
from mock_providers.retention import alive
from mock_providers.snapshots import cabinet, shelf
from mock_providers.snapshots.cabinet import About, Cabinet
from mock_providers.webhooks.endpoints import IS_OFF
from mock_providers.webhooks.models import Event

WRITTEN_ONCE = ("call", "attempt", "event", "plan_step")
JSON_SHAPES = {"dict": "object", "list": "array"}
OF_THE_PLACE = ("account",)
KEYS_STAYED = "imported: its own keys stayed behind; give it new ones and switch it on"
IN_FLIGHT = "in flight when the snapshot was taken: sent again"


def of(app: Flask, space: str) -> Cabinet:
    return Cabinet(app.config["SETTINGS"].data, space)


def database(app: Flask) -> Path:
    """The file this half is kept in. Raises Problem STATE_CONFLICT if it is not SQLite."""
    with app.app_context():
        url = db.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Problem("STATE_CONFLICT", "snapshots are of SQLite files; this server keeps its rows elsewhere")
    return Path(url.database)


def save(app: Flask, space: str, name: str) -> tuple[About, list[str]]:
    """A new snapshot, and which old ones had to go. Waits for what is in flight. No transaction may be open."""
    place = of(app, space)
    folder = place.folder(name)
    with lock(space), app.extensions["sender"].alone(space):
        app.extensions["journal"].flush()
        if folder.exists():
            raise Problem("STATE_CONFLICT", f"there is a snapshot {name} already; delete it or choose another name")
        made = write(app, space, folder)
        place.grew(made)
        return made, place.bounded()


def write(app: Flask, space: str, folder: Path, automatic: bool = False) -> About:
    """The folder of a snapshot. Reads what is committed and waits for nobody."""
    place, neighbour = of(app, space), app.config["NEIGHBOUR"]
    path = database(app)
    with place.filling(folder) as part:
        hands = clock.wall()
        counts = shelf.copy_out(path, part / cabinet.MOCKS, space, int(hands.timestamp() * 1000))
        if neighbour:
            neighbour.keep(space, part)
        newest, stands = _read(part / cabinet.MOCKS)
        made = About(
            name=folder.name,
            at=clock.shown(stands).isoformat(),
            wall=hands.isoformat(),
            wall_ns=clock.wall_ns(),
            events=counts["event"],
            newest_event=newest,
            automatic=automatic,
        )
        cabinet.describe(part, made)
    return made


def _read(file: Path) -> tuple[int, clock.Hands]:
    connection = sqlite3.connect(file)
    try:
        newest = connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        offset_ms, frozen_ms = connection.execute("SELECT offset_ms, frozen_at FROM hands").fetchone()
    finally:
        connection.close()
    return newest, (offset_ms, clock.instant(frozen_ms))


def events_in(folder: Path) -> int:
    """How many events a snapshot's folder holds."""
    with closing(sqlite3.connect(folder / cabinet.MOCKS)) as connection:
        return connection.execute("SELECT count(*) FROM event").fetchone()[0]


def restore(app: Flask, space: str, folder: Path) -> tuple[About, shelf.Returned]:
    """Put a snapshot back. Waits for what is in flight; no transaction may be open."""
    place = of(app, space)
    with lock(space), app.extensions["sender"].alone(space):
        app.extensions["journal"].flush()
        if not (folder / cabinet.ABOUT).exists():
            raise Problem("NOT_FOUND", f"there is no snapshot {folder.name[:64]!r}")
        place.begin(folder)
        try:
            if cabinet.about(folder).imported:
                rehearse(app, space, folder)
            done = _mocks(app, space, folder)
        except (sqlite3.Error, shelf.Unfit) as error:
            place.end()
            raise Problem("STATE_CONFLICT", f"nothing was changed: the snapshot does not fit: {error}") from error
        one = _neighbour_and_end(app, place, folder)
    return one, done


def rehearse(app: Flask, space: str, folder: Path) -> None:
    """What comes from elsewhere: would both halves take it? Nothing is changed. Raises sqlite3.Error or Unfit."""
    _mocks(app, space, folder, rehearsal=True)
    if neighbour := app.config["NEIGHBOUR"]:
        neighbour.put_back(space, folder, rehearsal=True)


def _neighbour_and_end(app: Flask, place: Cabinet, folder: Path) -> About:
    if neighbour := app.config["NEIGHBOUR"]:
        neighbour.put_back(place.space, folder)
    one = cabinet.about(folder)
    place.went_back(one)
    for path in place.automatic():
        if cabinet.about(path).uid not in place.line() and path != folder:
            shutil.rmtree(path, ignore_errors=True)
    place.end()
    app.extensions["sender"].forgotten()
    return one


def _mocks(app: Flask, space: str, folder: Path, rehearsal: bool = False) -> shelf.Returned:
    wall_ms, imported = int(clock.wall().timestamp() * 1000), cabinet.about(folder).imported

    def finish(live: sqlite3.Connection) -> None:
        marked = (
            "UPDATE delivery SET state = 'pending', leased_at_ns = NULL, reason = ? WHERE space = ? AND state = ?"
        )
        live.execute(marked, (IN_FLIGHT, space, "leased"))
        seed, offset_ms, frozen_at, walking, saved_ms = _hands(live)
        if frozen_at is None or walking:  # it ran: it runs on from the instant it showed
            shown = frozen_at if frozen_at is not None else saved_ms + offset_ms
            offset_ms, frozen_at = shown - wall_ms, None
        if imported:  # ids that grow from the seed were made those of this space
            seed = live.execute("SELECT seed FROM space WHERE name = ?", (space,)).fetchone()[0]
            _without_keys(live, space)
        live.execute(
            "UPDATE space SET seed = ?, offset_ms = ?, frozen_at = ?, walking = 0 WHERE name = ?",
            (seed, offset_ms, frozen_at, space),
        )

    return shelf.copy_in(
        database(app),
        folder / cabinet.MOCKS,
        space,
        untouched=OF_THE_PLACE if imported else (),
        unchanging=() if imported else WRITTEN_ONCE,  # the same id elsewhere is another row
        before_commit=finish,
        rehearsal=rehearsal,
        shapes=_shapes(),
    )


@cache
def _shapes() -> dict[tuple[str, str], str]:
    """Which JSON columns hold objects, and which lists: as their models say."""
    found = {}
    for mapper in Model.registry.mappers:
        table: Any = mapper.local_table
        for name, said in inspect.get_annotations(mapper.class_).items():
            kind = re.search(r"\b(dict|list)\b", str(said))
            if kind and name in table.c:
                found[(str(table.name), name)] = JSON_SHAPES[kind[1]]
    return found


def _hands(live: sqlite3.Connection) -> tuple[int, int, int | None, int, int]:
    """How the clock stood: seed, offset, the instant it stood at, whether it was walked, wall time. Raises Unfit."""
    row = live.execute("SELECT seed, offset_ms, frozen_at, walking, wall_ms FROM shelf.hands").fetchone()
    match row:
        case (int(seed), int(offset_ms), int() | None as frozen_at, int(walking), int(wall_ms)):
            shown = wall_ms + offset_ms if frozen_at is None else frozen_at
            if 0 < shown < shelf.LATEST_MS:
                return seed, offset_ms, frozen_at, walking, wall_ms
    raise shelf.Unfit("hands: this is no clock between 1970 and 2200")


def _without_keys(live: sqlite3.Connection, space: str) -> None:
    """Endpoints that came without their own keys are off until they get new ones; nothing goes there meanwhile."""
    theirs = "SELECT id FROM endpoint WHERE space = ? AND state <> 'removed' AND credentials <> '{}'"
    waiting = f"UPDATE delivery SET state = 'cancelled', next_at = NULL, reason = ? WHERE endpoint_id IN ({theirs}) "
    live.execute(waiting + "AND state IN ('pending', 'held')", (IS_OFF, space))
    off = "UPDATE endpoint SET state = 'off', reason = ?, credentials = '{}' WHERE space = ? AND credentials <> '{}'"
    live.execute(off + " AND state <> 'removed'", (KEYS_STAYED, space))
    live.execute("UPDATE endpoint SET credentials = '{}' WHERE space = ? AND state = 'removed'", (space,))
    for column, kind, nothing in (("types", "array", "[]"), ("options", "object", "{}")):
        odd = f"UPDATE endpoint SET {column} = ? WHERE space = ? AND json_type({column}) <> ?"
        live.execute(odd, (nothing, space, kind))


def finish(app: Flask, neighbours_too: bool) -> None:
    """At start, before anything runs: put back whole what a killed process put back in part."""
    for root in sorted((app.config["SETTINGS"].data / "snapshots").glob("*/restoring")):
        place = of(app, root.parent.name)
        folder = place.begun()
        if folder is None:
            place.end()
            continue
        if not neighbours_too or not app.config["NEIGHBOUR"]:
            _mocks(app, place.space, folder)
        if neighbours_too or not app.config["NEIGHBOUR"]:
            _neighbour_and_end(app, place, folder)


def before_event(app: Flask, space: str, event: int) -> tuple[Path, int] | None:
    """The newest snapshot behind the present state that does not hold the event; how many events are undone.

    Raises Problem NOT_FOUND if there is no such event.
    """
    with spaces.entered(app, space):
        g.write_mode = False
        born = db.session.scalar(select(Event.wall_ns).where(Event.id == event, alive(Event)))
        count = select(func.count()).select_from(Event).where(alive(Event))
        if born is None:
            raise Problem("NOT_FOUND", f"there is no event {event}")
        place = of(app, space)
        line = place.line()
        for path in place.newest_first():
            one = cabinet.about(path)
            own = one.automatic and path.name == str(event)
            if one.uid in line and (own or (one.newest_event < event and one.wall_ns < born)):
                return path, db.session.scalar(count.where(Event.id > one.newest_event)) or 0
    return None


def shown(folder: Path) -> dict[str, Any]:
    one = cabinet.about(folder)
    return {
        "name": one.name,
        "at": one.at,
        "taken": one.wall,
        "events": one.events,
        "bytes": cabinet.size(folder),
        "imported": one.imported,
    }

"""One space's rows of one SQLite database: out into a file of their own, and back in one transaction. Knows no model.

Putting back touches what differs only: rows that came since go, rows that went or changed come again. Ten thousand
events that are still there cost a comparison, not a copy. Where another space has taken an id meanwhile (or the file
comes from elsewhere) every row of the space gets new ids, one shift for all, so that columns called `…_id` still fit.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

BUSY_SECONDS = 30
MAPPED = 1024**3
MANY = 500
LATEST_MS = 7_258_089_600_000
KINDS = {
    "INTEGER": "'integer'",
    "BIGINT": "'integer'",
    "BOOLEAN": "'integer'",
    "FLOAT": "'real', 'integer'",
    "VARCHAR": "'text'",
    "TEXT": "'text'",
    "JSON": "'text'",
    "BLOB": "'blob'",
}
Connection = sqlite3.Connection


class Unfit(Exception):
    """The file does not fit the database."""


class Table(NamedTuple):
    """A table with a `space` column. `links`: columns that hold ids of rows of this database."""

    name: str
    columns: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def has_id(self) -> bool:
        return "id" in self.columns


class Returned(NamedTuple):
    """What putting back did, in rows, and how far ids were shifted."""

    removed: int
    added: int
    shift: int


def tables(connection: Connection, schema: str = "main") -> list[Table]:
    """Every table that has rows of spaces."""
    found = []
    wanted = f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' ORDER BY name"
    for (name,) in connection.execute(wanted).fetchall():
        about = connection.execute(f'PRAGMA {schema}.table_info("{name}")').fetchall()
        columns = tuple(row[1] for row in about)
        links = tuple(row[1] for row in about if row[1].endswith("_id") and row[2] == "INTEGER")
        if "space" in columns:
            found.append(Table(name, columns, links))
    return found


def copy_out(database: Path, file: Path, space: str, wall_ms: int) -> dict[str, int]:
    """Write the space's visible rows to a new file, as they were at one instant; how many of each table.

    Takes no lock: whoever writes goes on, and what is not committed is not seen.
    """
    counts: dict[str, int] = {}
    with closing(sqlite3.connect(file, isolation_level=None, timeout=BUSY_SECONDS)) as shelf:
        for pragma in ("main.page_size = 16384", "main.journal_mode = OFF", "main.synchronous = OFF"):
            shelf.execute(f"PRAGMA {pragma}")
        shelf.execute("ATTACH ? AS live", (str(database),))
        shelf.execute(f"PRAGMA live.mmap_size = {MAPPED}")
        shelf.execute("BEGIN")
        known = tables(shelf, "live")
        marked = "mark" in {table.name for table in known}
        for table in known:
            columns = ", ".join(f'"{name}"' for name in table.columns)
            made = columns.replace('"id"', '"id" INTEGER PRIMARY KEY', 1)
            shelf.execute(f'CREATE TABLE main."{table.name}" ({made})')
            which = "space = :space"
            if marked and table.has_id:
                which += " AND id > coalesce((SELECT up_to FROM live.mark WHERE space = :space AND kind = :kind), 0)"
            wanted = f'INSERT INTO main."{table.name}" SELECT {columns} FROM live."{table.name}" WHERE {which}'
            counts[table.name] = shelf.execute(wanted, {"space": space, "kind": table.name}).rowcount
            if table.has_id and counts[table.name] >= MANY:  # ids without the bytes, to compare them by
                shelf.execute(f'CREATE INDEX main."ids_{table.name}" ON "{table.name}" ("id")')
        if shelf.execute("SELECT 1 FROM live.sqlite_master WHERE name = 'space'").fetchone():
            hands = "SELECT seed, offset_ms, frozen_at, walking, ? AS wall_ms FROM live.space WHERE name = ?"
            shelf.execute(f"CREATE TABLE main.hands AS {hands}", (wall_ms, space))
        shelf.execute("COMMIT")
    return counts


def copy_in(
    database: Path,
    file: Path,
    space: str,
    *,
    untouched: Collection[str] = (),
    unchanging: Collection[str] = (),
    before_commit: Callable[[Connection], None] | None = None,
    rehearsal: bool = False,
    shapes: Mapping[tuple[str, str], str] | None = None,
) -> Returned:
    """Make the space's rows what the file holds, in one transaction; nothing else of the database changes.

    `untouched` tables stay as they are; rows of `unchanging` ones are written once and never again, so their ids are
    compared and not their bytes. `before_commit` may add to the transaction; the file is attached as `shelf`. A
    `rehearsal` looks at every value first and changes nothing; `shapes` says which JSON columns hold an "object" or
    an "array". Raises Unfit or sqlite3.Error, and nothing is changed.
    """
    with _opened(database, file, rehearsal) as live:
        stored = {table.name: table for table in tables(live, "shelf")}
        mine = [table for table in tables(live) if table.name not in untouched]
        if rehearsal:
            for table in mine:
                _examine(live, table, stored.get(table.name), shapes or {})
        shift = _shift(live, [table for table in mine if table.name in stored], space)
        removed = added = 0
        for table in mine:
            held = stored.get(table.name)
            if shift or held is None or not table.has_id:
                removed += live.execute(f'DELETE FROM "{table.name}" WHERE space = ?', (space,)).rowcount
                if held and (table.has_id or not shift):
                    added += _insert(live, table, held, space, shift, "")
            else:
                gone, came = _level(live, table, held, space, table.name in unchanging)
                removed, added = removed + gone, added + came
        if before_commit:
            before_commit(live)
        return Returned(removed, added, shift)


def _examine(live: Connection, table: Table, held: Table | None, shapes: Mapping[tuple[str, str], str]) -> None:
    """Raises Unfit where the file has a value that a column of the database cannot mean."""
    for _, name, declared, needed, *_ in live.execute(f'PRAGMA main.table_info("{table.name}")').fetchall():
        if held is None or name not in held.columns:
            continue
        kind = declared.partition("(")[0]
        here = f'"{name}" IS NOT NULL AND '
        wrong = [here + f"""typeof("{name}") NOT IN ({KINDS.get(kind, "'integer', 'real', 'text', 'blob'")})"""]
        if kind == "JSON":
            wrong.append(here + f'NOT json_valid("{name}")')
            if shape := shapes.get((table.name, name)):
                known = f'CASE WHEN json_valid("{name}") THEN json_type("{name}") END'
                wrong.append(f"{here}{known} NOT IN ('null', '{shape}')")
        elif kind == "BIGINT" and not name.endswith("_ns"):  # milliseconds since 1970
            wrong.append(here + f'abs("{name}") > {LATEST_MS}')
        elif name == "id":
            wrong.append('"id" < 1')
        if needed:
            wrong.append(f'"{name}" IS NULL')
        if live.execute(f'SELECT 1 FROM shelf."{table.name}" WHERE {" OR ".join(wrong)} LIMIT 1').fetchone():
            raise Unfit(f"{table.name}.{name} holds what is no {declared}")


@contextmanager
def _opened(database: Path, file: Path, rehearsal: bool) -> Iterator[Connection]:
    """A transaction on the database with the file beside it. Foreign keys rest: a row that is put anew keeps its
    children, and the whole that is put back was consistent.
    """
    with closing(sqlite3.connect(database, isolation_level=None, timeout=BUSY_SECONDS)) as live:
        live.execute("PRAGMA foreign_keys = OFF")
        live.execute("PRAGMA synchronous = NORMAL")
        live.execute("PRAGMA temp_store = MEMORY")
        live.execute("ATTACH ? AS shelf", (str(file),))
        for schema in ("main", "shelf"):
            live.execute(f"PRAGMA {schema}.mmap_size = {MAPPED}")
        live.execute("BEGIN IMMEDIATE")
        try:
            yield live
            live.execute("ROLLBACK" if rehearsal else "COMMIT")
        except BaseException:
            live.execute("ROLLBACK")
            raise


def _shift(live: Connection, mine: list[Table], space: str) -> int:
    """0 if every row can have its own id; else what to add to all of them."""
    for table in mine:
        if not table.has_id:
            continue
        away = (
            f'SELECT 1 FROM main."{table.name}" WHERE id IN (SELECT id FROM shelf."{table.name}" EXCEPT '
            f'SELECT id FROM main."{table.name}" WHERE space = ?) LIMIT 1'
        )
        if live.execute(away, (space,)).fetchone():
            return _highest(live)
    return 0


def _highest(live: Connection) -> int:
    names = [table.name for table in tables(live) if table.has_id]
    ids = [live.execute(f'SELECT max(id) FROM main."{name}"').fetchone()[0] or 0 for name in names]
    if live.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        ids += [row[0] for row in live.execute("SELECT seq FROM main.sqlite_sequence")]
    return max(ids, default=0)


def _level(live: Connection, table: Table, held: Table, space: str, unchanging: bool) -> tuple[int, int]:
    """Remove what is not in the file or not as in the file, add what is missing then."""
    name = table.name
    extra = f'DELETE FROM main."{name}" WHERE space = ? AND id NOT IN (SELECT id FROM shelf."{name}")'
    removed = live.execute(extra, (space,)).rowcount
    both = [column for column in table.columns if column in held.columns and column not in ("id", "space")]
    if not unchanging and both:
        same = " AND ".join(f'm."{column}" IS s."{column}"' for column in both)
        other = (
            f'DELETE FROM main."{name}" WHERE id IN (SELECT s.id FROM shelf."{name}" s '
            f'JOIN main."{name}" m ON m.id = s.id WHERE NOT ({same}))'
        )
        removed += live.execute(other).rowcount
    missing = f'WHERE id NOT IN (SELECT id FROM main."{name}" WHERE space = :space)'
    return removed, _insert(live, table, held, space, 0, missing)


def _insert(live: Connection, table: Table, held: Table, space: str, shift: int, which: str) -> int:
    names = [column for column in table.columns if column in held.columns]
    moved = {"id", *table.links} if shift else set()
    values = [
        ":space" if column == "space" else f'"{column}" + :shift' if column in moved else f'"{column}"'
        for column in names
    ]
    columns = ", ".join(f'"{column}"' for column in names)
    wanted = (
        f'INSERT INTO main."{table.name}" ({columns}) SELECT {", ".join(values)} FROM shelf."{table.name}" {which}'
    )
    return live.execute(wanted, {"space": space, "shift": shift}).rowcount

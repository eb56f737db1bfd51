"""Where snapshots lie, how many, and in which order they came: data/snapshots/<space>/<name>/. Knows files only.

A folder appears whole or not at all: it is written under another name and renamed. `line.json` names the snapshots
the space's present state grew from, oldest first; a rewind looks at no others.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
KEPT_AT_MOST = 20
BYTES_AT_MOST = 1024**3
MOCKS, BACK_END, MATERIALS, ABOUT = "mock.sqlite", "back_end.sqlite", "materials", "about.json"
EVENTS = ".events"


@dataclass(frozen=True)
class About:
    """What is known of a snapshot without opening it. `newest_event`: the last event it holds, 0 if none."""

    name: str
    at: str
    wall: str
    wall_ns: int
    events: int
    newest_event: int
    imported: bool = False
    automatic: bool = False

    @property
    def uid(self) -> str:
        return f"{self.name}@{self.wall_ns}"


class Cabinet:
    """The snapshots of one space."""

    def __init__(self, data: Path, space: str) -> None:
        self.space = space
        self.root = data / "snapshots" / space

    def folder(self, name: str) -> Path:
        return self.root / name

    def event_folder(self, event: int) -> Path:
        return self.root / EVENTS / str(event)

    def named(self) -> list[Path]:
        """Those somebody saved, oldest first."""
        return self._folders(self.root)

    def automatic(self) -> list[Path]:
        """Those taken before events, oldest first."""
        return self._folders(self.root / EVENTS)

    def newest_first(self) -> list[Path]:
        """All of them."""
        return sorted((*self.named(), *self.automatic()), key=lambda path: about(path).wall_ns, reverse=True)

    def _folders(self, root: Path) -> list[Path]:
        found = [path for path in root.glob("*") if not path.name.startswith(".") and (path / ABOUT).exists()]
        return sorted(found, key=lambda path: about(path).wall_ns)

    @contextmanager
    def filling(self, folder: Path) -> Iterator[Path]:
        """A place to write what becomes the folder once all of it is there."""
        part = folder.parent / f".{folder.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        try:
            yield part
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def bounded(self) -> list[str]:
        """Drop the oldest beyond what is kept, never the newest; which."""
        every = self.named()
        sizes = {path: size(path) for path in every}
        dropped = []
        while len(every) > 1 and (len(every) > KEPT_AT_MOST or sum(map(sizes.__getitem__, every)) > BYTES_AT_MOST):
            shutil.rmtree(every[0])
            dropped.append(every.pop(0).name)
        return dropped

    def keep_events(self, most: int) -> None:
        """Drop all but the newest automatic ones."""
        every = self.automatic()
        for old in every[: max(0, len(every) - most)]:
            shutil.rmtree(old, ignore_errors=True)

    # Which snapshots lie behind the present state

    def line(self) -> list[str]:
        path = self.root / "line.json"
        return json.loads(path.read_text()) if path.exists() else []

    def grew(self, one: About) -> None:
        """The space goes on from here: it was saved just now."""
        there = {about(path).uid for path in (*self.named(), *self.automatic())}
        self._put("line.json", [*(uid for uid in self.line() if uid in there), one.uid])

    def went_back(self, one: About) -> None:
        """The space goes on from that one: what was saved after it is another branch."""
        line = self.line()
        self._put("line.json", line[: line.index(one.uid) + 1] if one.uid in line else [one.uid])

    # A restore under way

    @property
    def unfinished(self) -> Path:
        return self.root / "restoring"

    def begin(self, folder: Path) -> None:
        self._put("restoring", str(folder.relative_to(self.root)))

    def end(self) -> None:
        self.unfinished.unlink(missing_ok=True)

    def begun(self) -> Path | None:
        """The snapshot a restore of which did not come to its end."""
        if not self.unfinished.exists():
            return None
        folder = self.root / json.loads(self.unfinished.read_text())
        return folder if (folder / ABOUT).exists() else None

    def _put(self, name: str, what: Any) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.root / f".{name}.part"
        part.write_text(json.dumps(what))
        part.replace(self.root / name)


def about(folder: Path) -> About:
    return About(**json.loads((folder / ABOUT).read_text()))


def describe(folder: Path, one: About) -> None:
    (folder / ABOUT).write_text(json.dumps(asdict(one)))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

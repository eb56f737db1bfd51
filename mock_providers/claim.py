"""One server per data directory: a second one would send the first one's callbacks again."""

import sys
from pathlib import Path
from typing import IO


class Taken(OSError):
    """Another server uses this data directory."""


def claim(data: Path) -> IO[str]:
    """Hold the directory while the answer stays open; the system lets go of it however the process ends.

    Raises Taken.
    """
    data.mkdir(parents=True, exist_ok=True)
    held = (data / "server.lock").open("a+")
    try:
        if sys.platform == "win32":
            import msvcrt

            held.seek(0)
            msvcrt.locking(held.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise Taken(f"another server uses {data}; choose another directory with --data, or stop it") from error
    return held

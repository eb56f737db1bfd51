"""A server that is there to be killed: the vendors behind a port, its address on standard output."""

import sys
from pathlib import Path
from threading import Event

from tests.served import served

if __name__ == "__main__":
    with served(Path(sys.argv[1]), background=False) as app:
        print(app.config["SETTINGS"].public_url, flush=True)
        Event().wait()

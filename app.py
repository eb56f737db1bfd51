"""The composition root: the only file that knows both halves.

It joins the back end (`yibao`) and the outside world (`mock_providers`) under one WSGI callable, hands the back end
a transport that reaches the mocks in process, and starts the server. `yibao up` and `python app.py` both begin here.
"""

import gc
import io
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

Environ = dict[str, Any]
OF_THE_MOCKS = ("seed", "start", "admin_token", "sender_threads")
PASSWORD_FREE = ("127.0.0.1", "::1", "localhost")


class InProcess:
    """A requests transport that answers from a WSGI app: no socket, so a small thread pool cannot wait on itself."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app

    def send(self, request: Any, **_: Any) -> Any:
        """Answer a prepared request. The target stays exactly as it would go over the wire."""
        from urllib.parse import unquote_to_bytes, urlsplit

        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPResponse

        parts = urlsplit(request.url)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        environ: Environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
            "QUERY_STRING": parts.query,
            "REQUEST_URI": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            "SERVER_NAME": parts.hostname or "",
            "SERVER_PORT": str(parts.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": parts.netloc,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_LENGTH", "HOST"):
                environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = (
                    value if isinstance(value, str) else value.decode("latin-1")
                )
        started: list[Any] = []
        chunks = self.app(environ, lambda status, headers, exc=None: started.extend((status, headers)))
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        raw = HTTPResponse(
            io.BytesIO(content), started[1], int(started[0].split()[0]), preload_content=False, decode_content=False
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is held open."""


class BackEnd:
    """The back end as the mocks' neighbour: it shares their clock, shows its audit, and can be emptied."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self.accounts: dict[str, Any] = {}

    def next_due(self, space: str) -> datetime | None:
        """When the back end's next task in a space is due."""
        from flask import g

        from yibao import spaces, tasks
        from yibao.db import db

        with spaces.entered(self._app(), space):
            g.write_mode = False
            due = tasks.next_due()
            db.session.rollback()
            return due

    def run_due(self, space: str, now: datetime) -> list[dict[str, Any]]:
        """Do what is due there by `now`; say what was done."""
        return self._app().extensions["ticker"].run(space, now)

    def timeline(self, space: str, after_ns: int, limit: int) -> Sequence[dict[str, Any]]:
        """The back end's transitions and alarms after an instant of wall time."""
        from flask import g

        from yibao import audit, spaces

        with spaces.entered(self._app(), space):
            g.write_mode = False
            return audit.entries(after_ns, limit)

    def forget(self, space: str, level: str) -> dict[str, int]:
        """Empty a space (`state` or `all`; other levels keep it); say how many rows went."""
        from yibao import db, spaces

        self.accounts.pop(space, None)
        if level not in ("state", "all"):
            return {}
        spaces.unlearn(self._app(), space)
        shutil.rmtree(self._materials(space), ignore_errors=True)
        with spaces.entered(self._app(), space):
            return db.forget(space)

    def keep(self, space: str, folder: Path) -> None:
        """Write a space's rows and materials into a snapshot's folder."""
        from mock_providers.snapshots import cabinet, shelf

        shelf.copy_out(self._database(), folder / cabinet.BACK_END, space, 0)
        materials = self._materials(space)
        if materials.exists():
            shutil.copytree(materials, folder / cabinet.MATERIALS)

    def put_back(self, space: str, folder: Path, rehearsal: bool = False) -> None:
        """Make a space what a snapshot's folder holds, in one transaction. Materials are named by their content.

        A `rehearsal` changes nothing and raises what is in the way.
        """
        from mock_providers.snapshots import cabinet, shelf
        from yibao import spaces

        stored = folder / cabinet.BACK_END
        written_once = () if cabinet.about(folder).imported else ("audit_entry",)
        if rehearsal:
            if stored.exists():
                shelf.copy_in(self._database(), stored, space, unchanging=written_once, rehearsal=True)
            return
        self.accounts.pop(space, None)
        spaces.unlearn(self._app(), space)
        if (folder / cabinet.MATERIALS).exists():
            shutil.copytree(folder / cabinet.MATERIALS, self._materials(space), dirs_exist_ok=True)
        if stored.exists():
            shelf.copy_in(self._database(), stored, space, unchanging=written_once)

    def private_tables(self) -> tuple[str, ...]:
        """What is never exported: who is logged in, and answers that may say so."""
        return ("answered", "national_login", "session")

    def _materials(self, space: str) -> Path:
        return Path(self._app().config["SETTINGS"].data) / "materials" / space

    def _database(self) -> Path:
        from yibao.db import db

        with self._app().app_context():
            return Path(db.engine.url.database or "")

    def _app(self) -> "Flask":
        assert self.app is not None, "the halves are not joined yet"
        return self.app


@dataclass
class Simulator:
    """Both halves behind one WSGI callable."""

    back_end: "Flask"
    mocks: "Flask"

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Vendor mounts, vendor host names, /_mock and the start page go to the mocks; the rest to the back end."""
        from mock_providers import HOSTS, MOUNTS

        path: str = environ["PATH_INFO"]
        if path.startswith("/s/"):
            path = "/" + path.split("/", 3)[-1] if path.count("/") > 2 else path
        host = environ.get("HTTP_HOST", "").partition(":")[0].lower()
        theirs = path in ("/", "/metrics") or path.split("/", 2)[1] in MOUNTS or host in HOSTS
        return (self.mocks if theirs else self.back_end).wsgi_app(environ, start_response)

    def close(self) -> None:
        """Stop the background work of both halves; what is undelivered stays stored."""
        self.back_end.extensions["ticker"].stop()
        self.mocks.extensions["sender"].stop()
        self.mocks.extensions["journal"].stop()


def join(data: Path, public_url: str, background: bool = True, **options: Any) -> Simulator:
    """Build both halves on one data directory. `options`: OF_THE_MOCKS, policy_version, region."""
    import mock_providers
    import yibao
    from mock_providers import clock
    from mock_providers import spaces as mock_spaces
    from mock_providers.accounts import every
    from mock_providers.settings import Settings as MockSettings
    from mock_providers.snapshots import keeper
    from yibao.settings import Settings, UnknownSpace

    def pick(*names: str) -> dict[str, Any]:
        return {name: options[name] for name in names if options.get(name) not in (None, "")}

    neighbour = BackEnd()
    mocks = mock_providers.create_app(
        MockSettings.from_env(data=data, public_url=public_url, background=background, **pick(*OF_THE_MOCKS)),
        neighbour,
    )

    def accounts(space: str) -> Any:
        found = neighbour.accounts.get(space)
        if found is None:
            with mock_spaces.entered(mocks, space):
                found = every(space)
            if found is None:
                raise UnknownSpace(space)
            neighbour.accounts[space] = found
        return found

    def now(space: str) -> datetime:
        from flask import g

        held = g.setdefault("hands", {})  # the back end's: how a clock stands is read once per request or task
        if space not in held:
            with mock_spaces.entered(mocks, space):
                g.write_mode = False
                held[space] = clock.hands(space)
        return clock.shown(held[space])

    neighbour.app = yibao.create_app(
        Settings.from_env(
            data=data,
            public_url=public_url,
            background=False,
            accounts=accounts,
            **pick("seed", "region", "policy_version"),
        ),
        InProcess(mocks.wsgi_app),
        now,
    )
    keeper.finish(mocks, neighbours_too=True)
    if background:
        neighbour.app.extensions["ticker"].start()
    return Simulator(neighbour.app, mocks)


def serve(host: str, port: int, data: Path, **options: Any) -> None:
    """Listen, build, say so on standard output, and serve until SIGTERM or Ctrl-C."""
    from sqlalchemy.exc import SQLAlchemyError

    from mock_providers.claim import claim
    from mock_providers.listen import listen

    server = listen(host, port)
    held = claim(data)
    address = f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}"
    gc.disable()  # nothing that start-up makes is garbage
    try:
        simulator = server.application = join(data, address, **options)
    except SQLAlchemyError as error:
        raise RuntimeError(f"the database in {data} cannot be used: {error}. Try `yibao doctor`.") from error
    gc.freeze()
    gc.enable()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print(f"yibao ready on {address}", flush=True)
    try:
        server.run()
    finally:
        simulator.close()
        server.task_dispatcher.shutdown(timeout=2)
        held.close()


class Commands(click.Group):
    """`yibao <noun> <verb>`: commands of the control API and the walk are imported when one is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *self._others()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return super().get_command(context, name) or self._others().get(name)

    def _others(self) -> dict[str, click.Command]:
        from mock_providers.control.commands import COMMANDS
        from mock_providers.control.doctor import doctor
        from mock_providers.phone.walk import walk
        from mock_providers.till import till

        return {**COMMANDS, "doctor": doctor, "till": till, "walk": walk}


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(package_name="yibao")
@click.pass_context
def main(context: click.Context) -> None:
    """海南医保 back end and the outside world it talks to, on this machine. Without a command: `up`."""
    if context.invoked_subcommand is None:
        context.invoke(up)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond loopback YIBAO_ADMIN_TOKEN is demanded.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option("--data", default="var", show_default=True, envvar="YIBAO_DATA", type=click.Path(path_type=Path))
@click.option("--ephemeral", is_flag=True, help="Keep nothing: use a directory that goes away at the end.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 1))
@click.option("--seed", type=int, help="What every made-up value grows from (default 1).")
def up(host: str, port: int, data: Path, ephemeral: bool, workers: int, seed: int | None) -> None:
    """Start both halves on one address. Example: yibao up --port 8010 --data /tmp/try"""
    token = os.environ.get("YIBAO_ADMIN_TOKEN", "")
    if host not in PASSWORD_FREE and not token:
        raise click.UsageError("binding beyond loopback demands an admin token: set YIBAO_ADMIN_TOKEN")
    try:
        with suppress(KeyboardInterrupt):
            if ephemeral:
                with tempfile.TemporaryDirectory(prefix="yibao-", ignore_cleanup_errors=True) as place:
                    serve(host, port, Path(place), seed=seed)
            else:
                serve(host, port, data, seed=seed)
    except OSError as error:
        words = f"{host}:{port} with {data}: {error}. Try `yibao doctor`, `yibao up --port N` or `--data DIR`."
        raise click.ClickException(f"cannot start on {words}") from error
    except (ValueError, RuntimeError) as error:
        raise click.ClickException(f"cannot start: {error}") from error


if __name__ == "__main__":
    main(prog_name="yibao")

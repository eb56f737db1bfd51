"""`python -m mock_providers`: this half alone, in front of anybody's back end."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main(arguments: list[str] | None = None) -> int:
    """Listen, say so on standard output, serve until stopped. 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m mock_providers", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 picks a free one")
    parser.add_argument("--data", type=Path, default=None, help="directory everything is kept in (var)")
    parser.add_argument("--ephemeral", action="store_true", help="keep nothing")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--threads", type=int, default=32)
    given = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="mock-") as nothing_kept:
        data = Path(nothing_kept) if given.ephemeral else given.data
        return _serve(given, {"data": data, "seed": given.seed})


def _serve(given: argparse.Namespace, chosen: dict[str, object]) -> int:
    from mock_providers import create_app
    from mock_providers.claim import claim
    from mock_providers.listen import listen
    from mock_providers.settings import Settings

    settings = Settings.from_env(**{key: value for key, value in chosen.items() if value is not None})
    if given.host not in LOOPBACK and not settings.admin_token:
        click.echo("binding beyond loopback needs an admin token: set YIBAO_ADMIN_TOKEN", err=True)
        return 2
    server = listen(given.host, given.port, given.threads)
    if settings.public_url == Settings.public_url:
        settings = replace(settings, public_url=f"http://{given.host}:{server.effective_port}")
    held = claim(settings.data)
    app = server.application = create_app(settings)
    click.echo(f"mock_providers ready on http://{given.host}:{server.effective_port}")
    try:
        server.run()
    finally:
        app.extensions["sender"].stop()
        app.extensions["journal"].stop()
        held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

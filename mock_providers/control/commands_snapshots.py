"""`yibao snapshot`, `yibao event rewind`: a space as it was, and back to it."""

import json
from typing import Any, TextIO

import click

from mock_providers.control.shell import Client, group, lister, talks

snapshot = group("snapshot", "This space as it was at one moment, both halves of it, and back to it.")
lister(snapshot, "snapshots", ("name", "at", "events", "bytes"))


@snapshot.command("save")
@click.argument("name")
@talks
def save(client: Client, name: str) -> None:
    """Save the space under NAME. Example: yibao snapshot save before-payment"""
    client.show(client.ask("POST", "snapshots", {"name": name}))


@snapshot.command("restore")
@click.argument("name")
@talks
def restore(client: Client, name: str) -> None:
    """Put the space back as it was; other spaces go on untouched. Example: yibao snapshot restore before-payment"""
    client.show(client.ask("POST", f"snapshots/{name}/restore", {}))


@snapshot.command("delete")
@click.argument("name")
@talks
def delete(client: Client, name: str) -> None:
    """Forget one. Example: yibao snapshot delete before-payment"""
    client.show(client.ask("DELETE", "snapshots", name=name))


@snapshot.command("export")
@click.argument("name")
@click.option("--to", "file", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="- is here")
@talks
def export(client: Client, name: str, file: TextIO) -> None:
    """One JSON file without keys, secrets and tokens. Example: yibao snapshot export half --to half.json"""
    json.dump(client.ask("GET", f"snapshots/{name}/export"), file, ensure_ascii=False)
    file.write("\n")


@snapshot.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--name", help="another name than it had")
@talks
def take_in(client: Client, file: TextIO, name: str | None) -> None:
    """Keep an exported FILE as a snapshot of this space; then `yibao snapshot restore NAME`.

    Example: yibao snapshot import half.json --name half
    """
    try:
        body: dict[str, Any] = {"snapshot": json.load(file)}
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{file.name} is not JSON: {error}") from error
    client.show(client.ask("POST", "snapshots/import", {**body, **({"name": name} if name else {})}))


@click.command("rewind")
@click.argument("id", type=click.IntRange(1))
@talks
def rewind(client: Client, id: int) -> None:
    """Put the space back to before event ID: to its checkpoint, else to the newest snapshot older than it.

    Example: yibao event rewind 12 (checkpoints: yibao deviation set control.checkpoints=20)
    """
    client.show(client.ask("POST", f"events/{id}/rewind", {}))


COMMANDS = (snapshot,)

"""`yibao clock | event | delivery | attempt | wait`: time, and what it brings to the app under test."""

import json

import click

from mock_providers.control.shell import Client, Json, doer, group, lister, shower, talks

clock = group("clock", "Business time of this space: show, set, advance, freeze, resume.")


@clock.command("show")
@talks
def show_clock(client: Client) -> None:
    """What time it is in this space."""
    client.show(client.ask("GET", "clock"))


def move(client: Client, body: Json) -> None:
    answer = client.ask("POST", "clock", body)
    if client.as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    click.echo(answer["now"])
    for fired in answer["fired"]:
        click.echo("  fired", json.dumps(fired, ensure_ascii=False))


@clock.command("set")
@click.argument("to")
@talks
def set_clock(client: Client, to: str) -> None:
    """Set it to an RFC 3339 instant."""
    move(client, {"set": to})


@clock.command("advance")
@click.argument("how_long", required=False)
@click.option("--to", type=click.Choice(["next"]), help="to the next thing that is due")
@talks
def advance_clock(client: Client, how_long: str | None, to: str | None) -> None:
    """Move it on (`90s`, `2h`, `1d`), or `--to next`; whatever falls due has happened when this returns."""
    if (how_long is None) == (to is None):
        raise click.UsageError("say how long, or --to next")
    move(client, {"to": to} if to else {"advance": how_long})


@clock.command("freeze")
@talks
def freeze_clock(client: Client) -> None:
    """Stop it."""
    move(client, {"freeze": True})


@clock.command("resume")
@talks
def resume_clock(client: Client) -> None:
    """Let it run again."""
    move(client, {"resume": True})


event = group("event", "What happened at the vendors and is told by callback.")
lister(event, "events", ("id", "created_at", "vendor", "type", "ref"), "vendor", "type", "ref")
shower(event, "events", "One event with its plaintext and deliveries.")


@event.command("resend")
@click.argument("id")
@click.option("--to", help="another address")
@click.option("--signature", type=click.Choice(["fresh", "stale", "wrong_key"]), default="fresh", show_default=True)
@talks
def resend(client: Client, id: str, to: str | None, signature: str) -> None:
    """Send it again."""
    client.show(client.ask("POST", f"events/{id}/resend", {"signature": signature} | ({"to": to} if to else {})))


delivery = group("delivery", "Events on their way to an address.")
lister(delivery, "deliveries", ("id", "state", "tries", "next_at", "url", "reason"), "state", "vendor", "ref")
shower(delivery, "deliveries", "One delivery with its attempts.")
for verb, text in (
    ("hold", "Keep it back."),
    ("release", "Let a held one go."),
    ("send-now", "Try it now, whatever the ladder says."),
    ("cancel", "Never send it."),
):
    doer(delivery, verb, "deliveries", text)

attempt = group("attempt", "Single tries with their exact bytes.")
lister(attempt, "attempts", ("id", "at", "url", "status", "accepted", "ms", "reason"), "delivery")
shower(attempt, "attempts", "One try: request and response, base64.")


@click.command()
@click.option("--event", "type", help="event type, e.g. TRANSACTION.SUCCESS")
@click.option("--ref", help="business number")
@click.option("--delivered", is_flag=True)
@click.option("--within", default="5s", show_default=True)
@talks
def wait(client: Client, type: str | None, ref: str | None, delivered: bool, within: str) -> None:
    """Block until an event is there (and delivered); ends with 4 if it is not."""
    told = "true" if delivered else None
    client.show(client.ask("GET", "wait", event=type, ref=ref, delivered=told, within=within))


COMMANDS = (clock, event, delivery, attempt, wait)

"""`yibao <noun> <verb>`: the control API on the command line, the same words as the paths under /_mock.

Every command takes `--json` (one object a line for lists), `--base` and `--space`. Exit codes: 0 fine, 1 a check
failed or the server refused, 2 wrong use, 3 the server is not reachable, 4 waited too long.
"""

import json
import sys
from typing import Any

import click

from mock_providers.control import (
    commands_callbacks,
    commands_endpoints,
    commands_explain,
    commands_faults,
    commands_snapshots,
)
from mock_providers.control.shell import Client, group, lister, pairs, shower, talks

POLL_SECONDS = 0.5

people = group("people", "The invented people: who they are, what they own.")
lister(people, "people", ("id", "name", "id_number", "phone", "relation"))
shower(people, "people", "One person with balances, insurance and relations. Example: yibao people show P01")


@people.command("set")
@click.argument("id")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@talks
def set_person(client: Client, id: str, changes: tuple[str, ...]) -> None:
    """Change what the bureau knows of a person. Example: yibao people set P02 balance_fen=1000"""
    client.show(client.ask("POST", f"people/{id}", pairs(changes)))


@people.command("messages")
@click.argument("id")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@talks
def messages(client: Client, id: str, limit: int) -> None:
    """The subscribe messages a person's WeChat shows. Example: yibao people messages P01"""
    rows = client.pages(f"people/{id}/messages", limit)
    client.rows(
        (
            row if client.as_json else {**row, "text": "; ".join(f"{x['label']} {x['value']}" for x in row["lines"])}
            for row in rows
        ),
        "at",
        "title",
        "text",
    )


push = group("push", "Where WeChat pushes an app's messages and events (消息推送).")
APP = click.option("--app", type=click.Choice(["mini_program", "official_account"]), default="mini_program")


@push.command("show")
@talks
def show_push(client: Client) -> None:
    """The address of each app. Example: yibao push show"""
    client.rows(client.ask("GET", "push")["items"], "app", "mode", "format", "url")


@push.command("set")
@click.argument("url")
@click.option("--mode", type=click.Choice(["plaintext", "compatible", "safe"]), default="safe", show_default=True)
@click.option("--format", "form", type=click.Choice(["json", "xml"]), default="json", show_default=True)
@APP
@talks
def set_push(client: Client, url: str, mode: str, form: str, app: str) -> None:
    """Push to URL from now on; it must answer the verification with the raw echostr.

    Example: yibao push set http://127.0.0.1:9000/wechat --mode safe --format xml
    """
    client.show(client.ask("POST", "push", {"url": url, "mode": mode, "format": form, "app": app}))


@push.command("remove")
@APP
@talks
def remove_push(client: Client, app: str) -> None:
    """Push nothing any more. Example: yibao push remove"""
    client.show(client.ask("DELETE", "push", app=app))


@click.command()
@talks
def credentials(client: Client) -> None:
    """Keys and ids of this space, for the app under test (YIBAO_ACCOUNTS reads this very JSON).

    Example: yibao credentials --space mine > accounts.json
    """
    answer = client.ask("GET", "credentials")
    print(json.dumps(answer, ensure_ascii=False, indent=None if client.as_json else 2))


call = group("call", "What the app under test sent.")
lister(call, "calls", ("id", "at", "door", "method", "target", "status", "ms"), "door", "status")
shower(call, "calls", "One call: request and response, base64. Example: yibao call show 12")


@click.command()
@click.option("--follow", is_flag=True, help="go on as things happen, each once it is over")
@click.option("--stable", is_flag=True, help="with the bytes, without what differs from run to run: JSON, to compare")
@click.option("--limit", type=click.IntRange(1), help="so many, the oldest first; all of them unless said")
@talks
def timeline(client: Client, follow: bool, stable: bool, limit: int | None) -> None:
    """Calls, state changes, events and attempts in one order.

    Examples: yibao timeline --follow --json, yibao timeline --stable > monday.jsonl
    """
    import threading

    after: Any = None
    client.as_json = client.as_json or stable
    left = sys.maxsize if limit is None else limit
    asked: dict[str, Any] = {"stable": "true" if stable else None, "over": "true" if follow else None}
    while left > 0:
        page = client.ask("GET", "timeline", after=after, limit=min(left, 500), **asked)
        client.rows(page["items"], "at", "kind", "summary")
        left -= len(page["items"])
        after = page["next"] or page["last"] or after
        if not follow and page["next"] is None:
            return
        if page["next"] is None:
            threading.Event().wait(POLL_SECONDS)


outcome = group("outcome", "Business results of coming calls.")
lister(outcome, "outcomes", ("id", "target", "outcome", "left", "person", "ref"))


@outcome.command("add")
@click.argument("target")
@click.argument("result")
@click.option("--next", "count", type=click.IntRange(1), default=1, show_default=True)
@click.option("--person", default="")
@click.option("--ref", default="")
@talks
def add_outcome(client: Client, target: str, result: str, count: int, person: str, ref: str) -> None:
    """The next calls of TARGET have this RESULT. Example: yibao outcome add wechatpay.refunds not_enough --next 2"""
    body = {"target": target, "outcome": result, "next": count, "person": person, "ref": ref}
    client.show(client.ask("POST", "outcomes", {key: value for key, value in body.items() if value}))


@outcome.command("clear")
@talks
def clear_outcomes(client: Client) -> None:
    """Forget all planned results. Example: yibao outcome clear"""
    client.show(client.ask("DELETE", "outcomes"))


space = group("space", "Worlds of their own for testers.")


@space.command("list")
@talks
def list_spaces(client: Client) -> None:
    """All spaces. Example: yibao space list"""
    client.rows(client.ask("GET", "spaces")["items"], "name", "now", "seed")


@space.command("add")
@click.argument("name")
@click.option("--seed", type=int)
@talks
def add_space(client: Client, name: str, seed: int | None) -> None:
    """Make one. Example: yibao space add mine --seed 7, then --space mine (or YIBAO_SPACE=mine)"""
    client.show(client.ask("POST", "spaces", {"name": name} | ({} if seed is None else {"seed": seed})))


@space.command("remove")
@click.argument("name")
@talks
def remove_space(client: Client, name: str) -> None:
    """Delete one with everything in it. Example: yibao space remove mine"""
    client.show(client.ask("DELETE", f"spaces/{name}"))


@click.command()
@click.option(
    "--level", type=click.Choice(["traffic", "faults", "state", "all"]), default="traffic", show_default=True
)
@talks
def reset(client: Client, level: str) -> None:
    """Begin again (level `traffic` unless said); says what was removed. Example: yibao reset --level all"""
    client.show(client.ask("POST", "reset", {"level": level}))


deviation = group("deviation", "Named relaxations and choices, each with its switch.")


@deviation.command("list")
@talks
def list_deviations(client: Client) -> None:
    """Every switch with its value. Example: yibao deviation list"""
    client.rows(client.ask("GET", "deviations")["items"], "name", "value", "kind", "why")


@deviation.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE…")
@talks
def set_deviation(client: Client, changes: tuple[str, ...]) -> None:
    """Move switches in this space. Example: yibao deviation set "wechatpay.ladder=15s 1m 20x1h" """
    body = {key: value if isinstance(value, str) else json.dumps(value) for key, value in pairs(changes).items()}
    client.show(client.ask("POST", "deviations", body))


commands_callbacks.event.add_command(commands_snapshots.rewind)
COMMANDS: dict[str, click.Command] = {
    str(command.name): command
    for command in (
        *commands_callbacks.COMMANDS,
        *commands_faults.COMMANDS,
        *commands_explain.COMMANDS,
        *commands_snapshots.COMMANDS,
        *commands_endpoints.COMMANDS,
        people,
        push,
        credentials,
        call,
        timeline,
        outcome,
        space,
        reset,
        deviation,
    )
}

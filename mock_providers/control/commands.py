"""`yibao <noun> <verb>`: the control API on the command line, the same words as the paths under /_mock.

Every command takes `--json` (one object a line for lists), `--base` and `--space`. Exit codes: 0 fine, 1 a check
failed or the server refused, 2 wrong use, 3 the server is not reachable, 4 waited too long.
"""

import json
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import click

Json = dict[str, Any]
REFUSED, UNREACHABLE, TOO_LATE = 1, 3, 4
POLL_SECONDS = 0.5


class Client:
    """The control API of one server in one space."""

    def __init__(self, base: str, space: str, token: str, as_json: bool) -> None:
        self.base, self.space, self.token, self.as_json = base.rstrip("/"), space, token, as_json

    def ask(self, method: str, path: str, body: Json | None = None, **params: Any) -> Any:
        """The answer's JSON. Ends the program with 1, 3 or 4 where there is none."""
        import requests

        headers = {"X-Yibao-Space": self.space}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        wanted = {key: value for key, value in params.items() if value not in (None, "", False)}
        try:
            response = requests.request(
                method, f"{self.base}/_mock/{path}", json=body, params=wanted, headers=headers, timeout=660
            )
        except requests.RequestException as error:
            fail(UNREACHABLE, f"no server at {self.base}: {error.__class__.__name__}. Start one with `yibao up`.")
        answer = response.json() if response.content else {}
        if response.status_code >= 400:
            if self.as_json:
                print(json.dumps(answer, ensure_ascii=False))
            code = TOO_LATE if response.status_code == 408 else REFUSED
            fields = "".join(
                f"\n  {name}: {'; '.join(map(str, why))}" for name, why in answer.get("fields", {}).items()
            )
            fail(code, f"{answer.get('code')}: {answer.get('detail')} ({answer.get('remedy')}){fields}")
        return answer

    def pages(self, path: str, limit: int, **params: Any) -> Iterable[Json]:
        """Rows of a list, following its cursor until `limit` are read."""
        after = None
        while limit > 0:
            page = self.ask("GET", path, after=after, limit=min(limit, 500), **params)
            yield from page["items"]
            limit -= len(page["items"])
            after = page["next"]
            if after is None:
                return

    def show(self, answer: Any) -> None:
        """One object: JSON, or `key  value` lines."""
        if self.as_json or not isinstance(answer, dict):
            print(json.dumps(answer, ensure_ascii=False))
            return
        width = max((len(key) for key in answer), default=0)
        for key, value in answer.items():
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
            print(f"{key:<{width}}  {text}")

    def rows(self, rows: Iterable[Json], *columns: str) -> None:
        """A list: one JSON object a line, or the named columns."""
        for row in rows:
            if self.as_json:
                print(json.dumps(row, ensure_ascii=False), flush=True)
            else:
                print("  ".join(str(row.get(column, "")) for column in columns), flush=True)


def fail(code: int, text: str) -> Any:
    """Say why on standard error and end with that code."""
    print(text, file=sys.stderr)
    raise SystemExit(code)


def talks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its client and the options every command has."""

    @click.option("--base", default="http://127.0.0.1:8000", envvar="YIBAO_BASE", show_default=True)
    @click.option("--space", default="default", envvar="YIBAO_SPACE", show_default=True)
    @click.option("--token", default="", envvar="YIBAO_ADMIN_TOKEN", help="Admin token, if the server demands one.")
    @click.option("--json", "as_json", is_flag=True, help="JSON; one object a line for lists.")
    @wraps(command)
    def wrapped(base: str, space: str, token: str, as_json: bool, **given: Any) -> Any:
        return command(Client(base, space, token, as_json), **given)

    return wrapped


def group(name: str, text: str) -> click.Group:
    return click.Group(name, help=text)


def lister(parent: click.Group, path: str, columns: tuple[str, ...], *filters: str) -> None:
    """`list` with its filters as options."""

    @talks
    def show_list(client: Client, limit: int, **given: Any) -> None:
        client.rows(client.pages(path, limit, **given), *columns)

    command = click.command("list", help=f"{path}, oldest first.")(show_list)
    command.params.append(click.Option(["--limit"], type=click.IntRange(1), default=100, show_default=True))
    command.params.extend(click.Option([f"--{name}"], help=f"only this {name}") for name in filters)
    parent.add_command(command)


def shower(parent: click.Group, path: str, text: str) -> None:
    """`show ID`."""

    @talks
    def show_one(client: Client, id: str) -> None:
        client.show(client.ask("GET", f"{path}/{id}"))

    command = click.command("show", help=text)(show_one)
    command.params.insert(0, click.Argument(["id"]))
    parent.add_command(command)


def doer(parent: click.Group, verb: str, path: str, text: str) -> None:
    """`verb ID`: a POST without a body."""

    @talks
    def do(client: Client, id: str) -> None:
        client.show(client.ask("POST", f"{path}/{id}/{verb}", {}))

    command = click.command(verb, help=text)(do)
    command.params.insert(0, click.Argument(["id"]))
    parent.add_command(command)


people = group("people", "The invented people: who they are, what they own.")
lister(people, "people", ("id", "name", "id_number", "phone", "relation"))
shower(people, "people", "One person with balances, insurance and relations.")


@people.command("set")
@click.argument("id")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@talks
def set_person(client: Client, id: str, changes: tuple[str, ...]) -> None:
    """Change what the bureau knows of a person, e.g. `balance_fen=1000`."""
    client.show(client.ask("POST", f"people/{id}", pairs(changes)))


@people.command("messages")
@click.argument("id")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@talks
def messages(client: Client, id: str, limit: int) -> None:
    """The subscribe messages a person's WeChat shows."""
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
    """The address of each app."""
    client.rows(client.ask("GET", "push")["items"], "app", "mode", "format", "url")


@push.command("set")
@click.argument("url")
@click.option("--mode", type=click.Choice(["plaintext", "compatible", "safe"]), default="safe", show_default=True)
@click.option("--format", "form", type=click.Choice(["json", "xml"]), default="json", show_default=True)
@APP
@talks
def set_push(client: Client, url: str, mode: str, form: str, app: str) -> None:
    """Push to URL from now on; it must answer the verification with the raw echostr."""
    client.show(client.ask("POST", "push", {"url": url, "mode": mode, "format": form, "app": app}))


@push.command("remove")
@APP
@talks
def remove_push(client: Client, app: str) -> None:
    """Push nothing any more."""
    client.show(client.ask("DELETE", "push", app=app))


def pairs(texts: tuple[str, ...]) -> Json:
    """`key=value` words as JSON: numbers, true, false and null are read as such."""
    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign:
            raise click.UsageError(f"{text!r} is not KEY=VALUE")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


@click.command()
@talks
def credentials(client: Client) -> None:
    """Keys and ids of this space, for the app under test (YIBAO_ACCOUNTS reads this very JSON)."""
    answer = client.ask("GET", "credentials")
    print(json.dumps(answer, ensure_ascii=False, indent=None if client.as_json else 2))


clock = group("clock", "Business time of this space: show, set, advance, freeze, resume.")


@clock.command("show")
@talks
def show_clock(client: Client) -> None:
    """What time it is in this space."""
    client.show(client.ask("GET", "clock"))


def move(client: Client, body: Json) -> None:
    answer = client.ask("POST", "clock", body)
    if client.as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    print(answer["now"])
    for fired in answer["fired"]:
        print("  fired", json.dumps(fired, ensure_ascii=False))


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

call = group("call", "What the app under test sent.")
lister(call, "calls", ("id", "at", "door", "method", "target", "status", "ms"), "door", "status")
shower(call, "calls", "One call: request and response, base64.")


@click.command()
@click.option("--follow", is_flag=True, help="go on as things happen")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True)
@talks
def timeline(client: Client, follow: bool, limit: int) -> None:
    """Calls, state changes, events and attempts in one order."""
    import threading

    after: Any = None
    while True:
        page = client.ask("GET", "timeline", after=after, limit=min(limit, 500))
        client.rows(page["items"], "at", "kind", "summary")
        after = page["next"] or after
        if not follow and page["next"] is None:
            return
        if not page["items"]:
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
    """The next calls of TARGET (`wechat.getverifyid`) have this RESULT."""
    body = {"target": target, "outcome": result, "next": count, "person": person, "ref": ref}
    client.show(client.ask("POST", "outcomes", {key: value for key, value in body.items() if value}))


@outcome.command("clear")
@talks
def clear_outcomes(client: Client) -> None:
    """Forget all planned results."""
    client.show(client.ask("DELETE", "outcomes"))


space = group("space", "Worlds of their own for testers.")


@space.command("list")
@talks
def list_spaces(client: Client) -> None:
    """All spaces."""
    client.rows(client.ask("GET", "spaces")["items"], "name", "now", "seed")


@space.command("add")
@click.argument("name")
@click.option("--seed", type=int)
@talks
def add_space(client: Client, name: str, seed: int | None) -> None:
    """Make one."""
    client.show(client.ask("POST", "spaces", {"name": name} | ({} if seed is None else {"seed": seed})))


@space.command("remove")
@click.argument("name")
@talks
def remove_space(client: Client, name: str) -> None:
    """Delete one with everything in it."""
    client.show(client.ask("DELETE", f"spaces/{name}"))


@click.command()
@click.option(
    "--level", type=click.Choice(["traffic", "faults", "state", "all"]), default="traffic", show_default=True
)
@talks
def reset(client: Client, level: str) -> None:
    """Begin again (level `traffic` unless said); says what was removed."""
    client.show(client.ask("POST", "reset", {"level": level}))


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


deviation = group("deviation", "Named relaxations and choices, each with its switch.")


@deviation.command("list")
@talks
def list_deviations(client: Client) -> None:
    """Every switch with its value."""
    client.rows(client.ask("GET", "deviations")["items"], "name", "value", "kind", "why")


@deviation.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE…")
@talks
def set_deviation(client: Client, changes: tuple[str, ...]) -> None:
    """Move switches in this space."""
    body = {key: value if isinstance(value, str) else json.dumps(value) for key, value in pairs(changes).items()}
    client.show(client.ask("POST", "deviations", body))


COMMANDS: dict[str, click.Command] = {
    str(command.name): command
    for command in (
        people,
        push,
        credentials,
        clock,
        event,
        delivery,
        attempt,
        call,
        timeline,
        outcome,
        space,
        reset,
        wait,
        deviation,
    )
}

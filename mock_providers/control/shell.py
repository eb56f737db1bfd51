"""What every command of `yibao` shares: a client of the control API, the common options, output, and how it ends."""

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import click

Json = dict[str, Any]
REFUSED, UNREACHABLE, TOO_LATE = 1, 3, 4


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
            answer = response.json() if response.content else {}
        except requests.exceptions.JSONDecodeError:
            self._unreachable(f"what answers at {self.base} is not yibao: HTTP {response.status_code}, no JSON.")
        except requests.RequestException as error:
            self._unreachable(f"no server at {self.base}: {error.__class__.__name__}. Start one with `yibao up`.")
        if response.status_code >= 400:
            if self.as_json:
                click.echo(json.dumps(answer, ensure_ascii=False))
            code = TOO_LATE if response.status_code == 408 else REFUSED
            fields = "".join(
                f"\n  {name}: {'; '.join(map(str, why))}" for name, why in answer.get("fields", {}).items()
            )
            told = "" if self.as_json else "".join(f"\n  {line}" for line in near(answer))
            fail(code, f"{answer.get('code')}: {answer.get('detail')} ({answer.get('remedy')}){fields}{told}")
        return answer

    def _unreachable(self, why: str) -> None:
        if self.as_json:
            click.echo(json.dumps({"code": "UNREACHABLE", "detail": why}))
        fail(UNREACHABLE, why)

    def pages(self, path: str, limit: int, **params: Any) -> Iterable[Json]:
        """Rows of a list, following its cursor until `limit` are read."""
        after = None
        while limit > 0:
            page = self.ask("GET", path, after=after, limit=min(limit, 500), **params)
            if after is None:
                for line in (*page.get("banner", ()), *_gone(page)):
                    click.echo(f"! {line}", err=True)
            yield from page["items"]
            limit -= len(page["items"])
            after = page["next"]
            if after is None:
                return

    def show(self, answer: Any) -> None:
        """One object: JSON, or `key  value` lines."""
        if self.as_json or not isinstance(answer, dict):
            click.echo(json.dumps(answer, ensure_ascii=False))
            return
        width = max((len(key) for key in answer), default=0)
        for key, value in answer.items():
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
            click.echo(f"{key:<{width}}  {text}")

    def rows(self, rows: Iterable[Json], *columns: str) -> None:
        """A list: one JSON object a line, or the named columns."""
        for row in rows:
            if self.as_json:
                click.echo(json.dumps(row, ensure_ascii=False))
            else:
                click.echo("  ".join(str(row.get(column, "")) for column in columns))


def near(answer: Json) -> Iterable[str]:
    """What was nearest to what was waited for, and what is still in the queue."""
    if nearest := answer.get("nearest"):
        event, other = nearest["event"], nearest.get("differs_in", [])
        differs = f" (another {', another '.join(other)})" if other else ""
        yield f"nearest  event {event['id']} {event['vendor']} {event['type']} {event['ref']}{differs}"
        yield from (f"         {why}" for why in nearest.get("why", []))
    for row in answer.get("queue", []):
        state = f"{row['state']} {row['next_at'] or ''}".rstrip()
        yield f"queue    delivery {row['id']} {state} {row['url']} {row['reason']}".rstrip()


def fail(code: int, text: str) -> Any:
    """Say why on standard error and end with that code."""
    click.echo(text, err=True)
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


def _gone(page: Json) -> Iterable[str]:
    kept = page.get("retention", {})
    if kept.get("gap"):
        most = f"{kept['rows_at_most']} a space, {kept['bytes_at_most'] // 2**20} MiB in all"
        yield f"{kept['dropped']} older ones are no longer kept (at most {most})"


def lister(parent: click.Group, path: str, columns: tuple[str, ...], *filters: str) -> None:
    """`list` with its filters as options."""

    @talks
    def show_list(client: Client, limit: int, **given: Any) -> None:
        client.rows(client.pages(path, limit, **given), *columns)

    command = click.command("list", help=f"{path}, oldest first. Example: yibao {parent.name} list --limit 5")(
        show_list
    )
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

"""`yibao endpoint`: who is told besides the vendor's own address, and how soon they all answer."""

from pathlib import Path
from typing import Any

import click

from mock_providers.control.shell import Client, Json, group, talks

endpoint = group(
    "endpoint",
    "Further receivers of a vendor's events, each with keys of its own if you like; and how soon they answer.",
)
WHICH = click.argument("which", metavar="NAME|ID")
SET = (
    click.option("--event", "events", multiple=True, help="only this type, e.g. REFUND.*; may be repeated"),
    click.option(
        "--credential",
        "credentials",
        multiple=True,
        metavar="KEY=VALUE",
        help="a key of its own, e.g. apiv3_key=…; KEY=@FILE reads it from a file and keeps it out of your history",
    ),
    click.option("--new-secret", is_flag=True, help="make the keys of its own that are not given"),
    click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="the form, e.g. signer=pubkey"),
)


def settings(command: Any) -> Any:
    """The options `add` and `change` share."""
    for option in reversed(SET):
        command = option(command)
    return command


def words(name: str, given: tuple[str, ...]) -> Json:
    """KEY=VALUE words as texts; @FILE is what stands in the file."""
    found = {}
    for word in given:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise click.UsageError(f"--{name} takes KEY=VALUE, not {key!r}")
        if value.startswith("@"):
            try:
                value = Path(value[1:]).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise click.UsageError(f"--{name} {key}: {value[1:]} cannot be read: {error}") from error
        found[key] = value
    return found


def body(events: tuple[str, ...], credentials: tuple[str, ...], new_secret: bool, options: tuple[str, ...]) -> Json:
    """What was said, without what was not."""
    said = {
        "events": list(events),
        "credentials": words("credential", credentials),
        "new_secret": new_secret,
        "options": words("option", options),
    }
    return {name: value for name, value in said.items() if value}


@endpoint.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@talks
def list_endpoints(client: Client, limit: int) -> None:
    """All of this space, and whether they are on. Example: yibao endpoint list --json"""
    rows = client.pages("endpoints", limit)
    short = (
        row if client.as_json else {**row, "told": ",".join(row["events"]), **_times(row["meter"])} for row in rows
    )
    client.rows(short, "id", "name", "state", "vendor", "told", "url", "keys", "p95", "over", "missed", "reason")


def _times(said: Json) -> Json:
    p95 = "p95 –" if said["p95_ms"] is None else f"p95 {said['p95_ms']:g} ms"
    return {"p95": p95, "over": f"over the limit {said['over_limit']} of {said['attempts']}"}


@endpoint.command("show")
@WHICH
@talks
def show_endpoint(client: Client, which: str) -> None:
    """One with its state, meter and what it missed; its secrets shortened. Example: yibao endpoint show shop"""
    answer = client.ask("GET", f"endpoints/{which}")
    for said in answer.get("banner", ()):
        click.echo(f"! {said}", err=True)
    client.show(answer)


@endpoint.command("add")
@click.argument("url")
@click.option("--vendor", required=True, help="whose events: wechat, wechatpay or national")
@click.option("--name", help="what to call it (endpoint-1 unless said)")
@settings
@talks
def add_endpoint(client: Client, url: str, vendor: str, name: str | None, **given: Any) -> None:
    """Tell a vendor's events to URL as well. Keys of its own are shown now and never again.

    \b
    yibao endpoint add http://127.0.0.1:9000/notify --vendor wechatpay
    yibao endpoint add http://127.0.0.1:9000/refunds --vendor wechatpay --event "REFUND.*" --new-secret
    yibao endpoint add http://127.0.0.1:9000/x --vendor wechatpay --credential apiv3_key=@key.txt --option signer=cert
    yibao endpoint add http://127.0.0.1:9000/push --vendor wechat --new-secret --option mode=safe
    """
    said = {"url": url, "vendor": vendor, **({"name": name} if name else {}), **body(**given)}
    client.show(client.ask("POST", "endpoints", said))


@endpoint.command("change")
@WHICH
@click.option("--url", help="another address; what is on its way goes there")
@click.option("--accounts-keys", is_flag=True, help="no keys of its own any more: those of the account")
@settings
@talks
def change_endpoint(client: Client, which: str, url: str | None, accounts_keys: bool, **given: Any) -> None:
    """Change its address, events, keys or form. Example: yibao endpoint change shop --new-secret"""
    said = {**({"url": url} if url else {}), **body(**given)}
    if accounts_keys and ("credentials" in said or "new_secret" in said):
        raise click.UsageError("--accounts-keys, or keys of its own; not both")
    if accounts_keys:
        said["credentials"] = None
    if not said:
        raise click.UsageError("say what to change; see --help")
    client.show(client.ask("PATCH", f"endpoints/{which}", said))


@endpoint.command("remove")
@WHICH
@talks
def remove_endpoint(client: Client, which: str) -> None:
    """Tell it nothing more; what is on its way to it is cancelled. Example: yibao endpoint remove shop"""
    client.show(client.ask("DELETE", f"endpoints/{which}"))


@endpoint.command("on")
@WHICH
@click.option("--resend", is_flag=True, help="what it missed as well, in the order it happened")
@talks
def switch_on(client: Client, which: str, resend: bool) -> None:
    """Send to it again, after it was mended. Example: yibao endpoint on shop --resend"""
    client.show(client.ask("POST", f"endpoints/{which}/on", {"resend": resend}))


@endpoint.command("off")
@WHICH
@click.option("--reason", help="why, for those who look")
@talks
def switch_off(client: Client, which: str, reason: str | None) -> None:
    """Send it nothing for now; what it misses is kept. Example: yibao endpoint off shop --reason "being rebuilt" """
    client.show(client.ask("POST", f"endpoints/{which}/off", {"reason": reason} if reason else {}))


@endpoint.command("meter")
@click.option("--last", type=click.IntRange(1, 20_000), default=1_000, show_default=True, help="newest attempts")
@talks
def meter(client: Client, last: int) -> None:
    """How soon every receiver answers, the vendors' own addresses too, against the vendor's limit.

    Ends with 1 if one was over the limit. Example: yibao endpoint meter --last 200
    """
    rows = client.ask("GET", "endpoints/meter", last=last)["items"]
    if client.as_json:
        client.rows(rows)
    else:
        for row in rows:
            click.echo(told(row))
    if any(row["over_limit"] for row in rows):
        raise SystemExit(1)


def told(row: Json) -> str:
    """One receiver in a line."""
    who = f"endpoint {row['endpoint']}" if row["endpoint"] else "own address"
    head = f"{row['vendor']}  {who}  {row['url']}"
    if row["p50_ms"] is None:
        return f"{head}  {row['attempts']} attempts, none answered"
    times = (
        f"p50 {row['p50_ms']:g} ms, p95 {row['p95_ms']:g} ms, max {row['max_ms']:g} ms of {row['answered']} answers"
    )
    allowed = "" if row["limit_ms"] is None else f" (limit {row['limit_ms']:g} ms, {row['limit_source']})"
    return f"{head}  {times}; {row['over_limit']} over the limit{allowed}; {row['accepted_percent']:g} % accepted"


also = click.Group("endpoints", commands=endpoint.commands, help=f"The same as `endpoint`. {endpoint.help}")
COMMANDS = (endpoint, also)

"""`yibao explain call | attempt | paste`: which byte is wrong, and why."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import IO

import click

from mock_providers.control.shell import Client, Json, group, talks

explain = group(
    "explain", "Why a signature, a token or a sealed message is wrong: which byte, and what to do about it."
)
FINE = ("ok", "not_checked")
SHOWN_AT_MOST, LONGEST = 200, 1_000_000
SAID_ABOVE = {("journal", "string_to_sign"), ("journal", "signature"), ("journal", "expected"), ("journal", "shown")}


def show(client: Client, found: Json) -> None:
    """The explanation as text or JSON. Ends with 1 where something is wrong."""
    if client.as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo("\n".join(told(found)))
    if found["verdict"] not in FINE:
        raise SystemExit(1)


def told(found: Json) -> Iterator[str]:
    """An explanation in words."""
    yield f"{found['subject']}: {found['verdict']}" + (f" – {found['says']}" if found["says"] else "")
    for number, cause in enumerate(found["causes"], 1):
        yield f"  {number}. {cause['name']}: {cause['says']}"
        yield f"     → {cause['remedy']}"
        yield f"     → {cause['remedy_zh']}"
    if found["string_to_sign"]:
        yield "string to sign, built from what was on the wire:"
        yield from (f"  {number} │ {_short(line)}" for number, line in enumerate(found["string_to_sign"], 1))
    if found["first_difference"]:
        yield from _difference(found["first_difference"])
    for title in ("expected", "shown", "facts", "journal", "answer"):
        if found.get(title):
            yield f"{title}:"
            rest = {name: value for name, value in found[title].items() if (title, name) not in SAID_ABOVE}
            yield from (f"  {name}: {_short(_flat(value))}" for name, value in rest.items())
    if heard := found.get("receiver"):
        yield f"receiver: {heard['status'] or 'no answer'} after {heard['ms']} ms {heard['reason']}".rstrip()
        for one in heard["suggests"]:
            yield f"  {one['says']}"
            yield f"  {one['says_zh']}"
    if found["steps"]:
        yield "how a receiver verifies it:"
        yield from (f"  {number}. {step}" for number, step in enumerate(found["steps"], 1))


def _difference(found: Json) -> Iterator[str]:
    where = "".join(f", {name} {found[name]}" for name in ("line", "column") if name in found)
    yield f"first difference at byte {found['offset']}{where}{' in ' + found['in'] if 'in' in found else ''}:"
    for name in ("expected", "signed", "sent", "pasted"):
        if side := found.get(name):
            yield f"  {name:<8} {side.get('text', '')}"
            yield f"  {'':<8} {side.get('hex', '')}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}… ({len(text)} characters)"


def _flat(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@explain.command("call")
@click.argument("id", type=click.IntRange(1))
@talks
def explain_call(client: Client, id: int) -> None:
    """What your app sent: why it was refused. Ends with 1 if its signature is wrong.

    \b
    yibao call list --door wechatpay --status 401
    yibao explain call 12
    """
    show(client, client.ask("GET", f"calls/{id}/explanation"))


@explain.command("attempt")
@click.argument("id", type=click.IntRange(1))
@talks
def explain_attempt(client: Client, id: int) -> None:
    """What we sent you: what is signed, how to verify it, what your answer suggests. Ends with 1 if it is spoilt.

    \b
    yibao attempt list
    yibao explain attempt 3
    """
    show(client, client.ask("GET", f"attempts/{id}/explanation"))


@explain.command("paste")
@click.argument("file", type=click.File("rb"))
@click.option("--vendor", type=click.Choice(["wechatpay", "wechat", "national"]), help="if its looks do not tell")
@click.option(
    "--direction", type=click.Choice(["request", "response", "notification"]), help="if its looks do not tell"
)
@talks
def explain_paste(client: Client, file: IO[bytes], vendor: str | None, direction: str | None) -> None:
    """Raw HTTP text from FILE, or from standard input with -: first line, headers, empty line, body.

    \b
    yibao explain paste callback.txt
    pbpaste | yibao explain paste -
    """
    raw = file.read()
    if not raw.strip():
        raise click.UsageError("there is nothing in it")
    if len(raw) > LONGEST:
        raise click.UsageError(f"{len(raw)} bytes; no message of a vendor has more than {LONGEST}")
    body = {"raw_base64": b64encode(raw).decode(), "vendor": vendor, "direction": direction}
    show(client, client.ask("POST", "explanations", {key: value for key, value in body.items() if value}))


COMMANDS = (explain,)

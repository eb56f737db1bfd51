"""`yibao fault`: damage to coming callbacks and answers, by name."""

from typing import Any

import click

from mock_providers.control.shell import Client, group, talks

fault = group("fault", "Damage to what comes next: callbacks, and the answers of the vendors.")


@fault.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@talks
def list_faults(client: Client, limit: int) -> None:
    """What can still strike. Example: yibao fault list --json"""
    rows = client.pages("faults", limit)
    client.rows(rows, "id", "fault", "left", "until", "percent", "struck", "expected", "scope")


@fault.command("add")
@click.argument("name")
@click.option("--next", type=click.IntRange(1), help="it ends after so many (1 unless --until is given)")
@click.option("--until", help="it ends at this business time (RFC 3339), or after so long (10m)")
@click.option("--percent", type=click.IntRange(1, 100), help="how many of a hundred, drawn from the seed")
@click.option("--seconds", type=float, help="how slow, for the slow ones")
@click.option("--vendor", help="only this vendor, e.g. wechatpay")
@click.option("--event", help="callbacks: only this type, e.g. TRANSACTION.SUCCESS or REFUND.*")
@click.option("--path", help="answers: only this path, e.g. /v3/pay/transactions/jsapi or /v3/*")
@click.option("--ref", help="only this business number")
@click.option("--person", help="only this person, e.g. P01")
@click.option("--endpoint", help="callbacks: what goes to this endpoint, instead of to the vendor's own address")
@talks
def add_fault(client: Client, name: str, **given: Any) -> None:
    """Damage what comes next with the fault NAME (see `yibao fault catalogue`).

    \b
    yibao fault add signature_bad                          the next callback
    yibao fault add amount_changed --ref A1 --next 2       the next two about A1
    yibao fault add answer_503 --path "/v3/*" --until 10m  every such call, for ten minutes
    yibao fault add answer_slow --seconds 8 --percent 20   one in five
    """
    body = {"fault": name, **{key: value for key, value in given.items() if value is not None}}
    client.show(client.ask("POST", "faults", body))


@fault.command("remove")
@click.argument("id", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="all of this space")
@click.option("--name", help="all of this name")
@talks
def remove_faults(client: Client, id: int | None, everything: bool, name: str | None) -> None:
    """Forget one fault (its number), all of a name, or all. Example: yibao fault remove 3"""
    if [id is not None, everything, name is not None].count(True) != 1:
        raise click.UsageError("say which: a number, --name or --all")
    answer = client.ask("DELETE", "faults", id=id, fault=name)
    client.show(answer)
    if id is not None and not answer["removed"]["fault"]:
        raise SystemExit(1)


@fault.command("catalogue")
@click.option("--on", type=click.Choice(["callback", "answer"]))
@click.option("--vendor", help="only what concerns this vendor")
@talks
def catalogue(client: Client, on: str | None, vendor: str | None) -> None:
    """Every fault by name with what an honest receiver does about it. Example: yibao fault catalogue --on answer"""
    found = client.ask("GET", "faults/catalogue", on=on, vendor=vendor)
    client.rows(found["items"], "name", "on", "expected", "says")


COMMANDS = (fault,)

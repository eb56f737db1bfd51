"""`yibao clock | event | delivery | attempt | wait`: time, and what it brings to the app under test."""

import json
from collections.abc import Iterable
from typing import IO, Any

import click

from mock_providers.control.shell import REFUSED, Client, Json, doer, group, lister, pairs, shower, talks


@click.group(invoke_without_command=True)
@click.option("--to", type=click.Choice(["next"]), help="to the next thing that is due")
@talks
def clock(client: Client, to: str | None) -> None:
    """Business time of this space: show, set, advance, to next, freeze, resume.

    Example: yibao clock --to next
    """
    if click.get_current_context().invoked_subcommand is not None:
        if to:
            raise click.UsageError("say --to next, or a verb")
    elif to:
        move(client, {"to": to})
    else:
        client.show(client.ask("GET", "clock"))


@clock.command("to")
@click.argument("where", type=click.Choice(["next"]))
@talks
def clock_to(client: Client, where: str) -> None:
    """Go to the next thing that is due and say what fired. Example: yibao clock to next"""
    move(client, {"to": where})


@clock.command("show")
@talks
def show_clock(client: Client) -> None:
    """What time it is in this space. Example: yibao clock show"""
    client.show(client.ask("GET", "clock"))


def move(client: Client, body: Json) -> None:
    answer = client.ask("POST", "clock", body)
    if client.as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    click.echo(answer["now"])
    for fired in answer["fired"]:
        click.echo(f"  {told(fired)}")


def told(fired: Json) -> str:
    """One thing that fell due, in one line."""
    at, what = fired.get("at", ""), fired.get("what", "")
    if what == "delivery":
        heard = fired["status"] if fired["status"] is not None else "no answer"
        end = "accepted" if fired["accepted"] else f"not accepted: {fired['reason']}"
        which = f"delivery {fired['delivery']} #{fired['number']} {fired['type']} {fired['ref']}"
        return f"{at}  {which} → {heard}, {end}"
    return f"{at}  {what} " + " ".join(f"{k}={v}" for k, v in fired.items() if k not in ("at", "what") and v != "")


@clock.command("set")
@click.argument("to")
@click.option("--freeze", is_flag=True, help="and let it stand still there")
@talks
def set_clock(client: Client, to: str, freeze: bool) -> None:
    """Set it to an RFC 3339 instant. Example: yibao clock set 2025-12-01T10:00:00+08:00 --freeze"""
    move(client, {"set": to, "freeze": freeze})


@clock.command("advance")
@click.argument("how_long", required=False)
@click.option("--to", type=click.Choice(["next"]), help="to the next thing that is due")
@talks
def advance_clock(client: Client, how_long: str | None, to: str | None) -> None:
    """Move it on (`90s`, `2h`, `1d`), or `--to next`; whatever falls due has happened when this returns.

    Example: yibao clock advance 24h
    """
    if (how_long is None) == (to is None):
        raise click.UsageError("say how long, or --to next")
    move(client, {"to": to} if to else {"advance": how_long})


@clock.command("freeze")
@talks
def freeze_clock(client: Client) -> None:
    """Stop it. Example: yibao clock freeze"""
    move(client, {"freeze": True})


@clock.command("resume")
@talks
def resume_clock(client: Client) -> None:
    """Let it run again. Example: yibao clock resume"""
    move(client, {"resume": True})


event = group("event", "What happened at the vendors and is told by callback.")
lister(event, "events", ("id", "created_at", "vendor", "type", "ref"), "vendor", "type", "ref")
shower(event, "events", "One event with its plaintext and deliveries. Example: yibao event show 1")


@event.command("resend")
@click.argument("id")
@click.option("--to", help="another address")
@click.option("--signature", type=click.Choice(["fresh", "stale", "wrong_key"]), default="fresh", show_default=True)
@click.option("--edit", help="a merge patch for its clear text, in JSON; sealed and signed again")
@click.option("--set", "places", multiple=True, metavar="/POINTER=VALUE", help="one value of its clear text")
@click.option("--fault", help="with this fault of `yibao fault catalogue`")
@click.option("--endpoint", help="to this endpoint, with the keys of its own")
@talks
def resend(
    client: Client,
    id: str,
    to: str | None,
    signature: str,
    edit: str | None,
    places: tuple[str, ...],
    fault: str | None,
    endpoint: str | None,
) -> None:
    """Send it again: as it was or edited, signed afresh, ten minutes stale, or with a wrong key.

    \b
    yibao event resend 3 --to http://127.0.0.1:9000/notify
    yibao event resend 3 --set /amount/total=1 --set /payer/openid=null
    yibao event resend 3 --edit '{"amount": {"total": 1}}' --signature stale
    yibao event resend 3 --fault signature_probe
    """
    try:
        patch = json.loads(edit) if edit else {}
    except ValueError as error:
        raise click.UsageError(f"--edit is not JSON: {error}") from error
    if not isinstance(patch, dict):
        raise click.UsageError("--edit is a JSON object")
    body = {
        "signature": signature,
        "edit": {**patch, **pairs(places)},
        "to": to,
        "fault": fault,
        "endpoint": endpoint,
    }
    client.show(client.ask("POST", f"events/{id}/resend", {key: value for key, value in body.items() if value}))


delivery = group("delivery", "Events on their way to an address.")
lister(
    delivery,
    "deliveries",
    ("id", "state", "tries", "next_at", "url", "reason", "planned", "interrupted"),
    "state",
    "vendor",
    "ref",
)
shower(delivery, "deliveries", "One delivery with its attempts. Example: yibao delivery show 1")
for verb, text in (
    ("hold", "Keep it back. Example: yibao delivery hold 1"),
    ("release", "Let a held one go. Example: yibao delivery release 1"),
    ("send-now", "Try it now, whatever the ladder says. Example: yibao delivery send-now 1"),
    ("cancel", "Never send it. Example: yibao delivery cancel 1"),
):
    doer(delivery, verb, "deliveries", text)


@delivery.command("why")
@click.argument("what", metavar="ORDER|ID")
@talks
def why(client: Client, what: str) -> None:
    """Why has my callback not come? For a business number, or the number of a delivery.

    Ends with 1 if nothing of that name is known. Example: yibao delivery why A1
    """
    answer = client.ask("GET", "deliveries/why", ref=what)
    unknown = not answer["deliveries"] and not answer["awaited"]
    if client.as_json:
        client.show(answer)
    else:
        for line in reasons(answer):
            click.echo(line)
    if unknown:
        raise SystemExit(REFUSED)


def reasons(answer: Json) -> Iterable[str]:
    """The answer of `why` for people."""
    if answer["verdict"]:
        yield answer["verdict"]
    for one in answer["deliveries"]:
        whom = f"{one['url']} [endpoint {one['endpoint']}]" if one.get("endpoint") else one["url"]
        yield f"delivery {one['delivery']}  {one['vendor']} {one['type']} {one['ref']} → {whom}: {one['state']}"
        yield f"  why        {one['verdict']}"
        if one["held_by"]:
            yield f"  held by    {', '.join(one['held_by'])}"
        if due := one["due"]:
            yield f"  due        {due['business']} business, {due['wall'] or 'never by itself'} on the wall"
        if heard := one["last_reply"]:
            said = heard["status"] if heard["status"] is not None else "no answer"
            yield f"  last reply attempt {heard['number']}: {said} {heard['body']} {heard['reason']}".rstrip()
        yield f"  left       {one['left']} attempts"
        yield f"  next step  {one['next_step']}"
    for one in answer["awaited"]:
        yield f"awaited  {one['what']}" + (f"; {one['type']} when {one['when']}" if one.get("type") else "")
        for name in ("how", "hindered"):
            if name in one:
                yield f"  {name:<9}{one[name]}"
    if answer["nearest"]:
        yield f"did you mean  {', '.join(answer['nearest'])}"


attempt = group("attempt", "Single tries with their exact bytes.")
lister(attempt, "attempts", ("id", "at", "url", "status", "accepted", "ms", "reason", "after_crash"), "delivery")
shower(attempt, "attempts", "One try: request and response, base64. Example: yibao attempt show 1")


@click.command()
@click.option("--event", "type", help="event type, e.g. TRANSACTION.SUCCESS")
@click.option("--ref", help="business number")
@click.option("--vendor", help="e.g. wechatpay")
@click.option("--person", help="e.g. P01")
@click.option("--delivered", is_flag=True, help="and the vendor's own address has accepted it (or --endpoint)")
@click.option("--endpoint", help="with --delivered: this endpoint has accepted it")
@click.option("--within", default="5s", show_default=True)
@click.option(
    "--clock",
    type=click.Choice(["wall", "business"]),
    default="wall",
    show_default=True,
    help="business: wait no time; move the space's clock from one due thing to the next, at most --within far",
)
@talks
def wait(client: Client, type: str | None, delivered: bool, **given: Any) -> None:
    """Block until an event is there (and delivered); ends with 4, the nearest match and the queue if it is not.

    Example: yibao wait --event TRANSACTION.SUCCESS --delivered --within 24h --clock business
    """
    client.show(client.ask("GET", "wait", event=type, delivered="true" if delivered else None, **given))


plan = group("plan", "What becomes of the next events: hold, swap, dup, drop, delay, shuffle.")
lister(plan, "plans", ("id", "state", "banner"), "state", "ref", "vendor")
shower(plan, "plans", "One plan with what it did, event by event. Example: yibao plan show 1")


@plan.command("add")
@click.argument("text", required=False)
@click.option("--file", type=click.File(encoding="utf-8"), help="read the text there; - is standard input")
@click.option("--ref", help="only events of this business number; `A*` begins with A")
@click.option("--person", help="only of this person, e.g. P01")
@click.option("--vendor", help="only of this vendor, e.g. wechatpay")
@click.option("--event", help="only of this type, e.g. TRANSACTION.SUCCESS or REFUND.*")
@click.option("--next", type=click.IntRange(1), help="it ends after so many events")
@click.option("--until", help="it ends at this business time (RFC 3339)")
@talks
def add_plan(client: Client, text: str | None, file: IO[str] | None, **given: Any) -> None:
    """Say what becomes of the next events, counted from 1.

    \b
    hold 2          wait until let go          swap 1 2    the other way round
    dup 3           once more, same id         drop 4      never
    delay 5 90s     in business time           shuffle     all in another order (with --next)

    Example: yibao plan add "hold 2; dup 3" --event "REFUND.*" --next 5
    """
    if (text is None) == (file is None):
        raise click.UsageError('say the plan, such as "hold 2; dup 3", or --file')
    said = {"text": text if file is None else file.read(), **given}
    client.show(client.ask("POST", "plans", {key: value for key, value in said.items() if value is not None}))


@plan.command("clear")
@click.argument("id", type=int, required=False)
@click.option("--keep-held", is_flag=True, help="what it holds stays held")
@talks
def clear_plans(client: Client, id: int | None, keep_held: bool) -> None:
    """Forget all plans, or one; what they hold leaves now. Ends with 1 if there is no such plan.

    Example: yibao plan clear 3
    """
    answer = client.ask("DELETE", "plans", id=id, held="keep" if keep_held else "release")
    client.show(answer)
    if id is not None and not answer["removed"]["plan"]:
        raise SystemExit(REFUSED)


@click.group(invoke_without_command=True)
@click.option("--vendor", help="only this vendor's")
@talks
def ladder(client: Client, vendor: str | None) -> None:
    """How often and when each vendor tells a fact again, with source and switch.

    Example: yibao ladder --vendor wechatpay
    """
    if click.get_current_context().invoked_subcommand is None:
        show_ladders(client, vendor)


@ladder.command("list")
@click.option("--vendor", help="only this vendor's")
@talks
def list_ladders(client: Client, vendor: str | None) -> None:
    """All of them. Example: yibao ladder list --vendor wechatpay

    Move one: yibao deviation set "wechatpay.ladder=15s 1m 5m"
    """
    show_ladders(client, vendor)


def show_ladders(client: Client, vendor: str | None) -> None:
    rows = client.ask("GET", "ladders", vendor=vendor)["items"]
    moved = (row if client.as_json else {**row, "by": ", ".join(row["switches"])} for row in rows)
    client.rows(moved, "vendor", "product", "says", "words", "evidence", "source", "by")


COMMANDS = (clock, event, delivery, attempt, plan, ladder, wait)

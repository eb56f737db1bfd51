"""Message push: where an app's messages go, whether that address answers for itself, and sending one."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app
from sqlalchemy import select

from mock_providers import accounts, clock, serials, switches
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.webhooks.models import Event, emit
from mock_providers.wechat import push_events, push_wire
from mock_providers.wechat.door import MINI_PROGRAM, OFFICIAL_ACCOUNT, number
from mock_providers.wechat.message_models import WechatPush

APPS = {"mini_program": MINI_PROGRAM, "official_account": OFFICIAL_ACCOUNT}
MODES = ("plaintext", "compatible", "safe")
PORTS = {"http": 80, "https": 443}
FIRST_ID = 24_000_000_000_000_000

switches.declare(
    "wechat.push_retries",
    "3",
    ("3", "2"),
    kind="choice",
    source="wechat.md §5.4",
    why="`3 attempts in total` on most pages, `retries 3 times` on others",
)
switches.declare(
    "wechat.push_pause_seconds",
    "5",
    (),
    kind="choice",
    source="wechat.md §5.4",
    why="when WeChat pushes again is not published; 5 s after the attempt began, so as soon as it gave up waiting",
)
switches.declare(
    "wechat.push_bad_answer",
    "retried",
    ("retried", "dropped"),
    kind="choice",
    source="wechat.md §5.4",
    why="that silence is retried is documented; whether a wrong answer is, is not",
)
switches.declare(
    "wechat.push_ports",
    "any",
    ("any", "80_443"),
    kind="relaxation",
    source="wechat.md §5.1",
    why="WeChat pushes to ports 80 and 443 only; a developer's machine listens elsewhere",
)


def appid_of(app: str) -> str:
    """The appid of the mini program or of the official account."""
    return accounts.account(APPS[app])["appid"]


def address(app: str) -> WechatPush | None:
    """Where the messages of an app go."""
    return db.session.scalar(select(WechatPush).where(WechatPush.app == app))


def check_url(url: str) -> None:
    """Raises Problem FIELD_INVALID unless messages can be pushed to it."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        parts, port = urlsplit(""), None
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in PORTS or not parts.hostname or not printable or parts.fragment or parts.username:
        raise Problem("FIELD_INVALID", "url is a plain http or https address", {"url": ["not an http address"]})
    if switches.value("wechat.push_ports") == "80_443" and port != PORTS[parts.scheme]:
        raise Problem("FIELD_INVALID", "WeChat pushes to port 80 or 443 only", {"url": ["another port"]})


def verify(app: str, url: str) -> None:
    """Ask the address to answer for itself (§5.1). Raises Problem PUSH_URL_REFUSED. No transaction may be open."""
    token = accounts.account(APPS[app])["push_token"]
    timestamp, nonce = str(clock.wall_unix()), serials.fresh_digits("wechat.push_nonce", 10)
    echo = serials.fresh_digits("wechat.push_echo", 19)
    db.session.commit()
    query = {"signature": push_wire.signature(token, timestamp, nonce), "timestamp": timestamp}
    asked = with_query(url, query | {"nonce": nonce, "echostr": echo})
    reply = current_app.extensions["get_url"](asked)
    if reply.status is None:
        raise Problem("PUSH_URL_REFUSED", f"{url} did not answer: {reply.trouble}")
    if reply.status != 200:
        raise Problem(
            "PUSH_URL_REFUSED", f"{url} answered HTTP {reply.status}; wanted 200 and the raw echostr {echo}"
        )
    if reply.body != echo.encode():
        raise Problem(
            "PUSH_URL_REFUSED", f"{url} answered {reply.body[:80]!r}; wanted the raw echostr {echo} and nothing else"
        )


def with_query(url: str, query: dict[str, str]) -> str:
    """An address with these parameters after its own."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"


def put(app: str, url: str, mode: str, form: str) -> WechatPush:
    """Push to this address from now on."""
    row = address(app) or WechatPush(app=app)
    row.url, row.mode, row.format, row.verified_at = url, mode, form, clock.now()
    db.session.add(row)
    return row


def message(app: str, openid: str, name: str, fields: dict[str, Any], template_id: str = "") -> dict[str, Any]:
    """A message of §5.5 of this moment. Raises Problem FIELD_INVALID."""
    account = accounts.account(APPS[app])
    if name not in push_events.KNOWN:
        known = ", ".join(push_events.KNOWN)
        raise Problem("FIELD_INVALID", f"no event {name[:60]!r}: {known}", {"event": ["unknown"]})
    msg_id = FIRST_ID + serials.number("wechat.msg_id") if name in push_events.MESSAGES else 0
    envelope = push_events.Envelope(account["original_id"], account["appid"], openid, clock.unix(), msg_id)
    try:
        return push_events.composed(name, fields, envelope, template_id)
    except push_events.Wrong as error:
        wrong = {f"fields.{key}": [why] for key, why in error.wrong.items()}
        raise Problem("FIELD_INVALID", f"{name} cannot be built: see fields", wrong) from error


def tell(app: str, person: str, said: dict[str, Any]) -> Event | None:
    """Push a message after the commit; None where the app has no address."""
    where = address(app)
    if where is None:
        return None
    pauses = [number("wechat.push_pause_seconds")] * number("wechat.push_retries")
    return emit(
        "wechat",
        said["Event"] if said["MsgType"] == "event" else said["MsgType"],
        person,
        said,
        where.url,
        person=person,
        account=APPS[app],
        mode=where.mode,
        form=where.format,
        pauses=pauses,
        silence_only=switches.value("wechat.push_bad_answer") == "dropped",
    )


def tell_list(openid: str, person: str, name: str, items: list[dict[str, str]]) -> None:
    """One of the three subscribe events of the mini program."""
    if items and address("mini_program"):
        tell("mini_program", person, message("mini_program", openid, name, {"List": items}))

"""`yibao walk`: the whole journey over HTTP as a phone would do it, one line a step, in a space of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import click

from mock_providers import clock
from mock_providers.phone.handset import Handset, Refusal

DEFAULT_BASE = "http://127.0.0.1:8000"
STARTS_WITHIN_SECONDS = 60
Json = dict[str, Any]
Steps = tuple[tuple[str, Callable[[Any], str]], ...]


class Wrong(AssertionError):
    """A step ended otherwise than it should."""


def expect(what: str, found: Any, wanted: Any) -> None:
    """Raise Wrong unless the two are equal."""
    if found != wanted:
        raise Wrong(f"{what} is {found!r}, should be {wanted!r}")


@dataclass
class Walk:
    """What the steps share: the phone, and what they made."""

    phone: Handset
    child: Json = field(default_factory=dict)
    spouse: Json = field(default_factory=dict)
    bought: Json = field(default_factory=dict)
    for_child: Json = field(default_factory=dict)

    def log_in(self) -> str:
        self.phone.log_in("P01")
        return f"P01 {self.phone.api('GET', '/me')['openid_masked']}"

    def give_phone_number(self) -> str:
        return str(self.phone.give_phone_number()["phone_masked"])

    def subscribe(self) -> str:
        said = self.phone.subscribe()
        expect("requestSubscribeMessage", said.pop("errMsg"), "requestSubscribeMessage:ok")
        expect("answers", set(said.values()), {"accept"})
        return f"{len(said)} templates accepted, in a pop-up for each kind"

    def bind_real_name(self) -> str:
        me = self.phone.bind_real_name()
        return f"{me['name_masked']} {me['id_number_masked']}"

    def activate_credential(self) -> str:
        credential = self.phone.activate_credential()
        expect("credential", credential["state"], "ACTIVE")
        return "ACTIVE"

    def show_code(self) -> str:
        code = self.phone.api("POST", "/credential/codes", {})
        expect("length of the code", len(code["code"]), 28)
        return f"{code['code'][:8]}… until {code['expires_at']}"

    def bind_child(self) -> str:
        self.child = self.phone.bind("P04")
        expect("binding of the child", self.child["state"], "ACTIVE")
        return "P04, 8 years: letter, no face of the child → ACTIVE"

    def bind_spouse(self) -> str:
        self.spouse = self.phone.bind("P07")
        expect("binding of the spouse", self.spouse["state"], "ACTIVE")
        return "P07, adult: letter and her own face → ACTIVE"

    def edit(self) -> str:
        edited = self.phone.api("PATCH", f"/bindings/{self.spouse['id']}", {"phone": "15400000099"})
        expect("binding after an edit of the phone", edited["state"], "ACTIVE")
        return "phone changed, still ACTIVE"

    def unbind_and_bind_again(self) -> str:
        self.phone.api("DELETE", f"/bindings/{self.spouse['id']}")
        self.spouse = self.phone.bind("P07")
        expect("second binding", self.spouse["state"], "ACTIVE")
        return "UNBOUND, then ACTIVE again"

    def refuse_sibling_in_law(self) -> str:
        binding_id = self.phone.start_binding()["id"]
        try:
            self.phone.fill_in(binding_id, "P16")
        except Refusal as refusal:
            expect("refusal of a parent-in-law", refusal.code, "FA_RELATION_NOT_ALLOWED")
            return "P16 parent-in-law: FA_RELATION_NOT_ALLOWED"
        raise Wrong("a parent-in-law was accepted")

    def buy_for_oneself(self) -> str:
        self.bought = self.phone.buy("P46019900008", [("D05", 1), ("D07", 1)])
        expect("settlement", self.bought["state"], "SETTLED")
        expect_split(self.bought, total=3130, pooled=0, own=3130, mutual=0, wallet=0, cash=0)
        return "31.30 元 from the own account, SETTLED by MEDICAL_INSURANCE.SUCCESS and 6302"

    def buy_for_child(self) -> str:
        self.for_child = self.phone.buy(
            "P46019900008",
            [("D01", 2), ("D17", 1)],
            for_person="P04",
            patient_binding_id=self.child["id"],
            prescription_no="RXSAMPLE-E2",
        )
        expect("settlement", self.for_child["state"], "SETTLED")
        expect_split(self.for_child, total=5340, pooled=2759, own=0, mutual=0, wallet=0, cash=2581)
        return "53.40 元 = 27.59 pooled + 25.81 cash, SETTLED by three callbacks"

    def receipt(self) -> str:
        receipt = self.phone.api("GET", f"/settlements/{self.for_child['id']}/receipt")
        return f"{receipt['title']} {receipt['payment_order']}, {receipt['split']['total_fen']} fen"

    def records(self) -> str:
        rows = self.phone.api("GET", "/records")["items"]
        summary = self.phone.api("GET", "/records/summary")
        expect("records", sorted(row["id"] for row in rows), sorted([self.bought["id"], self.for_child["id"]]))
        return f"{len(rows)} rows, {summary['year']}: {summary['net']['total_fen']} fen"

    def refund(self) -> str:
        refunded = self.phone.refund(self.for_child["id"])
        expect("settlement after its refund", refunded["state"], "REFUNDED")
        return "6203, cash refund, refund report and REFUND.SUCCESS → REFUNDED"

    def totals_after_refund(self) -> str:
        summary = self.phone.api("GET", "/records/summary")
        expect("total of the year", summary["net"]["total_fen"], 3130)
        return f"spent {summary['spent']['total_fen']}, returned {summary['returned']['total_fen']}: 3130 fen"

    def messages(self) -> str:
        self.phone.deliver()
        titles = [message["title"].partition("(")[0] for message in self.phone.messages()]
        wanted = {"亲情账户绑定结果通知": 1, "医保结算结果通知": 2, "医保退费结果通知": 1}
        expect("messages", {title: titles.count(title) for title in titles}, wanted)
        return "a binding (asked once: told once), two settlements, a refund"

    def log_out(self) -> str:
        self.phone.api("POST", "/logout", {})
        expect("status after logout", self.phone.ask("GET", "/me").status_code, 401)
        return "token refused afterwards"


def expect_split(settlement: Json, **wanted: int) -> None:
    """The five parts and the total, to the fen."""
    found = {key: settlement["split"][f"{key}_fen"] for key in wanted}
    expect("split", found, wanted)
    expect("sum of the parts", sum(found.values()) - found["total"], found["total"])


STEPS: Steps = (
    ("授权登录 log in", Walk.log_in),
    ("手机号 phone number", Walk.give_phone_number),
    ("订阅消息 subscribe", Walk.subscribe),
    ("实名 real name", Walk.bind_real_name),
    ("激活医保电子凭证 credential", Walk.activate_credential),
    ("医保码 code", Walk.show_code),
    ("添加就诊人 child", Walk.bind_child),
    ("添加就诊人 spouse", Walk.bind_spouse),
    ("编辑 edit", Walk.edit),
    ("解除绑定并重新绑定 re-bind", Walk.unbind_and_bind_again),
    ("不可绑定的关系 refusal", Walk.refuse_sibling_in_law),
    ("购药 本人 buy", Walk.buy_for_oneself),
    ("购药 代付 buy for the child", Walk.buy_for_child),
    ("收据 receipt", Walk.receipt),
    ("记录 records", Walk.records),
    ("退款 refund", Walk.refund),
    ("年度合计 totals", Walk.totals_after_refund),
    ("收到的消息 messages", Walk.messages),
    ("退出 log out", Walk.log_out),
)


@contextmanager
def server(base: str | None) -> Iterator[str]:
    """The address of a running server; one is started, with nothing kept, where none answers."""
    import requests

    def answers(address: str) -> bool:
        try:
            return bool(requests.get(f"{address}/healthz", timeout=2).ok)
        except requests.RequestException:
            return False

    if base is not None or answers(DEFAULT_BASE):
        found = base or DEFAULT_BASE
        if not answers(found):
            print(f"no server at {found}; start one with `yibao up`", file=sys.stderr)
            raise SystemExit(3)
        yield found.rstrip("/")
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "up", "--port", "0", "--ephemeral"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("yibao ready on "):
            print("the server did not start", file=sys.stderr)
            raise SystemExit(3)
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(STARTS_WITHIN_SECONDS)


def crossed(phone: Handset, after: str | None) -> tuple[str | None, list[str]]:
    """What crossed the wire since the cursor: vendor calls and callback attempts, in order."""
    lines: list[str] = []
    while True:
        page = phone.control("GET", f"timeline?limit=500{f'&after={after}' if after else ''}")
        lines += [row["summary"] for row in page["items"] if row["kind"] in ("call", "attempt")]
        after = page["next"] or (page["items"][-1]["cursor"] if page["items"] else after)
        if page["next"] is None:
            return after, lines


@click.command()
@click.option("--channel", type=click.Choice(["wechat", "national"]), default="wechat", show_default=True)
@click.option("--base", envvar="YIBAO_BASE", help=f"a running server; {DEFAULT_BASE} is tried, else one is started")
@click.option("--keep", is_flag=True, help="keep the space, to look at it afterwards")
@click.option("--json", "as_json", is_flag=True, help="one object a step")
def walk(channel: str, base: str | None, keep: bool, as_json: bool) -> None:
    """Walk the journey as a phone would: log in, bind, sign, face, buy, refund. Exits 0 only if all is right.

    Example: yibao walk --channel national --keep
    """
    with server(base) as address:
        journey, steps = of_channel(channel, address)
        phone = journey.phone
        space = new_space(phone)
        try:
            failed = take_steps(journey, as_json, steps)
        finally:
            if not keep:
                phone.space = "default"
                phone.control("DELETE", f"spaces/{space}")
    raise SystemExit(1 if failed else 0)


def new_space(phone: Handset) -> str:
    """An empty space: walk-1, or the next number nobody has. All that is made up in it follows from its name, and
    its clock stands still on a full minute: two walks tell the same story.
    """
    for number in count(1):
        try:
            phone.space = str(phone.control("POST", "spaces", {"name": f"walk-{number}"})["name"])
        except Refusal as refusal:
            if refusal.code != "SPACE_EXISTS":
                raise
        else:
            now = datetime.fromisoformat(phone.control("GET", "clock")["now"]).replace(second=0, microsecond=0)
            phone.control("POST", "clock", {"set": now.isoformat(), "freeze": True})
            return phone.space
    raise AssertionError


def of_channel(channel: str, address: str) -> tuple[Walk, Steps]:
    """Whose journey it is, and its steps."""
    if channel == "wechat":
        return Walk(Handset(address)), STEPS
    from mock_providers.phone import walk_national
    from mock_providers.phone.national_handset import NationalHandset

    return walk_national.NationalWalk(NationalHandset(address)), walk_national.STEPS


def take_steps(journey: Walk, as_json: bool, steps: Steps) -> int:
    """Every step in order, one line each; how many failed (the first failure ends the walk)."""
    cursor: str | None = None
    for number, (title, step) in enumerate(steps, 1):
        began = clock.monotonic()
        try:
            said, good = step(journey), True
            journey.phone.deliver()
        except (Wrong, Refusal, KeyError, ConnectionError) as error:
            said, good = f"{type(error).__name__}: {error}", False
        ms = (clock.monotonic() - began) * 1000
        cursor, wire = crossed(journey.phone, cursor)
        if as_json:
            row = {"step": number, "title": title, "ok": good, "ms": round(ms, 1), "said": said, "wire": wire}
            print(json.dumps(row, ensure_ascii=False), flush=True)
        else:
            wired = f"  ⇄ {'; '.join(wire)}" if wire else ""
            print(f"{'ok  ' if good else 'FAIL'} {number:>2} {ms:7.1f} ms  {title}: {said}{wired}", flush=True)
        if not good:
            return 1
    return 0

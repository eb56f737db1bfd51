"""A pharmacy's till: somebody else's program, which knows the platform's addresses and keys and nothing of the mocks.

It signs in, scans a 医保码, prices and settles a basket (2101, 2102), takes it back (2103), undoes what it got no
answer to (2601), and closes its day (3201, 3202 with its own detail file). `yibao till` shows it on a stage.
"""

import hashlib
import io
import itertools
import json
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from mock_providers import clock

Json = dict[str, Any]
Answer = tuple[int, bytes]
Post = Callable[[str, bytes, Mapping[str, str]], Answer]  # path, body, headers; raises OSError when nothing answers
Clock = Callable[[], datetime]
COLUMNS = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag")
LEGS = ("fund_pay_sumamt", "acct_pay", "acct_mulaid_pay", "psn_cash_pay", "balc")


class Said(Exception):
    """The platform refused; the text is its own."""


class Lost(Exception):
    """No answer came, or one that says nothing: whether it happened is unknown until 2601 has undone it."""


@dataclass(frozen=True)
class Customer:
    """Who showed a code. `token` is good at this till, for a while."""

    psn_no: str
    name: str
    token: str
    insutype: str
    area: str
    balance: Decimal


@dataclass(frozen=True)
class Goods:
    """One line: the till's own item code, how many, the price in yuan, the packs' trace codes, the prescription."""

    code: str
    count: int
    price: Decimal
    traces: tuple[str, ...] = ()
    rxno: str = ""


@dataclass
class Till:
    """One counter of a pharmacy. `book` is what it believes it settled: one row a settlement or refund."""

    post: Post
    keys: Mapping[str, Any]
    now: Clock
    institution: str = ""
    operator: str = "001"
    number: int = 1
    book: list[Json] = field(default_factory=list)
    sign_no: str = ""

    def __post_init__(self) -> None:
        self.institution = self.institution or self.keys["fixmedins_code"]
        self.serials: Iterator[int] = itertools.count(self.number * 1_000_000 + clock.wall_ns() % 900_000)
        self.messages: Iterator[int] = itertools.count(clock.wall_ns() % 1000)
        self.items: dict[str, str] = {}

    # the wire

    def headers(self) -> dict[str, str]:
        """x-tif: SHA-256 over time, secret, nonce, time."""
        stamp, nonce = str(clock.wall_unix()), f"{self.number}n{next(self.serials)}t{clock.wall_ns()}"
        signature = hashlib.sha256(f"{stamp}{self.keys['secret']}{nonce}{stamp}".encode()).hexdigest()
        return {
            "Content-Type": "application/json",
            "x-tif-paasid": self.keys["paas_id"],
            "x-tif-timestamp": stamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": signature,
        }

    def msgid(self) -> str:
        """Institution (12), time (14), counter (1), its own serial (3): no two counters ever send the same."""
        return f"{self.institution}{self.now():%Y%m%d%H%M%S}{self.number % 10}{next(self.messages) % 1000:03d}"

    def call(self, infno: str, content: Json, area: str = "", msgid: str = "") -> Any:
        """One transaction; its output. Raises Said or Lost."""
        return self.read(self.send(infno, content, area, msgid))

    def send(self, infno: str, content: Json, area: str = "", msgid: str = "") -> bytes:
        envelope = {
            "infno": infno,
            "msgid": msgid or self.msgid(),
            "mdtrtarea_admvs": self.institution[1:7],
            "insuplc_admdvs": area,
            "recer_sys_code": "FSI_LOCAL",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": self.operator,
            "opter_name": "收银员",
            "inf_time": self.now().strftime("%Y-%m-%d %H:%M:%S"),
            "fixmedins_code": self.institution,
            "fixmedins_name": "样例药店",
            "sign_no": self.sign_no if infno not in ("9001", "9002") else "",
            "input": content,
        }
        body = json.dumps(envelope, ensure_ascii=False, default=str).encode()
        try:
            status, answer = self.post(self.path, body, self.headers())
        except OSError as error:
            raise Lost(f"{infno}: {error}") from error
        if status >= 500:
            raise Lost(f"{infno}: HTTP {status}")
        return answer

    @property
    def path(self) -> str:
        return "/national" + self.keys["gateway_url"].partition("/national")[2]

    def read(self, body: bytes) -> Any:
        try:
            answer = json.loads(body, parse_float=Decimal)
        except ValueError as error:
            raise Lost("the answer is not JSON") from error
        if str(answer.get("infcode")) != "0":
            raise Said(answer.get("err_msg") or "refused")
        return answer.get("output")

    # the day

    def sign_in(self) -> str:
        node = {"opter_no": self.operator, "mac": "00-00-00-00-00-01", "ip": "127.0.0.1"}
        self.sign_no = self.call("9001", {"signIn": node})["signinoutb"]["sign_no"]
        return self.sign_no

    def sign_out(self) -> None:
        self.call("9002", {"signOut": {"sign_no": self.sign_no, "opter_no": self.operator}})
        self.sign_no = ""

    def learn_items(self) -> int:
        """1317: which national code each of our own item codes is."""
        asked = {"updt_time": "2022-01-01 00:00:00", "page_num": 1, "page_size": 100}
        rows = self.call("1317", {"data": asked})["data"]
        self.items = {row["medins_list_codg"]: row["med_list_codg"] for row in rows}
        return len(self.items)

    # a customer

    def scan(self, code: str = "") -> Customer:
        """ec.query with the scanned code, or what the terminal's own scanner is shown; then 1101."""
        asked = {
            "orgId": self.institution,
            "businessType": "02121",
            "operatorId": self.operator,
            "operatorName": "收银员",
            "officeId": "01",
            "officeName": "收银台",
            "ecQrCode": code,
        }
        message = {"orgId": self.institution, "transType": "ec.query", "data": asked, "extra": {}}
        headers = {"Content-Type": "application/json"}
        path = "/national/localcfc/api/hsecfc/localQrCodeQuery"
        try:
            _, body = self.post(path, json.dumps(message, ensure_ascii=False).encode(), headers)
        except OSError as error:
            raise Lost(f"ec.query: {error}") from error
        answer = json.loads(body)
        if answer.get("code") != 0:
            raise Said(answer.get("message", "refused"))
        return self.identify(answer["data"]["ecToken"])

    def identify(self, token: str) -> Customer:
        shown = self.call("1101", {"data": {"mdtrt_cert_type": "01", "mdtrt_cert_no": token}})
        insured = next(row for row in shown["insuinfo"] if row["psn_insu_stas"] in ("1", "2"))
        base = shown["baseinfo"]
        area, kind = insured["insuplc_admdvs"], insured["insutype"]
        return Customer(base["psn_no"], base["psn_name"], token, kind, area, insured["balc"])

    def _bill(self, who: Customer, goods: Sequence[Goods], moment: str) -> Json:
        rows = [self._line(one, moment) for one in goods]
        head = {
            "psn_no": who.psn_no,
            "mdtrt_cert_type": "01",
            "mdtrt_cert_no": who.token,
            "begntime": moment,
            "medfee_sumamt": str(sum(Decimal(row["det_item_fee_sumamt"]) for row in rows)),
            "insutype": who.insutype,
            "acct_used_flag": "1",
            "med_type": "41",
        }
        return {"druginfo": head, "drugdetail": rows}

    def _line(self, one: Goods, moment: str) -> Json:
        return {
            "feedetl_sn": f"{self.number}L{next(self.serials)}",
            "rxno": one.rxno,
            "rx_circ_flag": "1" if one.rxno else "0",
            "fee_ocur_time": moment,
            "med_list_codg": self.items[one.code],
            "medins_list_codg": one.code,
            "det_item_fee_sumamt": f"{one.price * one.count:.2f}",
            "cnt": one.count,
            "pric": str(one.price),
            "drugtracinfo": [{"drug_trac_codg": code} for code in one.traces],
        }

    def quote(self, who: Customer, goods: Sequence[Goods]) -> Json:
        """2101."""
        moment = self.now().strftime("%Y-%m-%d %H:%M:%S")
        info: Json = self.call("2101", self._bill(who, goods, moment), who.area)["setlinfo"]
        return checked(info)

    def settle(self, who: Customer, goods: Sequence[Goods]) -> Json:
        """2102; a lost answer is undone by 2601 before Lost is raised, so that trying again is safe."""
        msgid, moment = self.msgid(), self.now().strftime("%Y-%m-%d %H:%M:%S")
        try:
            info = self.call("2102", self._bill(who, goods, moment), who.area, msgid)["setlinfo"]
        except Lost:
            self.undo(msgid, "2102", who)
            raise
        self._note(checked(info), info["psn_part_amt"], "0")
        return info

    def undo(self, msgid: str, infno: str, who: Customer) -> bool:
        """2601: afterwards the transaction never happened. False: it never had."""
        node = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": infno}
        try:
            self.call("2601", {"data": node}, who.area)
        except Said as said:
            if "未查询到" in str(said):
                return False
            raise
        return True

    def refund(self, info: Mapping[str, Any], area: str) -> Json:
        """2103 of a settlement."""
        node = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
        said = self.call("2103", {"data": node}, area)["setlinfo"]
        for row in self.book:
            if row["setl_id"] == info["setl_id"]:
                row["refd_setl_flag"] = "1"
        self._note({**said, "psn_no": info["psn_no"], "insutype": info["insutype"]}, said["psn_pay"], "1")
        return dict(said)

    def _note(self, info: Mapping[str, Any], personal: Decimal, refunded: str) -> None:
        row = {name: info.get(name) for name in COLUMNS}
        self.book.append({**row, "insutype": info["insutype"], "personal": personal, "refd_setl_flag": refunded})

    # the evening

    def close_day(self, day: str = "") -> tuple[dict[str, str], list[list[str]]]:
        """3201 for each kind of insurance, then 3202 with our own book: the results, and the lines that differ."""
        day = day or self.now().strftime("%Y-%m-%d")
        results = {kind: self._totals(day, kind) for kind in sorted({row["insutype"] for row in self.book})}
        return results, self._differences(day)

    def _sum(self, name: str, rows: Sequence[Json]) -> str:
        return f"{sum((Decimal(str(row[name])) for row in rows), Decimal(0)):.2f}"

    def _totals(self, day: str, insutype: str) -> str:
        rows = [row for row in self.book if row["insutype"] == insutype]
        data = {
            "insutype": insutype,
            "clr_type": "41",
            "setl_optins": self.institution[1:7],
            "stmt_begndate": day,
            "stmt_enddate": day,
            **{name: self._sum(name, rows) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")},
            "fixmedins_setl_cnt": len(rows),
        }
        return str(self.call("3201", {"data": data})["stmtinfo"]["stmt_rslt"])

    def _differences(self, day: str) -> list[list[str]]:
        text = "".join("\t".join(str(row[name]) for name in COLUMNS) + "\n" for row in self.book)
        node = {"in": b64encode(_zip(text)).decode(), "filename": "detail.zip", "fixmedins_code": self.institution}
        sent = self.call("9101", {"fsUploadIn": node})["file_qury_no"]
        cash = [{"cash": row["personal"] - Decimal(str(row["acct_pay"]))} for row in self.book]
        data = {
            "setl_optins": self.institution[1:7],
            "file_qury_no": sent,
            "stmt_begndate": day,
            "stmt_enddate": day,
            **{name: self._sum(name, self.book) for name in ("medfee_sumamt", "fund_pay_sumamt")},
            "cash_payamt": self._sum("cash", cash),
            "fixmedins_setl_cnt": len(self.book),
            "clr_type": "41",
        }
        made = self.call("3202", {"data": data})["fileinfo"]
        asked = {"file_qury_no": made["file_qury_no"], "filename": "plc", "fixmedins_code": self.institution}
        with zipfile.ZipFile(io.BytesIO(self.send("9102", {"fsDownloadIn": asked}))) as archive:
            inside = archive.read(archive.namelist()[0]).decode()
        return [line.split("\t") for line in inside.splitlines()]


def checked(info: Json) -> Json:
    """The identities of nhsa §2.5, held against an answer as any careful till does. Raises Said."""
    holds = (
        info["medfee_sumamt"]
        == sum(info[n] for n in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"))
        and info["medfee_sumamt"] == info["fund_pay_sumamt"] + info["psn_part_amt"] + info["hosp_part_amt"]
        and info["psn_part_amt"] == info["acct_pay"] + info["psn_cash_pay"]
    )
    if not holds:
        raise Said("the parts of the settlement do not add up")
    return info


def _zip(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("detail.txt", text.encode())
    return out.getvalue()


def over_http(base: str, space: str) -> Post:
    """Posts to a running server, in a space."""
    import requests

    session = requests.Session()
    session.trust_env = False

    def post(path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        said = {**headers, "X-Yibao-Space": space}
        answer = session.post(base + path, data=body, headers=said, timeout=30, allow_redirects=False)
        return answer.status_code, answer.content

    return post


BASKET = (("D05", "18.50"), ("D07", "12.80"))


HELP = "A pharmacy's counter: scan a code, price, settle, refund, close the day. Example: yibao till --lose-answer"


@click.command("till", help=HELP)
@click.option("--person", default="P01", show_default=True, help="Who stands at the counter with a phone.")
@click.option("--item", "items", multiple=True, metavar="CODE:PRICE", help="What they buy (default D05 and D07).")
@click.option(
    "--lose-answer", is_flag=True, help="The first 2102 gets no answer: the till undoes it and tries again."
)
@click.option("--keep", is_flag=True, help="Do not take the sale back.")
@click.option("--base", default="http://127.0.0.1:8000", envvar="YIBAO_BASE", show_default=True)
@click.option("--space", default="", help="Whose day it is; without one, a new space and so an empty book.")
@click.option("--token", default="", envvar="YIBAO_ADMIN_TOKEN", help="Admin token, if the server demands one.")
@click.option("--json", "as_json", is_flag=True, help="One object a step.")
def till(
    person: str,
    items: tuple[str, ...],
    lose_answer: bool,
    keep: bool,
    base: str,
    space: str,
    token: str,
    as_json: bool,
) -> None:
    from mock_providers.control.shell import Client, fail

    control = Client(base, space or "default", token, as_json)
    if not space:
        control.space = control.ask("POST", "spaces", {"name": _free_name(control)})["name"]
    keys = control.ask("GET", "credentials")["national"]
    counter = Till(over_http(base.rstrip("/"), control.space), keys, lambda: _business_time(control))
    priced = [tuple(item.partition(":")[::2]) for item in items] or list(BASKET)
    try:
        for step, said in _counter_day(counter, control, person, priced, lose_answer, keep):
            row = json.dumps({"step": step, "said": said}, ensure_ascii=False, default=str)
            click.echo(row if as_json else f"{step:<22} {said}")
    except (Said, Lost, KeyError, ValueError, ArithmeticError) as error:
        fail(1, f"{type(error).__name__}: {error}")


def _free_name(control: Any) -> str:
    """till-1, or the next number nobody has: all that is made up in a space follows from its name."""
    taken = {space["name"] for space in control.pages("spaces", 100_000)}
    return next(name for number in itertools.count(1) if (name := f"till-{number}") not in taken)


def _business_time(control: Any) -> datetime:
    return datetime.fromisoformat(control.ask("GET", "clock")["now"])


def _goods(counter: Till, priced: Sequence[Any]) -> list[Goods]:
    packs = itertools.count(clock.wall_ns() % 10**17)
    return [Goods(code, 1, Decimal(price), (f"84{next(packs):018d}",)) for code, price in priced]


def _counter_day(
    counter: Till, control: Any, person: str, priced: Sequence[Any], lose_answer: bool, keep: bool
) -> Iterator[tuple[str, str]]:
    yield "9001 sign in", counter.sign_in()
    yield "1317 own items", str(counter.learn_items())
    shown = control.ask("POST", "phone/national/code", {"person": person, "institution": counter.institution})
    yield f"{person} shows a code", f"{shown['ecQrCode'][:8]}…, decodable until {shown['decodable_until']}"
    who = counter.scan(shown["ecQrCode"])
    yield "ec.query, 1101", f"{who.name} {who.insutype}, balance {who.balance}"
    goods = _goods(counter, priced)
    yield "2101 price", _legs(counter.quote(who, goods))
    if lose_answer:
        control.ask("POST", "outcomes", {"target": "national.2102", "outcome": "timeout", "count": 1})
        try:
            counter.settle(who, goods)
        except Lost as lost:
            yield "2102 no answer", f"{lost}; 2601 has undone it"
    info = counter.settle(who, goods)
    yield "2102 settle", f"{info['setl_id']} {_legs(info)}"
    if not keep:
        back = counter.refund(info, who.area)
        yield "2103 refund", f"{back['setl_id']} medfee {back['medfee_sumamt']}, balance {back['balc']}"
    results, differences = counter.close_day()
    yield (
        "3201 totals",
        ", ".join(f"{kind}: {'balanced' if r == '0' else 'NOT BALANCED'}" for kind, r in results.items()),
    )
    yield "3202 lines", f"{len(counter.book)} in the book, {len(differences)} differ"
    counter.sign_out()
    yield "9002 sign out", "good night"
    if any(result != "0" for result in results.values()) or differences:
        raise Said("the day does not balance")


def _legs(info: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {info[name]}" for name in ("medfee_sumamt", *LEGS))

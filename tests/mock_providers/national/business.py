"""Institutions that do random business and keep a book of their own: what they believe the bureau must now know.

Every answer is held against every identity of the protocol sheet (§2.5) before it goes into the book; `check` holds
the book against balances, yearly counters, ledger rows and 3201. Used by test_random_business.py and the benchmark.
"""

import hashlib
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Flask, g
from sqlalchemy import func, select

from mock_providers import accounts, clock, spaces, switches
from mock_providers.db import db
from mock_providers.national import person as bureau
from mock_providers.national.models import FeeLine, PrescriptionUse, Settlement, TraceCode, YearCounter
from mock_providers.people import world
from tests.mock_providers.national.institution import Institution

Json = dict[str, Any]
BEGINS = datetime.fromisoformat("2025-12-01T10:00:00+08:00")
PHARMACIES = ("P46019900008", "P46019900009", "P46019900010", "P46019900012")
HOSPITALS = ("H46019900001", "H46019900003", "H46019900004", "H46019900005", "H46019900006")
PEOPLE = ("P01", "P02", "P03", "P04", "P05", "P07", "P08", "P11", "P12", "P14", "P15", "P16", "P17", "P19", "P20")
PEOPLE += ("P21", "P22", "P23", "P24", "P25")
GOODS = {f"D{n:02d}": price for n, price in enumerate((680, 2440, 3120, 390, 1850, 720, 1280, 960, 560, 2310), 1)}
GOODS |= {"D13": 2860, "D14": 1260, "D17": 3980, "D20": 1480, "D24": 47800, "D25": 2990, "X01": 19900, "X02": 1580}
MOBILE = ("D05", "D07", "D25", "X01")
CENT = Decimal("0.01")
SERIAL = itertools.count(1)
AGREED = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")


class Said(Exception):
    """The platform refused; the text is its own."""


@dataclass
class Entry:
    """A row of the book: a settlement, or the negative of one. `fund`, `account` as the answer called them."""

    setl_id: str
    mdtrt_id: str
    person: str
    institution: str
    clr_type: str
    day: str
    total: Decimal
    fund: Decimal
    account: Decimal
    cash: Decimal
    refunded: bool = False


@dataclass
class Live:
    """A settlement that stands, and what it took from whom, in yuan. `order` of the payment centre, and its 6202."""

    entry: Entry
    infno: str
    msgid: str
    year: int
    own: Decimal
    mutual: Decimal
    giver: str
    pooled: Decimal
    deductible: Decimal
    order: tuple[Json, Json] | None = None


@dataclass
class Taken:
    """The refund just made, for 2601."""

    one: Live
    twin: Entry
    infno: str
    msgid: str


@dataclass
class Business:
    """Random settlements and refunds in one space."""

    app: Flask
    space: str
    choose: random.Random
    set_switches: Mapping[str, str] = field(default_factory=dict)
    book: list[Entry] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        with self.app.app_context():
            g.write_mode = True
            spaces.create(self.space, next(SERIAL), 0)
            clock.stand(self.space, BEGINS)
            db.session.commit()
        self.now = BEGINS
        with self.writing():
            self.account = accounts.account("national")
            for name, value in self.set_switches.items():
                switches.put(f"national.{name}", value)
            self._people()
        self.exclusive = self.set_switches.get("acct_mulaid_mode") == "exclusive"
        self.includes = self.set_switches.get("fund_sum_includes_account") == "true"
        self.mobile = Institution(self.app, self.client, self.space)
        self.before = self.known()
        self.taken: Taken | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        with spaces.entered(self.app, self.space):
            g.write_mode = True
            yield
            db.session.commit()

    def _people(self) -> None:
        """Balances at random, and mutual aid between some of them."""
        for who in PEOPLE:
            insured = world().people[who].insurance
            assert insured
            if insured.type == "310":
                bureau.adjust(who, balance_fen=self.choose.choice([0, 100, 5_000, 120_000, 3_000_000]))
        givers = [who for who in PEOPLE if self.standing(who).type == "310" and who != "P11"]
        for who in self.choose.sample(PEOPLE, 12):
            bureau.adjust(who, mutual_aid_from=self.choose.choice([one for one in givers if one != who]))

    @property
    def moved(self) -> int:
        """How many settlements, refunds and reversals so far."""
        return sum(count for what, count in self.counts.items() if what not in ("refused", "2202"))

    def standing(self, who: str) -> Any:
        return world().people[who].insurance

    def known(self) -> dict[str, Json]:
        """What the bureau knows of everybody."""
        with spaces.entered(self.app, self.space):
            g.write_mode = False
            return {who: bureau.describe(who) for who in PEOPLE}

    # the wire

    def call(self, infno: str, content: Json, at: str, msgid: str = "") -> Any:
        """One transaction; its output, amounts as Decimal. Raises Said."""
        moment = self.now.strftime("%Y-%m-%d %H:%M:%S")
        envelope = {
            "infno": infno,
            "msgid": msgid or self.msgid(at),
            "mdtrtarea_admvs": "460100",
            "insuplc_admdvs": "460100",
            "recer_sys_code": "FSI_LOCAL",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "001",
            "opter_name": "样例",
            "inf_time": moment,
            "fixmedins_code": at,
            "fixmedins_name": "样例机构",
            "sign_no": "",
            "input": content,
        }
        stamp, nonce = str(clock.wall_unix()), f"b{next(SERIAL)}"
        signature = hashlib.sha256(f"{stamp}{self.account['secret']}{nonce}{stamp}".encode()).hexdigest()
        headers = {"x-tif-paasid": self.account["paas_id"], "x-tif-timestamp": stamp, "x-tif-nonce": nonce}
        headers |= {"x-tif-signature": signature, "X-Yibao-Space": self.space, "Content-Type": "application/json"}
        body = json.dumps(envelope, ensure_ascii=False, default=str).encode()
        answer = self.client.post("/national/fsi/gateway", data=body, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
        said = json.loads(answer.get_data(), parse_float=Decimal)
        if said["infcode"] != 0:
            raise Said(said["err_msg"])
        return said["output"]

    def msgid(self, at: str) -> str:
        return f"{at}{self.now:%Y%m%d}{next(SERIAL):010d}"

    def advance(self) -> None:
        """Minutes, sometimes a night, go by; never past the year."""
        self.now = min(self.now + timedelta(minutes=self.choose.choice([0, 1, 7, 45])), BEGINS + timedelta(days=29))
        with self.writing():
            clock.stand(self.space, self.now)

    # one thing after another

    def step(self) -> str:
        """Something at random; what it was."""
        self.advance()
        roll, taken = self.choose.random(), self.taken
        self.taken = None
        if taken and roll < 0.15:
            done = self._unrefund(taken)
        elif self.live and roll < 0.30:
            done = self.refund(self.live[self.choose.randrange(len(self.live))])
        elif self.live and roll < 0.36:
            done = self.reverse(self.live[self.choose.randrange(len(self.live))])
        elif roll < 0.42:
            done = self.nonsense()
        else:
            done = self.choose.choices([self.pharmacy, self.visit, self.pay], [6, 2, 1.5])[0]()
        self.counts[done] = self.counts.get(done, 0) + 1
        return done

    def lines(self, at: str, most: int = 5) -> list[Json]:
        codes = self.choose.sample(sorted(GOODS), self.choose.randint(1, most))
        return [self.line(at, code, self.choose.choice([1, 1, 2, 3])) for code in codes]

    def line(self, at: str, code: str, count: int) -> Json:
        item, serial = world().items[code], next(SERIAL)
        traces = [{"drug_trac_codg": f"85{next(SERIAL):018d}"} for _ in range(count)]
        price = GOODS[code] + self.choose.choice([0, 0, 1, 33, 50])
        rxno = f"RX{serial}" if item.prescription or (item.kind == "drug" and self.choose.random() < 0.3) else ""
        return {
            "feedetl_sn": f"{at[-2:]}L{serial}",
            "rxno": rxno,
            "rx_circ_flag": "1" if rxno else "0",
            "fee_ocur_time": self.now.strftime("%Y-%m-%d %H:%M:%S"),
            "med_list_codg": item.med_list_codg,
            "medins_list_codg": code,
            "det_item_fee_sumamt": f"{Decimal(price * count) / 100:.2f}",
            "cnt": count,
            "pric": f"{Decimal(price) / 100:.2f}",
            "drugtracinfo": traces if item.kind == "drug" and at.startswith("P") else [],
        }

    def head(self, who: str, lines: Sequence[Json]) -> Json:
        person = world().people[who]
        return {
            "psn_no": person.psn_no,
            "mdtrt_cert_type": "02" if person.id_type == "id_card" else "99",
            "mdtrt_cert_no": person.id_number,
            "begntime": f"{self.begins():%Y-%m-%d %H:%M:%S}",
            "medfee_sumamt": str(sum(Decimal(row["det_item_fee_sumamt"]) for row in lines)),
            "insutype": self.standing(who).type,
            "acct_used_flag": "0" if self.choose.random() < 0.1 else "1",
            "med_type": "41",
        }

    def begins(self) -> datetime:
        """When a purchase took place: now, or now and then last year, under last year's rules and counters."""
        return self.now - timedelta(days=365 if self.choose.random() < 0.08 else 0)

    def pharmacy(self) -> str:
        """2102, sometimes after 2101."""
        who, at = self.choose.choice(PEOPLE), self.choose.choice(PHARMACIES)
        lines, msgid = self.lines(at), self.msgid(at)
        bill = {"druginfo": self.head(who, lines), "drugdetail": lines}
        asked = self.call("2101", bill, at) if self.choose.random() < 0.2 else None
        said = self.call("2102", bill, at, msgid)
        if asked:
            changes = ("mdtrt_id", "setl_id", "medins_setl_id")
            assert without(asked["setlinfo"], *changes) == without(said["setlinfo"], *changes)
            assert (asked["setldetail"], asked["detlcutinfo"]) == (said["setldetail"], said["detlcutinfo"])
        line_identities(said["detlcutinfo"], said["setlinfo"])
        self.note(said, who, at, "2102", msgid, bill["druginfo"])
        return "2102"

    def visit(self) -> str:
        """2201 to 2207, with a batch taken back on the way now and then."""
        who, at = self.choose.choice(PEOPLE), self.choose.choice(HOSPITALS)
        lines = self.lines(at)
        head = self.head(who, lines)
        doctor = {"dept_code": "01", "dept_name": "全科", "caty": "A02", "atddr_no": "D1", "dr_name": "样例"}
        wanted = ("psn_no", "insutype", "begntime", "mdtrt_cert_type", "mdtrt_cert_no")
        registration = {**{name: head[name] for name in wanted}, "ipt_otp_no": f"OP{next(SERIAL)}", **doctor}
        visit = self.call("2201", {"data": registration}, at)["data"]
        named = {"mdtrt_id": visit["mdtrt_id"], "psn_no": head["psn_no"]}
        if self.choose.random() < 0.1:
            self.call("2202", {"data": {**named, "ipt_otp_no": visit["ipt_otp_no"]}}, at)
            return "2202"
        diagnosis = {
            "diag_type": "1",
            "diag_srt_no": 1,
            "diag_code": "J06.900",
            "diag_name": "上感",
            "diag_dept": "全科",
        }
        diagnosis |= {
            "diag_dept": "全科",
            "dise_dor_no": "D1",
            "dise_dor_name": "样例",
            "diag_time": head["begntime"],
            "vali_flag": "1",
        }
        about = {**named, "med_type": "11", "begntime": head["begntime"]}
        self.call("2203", {"mdtrtinfo": about, "diseinfo": [diagnosis]}, at)
        billed = {"bilg_dept_codg": "01", "bilg_dept_name": "全科", "bilg_dr_codg": "D1", "bilg_dr_name": "样例"}
        more = {**named, "chrg_bchno": "B1", "hosp_appr_flag": "0", **billed}
        rows = [{**line, **more} for line in lines]
        if self.choose.random() < 0.2:
            self.call("2204", {"feedetail": rows[:1]}, at)
            self.call("2205", {"data": {**named, "chrg_bchno": self.choose.choice(["0000", "B1"])}}, at)
        cuts = self.call("2204", {"feedetail": rows}, at)["result"]
        price = {**named, **{n: head[n] for n in ("mdtrt_cert_type", "mdtrt_cert_no", "insutype", "acct_used_flag")}}
        price |= {"med_type": "11", "medfee_sumamt": head["medfee_sumamt"], "psn_setlway": "01", "chrg_bchno": "B1"}
        asked, msgid = self.call("2206", {"data": price}, at)["setlinfo"], self.msgid(at)
        agreed = {name: str(asked[name]) for name in AGREED}
        said = self.call("2207", {"data": {**price, **agreed}}, at, msgid)
        line_identities(cuts, said["setlinfo"])
        assert without(asked, "medins_setl_id") == without(said["setlinfo"], "medins_setl_id", "setl_id")
        self.note(said, who, at, "2207", msgid, head)
        return "2207"

    def pay(self) -> str:
        """6201, 6202 and the channel's word that the user paid."""
        who = self.choose.choice([one for one in PEOPLE if one not in ("P14", "P15")])
        items = {code: self.choose.randint(1, 2) for code in self.choose.sample(MOBILE, self.choose.randint(1, 3))}
        order = self.mobile.upload(who, items, acctUsedFlag=self.choose.choice(["0", "1", "1", "1", "1"]))
        split = self.mobile.place(order)
        made = self.mobile.settle(order, split)
        assert made["ok"], made
        said = self.call("5203", {"data": self.named(made["passthrough"]["setlId"], split, who)}, PHARMACIES[0])
        assert Decimal(split["fundPay"]) == said["setlinfo"]["hifp_pay"]
        paid = Decimal(split["psnAcctPay"])
        assert paid == said["setlinfo"]["acct_pay"] + (said["setlinfo"]["acct_mulaid_pay"] if self.exclusive else 0)
        assert paid == Decimal(split["selfAcctPay"]) + Decimal(split["acctMulaidPay"])
        assert Decimal(split["feeSumamt"]) == Decimal(split["ownPayAmt"]) + paid + Decimal(split["fundPay"])
        head = {"acct_used_flag": "1", "begntime": f"{self.now:%Y}"}
        self.note(said, who, PHARMACIES[0], "6202", "", head, (order, split))
        return "6202"

    def named(self, setl_id: str, split: Json, who: str) -> Json:
        mdtrt_id = split["extData"]["preSetl"]["mdtrt_id"]
        return {"setl_id": setl_id, "mdtrt_id": mdtrt_id, "psn_no": world().people[who].psn_no}

    def note(
        self,
        said: Json,
        who: str,
        at: str,
        infno: str,
        msgid: str,
        head: Json,
        order: tuple[Json, Json] | None = None,
    ) -> None:
        """Hold an answer against the identities, and put it into the book."""
        info = said["setlinfo"]
        own = info["acct_pay"] - (0 if self.exclusive else info["acct_mulaid_pay"])
        identities(info, said["setldetail"], self.exclusive, self.includes)
        assert info["balc"] == self.balance(who) - own, "identity 7"
        assert head["acct_used_flag"] == "1" or info["acct_pay"] == info["acct_mulaid_pay"] == 0, "identity 10"
        entry = self._entry(info, who, at, info["psn_cash_pay"])
        giver = self.before[who]["mutual_aid_from"] if info["acct_mulaid_pay"] else ""
        legs = (own, info["acct_mulaid_pay"], giver, info["hifp_pay"], info["act_pay_dedc"])
        self.live.append(Live(entry, infno, msgid, int(head["begntime"][:4]), *legs, order))
        self.book.append(entry)

    def _entry(self, info: Json, who: str, at: str, cash: Decimal) -> Entry:
        kind = "41" if at.startswith("P") else "11"
        sums = (info["medfee_sumamt"], info["fund_pay_sumamt"], info["acct_pay"], cash)
        return Entry(info["setl_id"], info["mdtrt_id"], who, at, kind, f"{self.now:%Y-%m-%d}", *sums)

    def refund(self, one: Live) -> str:
        """2103, 2208 or 6203, as it was settled."""
        entry, infno, msgid = one.entry, "6203", ""
        if one.order:
            order, split = one.order
            if self.choose.random() < 0.5:
                order = {**order, "payAuthNo": self.mobile.grant(entry.person)}
            answer = self.mobile.refund(order, split)
            if "refused" in answer:  # the number of the payment has run out
                answer = self.mobile.refund({**order, "payAuthNo": self.mobile.grant(entry.person)}, split)
            assert answer["refStatus"] == "SUCC", answer
            info = self._twin(entry)
        else:
            infno = "2103" if one.infno == "2102" else "2208"
            data = {"setl_id": entry.setl_id, "mdtrt_id": entry.mdtrt_id, "psn_no": self.psn_no(entry)}
            msgid = self.msgid(entry.institution)
            info = self.call(infno, {"data": data}, entry.institution, msgid)["setlinfo"]
        cash = next(info[name] for name in ("cash_payamt", "psn_cash_pay") if name in info)
        twin = self._entry(info, entry.person, entry.institution, cash)
        assert (twin.total, twin.fund, twin.account, twin.cash) == tuple(
            -value for value in (entry.total, entry.fund, entry.account, entry.cash)
        ), "identity 11"
        assert info["hifp_pay"] == -one.pooled and info["act_pay_dedc"] == -one.deductible
        assert info["balc"] == self.balance(entry.person) + one.own, "identity 7"
        self.live.remove(one)
        entry.refunded = True
        self.book.append(twin)
        if not one.order:
            self.taken = Taken(one, twin, infno, msgid)
        return infno

    def _twin(self, entry: Entry) -> Json:
        """What the books hold of a refund that answered with no setlinfo."""
        with spaces.entered(self.app, self.space):
            g.write_mode = False
            row = db.session.scalar(select(Settlement).where(Settlement.refund_of == entry.setl_id))
            assert row
            return {name: decimal_or_text(value) for name, value in row.setlinfo.items()}

    def psn_no(self, entry: Entry) -> str:
        return world().people[entry.person].psn_no

    def reverse(self, one: Live) -> str:
        """2601 instead of a refund: the settlement never took place. Asked twice, it is answered twice."""
        if one.order:
            return self.refund(one)
        entry = one.entry
        data = {"psn_no": self.psn_no(entry), "omsgid": one.msgid, "oinfno": one.infno}
        for _ in range(self.choose.choice([1, 2])):
            self.call("2601", {"data": data}, entry.institution)
        self.live.remove(one)
        self.book.remove(entry)
        return "2601"

    def _unrefund(self, taken: Taken) -> str:
        """2601 of the refund just made: the settlement stands again."""
        entry = taken.one.entry
        data = {"psn_no": self.psn_no(entry), "omsgid": taken.msgid, "oinfno": taken.infno}
        self.call("2601", {"data": data}, entry.institution)
        entry.refunded = False
        self.live.append(taken.one)
        self.book.remove(taken.twin)
        return "2601 of a refund"

    def nonsense(self) -> str:
        """Something that is refused and changes nothing."""
        who, at = self.choose.choice(PEOPLE), self.choose.choice(PHARMACIES)
        lines = self.lines(at, 2)
        head, msgid = self.head(who, lines), ""
        which = self.choose.randrange(5)
        if which == 0:
            head["medfee_sumamt"] = str(Decimal(head["medfee_sumamt"]) + CENT)
        elif which == 1:
            lines[0]["med_list_codg"] = "XNOTHING"
        elif which == 2:
            head["insutype"] = "390" if head["insutype"] == "310" else "310"
        elif which == 3 and self.live and self.live[-1].msgid:
            msgid = self.live[-1].msgid
        else:
            lines[0]["cnt"] = "0"
        try:
            self.call("2102", {"druginfo": head, "drugdetail": lines}, at, msgid)
        except Said:
            return "refused"
        raise AssertionError("this should have been refused")

    # what must be true now

    def balance(self, who: str) -> Decimal:
        """The own account, by the book."""
        gone = sum((one.own for one in self.live if one.entry.person == who), Decimal(0))
        gone += sum((one.mutual for one in self.live if one.giver == who), Decimal(0))
        return Decimal(self.before[who]["balance_fen"]) / 100 - gone

    def check(self) -> None:
        """Balances, counters, the ledger's rows and 3201, by the book."""
        assert self.known() == {who: self._expected(who) for who in PEOPLE}
        self._check_rows()
        days = [(f"{BEGINS:%Y-%m-%d}", f"{self.now:%Y-%m-%d}"), (f"{self.now:%Y-%m-%d}",) * 2]
        days.append((self.choose.choice(self.book).day,) * 2 if self.book else days[0])
        for at in (*PHARMACIES, *HOSPITALS):
            for insutype in ("310", "390"):
                for first, last in days:
                    self.check_totals(at, insutype, first, last)

    def _expected(self, who: str) -> Json:
        mine = [one for one in self.live if one.entry.person == who and one.year == BEGINS.year]
        given = [one for one in self.live if one.giver == who and one.year == BEGINS.year]
        before = self.before[who]
        sums = {
            "deductible_paid_fen": sum(one.deductible for one in mine),
            "pooled_used_fen": sum(one.pooled for one in mine),
            "mutual_used_fen": sum(one.mutual for one in given),
        }
        counters = {name: before[name] + int(value * 100) for name, value in sums.items()}
        return {**before, "balance_fen": int(self.balance(who) * 100), **counters}

    def _check_rows(self) -> None:
        with spaces.entered(self.app, self.space):
            g.write_mode = False
            legs = (Settlement.total_fen, Settlement.cash_fen, Settlement.pooled_fen, Settlement.own_fen)
            said = db.session.execute(select(func.count(), *(func.sum(leg) for leg in legs))).one()
            kept = [value or 0 for value in said]
            traces = db.session.scalar(select(func.count()).select_from(TraceCode))
            used = db.session.scalar(select(func.count()).select_from(PrescriptionUse))
            settled = db.session.scalar(select(func.count()).where(FeeLine.setl_id != ""))
            last_year = YearCounter.year == BEGINS.year - 1
            counters = (YearCounter.pooled_used_fen, YearCounter.deductible_paid_fen, YearCounter.mutual_used_fen)
            counted = db.session.execute(select(*(func.sum(one) for one in counters)).where(last_year)).one()
        book, live = self.book, self.live
        sums = [sum(e.total for e in book), sum(e.cash for e in book), sum(one.pooled for one in live)]
        sums.append(sum(one.own for one in live))
        assert kept == [len(book), *(int(value * 100) for value in sums)]
        before = [one for one in live if one.year == BEGINS.year - 1]
        sums = [sum(getattr(one, name) for one in before) for name in ("pooled", "deductible", "mutual")]
        assert [value or 0 for value in counted] == [int(value * 100) for value in sums]
        if not live:
            assert (traces, used, settled) == (0, 0, 0)

    def check_totals(self, at: str, insutype: str, first: str, last: str) -> None:
        rows = [e for e in self.book if e.institution == at and self.standing(e.person).type == insutype]
        rows = [e for e in rows if first <= e.day <= last]
        if not rows and self.choose.random() < 0.9:
            return
        data = {
            "insutype": insutype,
            "clr_type": "41" if at.startswith("P") else "11",
            "setl_optins": "460199",
            "stmt_begndate": first,
            "stmt_enddate": last,
            "medfee_sumamt": str(sum((e.total for e in rows), Decimal("0.00"))),
            "fund_pay_sumamt": str(sum((e.fund for e in rows), Decimal("0.00"))),
            "acct_pay": str(sum((e.account for e in rows), Decimal("0.00"))),
            "cash_payamt": str(sum((e.cash for e in rows), Decimal("0.00"))),
            "fixmedins_setl_cnt": len(rows),
        }
        said = self.call("3201", {"data": data}, at)["stmtinfo"]
        assert said["stmt_rslt"] == "0", (at, insutype, first, last, said, data)
        if rows:
            name = self.choose.choice(["medfee_sumamt", "fund_pay_sumamt", "acct_pay", "cash_payamt"])
            wrong = {**data, name: str(Decimal(data[name]) + CENT)}
            assert self.call("3201", {"data": wrong}, at)["stmtinfo"]["stmt_rslt"] == "1"

    def give_all_back(self) -> None:
        """Refund everything that stands, in random order; then nobody has spent anything."""
        self.choose.shuffle(self.live)
        while self.live:
            done = self.refund(self.live[-1])
            self.counts[done] = self.counts.get(done, 0) + 1
        self.check()
        assert self.known() == self.before


def decimal_or_text(value: Any) -> Any:
    try:
        return Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return value


def without(info: Json, *names: str) -> Json:
    return {name: value for name, value in info.items() if name not in names}


def line_identities(cuts: Sequence[Json], info: Json) -> None:
    """Identity 1 on every line, by level; identity 2's headers as sums of lines."""
    for cut in cuts:
        parts = [cut[name] for name in ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")]
        assert min(parts) >= 0 and sum(parts) == cut["det_item_fee_sumamt"], "identity 1"
        if cut["chrgitm_lv"] == "03":
            assert parts[0] == cut["det_item_fee_sumamt"] and cut["selfpay_prop"] == 1
            continue
        over = max(Decimal(0), cut["pric"] - cut["pric_uplmt_amt"]) * cut["cnt"]
        first = (cut["det_item_fee_sumamt"] - parts[1]) * cut["selfpay_prop"]
        assert parts[1] == over.quantize(CENT, ROUND_HALF_UP)
        assert parts[2] == first.quantize(CENT, ROUND_HALF_UP)
    sums = {"overlmt_selfpay": "overlmt_amt", "medfee_sumamt": "det_item_fee_sumamt"}
    for name in (*AGREED, "medfee_sumamt"):
        assert info[name] == sum(cut[sums.get(name, name)] for cut in cuts), "identity 2"


def identities(info: Json, rows: Sequence[Json], exclusive: bool, includes: bool) -> None:
    """§2.5 identities 2 to 6, 8 and 9 on a header and its sources of money."""
    total, fund, personal = info["medfee_sumamt"], info["fund_pay_sumamt"], info["psn_part_amt"]
    aid = info["acct_mulaid_pay"]
    account = info["acct_pay"] + (aid if exclusive else 0)
    assert total == sum(info[name] for name in AGREED), "identity 2"
    assert total == fund + info["hosp_part_amt"] + (info["psn_cash_pay"] if includes else personal), "identity 3"
    assert fund == sum(info[name] for name in FUNDS) + (account if includes else 0), "identity 4"
    assert personal == account + info["psn_cash_pay"] and aid <= account, "identities 5 and 6"
    by_kind = {row["fund_pay_type"]: row for row in rows}
    assert len(by_kind) == len(rows) and sum(row["fund_payamt"] for row in rows) == info["hifp_pay"] + account
    assert ("310200" in by_kind) == bool(account) and (not account or by_kind["310200"]["fund_payamt"] == account)
    pooled = [row for kind, row in by_kind.items() if kind != "310200"]
    assert [row["fund_payamt"] for row in pooled] == ([info["hifp_pay"]] if info["hifp_pay"] else []), "identity 8"
    for row in pooled:
        share = ((row["inscp_scp_amt"] - info["act_pay_dedc"]) * info["pool_prop_selfpay"] * 100) // 1 / 100
        assert info["hifp_pay"] == min(share, row["crt_payb_lmt_amt"]), "identity 9"
        assert row["inscp_scp_amt"] <= info["inscp_scp_amt"]

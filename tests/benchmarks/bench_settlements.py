"""The national platform's ledger: a year of random business without drift, and what a settlement costs.

python tests/benchmarks/bench_settlements.py [drift|rate|size] [settlements, seconds or stored rows] [seed]

drift: random settlements, refunds and reversals in four spaces under four sets of rules; every identity of §2.5 on
every answer, balances, counters, ledger rows and 3201 held against the institutions' own book, then all given back.
rate: 2101 and 2102 over HTTP against a bare Flask view on the same server, interleaved.
size: what is asked of a ledger with 10 settlements and with 100 000, in time and in statements, interleaved.
"""

import hashlib
import io
import json
import random
import statistics
import sys
import tempfile
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_vendors import Call, asked, rate
from tests.benchmarks.load import start, stop

RULES = (
    {"policy": "hn"},
    {"policy": "sample-caps", "pharmacy_pooled_mode": "open"},
    {"policy": "generic-6", "acct_mulaid_mode": "exclusive"},
    {"policy": "sample-sjz", "fund_sum_includes_account": "true"},
)
SHOP = "P46019900008"


def an_app(place: str) -> Any:
    from mock_providers import create_app
    from mock_providers.settings import Settings

    return create_app(Settings(data=Path(place), background=False))


# drift


def drift(many: int, seed: int) -> None:
    from tests.mock_providers.national.business import Business

    with tempfile.TemporaryDirectory() as place:
        app, began, done = an_app(place), time.perf_counter(), 0
        print(f"seed {seed}", flush=True)
        for number, chosen in enumerate(RULES):
            rules = {"rxno_check": "form", **chosen}
            business = Business(app, f"rules-{number}", random.Random(f"{seed}-{number}"), rules)
            until = many // len(RULES)
            while business.moved < until:
                business.step()
                if business.moved % 250 == 0:
                    business.check()
            business.check()
            standing, last = len(business.live), len(business.book)
            business.give_all_back()
            done += business.moved
            print(f"{chosen}\n  {dict(sorted(business.counts.items()))}")
            print(f"  {last} rows, {standing} stood at the end and were given back; no drift", flush=True)
        print(f"{done} settlements, refunds and reversals in {time.perf_counter() - began:.0f} s", flush=True)


# rate

BARE = """
from flask import Flask, jsonify
from mock_providers.listen import listen
app = Flask(__name__)
@app.get('/healthz')
def healthz(): return jsonify(status='ok')
@app.post('/hello')
def hello(): return jsonify(hello='world')
server = listen('127.0.0.1', 0)
server.application = app
print('ready on http://127.0.0.1:%s' % server.effective_port, flush=True)
server.run()
"""


class Sender:
    """Makes signed calls of one pharmacy; every one is made once."""

    def __init__(self, keys: dict[str, Any]) -> None:
        from mock_providers.people import world

        self.keys, self.serial = keys, time.time_ns() % 10**12
        self.person, self.item = world().people["P01"], world().items["D05"]

    def next(self) -> int:
        self.serial += 1
        return self.serial

    def call(self, infno: str, content: Any, day: str = "2025-12-01") -> Call:
        stamp, nonce = str(int(time.time())), f"n{self.next()}"
        text = f"{stamp}{self.keys['secret']}{nonce}{stamp}"
        headers = {
            "Content-Type": "application/json",
            "x-tif-paasid": self.keys["paas_id"],
            "x-tif-timestamp": stamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
        }
        envelope = {
            "infno": infno,
            "msgid": f"{SHOP}{self.next():018d}",
            "mdtrtarea_admvs": "460100",
            "insuplc_admdvs": "460100",
            "recer_sys_code": "FSI_LOCAL",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "001",
            "opter_name": "样例",
            "inf_time": f"{day} 10:00:00",
            "fixmedins_code": SHOP,
            "fixmedins_name": "样例药店",
            "input": content,
        }
        return "POST", "/national/fsi/gateway", json.dumps(envelope, default=str).encode(), headers

    def bill(self, lines: int = 1) -> dict[str, Any]:
        rows = [
            {
                "feedetl_sn": f"L{self.next()}",
                "rx_circ_flag": "0",
                "fee_ocur_time": "2025-12-01 10:00:00",
                "med_list_codg": self.item.med_list_codg,
                "medins_list_codg": self.item.code,
                "det_item_fee_sumamt": "0.50",
                "cnt": 1,
                "pric": "0.50",
                "drugtracinfo": [{"drug_trac_codg": f"87{self.next():018d}"}],
            }
            for _ in range(lines)
        ]
        head = {
            "psn_no": self.person.psn_no,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self.person.id_number,
            "begntime": "2025-12-01 10:00:00",
            "medfee_sumamt": f"{Decimal(lines) / 2:.2f}",
            "insutype": "310",
            "acct_used_flag": "1",
            "med_type": "41",
        }
        return {"druginfo": head, "drugdetail": rows}


def http(seconds: float) -> None:
    """Medians of three interleaved rounds."""
    with tempfile.TemporaryDirectory() as data:
        process, base, _ = start("-m", "mock_providers", "--port", "0", "--data", data)
        bare_process, bare_base, _ = start("-c", BARE)
        try:
            asked(base, "/_mock/people/P01", {"balance_fen": 10**9})
            sender = Sender(asked(base, "/_mock/credentials")["national"])
            found: dict[str, list[float]] = {}
            hello: list[Call] = [("POST", "/hello", b"{}", {"Content-Type": "application/json"})]
            for _ in range(3):
                rates = found.setdefault("bare Flask view", [])
                rates.append(rate(bare_base, hello * int(6000 * seconds), 8, seconds))
                for infno in ("2101", "2102"):
                    calls = [sender.call(infno, sender.bill()) for _ in range(int(600 * seconds))]
                    found.setdefault(f"{infno}, one line", []).append(rate(base, calls, 8, seconds))
            bare = statistics.median(found["bare Flask view"])
            for name, rates in found.items():
                middle = statistics.median(rates)
                print(f"{name:<16} {middle:6.0f}/s, {bare / middle:5.1f} times a bare view   {[*map(round, rates)]}")
        finally:
            stop(process)
            stop(bare_process)


# size


class Ledger:
    """An app in this process with so many settlements stored, and the clock of its statements."""

    def __init__(self, place: str, stored: int) -> None:
        self.app, self.stored, self.statements = an_app(place), stored, 0
        self.client = self.app.test_client()
        self.keys = self.client.get("/_mock/credentials").get_json()["national"]
        self.client.post("/_mock/people/P01", json={"balance_fen": 10**9})
        self.sender = Sender(self.keys)
        info = self.ask("2102", self.sender.bill())[1]["setlinfo"]
        self.first = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
        self.file = self._store(stored)
        self._listen()

    def _listen(self) -> None:
        from sqlalchemy import event

        from mock_providers.db import db

        with self.app.app_context():
            engine = db.engine

        @event.listens_for(engine, "before_cursor_execute")
        def count(*_: Any) -> None:
            self.statements += 1

    def _store(self, stored: int) -> dict[str, tuple[int, bytes]]:
        """Copies of one settlement over 300 days and twenty people; the institution's files of a day and of all."""
        from sqlalchemy import func, insert, select

        from mock_providers.db import db
        from mock_providers.national.models import GatewayMessage, LineSerial, Settlement, TraceCode
        from mock_providers.people import world

        with self.app.app_context():
            row = db.session.scalars(select(Settlement)).one()
            same = {column.key: getattr(row, column.key) for column in Settlement.__table__.columns}
            del same["id"]
            insured = [one.id for one in world().people.values() if one.insurance and one.insurance.type == "310"]
            for at in range(0, stored, 5000):
                numbers = range(at, min(at + 5000, stored))
                fresh = [
                    {
                        **same,
                        "setl_id": f"9{n:09d}",
                        "mdtrt_id": f"8{n:09d}",
                        "medins_setl_id": f"M{n:09d}",
                        "person": insured[n % len(insured)],
                        "at": row.at - timedelta(days=1 + n % 300),
                    }
                    for n in numbers
                ]
                db.session.execute(insert(Settlement), fresh)
                about = {"space": "default", "institution": SHOP}
                db.session.execute(insert(GatewayMessage), [{**about_msg(n)} for n in numbers])
                db.session.execute(
                    insert(TraceCode),
                    [{"space": "default", "code": f"T{n}", "setl_id": f"9{n:09d}"} for n in numbers],
                )
                db.session.execute(
                    insert(LineSerial), [{**about, "feedetl_sn": f"S{n}", "mdtrt_id": f"8{n:09d}"} for n in numbers]
                )
            db.session.commit()
            legs = (Settlement.setl_id, Settlement.mdtrt_id, Settlement.person)
            rows = db.session.execute(select(*legs, Settlement.at).order_by(Settlement.id)).all()
            assert db.session.scalar(select(func.count()).select_from(Settlement)) == stored + 1
        lines = [
            (f"{at:%Y-%m-%d}", f"{setl}\t{visit}\t{world().people[who].psn_no}\t0.50\t0.00\t0.50\t0")
            for setl, visit, who, at in rows
        ]
        self.day = lines[1][0]
        return {
            "day": zipped([text for day, text in lines if day == self.day]),
            "all": zipped([text for _, text in lines]),
        }

    def ask(self, infno: str, content: Any) -> tuple[float, Any]:
        """Milliseconds and output of a call."""
        _, path, body, headers = self.sender.call(infno, content)
        began = time.perf_counter()
        answer = self.client.post(path, data=body, headers=headers)
        took = (time.perf_counter() - began) * 1000
        if answer.content_type == "application/octet-stream":
            return took, answer.get_data()
        said = json.loads(answer.get_data())
        assert said["infcode"] == 0, said
        return took, said["output"]

    def span(self, which: str) -> dict[str, str]:
        first, last = (self.day, self.day) if which == "day" else ("2025-01-01", "2025-12-31")
        return {"stmt_begndate": first, "stmt_enddate": last}

    def totals(self, which: str) -> dict[str, Any]:
        count, _ = self.file[which]
        money = f"{Decimal(count) / 2:.2f}"
        sums = {"medfee_sumamt": money, "fund_pay_sumamt": "0.00", "fixmedins_setl_cnt": count}
        return {"setl_optins": "460199", "clr_type": "41", **self.span(which), **sums}

    def calls(self) -> dict[str, Callable[[], float]]:
        """What is measured; each gives its milliseconds."""
        person = {"psn_no": self.first["psn_no"]}
        period = {"begntime": "2025-12-01 00:00:00", "endtime": "2025-12-01 23:59:59"}
        return {
            "2101, 1 line": lambda: self.ask("2101", self.sender.bill())[0],
            "2101, 200 lines": lambda: self.ask("2101", self.sender.bill(200))[0],
            "2102, 1 line": lambda: self.ask("2102", self.sender.bill())[0],
            "2103": lambda: self._again("2103"),
            "2601": lambda: self._again("2601"),
            "3201, a day": lambda: self._balanced("day"),
            "3201, the year": lambda: self._balanced("all"),
            "3202, a day": lambda: self._detail("day"),
            "3202, the year": lambda: self._detail("all"),
            "5201, a day": lambda: self.ask("5201", {"data": {**person, **period}})[0],
            "5203": lambda: self.ask("5203", {"data": self.first})[0],
            "5204": lambda: self.ask("5204", {"data": self.first})[0],
            "5206, a month": lambda: self.ask("5206", {"data": {**person, "cum_ym": "202511"}})[0],
        }

    def _again(self, infno: str) -> float:
        """Take a fresh settlement back, one way or the other."""
        statements, info = self.statements, self.ask("2102", self.sender.bill())[1]["setlinfo"]
        self.statements = statements
        named = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
        undo = {"psn_no": info["psn_no"], "omsgid": info["medins_setl_id"], "oinfno": "2102"}
        return self.ask(infno, {"data": named if infno == "2103" else undo})[0]

    def _balanced(self, which: str) -> float:
        data = {**self.totals(which), "insutype": "310", "acct_pay": self.totals(which)["medfee_sumamt"]}
        if which == "all":  # but today, when things are bought while we measure
            data |= {"stmt_enddate": "2025-11-30"}
            data |= {name: f"{Decimal(data[name]) - Decimal('0.50'):.2f}" for name in ("medfee_sumamt", "acct_pay")}
            data["fixmedins_setl_cnt"] -= 1
        took, output = self.ask("3201", {"data": data})
        assert output["stmtinfo"]["stmt_rslt"] == "0", (data, output)
        return took

    def _detail(self, which: str) -> float:
        """3202 alone; the file was sent before the clock starts."""
        node = {"in": b64encode(self.file[which][1]).decode(), "filename": "d.zip", "fixmedins_code": SHOP}
        statements, sent = self.statements, self.ask("9101", {"fsUploadIn": node})[1]["file_qury_no"]
        self.statements = statements
        data = {**self.totals(which), "file_qury_no": sent, "cash_payamt": "0.00", "stmt_enddate": "2025-11-30"}
        took, output = self.ask("3202", {"data": data})
        assert output["fileinfo"]["file_qury_no"]
        return took


def about_msg(number: int) -> dict[str, str]:
    return {"space": "default", "msgid": f"M{number:09d}", "infno": "2102"}


def zipped(lines: list[str]) -> tuple[int, bytes]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("detail.txt", "\n".join(lines))
    return len(lines), out.getvalue()


@contextmanager
def ledgers(*sizes: int) -> Iterator[list[Ledger]]:
    with tempfile.TemporaryDirectory() as place:
        made = []
        for size in sizes:
            (Path(place) / str(size)).mkdir()
            made.append(Ledger(f"{place}/{size}", size))
        yield made


def size(stored: int) -> None:
    """Medians of interleaved calls, and how many statements each takes."""
    with ledgers(10, stored) as both:
        print(f"{'':<16} {10:>10} {stored:>10} stored   statements", flush=True)
        for name in both[0].calls():
            times: dict[int, list[float]] = {ledger.stored: [] for ledger in both}
            counts = []
            for _ in range(3 if "year" in name else 15):
                for ledger in both:
                    before = ledger.statements
                    times[ledger.stored].append(ledger.calls()[name]())
                    counts.append(ledger.statements - before)
            few, many = (statistics.median(row) for row in times.values())
            said = f"{few:8.1f}ms {many:8.1f}ms  {many / few:6.1f}x"
            print(f"{name:<16} {said}   {min(counts)}-{max(counts)}", flush=True)


if __name__ == "__main__":
    which = sys.argv[1] if len(sys.argv) > 1 else "all"
    amount = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if which in ("all", "drift"):
        drift(amount or 6000, int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**6))
    if which in ("all", "rate"):
        http(amount or 5)
    if which in ("all", "size"):
        size(amount or 100_000)

"""Day's end and month's end: 3201 对总账, 3202 对明细账, 3203 清算申请, 3204 清算申请撤销 (sheet §2.9)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import serials, switches
from mock_providers.db import CHINA, InSpace, Model, Moment, db
from mock_providers.national import clearing_rules as rules
from mock_providers.national import fields, files
from mock_providers.national.amounts import fen
from mock_providers.national.catalogue_files import zipped
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.models import Settlement
from mock_providers.national.texts import Refused
from mock_providers.people import world

TOTALS = fields.table("""
insutype C6 Y insutype
clr_type C6 Y clr_type
stmt_begndate D Y
stmt_enddate D Y
medfee_sumamt N16,2 Y
fund_pay_sumamt N16,2 Y
fixmedins_setl_cnt N10 Y
refd_setl_flag C3 refd_setl_flag
""")
DETAIL = fields.table("""
setl_optins C6 Y
file_qury_no C40 Y
stmt_begndate D Y
stmt_enddate D Y
medfee_sumamt N16,2 Y
fund_pay_sumamt N16,2 Y
cash_payamt N16,2 Y
fixmedins_setl_cnt N10 Y
clr_type C6 clr_type
""")
APPLICATION = fields.table("""
clr_type C30 Y clr_type
clr_way C30 Y clr_way
setlym C6 Y
psntime N6 Y
medfee_sumamt N16,2 Y
med_sumfee N16,2 Y
fund_appy_sum N16,2 Y
cash_payamt N16,2 Y
acct_pay N16,2 Y
begndate D Y
enddate D Y
""")
WITHDRAWAL = fields.table("clr_appy_evt_id C30 Y")
MONEY = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "cash_payamt")
switches.declare(
    "national.clearing_mobile",
    "counted",
    ("counted", "left_out"),
    kind="choice",
    source="nhsa §2.9 (INF)",
    why="whether settlements paid through the mobile payment centre stand in the institution's own clearing",
)
switches.declare(
    "national.clearing_sums",
    "checked",
    ("checked", "ignored"),
    kind="choice",
    source="nhsa §2.9 (3203, V1)",
    why="whether an application whose sums are not the centre's is refused",
)


class ClearingApplication(InSpace, Model):
    """A 3203 that stands: one for a month and clearing class of an institution, until 3204 withdraws it."""

    __tablename__ = "national_clearing_application"
    __table_args__ = (UniqueConstraint("space", "event_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(String(30))
    institution: Mapped[str] = mapped_column(String(30))
    month: Mapped[str] = mapped_column(String(6))
    clr_type: Mapped[str] = mapped_column(String(6))
    medfee_fen: Mapped[int] = mapped_column(BigInteger)
    given: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(Moment)
    withdrawn: Mapped[bool] = mapped_column(default=False)


def cleared(call: Call, data: Mapping[str, Any], begin: str, end: str, insutype: str = "") -> list[Any]:
    """Conditions: the institution's settlements and refunds of some days, each on its own day. Raises Refused."""
    first, last = fields.day(data, begin), fields.day(data, end)
    assert first is not None and last is not None
    if last < first:
        raise Refused("SIM-FORMAT", name=fields.name_of(end))
    begins = datetime.combine(first, time.min, CHINA)
    ends = datetime.combine(last + timedelta(days=1), time.min, CHINA)
    wanted: list[Any] = [
        Settlement.institution == call.envelope["fixmedins_code"],
        Settlement.at >= begins,
        Settlement.at < ends,
    ]
    if insutype:
        wanted.append(Settlement.insutype == insutype)
    if clr_type := fields.text(data, "clr_type", 30):
        wanted.append(Settlement.clr_type == clr_type)
    if switches.value("national.clearing_mobile") == "left_out":
        wanted.append(Settlement.kind != "mobile")
    return wanted


def entries(wanted: Sequence[Any]) -> list[rules.Entry]:
    """Settlements as both sides' files carry them, account and fund in the reading that was answered."""
    named = ("setl_id", "mdtrt_id", "person", "total_fen", "fund_sum_fen", "account_fen", "refunded", "refund_of")
    columns = [getattr(Settlement, name) for name in (*named, "medins_setl_id")]
    people = world().people
    return [
        rules.Entry(
            setl_id=row.setl_id,
            mdtrt_id=row.mdtrt_id,
            psn_no=people[row.person].psn_no,
            medfee_fen=row.total_fen,
            fund_fen=row.fund_sum_fen,
            account_fen=row.account_fen,
            refunded="1" if row.refunded or row.refund_of else "0",
            msgid=row.medins_setl_id,
        )
        for row in db.session.execute(select(*columns).where(*wanted).order_by(Settlement.id))
    ]


def sums(wanted: Sequence[Any]) -> tuple[int, dict[str, int]]:
    """What 3201 compares: how many, and their sums in fen."""
    legs = (Settlement.total_fen, Settlement.fund_sum_fen, Settlement.account_fen, Settlement.cash_fen)
    count, *added = db.session.execute(select(func.count(), *(func.sum(leg) for leg in legs)).where(*wanted)).one()
    return count, dict(zip(MONEY, (int(one or 0) for one in added), strict=True))


def _differs(data: Mapping[str, Any], wanted: Sequence[Any], count: str) -> list[str]:
    """Which of the institution's figures are not the centre's."""
    many, counted = sums(wanted)
    wrong = [name for name in MONEY if data.get(name) not in (None, "") and _given(data, name) != counted[name]]
    return wrong if fields.number(data, count, 0) == many else [*wrong, count]


def _given(data: Mapping[str, Any], name: str) -> int:
    """An amount that may be negative: a day of refunds only."""
    try:
        return fen(data[name])
    except ValueError:
        raise Refused("SIM-FORMAT", name=fields.name_of(name)) from None


def _office(data: Mapping[str, Any]) -> str:
    """setl_optins; clr_optins in Guangzhou's form."""
    name = "clr_optins" if "clr_optins" in data and "setl_optins" not in data else "setl_optins"
    return fields.text(data, name, 6, needed=True)


def _without_sign(data: Mapping[str, Any]) -> dict[str, Any]:
    """The node with amounts made positive, for the field table: the sums of a day may be negative."""
    money = {name: str(data[name]).lstrip("-") for name in MONEY if isinstance(data.get(name), int | str | Decimal)}
    return {**data, **money}


@transaction("3201")
def totals(call: Call) -> dict[str, Any]:
    """对总账: whether the sums of some days agree."""
    data = fields.node(call.input, "data")
    fields.check(_without_sign(data), TOTALS)
    office = _office(data)
    if data.get("acct_pay") in (None, "") and data.get("cash_payamt") in (None, ""):
        raise Refused("EMPTY", name=fields.name_of("acct_pay"))
    wanted = cleared(call, data, "stmt_begndate", "stmt_enddate", fields.text(data, "insutype", 6))
    wrong = _differs(data, wanted, "fixmedins_setl_cnt")
    said = "平" if not wrong else "不平:" + ",".join(fields.name_of(name) for name in wrong)
    return {"stmtinfo": {"setl_optins": office, "stmt_rslt": "1" if wrong else "0", "stmt_rslt_dscr": said[:200]}}


@transaction("3202")
def detail(call: Call) -> dict[str, Any]:
    """对明细账: a file with every line that does not agree."""
    data = fields.node(call.input, "data")
    fields.check(_without_sign(data), DETAIL)
    sent = files.find(fields.text(data, "file_qury_no", 40), call.envelope["fixmedins_code"])
    try:
        theirs = rules.read(sent.content)
    except rules.Unreadable as why:
        raise Refused("SIM-FILE", why=str(why)) from why
    ours = entries(cleared(call, data, "stmt_begndate", "stmt_enddate"))
    text = rules.written(rules.compare(ours, theirs))
    name = f"stmt_{call.received_at:%Y%m%d%H%M%S}.txt"
    made = files.keep(call.envelope["fixmedins_code"], f"{name}.zip", zipped(name, text.encode()))
    ends = made.expires_at.strftime("%Y-%m-%d %H:%M:%S")
    return {"fileinfo": {"file_qury_no": made.number, "filename": made.filename, "dld_endtime": ends}}


@transaction("3203")
def apply(call: Call) -> dict[str, Any]:
    """清算申请: one stands for a month and clearing class."""
    data = fields.node(call.input, "data")
    fields.check(_without_sign(data), APPLICATION)
    month, clr_type = fields.text(data, "setlym", 6), fields.text(data, "clr_type", 30)
    if len(month) != 6 or not month.isdecimal() or not 1 <= int(month[4:]) <= 12:
        raise Refused("SIM-FORMAT", name=fields.name_of("setlym"))
    wanted = cleared(call, data, "begndate", "enddate")
    said = {**data, "fund_pay_sumamt": data["fund_appy_sum"]}
    if switches.value("national.clearing_sums") == "checked" and _differs(said, wanted, "psntime"):
        raise Refused("SIM-CLEARING")
    institution = call.envelope["fixmedins_code"]
    if _standing(institution, month, clr_type) is not None:
        raise Refused("SIM-CLEARED")
    row = ClearingApplication(
        event_id=f"CLR{month}{serials.number('clr_appy_evt_id'):010d}",
        institution=institution,
        month=month,
        clr_type=clr_type,
        medfee_fen=_given(data, "medfee_sumamt"),
        given={name: str(value) for name, value in data.items()},
        at=call.received_at,
    )
    db.session.add(row)
    return {"result": {"clr_appy_evt_id": row.event_id}}


def _standing(institution: str, month: str, clr_type: str) -> ClearingApplication | None:
    table = ClearingApplication
    return db.session.scalar(
        select(table).where(
            table.institution == institution,
            table.month == month,
            table.clr_type == clr_type,
            table.withdrawn.is_(False),
        )
    )


@transaction("3204")
def withdraw(call: Call) -> dict[str, Any]:
    """清算申请撤销."""
    data = fields.node(call.input, "data")
    fields.check(data, WITHDRAWAL)
    number = fields.text(data, "clr_appy_evt_id", 30)
    row = db.session.scalar(select(ClearingApplication).where(ClearingApplication.event_id == number))
    if row is None or row.institution != call.envelope["fixmedins_code"] or row.withdrawn:
        raise Refused("NOTHING")
    row.withdrawn = True
    return {}

"""What a pharmacy tells of its goods: 3505 商品销售, 3506 商品销售退货, with trace codes (sheet §2.12, policy S24).

A code that was sold is sold: the same pack cannot be sold again, by settlement or by upload, until it comes back.
The upload of a sale that was settled names the settlement, whose codes it may repeat.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment, db
from mock_providers.national import fields
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.models import Settlement, TraceCode
from mock_providers.national.texts import Refused
from mock_providers.people import world

SALE = fields.table("""
med_list_codg C50 Y
fixmedins_hilist_id C30 Y
fixmedins_hilist_name C200 Y
fixmedins_bchno C30 Y
prsc_dr_name C50
phar_cert_type C3
phar_certno C50
phar_name C50 Y
phar_prac_cert_no C50 Y
setl_id C30
mdtrt_sn C30 Y
psn_no C40
psn_name C50
manu_lotnum C30 Y
manu_date D
expy_end D
rx_flag C3 Y rx_circ_flag
trdn_flag C3 Y rx_circ_flag
rxno C40
rx_circ_flag C3 rx_circ_flag
rtal_docno C40 Y
drug_trac_codg C30
sel_retn_cnt N16,4 Y
sel_retn_time DT Y
sel_retn_opter_name C50 Y
mdtrt_setl_type C6 Y
memo C500
""")


class StockSale(InSpace, Model):
    """One upload of a sale: a line of a receipt (rtal_docno and batch), with its packs."""

    __tablename__ = "national_stock_sale"
    __table_args__ = (UniqueConstraint("space", "institution", "rtal_docno", "batch"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    institution: Mapped[str] = mapped_column(String(30))
    rtal_docno: Mapped[str] = mapped_column(String(40))
    batch: Mapped[str] = mapped_column(String(30))
    med_list_codg: Mapped[str] = mapped_column(String(50))
    setl_id: Mapped[str] = mapped_column(String(30), default="")
    codes: Mapped[list[str]] = mapped_column(JSON)
    given: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(Moment)
    returned_at: Mapped[datetime | None] = mapped_column(Moment)


def _node(call: Call) -> Mapping[str, Any]:
    return fields.node(call.input, "selinfo" if "selinfo" in call.input else "data")


def _codes(node: Mapping[str, Any]) -> list[str]:
    """Every trace code of the line; each once."""
    rows = node.get("drugtracinfo") or []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Refused("SIM-FORMAT", name=fields.name_of("drug_trac_codg"))
    found = [fields.text(row, "drug_trac_codg", 30, needed=True) for row in rows]
    single = fields.text(node, "drug_trac_codg", 30)
    found += [single] if single and single not in found else []
    if len(set(found)) != len(found):
        raise Refused("SIM-TRACUSED")
    return found


def _named(call: Call, node: Mapping[str, Any]) -> StockSale | None:
    table = StockSale
    return db.session.scalar(
        select(table).where(
            table.institution == call.envelope["fixmedins_code"],
            table.rtal_docno == fields.text(node, "rtal_docno", 40),
            table.batch == fields.text(node, "fixmedins_bchno", 30),
        )
    )


@transaction("3505")
def sold(call: Call) -> dict[str, Any]:
    """商品销售."""
    node = _node(call)
    fields.check(node, SALE)
    item = world().by_list_code.get(fields.text(node, "med_list_codg", 50))
    if item is None:
        raise Refused("SIM-CAT")
    if _named(call, node) is not None:
        raise Refused("SIM-DUPLINE")
    codes, number = _codes(node), _settlement(call, node)
    if item.kind == "drug" and not item.no_trace_code_register and not codes:
        raise Refused("SIM-TRAC")
    taken = select(TraceCode).where(TraceCode.code.in_(codes))
    known = {row.code: row.setl_id for row in db.session.scalars(taken)}
    if any(owner != number or not number for owner in known.values()):
        raise Refused("SIM-TRACUSED")
    for code in codes:
        if code not in known:
            db.session.add(TraceCode(code=code, setl_id=number))
    row = StockSale(
        institution=call.envelope["fixmedins_code"],
        rtal_docno=fields.text(node, "rtal_docno", 40),
        batch=fields.text(node, "fixmedins_bchno", 30),
        med_list_codg=item.med_list_codg,
        setl_id=number,
        codes=codes,
        given={name: str(value) for name, value in node.items() if not isinstance(value, list | dict)},
        at=call.received_at,
    )
    db.session.add(row)
    return {"result": {"rtal_docno": row.rtal_docno, "retRslt": "1"}}


def _settlement(call: Call, node: Mapping[str, Any]) -> str:
    """The settlement a sale belongs to, if it names one: the institution's own. Raises Refused SIM-NOSETL."""
    number = fields.text(node, "setl_id", 30)
    if not number:
        return ""
    row = db.session.scalar(select(Settlement).where(Settlement.setl_id == number))
    if row is None or row.institution != call.envelope["fixmedins_code"]:
        raise Refused("SIM-NOSETL")
    return number


@transaction("3506")
def returned(call: Call) -> dict[str, Any]:
    """商品销售退货: the packs may be sold again. Those of a settlement come back with its refund, not before."""
    node = _node(call)
    fields.check(node, SALE)
    row = _named(call, node)
    if row is None:
        raise Refused("NOTHING")
    if row.returned_at is not None:
        raise Refused("SIM-DUPLINE")
    if set(_codes(node)) - set(row.codes):
        raise Refused("SIM-TRACUSED")
    if row.setl_id and _still_stands(row.setl_id):
        raise Refused("SIM-STANDS")
    if not row.setl_id:
        db.session.execute(delete(TraceCode).where(TraceCode.code.in_(row.codes), TraceCode.setl_id == ""))
    row.returned_at = call.received_at
    return {"result": {"rtal_docno": row.rtal_docno, "retRslt": "1"}}


def _still_stands(setl_id: str) -> bool:
    row = db.session.scalar(select(Settlement).where(Settlement.setl_id == setl_id))
    return row is not None and not row.refunded

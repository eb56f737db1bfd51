"""2601 冲正交易: a settlement, or a refund, that nobody was told about never took place (sheet §2.8).

Rule of the file: the row is deleted and everything it did is undone, or nothing changes at all.
"""

from sqlalchemy import select

from mock_providers.db import db
from mock_providers.national import fields, ledger, line_serials, outpatient, pharmacy
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.models import PrescriptionUse, Reversal, Settlement, TraceCode
from mock_providers.national.person import row_of, standing
from mock_providers.national.texts import Refused
from mock_providers.people import Person, world

REVERSIBLE = ("2102", "2103", "2207", "2208", "2304", "2305", "2401")
REVERSAL = fields.table("""
psn_no C30 Y
omsgid C30 Y
oinfno C5 Y
""")


@transaction("2601")
def reverse(call: Call) -> None:
    """冲正: idempotent by intent, so that a client that heard nothing can ask again."""
    data = fields.node(call.input, "data")
    fields.check(data, REVERSAL)
    omsgid, oinfno = fields.text(data, "omsgid", 30), fields.text(data, "oinfno", 5)
    person = world().by_psn_no.get(fields.text(data, "psn_no", 30))
    where = call.envelope["fixmedins_code"]
    if _plain(oinfno) not in REVERSIBLE:
        raise Refused("SIM-REVNO")
    if person is None:
        raise Refused("SIM-NOSETL")
    if _was_done(where, omsgid, oinfno, person):
        return
    row = db.session.scalar(select(Settlement).where(Settlement.medins_setl_id == omsgid))
    if row is None or (row.institution, row.person, _plain(row.infno)) != (where, person.id, _plain(oinfno)):
        raise Refused("SIM-NOSETL")
    about = {"omsgid": omsgid, "oinfno": oinfno, "person": person.id, "setl_id": row.setl_id}
    db.session.add(Reversal(institution=where, at=call.received_at, **about))
    if row.refund_of:
        _undo_refund(row, ledger.settlement(row.refund_of))
    else:
        _undo_settlement(row)


def _plain(infno: str) -> str:
    """2207 of 2207A: institutions give either."""
    return infno.rstrip("A")


def _was_done(where: str, omsgid: str, oinfno: str, person: Person) -> bool:
    before = db.session.scalar(select(Reversal).where(Reversal.institution == where, Reversal.omsgid == omsgid))
    return before is not None and (before.person, _plain(before.oinfno)) == (person.id, _plain(oinfno))


def _undo_settlement(first: Settlement) -> None:
    if first.refunded:
        raise Refused("REFUNDED")
    ledger.give_back(first)
    if first.kind == pharmacy.PHARMACY:
        line_serials.release(first.mdtrt_id)
    else:
        outpatient.reopen(first)
    db.session.delete(first)


def _undo_refund(twin: Settlement, first: Settlement | None) -> None:
    """The refund never took place: the settlement stands again, if what it used is still there."""
    assert first is not None, "a refund has its settlement"
    patient, giver = ledger.parties(first)
    _nothing_since(twin, patient, giver)
    _take_again(patient, first.own_fen)
    if giver:
        _take_again(giver, first.mutual_fen)
    ledger.count(first, patient, giver, 1)
    _use_again(first)
    if first.kind == pharmacy.PHARMACY:
        line_serials.keep(
            first.institution, first.mdtrt_id, [line["feedetl_sn"].strip() for line in first.detail["lines"]]
        )
    elif not outpatient.close(first):
        raise Refused("SIM-REVLATE")
    first.refunded = False
    db.session.delete(twin)


def _nothing_since(twin: Settlement, patient: Person, giver: Person | None) -> None:
    """A later settlement was priced with this refund in mind: counters and caps would no longer be true."""
    people = [patient.id, *([giver.id] if giver else [])]
    for whose in (Settlement.person, Settlement.mutual_aid_from):
        later = select(Settlement.id).where(Settlement.id > twin.id, whose.in_(people))
        if db.session.scalar(later.limit(1)):
            raise Refused("SIM-REVLATE")


def _take_again(person: Person, fen: int) -> None:
    row = row_of(person)
    if standing(person).frozen and fen <= row.suspense_fen:
        row.suspense_fen -= fen
        return
    if fen > row.balance_fen:
        raise Refused("SIM-REVBALANCE")
    ledger.move(person, -fen)


def _use_again(first: Settlement) -> None:
    lines = first.detail["lines"]
    codes = [one["drug_trac_codg"].strip() for line in lines for one in line.get("drugtracinfo") or []]
    numbers = [line["rxno"].strip() for line in lines if line.get("rxno")]
    if codes and db.session.scalar(select(TraceCode.id).where(TraceCode.code.in_(codes)).limit(1)):
        raise Refused("SIM-TRACUSED")
    if numbers and db.session.scalar(select(PrescriptionUse.id).where(PrescriptionUse.rxno.in_(numbers)).limit(1)):
        raise Refused("SIM-RXUSED")
    ledger.use_up(first)

"""The bureau's books: what a purchase would cost whom, booking it, taking it back.

Rules of the file: everything works in the caller's transaction and never commits; a refusal is texts.Refused and
leaves nothing behind the caller has to undo but the transaction itself; no balance or counter goes below zero.

How the payment centre uses it: `purchase.read(person_id, institution, head, lines)` takes the snake_case names of
2101 (6201's camelCase ones are the same words); `presettle(purchase)` → Quote, whose `split` has total_fen,
pooled_fen, own_fen, mutual_fen, wallet_fen, cash_fen and `legs`; `setlinfo.setlinfo(quote, mdtrt_id,
medins_setl_id)` is its 2206-style header; `commit_settlement` and `reverse_settlement` give the booked row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from mock_providers import clock, serials, switches
from mock_providers.db import CHINA, db
from mock_providers.national import benefit, policy, prescriptions, sale, setlinfo
from mock_providers.national.amounts import fen
from mock_providers.national.models import PrescriptionUse, Settlement, TraceCode
from mock_providers.national.person import Standing, counter_of, row_of, standing
from mock_providers.national.policy import Policy
from mock_providers.national.purchase import Purchase
from mock_providers.national.texts import Refused
from mock_providers.people import Institution, Person, world

switches.declare(
    "national.suspended_person",
    "account_only",
    ("account_only", "refuse"),
    kind="choice",
    source="domain §3.5, E7; nhsa §B.4 check 37",
    why="status 2: the balance can still be spent without pooled money, or the whole settlement is refused",
)
HEAD = ("invono", "dise_codg", "dise_name", "begntime", "med_type", "chrg_bchno", "psn_setlway", "acct_used_flag")


@dataclass(frozen=True)
class Quote:
    """A purchase and its price today. `giver`: whose account helps by mutual aid, if any may."""

    purchase: Purchase
    place: Institution
    patient: Standing
    giver: Standing | None
    policy: Policy
    split: benefit.Split


def presettle(purchase: Purchase) -> Quote:
    """What this purchase would cost whom. Changes nothing. Raises Refused."""
    rules = policy.in_force(purchase.at.date())
    place = sale.place(purchase.institution)
    patient = standing(world().people[purchase.person])
    may_settle(patient, purchase.insutype, rules)
    if purchase.use_account and patient.frozen:
        raise Refused("SIM-FROZEN")
    goods = sale.check(purchase, place, patient, rules)
    giver = _giver(patient, place) if purchase.use_account else None
    split = benefit.split(
        rules,
        purchase.at.date(),
        goods.level,
        goods.lines,
        _insured(patient, rules, purchase.at.date()),
        _purses(purchase, patient, giver, rules),
    )
    if split.total_fen != purchase.total_fen:
        raise Refused("SIM-SUM")
    return Quote(purchase, place, patient, giver, rules, split)


def may_settle(patient: Standing, insutype: str, rules: Policy) -> None:
    """Whether this person is insured here, under this scheme. Raises Refused."""
    if patient.deceased_on:
        raise Refused("SIM-DECEASED")
    if patient.in_provincial_copy_from and clock.now() < patient.in_provincial_copy_from:
        raise Refused("SIM-SYNC")
    if not patient.insutype or patient.insutype != insutype or patient.status == "0":
        raise Refused("NO_INSURANCE")
    if patient.area[:2] != rules.region[:2]:
        raise Refused("SIM-OUTSIDE")
    if patient.status == "4":
        raise Refused("SIM-END")
    if patient.status == "2" and switches.value("national.suspended_person") == "refuse":
        raise Refused("SIM-STOP")


def _insured(patient: Standing, rules: Policy, day: date) -> benefit.Patient:
    counter = counter_of(patient.person, day.year)
    return benefit.Patient(
        insutype=patient.insutype,
        born_on=patient.person.born_on,
        gender=patient.person.gender,
        retired=patient.retired,
        contribution_years=patient.person.contribution_years,
        benefit_bp=policy.benefit_bp(rules, patient.status, day, patient.paused_on, patient.resumed_on),
        deductible_paid_fen=counter.deductible_paid_fen,
        pooled_used_fen=counter.pooled_used_fen,
    )


def _purses(purchase: Purchase, patient: Standing, giver: Standing | None, rules: Policy) -> benefit.Purses:
    own = patient.balance_fen if purchase.use_account else 0
    if giver is None:
        return benefit.Purses(own)
    used = counter_of(giver.person, purchase.at.year).mutual_used_fen
    today = 0 if rules.mutual_per_day_fen is None else _given_today(giver.person)
    return benefit.Purses(own, giver.balance_fen, 0, used, today)


def _given_today(giver: Person) -> int:
    """What this person's account gave others today. What came back of it counts off; of another day, it does not."""
    begins = datetime.combine(clock.now().date(), time.min, CHINA)
    said = select(func.sum(Settlement.mutual_fen)).where(
        Settlement.mutual_aid_from == giver.id,
        Settlement.at >= begins,
        Settlement.at < begins + timedelta(days=1),
        Settlement.mutual_fen > 0,
        Settlement.refunded.is_(False),
    )
    return db.session.scalar(said) or 0


def _giver(patient: Standing, place: Institution) -> Standing | None:
    """Whose account may help here: mutual aid rests while either side is not normally insured."""
    if not patient.mutual_aid_from or not place.mutual_aid or patient.status != "1":
        return None
    giver = standing(world().people[patient.mutual_aid_from])
    sound = giver.status == "1" and giver.insutype == "310" and not giver.frozen and not giver.deceased_on
    return giver if sound else None


def commit_settlement(
    purchase: Purchase,
    medins_setl_id: str,
    expected: tuple[int, int, int, int] | None = None,
    mdtrt_id: str = "",
    *,
    kind: str = "mobile",
    infno: str = "6202",
    about: Mapping[str, str] | None = None,
) -> Settlement:
    """Book it: debit every leg, count the yearly limits, use up trace codes and prescriptions. Raises Refused.

    `expected` is (pooled, own, mutual, cash) the payer agreed to; QUOTE_DIFFERS if today's split is another. `kind`
    and `infno` as in models.Settlement; `about` joins the head that is kept (opter, opter_name).
    """
    quote = presettle(purchase)
    split = quote.split
    if expected is not None and split.legs != expected:
        raise Refused("QUOTE_DIFFERS")
    move(quote.patient.person, -split.own_fen)
    if quote.giver and split.mutual_fen:
        move(quote.giver.person, -split.mutual_fen)
    giver = quote.giver.person if quote.giver and split.mutual_fen else None
    row = _row(quote, medins_setl_id, giver, mdtrt_id or new_mdtrt_id(), (kind, infno))
    row.detail = {**row.detail, "head": {**row.detail["head"], **(about or {})}}
    count(row, quote.patient.person, giver, 1)
    db.session.add(row)
    use_up(row)
    db.session.flush()
    return row


def use_up(row: Settlement) -> None:
    """Note the trace codes of a settlement's lines, and those prescriptions that the centre knows."""
    lines = row.detail["lines"]
    for code in sorted({one["drug_trac_codg"].strip() for line in lines for one in line.get("drugtracinfo") or []}):
        db.session.add(TraceCode(code=code, setl_id=row.setl_id))
    for rxno in sorted({line["rxno"].strip() for line in lines if line.get("rxno")}):
        if prescriptions.find(rxno):
            db.session.add(PrescriptionUse(rxno=rxno, setl_id=row.setl_id))


def release(row: Settlement) -> None:
    """Trace codes and prescriptions of a settlement can be used again."""
    for used in (TraceCode, PrescriptionUse):
        db.session.execute(delete(used).where(used.setl_id == row.setl_id))


def new_mdtrt_id() -> str:
    """An encounter id; they only grow."""
    return str(200_000_000 + serials.number("mdtrt_id"))


def new_setl_id() -> str:
    """A settlement id; they only grow."""
    return str(100_000_000 + serials.number("setl_id"))


def _row(
    quote: Quote, medins_setl_id: str, giver: Person | None, mdtrt_id: str, made_by: tuple[str, str]
) -> Settlement:
    split, purchase, setl_id = quote.split, quote.purchase, new_setl_id()
    header = setlinfo.as_text(setlinfo.setlinfo(quote, mdtrt_id, medins_setl_id, setl_id))
    return Settlement(
        setl_id=setl_id,
        mdtrt_id=mdtrt_id,
        kind=made_by[0],
        infno=made_by[1],
        clr_type=header["clr_type"],
        medins_setl_id=medins_setl_id,
        person=purchase.person,
        institution=purchase.institution,
        insutype=purchase.insutype,
        policy=quote.policy.version,
        at=clock.now(),
        year=purchase.at.year,
        total_fen=split.total_fen,
        deductible_fen=split.deductible_fen,
        pooled_fen=split.pooled_fen,
        own_fen=split.own_fen,
        mutual_fen=split.mutual_fen,
        wallet_fen=split.wallet_fen,
        cash_fen=split.cash_fen,
        fund_sum_fen=fen(header["fund_pay_sumamt"]),
        account_fen=fen(header["acct_pay"]),
        mutual_aid_from=giver.id if giver else None,
        setlinfo=header,
        detail={
            "setldetail": setlinfo.as_text(setlinfo.setldetail(quote)),
            "detlcutinfo": setlinfo.as_text(setlinfo.detlcutinfo(quote)),
            "lines": [kept(line.given) for line in purchase.lines],
            "head": {name: str(purchase.given.get(name) or "") for name in HEAD},
        },
        refunded=False,
    )


def kept(given: Any) -> Any:
    """What was sent, every number as text."""
    if isinstance(given, Mapping):
        return {name: kept(value) for name, value in given.items()}
    if isinstance(given, list):
        return [kept(value) for value in given]
    return given if given is None or isinstance(given, str | bool) else str(given)


def settlement(setl_id: str) -> Settlement | None:
    """A booked purchase by its id (never a refund's)."""
    wanted = select(Settlement).where(Settlement.setl_id == setl_id, Settlement.refund_of.is_(None))
    return db.session.scalar(wanted)


def reverse_settlement(setl_id: str, medins_setl_id: str, infno: str = "6203") -> Settlement:
    """Give every leg back to its own origin, undo the counters, release trace codes and prescriptions.

    Gives the negative twin. Raises Refused SIM-NOSETL, SIM-SETLDONE.
    """
    first = settlement(setl_id)
    if first is None:
        raise Refused("SIM-NOSETL")
    if first.refunded:
        raise Refused("SIM-SETLDONE")
    give_back(first)
    first.refunded = True
    twin = _twin(first, medins_setl_id, infno)
    db.session.add(twin)
    db.session.flush()
    return twin


def give_back(first: Settlement) -> None:
    """Undo what booking a settlement did to accounts, counters, trace codes and prescriptions."""
    patient, giver = parties(first)
    move(patient, first.own_fen)
    if giver:
        move(giver, first.mutual_fen)
    count(first, patient, giver, -1)
    release(first)


def parties(row: Settlement) -> tuple[Person, Person | None]:
    """Whose settlement it is, and whose account helped."""
    people = world().people
    return people[row.person], people[row.mutual_aid_from] if row.mutual_aid_from else None


def _twin(first: Settlement, medins_setl_id: str, infno: str) -> Settlement:
    setl_id = new_setl_id()
    same = ("mdtrt_id", "kind", "clr_type", "person", "institution", "insutype", "policy", "year", "mutual_aid_from")
    detail = {
        "setldetail": setlinfo.mirrored_detail(first.detail["setldetail"]),
        "detlcutinfo": setlinfo.mirrored_lines(first.detail["detlcutinfo"]),
    }
    amounts = ("total", "deductible", "pooled", "own", "mutual", "wallet", "cash", "fund_sum", "account")
    balance = row_of(world().people[first.person]).balance_fen
    return Settlement(
        setl_id=setl_id,
        medins_setl_id=medins_setl_id,
        infno=infno,
        at=clock.now(),
        refund_of=first.setl_id,
        refunded=False,
        setlinfo=setlinfo.mirrored(first.setlinfo, setl_id, medins_setl_id, balance),
        detail={**first.detail, **detail},
        **{name: getattr(first, name) for name in same},
        **{f"{name}_fen": -getattr(first, f"{name}_fen") for name in amounts},
    )


def move(person: Person, by_fen: int) -> None:
    """Debit or credit an own account. Money for a closed one waits in suspense."""
    row = row_of(person)
    if by_fen > 0 and standing(person).frozen:
        row.suspense_fen += by_fen
        return
    row.balance_fen += by_fen
    assert row.balance_fen >= 0, "no account is overdrawn"


def count(row: Settlement, patient: Person, giver: Person | None, sign: int) -> None:
    """Count a settlement towards the yearly limits, or (-1) off them."""
    counter = counter_of(patient, row.year)
    counter.deductible_paid_fen = max(0, counter.deductible_paid_fen + sign * row.deductible_fen)
    counter.pooled_used_fen = max(0, counter.pooled_used_fen + sign * row.pooled_fen)
    if giver:
        theirs = counter_of(giver, row.year)
        theirs.mutual_used_fen = max(0, theirs.mutual_used_fen + sign * row.mutual_fen)
    db.session.flush()

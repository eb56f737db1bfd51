"""Every prescription the centre knows: the samples of people/prescriptions.toml and what hospitals uploaded."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from math import ceil
from typing import Any

from sqlalchemy import select

from mock_providers import clock, people, switches
from mock_providers.db import CHINA, db
from mock_providers.national.models import PrescriptionUse
from mock_providers.national.prescription_models import (
    PrescriptionRevocation,
    PrescriptionStart,
    UploadedPrescription,
)
from mock_providers.people import BadData, Item, world

FILE = "prescriptions.toml"
STATES = ("issued", "used", "revoked")
LONGEST_DAYS = 84
LONG_AGO = datetime(2000, 1, 1, tzinfo=CHINA)
ISSUED, REVOKED, WAITING, REJECTED = "ISSUED", "REVOKED", "WAITING", "REJECTED"
CHECKED, SIGNED, UPLOADED = "CHECKED", "SIGNED", "UPLOADED"
VALID, EXPIRED, TAKEN_BACK = ("1", "有效"), ("2", "已失效"), ("3", "已撤销")
UNUSED, USED = ("1", "未使用"), ("2", "已使用")

switches.declare(
    "national.prescription_codes",
    "1_2_3",
    ("1_2_3",),
    kind="choice",
    source="domain §6.6",
    why="rx_stas_codg (1 valid, 2 expired, 3 revoked) is noted in one public code base, rx_used_stas_codg (1 unused, "
    "2 used) in none; rxPaperFlag is ours; a sample prescription runs from the first look at one in its space",
)


@dataclass(frozen=True)
class Prescription:
    """One prescription. `items`: catalogue code → packs. `used`: filled beforehand.

    `state` ISSUED (it can be sold against until `valid_until`), REVOKED, WAITING for its audit or REJECTED by it.
    """

    number: str
    person: str
    institution: str
    items: Mapping[str, int]
    diagnosis: tuple[str, str]
    state: str = "ISSUED"
    used: bool = False
    electronic: bool = True
    long: bool = False
    valid_days: int = 3
    issued_hours_ago: int = 2
    issued_at: datetime = LONG_AGO
    valid_until: datetime = LONG_AGO


def samples() -> Mapping[str, Prescription]:
    """Everything in this world's prescriptions.toml. Raises BadData naming file and key."""
    return _samples(people.chosen())


@cache
def _samples(which: str) -> Mapping[str, Prescription]:
    return read(people.text(which, FILE))


def read(text: str) -> Mapping[str, Prescription]:
    """Prescriptions from TOML, checked against the people, places and goods. Raises BadData."""
    try:
        table = tomllib.loads(text)["prescriptions"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BadData(f"{FILE}: prescriptions: {error}") from error
    return {number: _read_one(number, given) for number, given in table.items()}


def _read_one(number: str, given: Mapping[str, Any]) -> Prescription:
    state = given.get("state", "issued")
    shape = {"state": REVOKED if state == "revoked" else ISSUED, "used": state == "used"}
    try:
        made = Prescription(number=number, **{**given, **shape, "diagnosis": tuple(given["diagnosis"])})
    except (TypeError, KeyError) as error:
        raise BadData(f"{FILE}: prescriptions.{number}: {error}") from error
    facts, longest = world(), LONGEST_DAYS if made.long else 3
    place = facts.institutions.get(made.institution)
    is_fine = {
        "person": made.person in facts.people,
        "institution": place is not None and place.kind in ("hospital", "primary"),
        "items": bool(made.items) and all(_is_count(facts.items.get(k), n) for k, n in made.items.items()),
        "diagnosis": len(made.diagnosis) == 2,
        "state": state in STATES,
        "valid_days": made.valid_days in range(1, longest + 1),
        "issued_hours_ago": made.issued_hours_ago in range(24 * 365),
    }
    for key, fine in is_fine.items():
        if not fine:
            raise BadData(f"{FILE}: prescriptions.{number}.{key}: {given.get(key)!r} cannot be")
    return made


def _is_count(item: Item | None, packs: Any) -> bool:
    return item is not None and isinstance(packs, int) and 0 < packs < 100


def _start() -> datetime:
    row = db.session.scalar(select(PrescriptionStart))
    if row is None:
        row = PrescriptionStart(at=clock.now())
        filled = [one.number for one in samples().values() if one.used]
        db.session.add_all([row, *(PrescriptionUse(rxno=number, setl_id="") for number in filled)])
        db.session.flush()
    return row.at


def find(rxno: str) -> Prescription | None:
    """The prescription with this number as this space has it. In write mode."""
    sample = samples().get(rxno)
    if sample is None:
        row = uploaded(rxno)
        found = of_row(row) if row and row.step == UPLOADED else None
    else:
        issued = _start() - timedelta(hours=sample.issued_hours_ago)
        found = replace(sample, issued_at=issued, valid_until=issued + timedelta(days=sample.valid_days))
    return replace(found, state=REVOKED) if found and _is_revoked(rxno) else found


def uploaded(rxno: str) -> UploadedPrescription | None:
    """What a hospital has sent of the prescription with this number, however far it is."""
    return db.session.scalar(select(UploadedPrescription).where(UploadedPrescription.hi_rxno == rxno))


def _is_revoked(rxno: str) -> bool:
    wanted = select(PrescriptionRevocation.id).where(PrescriptionRevocation.rxno == rxno)
    return db.session.scalar(wanted) is not None


def of_row(row: UploadedPrescription) -> Prescription:
    """An uploaded prescription as the counter sees it. A drug of several lines counts once."""
    items: dict[str, Decimal] = {}
    for line in row.asked["rxdrugdetail"]:
        code = world().by_list_code[line["med_list_codg"]].code
        items[code] = items.get(code, Decimal(0)) + Decimal(line["drug_cnt"])
    visit = row.asked["mdtrtinfo"]
    return Prescription(
        number=row.hi_rxno,
        person=row.person,
        institution=row.institution,
        items={code: ceil(count) for code, count in items.items()},
        diagnosis=(visit["maindiag_code"], visit["maindiag_name"]),
        state=audit_of(row),
        long=row.asked["long_rx_flag"] == "1",
        valid_days=int(row.asked["vali_days"]),
        issued_at=row.issued_at,
        valid_until=row.valid_until,
    )


def audit_of(row: UploadedPrescription) -> str:
    """WAITING, ISSUED or REJECTED, as the pharmacist has said by now."""
    if row.checked_at is None or clock.now() < row.checked_at:
        return WAITING
    return ISSUED if row.passed else REJECTED


def status(found: Prescription) -> tuple[str, str]:
    """rx_stas_codg and its name."""
    if found.state == REVOKED:
        return TAKEN_BACK
    return EXPIRED if clock.now() > found.valid_until else VALID


def of(person_id: str) -> list[dict[str, Any]]:
    """A person's prescriptions, for the control API: number, who issued it, and packs by item code.

    Samples as they are issued, uploaded ones as they stand.
    """
    rows = select(UploadedPrescription).where(
        UploadedPrescription.person == person_id, UploadedPrescription.step == UPLOADED
    )
    known = [one for one in samples().values() if one.person == person_id]
    known += [of_row(row) for row in db.session.scalars(rows.order_by(UploadedPrescription.id))]
    return [
        {
            "no": one.number,
            "institution": one.institution,
            "items": dict(one.items),
            "state": "USED" if one.used else one.state,
            "valid_days": one.valid_days,
            "electronic": one.electronic,
        }
        for one in known
    ]


def is_used(found: Prescription) -> bool:
    """Whether it was filled: from the beginning, or by a settlement that was not refunded."""
    return db.session.scalar(select(PrescriptionUse.id).where(PrescriptionUse.rxno == found.number)) is not None

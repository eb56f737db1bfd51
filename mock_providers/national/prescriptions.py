"""The prescription centre: the sample prescriptions of people/prescriptions.toml, and D005 电子处方信息查询.

The path and the names of D005 are those of three public code bases (newtouch-cloud/openhis, Output_D005).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, outcomes, people, switches
from mock_providers.db import CHINA, InSpace, Model, Moment, db
from mock_providers.national import benefit, fields, wire
from mock_providers.national.centre import planned, serve
from mock_providers.national.models import PrescriptionUse
from mock_providers.national.texts import Refused
from mock_providers.people import BadData, Item, Person, world

bp = Blueprint("national_prescriptions", __name__)
FILE = "prescriptions.toml"
STATES = ("issued", "used", "revoked")
LONGEST_DAYS = 84
LONG_AGO = datetime(2000, 1, 1, tzinfo=CHINA)
FORM = "%Y-%m-%d %H:%M:%S"
VALID, EXPIRED, REVOKED = ("1", "有效"), ("2", "失效"), ("3", "已撤销")
UNUSED, USED = ("1", "未使用"), ("2", "已使用")

outcomes.declare("national.D005", "system_error", "unavailable")
switches.declare(
    "national.prescription_codes",
    "1_2_3",
    ("1_2_3",),
    kind="choice",
    source="domain §6.6",
    why="values of rx_stas_codg (1 valid, 2 expired, 3 revoked) and rx_used_stas_codg (1 unused, 2 used) are not "
    "published; rxPaperFlag is ours; a prescription runs from the first look at one in its space",
)


@dataclass(frozen=True)
class Prescription:
    """One prescription. `items`: catalogue code → packs. `state` ISSUED or REVOKED; `used`: filled beforehand."""

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


class PrescriptionStart(InSpace, Model):
    """When a space first looked at a prescription: its samples were issued just before."""

    __tablename__ = "national_prescription_start"
    __table_args__ = (UniqueConstraint("space"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


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
    shape = {"state": "REVOKED" if state == "revoked" else "ISSUED", "used": state == "used"}
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
        return None
    issued = _start() - timedelta(hours=sample.issued_hours_ago)
    return replace(sample, issued_at=issued, valid_until=issued + timedelta(days=sample.valid_days))


def of(person_id: str) -> list[dict[str, Any]]:
    """A person's sample prescriptions, for the control API: number, who issued it, and packs by item code."""
    return [
        {
            "no": one.number,
            "institution": one.institution,
            "items": dict(one.items),
            "state": "USED" if one.used else one.state,
            "valid_days": one.valid_days,
            "electronic": one.electronic,
        }
        for one in samples().values()
        if one.person == person_id
    ]


def is_used(found: Prescription) -> bool:
    """Whether it was filled: from the beginning, or by a settlement that was not refunded."""
    return db.session.scalar(select(PrescriptionUse.id).where(PrescriptionUse.rxno == found.number)) is not None


@bp.post("/fixmedins/hospRxDetlQuery")
def hospital_prescription() -> Response:
    """D005."""
    return serve(detail, wire.PRESCRIPTION)


def detail(data: dict[str, Any]) -> dict[str, Any]:
    """A prescription, for an institution that names its patient. Run out, used or revoked: told, not refused."""
    names = (("hiRxno", 30), ("fixmedinsCode", 30), ("psnName", 50), ("psnCertType", 6), ("certno", 50))
    asked = {name: fields.text(data, name, longest, True) for name, longest in names}
    if asked["fixmedinsCode"] not in world().institutions:
        raise Refused("SIM-INST")
    found = find(asked["hiRxno"])
    if found is None:
        raise Refused("SIM-NORX")
    patient = world().people[found.person]
    if (patient.id_number, patient.name) != (asked["certno"].upper(), asked["psnName"]):
        raise Refused("SIM-RXPERSON")
    planned("national.D005", patient.id, found.number)
    return _told(found, patient)


def _told(found: Prescription, patient: Person) -> dict[str, Any]:
    place = world().institutions[found.institution]
    state = REVOKED if found.state == "REVOKED" else EXPIRED if clock.now() > found.valid_until else VALID
    used = USED if is_used(found) else UNUSED
    items = [(world().items[code], packs) for code, packs in found.items.items()]
    dual = any(item.dual_channel for item, _ in items)
    return {
        "hiRxno": found.number,
        "fixmedinsCode": place.code,
        "fixmedinsName": place.name,
        "rxStasCodg": state[0],
        "rxStasName": state[1],
        "rxUsedStasCodg": used[0],
        "rxUsedStasName": used[1],
        "prscTime": found.issued_at.strftime(FORM),
        "rxDrugCnt": f"{sum(found.items.values())}.00",
        "valiDays": str(found.valid_days),
        "valiEndTime": found.valid_until.strftime(FORM),
        "reptFlag": "0",
        "rxTypeCode": "1",
        "rxTypeName": "西药处方",
        "longRxFlag": "1" if found.long else "0",
        "bizTypeCode": "01",
        "bizTypeName": "定点医疗机构就诊",
        "rxExraAttrCode": "01" if dual else "02",
        "rxExraAttrName": "双通道处方" if dual else "门诊统筹处方",
        "rxPaperFlag": "0" if found.electronic else "1",
        "rxDetlList": [_line(item, packs, found) for item, packs in items],
        "rxOtpinfo": _visit(found, patient),
        "rxDiseList": [_diagnosis(found)],
    }


def _line(item: Item, packs: int, found: Prescription) -> dict[str, str]:
    days = LONGEST_DAYS if found.long else 7
    return {
        "medListCodg": item.med_list_codg,
        "drugGenname": item.name,
        "drugProdname": item.name,
        "drugSpec": item.spec,
        "medcWayCodg": "1",
        "medcWayDscr": "口服",
        "medcBegntime": found.issued_at.strftime(FORM),
        "medcEndtime": (found.issued_at + timedelta(days=days)).strftime(FORM),
        "medcDays": f"{days}.00",
        "drugCnt": f"{packs}.0000",
        "drugDosunt": "盒",
        "otcFlag": "0" if item.prescription else "1",
        "takeDrugFlag": "0",
    }


def _visit(found: Prescription, patient: Person) -> dict[str, str]:
    return {
        "medType": "11",
        "iptOtpNo": f"OP{found.number}",
        "otpIptFlag": "1",
        "patnName": patient.name,
        "patnAge": f"{benefit.age_on(patient.born_on, found.issued_at.date())}.0",
        "gend": "1" if patient.gender == "male" else "2",
        "psnNo": patient.psn_no,
        "certno": patient.id_number,
        "insutype": patient.insurance.type if patient.insurance else "",
        "prscDeptName": "全科",
        "prscDrName": "样医生",
        "pharName": "样药师",
        "pharChkTime": found.issued_at.strftime(FORM),
        "mdtrtTime": found.issued_at.strftime(FORM),
        "spDiseFlag": "0",
        "maindiagCode": found.diagnosis[0],
        "maindiagName": found.diagnosis[1],
    }


def _diagnosis(found: Prescription) -> dict[str, str]:
    code, name = found.diagnosis
    return {
        "diagType": "1",
        "maindiagFlag": "1",
        "diagSrtNo": "1",
        "diagCode": code,
        "diagName": name,
        "diagDept": "全科",
        "diagDrName": "样医生",
        "diagTime": found.issued_at.strftime(FORM),
    }

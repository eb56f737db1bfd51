"""One insured person as the bureau sees them today: the facts of people/*.toml, what was changed, what was used."""

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from flask import g
from sqlalchemy import select

from mock_providers import clock
from mock_providers.db import CHINA, db
from mock_providers.errors import Problem
from mock_providers.national import policy
from mock_providers.national.models import BureauPerson, YearCounter
from mock_providers.people import NUMBER, Person, check_character, world

COUNTERS = ("deductible_paid_fen", "pooled_used_fen", "mutual_used_fen")
MONEY = ("balance_fen", "suspense_fen", *COUNTERS)
DAYS = ("paused_on", "resumed_on", "deceased_on")
WORDS = {
    "status": r"[0124]",
    "insutype": r"310|390",
    "person_type": r"\d{4}",
    "area": r"\d{6}",
    "pharmacy_pooled": r"off|rx_only|open",
}
FIELDS = (*MONEY, *DAYS, *WORDS, "mutual_aid_from", "frozen", "in_provincial_copy_from")


@dataclass(frozen=True)
class Standing:
    """What counts for a transaction now. `insutype` empty: no insurance row. `frozen`: the account is closed.

    `pharmacy_pooled`: when the fund pays for this person at a pharmacy, if not as for everybody.
    """

    person: Person
    insutype: str
    person_type: str
    status: str
    area: str
    balance_fen: int
    suspense_fen: int
    mutual_aid_from: str | None
    frozen: bool
    deceased_on: date | None
    paused_on: date | None
    resumed_on: date | None
    in_provincial_copy_from: datetime | None
    pharmacy_pooled: str | None = None

    @property
    def retired(self) -> bool:
        return self.person_type.startswith("12")


@cache
def beginning() -> dict[str, Any]:
    """standing.toml: what the bureau knows when a space begins."""
    return tomllib.loads((files(__package__) / "standing.toml").read_text("utf-8"))


def fresh_row(person: Person) -> BureauPerson:
    return BureauPerson(
        person=person.id,
        balance_fen=person.insurance.balance_fen if person.insurance else 0,
        suspense_fen=0,
        mutual_aid_from=beginning()["mutual_aid"].get(person.id),
        overrides={},
    )


def row_of(person: Person) -> BureauPerson:
    """The person's row; made from the facts the first time somebody writes."""
    row = db.session.scalar(select(BureauPerson).where(BureauPerson.person == person.id))
    if row is None:
        row = fresh_row(person)
        if g.get("write_mode", True):
            db.session.add(row)
            db.session.flush()
    return row


def counter_of(person: Person, year: int) -> YearCounter:
    """The person's counters of a year; made the first time somebody writes."""
    wanted = select(YearCounter).where(YearCounter.person == person.id, YearCounter.year == year)
    row = db.session.scalar(wanted)
    if row is None:
        known = beginning()["counters"].get(person.id, {})
        row = YearCounter(person=person.id, year=year, **{**dict.fromkeys(COUNTERS, 0), **known})
        if g.get("write_mode", True):
            db.session.add(row)
            db.session.flush()
    return row


def standing(person: Person) -> Standing:
    """How the person stands now."""
    row = row_of(person)
    facts = person.insurance
    changed = {k: _loaded(k, v) for k, v in row.overrides.items()}
    insutype = changed.get("insutype", facts.type if facts else "")
    if not facts and not insutype and changed.get("status", "0") != "0":
        insutype = "390"
    deceased_on = changed.get("deceased_on", person.deceased_on)
    return Standing(
        person=person,
        insutype=insutype,
        person_type=changed.get("person_type", facts.person_type if facts else "1501"),
        status=changed.get("status", facts.status if facts else "0"),
        area=changed.get("area", facts.area if facts else policy.versions()[0].region),
        balance_fen=row.balance_fen,
        suspense_fen=row.suspense_fen,
        mutual_aid_from=row.mutual_aid_from,
        frozen=changed.get("frozen", deceased_on is not None),
        deceased_on=deceased_on,
        paused_on=changed.get("paused_on", person.paused_on),
        resumed_on=changed.get("resumed_on"),
        in_provincial_copy_from=changed.get("in_provincial_copy_from", person.in_provincial_copy_from),
        pharmacy_pooled=changed.get("pharmacy_pooled", beginning()["pharmacy_pooled"].get(person.id)),
    )


def describe(person_id: str) -> dict[str, Any]:
    """Balances, counters and relations, for the control API. Raises Problem PERSON_UNKNOWN."""
    person = _known(person_id)
    now = standing(person)
    year = clock.now().year
    counter = counter_of(person, year)
    return {
        "insured": bool(now.insutype) and now.status != "0",
        "insutype": now.insutype or None,
        "person_type": now.person_type if now.insutype else None,
        "status": now.status,
        "area": now.area if now.insutype else None,
        "balance_fen": now.balance_fen,
        "suspense_fen": now.suspense_fen,
        "frozen": now.frozen,
        "pharmacy_pooled": now.pharmacy_pooled,
        "mutual_aid_from": now.mutual_aid_from,
        "year": year,
        **{name: getattr(counter, name) for name in COUNTERS},
        **{name: value.isoformat() if (value := getattr(now, name)) else None for name in DAYS},
        "in_provincial_copy_from": (now.in_provincial_copy_from.isoformat() if now.in_provincial_copy_from else None),
    }


def adjust(person_id: str, **fields: Any) -> dict[str, Any]:
    """Change what the bureau knows, in the open transaction. Raises Problem PERSON_UNKNOWN, FIELD_INVALID."""
    person = _known(person_id)
    wrong = {name: [why] for name, value in fields.items() if (why := _why_wrong(person, name, value))}
    if wrong:
        raise Problem("FIELD_INVALID", f"known fields: {', '.join(FIELDS)}", wrong)
    row = row_of(person)
    for name, value in fields.items():
        if name in COUNTERS:
            setattr(counter_of(person, clock.now().year), name, value)
        elif name in ("balance_fen", "suspense_fen", "mutual_aid_from"):
            setattr(row, name, value)
        else:
            row.overrides = {**row.overrides, name: value}
    db.session.flush()
    return describe(person_id)


def _known(person_id: str) -> Person:
    person = world().people.get(person_id)
    if person is None:
        raise Problem("PERSON_UNKNOWN", f"there is no person {person_id[:20]!r}; see GET /_mock/people")
    return person


def _why_wrong(person: Person, name: str, value: Any) -> str:
    if name not in FIELDS:
        return "unknown field"
    if name in MONEY:
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9
        return "" if whole else "whole fen, 0 to 1000000000"
    if name == "mutual_aid_from":
        fine = value is None or (value in world().people and value != person.id)
        return "" if fine else "another person's id, or null"
    if name == "frozen":
        return "" if isinstance(value, bool) else "true or false"
    if name in WORDS:
        return "" if isinstance(value, str) and re.fullmatch(WORDS[name], value) else f"must match {WORDS[name]}"
    try:
        return "" if value is None or _loaded(name, value) else "a date"
    except (TypeError, ValueError):
        return "an ISO date" if name in DAYS else "an RFC 3339 time"


def _loaded(name: str, value: Any) -> Any:
    """A kept override as what it means."""
    if value is None:
        return None
    if name in DAYS:
        return date.fromisoformat(value)
    if name == "in_provincial_copy_from":
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
    return value


def is_sample(number: str) -> bool:
    """A number of an invented document, or a published example."""
    return number in beginning()["published_numbers"] or any(pattern.match(number) for pattern in NUMBER.values())


def has_check_character(number: str) -> bool:
    """An 18-character citizen number whose last character is right."""
    return bool(re.fullmatch(r"\d{17}[\dX]", number)) and check_character(number[:17]) == number[17]

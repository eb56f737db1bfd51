"""The invented people, places and goods, read from people/*.toml and checked before anything starts.

There are two worlds: `sample`, the personas of the domain sheet, and `protocol` (people/protocol/*.toml), the
fixtures of the protocol sheet's conformance checks. A server has one of them, chosen when it starts (`MOCK_WORLD`).

Facts only: what changes (balances, counters, who shares whose account) lives in the national platform's tables.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from flask import current_app, has_app_context

SAMPLE, PROTOCOL = "sample", "protocol"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
NUMBER = {
    "id_card": re.compile(r"^469099\d{11}[\dX]$"),
    "hk_permit": re.compile(r"^H000000\d{2}$"),
    "passport": re.compile(r"^XSAMPLE\d{3}$"),
    "birth_certificate": re.compile(r"^Z99\d{7}$"),
}
PHONE = re.compile(r"^1540000\d{4}$")
RELATIONS = {
    "self",
    "spouse",
    "parent",
    "child",
    "grandparent",
    "grandchild",
    "sibling",
    "parent_in_law",
    "other",
}


class BadData(ValueError):
    """A data file says something it must not; the message names file and key."""


@dataclass(frozen=True)
class Insurance:
    """`type` 310 employee or 390 resident; `status` 1 normal, 2 suspended, 4 terminated; area six digits."""

    type: str
    person_type: str
    status: str
    area: str
    balance_fen: int


@dataclass(frozen=True)
class Person:
    """One sample person. `name` is the registered one, `typed_name` what the persona types."""

    id: str
    name: str
    gender: str
    id_type: str
    id_number: str
    born_on: date
    psn_no: str
    insurance: Insurance | None = None
    phone: str = ""
    relation: str = ""
    typed_name: str = ""
    face: str = "pass"
    guardian: str = ""
    mother: str = ""
    spouse_of: str = ""
    contribution_years: int | None = None
    flexible: bool = False
    clerk: bool = False
    registered: str = ""
    enrolled_on: date | None = None
    in_provincial_copy_from: datetime | None = None
    paused_on: date | None = None
    deceased_on: date | None = None


@dataclass(frozen=True)
class Institution:
    """A place. `level` 1-3, 0 unrated; `pooled` may claim from the pooled fund; `flags` free words of §5.1."""

    code: str
    name: str
    uscc: str
    kind: str
    level: int
    pooled: bool
    mutual_aid: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """What the national catalogue says of one item. `level` 01 甲, 02 乙, 03 自费; ratio in basis points."""

    code: str
    med_list_codg: str
    name: str
    spec: str
    kind: str
    level: str
    negotiated: bool
    first_pay_bp: int
    prescription: bool
    dual_channel: bool = False
    no_trace_code_register: bool = False
    price_limit_fen: int | None = None


@dataclass(frozen=True)
class World:
    people: Mapping[str, Person]
    institutions: Mapping[str, Institution]
    items: Mapping[str, Item]
    by_number: Mapping[str, Person] = field(default_factory=dict)
    by_psn_no: Mapping[str, Person] = field(default_factory=dict)
    by_list_code: Mapping[str, Item] = field(default_factory=dict)


def check_character(first17: str) -> str:
    """The last character of a citizen ID number (GB 11643, ISO 7064 MOD 11-2)."""
    return "10X98765432"[sum(int(d) * w for d, w in zip(first17, WEIGHTS, strict=True)) % 11]


def chosen() -> str:
    """Which world the app at hand was started with."""
    return current_app.config["SETTINGS"].world if has_app_context() else SAMPLE


def world() -> World:
    """The people, places and goods of the app at hand; outside any, the sample ones."""
    return read(chosen())


@cache
def read(which: str) -> World:
    """Everything in a world's files. Raises BadData naming file and key."""
    if which not in (SAMPLE, PROTOCOL):
        raise BadData(f"there is no world {which!r}: {SAMPLE} or {PROTOCOL}")
    people = {k: _person(k, v, which) for k, v in _table(which, "citizens.toml", "people").items()}
    places = _all(Institution, which, "institutions.toml", "institutions")
    items = _all(Item, which, "catalogue.toml", "items")
    for person in people.values():
        for key in ("guardian", "mother", "spouse_of"):
            if (other := getattr(person, key)) and other not in people:
                raise BadData(f"citizens.toml: people.{person.id}.{key}: no person {other}")
    return World(
        people,
        places,
        items,
        {p.id_number: p for p in people.values()},
        {p.psn_no: p for p in people.values()},
        {i.med_list_codg: i for i in items.values()},
    )


def text(which: str, name: str) -> str:
    """One of a world's files."""
    folder = files(__package__) / "people"
    return (folder / name if which == SAMPLE else folder / which / name).read_text("utf-8")


def switches_of(which: str) -> dict[str, str]:
    """How the switches stand in a world from the start."""
    return {} if which == SAMPLE else tomllib.loads(text(which, "switches.toml"))


def _table(which: str, name: str, key: str) -> dict[str, dict[str, Any]]:
    try:
        return tomllib.loads(text(which, name))[key]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BadData(f"{name}: {key}: {error}") from error


def _all(kind: type, which: str, name: str, table: str) -> dict[str, Any]:
    made = {}
    for key, given in _table(which, name, table).items():
        try:
            made[key] = kind(code=key, **{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})
        except TypeError as error:
            raise BadData(f"{name}: {table}.{key}: {error}") from error
    return made


def _person(key: str, given: dict[str, Any], which: str) -> Person:
    def wrong(field_name: str, why: str) -> BadData:
        return BadData(f"citizens.toml: people.{key}.{field_name}: {why}")

    try:
        insurance = Insurance(**given["insurance"]) if "insurance" in given else None
        person = Person(id=key, **{**given, "insurance": insurance})
    except TypeError as error:
        raise BadData(f"citizens.toml: people.{key}: {error}") from error
    pattern = NUMBER.get(person.id_type)
    if pattern is None or (which == SAMPLE and not pattern.match(person.id_number)):
        raise wrong("id_number", "not a sample number of its kind (area 469099, H000000.., XSAMPLE.., Z99..)")
    if person.id_type == "id_card":
        if check_character(person.id_number[:17]) != person.id_number[17]:
            raise wrong("id_number", "check character is wrong")
        if person.id_number[6:14] != person.born_on.strftime("%Y%m%d"):
            raise wrong("born_on", "differs from the ID number")
    if person.phone and not PHONE.match(person.phone):
        raise wrong("phone", "sample phones are 1540000nnnn")
    if which == SAMPLE and not any(mark in person.name for mark in ("样", "樣", "SAMPLE")):
        raise wrong("name", "a sample name holds 样")
    if person.relation and person.relation not in RELATIONS:
        raise wrong("relation", f"one of {', '.join(sorted(RELATIONS))}")
    if insurance and (insurance.balance_fen < 0 or insurance.type not in ("310", "390")):
        raise wrong("insurance", "type 310 or 390, balance_fen not negative")
    return person

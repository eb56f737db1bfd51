"""The bureau's rules by date, read from hn-*.toml and checked when first asked for. Pure but for that reading."""

import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

MODES = ("off", "rx_only", "open")
LEGS = {"own", "mutual_aid", "wallet", "cash"}
ROUNDINGS = ("floor", "half_up")


class BadPolicy(ValueError):
    """A policy file says something it must not; the message names file and key."""


@dataclass(frozen=True)
class Scheme:
    """Outpatient terms of one scheme. Tables by institution level; the senior cap is for retired or aged people."""

    deductible_fen: dict[int, int]
    ratio_bp: dict[int, int]
    cap_fen: int
    senior_cap_fen: int
    senior_from_age: int | None = None
    years: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """After a gap of at most `months`, `benefit_bp` of the benefit for the first `for_months`."""

    months: int
    benefit_bp: int
    for_months: int
    restarts: bool = False


@dataclass(frozen=True)
class Policy:
    """One version. `order` is the order of the personal legs; cash is always last and takes what is left."""

    version: str
    effective_from: date
    region: str
    clearing_office: str
    newborn_days: int
    employee: Scheme
    resident: Scheme
    order: tuple[str, ...]
    retain_fen: int
    mutual_per_purchase_fen: int | None
    mutual_per_year_fen: int | None
    pooled_mode: str
    ratio_basis: str
    basis_level: int
    trace_code_required_from: date
    electronic_dual_channel_from: date
    pooled_rounding: str
    line_rounding: str
    interruption: tuple[Gap, ...]

    def scheme(self, insutype: str) -> Scheme:
        return self.employee if insutype == "310" else self.resident


def read(name: str, text: str) -> Policy:
    """A policy from TOML. Raises BadPolicy naming file and key."""
    try:
        made = _policy(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadPolicy(f"{name}: {error!r}") from error
    for where, scheme in (("employee", made.employee), ("resident", made.resident)):
        if set(scheme.ratio_bp) != {0, 1, 2, 3} or set(scheme.deductible_fen) != {0, 1, 2, 3}:
            raise BadPolicy(f"{name}: {where}: tables need levels 0, 1, 2, 3")
        if not all(0 <= bp <= 10_000 for bp in scheme.ratio_bp.values()):
            raise BadPolicy(f"{name}: {where}.ratio_bp: 0 to 10000")
    if set(made.order) != LEGS or made.order[-1] != "cash":
        raise BadPolicy(f"{name}: account.order: own, mutual_aid, wallet in any order, then cash")
    if made.pooled_mode not in MODES or made.ratio_basis not in ("prescriber_tier", "primary"):
        raise BadPolicy(f"{name}: pharmacy: unknown pooled_mode or ratio_basis")
    if made.pooled_rounding not in ROUNDINGS or made.line_rounding not in ROUNDINGS:
        raise BadPolicy(f"{name}: rounding: floor or half_up")
    return made


def _policy(given: dict[str, Any]) -> Policy:
    account, pharmacy = given["account"], given["pharmacy"]
    return Policy(
        version=given["version"],
        effective_from=given["effective_from"],
        region=given["region"],
        clearing_office=given["clearing_office"],
        newborn_days=given["newborn_days"],
        employee=_scheme(given["employee"]),
        resident=_scheme(given["resident"]),
        order=tuple(account["order"]),
        retain_fen=account["retain_fen"],
        mutual_per_purchase_fen=account.get("mutual_per_purchase_fen"),
        mutual_per_year_fen=account.get("mutual_per_year_fen"),
        pooled_rounding=given["rounding"]["pooled"],
        line_rounding=given["rounding"]["line"],
        interruption=tuple(Gap(**row) for row in given["interruption"]),
        **pharmacy,
    )


def _scheme(given: dict[str, Any]) -> Scheme:
    by_level = {key: {int(k): v for k, v in given[key].items()} for key in ("deductible_fen", "ratio_bp")}
    return Scheme(**{**given, **by_level})


@cache
def versions() -> tuple[Policy, ...]:
    """Every version, newest first."""
    folder = files(__package__)
    found = [read(f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.startswith("hn-")]
    return tuple(sorted(found, key=lambda p: p.effective_from, reverse=True))


def on(day: date) -> Policy:
    """The version in force on a day; before the first one, the first."""
    return next((p for p in versions() if p.effective_from <= day), versions()[-1])


def months_between(first: date, last: date) -> int:
    """Whole calendar months from one date's month to another's."""
    return (last.year - first.year) * 12 + last.month - first.month


def benefit_bp(
    policy: Policy, status: str, day: date, paused_on: date | None = None, resumed_on: date | None = None
) -> int:
    """The share of the pooled benefit somebody has on a day, after an interruption (domain sheet §3.5)."""
    if status != "1":
        return 10_000 if status == "2" and paused_on and months_between(paused_on, day) <= 0 else 0
    if not (paused_on and resumed_on):
        return 10_000
    gap = months_between(paused_on, resumed_on)
    row = next((row for row in policy.interruption if gap <= row.months), policy.interruption[-1])
    return row.benefit_bp if months_between(resumed_on, day) < row.for_months else 10_000

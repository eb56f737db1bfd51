"""The bureau's rules by region and date, read from policies/*.toml and checked when first asked for.

A file holds `rules` and dated `versions`; a version is the rules with its `changes` laid over them. A profile may
`extend` another file: it starts from that file's newest rules. Pure, but for that reading and the switch in
`in_force`, which says whose rules a space lives under.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from mock_providers import switches

MODES = ("off", "rx_only", "open")
LEGS = {"own", "mutual_aid", "wallet", "cash"}
ROUNDINGS = ("floor", "half_up")
switches.declare(
    "national.policy",
    "hn",
    (
        "hn",
        *("chongqing-1", "generic-6", "generic-7", "hebei-8", "linyi", "sample-caps", "sample-sjz", "shanxi"),
        "taiyuan-review",
        "yunnan",
    ),
    kind="choice",
    source="domain §2.3.1",
    why="whose rules the bureau counts by: Hainan's, or a sample that tests the engine; take the back end's region",
)


class BadPolicy(ValueError):
    """A policy file says something it must not; the message names file and key."""


@dataclass(frozen=True)
class Scheme:
    """Outpatient terms of one scheme. Tables by institution level; the senior cap is for retired or aged people.

    `older_cap_fen` is for who is not yet retired but of `older_from_age`; `retired_ratio_bp` stands in for
    `ratio_bp`. `years`: what a retired person's missing contribution years take off the ratio.
    """

    deductible_fen: dict[int, int]
    ratio_bp: dict[int, int]
    cap_fen: int
    senior_cap_fen: int
    senior_from_age: int | None = None
    older_from_age: int | None = None
    older_cap_fen: int = 0
    retired_ratio_bp: dict[int, int] | None = None
    years: dict[str, Any] = field(default_factory=dict)


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
    pays_outside: bool
    retain_fen: int
    mutual_per_purchase_fen: int | None
    mutual_per_day_fen: int | None
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


def read(name: str, text: str, base: Mapping[str, Any] | None = None) -> tuple[Policy, ...]:
    """Every version of a file, newest first. `base`: the rules it extends. Raises BadPolicy naming file and key."""
    try:
        given = tomllib.loads(text)
        rules = _over(base or {}, given.get("rules", {}))
        made = [_policy({**_over(rules, row.get("changes", {})), **row}) for row in given["versions"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadPolicy(f"{name}: {error!r}") from error
    for policy in made:
        _check(name, policy)
    return tuple(sorted(made, key=lambda policy: policy.effective_from, reverse=True))


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, table by table."""
    laid = dict(below)
    for key, value in above.items():
        old = laid.get(key)
        laid[key] = _over(old, value) if isinstance(value, dict) and isinstance(old, Mapping) else value
    return laid


def _check(name: str, made: Policy) -> None:
    for where, scheme in (("employee", made.employee), ("resident", made.resident)):
        tables = [scheme.ratio_bp, scheme.deductible_fen, scheme.retired_ratio_bp or scheme.ratio_bp]
        if any(set(table) != {0, 1, 2, 3} for table in tables):
            raise BadPolicy(f"{name}: {where}: tables need levels 0, 1, 2, 3")
        if not all(0 <= bp <= 10_000 for table in (tables[0], tables[2]) for bp in table.values()):
            raise BadPolicy(f"{name}: {where}.ratio_bp: 0 to 10000")
        if scheme.years and scheme.years["off"] not in ("points", "percent"):
            raise BadPolicy(f"{name}: {where}.years.off: points or percent")
    if set(made.order) != LEGS or made.order[-1] != "cash":
        raise BadPolicy(f"{name}: account.order: own, mutual_aid, wallet in any order, then cash")
    if made.pooled_mode not in MODES or made.ratio_basis not in ("prescriber_tier", "primary"):
        raise BadPolicy(f"{name}: pharmacy: unknown pooled_mode or ratio_basis")
    if made.pooled_rounding not in ROUNDINGS or made.line_rounding not in ROUNDINGS:
        raise BadPolicy(f"{name}: rounding: floor or half_up")


def _policy(given: Mapping[str, Any]) -> Policy:
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
        pays_outside=account["pays_outside"],
        retain_fen=account["retain_fen"],
        mutual_per_purchase_fen=account.get("mutual_per_purchase_fen"),
        mutual_per_day_fen=account.get("mutual_per_day_fen"),
        mutual_per_year_fen=_per_year(account),
        pooled_rounding=given["rounding"]["pooled"],
        line_rounding=given["rounding"]["line"],
        interruption=tuple(Gap(**row) for row in given["interruption"]),
        **pharmacy,
    )


def _per_year(account: Mapping[str, Any]) -> int | None:
    """The yearly limit of mutual aid: a sum, a share of the average wage (the 8 % rule), or the smaller of both."""
    limits = [account["mutual_per_year_fen"]] if "mutual_per_year_fen" in account else []
    if "mutual_per_year_bp" in account:
        limits.append(account["average_wage_fen"] * account["mutual_per_year_bp"] // 10_000)
    return min(limits) if limits else None


def _scheme(given: Mapping[str, Any]) -> Scheme:
    tables = {key for key in ("deductible_fen", "ratio_bp", "retired_ratio_bp") if key in given}
    return Scheme(**{**given, **{key: {int(k): v for k, v in given[key].items()} for key in tables}})


@cache
def versions(profile: str = "hn") -> tuple[Policy, ...]:
    """Every version of a region's rules, newest first."""
    text, base = _text(profile), None
    if above := tomllib.loads(text).get("extends"):
        base = tomllib.loads(_text(above))["rules"]
    return read(f"{profile}.toml", text, base)


def _text(profile: str) -> str:
    return (files(__package__) / "policies" / f"{profile}.toml").read_text("utf-8")


def on(day: date, profile: str = "hn") -> Policy:
    """The version in force on a day; before the first one, the first."""
    known = versions(profile)
    return next((p for p in known if p.effective_from <= day), known[-1])


def in_force(day: date) -> Policy:
    """The version this space lives under on a day."""
    return on(day, switches.value("national.policy"))


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

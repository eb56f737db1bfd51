"""What a purchase costs whom: one pure function from facts and a policy to integer fen.

Rules of the file: no I/O; every identity of the protocol sheet §2.5 and the domain sheet §5.3 is asserted here,
once, before anybody sees a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mock_providers.national import amounts
from mock_providers.national.policy import Policy, Scheme

ROUND: dict[str, Callable[[Decimal], int]] = {"floor": amounts.floor, "half_up": amounts.half_up}
OUTSIDE = "03"


@dataclass(frozen=True)
class Line:
    """One item of a purchase. `level` 01 甲, 02 乙, 03 自费; `pooled`: the fund may pay its share of it."""

    quantity: Decimal
    unit_price_fen: Decimal
    level: str
    first_pay_bp: int
    ceiling_fen: int | None = None
    pooled: bool = True


@dataclass(frozen=True)
class Patient:
    """The insured. `benefit_bp` 0 means no pooled money (suspended); counters are this year's."""

    insutype: str
    born_on: date
    gender: str
    retired: bool = False
    contribution_years: int | None = None
    benefit_bp: int = 10_000
    deductible_paid_fen: int = 0
    pooled_used_fen: int = 0


@dataclass(frozen=True)
class Purses:
    """What may be drawn. `mutual_fen` is the giver's balance, less what a caller already held back."""

    own_fen: int = 0
    mutual_fen: int = 0
    wallet_fen: int = 0
    mutual_used_this_year_fen: int = 0
    mutual_used_today_fen: int = 0


@dataclass(frozen=True)
class LineSplit:
    """fulamt_ownpay, overlmt, preselfpay, inscp of one line."""

    total_fen: int
    full_self_fen: int
    over_limit_fen: int
    first_pay_fen: int
    in_scope_fen: int
    first_pay_bp: int


@dataclass(frozen=True)
class Split:
    """Who pays what. `ratio_bp` is what the fund pays of the base; `cap_left_fen` and `purses` are before it."""

    lines: tuple[LineSplit, ...]
    total_fen: int
    in_scope_fen: int
    pooled_scope_fen: int
    deductible_fen: int
    ratio_bp: int
    cap_left_fen: int
    pooled_fen: int
    own_fen: int
    mutual_fen: int
    wallet_fen: int
    cash_fen: int
    purses: Purses

    @property
    def full_self_fen(self) -> int:
        return sum(line.full_self_fen for line in self.lines)

    @property
    def over_limit_fen(self) -> int:
        return sum(line.over_limit_fen for line in self.lines)

    @property
    def first_pay_fen(self) -> int:
        return sum(line.first_pay_fen for line in self.lines)

    @property
    def personal_fen(self) -> int:
        """psn_part_amt: what the fund does not pay."""
        return self.total_fen - self.pooled_fen

    @property
    def own_after_fen(self) -> int:
        return self.purses.own_fen - self.own_fen

    @property
    def legs(self) -> tuple[int, int, int, int]:
        """(pooled, own, mutual, cash), as a payer agrees to them."""
        return self.pooled_fen, self.own_fen, self.mutual_fen, self.cash_fen


def age_on(born_on: date, day: date) -> int:
    """Whole years; one more on the birthday itself."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def ratio_bp(policy: Policy, patient: Patient, level: int) -> int:
    """The pooled ratio at a level, less for a retired person's missing contribution years."""
    scheme = policy.scheme(patient.insutype)
    table = scheme.retired_ratio_bp if patient.retired and scheme.retired_ratio_bp else scheme.ratio_bp
    ratio = table[level]
    if patient.retired and scheme.years and patient.contribution_years is not None:
        missing = max(0, scheme.years[patient.gender] - patient.contribution_years)
        off = missing * scheme.years["off_bp"]
        ratio = max(0, ratio - (off if scheme.years["off"] == "points" else ratio * off // 10_000))
    return ratio


def cap_fen(scheme: Scheme, patient: Patient, day: date) -> int:
    """The yearly cap: higher for the retired (employees) or from an age (residents, some employees)."""
    age = age_on(patient.born_on, day)
    if patient.retired or (scheme.senior_from_age is not None and age >= scheme.senior_from_age):
        return scheme.senior_cap_fen
    older = scheme.older_from_age is not None and age >= scheme.older_from_age
    return scheme.older_cap_fen if older else scheme.cap_fen


def line_total_fen(line: Line, policy: Policy) -> int:
    return ROUND[policy.line_rounding](line.quantity * line.unit_price_fen)


def split_line(line: Line, policy: Policy) -> LineSplit:
    """Identity 1: total = fully self-paid + over the ceiling + first pay + in scope."""
    rounded = ROUND[policy.line_rounding]
    total = line_total_fen(line, policy)
    if line.level == OUTSIDE:
        return LineSplit(total, total, 0, 0, 0, 10_000)
    over = 0
    if line.ceiling_fen is not None and line.unit_price_fen > line.ceiling_fen:
        over = min(total, rounded((line.unit_price_fen - line.ceiling_fen) * line.quantity))
    bp = line.first_pay_bp if line.level == "02" else 0
    first = rounded(Decimal((total - over) * bp) / 10_000)
    return LineSplit(total, 0, over, first, total - over - first, bp)


def split(
    policy: Policy,
    day: date,
    level: int,
    lines: Sequence[Line],
    patient: Patient,
    purses: Purses,
    pooled: bool = True,
) -> Split:
    """The whole arithmetic: lines, deductible, fund up to the yearly cap, then the personal legs in policy order.

    `level` is the prescriber's; `pooled` whether the fund may pay anything here at all.
    """
    parts = tuple(split_line(line, policy) for line in lines)
    total, in_scope = sum(p.total_fen for p in parts), sum(p.in_scope_fen for p in parts)
    scheme = policy.scheme(patient.insutype)
    cap_left = max(0, cap_fen(scheme, patient, day) - patient.pooled_used_fen)
    scope = deductible = ratio = fund = 0
    if pooled and patient.benefit_bp:
        scope = sum(p.in_scope_fen for line, p in zip(lines, parts, strict=True) if line.pooled)
    if scope:
        ratio = ratio_bp(policy, patient, level)
        deductible = min(scope, max(0, scheme.deductible_fen[level] - patient.deductible_paid_fen))
        share = Decimal((scope - deductible) * ratio * patient.benefit_bp) / 10**8
        fund = min(ROUND[policy.pooled_rounding](share), cap_left)
    outside = 0 if policy.pays_outside else sum(p.full_self_fen for p in parts)
    taken = _legs(policy, total - fund - outside, purses)
    made = Split(
        lines=parts,
        total_fen=total,
        in_scope_fen=in_scope,
        pooled_scope_fen=scope,
        deductible_fen=deductible,
        ratio_bp=ratio * patient.benefit_bp // 10_000,
        cap_left_fen=cap_left,
        pooled_fen=fund,
        own_fen=taken["own"],
        mutual_fen=taken["mutual_aid"],
        wallet_fen=taken["wallet"],
        cash_fen=taken["cash"] + outside,
        purses=purses,
    )
    check(made)
    return made


def mutual_left_fen(policy: Policy, purses: Purses) -> int:
    """What mutual aid may give: the giver's balance less what is retained, within the policy's caps."""
    limits = [max(0, purses.mutual_fen - policy.retain_fen)]
    if policy.mutual_per_purchase_fen is not None:
        limits.append(policy.mutual_per_purchase_fen)
    if policy.mutual_per_day_fen is not None:
        limits.append(max(0, policy.mutual_per_day_fen - purses.mutual_used_today_fen))
    if policy.mutual_per_year_fen is not None:
        limits.append(max(0, policy.mutual_per_year_fen - purses.mutual_used_this_year_fen))
    return min(limits)


def _legs(policy: Policy, personal: int, purses: Purses) -> dict[str, int]:
    there = {
        "own": purses.own_fen,
        "mutual_aid": mutual_left_fen(policy, purses),
        "wallet": purses.wallet_fen,
        "cash": personal,
    }
    taken = {}
    for leg in policy.order:
        taken[leg] = min(personal, there[leg])
        personal -= taken[leg]
    return taken


def check(made: Split) -> None:
    """The identities. A failure is a bug of ours, never an answer."""
    for line in made.lines:
        parts = (line.full_self_fen, line.over_limit_fen, line.first_pay_fen, line.in_scope_fen)
        assert min(parts) >= 0 and sum(parts) == line.total_fen, "identity 1"
    header = made.full_self_fen + made.over_limit_fen + made.first_pay_fen + made.in_scope_fen
    assert header == made.total_fen, "identity 2"
    legs = (made.pooled_fen, made.own_fen, made.mutual_fen, made.wallet_fen, made.cash_fen)
    assert min(legs) >= 0 and sum(legs) == made.total_fen, "the legs make up the total"
    assert made.personal_fen == made.own_fen + made.mutual_fen + made.wallet_fen + made.cash_fen, "identity 5"
    assert made.own_after_fen >= 0 and made.mutual_fen <= made.purses.mutual_fen, "identity 7"
    assert made.pooled_fen <= made.cap_left_fen, "the yearly cap"
    assert made.pooled_fen + made.deductible_fen <= made.pooled_scope_fen <= made.in_scope_fen, "identity 9"

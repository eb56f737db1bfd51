"""What a region allows: typed, immutable and dated. Data is in regions/<name>.toml; nothing here reads a clock.

A file holds `rules` and dated `versions`; a version is the rules with its `changes` laid over them. A profile may
`extend` another file: it starts from that file's last version. Fields ending `_fen` are fen, `_bp` basis points;
durations are ISO-8601 text, a missing optional key is None. Amounts, ratios and the order of accounts are the
bureau's and are not here.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, timedelta
from importlib.resources import files
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

Relation = Literal["spouse", "parent", "child", "grandparent", "grandchild", "sibling"]
IdType = Literal["id_card", "hk_permit", "tw_permit", "passport", "birth_certificate"]
Material = Literal[
    "id_card",
    "household_register",
    "birth_certificate",
    "kinship_notary",
    "marriage_certificate",
    "permit_front",
    "permit_back",
    "passport_page",
]
Effective = Literal["immediate", "next_day", "next_month"]
DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")


class BadPolicy(ValueError):
    """A region file says something it must not; the message names file and key."""


@dataclass(frozen=True)
class Credential:
    required: bool


@dataclass(frozen=True)
class FamilyAccount:
    """Who may be bound, and how many. `province_prefix` are the first digits of the province's insurance areas."""

    allowed_relations: tuple[Relation, ...]
    max_children: int
    max_binders_per_person: int
    province_only: bool
    province_prefix: str
    draft_kept_for: timedelta
    identity_edit: Literal["reverify"]
    fee_fen: int
    max_members: int | None = None


@dataclass(frozen=True)
class AgeRule:
    """From when somebody is an adult: at `adult_from` years, or a year later when it is not `inclusive`."""

    adult_from: int
    inclusive: bool
    reached: Literal["on_birthday", "day_after_birthday"]
    reauth_at_adult: bool
    reauth_within: timedelta


@dataclass(frozen=True)
class MaterialRule:
    """For whom, and what: of every group in `needs` at least one picture. No rule for somebody: nobody binds them."""

    age: Literal["child", "adult"]
    id_types: tuple[IdType, ...]
    needs: tuple[tuple[Material, ...], ...]


@dataclass(frozen=True)
class Pictures:
    max_bytes: int
    min_side: int
    max_pixels: int


@dataclass(frozen=True)
class Notice:
    template_id: str
    version: str


@dataclass(frozen=True)
class Letter:
    """`valid_for` zero: no expiry."""

    mode: Literal["render_and_sign"]
    template_id: str
    version: str
    valid_for: timedelta
    read_for: timedelta


@dataclass(frozen=True)
class Face:
    self_on_bind: bool
    self_on_group: bool
    relative_from_age: int
    pending_for: timedelta


@dataclass(frozen=True)
class Review:
    """`clerks` are the psn_no of the people who may decide."""

    mode: Literal["auto", "manual"]
    sla: timedelta
    clerks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sync:
    lag: timedelta
    retry_every: timedelta
    give_up_after: timedelta


@dataclass(frozen=True)
class Effect:
    bind: Effective
    unbind: Effective


@dataclass(frozen=True)
class Creator:
    insutypes: tuple[str, ...]
    exclude_kinds: tuple[Literal["flexible_unretired"], ...]
    min_balance_fen_on_create: int
    retain_fen: int


@dataclass(frozen=True)
class Member:
    must_be_insured: bool
    statuses: tuple[str, ...]
    same_province: bool


@dataclass(frozen=True)
class Limits:
    max_members: int
    max_children: int
    max_spouses: int
    max_parents: int
    groups_created: int
    groups_joined: int
    may_create_and_join: bool
    open_invitations: int


@dataclass(frozen=True)
class Invite:
    ttl: timedelta
    under_age: Literal["auto_join"]
    adult: Literal["confirm_with_face", "authorise_only"]


@dataclass(frozen=True)
class Visibility:
    creator_sees_member_use: bool
    member_sees_others: bool


@dataclass(frozen=True)
class MutualAid:
    creator: Creator
    member: Member
    allowed_relations: tuple[Relation, ...]
    limits: Limits
    invite: Invite
    scope: tuple[str, ...]
    scope_forbidden: tuple[str, ...]
    effect: Effect
    visibility: Visibility


@dataclass(frozen=True)
class Wallet:
    """`quiet_from`–`quiet_to` are hours of the day in which no transfer starts."""

    enabled: bool
    max_transfers_per_day: int
    max_fen_per_transfer: int
    quiet_from: int
    quiet_to: int
    available_from: date | None = None


@dataclass(frozen=True)
class Pharmacy:
    """What a counter checks before it asks the bureau."""

    trace_code_required_from: date
    max_quantity: int
    prescription_valid_for: timedelta
    long_prescription_valid_for: timedelta


@dataclass(frozen=True)
class Settlement:
    quote_valid_for: timedelta
    authorise_within: timedelta
    pay_cash_within: timedelta


@dataclass(frozen=True)
class Refund:
    """`self_service_for` after settling a refund needs nobody; up to `clerk_for` a clerk; later nobody can."""

    online: bool
    self_service_for: timedelta
    clerk_for: timedelta


@dataclass(frozen=True)
class Channel:
    """One skin over the one engine: what it is called, how one gets there, what it can do."""

    code: str
    name: str
    entry_path: tuple[str, ...]
    features: tuple[str, ...]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Policy:
    """One version of one region's rules."""

    region: str
    region_code: str
    name: str
    tz: str
    version: str
    effective_from: date
    sources: tuple[str, ...]
    credential: Credential
    family_account: FamilyAccount
    age_rule: AgeRule
    materials: tuple[MaterialRule, ...]
    pictures: Pictures
    notice: Notice
    letter: Letter
    face: Face
    review: Review
    sync: Sync
    effect: Effect
    mutual_aid: MutualAid
    wallet: Wallet
    pharmacy: Pharmacy
    settlement: Settlement
    refund: Refund
    channels: tuple[Channel, ...]
    effective_to: date | None = None

    def channel(self, code: str) -> Channel | None:
        """The channel of that code, if this region has it."""
        return next((channel for channel in self.channels if channel.code == code), None)


def at(policies: Sequence[Policy], day: date, pinned: str = "") -> Policy:
    """The version in force on a day; a pinned version is in force always. Raises LookupError."""
    for policy in reversed(policies):
        if policy.version == pinned or (not pinned and policy.effective_from <= day):
            return policy
    raise LookupError(f"no policy {pinned or f'in force on {day}'}")


def check_pin(policies: Sequence[Policy], pinned: str) -> None:
    """Raises BadPolicy if there is no such version to pin."""
    known = [policy.version for policy in policies]
    if pinned and pinned not in known:
        raise BadPolicy(f"no policy version {pinned!r}: {', '.join(known)}")


def load(region: str) -> tuple[Policy, ...]:
    """All versions of regions/<region>.toml, oldest first. Raises BadPolicy naming file and key."""
    name = f"{region}.toml"
    held = _read(name)
    policies = tuple(
        _build(Policy, {**_rules(name, held, version), "region": region}, name, f"versions.{version.get('version')}")
        for version in held["versions"]
    )
    _check_dates(name, policies)
    for policy in policies:
        _check(name, policy)
    return policies


def _read(name: str) -> dict[str, Any]:
    path = files(__package__) / "regions" / name
    if not re.fullmatch(r"[a-z0-9-]+\.toml", name) or not path.is_file():
        raise BadPolicy(f"regions/{name}: no such region")
    try:
        held = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPolicy(f"regions/{name}: {error}") from error
    if unknown := set(held) - {"extends", "rules", "versions"}:
        raise BadPolicy(f"regions/{name}: {min(unknown)}: unknown key")
    if not held.get("versions"):
        raise BadPolicy(f"regions/{name}: versions: at least one is needed")
    return held


def _rules(name: str, held: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
    """The file's rules (over those of the file it extends) with the version's changes and dates."""
    rules = held.get("rules", {})
    if "extends" in held:
        base = _read(f"{held['extends']}.toml")
        rules = _over(_over(base["rules"], base["versions"][-1].get("changes", {})), rules)
    dates = {key: value for key, value in version.items() if key != "changes"}
    return {**_over(rules, version.get("changes", {})), **dates}


def _over(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key; anything else in `upper` replaces."""
    merged = dict(lower)
    for key, value in upper.items():
        both = isinstance(value, dict) and isinstance(lower.get(key), dict)
        merged[key] = _over(lower[key], value) if both else value
    return merged


def _build(kind: Any, given: Any, name: str, where: str) -> Any:
    """`given`, as TOML has it, as a value of type `kind`. Raises BadPolicy."""

    def bad(why: str) -> BadPolicy:
        return BadPolicy(f"regions/{name}: {where}: {why}")

    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _table(kind, given, name, where)
    if origin is UnionType:
        return _build(next(one for one in inner if one is not NoneType), given, name, where)
    if origin is tuple:
        if not isinstance(given, list):
            raise bad("must be a list")
        return tuple(_build(inner[0], one, name, f"{where}[{i}]") for i, one in enumerate(given))
    if origin is Literal:
        if given not in inner:
            raise bad(f"{given!r} is not one of {', '.join(map(str, inner))}")
        return given
    if kind is timedelta:
        return _duration(given, bad)
    if origin is not None:
        if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
            raise bad("must be a table of text")
        return dict(given)
    if type(given) is not kind:
        raise bad(f"must be {kind.__name__}, not {given!r}")
    if kind is int and given < 0:
        raise bad("must not be negative")
    return given


def _table(kind: Any, given: Any, name: str, where: str) -> Any:
    if not isinstance(given, dict):
        raise BadPolicy(f"regions/{name}: {where}: must be a table")
    hints = get_type_hints(kind)
    if unknown := set(given) - set(hints):
        raise BadPolicy(f"regions/{name}: {where}.{min(unknown)}: unknown key")
    found = {}
    for field in fields(kind):
        if field.name in given:
            found[field.name] = _build(hints[field.name], given[field.name], name, f"{where}.{field.name}")
        elif field.default is MISSING:
            raise BadPolicy(f"regions/{name}: {where}.{field.name}: missing")
    return kind(**found)


def _duration(given: Any, bad: Any) -> timedelta:
    match = DURATION.match(given) if isinstance(given, str) and given != "P" else None
    if match is None:
        raise bad(f"{given!r} is not a duration such as PT24H or P7D")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _check_dates(name: str, policies: tuple[Policy, ...]) -> None:
    for earlier, later in pairwise(policies):
        where = f"regions/{name}: versions.{later.version}.effective_from"
        if later.version == earlier.version or later.effective_from <= earlier.effective_from:
            raise BadPolicy(f"{where}: versions come oldest first, each once")
        if earlier.effective_to != later.effective_from - timedelta(days=1):
            raise BadPolicy(f"{where}: {earlier.version} must end the day before")
    if policies[-1].effective_to is not None:
        raise BadPolicy(f"regions/{name}: versions.{policies[-1].version}.effective_to: the last version is open")


def _check(name: str, policy: Policy) -> None:
    """What one key alone cannot show."""
    where = f"regions/{name}: versions.{policy.version}"
    if not re.fullmatch(r"\d{6}", policy.region_code):
        raise BadPolicy(f"{where}.region_code: six digits")
    if not re.fullmatch(r"\d{2,6}", policy.family_account.province_prefix):
        raise BadPolicy(f"{where}.family_account.province_prefix: two to six digits")
    if policy.tz != "Asia/Shanghai":
        raise BadPolicy(f"{where}.tz: business dates are Asia/Shanghai")
    seen: set[tuple[str, str]] = set()
    for rule in policy.materials:
        for id_type in rule.id_types:
            if (rule.age, id_type) in seen:
                raise BadPolicy(f"{where}.materials: two rules for {rule.age} with {id_type}")
            seen.add((rule.age, id_type))
        if rule.age == "adult" and any("birth_certificate" in group for group in rule.needs):
            raise BadPolicy(f"{where}.materials: a birth certificate is for children only")

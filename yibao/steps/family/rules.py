"""Who may be bound and what comes next: the table of §6.2 and the checks around it. No I/O; time comes in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from yibao.clock import CHINA
from yibao.errors import Refused
from yibao.policy import AgeRule, Effective, MaterialRule, Policy

NEXT = {
    ("DRAFT", "read"): "NOTICE_READ",
    ("NOTICE_READ", "enter"): "INFO_OK",
    ("INFO_OK", "enter"): "INFO_OK",
    ("MATERIAL_OK", "enter"): "INFO_OK",
    ("LETTER_SIGNED", "enter"): "INFO_OK",
    ("INFO_OK", "upload"): "INFO_OK",
    ("INFO_OK", "complete"): "MATERIAL_OK",
    ("MATERIAL_OK", "upload"): "MATERIAL_OK",
    ("MATERIAL_OK", "render"): "MATERIAL_OK",
    ("MATERIAL_OK", "sign"): "LETTER_SIGNED",
    ("LETTER_SIGNED", "submit"): "SUBMITTED",
    ("SUBMITTED", "check"): "CHECKING",
    ("CHECKING", "refuse"): "REJECTED",
    ("CHECKING", "wait"): "SYNC_WAIT",
    ("CHECKING", "review"): "REVIEW",
    ("CHECKING", "ask_face"): "FACE_PENDING",
    ("CHECKING", "activate"): "ACTIVE",
    ("SYNC_WAIT", "retry"): "CHECKING",
    ("SYNC_WAIT", "refuse"): "REJECTED",
    ("REVIEW", "ask_face"): "FACE_PENDING",
    ("REVIEW", "activate"): "ACTIVE",
    ("REVIEW", "refuse"): "REJECTED",
    ("FACE_PENDING", "activate"): "ACTIVE",
    ("FACE_PENDING", "expire"): "EXPIRED",
    ("ACTIVE", "edit"): "ACTIVE",
    ("ACTIVE", "show_code"): "ACTIVE",
    ("REAUTH_REQUIRED", "show_code"): "REAUTH_REQUIRED",
    ("ACTIVE", "come_of_age"): "REAUTH_REQUIRED",
    ("REAUTH_REQUIRED", "activate"): "ACTIVE",
}
DRAFTS = ("DRAFT", "NOTICE_READ", "INFO_OK", "MATERIAL_OK", "LETTER_SIGNED")
CHECKED = ("SUBMITTED", "CHECKING", "SYNC_WAIT", "REVIEW", "FACE_PENDING")
BOUND = ("ACTIVE", "REAUTH_REQUIRED")
COUNTED = (*CHECKED, *BOUND)
ENDED = ("REJECTED", "EXPIRED", "CANCELLED", "UNBOUND")
NEXT |= {(state, "expire"): "EXPIRED" for state in DRAFTS}
NEXT |= {(state, "cancel"): "CANCELLED" for state in (*DRAFTS, "SYNC_WAIT", "REVIEW", "FACE_PENDING")}
NEXT |= {(state, event): "UNBOUND" for state in BOUND for event in ("unbind", "object", "die", "replace")}
SKIPPED = {"DRAFT": "NOTICE_NOT_READ", "INFO_OK": "MATERIAL_MISSING", "MATERIAL_OK": "LETTER_MISSING"}
FORWARD = ("enter", "upload", "render", "submit")

RELATIONS = {
    "spouse": "配偶",
    "parent": "父母",
    "child": "子女",
    "grandparent": "祖父母、外祖父母",
    "grandchild": "孙子女、外孙子女",
    "sibling": "兄弟姐妹",
}
MATERIALS = {
    "id_card": "身份证",
    "household_register": "户口本",
    "birth_certificate": "出生证明",
    "kinship_notary": "关系公证书",
    "marriage_certificate": "结婚证",
    "permit_front": "通行证正面",
    "permit_back": "通行证背面",
    "passport_page": "护照照片页",
}


@dataclass(frozen=True)
class Registered:
    """What the registry says of somebody."""

    name: str
    psn_no: str
    born_on: date | None
    areas: tuple[str, ...]
    mother_id_number: str = ""
    id_number: str = ""


@dataclass(frozen=True)
class Claimed:
    """What the binder typed."""

    name: str
    id_type: str
    born_on: date


@dataclass(frozen=True)
class Count:
    """What is bound already: this user's relatives, their relations, and who else bound the same person."""

    relations: Sequence[str]
    other_binders: int


def move(state: str, event: str, reason: str = "") -> str:
    """The state after an event. `reason` is why a rejected binding was rejected.

    Raises Refused: the reason of an ended binding, the step that was skipped, or STATE_CONFLICT.
    """
    if (state, event) in NEXT:
        return NEXT[state, event]
    if state == "EXPIRED":
        raise Refused("BINDING_EXPIRED")
    if state == "REJECTED" and reason:
        raise Refused(reason)
    if event in FORWARD and state in SKIPPED:
        raise Refused(SKIPPED[state])
    raise Refused("STATE_CONFLICT", f"a binding that is {state} cannot {event}")


def adult_on(born_on: date, rule: AgeRule, years: int | None = None) -> date:
    """The first day on which somebody counts as an adult. A 29 February falls on 1 March."""
    years = (rule.adult_from if years is None else years) + (0 if rule.inclusive else 1)
    try:
        birthday = born_on.replace(year=born_on.year + years)
    except ValueError:
        birthday = date(born_on.year + years, 3, 1)
    return birthday + timedelta(days=1 if rule.reached == "day_after_birthday" else 0)


def is_adult(born_on: date, day: date, rule: AgeRule) -> bool:
    """Whether somebody is an adult on a business day."""
    return day >= adult_on(born_on, rule)


def midnight(day: date) -> datetime:
    """The first instant of a business day."""
    return datetime.combine(day, time(), CHINA)


def usable_from(now: datetime, effect: Effective) -> datetime:
    """When something decided now takes effect."""
    if effect == "immediate":
        return now
    if effect == "next_day":
        return midnight(now.date() + timedelta(days=1))
    return midnight((now.date().replace(day=1) + timedelta(days=32)).replace(day=1))


def check_relation(relation: str, policy: Policy) -> None:
    """Raises Refused FA_RELATION_NOT_ALLOWED."""
    if relation not in policy.family_account.allowed_relations:
        raise Refused("FA_RELATION_NOT_ALLOWED")


def material_rule(policy: Policy, id_type: str, adult: bool) -> MaterialRule:
    """Which papers somebody needs. Raises Refused MATERIAL_TYPE where nobody of that kind can be bound."""
    age = "adult" if adult else "child"
    for rule in policy.materials:
        if rule.age == age and id_type in rule.id_types:
            return rule
    raise Refused("MATERIAL_TYPE", f"this document does not serve {'an adult' if adult else 'a child'}")


def offered(rule: MaterialRule) -> list[str]:
    """Every material that fits, in the order of the groups."""
    return list(dict.fromkeys(material for group in rule.needs for material in group))


def missing(rule: MaterialRule, held: Collection[str]) -> list[tuple[str, ...]]:
    """The groups of which nothing was uploaded yet."""
    return [group for group in rule.needs if not set(group) & set(held)]


def check_limits(relation: str, count: Count, policy: Policy) -> None:
    """Raises Refused FA_CHILD_LIMIT, FA_MEMBER_LIMIT or FA_BINDER_LIMIT."""
    family = policy.family_account
    if relation == "child" and count.relations.count("child") >= family.max_children:
        raise Refused("FA_CHILD_LIMIT")
    if family.max_members is not None and len(count.relations) >= family.max_members:
        raise Refused("FA_MEMBER_LIMIT")
    if count.other_binders >= family.max_binders_per_person:
        raise Refused("FA_BINDER_LIMIT")


def judge(found: Registered | None, claimed: Claimed, policy: Policy) -> None:
    """Hold what was typed against the registry; a newborn with a birth certificate need not be in it.

    Raises Refused FA_NOT_REGISTERED, FA_NAME_ID_MISMATCH or FA_NOT_IN_PROVINCE.
    """
    newborn, family = claimed.id_type == "birth_certificate", policy.family_account
    if found is None:
        if newborn:
            return
        raise Refused("FA_NOT_REGISTERED")
    if found.name != claimed.name or (found.born_on and found.born_on != claimed.born_on):
        raise Refused("FA_NAME_ID_MISMATCH")
    if newborn:
        return
    if not found.areas:
        raise Refused("FA_NOT_REGISTERED")
    if family.province_only and not any(area.startswith(family.province_prefix) for area in found.areas):
        raise Refused("FA_NOT_IN_PROVINCE")


def judge_mother(found: Registered | None, name: str, child: Registered | None) -> None:
    """The mother must be somebody, and the one the certificate names where the registry tells.

    Raises Refused FA_MOTHER_MISMATCH.
    """
    named = child.mother_id_number if child else ""
    if found is None or found.name != name or (named and named != found.id_number):
        raise Refused("FA_MOTHER_MISMATCH")


def face_subject(id_type: str, born_on: date, day: date, policy: Policy) -> str:
    """Whose face makes the binding ACTIVE: "relative", "mother" or nobody's."""
    if id_type == "birth_certificate":
        return "mother"
    return "relative" if day >= adult_on(born_on, policy.age_rule, policy.face.relative_from_age) else ""


def may_open_face(state: str, subject: str, wanted: str, reason: str) -> None:
    """Only the face that is due: the binder's before submitting, then the one the binding waits for.

    Raises Refused FACE_SUBJECT_MISMATCH, STATE_CONFLICT or what an ended binding ended with.
    """
    if wanted:
        if subject != wanted:
            raise Refused("FACE_SUBJECT_MISMATCH", f"the face of the {wanted} is asked for")
    elif subject == "self":
        move(state, "submit", reason)
    elif state in DRAFTS:
        raise Refused("STATE_CONFLICT", "submit the binding first")
    else:
        move(state, "ask_face", reason)
        raise Refused("STATE_CONFLICT", "no face is asked for now")


def is_blocked(state: str, reauth_until: datetime | None, now: datetime) -> bool:
    """Whether a relative who came of age was left unauthorised for too long."""
    return state == "REAUTH_REQUIRED" and (reauth_until is None or now >= reauth_until)

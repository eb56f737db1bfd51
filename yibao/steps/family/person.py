"""填写家属信息: what was typed about the relative, held against the rules before anything is asked elsewhere."""

from datetime import date
from typing import Any

from yibao import clock, identity, policies
from yibao.errors import Refused
from yibao.steps.commitment import models as letters
from yibao.steps.family import models, rules
from yibao.steps.family.models import Binding
from yibao.steps.login.models import User

WANTED = {
    "id_card": (),
    "hk_permit": ("born_on", "gender"),
    "tw_permit": ("born_on", "gender"),
    "passport": ("born_on", "gender", "nationality"),
    "birth_certificate": ("born_on", "gender", "mother_name", "mother_id_number"),
}
IDENTITY = (
    "name",
    "id_type",
    "id_number",
    "relation",
    "nationality",
    "born_on",
    "gender",
    "mother_name",
    "mother_id_number",
)


def enter(binding: Binding, user: User, given: dict[str, Any]) -> None:
    """Take the data of the relative. Raises Refused of the family and ID codes; the caller commits."""
    rules.move(binding.state, "enter", binding.reason)
    policy, today = policies.current(), clock.now().date()
    if not given["name"].strip():
        raise Refused("FA_NAME_EMPTY")
    rules.check_relation(given["relation"], policy)
    data = _checked(given, today)
    if (data["id_type"], data["id_number"]) == (user.id_type, user.id_number):
        raise Refused("FA_SELF")
    rules.material_rule(policy, data["id_type"], rules.is_adult(data["born_on"], today, policy.age_rule))
    if (binding.id_type, binding.id_number) != (data["id_type"], data["id_number"]):
        for material in binding.materials():
            material.dropped = True
    for name, value in data.items():
        setattr(binding, name, value)
    models.check_duplicate(binding)
    letters.outdate(binding.target)
    binding.move("enter")
    complete(binding)


def edit(binding: Binding, user: User, given: dict[str, Any]) -> Binding:
    """Change the phone at once, or begin a new check of changed identity fields; the caller commits.

    Raises Refused EDIT_LOCKED, EDIT_IDENTITY (until `reverify` is said) and whatever `enter` raises.
    """
    if binding.state != "ACTIVE" or binding.open_edit() is not None:
        raise Refused("EDIT_LOCKED")
    changes = {name: given[name] for name in IDENTITY if name in given and given[name] != getattr(binding, name)}
    if changes and not given["reverify"]:
        raise Refused("EDIT_IDENTITY")
    if not changes:
        binding.phone = given.get("phone", binding.phone)
        binding.move("edit", changed="phone")
        return binding
    again = models.draft(user.id, binding.hospital, binding.channel)
    again.replaces = binding.key
    again.move("read", version=again.notice_version)
    again.notice_read_at = clock.now()
    held = {name: getattr(binding, name) for name in (*IDENTITY, "phone")}
    if changes.get("id_type", held["id_type"]) == "id_card":
        held["born_on"] = held["gender"] = None
    phone = {"phone": given["phone"]} if "phone" in given else {}
    enter(
        again, user, {name: value for name, value in {**held, **changes, **phone}.items() if value or name == "name"}
    )
    return again


def complete(binding: Binding) -> None:
    """On to the letter as soon as no paper is missing."""
    if binding.state == "INFO_OK" and not missing(binding):
        binding.move("complete", "S")


def rule_of(binding: Binding) -> rules.MaterialRule:
    """Which papers this relative needs today. Raises Refused STATE_CONFLICT before the data is there."""
    policy = policies.current()
    if binding.born_on is None:
        raise Refused("STATE_CONFLICT", "who the relative is comes first")
    adult = rules.is_adult(binding.born_on, clock.now().date(), policy.age_rule)
    return rules.material_rule(policy, binding.id_type, adult)


def missing(binding: Binding) -> list[tuple[str, ...]]:
    """The groups of papers still to be uploaded."""
    return rules.missing(rule_of(binding), [material.type for material in binding.materials()])


def _checked(given: dict[str, Any], today: date) -> dict[str, Any]:
    """The data as it is kept. Raises Refused FIELD_INVALID, ID_* or REAL_ID_REFUSED."""
    id_type = given["id_type"]
    number = identity.checked(id_type, given["id_number"], today)
    absent = {name: ["needed with this document"] for name in WANTED[id_type] if not given.get(name)}
    if absent:
        raise Refused("FIELD_INVALID", fields=absent)
    born_on: date | None = given.get("born_on")
    kept: dict[str, Any] = {name: given.get(name) or "" for name in ("phone", "nationality", "gender", "mother_name")}
    kept |= {"name": given["name"], "id_type": id_type, "id_number": number, "relation": given["relation"]}
    kept["mother_id_number"] = ""
    if id_type == "id_card":
        told = {"born_on": identity.born_on(number), "gender": identity.gender(number)}
        wrong = {
            name: ["differs from the ID number"] for name, value in told.items() if given.get(name, value) != value
        }
        if wrong:
            raise Refused("FIELD_INVALID", fields=wrong)
        kept |= told
        born_on = identity.born_on(number)
    if id_type == "birth_certificate":
        kept["mother_id_number"] = identity.checked("id_card", given["mother_id_number"], today)
    if born_on is None or not 0 <= identity.age(born_on, today) <= identity.OLDEST:
        raise Refused("FIELD_INVALID", fields={"born_on": ["not a living person's birth date"]})
    return {**kept, "born_on": born_on}

"""The papers: pictures kept under their hash, and the values that go into the notice and the letter."""

import os
from pathlib import Path

from flask import current_app

from yibao import clock, identity, ids, policies, texts
from yibao.db import current_space, db
from yibao.errors import Refused
from yibao.policy import Policy
from yibao.steps.commitment import models as letters
from yibao.steps.family import person, pictures, rules
from yibao.steps.family.models import Binding, Material
from yibao.steps.login.models import User

GUARDIAN = "家属未成年,承诺人以监护人身份签署,并对家属使用亲情账户的行为承担监护责任。"
NO_GUARDIAN = "家属已成年,由家属本人完成人脸核验后生效,本条不适用。"


def notice(policy: Policy, version: str) -> texts.Text:
    """A version of the 办理须知. Raises Refused NOT_FOUND."""
    text = texts.load().get((policy.notice.template_id, version))
    if text is None:
        raise Refused("NOT_FOUND")
    return text


def notice_values(policy: Policy) -> dict[str, str]:
    """What the notice says of the policy."""
    family = policy.family_account
    numbers = {
        "max_children": family.max_children,
        "max_binders": family.max_binders_per_person,
        "adult_from": policy.age_rule.adult_from,
        "reauth_days": policy.age_rule.reauth_within.days,
        "max_mb": policy.pictures.max_bytes // 1024**2,
        "min_side": policy.pictures.min_side,
        "sync_hours": int(policy.sync.lag.total_seconds()) // 3600,
        "give_up_days": policy.sync.give_up_after.days,
        "draft_hours": int(family.draft_kept_for.total_seconds()) // 3600,
        "face_hours": int(policy.face.pending_for.total_seconds()) // 3600,
    }
    relations = "、".join(rules.RELATIONS[relation] for relation in family.allowed_relations)
    return {"relations": relations, **{name: str(value) for name, value in numbers.items()}}


def add(binding: Binding, kind: str, picture: pictures.Picture) -> Material:
    """Keep a picture. Raises Refused MATERIAL_TYPE or MATERIAL_DUPLICATE; the caller commits."""
    binding.move("upload")
    if kind not in rules.offered(person.rule_of(binding)):
        raise Refused("MATERIAL_TYPE")
    for held in binding.materials():
        if picture.sha256 == held.sha256 or picture.given_sha256 == held.given_sha256:
            raise Refused("MATERIAL_DUPLICATE")
    _keep(picture)
    material = Material(
        key=ids.fresh("material"),
        binding=binding.key,
        type=kind,
        sha256=picture.sha256,
        given_sha256=picture.given_sha256,
        kind=picture.kind,
        width=picture.width,
        height=picture.height,
        size=len(picture.content),
        at=clock.now(),
    )
    db.session.add(material)
    db.session.flush()
    letters.outdate(binding.target)
    person.complete(binding)
    return material


def _keep(picture: pictures.Picture) -> None:
    """data/materials/<space>/<sha256>.<kind>, readable by nobody else; the same content is kept once."""
    folder: Path = current_app.config["SETTINGS"].data / "materials" / current_space()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{picture.sha256}.{picture.kind}"
    part = folder / f"{path.name}.{ids.fresh('file')}.part"
    with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(picture.content)
    part.replace(path)


def letter(binding: Binding, user: User) -> letters.Letter:
    """Render the 承诺书 of a binding whose papers are complete; the caller commits."""
    binding.move("render")
    if person.missing(binding):
        raise Refused("MATERIAL_MISSING")
    policy, signer = policies.current(), user.person
    assert binding.born_on is not None
    minor = not rules.is_adult(binding.born_on, clock.now().date(), policy.age_rule)
    papers = dict.fromkeys(rules.MATERIALS[material.type] for material in binding.materials())
    values = {
        "signer_name": signer.name,
        "signer_id": identity.mask_number(signer.id_number),
        "relative_name": binding.name,
        "relative_id": identity.mask_number(binding.id_number),
        "relation": rules.RELATIONS[binding.relation],
        "evidence": "、".join(papers) or "无(仅核对证件号码)",
        "guardian_clause": GUARDIAN if minor else NO_GUARDIAN,
        "product": "绑定亲情账户",
        "place": policy.name,
    }
    guardian_of = identity.mask_name(binding.name) if minor else ""
    return letters.render(user.id, binding.target, letters.Signer(signer.name, signer.id_number), values, guardian_of)

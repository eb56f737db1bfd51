"""亲情账户: add a patient, look after the bindings one has, and end them."""

from typing import Any

from flask import g
from flask_smorest import Blueprint
from sqlalchemy import select

from yibao import audit, auth, clock, policies
from yibao.db import db
from yibao.errors import Refused
from yibao.providers.http import Unreachable, VendorRefused
from yibao.providers.national import Person
from yibao.steps.commitment import models as letters
from yibao.steps.commitment.schemas import LetterSchema
from yibao.steps.credential import models as credentials
from yibao.steps.credential.schemas import Code
from yibao.steps.face import models as faces
from yibao.steps.face.schemas import Ticket
from yibao.steps.family import checking, documents, models, person, pictures, registry, rules, schemas
from yibao.steps.family.models import Binding
from yibao.steps.login.models import current_user

blp = Blueprint("family", __name__, description="亲情账户: bindings of relatives, from 办理须知 to 解除绑定")


@blp.get("/notices/family-binding")
@blp.arguments(schemas.NoticeQuery, location="query")
@blp.response(200, schemas.Notice)
def notice(query: dict[str, Any]) -> dict[str, Any]:
    """The 办理须知 in force, or the version a draft was begun with."""
    policy = policies.current()
    text = documents.notice(policy, query.get("version", policy.notice.version))
    html = text.html(documents.notice_values(policy))
    fee_fen = policy.family_account.fee_fen
    return {"id": text.id, "version": text.version, "title": text.title, "html": html, "fee_fen": fee_fen}


@blp.post("/bindings")
@auth.required
@blp.arguments(schemas.Start)
@blp.response(201, schemas.Binding)
def start(given: dict[str, Any]) -> Binding:
    """Begin to bind a relative; the caller's own credential must be active."""
    user, policy = current_user(), policies.current()
    channel = given.get("channel", audit.channel())
    found = policy.channel(channel)
    if found is None or "family_account" not in found.features:
        raise Refused("FIELD_INVALID", fields={"channel": ["not a channel of this region"]})
    assert user.person
    if policy.credential.required:
        credentials.require_active(user)
    binding = models.draft(user.id, given.get("hospital", ""), channel)
    db.session.commit()
    return binding


@blp.get("/bindings")
@auth.required
@blp.arguments(schemas.Listing, location="query")
@blp.response(200, schemas.BindingPage)
def listing(query: dict[str, Any]) -> dict[str, Any]:
    """The caller's bindings; with role=relative those in which the caller is the relative."""
    rows = _visible(query["role"]).order_by(Binding.id).limit(query["limit"] + 1)
    if "state" in query:
        rows = rows.where(Binding.state == query["state"])
    if query.get("usable"):
        now = clock.now()
        fresh = (Binding.state == "ACTIVE") | (Binding.reauth_until > now)
        rows = rows.where(Binding.state.in_(rules.BOUND), Binding.usable_from <= now, fresh)
    if "after" in query:
        after = models.by_key(query["after"])
        if after is None:
            raise Refused("FIELD_INVALID", fields={"after": ["not a cursor"]})
        rows = rows.where(Binding.id > after.id)
    items = list(db.session.scalars(rows))
    more = len(items) > query["limit"]
    items = items[: query["limit"]]
    return {"items": items, "next": items[-1].key if more else None}


def _visible(role: str) -> Any:
    user = current_user()
    if role == "binder":
        return select(Binding).where(Binding.user_id == user.id)
    if role == "relative":
        me = user.person
        about_me = select(Binding).where(Binding.id_type == me.id_type, Binding.id_number == me.id_number)
        return about_me.where(Binding.state.in_(rules.COUNTED))
    if user.person.psn_no not in policies.current().review.clerks:
        raise Refused("NOT_FOUND")
    return select(Binding).where(Binding.state == "REVIEW")


@blp.get("/bindings/<key>")
@auth.required
@blp.response(200, schemas.Binding)
def show(key: str) -> Binding:
    """One binding of the caller."""
    return models.mine(key)


@blp.post("/bindings/<key>/notice")
@auth.required
@blp.arguments(schemas.NoticeRead)
@blp.response(200, schemas.Binding)
def read_notice(given: dict[str, Any], key: str) -> Binding:
    """阅读办理须知: to the end, and agreed."""
    binding = models.mine(key)
    if given["version"] != binding.notice_version:
        raise Refused("NOTICE_VERSION_OLD", f"this draft was begun with version {binding.notice_version}")
    if not (given["read_to_end"] and given["agreed"]):
        raise Refused("NOTICE_NOT_READ")
    binding.move("read", version=binding.notice_version)
    binding.notice_read_at = clock.now()
    db.session.commit()
    return binding


@blp.put("/bindings/<key>/person")
@auth.required
@blp.arguments(schemas.PersonInfo)
@blp.response(200, schemas.Binding)
def enter_person(given: dict[str, Any], key: str) -> Binding:
    """填写家属信息. What was uploaded or signed for other data no longer counts."""
    binding = models.mine(key)
    person.enter(binding, current_user(), given)
    db.session.commit()
    return binding


@blp.get("/bindings/<key>/material-types")
@auth.required
@blp.response(200, schemas.MaterialTypes)
def material_types(key: str) -> dict[str, Any]:
    """选择材料类型: what fits this relative's age and document."""
    binding = models.mine(key)
    rule = person.rule_of(binding)
    offered = [{"type": kind, "name": rules.MATERIALS[kind]} for kind in rules.offered(rule)]
    return {"offered": offered, "required": rule.needs, "missing": person.missing(binding)}


@blp.post("/bindings/<key>/materials")
@auth.required
@blp.arguments(schemas.MaterialForm, location="form")
@blp.arguments(schemas.MaterialFile, location="files")
@blp.response(201, schemas.Material)
def upload(form: dict[str, Any], files: dict[str, Any], key: str) -> models.Material:
    """Upload the picture of a paper: JPEG or PNG, at most 5 MiB, at least 600 pixels on the short side."""
    limits = policies.current().pictures
    rules.move(models.mine(key).state, "upload")
    db.session.commit()
    picture = pictures.clean(files["file"].stream.read(limits.max_bytes + 1), limits)
    material = documents.add(models.mine(key), form["type"], picture)
    db.session.commit()
    return material


@blp.post("/bindings/<key>/letter")
@auth.required
@blp.response(201, LetterSchema)
def render_letter(key: str) -> letters.Letter:
    """Render the 承诺书 for what was typed and uploaded."""
    letter = documents.letter(models.mine(key), current_user())
    db.session.commit()
    return letter


@blp.get("/bindings/<key>/letter")
@auth.required
@blp.response(200, LetterSchema)
def newest_letter(key: str) -> letters.Letter:
    """The newest 承诺书 of a binding, signed or not; its PDF is under /letters."""
    letter = letters.latest(models.mine(key).target)
    if letter is None:
        raise Refused("NOT_FOUND", "no letter was rendered yet")
    return letter


@blp.post("/bindings/<key>/face")
@auth.required
@blp.arguments(schemas.Face)
@blp.response(201, Ticket)
def open_face(given: dict[str, Any], key: str) -> faces.FaceTicket:
    """Open the face check that is due: one's own before submitting, the relative's or the mother's after."""
    ticket = checking.open_face(current_user(), key, given["subject"])
    db.session.commit()
    return faces.request_check(ticket)


@blp.post("/bindings/<key>/submission")
@auth.required
@blp.response(200, schemas.Binding)
def submit(key: str) -> Binding:
    """激活并添加账户."""
    checking.begin(models.mine(key), current_user())
    db.session.commit()
    binding = checking.run(key)
    if binding.state == "REJECTED":
        raise Refused(binding.reason, state=binding.state)
    if binding.state == "SYNC_WAIT" and binding.next_retry_at:
        raise Refused(binding.reason, state=binding.state, next_retry_at=binding.next_retry_at.isoformat())
    return binding


@blp.patch("/bindings/<key>")
@auth.required
@blp.arguments(schemas.Edit)
@blp.response(200, schemas.Binding)
def edit(given: dict[str, Any], key: str) -> Binding:
    """编辑: a phone is saved at once; identity fields begin a new binding that takes this one's place."""
    binding = models.mine(key)
    answer = person.edit(binding, current_user(), given)
    db.session.commit()
    return answer


@blp.delete("/bindings/<key>")
@auth.required
@blp.response(200, schemas.Binding)
def unbind(key: str) -> Binding:
    """解除绑定, or give up a draft. Letters are revoked and kept."""
    binding = models.mine(key)
    binding.give_up()
    db.session.commit()
    return binding


@blp.post("/bindings/<key>/objection")
@auth.required
@blp.response(200, schemas.Binding)
def objection(key: str) -> Binding:
    """The adult relative, from their own account, ends the binding."""
    policy, user = policies.current(), current_user()
    binding = models.of_me(user, key)
    if binding.born_on is None or not rules.is_adult(binding.born_on, clock.now().date(), policy.age_rule):
        raise Refused("STATE_CONFLICT", "only an adult relative may object")
    binding.end("object", "R", "OBJECTED", notified=binding.user_id)
    db.session.commit()
    return binding


@blp.post("/bindings/<key>/review")
@auth.required
@blp.arguments(schemas.Review)
@blp.response(200, schemas.Binding)
def review(given: dict[str, Any], key: str) -> Binding:
    """A clerk of the policy decides a binding in REVIEW."""
    if current_user().person.psn_no not in policies.current().review.clerks:
        raise Refused("NOT_FOUND")
    binding = models.by_key(key)
    if binding is None:
        raise Refused("NOT_FOUND")
    checking.reviewed(binding, given["decision"] == "approve", given["note"])
    db.session.commit()
    return binding


@blp.post("/bindings/<key>/codes")
@auth.required
@blp.response(200, Code)
def show_code(key: str) -> dict[str, Any]:
    """The relative's own 医保码, good for 60 seconds. A death the registry knows of ends the binding."""
    binding = _usable(key)
    name, id_type, id_number = binding.name, binding.id_type, binding.id_number
    db.session.commit()
    try:
        registry.look_up(name, id_type, id_number)
    except (Unreachable, VendorRefused) as error:
        raise Refused("VENDOR_ERROR", "the national platform did not answer") from error
    except Refused as refused:
        if refused.code == "PERSON_DECEASED":
            _usable(key).end("die", "S", refused.code)
            db.session.commit()
        raise
    binding = _usable(key)
    holder = Person(binding.psn_no, name, id_type, id_number, binding.gender, binding.born_on)
    row = credentials.issue_code(g.user_id, holder, clock.now(), binding.key)
    db.session.commit()
    return {"code": row.code, "expires_at": row.expires_at, "svg": credentials.qr_svg(row.code)}


def _usable(key: str) -> Binding:
    """The caller's binding whose code may be shown. Raises Refused NOT_FOUND, STATE_CONFLICT, REAUTH_REQUIRED."""
    binding, now = models.mine(key), clock.now()
    rules.move(binding.state, "show_code")
    if rules.is_blocked(binding.state, binding.reauth_until, now):
        raise Refused("REAUTH_REQUIRED")
    if binding.usable_from is None or now < binding.usable_from:
        raise Refused("STATE_CONFLICT", "the binding is not in effect yet")
    return binding

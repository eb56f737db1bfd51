"""From 【激活并添加账户】 to ACTIVE: the binding is saved as CHECKING, the registry asked, the answer applied.

The question may be lost: a task asks again. Nobody waits in a transaction.
"""

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from yibao import clock, policies, tasks
from yibao.db import db
from yibao.errors import Refused
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.commitment import models as letters
from yibao.steps.face.models import FaceTicket, Subject, consume, face_finished, open_ticket
from yibao.steps.family import models, person, registry, rules
from yibao.steps.family.models import Binding
from yibao.steps.login.models import User

ASK_AGAIN = timedelta(seconds=30)
ASK_LESS_OFTEN_AFTER = timedelta(minutes=5)
SELF = "SELF_BIND"
PURPOSES = {"relative": "RELATIVE_BIND", "mother": "MOTHER_BIRTH_CERT"}


def open_face(user: User, key: str, subject: str) -> FaceTicket:
    """A ticket for the face that is due now; on the binder's phone, or on the relative's own.

    Raises Refused NOT_FOUND, STATE_CONFLICT, FACE_SUBJECT_MISMATCH or FACE_LOCKED; the caller commits.
    """
    binding = models.seen_by(user, key)
    rules.may_open_face(binding.state, subject, binding.face_subject, binding.reason)
    if binding.is_overdue:
        raise Refused("BINDING_EXPIRED")
    if subject == "self":
        if binding.user_id != user.id:
            raise Refused("NOT_FOUND")
        if any(ticket.state == "PASSED" for ticket in _own_faces(binding)):
            raise Refused("FACE_TICKET_USED", "your face was recognised already; submit")
        me = user.person
        return open_ticket(SELF, Subject(me.name, me.id_type, me.id_number), binding.target, user)
    whose = (binding.name, binding.id_type, binding.id_number)
    if subject == "mother":
        whose = (binding.mother_name, "id_card", binding.mother_id_number)
    return open_ticket(PURPOSES[subject], Subject(*whose), binding.target, user)


def _own_faces(binding: Binding) -> list[FaceTicket]:
    """The binder's own checks for this binding, newest first."""
    rows = select(FaceTicket).filter_by(purpose=SELF, target=binding.target).order_by(FaceTicket.id.desc())
    return list(db.session.scalars(rows))


def _use_own_face(binding: Binding) -> None:
    """Raises Refused FACE_NOT_FINISHED, or the code the last check ended with."""
    tickets = _own_faces(binding)
    passed = next((ticket for ticket in tickets if ticket.state == "PASSED"), None)
    if passed is None:
        raise Refused((tickets[0].code if tickets else "") or "FACE_NOT_FINISHED")
    consume(passed.number, SELF, binding.target)


def begin(binding: Binding, user: User) -> None:
    """SUBMITTED and CHECKING, in the open transaction, with a task in case the answer is lost.

    Raises Refused for whatever is still to be done before: the binding stays as it is.
    """
    policy = policies.current()
    rules.move(binding.state, "submit", binding.reason)
    assert user.person
    letters.sealed(binding.target)
    if person.missing(binding):
        raise Refused("MATERIAL_MISSING")
    models.check_duplicate(binding)
    rules.check_limits(binding.relation, models.count(binding), policy)
    if policy.face.self_on_bind:
        _use_own_face(binding)
    binding.move("submit")
    binding.expires_at = None
    tasks.drop(models.EXPIRE, binding.key)
    binding.move("check", "S")
    binding.waiting_since = clock.now()
    tasks.at(binding.waiting_since + ASK_AGAIN, models.CHECK, binding.key)


def run(key: str) -> Binding:
    """Ask the registry about a CHECKING binding and go on by its answer; commits."""
    binding = models.by_key(key)
    assert binding is not None
    db.session.commit()
    refusal = None
    try:
        found = _judged(binding)
    except (Unreachable, VendorRefused) as error:
        current_app.logger.warning("binding %s: the registry gave no answer: %s", key, error)
        return binding
    except Refused as refused:
        refusal = refused.code
    db.session.refresh(binding)
    if binding.state == "CHECKING":
        tasks.drop(models.CHECK, key)
        if refusal == "FA_DATA_NOT_SYNCED":
            _wait(binding)
        elif refusal:
            binding.end("refuse", "S", refusal)
        else:
            binding.psn_no = found.psn_no if found else ""
            _accepted(binding)
    db.session.commit()
    return binding


def _judged(binding: Binding) -> rules.Registered | None:
    policy = policies.current()
    assert binding.born_on is not None
    claimed = rules.Claimed(binding.name, binding.id_type, binding.born_on)
    found = registry.look_up(binding.name, binding.id_type, binding.id_number)
    rules.judge(found, claimed, policy)
    if binding.id_type == "birth_certificate":
        mother = registry.look_up(binding.mother_name, "id_card", binding.mother_id_number)
        rules.judge_mother(mother, binding.mother_name, found)
    return found


def _wait(binding: Binding) -> None:
    """Not yet in the provincial copy: again every half hour, at most seven days."""
    sync, now = policies.current().sync, clock.now()
    binding.reason = "FA_DATA_NOT_SYNCED"
    binding.next_retry_at = now + sync.retry_every
    binding.move("wait", "S", next_retry_at=binding.next_retry_at.isoformat())
    tasks.at(binding.next_retry_at, models.CHECK, binding.key)


def _accepted(binding: Binding) -> None:
    """The registry agrees. A clerk may have to look at it first."""
    policy = policies.current()
    binding.reason, binding.next_retry_at = "", None
    if policy.review.mode == "manual":
        binding.move("review", "S")
        tasks.at(clock.now() + policy.review.sla, models.REVIEW, binding.key)
        return
    go_on(binding, "S")


def go_on(binding: Binding, actor: str) -> None:
    """Ask for the face that is needed, or bind at once."""
    policy, now = policies.current(), clock.now()
    assert binding.born_on is not None
    if rules.face_subject(binding.id_type, binding.born_on, now.date(), policy):
        binding.move("ask_face", actor)
        binding.expire_at(now + policy.face.pending_for)
    else:
        binding.activate(actor)


def reviewed(binding: Binding, approved: bool, note: str) -> None:
    """A clerk decided. Raises Refused STATE_CONFLICT outside REVIEW; the caller commits."""
    if binding.state != "REVIEW":
        raise Refused("STATE_CONFLICT", f"the binding is {binding.state}")
    binding.note = note
    tasks.drop(models.REVIEW, binding.key)
    if approved:
        go_on(binding, "C")
    else:
        binding.end("refuse", "C", "REVIEW_DENIED")


@tasks.handles(models.CHECK)
def _check_again(key: str, about: dict[str, Any]) -> None:
    binding = models.by_key(key)
    if binding is None or binding.state not in ("CHECKING", "SYNC_WAIT"):
        return
    now, sync = clock.now(), policies.current().sync
    waited = now - (binding.waiting_since or now)
    if waited >= sync.give_up_after:
        binding.end("refuse", "S", binding.reason or "VENDOR_ERROR")
        db.session.commit()
        return
    if binding.state == "SYNC_WAIT":
        binding.move("retry", "S")
    tasks.at(now + (ASK_AGAIN if waited < ASK_LESS_OFTEN_AFTER else sync.retry_every), models.CHECK, key)
    db.session.commit()
    run(key)


@tasks.handles(models.EXPIRE)
def _expire(key: str, about: dict[str, Any]) -> None:
    binding = models.by_key(key)
    if binding is not None and binding.is_overdue:
        binding.end("expire", "S", "BINDING_EXPIRED")
        db.session.commit()


@tasks.handles(models.REVIEW)
def _nobody_reviewed(key: str, about: dict[str, Any]) -> None:
    binding = models.by_key(key)
    if binding is not None and binding.state == "REVIEW":
        binding.end("refuse", "S", "REVIEW_DENIED")
        db.session.commit()


@tasks.handles(models.COME_OF_AGE)
def _come_of_age(key: str, about: dict[str, Any]) -> None:
    binding = models.by_key(key)
    if binding is not None and binding.state == "ACTIVE":
        binding.move("come_of_age", "S")
        binding.reason = "REAUTH_REQUIRED"
        binding.reauth_until = clock.now() + policies.current().age_rule.reauth_within
        db.session.commit()


@tasks.handles(models.UNBIND)
def _unbind(key: str, about: dict[str, Any]) -> None:
    binding = models.by_key(key)
    if binding is not None and binding.state in rules.BOUND:
        binding.end("unbind", "S")
        db.session.commit()


@face_finished.connect
def _face_finished(ticket: FaceTicket) -> None:
    """The awaited face binds; another result is shown, and the binding goes on waiting."""
    if ticket.purpose not in PURPOSES.values() or not ticket.target.startswith("binding:"):
        return
    binding = models.by_key(ticket.target.removeprefix("binding:"))
    if binding is None or binding.is_overdue or PURPOSES.get(binding.face_subject) != ticket.purpose:
        return
    if ticket.state != "PASSED":
        binding.reason = ticket.code
        return
    consume(ticket.number, ticket.purpose, ticket.target)
    binding.activate("R")

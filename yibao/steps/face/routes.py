"""人脸核验: open a ticket, and ask WeChat for its result when the front end says the user is done."""

from typing import Any

from flask import g
from flask_smorest import Blueprint

from yibao import auth, clock
from yibao.db import db
from yibao.errors import Refused
from yibao.steps.credential import models as credentials
from yibao.steps.face import models, schemas
from yibao.steps.face.models import FaceTicket, Subject
from yibao.steps.login.models import User, current_user

blp = Blueprint("face", __name__, description="人脸核验")


@blp.post("/face/tickets")
@auth.required
@blp.arguments(schemas.OpenTicket())
@blp.response(200, schemas.Ticket())
def open_ticket(body: dict[str, Any]) -> FaceTicket:
    """Open a check of the caller's own face, to activate the credential"""
    user = current_user()
    state = credentials.state_of(user)
    if state == "FROZEN":
        raise Refused("CREDENTIAL_FROZEN")
    if state != "FACE_PENDING":
        raise Refused("STATE_CONFLICT", f"the credential is {state}")
    person = user.person
    subject = Subject(person.name, person.id_type, person.id_number)
    ticket = models.open_ticket(body["purpose"], subject, person.psn_no, user)
    db.session.commit()
    return models.request_check(ticket)


@blp.get("/face/tickets/<ticket_id>")
@auth.required
@blp.response(200, schemas.Ticket())
def show(ticket_id: str) -> FaceTicket:
    """A ticket of the caller"""
    return models.by_number(ticket_id, g.user_id)


@blp.post("/face/tickets/<ticket_id>/result")
@auth.required
@blp.arguments(schemas.UserIsDone())
@blp.response(200, schemas.Ticket())
def settle(body: dict[str, Any], ticket_id: str) -> FaceTicket:
    """The user is done: ask WeChat how it went; what the front end believes does not count"""
    return models.settle(ticket_id, g.user_id)


@models.face_finished.connect
def activate(ticket: FaceTicket) -> None:
    """A passed ACTIVATE ticket makes the credential active, in the same transaction."""
    if ticket.purpose == "ACTIVATE" and ticket.state == "PASSED":
        user = db.session.get_one(User, ticket.user_id)
        if user.psn_no == ticket.target and credentials.state_of(user) == "FACE_PENDING":
            models.consume(ticket.number, "ACTIVATE", ticket.target)
            credentials.face_passed(user, clock.now())

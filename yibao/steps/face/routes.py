"""人脸核验: open a ticket, and ask the vendor for its result when the front end says the user is done."""

from typing import Any

from flask import Blueprint as FlaskBlueprint
from flask import Response, g, jsonify, request
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from yibao import audit, auth, clock
from yibao.db import db
from yibao.errors import CATALOGUE, Refused
from yibao.providers import national
from yibao.providers.http import Untrusted
from yibao.steps.credential import models as credentials
from yibao.steps.face import models, schemas
from yibao.steps.face.models import FaceTicket, Subject
from yibao.steps.login.models import User, current_user

NOTICE_AT_MOST = 64 * 1024
BACK = "<!doctype html><meta charset=utf-8><title>人脸核验 · 样例</title><p>核验页面已关闭,请返回应用查看结果。"
blp = Blueprint("face", __name__, description="人脸核验")
callbacks = FlaskBlueprint("face_callbacks", __name__)


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
    """The user is done: ask the vendor how it went; what the front end believes does not count"""
    return models.settle(ticket_id, g.user_id)


@callbacks.get("/national/face")
def come_back() -> Response:
    """Where the national page leaves the browser. That it came here proves nothing, so nothing is done."""
    return Response(BACK, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


@callbacks.post("/national/face")
def finished() -> Response:
    """FACE.RESULT: the national platform's signed word on a check."""
    request.max_content_length = NOTICE_AT_MOST
    try:
        models.told(national.read_face_notice(request.get_data()))
    except HTTPException:
        return _nack("通知内容过大", 413)
    except Untrusted as error:
        return _refuse("CALLBACK_FORGED", "", str(error))
    except Refused as refused:
        return _refuse(refused.code, refused.extra.get("ref", ""), refused.detail)
    db.session.commit()
    return jsonify(code="SUCCESS", message="成功")


def _refuse(code: str, ref: str, why: str) -> Response:
    db.session.rollback()
    audit.alarm("face", ref, code, provider="national", why=why[:200])
    db.session.commit()
    return _nack(CATALOGUE[code].title, CATALOGUE[code].status)


def _nack(message: str, status: int) -> Response:
    answer = jsonify(code="FAIL", message=message)
    answer.status_code = status
    return answer


@models.face_finished.connect
def activate(ticket: FaceTicket) -> None:
    """A passed ACTIVATE ticket makes the credential active, in the same transaction."""
    if ticket.purpose == "ACTIVATE" and ticket.state == "PASSED":
        user = db.session.get_one(User, ticket.user_id)
        if user.psn_no == ticket.target and credentials.state_of(user) == "FACE_PENDING":
            models.consume(ticket.number, "ACTIVATE", ticket.target)
            credentials.face_passed(user, clock.now())

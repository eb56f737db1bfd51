"""Activate the e-credential, ask how it stands, show its code."""

from typing import Any

from flask_smorest import Blueprint

from yibao import auth, clock, identity
from yibao.db import db
from yibao.errors import Refused
from yibao.steps.credential import models, schemas
from yibao.steps.login.models import User, current_user, registered

blp = Blueprint("credential", __name__, description="医保电子凭证与医保码")


@blp.get("/credential")
@auth.required
@blp.response(200, schemas.CredentialState())
def show() -> dict[str, Any]:
    """How the caller's e-credential stands"""
    return _shown(current_user())


@blp.post("/credential")
@auth.required
@blp.arguments(schemas.Activation())
@blp.response(200, schemas.CredentialState())
def activate(body: dict[str, Any]) -> dict[str, Any]:
    """Apply for activation; the person's own face comes next"""
    user = _still_registered()
    models.apply(user, "activate", "U")
    db.session.commit()
    return _shown(user)


@blp.post("/credential/codes")
@auth.required
@blp.arguments(schemas.Activation())
@blp.response(200, schemas.Code())
def show_code(body: dict[str, Any]) -> dict[str, Any]:
    """A code for the caller's own credential, good for 60 seconds"""
    models.require_active(current_user())
    user = _still_registered()
    models.apply(user, "show_code", "U")
    row = models.issue_code(user.id, user.person, clock.now())
    db.session.commit()
    return {"code": row.code, "expires_at": row.expires_at, "svg": models.qr_svg(row.code)}


def _still_registered() -> User:
    """The caller, asked for at the national platform once more. The dead person's credential freezes."""
    person = current_user().person
    db.session.commit()
    try:
        registered(person.name, person.id_type, person.id_number)
    except Refused as refused:
        if refused.code == "PERSON_DECEASED":
            models.freeze(current_user())
            db.session.commit()
        raise
    return current_user()


def _shown(user: User) -> dict[str, Any]:
    person, held = user.person, models.of(user)
    return {
        "state": held.state if held else "NONE",
        "name_masked": identity.mask_name(person.name),
        "id_number_masked": identity.mask_number(person.id_number),
        "activated_at": held.activated_at if held else None,
    }

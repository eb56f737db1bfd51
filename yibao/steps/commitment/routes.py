"""承诺书: read it, sign it, keep it, check it."""

from typing import Any

from flask import Response, g, request
from flask.blueprints import BlueprintSetupState
from flask_smorest import Blueprint
from sqlalchemy import select

from yibao import auth, clock, policies, texts
from yibao.db import db, writes
from yibao.errors import Refused
from yibao.policy import BadPolicy
from yibao.steps.commitment import models, rules, signature
from yibao.steps.commitment.schemas import LetterSchema, SignatureSchema, VerificationSchema

blp = Blueprint("commitment", __name__, description="承诺书: rendered, read, signed, sealed")


@blp.record_once
def _check_texts(state: BlueprintSetupState) -> None:
    """Every text a policy names is there, or the program does not start."""
    for policy in state.app.extensions["policies"]:
        for named in (policy.notice, policy.letter):
            if (named.template_id, named.version) not in texts.load():
                raise BadPolicy(f"regions/{policy.region}.toml: {policy.version}: no text {named.template_id}")


def _mine(key: str) -> models.Letter:
    letter = db.session.scalars(select(models.Letter).filter_by(key=key, user_id=g.user_id)).first()
    if letter is None:
        raise Refused("NOT_FOUND")
    return letter


@blp.get("/letters/<key>")
@auth.required
@blp.response(200, LetterSchema)
@writes
def letter(key: str) -> models.Letter:
    """Open a letter; the first opening is noted, and five seconds later it may be signed."""
    found = _mine(key)
    if request.method == "GET":  # HEAD shows nobody anything
        found.view()
    db.session.commit()
    return found


@blp.post("/letters/<key>/signature")
@auth.required
@blp.arguments(SignatureSchema)
@blp.response(200, LetterSchema)
def sign(given: dict[str, Any], key: str) -> models.Letter:
    """Sign and seal a letter that was read."""
    found, policy = _mine(key), policies.current()
    versions = (found.template_version, policy.letter.version)
    rules.may_sign(found.state, found.stale, versions, found.viewed_at, clock.now(), policy.letter.read_for)
    rules.check_strokes(given["strokes"])
    found.sign(signature.clean(given["png_base64"]), given["strokes"], given["device"])
    db.session.commit()
    return found


@blp.get("/letters/<key>/verification")
@auth.required
@blp.response(200, VerificationSchema)
def verification(key: str) -> dict[str, Any]:
    """Compute the hashes of a sealed letter again."""
    return models.verify(_mine(key))


@blp.get("/letters/<key>/pdf")
@auth.required
@blp.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
def pdf(key: str) -> Response:
    """A sealed letter as PDF."""
    from yibao.steps.commitment import pdf as paper

    found = _mine(key)
    content = paper.of(found, models.verify(found)["seal_sha256"])
    headers = {"Content-Disposition": f'attachment; filename="{found.key}.pdf"'}
    return Response(content, content_type="application/pdf", headers=headers)

"""The national app on a phone: the credential, its code, faces, consent, and the cashier. Under /_mock."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint

from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.national import cashier, channel, consent, credential, faces, oidc
from mock_providers.people import world
from mock_providers.phone import tap

bp = Blueprint("phone_national", __name__)
FACES = ("pass", "mismatch", "not_live", "timeout", "cancel")


@bp.post("/phone/national/credential")
def activate() -> dict[str, Any]:
    """激活医保电子凭证: name, number and a face. `outcome` of the face; a face that fails activates nothing."""
    said = tap.given("person", optional=("outcome",))
    person, outcome = tap.person(said["person"]), tap.choice(said, "outcome", *FACES)
    if outcome == "pass":
        credential.activate(person)
    db.session.commit()
    return {"person": person.id, "state": credential.state_of(person), "face": outcome}


@bp.post("/phone/national/family-member")
def add_member() -> dict[str, Any]:
    """添加家庭成员 on the national app: the holder's phone can then show this relative's code."""
    said = tap.given("person", "member")
    holder, member = tap.person(said["person"]), tap.person(said["member"], "member")
    credential.admit(holder, member)
    db.session.commit()
    return {"person": holder.id, "members": credential.members_of(holder)}


@bp.post("/phone/national/code")
def show_code() -> dict[str, Any]:
    """The 28 digits of one's own code, or of a relative's. `institution`: held before that institution's scanner."""
    said = tap.given("person", optional=("for_person", "institution"))
    person = tap.person(said["person"])
    whose = tap.person(said["for_person"], "for_person") if said.get("for_person") else person
    row = credential.show(person, whose, _institution(said))
    db.session.commit()
    return _shown(row)


@bp.post("/phone/national/face-brush")
def brush_face() -> dict[str, Any]:
    """A face at an institution's terminal: a value in place of the code, and an authNo for EcAuth's number."""
    said = tap.given("person", "institution", optional=("outBizNo", "outcome"))
    person, outcome = tap.person(said["person"]), tap.choice(said, "outcome", *FACES)
    if outcome != "pass":
        return {"face": outcome}
    row = credential.face_shown(person, _institution(said), tap.text(said, "outBizNo")[:64])
    db.session.commit()
    return {**_shown(row), "authNo": row.auth_no, "face": outcome}


@bp.post("/phone/national/authorise")
def authorise() -> dict[str, Any]:
    """The log-in or consent page the app was sent to (`url`): who holds the phone, and `allow` or `deny`."""
    said = tap.given("person", "url", optional=("for_person", "outcome"))
    person, outcome = tap.person(said["person"]), tap.choice(said, "outcome", "allow", "deny")
    whose = tap.person(said["for_person"], "for_person") if said.get("for_person") else person
    parts = urlsplit(tap.text(said, "url"))
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.path.endswith("/oauth2/authorize"):
        _trusted(oidc.untrusted(asked))
        return {"redirect": oidc.decided(asked, person, outcome == "allow")}
    if parts.path.endswith("/oauth/code"):
        _trusted(consent.untrusted(asked))
        return {"redirect": consent.decided(asked, person, whose, outcome == "allow")}
    raise Problem(
        "FIELD_INVALID", "url is /national/oauth2/authorize?… or /national/oauth/code?…", {"url": ["other"]}
    )


@bp.post("/phone/national/face")
def face() -> dict[str, Any]:
    """A face held up to the national page: how it ended, and where the browser goes. The persona's own by default."""
    said = tap.given("faceToken", optional=("outcome",))
    row = faces.find(tap.text(said, "faceToken"))
    if row is None:
        raise Problem("NOT_FOUND", "there is no such face check in this space", {"faceToken": ["unknown"]})
    usual = world().people[row.person].face
    known = (usual if usual in faces.OUTCOMES else "pass", *faces.OUTCOMES)
    faces.finish(row, tap.choice(said, "outcome", *known))
    db.session.commit()
    return {**faces.told(row), "redirect": faces.back(row)}


@bp.post("/phone/national/pay")
def pay() -> dict[str, Any]:
    """The user confirms in the national app's cashier, or does not. `outcome` or what was planned, else paid."""
    said = tap.given("payOrdId", optional=("outcome",))
    order = channel.find(tap.text(said, "payOrdId"))
    if order is None:
        raise Problem("NOT_FOUND", "there is no such order in this space", {"payOrdId": ["unknown"]})
    problem = cashier.unpayable(order)
    if not problem:
        end = tap.choice(said, "outcome", *cashier.possible(order)) if said.get("outcome") else cashier.planned(order)
        problem = cashier.pay(order, end) or ("" if end == "paid" else cashier.ENDS[end])
    db.session.commit()
    return {"payOrdId": order.pay_ord_id, "ordStas": str(order.ord_stas), "paid": not problem, "reason": problem}


def _trusted(problem: str) -> None:
    if problem:
        raise Problem("FIELD_INVALID", f"the page shows an error instead: {problem}", {"url": [problem]})


def _institution(said: dict[str, Any]) -> str:
    code = tap.text(said, "institution")
    if code and code not in world().institutions:
        raise Problem("FIELD_INVALID", f"there is no institution {code[:30]!r}", {"institution": ["unknown"]})
    return code


def _shown(row: credential.ShownCode) -> dict[str, Any]:
    return {
        "ecQrCode": row.code,
        "refresh_at": (row.made_at + credential.seconds("national.ec_refresh_s")).isoformat(),
        "decodable_until": (row.made_at + credential.seconds("national.ec_decode_s")).isoformat(),
    }

"""National face recognition (SIM: none of the real one is public): begin, a page, a signed callback, a query.

The institution begins a check of a named person in the sealed envelope of the payment centre (§3.10) and sends the
user to the page. What came of it is told three ways: the browser goes back to `redirectUrl` (proof of nothing), a
sealed notice goes to `notifyUrl`, and the query answers. `faceStas` 0 waiting, 1 passed, 2 failed.
"""

from datetime import datetime
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, redirect, render_template, request
from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, journal, serials, switches, timers
from mock_providers.db import InSpace, Model, Moment, db
from mock_providers.national import credential, fields, oidc
from mock_providers.national.centre import serve
from mock_providers.national.texts import Refused
from mock_providers.people import Person, world
from mock_providers.webhooks.models import emit

WAITING, PASSED, FAILED = "0", "1", "2"
EVENT, EXPIRY = "FACE.RESULT", "national.face_expiry"
OUTCOMES = {
    "pass": "识别通过",
    "mismatch": "人脸比对不一致",
    "not_live": "活体检测未通过",
    "poor_quality": "照片质量不佳",
    "timeout": "识别超时",
    "cancel": "用户取消",
    "no_device": "设备不支持",
    "no_subject": "权威库中无此人照片",
}
bp = Blueprint("national_faces", __name__, template_folder="templates")
switches.declare(
    "national.face_ttl_s",
    "300",
    (),
    kind="choice",
    source="domain §6.4 (SIM)",
    why="how many seconds a face check waits for the face",
)


class NationalFace(InSpace, Model):
    """One check of `person`'s face. `fail_code` is one of OUTCOMES when it failed."""

    __tablename__ = "national_face_check"
    __table_args__ = (UniqueConstraint("space", "face_token"), UniqueConstraint("space", "out_biz_no"))
    id: Mapped[int] = mapped_column(primary_key=True)
    face_token: Mapped[str] = mapped_column(String(64))
    out_biz_no: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(10))
    redirect_url: Mapped[str] = mapped_column(String(500))
    notify_url: Mapped[str] = mapped_column(String(500))
    stas: Mapped[str] = mapped_column(String(1), default=WAITING)
    fail_code: Mapped[str] = mapped_column(String(20), default="")
    expires_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)


def begin(data: dict[str, Any]) -> dict[str, Any]:
    """A check of this person. The same outBizNo for the same person is answered again while it waits."""
    number = fields.text(data, "outBizNo", 64, needed=True)
    person = _subject(data)
    urls = {name: _url(data, name) for name in ("redirectUrl", "notifyUrl")}
    row = db.session.scalar(select(NationalFace).where(NationalFace.out_biz_no == number))
    if row is None:
        row = _add(number, person, urls)
    elif row.person != person.id or row.stas != WAITING:
        raise Refused("ORDER-EXISTS")
    left = max(0, ceil((row.expires_at - clock.now()).total_seconds()))
    return {"faceToken": row.face_token, "url": f"{_base()}/face/{row.face_token}", "expiresIn": str(left)}


def _base() -> str:
    return str(oidc.client()["issuer"])


def _subject(data: dict[str, Any]) -> Person:
    person = world().by_number.get(fields.text(data, "idNo", 50, needed=True).upper())
    fields.text(data, "idType", 6, needed=True)
    if person is None:
        raise Refused("NO_PERSON")
    if person.name != fields.text(data, "userName", 50, needed=True):
        raise Refused("NAME-DIFFERS")
    return person


def _url(data: dict[str, Any], name: str) -> str:
    """An absolute http(s) address; where the callback may go is the sender's guard's business."""
    url = fields.text(data, name, 500, needed=True)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("SIM-FORMAT", name=name)
    return url


def _add(number: str, person: Person, urls: dict[str, str]) -> NationalFace:
    row = NationalFace(
        face_token=serials.fresh_text("face_token", 43),
        out_biz_no=number,
        person=person.id,
        redirect_url=urls["redirectUrl"],
        notify_url=urls["notifyUrl"],
        expires_at=clock.now() + credential.seconds("national.face_ttl_s"),
    )
    db.session.add(row)
    timers.at(row.expires_at, EXPIRY, face_token=row.face_token)
    return row


def asked(data: dict[str, Any]) -> dict[str, Any]:
    """How a check stands."""
    token, number = fields.text(data, "faceToken", 64, needed=True), fields.text(data, "outBizNo", 64, needed=True)
    row = find(token)
    if row is None or row.out_biz_no != number:
        raise Refused("NOTHING")
    return told(row)


def find(token: str) -> NationalFace | None:
    return db.session.scalar(select(NationalFace).where(NationalFace.face_token == token))


def told(row: NationalFace) -> dict[str, Any]:
    """A check in the words of the query and the notice."""
    said = {"faceToken": row.face_token, "outBizNo": row.out_biz_no, "faceStas": row.stas}
    if row.stas == FAILED:
        said |= {"failCode": row.fail_code, "failReason": OUTCOMES[row.fail_code]}
    if row.finished_at:
        said["finishTime"] = row.finished_at.strftime("%Y-%m-%d %H:%M:%S")
    return said


def finish(row: NationalFace, outcome: str) -> None:
    """The face was held up, or not: the check ends and its notice is on the way. A finished one stays as it is."""
    if row.stas != WAITING:
        return
    passed = outcome == "pass"
    row.stas, row.fail_code = (PASSED, "") if passed else (FAILED, outcome)
    row.finished_at = clock.now()
    user_id = switches.value("national.sm2_user_id")
    emit("national", EVENT, row.out_biz_no, told(row), row.notify_url, person=row.person, user_id=user_id)
    journal.explain(face=outcome)


@timers.handles(EXPIRY)
def expire(about: dict[str, Any]) -> None:
    """Nobody held up a face in time."""
    row = find(about["face_token"])
    if row is not None:
        finish(row, "timeout")


def back(row: NationalFace) -> str:
    """Where the browser goes. It names the check and not its result."""
    parts = urlsplit(row.redirect_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("faceToken", row.face_token)]
    return urlunsplit(parts._replace(query=urlencode([*query, ("outBizNo", row.out_biz_no)])))


@bp.post("/org/local/api/face/begin")
def begin_call() -> Response:
    """Sealed like every call of the payment centre."""
    return serve(begin)


@bp.post("/org/local/api/face/query")
def query_call() -> Response:
    """Sealed like every call of the payment centre."""
    return serve(asked)


@bp.get("/face/<token>")
def page(token: str) -> tuple[str, int]:
    """What the user sees. Headless: POST /_mock/phone/national/face."""
    row = find(token)
    waits = row is not None and row.stas == WAITING and clock.now() < row.expires_at
    who = world().people[row.person] if row else None
    return render_template("face.html", waits=waits, who=who, outcomes=OUTCOMES), 200 if waits else 404


@bp.post("/face/<token>")
def held_up(token: str) -> Response | tuple[str, int]:
    """The page's button."""
    row, outcome = find(token), request.form.get("outcome", "")
    if row is None or outcome not in OUTCOMES:
        return render_template("face.html", waits=False, who=None, outcomes=OUTCOMES), 404
    finish(row, outcome)
    db.session.commit()
    return redirect(back(row), 302)  # type: ignore[return-value]

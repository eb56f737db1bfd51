"""Idempotency-Key: the same key and body get the first answer; the same key with another body is refused."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from flask import Response, g, make_response, request
from sqlalchemy import LargeBinary, String, UniqueConstraint, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from yibao import clock
from yibao.db import InSpace, Model, Moment, current_space, db
from yibao.errors import Refused, document

ABANDONED_AFTER = timedelta(minutes=2)
HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "the same key with the same body gets the first answer again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64, "example": "cart-0001"},
}


class Answered(InSpace, Model):
    """A key a user used on a path, what was asked, and the first answer once there is one."""

    __tablename__ = "answered"
    __table_args__ = (UniqueConstraint("space", "user_id", "path", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    path: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(64))
    body_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    content_type: Mapped[str] = mapped_column(String(60), default="")
    body: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    at: Mapped[datetime] = mapped_column(Moment)


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make a write repeatable. Goes under `auth.required`; a server error forgets the key.

    Raises Refused IDEMPOTENCY_KEY_MISSING, IDEMPOTENCY_KEY_REUSED or IDEMPOTENCY_IN_PROGRESS.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= 64:
            raise Refused("IDEMPOTENCY_KEY_MISSING")
        digest = hashlib.sha256(request.get_data()).hexdigest()
        mine = _claim(key, digest)
        if isinstance(mine, Response):
            return mine
        try:
            answer = make_response(view(*args, **kwargs))
        except Refused as refused:
            db.session.rollback()
            answer = document(refused)
        except BaseException:
            db.session.rollback()
            _forget(mine)
            raise
        if answer.status_code >= 500:
            _forget(mine)
            return answer
        row = db.session.get_one(Answered, mine)
        row.status, row.content_type, row.body = (
            answer.status_code,
            answer.content_type or "",
            answer.get_data(),
        )
        db.session.commit()
        return answer

    about = getattr(view, "_apidoc", {})
    guarded._apidoc = {**about, "manual_doc": {**about.get("manual_doc", {}), "parameters": [HEADER]}}  # type: ignore[attr-defined]
    return guarded


def _claim(key: str, digest: str) -> int | Response:
    values = {"space": current_space(), "user_id": g.user_id, "path": request.path, "key": key}
    row = insert(Answered).values(**values, body_sha256=digest, content_type="", body=b"", at=clock.now())
    new = db.session.execute(
        row.on_conflict_do_nothing().returning(Answered.id), execution_options={"all_spaces": True}
    ).scalar()
    if new is not None:
        db.session.commit()
        return new
    kept = db.session.scalars(select(Answered).filter_by(**values)).one()
    if kept.body_sha256 != digest:
        raise Refused("IDEMPOTENCY_KEY_REUSED")
    if kept.status is None:
        if clock.now() - kept.at < ABANDONED_AFTER:
            raise Refused("IDEMPOTENCY_IN_PROGRESS")
        kept.at = clock.now()
        db.session.commit()
        return kept.id
    response = Response(kept.body, kept.status, content_type=kept.content_type)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _forget(answered_id: int) -> None:
    row = db.session.get(Answered, answered_id)
    if row is not None:
        db.session.delete(row)
        db.session.commit()

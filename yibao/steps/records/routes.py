"""就医购药记录: what the caller paid for, and what was paid for the caller."""

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import ColumnElement, or_, select

from yibao import auth, clock
from yibao.db import db
from yibao.identity import mask_name, mask_number
from yibao.steps.login.models import User, current_user
from yibao.steps.records import rules, schemas
from yibao.steps.settlement.models import Settlement
from yibao.steps.settlement.rules import IN_RECORDS

blp = Blueprint("records", __name__, description="就医购药记录与年度医疗费用")


@blp.get("/records")
@auth.required
@blp.arguments(schemas.RecordQuery(), location="query")
@blp.response(200, schemas.RecordList())
def list_records(query: dict[str, Any]) -> dict[str, Any]:
    """The caller's settled purchases, newest first"""
    user, limit = current_user(), query["limit"]
    wanted = select(Settlement).where(*_of(user, query["year"])).order_by(Settlement.id.desc()).limit(limit + 1)
    if query["after"]:
        wanted = wanted.where(Settlement.id < query["after"])
    rows = list(db.session.scalars(wanted))
    return {
        "items": [_shown(row, user) for row in rows[:limit]],
        "next": str(rows[limit - 1].id) if len(rows) > limit else None,
    }


@blp.get("/records/summary")
@auth.required
@blp.arguments(schemas.SummaryQuery(), location="query")
@blp.response(200, schemas.Summary())
def get_summary(query: dict[str, Any]) -> dict[str, Any]:
    """The year's totals by leg, refunds taken off, in all and per patient"""
    year = query["year"] or clock.now().year
    rows = list(db.session.scalars(select(Settlement).where(*_of(current_user(), year)).order_by(Settlement.id)))
    patients = [{"patient": _party(*who), **rules.totals(theirs)} for who, theirs in rules.by_patient(rows).items()]
    return {"year": year, "sample": "样例", "patients": patients, **rules.totals(rows)}


def _of(user: User, year: int | None) -> list[ColumnElement[bool]]:
    """Paid by this user, or for the person they are; in a year."""
    mine = Settlement.user_id == user.id
    if user.id_number is not None:
        mine = or_(
            mine, (Settlement.patient_id_number == user.id_number) & (Settlement.patient_id_type == user.id_type)
        )
    found = [mine, Settlement.state.in_(IN_RECORDS)]
    if year is not None:
        begin, end = rules.year_of(year)
        found += [Settlement.settled_at >= begin, Settlement.settled_at < end]
    return found


def _shown(row: Settlement, user: User) -> dict[str, Any]:
    return {
        "id": row.number,
        "state": row.state,
        "refunded": rules.is_refunded(row),
        "mine": row.user_id == user.id,
        "settled_at": row.settled_at,
        "institution": {"code": row.institution_code, "name": row.institution_name},
        "patient": _party(row.patient_name, row.patient_id_number),
        "split": row.split.as_dict(),
    }


def _party(name: str, id_number: str) -> dict[str, str]:
    return {"name": mask_name(name), "id_number": mask_number(id_number)}

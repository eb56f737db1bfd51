"""医保购药: institutions and their goods, quote, confirmation, receipt, refund."""

from typing import Any

from flask import g
from flask_smorest import Blueprint

from yibao import auth, idempotency
from yibao.db import let_go, writes
from yibao.errors import Refused
from yibao.steps.family.models import open_order_checks
from yibao.steps.login.models import User, real_name_removing
from yibao.steps.settlement import (
    callbacks as notices,
)
from yibao.steps.settlement import (
    cancel,
    confirm,
    institutions,
    quote,
    reconcile,
    refund,
    rules,
    schemas,
    views,
)
from yibao.steps.settlement.models import Settlement, held, latest_refund, open_orders_of, open_orders_of_user

blp = Blueprint("settlement", __name__, description="定点机构、购药结算与退款")
callbacks = notices.bp
open_order_checks.append(lambda key: open_orders_of(key) > 0)
tasks_of = (reconcile.reconcile, refund.retry)  # imported for the work they register


@real_name_removing.connect
def _finish_orders_first(user: User) -> None:
    if open_orders_of_user(user.id):
        raise Refused("UNBIND_PENDING_ORDER")


@blp.get("/institutions")
@writes
@auth.required
@blp.arguments(schemas.ByKind(), location="query")
@blp.response(200, schemas.InstitutionList())
def list_institutions(query: dict[str, Any]) -> dict[str, Any]:
    """The designated hospitals or pharmacies"""
    return {"items": institutions.directory(query["kind"]), "next": None}


@blp.post("/institutions/scan")
@auth.required
@blp.arguments(schemas.Scan())
@blp.response(200, schemas.Institution())
def scan(body: dict[str, Any]) -> dict[str, Any]:
    """The institution whose QR code was scanned at its counter"""
    return institutions.designated(institutions.scanned(body["content"]))


@blp.get("/institutions/<code>")
@writes
@auth.required
@blp.response(200, schemas.Institution())
def get_institution(code: str) -> dict[str, Any]:
    """One designated institution"""
    return institutions.designated(_code(code))


@blp.get("/institutions/<code>/items")
@writes
@auth.required
@blp.response(200, schemas.GoodsList())
def list_items(code: str) -> dict[str, Any]:
    """What an institution sells, with the price of its shelf and the class of the national catalogue"""
    return {"items": institutions.goods(_code(code)), "next": None}


@blp.post("/settlements")
@auth.required
@idempotency.once
@blp.arguments(schemas.NewSettlement())
@blp.response(201, schemas.Settlement())
def create_settlement(body: dict[str, Any]) -> dict[str, Any]:
    """Check the cart and quote who pays what; valid ten minutes"""
    return views.shown(quote.quote(body), None)


@blp.get("/settlements/<settlement_id>")
@auth.required
@blp.response(200, schemas.Settlement())
def get_settlement(settlement_id: str) -> dict[str, Any]:
    """Where a settlement stands; `pay` holds what the phone needs while it waits to be paid"""
    return _shown(settlement_id)


@blp.post("/settlements/<settlement_id>/confirmation")
@auth.required
@idempotency.once
@blp.arguments(schemas.Confirmation())
@blp.response(200, schemas.Settlement())
def confirm_settlement(body: dict[str, Any], settlement_id: str) -> dict[str, Any]:
    """Agree to the quote and get what the phone needs to pay"""
    confirm.confirm(settlement_id, g.user_id, body["auth_code"], body["accept_cash"])
    return _shown(settlement_id)


@blp.post("/settlements/<settlement_id>/cancellation")
@auth.required
@blp.response(200, schemas.Settlement())
def cancel_settlement(settlement_id: str) -> dict[str, Any]:
    """Give up a settlement that nobody paid"""
    cancel.cancel(settlement_id, g.user_id)
    return _shown(settlement_id)


@blp.get("/settlements/<settlement_id>/receipt")
@auth.required
@blp.response(200, schemas.Receipt())
def get_receipt(settlement_id: str) -> dict[str, Any]:
    """The receipt of a paid settlement"""
    row = _mine(settlement_id)
    if row.state not in rules.IN_RECORDS:
        raise Refused("STATE_CONFLICT", "there is a receipt once everything is paid")
    return views.receipt(row, latest_refund(row.number))


@blp.post("/settlements/<settlement_id>/refunds")
@auth.required
@idempotency.once
@blp.arguments(schemas.NewRefund())
@blp.response(202, schemas.Settlement())
def refund_settlement(body: dict[str, Any], settlement_id: str) -> dict[str, Any]:
    """Give the whole order back; every part returns to where it came from"""
    refund.request(settlement_id, g.user_id, body["reason"], body["unopened"], body["amount_fen"])
    return _shown(settlement_id)


def _mine(number: str) -> Settlement:
    """The caller's settlement. Raises Refused NOT_FOUND for anybody else's."""
    row = held(number)
    if row.user_id != g.user_id:
        raise Refused("NOT_FOUND")
    return row


def _shown(number: str) -> dict[str, Any]:
    row = _mine(number)
    answer = views.shown(row, latest_refund(number))
    let_go()
    return answer


def _code(text: str) -> str:
    if not text.isascii() or not text.isalnum() or len(text) != 12:
        raise Refused("NOT_FOUND")
    return text

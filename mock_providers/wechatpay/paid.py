"""For WeChat next door: who paid an order, and when."""

from typing import Any

from flask import Flask
from sqlalchemy import and_, or_, select

from mock_providers.db import db
from mock_providers.wechatpay.models import Order


def paid_order(transaction_id: str = "", mchid: str = "", out_trade_no: str = "") -> dict[str, Any] | None:
    """`users` ((appid, openid) of the payer) and `paid_at` of a paid order, named by either of its numbers."""
    by_merchant = and_(Order.out_trade_no == out_trade_no, or_(Order.mchid == mchid, Order.sp_mchid == mchid))
    named = Order.transaction_id == transaction_id if transaction_id else by_merchant
    row = db.session.scalars(select(Order).where(named, Order.paid_at.is_not(None)).limit(1)).first()
    return None if row is None else {"users": row.users(), "paid_at": row.paid_at}


def connect(app: Flask) -> None:
    """Let WeChat ask who has just paid."""
    app.extensions["paid_order"] = paid_order

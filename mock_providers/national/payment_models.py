"""What the payment centre keeps: orders with their split and state, and what was paid back of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment


class PayOrder(InSpace, Model):
    """One upload (6201) and what became of it. `head`/`lines`: the bill under the names of 2101.

    The amounts are those of the last 6202; `preset` its setlinfo, `settled` what the notice says of the settlement.
    """

    __tablename__ = "national_pay_order"
    __table_args__ = (
        UniqueConstraint("space", "pay_ord_id"),
        UniqueConstraint("space", "org_codg", "med_org_ord"),
        CheckConstraint("fee_fen = fund_fen + own_fen + mutual_fen + wallet_fen + cash_fen", "adds_up"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pay_ord_id: Mapped[str] = mapped_column(String(64))
    pay_token: Mapped[str] = mapped_column(String(64))
    org_codg: Mapped[str] = mapped_column(String(30))
    med_org_ord: Mapped[str] = mapped_column(String(64))
    org_biz_ser: Mapped[str] = mapped_column(String(64), default="")
    person: Mapped[str] = mapped_column(String(10))
    payer: Mapped[str] = mapped_column(String(10))
    pay_auth_no: Mapped[str] = mapped_column(String(40))
    mdtrt_id: Mapped[str] = mapped_column(String(30))
    ord_stas: Mapped[int] = mapped_column(default=0)
    head: Mapped[dict[str, Any]] = mapped_column(JSON)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Moment)
    fee_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    fund_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    own_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    mutual_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    wallet_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    cash_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    cash_refunded_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    preset: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    setl_id: Mapped[str] = mapped_column(String(30), default="")
    settled: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    @property
    def account_fen(self) -> int:
        """psnAcctPay: own account, mutual aid and wallet together."""
        return self.own_fen + self.mutual_fen + self.wallet_fen


class PayRefund(InSpace, Model):
    """One 6203. The same `app_refd_sn` again is answered again, not paid again.

    `pending_from`: the order's state before a refund whose outcome is not known yet (EXP, ordStas 17).
    """

    __tablename__ = "national_pay_refund"
    __table_args__ = (UniqueConstraint("space", "app_refd_sn"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("national_pay_order.id", ondelete="CASCADE"), index=True)
    app_refd_sn: Mapped[str] = mapped_column(String(64))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    pending_from: Mapped[int | None]

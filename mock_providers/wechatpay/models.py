"""What WeChat Pay keeps: orders, refunds, mixed orders. `asked` is the request, checked and without sealed fields."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mock_providers.db import InSpace, Model, Moment, db
from mock_providers.wechatpay import rules
from mock_providers.wechatpay.sums import Parts


class Order(InSpace, Model):
    """A JSAPI order of the merchant `mchid`; `sp_mchid` is the partner who made it for a sub-merchant.

    `signer` is the key its notifications are signed with: cert or pubkey.
    """

    __tablename__ = "wechatpay_order"
    __table_args__ = (
        UniqueConstraint("space", "mchid", "out_trade_no"),
        UniqueConstraint("space", "transaction_id"),
        UniqueConstraint("space", "prepay_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    out_trade_no: Mapped[str] = mapped_column(String(32))
    transaction_id: Mapped[str | None] = mapped_column(String(32))
    prepay_id: Mapped[str] = mapped_column(String(64))
    prepaid_at: Mapped[datetime] = mapped_column(Moment)
    appid: Mapped[str] = mapped_column(String(32))
    mchid: Mapped[str] = mapped_column(String(32))
    sp_mchid: Mapped[str | None] = mapped_column(String(32))
    openid: Mapped[str] = mapped_column(String(128))
    person: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), default="NOTPAY")
    total: Mapped[int] = mapped_column(BigInteger)
    notify_url: Mapped[str] = mapped_column(String(255))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    signer: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(Moment)
    closes_at: Mapped[datetime] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    payer_total: Mapped[int | None] = mapped_column(BigInteger)
    settled: Mapped[int | None] = mapped_column(BigInteger)
    fee: Mapped[int | None] = mapped_column(BigInteger)
    fee_rate: Mapped[str | None] = mapped_column(String(16))
    coupon: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    refunds: Mapped[list["Refund"]] = relationship(back_populates="order", order_by="Refund.id")

    def happen(self, event: str) -> None:
        """Raises rules.NotAllowed."""
        self.state = rules.move(rules.TRADE, self.state, event)

    def users(self) -> set[tuple[str, str]]:
        """(appid, openid) of the payer, in every app the merchant named one for."""
        payer = self.asked.get("payer", {})
        pairs = [(self.asked.get(f"{side}_appid"), payer.get(f"{side}_openid")) for side in ("sp", "sub")]
        return {(self.appid, self.openid), *((app, openid) for app, openid in pairs if app and openid)}

    @property
    def parts(self) -> Parts:
        """The sides of what was paid. Orders of an older version had neither coupon nor fee."""
        payer, settled = (self.total if side is None else side for side in (self.payer_total, self.settled))
        return Parts(self.total, payer, settled, self.fee or 0)


class Refund(InSpace, Model):
    """Money on its way back. `ends` is how it will end: succeeded, closed, stuck.

    `ended_at` is when it first did; `remedy` is what the merchant asked for after it got stuck.
    """

    __tablename__ = "wechatpay_refund"
    __table_args__ = (UniqueConstraint("space", "mchid", "out_refund_no"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    mchid: Mapped[str | None] = mapped_column(String(32))
    sp_mchid: Mapped[str | None] = mapped_column(String(32))
    order_id: Mapped[int] = mapped_column(ForeignKey("wechatpay_order.id", ondelete="CASCADE"), index=True)
    out_refund_no: Mapped[str] = mapped_column(String(64))
    refund_id: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(12), default="PROCESSING")
    ends: Mapped[str] = mapped_column(String(12))
    amount: Mapped[int] = mapped_column(BigInteger)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    signer: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(Moment)
    succeeded_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    payer_amount: Mapped[int | None] = mapped_column(BigInteger)
    settled: Mapped[int | None] = mapped_column(BigInteger)
    fee: Mapped[int | None] = mapped_column(BigInteger)
    remedy: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    order: Mapped[Order] = relationship(back_populates="refunds")

    @property
    def parts(self) -> Parts:
        """The sides of what is given back."""
        payer, settled = (self.amount if side is None else side for side in (self.payer_amount, self.settled))
        return Parts(self.amount, payer, settled, self.fee or 0)


class MixedOrder(InSpace, Model):
    """A cash part, an insurance part, or both under one number; three state columns."""

    __tablename__ = "wechatpay_mixed_order"
    __table_args__ = (UniqueConstraint("space", "mchid", "out_trade_no"), UniqueConstraint("space", "mix_trade_no"))
    id: Mapped[int] = mapped_column(primary_key=True)
    mchid: Mapped[str | None] = mapped_column(String(32))
    sp_mchid: Mapped[str | None] = mapped_column(String(32))
    mix_trade_no: Mapped[str] = mapped_column(String(32))
    out_trade_no: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("wechatpay_order.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    mix_state: Mapped[str] = mapped_column(String(24))
    cash_state: Mapped[str] = mapped_column(String(24))
    insurance_state: Mapped[str] = mapped_column(String(24))
    person: Mapped[str] = mapped_column(String(10))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    signer: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    passthrough: Mapped[str] = mapped_column(String(2048), default="")
    fail_reason: Mapped[str] = mapped_column(String(200), default="")
    refund_report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    order: Mapped[Order | None] = relationship()

    def happen(self, event: str) -> None:
        """Raises rules.NotAllowed."""
        states = rules.moved((self.mix_state, self.cash_state, self.insurance_state), event)
        self.mix_state, self.cash_state, self.insurance_state = states


def order_by(**number: str) -> Order | None:
    """An order by its merchant (`mchid`) and that merchant's number, or by a number of WeChat Pay's own."""
    return db.session.scalar(select(Order).filter_by(**number))


def refund_by(**number: str) -> Refund | None:
    """A refund by its merchant (`mchid`) and that merchant's number."""
    return db.session.scalar(select(Refund).filter_by(**number))


def mixed_by(**number: str) -> MixedOrder | None:
    """A mixed order by its merchant (`mchid`) and that merchant's number, or by WeChat Pay's own."""
    return db.session.scalar(select(MixedOrder).filter_by(**number))

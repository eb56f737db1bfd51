"""What is kept of a settlement: the cart as quoted, the split, the numbers of every leg and when it was confirmed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from yibao import audit
from yibao.db import InSpace, Model, Moment, db
from yibao.errors import Refused
from yibao.steps.login.rules import NATIONAL, WECHAT
from yibao.steps.settlement import rules


class Settlement(InSpace, Model):
    """One purchase at a pharmacy. Patient and payer are as they were on the day: a refund needs no binding.

    `channel` is where it is paid: in WeChat, as a mixed order of WeChat Pay; or in the national app (nhsa_app), whose
    cashier takes every part, so that the payment centre's order is the only one there is.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("space", "number"),
        UniqueConstraint("space", "out_trade_no"),
        UniqueConstraint("space", "med_org_ord"),
        Index(None, "space", "user_id", "created_at"),
        Index(None, "space", "patient_id_number"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(20), default="CART")
    user_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(10), default=WECHAT, server_default=WECHAT)
    openid: Mapped[str] = mapped_column(String(128))
    payer_name: Mapped[str] = mapped_column(String(100))
    payer_id_type: Mapped[str] = mapped_column(String(20))
    payer_id_number: Mapped[str] = mapped_column(String(50))
    binding_id: Mapped[str | None] = mapped_column(String(64))
    patient_name: Mapped[str] = mapped_column(String(100))
    patient_id_type: Mapped[str] = mapped_column(String(20))
    patient_id_number: Mapped[str] = mapped_column(String(50))
    psn_no: Mapped[str] = mapped_column(String(30))
    insutype: Mapped[str] = mapped_column(String(6))
    insured_in: Mapped[str] = mapped_column(String(6))
    institution_code: Mapped[str] = mapped_column(String(12))
    institution_name: Mapped[str] = mapped_column(String(200))
    prescription_no: Mapped[str | None] = mapped_column(String(40))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    total_fen: Mapped[int]
    pooled_fen: Mapped[int]
    own_fen: Mapped[int]
    mutual_fen: Mapped[int]
    wallet_fen: Mapped[int]
    cash_fen: Mapped[int]
    in_scope_fen: Mapped[int] = mapped_column(default=0)
    first_pay_fen: Mapped[int] = mapped_column(default=0)
    deductible_fen: Mapped[int] = mapped_column(default=0)
    policy_version: Mapped[str] = mapped_column(String(20))
    prices_version: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Moment)
    quote_expires_at: Mapped[datetime] = mapped_column(Moment)
    visit_no: Mapped[str] = mapped_column(String(30), default="")
    # the legs: intent first, outcome after
    med_org_ord: Mapped[str | None] = mapped_column(String(20))
    out_trade_no: Mapped[str | None] = mapped_column(String(32))
    pay_auth_no: Mapped[str | None] = mapped_column(String(40))
    pay_by: Mapped[datetime | None] = mapped_column(Moment)
    pay_ord_id: Mapped[str | None] = mapped_column(String(64))
    pay_token: Mapped[str | None] = mapped_column(String(200))
    compared_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    cash_closed_at: Mapped[datetime | None] = mapped_column(Moment)
    mix_trade_no: Mapped[str | None] = mapped_column(String(40))
    fund_paid_at: Mapped[datetime | None] = mapped_column(Moment)
    cash_paid_at: Mapped[datetime | None] = mapped_column(Moment)
    mixed_at: Mapped[datetime | None] = mapped_column(Moment)
    transaction_id: Mapped[str | None] = mapped_column(String(32))
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    closing: Mapped[str] = mapped_column(String(20), default="")  # the event that ends it once both legs are shut
    failure: Mapped[str] = mapped_column(String(40), default="")
    tries: Mapped[int] = mapped_column(default=0)

    @property
    def split(self) -> rules.Split:
        """The five parts, held to the identity again."""
        return rules.Split(
            self.total_fen, self.pooled_fen, self.own_fen, self.mutual_fen, self.wallet_fen, self.cash_fen
        )

    def set_split(self, split: rules.Split) -> None:
        for name, value in split.as_dict().items():
            setattr(self, name, value)

    def move(self, event: str, actor: str = "S", **about: Any) -> None:
        """Take one edge of the table and note it."""
        before, self.state = self.state, rules.move(self.state, event)
        audit.moved("settlement", self.number, before, self.state, event, actor, **about)

    @property
    def awaits_payment(self) -> bool:
        """Whether the phone may still be asked to pay."""
        return self.state in ("FUND_PAYING", "CASH_WAIT") and self.is_ordered and not self.closing

    @property
    def is_national(self) -> bool:
        return self.channel == NATIONAL

    @property
    def is_ordered(self) -> bool:
        """Whether the phone has an order to pay: the mixed one, or in the national app the bureau's own (6202)."""
        return self.compared_at is not None if self.is_national else bool(self.mix_trade_no)

    @property
    def wants_fund(self) -> bool:
        """Whether the bureau has an order of ours to confirm; in the national app, also one it pays nothing of."""
        return self.is_national or self.split.insured_fen > 0

    @property
    def all_paid(self) -> bool:
        """Every leg that applies is confirmed: insurance by bureau and mixed order, cash by its own order."""
        mixed = self.is_national or self.mixed_at is not None
        fund = not self.wants_fund or (self.fund_paid_at is not None and mixed)
        return fund and (self.cash_fen == 0 or self.cash_paid_at is not None)


class Refund(InSpace, Model):
    """Money going back: a refund the user asked for, or the reversal of a payment that failed half-way.

    One number serves every leg and every retry, so that nothing is paid out twice.
    """

    __tablename__ = "refund"
    __table_args__ = (UniqueConstraint("space", "number"), Index(None, "space", "settlement_number"))
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(30))
    settlement_number: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(10))  # refund, reversal
    reason: Mapped[str] = mapped_column(String(20))
    pooled_fen: Mapped[int] = mapped_column(default=0)
    account_fen: Mapped[int] = mapped_column(default=0)
    cash_fen: Mapped[int] = mapped_column(default=0)
    requested_at: Mapped[datetime] = mapped_column(Moment)
    fund_back_at: Mapped[datetime | None] = mapped_column(Moment)
    fund_refund_sn: Mapped[str] = mapped_column(String(64), default="")
    cash_asked_at: Mapped[datetime | None] = mapped_column(Moment)
    cash_refund_id: Mapped[str] = mapped_column(String(32), default="")
    cash_back_at: Mapped[datetime | None] = mapped_column(Moment)
    reported_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    denied_at: Mapped[datetime | None] = mapped_column(Moment)
    failure: Mapped[str] = mapped_column(String(40), default="")
    tries: Mapped[int] = mapped_column(default=0)

    @property
    def fund_fen(self) -> int:
        return self.pooled_fen + self.account_fen


class NationalCopy(InSpace, Model):
    """What the national platform said of an institution or item, and when; good for a while of business time."""

    __tablename__ = "national_copy"
    __table_args__ = (UniqueConstraint("space", "kind", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(60))
    value: Mapped[Any] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(Moment)


def _latest(statement: Any) -> Any:
    """The row as it is now, locked where the database can: another thread may have moved it."""
    return db.session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one_or_none()


def held(number: str) -> Settlement:
    """A settlement by our number, fresh. Raises Refused NOT_FOUND."""
    row = _latest(select(Settlement).where(Settlement.number == number))
    if row is None:
        raise Refused("NOT_FOUND")
    return row


def by_order(*, out_trade_no: str = "", med_org_ord: str = "") -> Settlement | None:
    """A settlement by a number providers know it by, fresh."""
    if out_trade_no:
        return _latest(select(Settlement).where(Settlement.out_trade_no == out_trade_no))
    return _latest(select(Settlement).where(Settlement.med_org_ord == med_org_ord))


def refund_numbered(number: str) -> Refund | None:
    return _latest(select(Refund).where(Refund.number == number))


def latest_refund(settlement_number: str) -> Refund | None:
    """The newest refund or reversal of a settlement."""
    return _latest(
        select(Refund).where(Refund.settlement_number == settlement_number).order_by(Refund.id.desc()).limit(1)
    )


def open_orders_of(binding_id: str) -> int:
    """How many orders of a bound relative are not finished (family asks before unbinding)."""
    states = rules.OPEN | rules.REFUNDING
    rows = select(Settlement.id).where(Settlement.binding_id == binding_id, Settlement.state.in_(states))
    return len(db.session.scalars(rows).all())


def open_orders_of_user(user_id: int) -> int:
    """How many orders a user pays for are not finished."""
    states = rules.OPEN | rules.REFUNDING
    rows = select(Settlement.id).where(Settlement.user_id == user_id, Settlement.state.in_(states))
    return len(db.session.scalars(rows).all())

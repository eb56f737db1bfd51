"""What the bureau keeps: people's standing and balances, yearly counters, settlements, what was used up."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment


class BureauPerson(InSpace, Model):
    """One person's account. `overrides` holds what somebody changed about the facts of people/*.toml.

    `mutual_aid_from` is whose account may help; `suspense_fen` money that could not go back to a closed account.
    """

    __tablename__ = "national_person"
    __table_args__ = (
        UniqueConstraint("space", "person"),
        CheckConstraint("balance_fen >= 0", "balance"),
        CheckConstraint("suspense_fen >= 0", "suspense"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(10))
    balance_fen: Mapped[int] = mapped_column(default=0)
    suspense_fen: Mapped[int] = mapped_column(default=0)
    mutual_aid_from: Mapped[str | None] = mapped_column(String(10))
    overrides: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class YearCounter(InSpace, Model):
    """What counts towards one person's yearly limits. `mutual_used_fen`: taken from this person for others."""

    __tablename__ = "national_year_counter"
    __table_args__ = (
        UniqueConstraint("space", "person", "year"),
        CheckConstraint("deductible_paid_fen >= 0 AND pooled_used_fen >= 0 AND mutual_used_fen >= 0", "counters"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(10))
    year: Mapped[int]
    deductible_paid_fen: Mapped[int] = mapped_column(default=0)
    pooled_used_fen: Mapped[int] = mapped_column(default=0)
    mutual_used_fen: Mapped[int] = mapped_column(default=0)


class Settlement(InSpace, Model):
    """A booked purchase, or the negative twin that took one back (`refund_of`). Amounts of a twin are negative."""

    __tablename__ = "national_settlement"
    __table_args__ = (
        UniqueConstraint("space", "setl_id"),
        UniqueConstraint("space", "refund_of"),
        Index(None, "space", "medins_setl_id"),
        Index(None, "space", "person"),
        CheckConstraint("total_fen = pooled_fen + own_fen + mutual_fen + wallet_fen + cash_fen", "adds_up"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    setl_id: Mapped[str] = mapped_column(String(30))
    mdtrt_id: Mapped[str] = mapped_column(String(30))
    medins_setl_id: Mapped[str] = mapped_column(String(30))
    person: Mapped[str] = mapped_column(String(10))
    institution: Mapped[str] = mapped_column(String(30))
    insutype: Mapped[str] = mapped_column(String(6))
    policy: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Moment)
    year: Mapped[int]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    deductible_fen: Mapped[int]
    pooled_fen: Mapped[int]
    own_fen: Mapped[int]
    mutual_fen: Mapped[int]
    wallet_fen: Mapped[int]
    cash_fen: Mapped[int] = mapped_column(BigInteger)
    mutual_aid_from: Mapped[str | None] = mapped_column(String(10))
    setlinfo: Mapped[dict[str, Any]] = mapped_column(JSON)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    refund_of: Mapped[str | None] = mapped_column(String(30))
    refunded: Mapped[bool] = mapped_column(default=False)


class TraceCode(InSpace, Model):
    """A pack that was sold: one 药品追溯码 sells once, until a refund releases it."""

    __tablename__ = "national_trace_code"
    __table_args__ = (UniqueConstraint("space", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(30))
    setl_id: Mapped[str] = mapped_column(String(30), index=True)


class PrescriptionUse(InSpace, Model):
    """A prescription that was filled by a settlement; gone again after a refund."""

    __tablename__ = "national_prescription_use"
    __table_args__ = (UniqueConstraint("space", "rxno"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    rxno: Mapped[str] = mapped_column(String(40))
    setl_id: Mapped[str] = mapped_column(String(30), index=True)


class SignIn(InSpace, Model):
    """An operator's 9001, good until 9002 or the end of the day."""

    __tablename__ = "national_sign_in"
    __table_args__ = (UniqueConstraint("space", "sign_no"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    sign_no: Mapped[str] = mapped_column(String(30))
    opter_no: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class GatewayMessage(InSpace, Model):
    """A `msgid` that was answered with success, so that it is not taken a second time."""

    __tablename__ = "national_gateway_message"
    __table_args__ = (UniqueConstraint("space", "msgid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    msgid: Mapped[str] = mapped_column(String(30))
    infno: Mapped[str] = mapped_column(String(6))


class GatewayNonce(InSpace, Model):
    """An x-tif-nonce shown at a wall second; forgotten after its life."""

    __tablename__ = "national_gateway_nonce"
    __table_args__ = (UniqueConstraint("space", "nonce"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64))
    wall_seconds: Mapped[int] = mapped_column(BigInteger, index=True)

"""What the bureau keeps: people's standing and balances, yearly counters, settlements, what was used up.

`Settlement` is the one truth about what was settled, whoever asks (5203, 5204, 3201, 3202, 6301):
* `kind` pharmacy (2102), outpatient (2207) or mobile (paid through the payment centre); `infno` the transaction that
  made the row (2102, 2103, 2207, 2207A, 2208, 6202, 6203); `clr_type` 41 pharmacy, 11 outpatient.
* `medins_setl_id` is the msgid of that transaction, `mdtrt_id` the encounter (an `Encounter` row for outpatients).
* A refund is a row of its own: `refund_of` names the settlement, its amounts are negative; the settlement it took
  back says `refunded` (refd_setl_flag 1). Neither is ever changed otherwise.
* What 2601 reverses is deleted (`Reversal` remembers that it was asked), so nothing has to be left out of a sum.
* `setlinfo` is the answer's header, amounts as text, under 2102's names also in a refund (`setlinfo.spoken` makes
  them numbers again); `fund_sum_fen` and `account_fen` are its fund_pay_sumamt and acct_pay, in the reading that was
  answered, so that 3201 can add them up.
* `detail` holds `setldetail`, `detlcutinfo`, `lines` (drugdetail or feedetail as sent, one for one with detlcutinfo)
  and `head` (invono, dise_codg, dise_name, begntime, chrg_bchno, opter, opter_name).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment, current_space

CLEARED = ("insutype", "clr_type", "kind", "total_fen", "cash_fen", "fund_sum_fen", "account_fen")


class Kept(InSpace):
    """A row that is found by an index beginning with its space.

    With an index on the space alone beside it, SQLite's planner, which knows nothing of how many rows a space has,
    takes that one every so often and reads all of them.
    """

    space: Mapped[str] = mapped_column(String(32), default=current_space)


class BureauPerson(Kept, Model):
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


class YearCounter(Kept, Model):
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


class Settlement(Kept, Model):
    """A booked purchase, or the negative twin that took one back (`refund_of`). Amounts of a twin are negative."""

    __tablename__ = "national_settlement"
    __table_args__ = (
        UniqueConstraint("space", "setl_id"),
        UniqueConstraint("space", "refund_of"),
        Index(None, "space", "medins_setl_id"),
        Index(None, "space", "person", "at"),
        Index(None, "space", "mutual_aid_from", "at"),
        Index(None, "space", "mdtrt_id"),
        Index("ix_national_settlement_clearing", "space", "institution", "at", *CLEARED),
        CheckConstraint("total_fen = pooled_fen + own_fen + mutual_fen + wallet_fen + cash_fen", "adds_up"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    setl_id: Mapped[str] = mapped_column(String(30))
    mdtrt_id: Mapped[str] = mapped_column(String(30))
    medins_setl_id: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(12), server_default="mobile")
    infno: Mapped[str] = mapped_column(String(6), server_default="6202")
    clr_type: Mapped[str] = mapped_column(String(6), server_default="41")
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
    fund_sum_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    account_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    mutual_aid_from: Mapped[str | None] = mapped_column(String(10))
    setlinfo: Mapped[dict[str, Any]] = mapped_column(JSON)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    refund_of: Mapped[str | None] = mapped_column(String(30))
    refunded: Mapped[bool] = mapped_column(default=False)


class Reversal(Kept, Model):
    """A 2601 that was carried out: asked again, it is answered again and nothing more happens."""

    __tablename__ = "national_reversal"
    __table_args__ = (UniqueConstraint("space", "institution", "omsgid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    institution: Mapped[str] = mapped_column(String(30))
    omsgid: Mapped[str] = mapped_column(String(30))
    oinfno: Mapped[str] = mapped_column(String(6))
    person: Mapped[str] = mapped_column(String(10))
    setl_id: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime] = mapped_column(Moment)


class Encounter(Kept, Model):
    """An outpatient visit (2201). `registered`, `visit` and `diagnoses` are as 2201 and 2203 sent them."""

    __tablename__ = "national_encounter"
    __table_args__ = (UniqueConstraint("space", "mdtrt_id"), Index(None, "space", "person"))
    id: Mapped[int] = mapped_column(primary_key=True)
    mdtrt_id: Mapped[str] = mapped_column(String(30))
    person: Mapped[str] = mapped_column(String(10))
    institution: Mapped[str] = mapped_column(String(30))
    insutype: Mapped[str] = mapped_column(String(6))
    ipt_otp_no: Mapped[str] = mapped_column(String(30))
    begun_at: Mapped[datetime] = mapped_column(Moment)
    registered: Mapped[dict[str, Any]] = mapped_column(JSON)
    visit: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    diagnoses: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    cancelled: Mapped[bool] = mapped_column(default=False)


class FeeLine(Kept, Model):
    """One line of 2204. `setl_id` empty: not settled, or given back."""

    __tablename__ = "national_fee_line"
    __table_args__ = (UniqueConstraint("space", "mdtrt_id", "feedetl_sn"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    mdtrt_id: Mapped[str] = mapped_column(String(30))
    feedetl_sn: Mapped[str] = mapped_column(String(30))
    chrg_bchno: Mapped[str] = mapped_column(String(30))
    given: Mapped[dict[str, Any]] = mapped_column(JSON)
    setl_id: Mapped[str] = mapped_column(String(30), default="")


class LineSerial(Kept, Model):
    """A `feedetl_sn` an institution has used, in the purchase or visit `mdtrt_id`; gone again when it was undone."""

    __tablename__ = "national_line_serial"
    __table_args__ = (UniqueConstraint("space", "institution", "feedetl_sn"), Index(None, "space", "mdtrt_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    institution: Mapped[str] = mapped_column(String(30))
    feedetl_sn: Mapped[str] = mapped_column(String(30))
    mdtrt_id: Mapped[str] = mapped_column(String(30))


class TraceCode(Kept, Model):
    """A pack that was sold: one 药品追溯码 sells once, until a refund releases it."""

    __tablename__ = "national_trace_code"
    __table_args__ = (UniqueConstraint("space", "code"), Index(None, "space", "setl_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(30))
    setl_id: Mapped[str] = mapped_column(String(30))


class PrescriptionUse(Kept, Model):
    """A prescription that was filled by a settlement; gone again after a refund."""

    __tablename__ = "national_prescription_use"
    __table_args__ = (UniqueConstraint("space", "rxno"), Index(None, "space", "setl_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    rxno: Mapped[str] = mapped_column(String(40))
    setl_id: Mapped[str] = mapped_column(String(30))


class SignIn(Kept, Model):
    """An operator's 9001, good until 9002 or the end of the day."""

    __tablename__ = "national_sign_in"
    __table_args__ = (UniqueConstraint("space", "sign_no"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    sign_no: Mapped[str] = mapped_column(String(30))
    opter_no: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class GatewayMessage(Kept, Model):
    """A `msgid` that was answered with success, so that it is not taken a second time."""

    __tablename__ = "national_gateway_message"
    __table_args__ = (UniqueConstraint("space", "msgid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    msgid: Mapped[str] = mapped_column(String(30))
    infno: Mapped[str] = mapped_column(String(6))


class GatewayNonce(Kept, Model):
    """An x-tif-nonce shown at a wall second; forgotten after its life."""

    __tablename__ = "national_gateway_nonce"
    __table_args__ = (UniqueConstraint("space", "nonce"), Index(None, "space", "wall_seconds"))
    id: Mapped[int] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64))
    wall_seconds: Mapped[int] = mapped_column(BigInteger)

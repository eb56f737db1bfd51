"""What the prescription centre keeps: what hospitals uploaded step by step, and what was revoked."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, Moment


class PrescriptionStart(InSpace, Model):
    """When a space first looked at a prescription: its samples were issued just before."""

    __tablename__ = "national_prescription_start"
    __table_args__ = (UniqueConstraint("space"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


class UploadedPrescription(InSpace, Model):
    """One prescription of a hospital: checked (D001), signed (D002), uploaded (D003); `step` says how far it is.

    `asked` is D001's data under the gateway's spelling, `signed` the twenty fields that were signed, `file_digest`
    the SHA-256 of the signed file. The pharmacist's verdict (`passed`) is there from `checked_at`.
    """

    __tablename__ = "national_uploaded_prescription"
    __table_args__ = (
        UniqueConstraint("space", "hi_rxno"),
        UniqueConstraint("space", "institution", "hosp_rxno"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    hi_rxno: Mapped[str] = mapped_column(String(30))
    trace_code: Mapped[str] = mapped_column(String(20))
    institution: Mapped[str] = mapped_column(String(30))
    hosp_rxno: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(10), index=True)
    mdtrt_id: Mapped[str] = mapped_column(String(30))
    step: Mapped[str] = mapped_column(String(10))
    issued_at: Mapped[datetime] = mapped_column(Moment)
    valid_until: Mapped[datetime] = mapped_column(Moment)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    signed: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    sign_digest: Mapped[str] = mapped_column(String(120), default="")
    file_digest: Mapped[str] = mapped_column(String(64), default="")
    checked_at: Mapped[datetime | None] = mapped_column(Moment)
    passed: Mapped[bool] = mapped_column(default=True)


class PrescriptionRevocation(InSpace, Model):
    """A prescription its hospital took back (D004), a sample one or an uploaded one."""

    __tablename__ = "national_prescription_revocation"
    __table_args__ = (UniqueConstraint("space", "rxno"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    rxno: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(200))

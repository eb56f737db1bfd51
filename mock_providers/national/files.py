"""Files that travel beside the transactions: 9101 文件上传, 9102 文件下载.

The node names and the form of the bytes are those of public institution code (CHOICE): `in` is base64 text or a list
of byte values; 9102 answers with the bytes themselves, its refusals in the usual envelope.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Response
from sqlalchemy import LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, serials, switches
from mock_providers.db import InSpace, Model, Moment, db
from mock_providers.national import fields
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.texts import Refused

AT_MOST = 4 * 1024 * 1024
LIVES = timedelta(days=7)
UPLOAD = fields.table("""
filename C200 Y
fixmedins_code C30 Y
""")
DOWNLOAD = fields.table("""
file_qury_no C40 Y
filename C200 Y
fixmedins_code C30 Y
""")
switches.declare(
    "national.download_form",
    "stream",
    ("stream", "base64"),
    kind="choice",
    source="nhsa §2.9, §2.11",
    why="9102 answers the bytes of the file, or a usual answer with them as base64 in output.in",
)


class NationalFile(InSpace, Model):
    """A file of one institution, until it expires."""

    __tablename__ = "national_file"
    __table_args__ = (UniqueConstraint("space", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    filename: Mapped[str] = mapped_column(String(200))
    institution: Mapped[str] = mapped_column(String(30))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(Moment)


def keep(institution: str, filename: str, content: bytes) -> NationalFile:
    """A new file of an institution, found again by its number."""
    row = NationalFile(
        number=f"fsi{clock.now():%Y%m%d}{serials.fresh_digits('file_qury_no', 16)}",
        filename=filename,
        institution=institution,
        content=content,
        expires_at=clock.now() + LIVES,
    )
    db.session.add(row)
    return row


def find(number: str, institution: str) -> NationalFile:
    """The institution's own file. Raises Refused SIM-NOFILE."""
    row = db.session.scalar(select(NationalFile).where(NationalFile.number == number))
    if row is None or row.institution != institution or row.expires_at <= clock.now():
        raise Refused("SIM-NOFILE")
    return row


def _node(call: Call, name: str) -> Mapping[str, Any]:
    return fields.node(call.input, name if name in call.input else "data")


def _must_be_own(call: Call, node: Mapping[str, Any]) -> None:
    if fields.text(node, "fixmedins_code", 30) != call.envelope["fixmedins_code"]:
        raise Refused("SIM-INST")


@transaction("9101")
def upload(call: Call) -> dict[str, Any]:
    """文件上传: the number other transactions name the file by."""
    node = _node(call, "fsUploadIn")
    fields.check(node, UPLOAD)
    _must_be_own(call, node)
    content = _bytes(node)
    row = keep(call.envelope["fixmedins_code"], fields.text(node, "filename", 200), content)
    said = {"file_qury_no": row.number, "filename": row.filename, "fixmedins_code": row.institution}
    return {**said, "dld_endtime": row.expires_at.strftime("%Y-%m-%d %H:%M:%S")}


def _bytes(node: Mapping[str, Any]) -> bytes:
    given = node.get("in")
    if given in (None, "", []):
        raise Refused("EMPTY", name=fields.name_of("in"))
    try:
        content = b64decode(given, validate=True) if isinstance(given, str) else bytes(v & 255 for v in given)
    except (NotBase64, TypeError, ValueError):
        raise Refused("SIM-FORMAT", name=fields.name_of("in")) from None
    if len(content) > AT_MOST:
        raise Refused("SIM-LEN", name=fields.name_of("in"))
    return content


@transaction("9102")
def download(call: Call) -> Any:
    """文件下载: a file of one's own, or one a download transaction made."""
    from base64 import b64encode

    node = _node(call, "fsDownloadIn")
    fields.check(node, DOWNLOAD)
    _must_be_own(call, node)
    row = find(fields.text(node, "file_qury_no", 40), call.envelope["fixmedins_code"])
    if switches.value("national.download_form") == "base64":
        return {"filename": row.filename, "in": b64encode(row.content).decode()}
    headers = {"Content-Disposition": f'attachment; filename="{row.number}.zip"'}
    return Response(row.content, 200, headers, content_type="application/octet-stream")

"""Where one can buy and what: designation and catalogue class from the platform, prices and counters from the shelf.

What the platform said is kept for ten minutes of business time. Nothing here may run with a transaction open.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from yibao import clock
from yibao.db import db, let_go
from yibao.errors import Refused
from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.settlement import legs, shelf
from yibao.steps.settlement.models import NationalCopy

LIFE = timedelta(minutes=10)
PAGE, PAGES_AT_MOST = 100, 50
KINDS = ("hospital", "pharmacy")
QR_PREFIX = "yibao://institution/"
CLASSES = {"01": "甲", "02": "乙", "03": "自费"}
LISTED_NOWHERE = "目录外"


def directory(kind: str) -> list[dict[str, Any]]:
    """The designated institutions of a kind, by code."""
    return _kept("directory", kind, lambda: [_row(found) for found in national.institutions(kind)])


def designated(code: str) -> dict[str, Any]:
    """One institution. Raises Refused PH_NOT_DESIGNATED, PH_CONTRACT_SUSPENDED, VENDOR_ERROR."""
    return _kept("institution", code, lambda: _row(national.institution(code)), "PH_NOT_DESIGNATED")


def _row(found: national.Institution) -> dict[str, Any]:
    return {"code": found.code, "name": found.name, "kind": found.kind, "level": found.level}


def goods(code: str) -> list[dict[str, Any]]:
    """What an institution sells: its price, the platform's class."""
    designated(code)
    classes = catalogue()
    return [
        {
            "code": item.code,
            "med_list_codg": item.med_list_codg,
            "name": item.name,
            "spec": item.spec,
            "kind": item.kind,
            "price_fen": item.price_fen,
            "prescription": item.prescription,
            "dual_channel": item.dual_channel,
            "trace": item.trace,
            "insurance_class": classes.get(item.med_list_codg, LISTED_NOWHERE),
        }
        for item in shelf.items().values()
    ]


def catalogue() -> dict[str, str]:
    """The class of every item in the insurance catalogue: 甲, 乙 or 自费."""
    return _kept("catalogue", "all", _read_catalogue)


def _read_catalogue() -> dict[str, str]:
    today, found = clock.now().date(), {}
    for page in range(1, PAGES_AT_MOST + 1):
        answer = national.catalogue_page(page, PAGE, today)
        rows = answer.get("data") or []
        found.update({str(row.get("hilist_code", "")): _class(row) for row in rows})
        if len(rows) < PAGE or answer.get("lastPage") in (True, "true"):
            break
    return found


def _class(row: dict[str, Any]) -> str:
    return CLASSES.get(str(row.get("chrgitm_lv") or ""), LISTED_NOWHERE)


def refunds_at_window(code: str) -> bool:
    """Whether this institution refunds at its window only."""
    return code in shelf.window_refunds()


def scanned(content: str) -> str:
    """The institution code in a QR code at the counter. Raises Refused FIELD_INVALID."""
    code = content.removeprefix(QR_PREFIX)
    if code == content or not code.isascii() or not code.isalnum() or len(code) != 12:
        raise Refused("FIELD_INVALID", fields={"content": ["not an institution's code"]})
    return code


def _kept(kind: str, key: str, ask: Callable[[], Any], otherwise: str = "VENDOR_ERROR") -> Any:
    """The platform's answer, asked again when it is older than LIFE."""
    wanted = select(NationalCopy).where(NationalCopy.kind == kind, NationalCopy.key == key)
    row, now = db.session.scalars(wanted).one_or_none(), clock.now()
    let_go()
    if row is not None and timedelta(0) <= now - row.at < LIFE:
        return row.value
    try:
        value = ask()
    except VendorRefused as refused:
        raise Refused(legs.our_code(refused, otherwise)) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the national platform did not answer") from error
    row = db.session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        row = NationalCopy(kind=kind, key=key)
        db.session.add(row)
    row.value, row.at = value, now
    db.session.commit()
    return value

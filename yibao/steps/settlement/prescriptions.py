"""An electronic prescription as its centre tells it, in the terms of rules.Prescription."""

from datetime import datetime, time
from typing import Any

from yibao.clock import CHINA
from yibao.errors import Refused
from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.settlement import legs, rules, shelf

# rx_stas_codg and rx_used_stas_codg of the prescription centre
STATES = {"1": "VALID", "2": "EXPIRED", "3": "REVOKED"}
USED = "2"
PAPER = "1"


def read(number: str, institution_code: str, patient: national.Person) -> rules.Prescription:
    """Ask the centre. Raises Refused RX_NOT_FOUND, RX_PATIENT_MISMATCH, VENDOR_ERROR."""
    try:
        said = national.prescription(number, institution_code, patient)
    except VendorRefused as refused:
        raise Refused(legs.our_code(refused, "RX_NOT_FOUND")) from refused
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the prescription centre did not answer") from error
    try:
        return _of(said, number)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Refused("VENDOR_ERROR", "the prescription centre's answer makes no sense") from error


def _of(said: dict[str, Any], number: str) -> rules.Prescription:
    codes = {item.med_list_codg: item.code for item in shelf.items().values()}
    visit = said.get("rxOtpinfo") or {}
    items: dict[str, int] = {}
    for line in said.get("rxDetlList") or []:
        code = codes.get(str(line.get("medListCodg")))
        if code:
            items[code] = items.get(code, 0) + int(float(str(line.get("drugCnt") or 0)))
    return rules.Prescription(
        number=number,
        psn_no=str(visit.get("psnNo", "")),
        id_number=str(visit.get("certno", "")),
        state=STATES.get(str(said.get("rxStasCodg")), "VALID"),
        used=str(said.get("rxUsedStasCodg")) == USED,
        electronic=str(said.get("rxPaperFlag", "0")) != PAPER,
        valid_until=_moment(said.get("valiEndTime")),
        items=items,
    )


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if found.time() == time(0) and len(str(text)) == 10:
        found = datetime.combine(found.date(), time(23, 59, 59))
    return found if found.tzinfo else found.replace(tzinfo=CHINA)

"""Who recognises faces: WeChat for its mini programs, the national platform for the national app.

Both are asked the same two things, and answer in our words (rules.py). Every call raises Unreachable or
VendorRefused, and none is made while a transaction is open.
"""

from dataclasses import dataclass
from typing import Protocol

from yibao.providers import national, wechat
from yibao.spaces import callback_url
from yibao.steps.face import rules


@dataclass(frozen=True)
class Check:
    """One check as a vendor is asked about it: under our `serial`, and the vendor's `verify_id` once it began."""

    serial: str
    openid: str
    name: str
    id_type: str
    id_number: str
    verify_id: str = ""


class Vendor(Protocol):
    def begin(self, check: Check) -> tuple[str, str]:
        """(the vendor's number for the check, the page to open or "")."""

    def result(self, check: Check) -> str:
        """Our code for how it went; "" for a pass and nothing else."""


class Wechat:
    def begin(self, check: Check) -> tuple[str, str]:
        return wechat.begin_face(check.serial, check.openid, check.name, check.id_number), ""

    def result(self, check: Check) -> str:
        asked = (check.serial, check.openid, check.verify_id, check.name, check.id_number)
        return rules.code_of(wechat.face_result(*asked))


class National:
    def begin(self, check: Check) -> tuple[str, str]:
        who = (check.name, check.id_type, check.id_number)
        return national.begin_face(check.serial, *who, callback_url("national/face"), callback_url("national/face"))

    def result(self, check: Check) -> str:
        found = national.face_result(check.verify_id, check.serial)
        return rules.code_of_national(found.status, found.fail_code)


VENDORS: dict[str, Vendor] = {rules.WECHAT: Wechat(), rules.NATIONAL: National()}

"""Which of WeChat's and the platform's refusals mean what to the person logging in. No I/O."""

from yibao.errors import Refused
from yibao.providers.http import VendorRefused

WECHAT, NATIONAL = "wechat", "nhsa_app"  # the channel of a session
LOGIN_REFUSALS = {
    "40029": "LOGIN_CODE_INVALID",
    "40163": "LOGIN_CODE_USED",
    "40226": "LOGIN_BLOCKED",
    "45011": "LOGIN_TOO_OFTEN",
}
PHONE_REFUSALS = {"40029": "PHONE_CODE_INVALID", "40013": "PHONE_CODE_INVALID", "45011": "LOGIN_TOO_OFTEN"}
NATIONAL_REFUSALS = {"invalid_grant": "LOGIN_CODE_INVALID"}
PERSON_REFUSALS = {
    "UNKNOWN_PERSON": "PERSON_NOT_FOUND",
    "NOT_INSURED": "PERSON_NOT_FOUND",
    "NOT_SYNCED": "PERSON_NOT_FOUND",
    "DECEASED": "PERSON_DECEASED",
}


def refusal(table: dict[str, str], refused: VendorRefused) -> Refused:
    """Ours for a vendor's no; a code that says nothing to the user is VENDOR_ERROR."""
    code = table.get(refused.code)
    return Refused(code) if code else Refused("VENDOR_ERROR", f"{refused.vendor} refused with {refused.code}")


def must_be_the_same(name: str, registered: str) -> None:
    """The typed name must be the registered one, letter for letter. Raises Refused PERSON_NOT_FOUND."""
    if name != registered:
        raise Refused("PERSON_NOT_FOUND", "the national platform has no such person under this name")

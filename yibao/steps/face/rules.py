"""Face checks (domain sheet §6.4): the states of a ticket, what the vendors' results mean, and when to stop trying.

Rules of the file: tables and pure functions. Times come in as arguments.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from yibao.errors import Refused
from yibao.providers.national.face import FAILED, PASSED
from yibao.providers.wechat import FACE_PASSED

WECHAT, NATIONAL = "wechat", "national"  # who recognises the face
TICKET_LIFE = timedelta(minutes=5)
VENDOR_TRIES = 3
PAUSE_AFTER, PAUSE = 3, timedelta(minutes=10)
LOCK_AFTER, LOCK = 5, timedelta(hours=24)
PURPOSES = ("ACTIVATE", "SELF_BIND", "RELATIVE_BIND", "GROUP_CREATE", "GROUP_CONFIRM", "MOTHER_BIRTH_CERT", "PAY")
WAITING = ("ISSUED", "OPENED", "ERROR")

NEXT = {
    ("ISSUED", "opened"): "OPENED",
    ("OPENED", "opened"): "OPENED",
    ("ERROR", "opened"): "OPENED",
    **{(state, "scored"): "SCORED" for state in WAITING},
    ("SCORED", "passed"): "PASSED",
    ("SCORED", "failed"): "FAILED",
    ("SCORED", "locked"): "LOCKED",
    **{(state, "failed"): "FAILED" for state in WAITING},
    **{(state, "locked"): "LOCKED" for state in WAITING},
    **{(state, "expired"): "EXPIRED" for state in WAITING},
    **{(state, "vendor_down"): "ERROR" for state in WAITING},
}

# verify_ret → our code. What is in no row: 1xxxx is the vendor's trouble, 9xxxx the device's.
NOT_FINISHED = (10300, 10005)
CODES = {
    10002: "FACE_NOT_LIVE",
    10003: "FACE_SUBJECT_MISMATCH",
    10004: "FACE_FAIL",
    10010: "FACE_QUALITY",
    10012: "FACE_FAIL",
    10018: "FACE_SUBJECT_MISMATCH",
    10020: "FACE_TIMEOUT",
    10026: "FACE_SUBJECT_MISMATCH",
    10029: "FACE_TIMEOUT",
    10052: "FACE_TIMEOUT",
    90002: "FACE_CANCELLED",
    90003: "FACE_CANCELLED",
    90004: "FACE_CANCELLED",
    90005: "FACE_CANCELLED",
    90006: "FACE_CANCELLED",
    90007: "FACE_TIMEOUT",
    90011: "FACE_QUALITY",
    90012: "FACE_TIMEOUT",
    90013: "FACE_QUALITY",
    90014: "FACE_QUALITY",
    90017: "FACE_TIMEOUT",
    90023: "FACE_NOT_LIVE",
    90024: "FACE_CANCELLED",
    90107: "FACE_TIMEOUT",
    **dict.fromkeys(NOT_FINISHED, "FACE_NOT_FINISHED"),
}
# the national platform's failCode
NATIONAL_CODES = {
    "mismatch": "FACE_FAIL",
    "not_live": "FACE_NOT_LIVE",
    "poor_quality": "FACE_QUALITY",
    "timeout": "FACE_TIMEOUT",
    "cancel": "FACE_CANCELLED",
    "no_device": "FACE_DEVICE",
    "no_subject": "FACE_SUBJECT_MISMATCH",
}
SCORED = ("FACE_FAIL", "FACE_SUBJECT_MISMATCH")  # liveness was over when these were found
COUNTED = ("FACE_FAIL", "FACE_SUBJECT_MISMATCH", "FACE_NOT_LIVE")


def move(state: str, event: str) -> str:
    """The next state. Raises Refused STATE_CONFLICT."""
    if (state, event) not in NEXT:
        raise Refused("STATE_CONFLICT", f"the face check is {state}")
    return NEXT[state, event]


def code_of(verify_ret: int) -> str:
    """Our word for a verify_ret; empty for a pass and for nothing else."""
    if verify_ret == FACE_PASSED:
        return ""
    return CODES.get(verify_ret, "FACE_DEVICE" if verify_ret >= 90000 else "FACE_VENDOR_DOWN")


def code_of_national(status: str, fail_code: str) -> str:
    """Our word for a result of the national platform; empty for a pass and for nothing else."""
    if status == PASSED:
        return ""
    return NATIONAL_CODES.get(fail_code, "FACE_VENDOR_DOWN") if status == FAILED else "FACE_NOT_FINISHED"


def events_of(code: str, fails_before: int) -> list[str]:
    """What happens to the ticket for a result of this code. The fifth fail in a row locks."""
    if code == "":
        return ["scored", "passed"]
    if code == "FACE_NOT_FINISHED":
        return ["opened"]
    if code == "FACE_VENDOR_DOWN":
        return ["vendor_down"]
    locks = code in COUNTED and fails_before + 1 >= LOCK_AFTER
    return [*(["scored"] if code in SCORED else []), "locked" if locks else "failed"]


def locked_until(fails: Sequence[datetime], now: datetime) -> datetime | None:
    """Until when no new check may begin, given the fails since the last pass, oldest first."""
    recent = [at for at in fails if now - at < LOCK]
    if len(recent) >= LOCK_AFTER:
        return recent[-1] + LOCK
    if len(recent) >= PAUSE_AFTER and now < recent[-1] + PAUSE:
        return recent[-1] + PAUSE
    return None

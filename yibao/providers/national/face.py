"""National face recognition: begun and asked for in the payment centre's envelope, told by a notice in the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yibao.providers.http import Unreachable, Untrusted
from yibao.providers.national.centre import call, opened
from yibao.providers.national.facts import CERT_TYPES, text

WAITING, PASSED, FAILED = "0", "1", "2"


@dataclass(frozen=True)
class FaceResult:
    """How a check stands. `fail_code` is the platform's word for what went wrong."""

    face_token: str
    serial: str
    status: str
    fail_code: str = ""


def begin_face(
    serial: str, name: str, id_type: str, id_number: str, redirect_url: str, notify_url: str
) -> tuple[str, str]:
    """(faceToken, the page to send the user to). The same serial and person get the same while the check waits."""
    data = {
        "outBizNo": serial,
        "userName": name,
        "idNo": id_number,
        "idType": CERT_TYPES[id_type],
        "redirectUrl": redirect_url,
        "notifyUrl": notify_url,
    }
    answer = call("/org/local/api/face/begin", data)
    return text(answer, "faceToken"), text(answer, "url")


def face_result(face_token: str, serial: str) -> FaceResult:
    """How the check stands now."""
    found = _result(call("/org/local/api/face/query", {"faceToken": face_token, "outBizNo": serial}))
    if (found.face_token, found.serial) != (face_token, serial):
        raise Unreachable("the answer is about another face check")
    return found


def read_face_notice(raw_body: bytes) -> FaceResult:
    """Open and verify a FACE.RESULT notice. Raises Untrusted."""
    data = opened(raw_body)
    try:
        return _result(data)
    except Unreachable as error:
        raise Untrusted(f"the notice makes no sense: {error}") from error


def _result(data: Mapping[str, Any]) -> FaceResult:
    status = text(data, "faceStas")
    if status not in (WAITING, PASSED, FAILED):
        raise Unreachable(f"faceStas {status[:10]!r} is none")
    fail_code = text(data, "failCode") if status == FAILED else ""
    return FaceResult(text(data, "faceToken"), text(data, "outBizNo"), status, fail_code)

"""The picture taken during a face check. Ours says that it is a sample and shows nobody."""

from typing import Any

from flask import Response

from mock_providers import outcomes, switches
from mock_providers.wechat import face, pictures, recognition
from mock_providers.wechat.door import api, body, planned
from mock_providers.wechat.models import FaceCheck, Recognition

outcomes.declare("wechat.getimage", *face.TROUBLE)
switches.declare(
    "wechat.face_no_image",
    "84003",
    ("84003", "40097"),
    kind="choice",
    source="wechat.md §4.5",
    why="what a check without a picture (not finished, or stopped on the phone) answers is not published",
)


@api("/cityservice/face/identify/getimage", "POST")
def getimage() -> Response:
    """The picture of a finished check: of generation 2.0 by verify_id, of 1.0 by verify_result."""
    given = body()
    old = "verify_result" in given and "verify_id" not in given
    return _of_recognition(given) if old else _of_check(face.matched(given))


def _of_check(check: FaceCheck) -> Response:
    planned("wechat.getimage", face.subject(check.cert_no), check.out_seq_no)
    if check.state != "DONE" or (check.verify_ret or 0) >= 90000:
        raise face.refused("face_no_image", image="none was taken")
    return _jpeg(f"check {check.out_seq_no}")


def _of_recognition(given: dict[str, Any]) -> Response:
    found: Recognition = recognition.alive(given)
    planned("wechat.getimage", face.subject(found.number))
    return _jpeg(f"finished {found.finished_at:%Y-%m-%d %H:%M:%S}")


def _jpeg(about: str) -> Response:
    return Response(pictures.snapshot(about), content_type="image/jpeg")

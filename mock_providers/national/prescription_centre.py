"""The doors of the electronic prescription centre: D001-D007, one path each, the sealed message of version 1.0.0.

The paths are those of two public code bases (newtouch-cloud/openhis and the Java openhis).
"""

from flask import Blueprint, Response

from mock_providers.national import prescription_query as queries
from mock_providers.national import prescription_upload as steps
from mock_providers.national import wire
from mock_providers.national.centre import serve

bp = Blueprint("national_prescriptions", __name__)
CALLS = {
    "uploadChk": steps.check,
    "rxFixmedinsSign": steps.sign,
    "rxFileUpld": steps.upload,
    "rxUndo": steps.revoke,
    "hospRxDetlQuery": queries.detail,
    "rxChkInfoQuery": queries.audit,
    "rxSetlInfoQuery": queries.taken,
}


@bp.post(
    "/fixmedins/<any(uploadChk, rxFixmedinsSign, rxFileUpld, rxUndo, hospRxDetlQuery, rxChkInfoQuery,"
    " rxSetlInfoQuery):name>"
)
def prescription(name: str) -> Response:
    """One path per transaction."""
    return serve(CALLS[name], wire.PRESCRIPTION)

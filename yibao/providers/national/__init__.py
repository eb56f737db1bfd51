"""The national platform: the institutions' gateway, the mobile payment centre, face recognition and their notices.

Yuan stays on this wire: everything given back is fen. Every call raises Unreachable (what happened is unknown) or
VendorRefused; its `code` is one of facts.REASONS where the platform's words are known, else the platform's own code.
"""

from yibao.providers.national.centre import (
    PRESCRIPTION_PATH,
    order_state,
    place_payment,
    prescription,
    read_settlement_notice,
    refund,
    revoke,
    upload_fees,
)
from yibao.providers.national.face import FaceResult, begin_face, face_result, read_face_notice
from yibao.providers.national.facts import (
    Institution,
    Insurance,
    Line,
    OrderState,
    Person,
    Refund,
    SettlementNotice,
    Split,
    reason_of,
)
from yibao.providers.national.gateway import (
    catalogue_page,
    gateway_signature,
    institution,
    institutions,
    message_id,
    person,
    preview,
)
from yibao.providers.national.payer import Payer, authorised_payer, cashier_url

__all__ = [
    "PRESCRIPTION_PATH",
    "FaceResult",
    "Institution",
    "Insurance",
    "Line",
    "OrderState",
    "Payer",
    "Person",
    "Refund",
    "SettlementNotice",
    "Split",
    "authorised_payer",
    "begin_face",
    "cashier_url",
    "catalogue_page",
    "face_result",
    "gateway_signature",
    "institution",
    "institutions",
    "message_id",
    "order_state",
    "person",
    "place_payment",
    "prescription",
    "preview",
    "read_face_notice",
    "read_settlement_notice",
    "reason_of",
    "refund",
    "revoke",
    "upload_fees",
]

"""What the face routes take and give."""

from marshmallow import Schema, fields
from marshmallow.validate import OneOf


class UserIsDone(Schema):
    """An empty object: what the front end thinks of the check is not asked."""


class OpenTicket(Schema):
    purpose = fields.String(
        required=True,
        validate=OneOf(["ACTIVATE"]),
        metadata={"description": "other purposes begin at their own step", "example": "ACTIVATE"},
    )


class Ticket(Schema):
    id = fields.String(attribute="number", metadata={"example": "5f1c9d3a7b2e4680"})
    purpose = fields.String(metadata={"example": "ACTIVATE"})
    state = fields.String(
        metadata={
            "description": "ISSUED, OPENED, SCORED, PASSED, FAILED, EXPIRED, LOCKED, ERROR",
            "example": "ISSUED",
        }
    )
    vendor = fields.String(metadata={"description": "wechat, or national in the national app", "example": "wechat"})
    verify_id = fields.String(metadata={"description": "for wx.requestFacialVerify", "example": "verify-0001"})
    page_url = fields.String(metadata={"description": "in the national app: the page to open", "example": ""})
    expires_at = fields.AwareDateTime(metadata={"example": "2025-12-01T10:05:00+08:00"})
    code = fields.String(metadata={"description": "why it did not pass; empty otherwise", "example": ""})

"""What the credential's routes take and give."""

from marshmallow import Schema, fields

STATES = "NONE, FACE_PENDING, ACTIVE, FROZEN"


class Activation(Schema):
    """An empty object: unknown fields are errors everywhere."""


class CredentialState(Schema):
    state = fields.String(metadata={"description": STATES, "example": "ACTIVE"})
    name_masked = fields.String(metadata={"example": "林*一"})
    id_number_masked = fields.String(metadata={"example": "469***********9034"})
    activated_at = fields.AwareDateTime(allow_none=True, metadata={"example": "2025-12-01T10:00:00+08:00"})


class Code(Schema):
    code = fields.String(metadata={"description": "28 characters", "example": "SIM0123456789ABCDEFGHJKMNPQR"})
    expires_at = fields.AwareDateTime(metadata={"example": "2025-12-01T10:01:00+08:00"})
    svg = fields.String(metadata={"description": "QR picture", "example": "<svg …></svg>"})

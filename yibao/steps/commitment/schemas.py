"""What letters look like to a front end."""

from marshmallow import Schema, fields, validate


def _point() -> fields.List:
    number = fields.Float(allow_nan=False, validate=validate.Range(min=0, max=3_600_000))
    return fields.List(number, validate=validate.Length(equal=3))


class LetterSchema(Schema):
    id = fields.String(attribute="key")
    state = fields.String(metadata={"description": "RENDERED VIEWED SIGNED SEALED SUPERSEDED REVOKED"})
    stale = fields.Boolean(metadata={"description": "the data changed; ask for a new letter"})
    template_id = fields.String()
    template_version = fields.String()
    lang = fields.String()
    html = fields.String(attribute="rendered_html")
    content_sha256 = fields.String()
    signature_sha256 = fields.String()
    signed_by_guardian_of = fields.String()
    supersedes = fields.String()
    rendered_at = fields.AwareDateTime()
    viewed_at = fields.AwareDateTime(allow_none=True)
    signed_at = fields.AwareDateTime(allow_none=True)


class SignatureSchema(Schema):
    png_base64 = fields.String(
        required=True,
        validate=validate.Length(1, 280_000),
        metadata={"description": "a PNG of 600×200, at most 200 KiB", "example": "iVBORw0KGgo="},
    )
    strokes = fields.List(
        fields.List(_point(), validate=validate.Length(1, 2000)),
        required=True,
        validate=validate.Length(1, 200),
        metadata={
            "description": "each stroke a list of [x, y, milliseconds]",
            "example": [[[80, 60, 0], [92, 130, 40]]],
        },
    )
    device = fields.String(
        load_default="", validate=[validate.Length(max=120), validate.Regexp(r"^[^\x00-\x1f\x7f]*$")]
    )


class VerificationSchema(Schema):
    id = fields.String()
    state = fields.String()
    template_id = fields.String()
    template_version = fields.String()
    signed_at = fields.AwareDateTime()
    content_sha256 = fields.String()
    signature_sha256 = fields.String()
    seal_sha256 = fields.String()
    content_matches = fields.Boolean()
    signature_matches = fields.Boolean()
    seal_matches = fields.Boolean()
    intact = fields.Boolean()

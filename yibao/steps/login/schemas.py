"""What login takes and gives. Text is refused early if a database or a screen could not hold it."""

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Regexp

from yibao import identity

ADULT_DOCUMENTS = ("id_card", "hk_permit", "tw_permit", "passport")
CODE = [Length(1, 128), Regexp(r"\A[\x21-\x7e]+\Z", error="only printable ASCII")]


def a_name(text: str) -> None:
    """For schemas: a name of 1 to 50 characters without control characters."""
    if not identity.is_name(text):
        raise ValidationError("1 to 50 characters, none of them invisible, no blank at either end")


def clean_text(text: str) -> None:
    """For schemas: no control characters, no half surrogates."""
    if not identity.is_clean(text):
        raise ValidationError("control characters are not allowed")


class WechatLogin(Schema):
    code = fields.String(
        required=True, validate=CODE, metadata={"description": "what wx.login gave", "example": "0a3Sample"}
    )


class ByNational(Schema):
    return_to = fields.String(
        load_default="",
        validate=[Length(0, 500), Regexp(r"\A[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*\Z")],
        metadata={
            "description": "a page of this machine or of an allowed origin; it gets the tokens in its fragment",
            "example": "http://127.0.0.1:8000/app",
        },
    )


class Refresh(Schema):
    refresh_token = fields.String(
        required=True, validate=[Length(1, 2048), CODE[1]], metadata={"example": "eyJhbGciOi…"}
    )


class Tokens(Schema):
    access_token = fields.String(metadata={"description": "10 minutes of business time"})
    refresh_token = fields.String(metadata={"description": "30 minutes, serves once"})
    expires_in = fields.Integer(metadata={"example": 600})
    token_type = fields.String(metadata={"example": "Bearer"})


class PhoneCode(Schema):
    code = fields.String(
        required=True, validate=CODE, metadata={"description": "of the getPhoneNumber button", "example": "e31968a7"}
    )


class RealName(Schema):
    name = fields.String(required=True, validate=a_name, metadata={"example": "林样一"})
    id_type = fields.String(required=True, validate=OneOf(ADULT_DOCUMENTS), metadata={"example": "id_card"})
    id_number = fields.String(
        required=True, validate=[Length(1, 32), clean_text], metadata={"example": "469099198803159034"}
    )


class Me(Schema):
    channel = fields.String(metadata={"description": "of this session: wechat or nhsa_app", "example": "wechat"})
    openid_masked = fields.String(allow_none=True, metadata={"example": "oAbc…wxyz"})
    phone_masked = fields.String(allow_none=True, metadata={"example": "154****0001"})
    real_name = fields.Boolean(metadata={"description": "whether a person is bound"})
    name_masked = fields.String(allow_none=True, metadata={"example": "林*一"})
    id_type = fields.String(allow_none=True, metadata={"example": "id_card"})
    id_number_masked = fields.String(allow_none=True, metadata={"example": "469***********9034"})
    insutype = fields.String(allow_none=True, metadata={"example": "310"})
    insured_in = fields.String(allow_none=True, metadata={"description": "six digits: the area of insurance"})
    created_at = fields.AwareDateTime(metadata={"example": "2025-12-01T10:00:00+08:00"})

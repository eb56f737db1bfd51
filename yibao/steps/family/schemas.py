"""What the family account takes and gives."""

from flask_smorest.fields import Upload
from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from yibao import identity

ID_TYPES = ("id_card", "hk_permit", "tw_permit", "passport", "birth_certificate")
PHONE = Regexp(r"\A1540000\d{4}\Z", error="sample phones are 1540000nnnn")


def a_name(text: str) -> None:
    if text.strip() and not identity.is_name(text):
        raise ValidationError("1 to 50 characters, none of them invisible, no blank at either end")


def clean(text: str) -> None:
    if not identity.is_clean(text):
        raise ValidationError("control characters are not allowed")


class NoticeQuery(Schema):
    version = fields.String(validate=[Length(1, 20), clean])


class Notice(Schema):
    id = fields.String()
    version = fields.String(metadata={"example": "1.0"})
    title = fields.String()
    html = fields.String()
    fee_fen = fields.Integer(metadata={"example": 0})


class Start(Schema):
    hospital = fields.String(
        validate=Regexp(r"\A[HP]\d{11}\Z", error="an institution code"), metadata={"example": "H46019900001"}
    )
    channel = fields.String(validate=[Length(1, 20), clean], metadata={"example": "hn_mini"})


class NoticeRead(Schema):
    version = fields.String(required=True, validate=[Length(1, 20), clean], metadata={"example": "1.0"})
    read_to_end = fields.Boolean(required=True, truthy={True}, falsy={False}, metadata={"example": True})
    agreed = fields.Boolean(required=True, truthy={True}, falsy={False}, metadata={"example": True})


class Identity(Schema):
    """The fields of a person; subclasses say which are required."""

    name = fields.String(validate=[Length(max=50), a_name], metadata={"example": "林样四"})
    id_type = fields.String(validate=OneOf(ID_TYPES), metadata={"example": "id_card"})
    id_number = fields.String(validate=[Length(1, 32), clean], metadata={"example": "469099201709109086"})
    relation = fields.String(validate=[Length(1, 20), clean], metadata={"example": "child"})
    phone = fields.String(validate=PHONE, metadata={"example": "15400000004"})
    nationality = fields.String(validate=Regexp(r"\A[A-Z]{3}\Z", error="three letters"), metadata={"example": "USA"})
    born_on = fields.Date()
    gender = fields.String(validate=OneOf(["male", "female"]))
    mother_name = fields.String(validate=[Length(1, 50), a_name])
    mother_id_number = fields.String(validate=[Length(1, 32), clean])


class PersonInfo(Identity):
    name = fields.String(required=True, validate=[Length(max=50), a_name], metadata={"example": "林样四"})
    id_type = fields.String(required=True, validate=OneOf(ID_TYPES), metadata={"example": "id_card"})
    id_number = fields.String(
        required=True, validate=[Length(1, 32), clean], metadata={"example": "469099201709109086"}
    )
    relation = fields.String(required=True, validate=[Length(1, 20), clean], metadata={"example": "child"})


class Edit(Identity):
    reverify = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "begin a new check of changed identity fields"},
    )


class MaterialForm(Schema):
    type = fields.String(required=True, validate=[Length(1, 30), clean], metadata={"example": "household_register"})


class MaterialFile(Schema):
    file = Upload(required=True)


class Material(Schema):
    id = fields.String(attribute="key")
    type = fields.String()
    sha256 = fields.String()
    width = fields.Integer()
    height = fields.Integer()
    at = fields.AwareDateTime()


class MaterialTypes(Schema):
    offered = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))
    required = fields.List(fields.List(fields.String()), metadata={"description": "of every group at least one"})
    missing = fields.List(fields.List(fields.String()))


class Face(Schema):
    subject = fields.String(required=True, validate=OneOf(["self", "relative", "mother"]))


class Review(Schema):
    decision = fields.String(required=True, validate=OneOf(["approve", "deny"]))
    note = fields.String(load_default="", validate=[Length(max=200), clean])


class Listing(Schema):
    role = fields.String(load_default="binder", validate=OneOf(["binder", "relative", "clerk"]))
    state = fields.String(validate=[Length(1, 20), clean])
    usable = fields.Boolean(metadata={"description": "only who may be chosen as 就诊人 now"})
    after = fields.String(validate=[Length(1, 32), clean])
    limit = fields.Integer(load_default=50, validate=Range(1, 200))


class Binding(Schema):
    id = fields.String(attribute="key")
    state = fields.String(
        metadata={
            "description": "DRAFT NOTICE_READ INFO_OK MATERIAL_OK LETTER_SIGNED SUBMITTED CHECKING SYNC_WAIT REVIEW "
            "FACE_PENDING ACTIVE REAUTH_REQUIRED; ended: REJECTED EXPIRED CANCELLED UNBOUND"
        }
    )
    reason = fields.String(metadata={"description": "the error code that ended or last stopped it"})
    note = fields.String()
    name = fields.String()
    id_type = fields.String()
    id_number_masked = fields.Function(lambda row: identity.mask_number(row.id_number))
    relation = fields.String()
    phone_masked = fields.Function(lambda row: identity.mask_phone(row.phone))
    gender = fields.String()
    born_on = fields.Date(allow_none=True)
    face_subject = fields.String(
        metadata={"description": "whose face is asked for now: relative, mother or nobody's"}
    )
    hospital = fields.String()
    channel = fields.String()
    notice_version = fields.String()
    policy_version = fields.String()
    replaces = fields.String(metadata={"description": "the binding this edit takes the place of"})
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime(allow_none=True)
    next_retry_at = fields.AwareDateTime(allow_none=True)
    active_at = fields.AwareDateTime(allow_none=True)
    usable_from = fields.AwareDateTime(allow_none=True)
    unbinds_at = fields.AwareDateTime(allow_none=True)
    reauth_until = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class BindingPage(Schema):
    items = fields.List(fields.Nested(Binding))
    next = fields.String(allow_none=True)

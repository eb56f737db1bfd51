"""What settlement takes and gives. Amounts are whole fen; unknown fields are refused."""

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from yibao.identity import is_clean


def _clean(text: str) -> None:
    if not is_clean(text):
        raise ValidationError("control characters are not allowed")


ID: list[Callable[[Any], Any]] = [validate.Length(1, 64), _clean]


class ByKind(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["hospital", "pharmacy"]))


class Institution(Schema):
    code = fields.String()
    name = fields.String()
    kind = fields.String()
    level = fields.String()


class Place(Schema):
    code = fields.String()
    name = fields.String()


class InstitutionList(Schema):
    items = fields.List(fields.Nested(Institution))
    next = fields.String(allow_none=True)


class Scan(Schema):
    content = fields.String(
        required=True,
        validate=[validate.Length(1, 200), _clean],
        metadata={
            "description": "a counter's QR code: yibao://institution/<code>",
            "example": "yibao://institution/P46019900008",
        },
    )


class Goods(Schema):
    code = fields.String()
    med_list_codg = fields.String()
    name = fields.String()
    spec = fields.String()
    kind = fields.String()
    price_fen = fields.Integer()
    prescription = fields.Boolean()
    dual_channel = fields.Boolean()
    trace = fields.Boolean()
    insurance_class = fields.String(metadata={"description": "甲, 乙 or 自费 by the national catalogue, or 目录外"})


class GoodsList(Schema):
    items = fields.List(fields.Nested(Goods))
    next = fields.String(allow_none=True)


class Wanted(Schema):
    code = fields.String(required=True, validate=[validate.Length(1, 20), _clean], metadata={"example": "D05"})
    quantity = fields.Integer(
        required=True, strict=True, validate=validate.Range(-(10**6), 10**6), metadata={"example": 1}
    )
    trace_codes = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "one per pack of a drug", "example": ["89999990000000000001"]},
    )


class NewSettlement(Schema):
    institution_code = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Z][0-9]{11}\Z"), metadata={"example": "P46019900008"}
    )
    items = fields.List(fields.Nested(Wanted), required=True, validate=validate.Length(1, 50))
    patient_binding_id = fields.String(
        load_default=None,
        allow_none=True,
        validate=ID,
        metadata={"description": "who the goods are for; left out: the caller"},
    )
    prescription_no = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[0-9A-Za-z_-]{1,40}\Z"),
        metadata={"description": "needed when a prescription drug is in the cart"},
    )
    credential_code = fields.String(
        load_default=None,
        allow_none=True,
        validate=ID,
        metadata={"description": "the 医保码 scanned at the counter, not older than 60 seconds"},
    )


class Confirmation(Schema):
    auth_code = fields.String(
        required=True,
        validate=[validate.Length(1, 256), _clean],
        metadata={"description": "of the 医保 authorisation page", "example": "AUTH0001"},
    )
    accept_cash = fields.Boolean(load_default=False, truthy={True}, falsy={False}, metadata={"example": True})


class NewRefund(Schema):
    reason = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z_]{1,20}\Z"), metadata={"example": "quality"}
    )
    unopened = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    amount_fen = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 10**12))


class Line(Schema):
    code = fields.String()
    name = fields.String()
    spec = fields.String()
    quantity = fields.Integer()
    price_fen = fields.Integer()
    total_fen = fields.Integer()
    trace_codes = fields.List(fields.String())


class Split(Schema):
    total_fen = fields.Integer()
    pooled_fen = fields.Integer()
    own_fen = fields.Integer()
    mutual_fen = fields.Integer()
    wallet_fen = fields.Integer()
    cash_fen = fields.Integer()


class Party(Schema):
    name = fields.String(metadata={"description": "masked"})
    id_number = fields.String(metadata={"description": "masked"})


class Pay(Schema):
    """The arguments of wx.requestMedicalInsurancePay; in the national app only payOrdId and cashier_url."""

    payOrdId = fields.String()
    cashier_url = fields.String(metadata={"description": "the national app's page for this order"})
    mixTradeNo = fields.String()
    appId = fields.String()
    timeStamp = fields.String()
    nonceStr = fields.String()
    package = fields.String()
    signType = fields.String()
    paySign = fields.String()


class States(Schema):
    mix_pay_status = fields.String()
    self_pay_status = fields.String()
    med_ins_pay_status = fields.String()


class Refund(Schema):
    id = fields.String()
    kind = fields.String()
    reason = fields.String()
    pooled_fen = fields.Integer()
    account_fen = fields.Integer()
    cash_fen = fields.Integer()
    failure = fields.String()
    requested_at = fields.AwareDateTime()
    fund_back_at = fields.AwareDateTime(allow_none=True)
    cash_back_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class Versions(Schema):
    policy = fields.String()
    prices = fields.String()


class Settlement(Schema):
    id = fields.String()
    channel = fields.String(metadata={"description": "where it is paid: wechat or nhsa_app", "example": "wechat"})
    state = fields.String()
    institution = fields.Nested(Place)
    patient = fields.Nested(Party)
    binding_id = fields.String(allow_none=True)
    prescription_no = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(Line))
    split = fields.Nested(Split)
    in_scope_fen = fields.Integer()
    first_pay_fen = fields.Integer()
    deductible_fen = fields.Integer()
    versions = fields.Nested(Versions)
    payment = fields.Nested(States)
    created_at = fields.AwareDateTime()
    quote_expires_at = fields.AwareDateTime()
    pay_by = fields.AwareDateTime(allow_none=True)
    settled_at = fields.AwareDateTime(allow_none=True)
    failure = fields.String()
    pay = fields.Nested(Pay, allow_none=True)
    refund = fields.Nested(Refund, allow_none=True)


class Receipt(Schema):
    title = fields.String()
    sample = fields.String(metadata={"description": "样例: not a real receipt"})
    id = fields.String()
    state = fields.String()
    institution = fields.Nested(Place)
    patient = fields.Nested(Party)
    payer = fields.Nested(Party)
    prescription_no = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(Line))
    split = fields.Nested(Split)
    insurance_order = fields.String(allow_none=True)
    payment_order = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime()
    refunded_at = fields.AwareDateTime(allow_none=True)

"""What records take and give."""

from marshmallow import Schema, fields, validate

YEAR = validate.Range(2000, 2100)


class RecordQuery(Schema):
    year = fields.Integer(load_default=None, validate=YEAR)
    after = fields.Integer(load_default=None, validate=validate.Range(1, 2**62), metadata={"description": "a `next`"})
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class SummaryQuery(Schema):
    year = fields.Integer(load_default=None, validate=YEAR, metadata={"description": "this year if left out"})


class Legs(Schema):
    total_fen = fields.Integer()
    pooled_fen = fields.Integer()
    own_fen = fields.Integer()
    mutual_fen = fields.Integer()
    wallet_fen = fields.Integer()
    cash_fen = fields.Integer()


class RecordPlace(Schema):
    code = fields.String()
    name = fields.String()


class RecordPatient(Schema):
    name = fields.String(metadata={"description": "masked"})
    id_number = fields.String(metadata={"description": "masked"})


class Record(Schema):
    id = fields.String(metadata={"description": "the settlement's"})
    state = fields.String()
    refunded = fields.Boolean()
    mine = fields.Boolean(metadata={"description": "whether the caller paid"})
    settled_at = fields.AwareDateTime()
    institution = fields.Nested(RecordPlace)
    patient = fields.Nested(RecordPatient)
    split = fields.Nested(Legs)


class RecordList(Schema):
    items = fields.List(fields.Nested(Record))
    next = fields.String(allow_none=True)


class Totals(Schema):
    count = fields.Integer()
    refunds = fields.Integer()
    spent = fields.Nested(Legs)
    returned = fields.Nested(Legs)
    net = fields.Nested(Legs)


class PatientTotals(Totals):
    patient = fields.Nested(RecordPatient)


class Summary(Totals):
    year = fields.Integer()
    sample = fields.String(metadata={"description": "样例"})
    patients = fields.List(fields.Nested(PatientTotals))

"""What records take and give."""

from marshmallow import Schema, fields, validate

from yibao.steps.settlement.schemas import Party, Place, Split

YEAR = validate.Range(2000, 2100)


class RecordQuery(Schema):
    year = fields.Integer(load_default=None, validate=YEAR)
    after = fields.Integer(load_default=None, validate=validate.Range(1, 2**62), metadata={"description": "a `next`"})
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class SummaryQuery(Schema):
    year = fields.Integer(load_default=None, validate=YEAR, metadata={"description": "this year if left out"})


class Record(Schema):
    id = fields.String(metadata={"description": "the settlement's"})
    state = fields.String()
    refunded = fields.Boolean()
    mine = fields.Boolean(metadata={"description": "whether the caller paid"})
    settled_at = fields.AwareDateTime()
    institution = fields.Nested(Place)
    patient = fields.Nested(Party)
    split = fields.Nested(Split)


class RecordList(Schema):
    items = fields.List(fields.Nested(Record))
    next = fields.String(allow_none=True)


class Totals(Schema):
    count = fields.Integer()
    refunds = fields.Integer()
    spent = fields.Nested(Split)
    returned = fields.Nested(Split)
    net = fields.Nested(Split)


class PatientTotals(Totals):
    patient = fields.Nested(Party)


class Summary(Totals):
    year = fields.Integer()
    sample = fields.String(metadata={"description": "样例"})
    patients = fields.List(fields.Nested(PatientTotals))

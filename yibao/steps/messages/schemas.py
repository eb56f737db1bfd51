"""What the front end is told about subscribe messages."""

from marshmallow import Schema, fields


class MessageTemplate(Schema):
    purpose = fields.String(metadata={"example": "settlement"})
    template_id = fields.String(metadata={"description": "for wx.requestSubscribeMessage"})
    title = fields.String(metadata={"example": "医保结算结果通知(样例)"})
    kind = fields.String(
        metadata={"description": "ONCE or LONG_TERM; WeChat refuses to ask for both in one pop-up", "example": "ONCE"}
    )


class MessageTemplateList(Schema):
    items = fields.List(fields.Nested(MessageTemplate))
    next = fields.String(allow_none=True, metadata={"description": "always null: there are four at most"})

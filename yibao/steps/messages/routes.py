"""订阅消息: which templates the front end asks the user about."""

from typing import Any

from flask_smorest import Blueprint

from yibao import auth
from yibao.db import db
from yibao.steps.messages import models, schemas

blp = Blueprint("messages", __name__, description="订阅消息")
models.wordings()


@blp.get("/me/message-templates")
@auth.required
@blp.response(200, schemas.MessageTemplateList())
def list_templates() -> dict[str, Any]:
    """The templates to ask for with wx.requestSubscribeMessage, those of one kind together"""
    db.session.rollback()
    known, words = models.template_ids(), models.wordings()
    items = [
        {
            "purpose": purpose,
            "template_id": id_,
            "title": words[purpose].title,
            "kind": "ONCE" if words[purpose].once else "LONG_TERM",
        }
        for purpose, id_ in known.items()
    ]
    return {"items": items, "next": None}

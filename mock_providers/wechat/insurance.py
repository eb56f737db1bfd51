"""mip-receiver.tengmed.com: who authorised a payment with the insurance account. The bureau's side answers."""

from flask import Response, current_app, request
from sqlalchemy import select

from mock_providers.accounts import Account
from mock_providers.db import db
from mock_providers.wechat import wire
from mock_providers.wechat.door import METHODS, bp


@bp.route("/api/mipuserquery/userQuery/<partner_id>", methods=METHODS, provide_automatic_options=False)
@bp.route("/testapi/mipuserquery/userQuery/<partner_id>", methods=METHODS, provide_automatic_options=False)
def user_query(partner_id: str) -> Response:
    """Hand the call on as it came: partner, headers, raw body."""
    if request.method != "POST":
        return Response(status=405, headers={"Allow": "POST"})
    answer = current_app.extensions["user_query"](partner_id, request.headers, request.get_data())
    db.session.commit()
    return Response(wire.dumps(answer), content_type="application/json")


def space_of_partner(partner_id: str) -> str | None:
    """The space a partner number was given to."""
    row = Account.__table__.c
    wanted = row.vendor == "national", row.secret["mip"]["partner_id"].as_string() == partner_id
    return db.session.scalar(select(row.space).where(*wanted))

"""getPaidUnionId: a unionid without asking the user, within five minutes of a payment."""

from datetime import timedelta
from typing import Any

from flask import current_app, request

from mock_providers import clock, outcomes, switches
from mock_providers.wechat import users
from mock_providers.wechat.door import Refused, api, caller, planned

SHORTLY_AFTER = timedelta(minutes=5)

outcomes.declare("wechat.getpaidunionid", "system_error", "invalid_trade", "http_500")


@api("/wxa/getpaidunionid", "GET")
def getpaidunionid() -> dict[str, Any]:
    """The unionid of somebody who has just paid; the order is named by either of its numbers."""
    given = request.args
    who = users.user(caller(), given.get("openid", ""))
    if who is None:
        raise Refused(40003)
    person = who.person
    transaction_id, mchid, out_trade_no = (given.get(n, "") for n in ("transaction_id", "mch_id", "out_trade_no"))
    if not transaction_id and not (mchid and out_trade_no):
        raise Refused(40097)
    if switches.value("wechat.open_platform") != "bound":
        raise Refused(89002)
    planned("wechat.getpaidunionid", person)
    if not _paid(given["openid"], transaction_id, mchid, out_trade_no):
        raise Refused(89300)
    return {"errcode": 0, "errmsg": "ok", "unionid": users.unionid_of(person)}


def _paid(openid: str, transaction_id: str, mchid: str, out_trade_no: str) -> bool:
    """Ask WeChat Pay, if it is next door: `paid_order(...)` gives `{users, paid_at}` or None."""
    ask = current_app.extensions.get("paid_order")
    if ask is None:
        return False
    order = ask(transaction_id=transaction_id, mchid=mchid, out_trade_no=out_trade_no)
    if order is None or (caller(), openid) not in order["users"]:
        return False
    return clock.now() - order["paid_at"] < SHORTLY_AFTER

"""The mobile payment centre for institutions: its doors, and 6202 order, 6301 query, 6401 revoke.

6201 is upload.py, 6203 payback.py, the older Hainan form hainan.py, settling and telling (6302) channel.py.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from flask.sansio.app import App

from mock_providers import outcomes, switches
from mock_providers.national import authorisation, channel, fields, hainan, ledger, payback, setlinfo
from mock_providers.national import payment_fields as tables
from mock_providers.national.authorisation import PayAuthorisation
from mock_providers.national.centre import planned, serve
from mock_providers.national.payment_models import PayOrder
from mock_providers.national.payment_rules import SETTLING, move
from mock_providers.national.spelling import snake
from mock_providers.national.texts import Refused
from mock_providers.national.upload import check_identity, upload, yuan
from mock_providers.people import world

bp = Blueprint("national_payment", __name__)
settle_for_channel = channel.settle_for_channel

outcomes.declare(
    "national.6202",
    *("system_error", "unavailable", "timeout", "refuse", "account_locked", "cap_changed", "mutual_aid_paused"),
)
outcomes.declare("national.6301", "system_error", "unavailable")
outcomes.declare("national.6401", "system_error", "unavailable", "timeout", "refuse")
switches.declare(
    "national.centre_codes",
    "0_and_-1",
    ("0_and_-1",),
    kind="choice",
    source="nhsa §3.10",
    why="code of a refused call: not published, always -1; an appId nobody knows is refused without a signature",
)
switches.declare(
    "national.deposit",
    "told",
    ("told", "ignored"),
    kind="choice",
    source="nhsa §3.4 (names only)",
    why="deposit of 6202 answers how much of the deposit offered the cash share can use up (ownPayAmt stays whole), "
    "or always 0.00",
)


def connect(app: App) -> None:
    """Offer the neighbours what they may ask the bureau (WeChat: consent; WeChat Pay: settle)."""
    app.extensions.update(
        authorise=authorisation.issue_authorisation,
        user_query=authorisation.user_query,
        national_public_id=authorisation.public_id,
        check_authorisation=channel.check_authorisation,
        settle=channel.settle_for_channel,
    )


# 6202


def _order(asked: Mapping[str, Any]) -> PayOrder:
    """The order a call names, if it also knows its institution and token. Raises Refused."""
    order = channel.find(fields.text(asked, "pay_ord_id", 64))
    if order is None or order.org_codg != fields.text(asked, "org_codg", 30):
        raise Refused("SIM-ORDER")
    if not hmac.compare_digest(order.pay_token.encode(), fields.text(asked, "pay_token", 64).encode()):
        raise Refused("SIM-PAYTOKEN")
    return order


def place(data: dict[str, Any]) -> dict[str, Any]:
    """Run the pre-settlement and say who would pay what. Nothing is debited.

    CHOICE: asked again it works everything out again; while the channel holds the order, the same call (orgBizSer,
    acctUsedFlag) is answered with the split the channel was given.
    """
    asked = snake(data)
    fields.check(asked, tables.PLACE)
    order = _order(asked)
    granted = _granted(order, asked)
    planned("national.6202", order.person, order.med_org_ord)
    if granted:
        granted.used_by, order.pay_auth_no, order.payer = order.pay_ord_id, granted.number, granted.payer
    serial, flag = fields.text(asked, "org_biz_ser", 64), fields.text(asked, "acct_used_flag", 3)
    if order.ord_stas == SETTLING and order.org_biz_ser == serial and flag in ("", order.head["acct_used_flag"]):
        return _split_of(order, asked)
    order.ord_stas = move(order.ord_stas, "ordered")
    order.org_biz_ser = serial
    if flag:
        order.head = {**order.head, "acct_used_flag": flag}
    _keep(order, ledger.presettle(channel.purchase_of(order)))
    return _split_of(order, asked)


def _granted(order: PayOrder, asked: Mapping[str, Any]) -> PayAuthorisation | None:
    """The payment number is the order's; or it shall be, if 6201 knew a decoded code alone. Raises Refused."""
    number, row = fields.text(asked, "pay_auth_no", 40), None
    if not order.pay_auth_no:
        row = authorisation.authorisation(number)
        if row is None or row.patient != order.person or not authorisation.is_usable(row, ""):
            raise Refused("PAYAUTH")
    elif order.pay_auth_no != number:
        raise Refused("PAYAUTH")
    if fields.text(asked, "mdtrt_id", 30) not in ("", order.mdtrt_id):
        raise Refused("SIM-MDTRT")
    return row


def _keep(order: PayOrder, quote: ledger.Quote) -> None:
    split = quote.split
    order.fee_fen, order.fund_fen, order.cash_fen = split.total_fen, split.pooled_fen, split.cash_fen
    order.own_fen, order.mutual_fen, order.wallet_fen = split.own_fen, split.mutual_fen, split.wallet_fen
    info = setlinfo.setlinfo(quote, order.mdtrt_id, "")
    order.preset = setlinfo.as_text(info)


def _split_of(order: PayOrder, asked: Mapping[str, Any]) -> dict[str, Any]:
    offered = 0 if fields.is_blank(asked.get("deposit")) else fields.fen(asked, "deposit")
    used = min(offered, order.cash_fen) if switches.value("national.deposit") == "told" else 0
    return {
        "payOrdId": order.pay_ord_id,
        "ordStas": str(order.ord_stas),
        **channel.amounts_of(order),
        "deposit": yuan(used),
        "hospPartAmt": "0.00",
        "othFeeAmt": "0.00",
        "extData": {"preSetl": order.preset},
    }


# 6301 and 6401


def _named(data: dict[str, Any]) -> PayOrder:
    asked = snake(data)
    fields.check(asked, tables.NAMED)
    order = _order(asked)
    person = {name: fields.text(asked, name, 50) for name in ("id_no", "user_name")}
    check_identity(world().people[order.person], person)
    return order


def query(data: dict[str, Any]) -> dict[str, Any]:
    """How far an order is; money only once it was worked out."""
    order = _named(data)
    planned("national.6301", order.person, order.med_org_ord)
    return channel.told(order)


def revoke(data: dict[str, Any]) -> dict[str, Any]:
    """Take an unpaid upload back. CHOICE: once more on a revoked one is success again."""
    order = _named(data)
    planned("national.6401", order.person, order.med_org_ord)
    order.ord_stas = move(order.ord_stas, "revoked")
    return {"success": True, "message": "成功"}


CALLS = {
    "uldFeeInfo": upload,
    "pay_order": place,
    "refund_Order": payback.refund,
    "query_order_info": query,
    "revoke_order": revoke,
}
OLDER = {
    "hos.query.insu": hainan.insured,
    "hos.upload.fee": upload,
    "hos.refund.setl": payback.refund,
    "hos.revoke.order": revoke,
}


@bp.post("/org/local/api/hos/<any(uldFeeInfo, pay_order, refund_Order, query_order_info, revoke_order):name>")
def local(name: str) -> Response:
    """One path per transaction."""
    return serve(CALLS[name])


@bp.post("/pmc/api")
def older() -> Response:
    """The older Hainan form: one path, the transaction in transType."""
    return serve(hainan.by_type(OLDER))

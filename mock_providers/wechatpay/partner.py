"""JSAPI payment as a partner (服务商) calls it: for its sub-merchant, with two appids, two openids of one payer."""

from typing import Any

from flask import Response

from mock_providers import accounts
from mock_providers.wechatpay import shapes
from mock_providers.wechatpay.account import DIRECT, merchant, mine
from mock_providers.wechatpay.door import body, path, query, route
from mock_providers.wechatpay.errors import Refusal, wrong_value
from mock_providers.wechatpay.failures import PARTNER_NOT_AUTHORISED
from mock_providers.wechatpay.models import order_by
from mock_providers.wechatpay.pay import closed, only, other_merchant, person_of, prepaid, shown, well_formed

ORDERS = "/v3/pay/partner/transactions"


def check_sub_merchant(sub_mchid: str | None, status: int | None = None) -> None:
    """A partner names its sub-merchant, and only its own. Refunds say 404 of a merchant nobody knows."""
    if sub_mchid is None:
        message = "输入源“/body/sub_mchid”映射到字段“子商户号”必填性规则校验失败，此字段为必填项"
        raise Refusal("PARAM_ERROR", message, detail={"location": "body", "value": ""})
    if sub_mchid == merchant():
        return
    if sub_mchid == mine()["mchid"] or accounts.space_of(DIRECT, sub_mchid):
        raise Refusal("NO_AUTH", PARTNER_NOT_AUTHORISED)
    raise Refusal("MCH_NOT_EXISTS", "商户号不存在", status=status)


@route("POST", f"{ORDERS}/jsapi")
def create() -> Response:
    """prepay_id for an order of the sub-merchant, or again for the same one."""
    only(partner=True)
    asked = body(shapes.PARTNER_ORDER)
    closes_at = well_formed(asked)
    appid, openid = _payer(asked)
    check_sub_merchant(asked["sub_mchid"])
    held = mine()
    if asked["sp_appid"] != held["sp_appid"]:
        raise Refusal("APPID_MCHID_NOT_MATCH", "商户号mch_id与appid不匹配")
    if asked.get("sub_appid", held["sub_appid"]) != held["sub_appid"]:
        raise Refusal("APPID_MCHID_NOT_MATCH", "sub_mch_id与sub_appid不匹配")
    if len(asked["payer"]) == 2:
        person_of(asked["sp_appid"], asked["payer"]["sp_openid"], "无效的openid", 268501013)
    return prepaid(asked, appid, openid, closes_at)


def _payer(asked: dict[str, Any]) -> tuple[str, str]:
    """(appid, openid) of the app the payer pays in: the sub-merchant's if its openid is given."""
    payer = asked["payer"]
    if "sub_openid" in payer:
        if "sub_appid" not in asked:
            raise wrong_value("/sub_appid", "", "required with sub_openid", "传入sub_openid时sub_appid必填")
        return asked["sub_appid"], payer["sub_openid"]
    if "sp_openid" in payer:
        return asked["sp_appid"], payer["sp_openid"]
    raise Refusal(
        "PARAM_ERROR", "sp_openid与sub_openid不能同时为空", 268501013, detail={"location": "body", "value": ""}
    )


def _check_caller() -> None:
    only(partner=True)
    asked = query(shapes.PARTNER)
    if asked["sp_mchid"] != mine()["mchid"]:
        raise other_merchant()
    if asked["sub_mchid"] != merchant():
        raise other_merchant()


@route("GET", f"{ORDERS}/id/<transaction_id>")
def query_by_id(transaction_id: str) -> Response:
    """The order WeChat Pay gave this number when it was paid."""
    _check_caller()
    return shown(order_by(mchid=merchant(), **path(shapes.TRANSACTION_NUMBER)), transaction_id)


@route("GET", f"{ORDERS}/out-trade-no/<out_trade_no>")
def query_by_number(out_trade_no: str) -> Response:
    """The order the partner gave this number for its sub-merchant."""
    _check_caller()
    return shown(order_by(mchid=merchant(), **path(shapes.ORDER_NUMBER)), out_trade_no)


@route("POST", f"{ORDERS}/out-trade-no/<out_trade_no>/close")
def close(out_trade_no: str) -> Response:
    """204, again for a closed order; a paid one is refused."""
    only(partner=True)
    number = path(shapes.ORDER_NUMBER)
    check_sub_merchant(body(shapes.PARTNER)["sub_mchid"])
    return closed(order_by(mchid=merchant(), **number), out_trade_no)

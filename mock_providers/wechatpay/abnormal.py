"""A refund that got stuck at the payer's account (ABNORMAL): the merchant says where else the money may go."""

from flask import Response

from mock_providers.db import db
from mock_providers.wechatpay import failures, shapes
from mock_providers.wechatpay.account import merchant
from mock_providers.wechatpay.door import answer, body, opener, path, planned, route
from mock_providers.wechatpay.errors import Refusal, wrong_value
from mock_providers.wechatpay.models import refund_by
from mock_providers.wechatpay.refunds import check_scope, start_timer, view

BANKS = {
    "CMB": "招商银行", "COMM": "交通银行", "ABC": "农业银行", "CCB": "建设银行", "ICBC": "工商银行",
    "BOC": "中国银行", "PAB": "平安银行", "SPDB": "浦发银行", "CITIC": "中信银行", "CEB": "光大银行",
    "CMBC": "民生银行", "CIB": "兴业银行",
    "GDB": "广发银行", "PSBC": "邮储银行", "NBCB": "宁波银行",
}  # fmt: skip
SEALED = ("bank_account", "real_name")


@route("POST", "/v3/refund/domestic/refunds/<refund_id>/apply-abnormal-refund")
def apply_abnormal_refund(refund_id: str) -> Response:
    """To a bank card of the payer's, or to the merchant's own account."""
    number = path(shapes.REFUND_ID)
    asked = body(shapes.ABNORMAL_REFUND)
    received = _received(asked)
    check_scope(asked)
    refund = refund_by(mchid=merchant(), **number)
    planned("wechatpay.abnormal_refund", failures.ABNORMAL, refund.order.person if refund else "", refund_id)
    if refund is None or refund.out_refund_no != asked["out_refund_no"]:
        raise Refusal("RESOURCE_NOT_EXISTS", "退款单不存在")
    remedy = {"type": asked["type"], "bank_type": asked.get("bank_type"), "received": received}
    if refund.remedy is None:
        if refund.state != "ABNORMAL":
            raise Refusal("INVALID_REQUEST", "退款单状态不是退款异常，不能发起异常退款")
        refund.remedy, refund.ends = remedy, "succeeded"
        start_timer(refund)
    elif refund.remedy != remedy:
        raise Refusal("INVALID_REQUEST", "与之前的异常退款请求参数不一致", 268498688)
    db.session.commit()
    return answer(view(refund))


def _received(asked: dict) -> str:
    """Whose account gets the money, in the words of user_received_account. Opens what is sealed."""
    unseal = opener() if any(name in asked for name in SEALED) else None
    opened = {name: unseal(f"/{name}", asked[name]) for name in SEALED if name in asked and unseal}
    if asked["type"] == "MERCHANT_BANK_CARD":
        return "商户结算银行账户"
    for name in ("bank_type", *SEALED):
        if name not in asked:
            raise wrong_value(f"/{name}", "", "required for USER_BANK_CARD", "退款至用户时此字段必填")
    if not opened["bank_account"].isdecimal():
        raise wrong_value("/bank_account", "", "not a card number", "收款银行卡号格式错误")
    return f"{BANKS[asked['bank_type'].removesuffix('_DEBIT')]}借记卡{opened['bank_account'][-4:]}"

"""What the checks of mixed orders share: how an order is asked for, paid, looked at, and how a refusal reads."""

from collections.abc import Callable
from typing import Any

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.merchant import Merchant

Json = dict[str, Any]
Tap = Callable[..., str]
ORDERS = "/v3/med-ins/orders"
CALL = "requestMedicalInsurancePay"
KINDS = ("CASH_ONLY", "INSURANCE_ONLY", "CASH_AND_INSURANCE")
STATES = ("mix_pay_status", "self_pay_status", "med_ins_pay_status")
NEVER = {"payer", "relative", "transaction_id", "mchid"}
FEES = ("med_ins_gov_fee", "med_ins_self_fee", "med_ins_other_fee", "med_ins_cash_fee")
CHILD = ("林样四", "469099201709109086")


def states(shown: Json) -> tuple[str, ...]:
    return tuple(shown[name].removeprefix("MIX_PAY_") for name in STATES)


def shown(merchant: Merchant, number: str) -> Json:
    answer = merchant.get(f"{ORDERS}/out-trade-no/{number}")
    assert answer.status_code == 200, answer.text
    merchant.verifies(answer)
    return answer.json


def made(answer: Any) -> Json:
    assert answer.status_code == 200, answer.text
    return answer.json


def internal(answer: Any) -> int:
    """The number behind the Request-ID."""
    return int(answer.headers["Request-ID"].rpartition("-")[2])


def parameter(answer: Any, message: str | None = None, number: int = 268435461) -> Json:
    told = refused(answer, 400, "PARAM_ERROR", message)
    assert internal(answer) == number
    return told


def ruled(answer: Any, message: str, number: int, status: int = 403) -> None:
    refused(answer, status, "RULE_LIMIT", message)
    assert internal(answer) == number


TOTAL = ("订单总金额校验不通过", 268529477)
CASH = ("自费金额校验不通过", 268529476)
AMOUNTS = ("混合单金额不正确", 268529481)
CASH_FIELDS = ("纯自费单字段校验失败", 268529474)
MIXED_FIELDS = ("混合支付单字段校验失败", 268529475)


def params(merchant: Merchant, mixed: Json) -> Json:
    """What wx.requestMedicalInsurancePay is called with."""
    given = {"mixTradeNo": mixed["mix_trade_no"]}
    if "prepay_id" in mixed:
        given |= {k: v for k, v in merchant.pay_params(mixed["prepay_id"]).items() if k != "appId"}
    return given


def pay(
    merchant: Merchant, tap: Tap, number: str, kind: str = "CASH_AND_INSURANCE", outcome: str | None = None
) -> Json:
    """A new mixed order, tapped once; how it looks afterwards."""
    mixed = made(merchant.create_mixed(number, kind))
    tap("medical-pay", params(merchant, mixed), outcome)
    return shown(merchant, number)


def report(merchant: Merchant, mix_trade_no: str | None, **changes: Any) -> Any:
    """The refund report of everything the official example paid."""
    told = {
        "med_refund_total_fee": 150000,
        "med_refund_gov_fee": 100000,
        "med_refund_self_fee": 45000,
        "med_refund_other_fee": 5000,
        "refund_time": "2026-01-02T09:00:00+08:00",
        "out_refund_no": "R1",
        **changes,
    }
    query = f"?mix_trade_no={mix_trade_no}" if mix_trade_no else ""
    told = {name: value for name, value in told.items() if value is not None}
    return merchant.post(f"/v3/med-ins/refunds/notify{query}", told)

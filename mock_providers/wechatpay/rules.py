"""What WeChat Pay decides about orders, refunds and mixed orders. Tables and sums; no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mock_providers.wechatpay.schema import MOST_OF_UINT

TRADE = {
    ("NOTPAY", "paid"): "SUCCESS",
    ("NOTPAY", "closed"): "CLOSED",
    ("CLOSED", "closed"): "CLOSED",
    ("SUCCESS", "refunded"): "REFUND",
    ("REFUND", "refunded"): "REFUND",
}
TRADE_SAYS = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "CLOSED": "订单已关闭",
    "REFUND": "订单发生过退款，退款详情请查询退款单",
}
REFUND = {
    ("PROCESSING", "succeeded"): "SUCCESS",
    ("PROCESSING", "closed"): "CLOSED",
    ("PROCESSING", "stuck"): "ABNORMAL",
    ("ABNORMAL", "succeeded"): "SUCCESS",
}
REFUNDS_AT_MOST = 50
REFUND_DAYS = 365

CASH_ONLY, INSURANCE_ONLY, BOTH = "CASH_ONLY", "INSURANCE_ONLY", "CASH_AND_INSURANCE"
MIX_PAY_TYPES = (CASH_ONLY, INSURANCE_ONLY, BOTH)
# The state columns: mixed order, cash part, insurance part. None leaves a column as it is; a part that does
# not exist stays NO_….
MIXED = {
    "paid": ("MIX_PAY_SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_SUCCESS"),
    "insurance_failed": ("MIX_PAY_FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_FAIL"),
    "insurance_failed_after_cash": ("MIX_PAY_FAIL", "SELF_PAY_SUCCESS", "MED_INS_PAY_FAIL"),
    "cash_failed": ("MIX_PAY_FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_SUCCESS"),
    "cash_refunded": (None, "SELF_PAY_REFUND", None),
    "insurance_refunded": (None, None, "MED_INS_PAY_REFUND"),
}
FROM = {
    "paid": "MIX_PAY_CREATED",
    "insurance_failed": "MIX_PAY_CREATED",
    "insurance_failed_after_cash": "MIX_PAY_CREATED",
    "cash_failed": "MIX_PAY_CREATED",
}
GONE = {"SELF_PAY_REFUND", "NO_SELF_PAY", "MED_INS_PAY_REFUND", "NO_MED_INS_PAY"}

INSURANCE_FEES = ("med_ins_gov_fee", "med_ins_self_fee", "med_ins_other_fee")
SETTLED_FEES = (*INSURANCE_FEES, "med_ins_cash_fee")
BUREAU_FIELDS = ("pay_order_id", "pay_auth_no", "geo_location", "med_ins_order_create_time")

States = tuple[str, str, str]


class NotAllowed(ValueError):
    """A step the state table does not have."""


@dataclass(frozen=True)
class Fault:
    """Why a mixed order is refused. `internal` goes into the Request-ID."""

    message: str
    internal: int
    code: str = "RULE_LIMIT"


TOTAL_WRONG = Fault("订单总金额校验不通过", 268529477)
CASH_WRONG = Fault("自费金额校验不通过", 268529476)
AMOUNTS_WRONG = Fault("混合单金额不正确", 268529481)
CASH_ONLY_FIELDS = Fault("纯自费单字段校验失败", 268529474)
MIXED_FIELDS = Fault("混合支付单字段校验失败", 268529475)
CASH_NOT_COMPUTABLE = Fault("医保结算后需自费金额计算失败", 268435461, "PARAM_ERROR")
OVERFLOW = Fault("金额计算出现溢出，请检查金额", 268435464, "PARAM_ERROR")


@dataclass(frozen=True)
class Strictness:
    """The open questions of fields and sums.

    Is a zero insurance sum allowed; when do S2 and S3 bind CASH_ONLY; may the amounts of the part that is not
    there be sent as 0; is S3 looked at before S1; is a cash amount below 0 a broken S3 or not computable.
    """

    zero_insurance: bool = True
    cash_only_identities: str = "with_additions"
    zero_fees: bool = True
    zero_cash: bool = True
    cash_first: bool = True
    negative_computes: bool = True


def move(table: Mapping[tuple[str, str], str], state: str, event: str) -> str:
    """The next state. Raises NotAllowed."""
    try:
        return table[state, event]
    except KeyError:
        raise NotAllowed(f"{event} in {state}") from None


def created(kind: str) -> States:
    """The three columns of a new mixed order."""
    cash = "NO_SELF_PAY" if kind == INSURANCE_ONLY else "SELF_PAY_CREATED"
    insurance = "NO_MED_INS_PAY" if kind == CASH_ONLY else "MED_INS_PAY_CREATED"
    return "MIX_PAY_CREATED", cash, insurance


def moved(states: States, event: str) -> States:
    """The three columns after an event. Raises NotAllowed when a payment ends twice."""
    if states[0] != FROM.get(event, states[0]):
        raise NotAllowed(f"{event} in {states[0]}")
    mix, cash, insurance = (
        old if new is None or old.startswith("NO_") else new for old, new in zip(states, MIXED[event], strict=True)
    )
    if mix == "MIX_PAY_SUCCESS" and cash in GONE and insurance in GONE:
        mix = "MIX_PAY_REFUND"
    return mix, cash, insurance


def fault(order: Mapping[str, Any], strict: Strictness) -> Fault | None:
    """What is wrong with the fields and sums of a mixed order that fits the schema; None if nothing.

    Sums that cannot be computed at all are a PARAM_ERROR, and those come before every RULE_LIMIT.
    """
    return _overflow(order) or _fields(order, strict) or _sums(order, strict)


def _overflow(order: Mapping[str, Any]) -> Fault | None:
    due = order.get("med_ins_cash_fee", 0) + added_fen(order)
    if due > MOST_OF_UINT:
        return CASH_NOT_COMPUTABLE
    other = order.get("wechat_pay_cash_fee", 0) + reduced_fen(order)
    return OVERFLOW if insured_fen(order) + max(due, other) > MOST_OF_UINT else None


def _fields(order: Mapping[str, Any], strict: Strictness) -> Fault | None:
    kind = order["mix_pay_type"]
    settled = [order.get(name) for name in SETTLED_FEES]
    cash = order.get("wechat_pay_cash_fee")
    if kind == CASH_ONLY:
        said = any(settled) if strict.zero_fees else any(fee is not None for fee in settled)
        forbidden = said or any(name in order for name in BUREAU_FIELDS)
        return CASH_ONLY_FIELDS if forbidden or not cash or "prepay_id" not in order else None
    if None in settled or any(name not in order for name in BUREAU_FIELDS):
        return MIXED_FIELDS
    if kind == INSURANCE_ONLY:
        if cash or "prepay_id" in order or not (cash is None or strict.zero_cash):
            return MIXED_FIELDS
        return None if any(settled) or strict.zero_insurance else AMOUNTS_WRONG
    if cash is None or "prepay_id" not in order:
        return MIXED_FIELDS
    return None if any(settled) and cash else AMOUNTS_WRONG


def _sums(order: Mapping[str, Any], strict: Strictness) -> Fault | None:
    cash = order.get("wechat_pay_cash_fee", 0)
    due = order.get("med_ins_cash_fee", 0) + added_fen(order) - reduced_fen(order)
    bound = _identities_bind(order, strict)
    if bound and due < 0 and not strict.negative_computes:
        return CASH_NOT_COMPUTABLE
    total = TOTAL_WRONG if order["total_fee"] != insured_fen(order) + cash + reduced_fen(order) else None
    paid = CASH_WRONG if bound and cash != due else None
    return (paid or total) if strict.cash_first else (total or paid)


def insured_fen(order: Mapping[str, Any]) -> int:
    """What the insurance pays."""
    return sum(order.get(name, 0) for name in INSURANCE_FEES)


def reduced_fen(order: Mapping[str, Any]) -> int:
    """The sum of cash_reduce_detail."""
    return sum(one["cash_reduce_fee"] for one in order.get("cash_reduce_detail", ()))


def added_fen(order: Mapping[str, Any]) -> int:
    """The sum of cash_add_detail."""
    return sum(one["cash_add_fee"] for one in order.get("cash_add_detail", ()))


def _identities_bind(order: Mapping[str, Any], strict: Strictness) -> bool:
    if order["mix_pay_type"] != CASH_ONLY or strict.cash_only_identities == "always":
        return True
    return strict.cash_only_identities == "with_additions" and bool(order.get("cash_add_detail"))


def may_refund(total: int, refunds: Sequence[int], asked: int) -> str | None:
    """Why no more can be given back; None if it can. `refunds` are those not closed."""
    if len(refunds) >= REFUNDS_AT_MOST:
        return f"部分退款次数超过限制，单笔订单最多可退款{REFUNDS_AT_MOST}次"
    if sum(refunds) + asked > total:
        return "申请退款金额大于订单剩余可退金额"
    return None


def related(payer: Any, relative: Any) -> bool:
    """Whether the sample people's facts make them family: a direct link, or both of P01's family."""
    pairs = ((payer, relative), (relative, payer))
    if any(b.id in (a.guardian, a.mother, a.spouse_of) for a, b in pairs):
        return True
    return bool(payer.relation and relative.relation)

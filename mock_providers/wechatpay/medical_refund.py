"""The merchant's report of what the insurance bureau gave back (protocol sheet §6.9)."""

from typing import Any

from flask import Response

from mock_providers import outcomes, switches
from mock_providers.db import db
from mock_providers.wechatpay import rules, shapes
from mock_providers.wechatpay.account import merchant, mine
from mock_providers.wechatpay.door import body, nothing, planned, query, route
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.medical import FREQUENCY, SYSTEM_ERROR, check_instant, unknown
from mock_providers.wechatpay.models import MixedOrder, mixed_by
from mock_providers.wechatpay.partner import check_sub_merchant
from mock_providers.wechatpay.schema import MOST_OF_UINT, OUT_OF_RANGE

TARGET = "wechatpay.med_ins_refund"
FAILURES = {"system_error": SYSTEM_ERROR, "frequency": FREQUENCY}
PARTS = ("gov", "self", "other")
outcomes.declare(TARGET, *FAILURES)


@route("POST", "/v3/med-ins/refunds/notify")
def report() -> Response:
    """204; repeats are fine and the newest report counts."""
    number = query(shapes.MIX_NUMBER)
    told = body(shapes.PARTNER_REFUND_REPORT if "sp_mchid" in mine() else shapes.REFUND_REPORT)
    check_instant(told, "refund_time")
    parts = sum(told[f"med_refund_{part}_fee"] for part in PARTS)
    if parts > MOST_OF_UINT:
        raise Refusal("PARAM_ERROR", "金额计算出现溢出，请检查退款金额", OUT_OF_RANGE)
    if "sp_mchid" in mine():
        check_sub_merchant(told["sub_mchid"])
    mixed = mixed_by(mchid=merchant(), **number)
    known = (mixed.person, mixed.mix_trade_no, mixed.out_trade_no) if mixed else ("", number["mix_trade_no"])
    planned(TARGET, FAILURES, *known)
    if mixed is None:
        raise unknown()
    _check(mixed, told, parts)
    mixed.refund_report = told
    if mixed.insurance_state == "MED_INS_PAY_SUCCESS" and _counts(mixed, parts):
        mixed.happen("insurance_refunded")
    db.session.commit()
    return nothing()


def _check(mixed: MixedOrder, told: dict[str, Any], parts: int) -> None:
    if mixed.insurance_state == "NO_MED_INS_PAY":
        raise Refusal("RULE_LIMIT", "混合单中没有医保订单，无法接收医保退款通知")
    if told["med_refund_total_fee"] != parts:
        raise Refusal("RULE_LIMIT", "医保退款总金额与各项退款金额之和不相等", rules.TOTAL_WRONG.internal)
    paid = mixed.insurance_state in ("MED_INS_PAY_SUCCESS", "MED_INS_PAY_REFUND")
    if not paid and switches.value("wechatpay.medical_report_unpaid") == "reject":
        raise Refusal("RULE_LIMIT", "混合单中的医保订单未支付成功，无法接收医保退款通知")


def _counts(mixed: MixedOrder, parts: int) -> bool:
    """Whether so much back makes the insurance part a refunded one."""
    if switches.value("wechatpay.medical_partial_refund") == "counts":
        return True
    return parts >= rules.insured_fen(mixed.asked)

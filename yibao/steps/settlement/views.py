"""A settlement as screens see it: people masked, amounts in fen, and the pay arguments only while they are of use."""

from typing import Any

from yibao.identity import mask_name, mask_number
from yibao.providers import national, wechatpay
from yibao.steps.settlement import rules
from yibao.steps.settlement.models import Refund, Settlement


def shown(row: Settlement, refund: Refund | None) -> dict[str, Any]:
    """Everything the caller may know of their settlement."""
    return {
        **_common(row),
        "binding_id": row.binding_id,
        "in_scope_fen": row.in_scope_fen,
        "first_pay_fen": row.first_pay_fen,
        "deductible_fen": row.deductible_fen,
        "versions": {"policy": row.policy_version, "prices": row.prices_version},
        "payment": _states(row, refund),
        "quote_expires_at": row.quote_expires_at,
        "pay_by": row.pay_by,
        "failure": row.failure,
        "pay": pay(row) if row.awaits_payment else None,
        "refund": _refund(refund) if refund else None,
    }


def receipt(row: Settlement, refund: Refund | None) -> dict[str, Any]:
    """The paper: who, where, what, who paid."""
    return {
        **_common(row),
        "title": "医保购药结算单",
        "sample": "样例",
        "payer": _party(row.payer_name, row.payer_id_number),
        "insurance_order": row.med_org_ord if row.wants_fund else None,
        "payment_order": (row.pay_ord_id if row.is_national else row.out_trade_no) if row.cash_fen else None,
        "refunded_at": refund.finished_at if refund else None,
    }


def pay(row: Settlement) -> dict[str, str]:
    """The arguments of wx.requestMedicalInsurancePay, signed afresh; in the national app its order and cashier."""
    if row.is_national:
        return {"payOrdId": str(row.pay_ord_id), "cashier_url": national.cashier_url(str(row.pay_ord_id))}
    return wechatpay.medical_pay_parameters(str(row.mix_trade_no), row.prepay_id)


def _common(row: Settlement) -> dict[str, Any]:
    return {
        "id": row.number,
        "channel": row.channel,
        "state": row.state,
        "institution": {"code": row.institution_code, "name": row.institution_name},
        "patient": _party(row.patient_name, row.patient_id_number),
        "prescription_no": row.prescription_no,
        "lines": row.lines,
        "split": row.split.as_dict(),
        "created_at": row.created_at,
        "settled_at": row.settled_at,
    }


def _party(name: str, id_number: str) -> dict[str, str]:
    return {"name": mask_name(name), "id_number": mask_number(id_number)}


def _refund(refund: Refund) -> dict[str, Any]:
    names = ("kind", "reason", "pooled_fen", "account_fen", "cash_fen", "failure")
    times = ("requested_at", "cash_back_at", "finished_at")
    fund_back = refund.fund_back_at if refund.fund_fen else None
    return {
        "id": refund.number,
        "fund_back_at": fund_back,
        **{name: getattr(refund, name) for name in names + times},
    }


def _states(row: Settlement, refund: Refund | None) -> dict[str, str]:
    return rules.three_states(
        row.split,
        fund_paid=row.fund_paid_at is not None,
        cash_paid=row.cash_paid_at is not None,
        fund_back=refund is not None and refund.fund_fen > 0 and refund.fund_back_at is not None,
        cash_back=refund is not None and refund.cash_fen > 0 and refund.cash_back_at is not None,
        failed=row.state in ("REJECTED", "EXPIRED", "CANCELLED", "REVERSING", "REVERSED"),
    )

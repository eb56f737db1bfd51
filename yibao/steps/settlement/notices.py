"""What a provider says of an order, held against ours. Each function names the first field that differs, or ""."""

from collections.abc import Iterable, Mapping
from typing import Any

from yibao.providers import national
from yibao.steps.settlement.models import Refund, Settlement


def first_difference(pairs: Iterable[tuple[str, Any, Any]]) -> str:
    """The name of the first (name, said, ours) that is not the same value of the same type."""
    return next((name for name, said, ours in pairs if type(said) is not type(ours) or said != ours), "")


def cash_differs(row: Settlement, said: Mapping[str, Any], account: Mapping[str, Any] | None = None) -> str:
    """TRANSACTION.SUCCESS, or the order query."""
    amount = _table(said.get("amount"))
    ours: list[tuple[str, Any, Any]] = [
        ("out_trade_no", said.get("out_trade_no"), row.out_trade_no),
        ("trade_state", said.get("trade_state"), "SUCCESS"),
        ("amount.total", amount.get("total"), row.cash_fen),
        ("amount.currency", amount.get("currency", "CNY"), "CNY"),
        ("payer.openid", _table(said.get("payer")).get("openid", row.openid), row.openid),
    ]
    return first_difference(ours + _accounts(said, account, ("appid", "mchid")))


def mixed_differs(row: Settlement, said: Mapping[str, Any], account: Mapping[str, Any] | None = None) -> str:
    """MEDICAL_INSURANCE.SUCCESS, or the mixed order's query."""
    split = row.split
    mixed = said.get("mix_trade_no")
    ours: list[tuple[str, Any, Any]] = [
        ("out_trade_no", said.get("out_trade_no"), row.out_trade_no),
        ("serial_no", said.get("serial_no"), row.med_org_ord),
        ("mix_trade_no", mixed, row.mix_trade_no or (mixed if isinstance(mixed, str) and mixed else "")),
        ("mix_pay_status", said.get("mix_pay_status"), "MIX_PAY_SUCCESS"),
        ("total_fee", said.get("total_fee"), split.total_fen),
        ("wechat_pay_cash_fee", said.get("wechat_pay_cash_fee") or 0, split.cash_fen),
    ]
    insured = {"gov": split.pooled_fen, "self": split.account_fen, "other": 0}
    fees: list[tuple[str, Any, Any]] = [
        (f"med_ins_{n}_fee", said.get(f"med_ins_{n}_fee") or 0, fen) for n, fen in insured.items()
    ]
    if split.insured_fen:
        fees.append(("med_ins_cash_fee", said.get("med_ins_cash_fee") or 0, split.cash_fen))
        fees.append(("pay_order_id", said.get("pay_order_id"), row.pay_ord_id))
    return first_difference(ours + fees + _accounts(said, account, ("appid",)))


def fund_differs(row: Settlement, order: national.OrderState) -> str:
    """6302, or 6301."""
    if order.split is None:
        return "feeSumamt"
    split, found = row.split, order.split
    return first_difference(
        [
            ("payOrdId", order.pay_order_id, row.pay_ord_id),
            ("medOrgOrd", order.order_no, row.med_org_ord),
            ("orgCode", str(order.raw.get("orgCode") or row.institution_code), row.institution_code),
            ("feeSumamt", found.total_fen, split.total_fen),
            ("fundPay", found.pooled_fen, split.pooled_fen),
            ("psnAcctPay", found.own_fen + found.mutual_fen, split.account_fen),
            ("ownPayAmt", found.cash_fen, split.cash_fen),
        ]
    )


def refund_differs(
    refund: Refund, row: Settlement, said: Mapping[str, Any], account: Mapping[str, Any] | None = None
) -> str:
    """REFUND.*, or the refund's query."""
    amount = _table(said.get("amount"))
    ours: list[tuple[str, Any, Any]] = [
        ("out_refund_no", said.get("out_refund_no"), refund.number),
        ("out_trade_no", said.get("out_trade_no"), row.out_trade_no),
        ("amount.refund", amount.get("refund"), refund.cash_fen),
        ("amount.total", amount.get("total"), row.cash_fen),
    ]
    return first_difference(ours + _accounts(said, account, ("mchid",)))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _accounts(
    said: Mapping[str, Any], account: Mapping[str, Any] | None, names: tuple[str, ...]
) -> list[tuple[str, Any, Any]]:
    """Whose order it is: compared in notices, where anybody's could be sent to us."""
    return [] if account is None else [(name, said.get(name), account[name]) for name in names]

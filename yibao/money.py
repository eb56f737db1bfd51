"""Money is whole fen. Yuan appears only at the national platform's and Alipay's wire."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation


def fen(yuan: str | int | float | Decimal) -> int:
    """Yuan with at most two decimals, as fen. Raises ValueError for anything else (`1.005`, `NaN`)."""
    try:
        amount = Decimal(str(yuan)) * 100
    except InvalidOperation as error:
        raise ValueError(f"not an amount: {yuan!r}") from error
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError(f"not a whole number of fen: {yuan!r}")
    return int(amount)


def yuan(amount_fen: int) -> str:
    """Fen as yuan with two decimals: 1030 → `10.30`."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def share(amount_fen: int, ratio_bp: int) -> int:
    """A ratio in basis points of an amount, half a fen rounded up."""
    return int((Decimal(amount_fen) * ratio_bp / 10_000).quantize(Decimal(1), ROUND_HALF_UP))

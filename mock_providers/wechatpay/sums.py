"""Money of an order in fen: the fee, a coupon, and what a partial refund gives back of each. Pure.

Whatever is refunded in steps adds up to the order's own figures: each step takes its share of what is left,
rounded down, and the last one takes the rest.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

DEFAULT_RATE = Decimal("0.60")
COUPON_TENTH = 10


@dataclass(frozen=True)
class Parts:
    """One amount seen from four sides.

    `total`: of the order; `payer`: from the payer's pocket; `settled`: what the merchant is owed for it (a coupon
    the merchant gives itself, NOCASH, is not); `fee`: WeChat Pay's share of that.
    """

    total: int
    payer: int
    settled: int
    fee: int

    def __sub__(self, other: "Parts") -> "Parts":
        pairs = zip(self.sides(), other.sides(), strict=True)
        return Parts(*(mine - theirs for mine, theirs in pairs))

    def sides(self) -> tuple[int, int, int, int]:
        return self.total, self.payer, self.settled, self.fee

    @property
    def net(self) -> int:
        """What moves on the merchant's account."""
        return self.settled - self.fee


def rate(percent: str) -> Decimal:
    """A fee rate in percent, from 0 to 100; the usual 0.60 if the text is none."""
    try:
        read = Decimal(percent)
    except InvalidOperation:
        return DEFAULT_RATE
    return read if read.is_finite() and 0 <= read <= 100 else DEFAULT_RATE


def fee(settled: int, percent: Decimal) -> int:
    """Rounded to the fen, half up."""
    return int((settled * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def coupon_of(total: int) -> int:
    """A tenth of the total, one fen at least; nothing where the payer would have nothing left to pay."""
    return max(1, total // COUPON_TENTH) if total > 1 else 0


def paid(total: int, coupon: int, is_cash: bool, percent: Decimal) -> Parts:
    """The sides of a payment. A CASH coupon was paid for beforehand, so the merchant is owed its amount too."""
    settled = total if is_cash else total - coupon
    return Parts(total, total - coupon, settled, fee(settled, percent))


def share(asked: int, left: Parts) -> Parts:
    """The part of what is left that a refund of `asked` fen gives back. `asked` is 1 to left.total."""
    if asked == left.total:
        return left
    return Parts(asked, *(side * asked // left.total for side in left.sides()[1:]))


def yuan(fen: int) -> str:
    """12345 is 123.45"""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}"

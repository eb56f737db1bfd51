"""Money in parts: whatever is paid and given back in steps, every figure of the bills adds up."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mock_providers.wechatpay import bill_file, sums
from mock_providers.wechatpay.bill_file import Back, Move, Trade
from mock_providers.wechatpay.sums import Parts
from tests.mock_providers.wechatpay.conformance import bill

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOTALS = some.integers(1, 10**9)
RATES = some.sampled_from([Decimal("0"), Decimal("0.38"), Decimal("0.60"), Decimal("1"), Decimal("100")])
COUPONS = some.sampled_from(["", "NOCASH", "CASH"])


@some.composite
def payments(draw: some.DrawFn) -> tuple[Parts, list[Parts], bool]:
    """A payment, the refunds after it, and whether a coupon of it was CASH."""
    total, coupon = draw(TOTALS), draw(COUPONS)
    off = sums.coupon_of(total) if coupon else 0
    paid = sums.paid(total, off, coupon == "CASH", draw(RATES))
    left, backs = paid, []
    for wanted in draw(some.lists(TOTALS, max_size=6)):
        if not left.total:
            break
        backs.append(sums.share(1 + wanted % left.total, left))
        left -= backs[-1]
    return paid, backs, coupon == "CASH"


@settings(deadline=None, max_examples=40)
@given(payments())
def test_refunds_never_give_back_more_than_is_left(made: tuple[Parts, list[Parts], bool]) -> None:
    paid, backs, _ = made
    left = paid
    for back in backs:
        left -= back
        assert all(0 <= side <= of for side, of in zip(left.sides(), paid.sides(), strict=True))
        assert 0 <= back.fee <= back.settled <= back.total
        assert back.payer <= back.settled
        assert back.net >= 0
    if left.total == 0:
        assert left == Parts(0, 0, 0, 0)


@settings(deadline=None, max_examples=40)
@given(some.lists(payments(), min_size=1, max_size=5))
def test_the_figures_of_a_trade_bill_add_up(made: list[tuple[Parts, list[Parts], bool]]) -> None:
    trades = []
    for number, (paid, backs, is_cash) in enumerate(made):
        trades.append(trade(number, paid, is_cash))
        trades += [
            trade(number, back, is_cash, Back(f"5030{at}", f"R{at}", "ORIGINAL", "SUCCESS"))
            for at, back in enumerate(backs)
        ]
    found = bill.read(bill_file.trade_bill(trades))
    totals = {
        "应结订单总金额": "应结订单金额",
        "退款总金额": "退款金额",
        "充值券退款总金额": "充值券退款金额",
        "手续费总金额": "手续费",
        "订单总金额": "订单金额",
        "申请退款总金额": "申请退款金额",
    }
    assert int(found.summary["总交易单数"]) == len(found.rows) == len(trades)
    for name, column in totals.items():
        assert Decimal(found.summary[name]) == found.sum(column)
    for row in found.rows:
        assert Decimal(row["订单金额"]) == Decimal(row["应结订单金额"]) + Decimal(row["代金券金额"])
        assert Decimal(row["退款金额"]) <= Decimal(row["申请退款金额"])


@settings(deadline=None, max_examples=40)
@given(some.lists(some.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=8), some.integers(0, 10**9))
def test_the_figures_of_a_fund_flow_add_up(amounts: list[int], opening: int) -> None:
    left, moves = opening, []
    for at, amount in enumerate(amounts):
        left += amount
        moves.append(Move(NOON, f"4200{at}", f"F{at}", "交易/交易", amount, left, "system", "", ""))
    found = bill.read(bill_file.flow_bill(moves))
    balances = [Decimal(opening) / 100, *(Decimal(row["账户结余(元)"]) for row in found.rows)]
    signed = [Decimal(row["收支金额(元)"]) * (1 if row["收支类型"] == "收入" else -1) for row in found.rows]
    assert [after - before for before, after in pairwise(balances)] == signed
    income, expense = Decimal(found.summary["收入金额"]), Decimal(found.summary["支出金额"])
    assert income - expense == sum(signed)
    assert int(found.summary["收入笔数"]) + int(found.summary["支出笔数"]) == int(found.summary["资金流水总笔数"])


def trade(number: int, parts: Parts, is_cash: bool, back: Back | None = None) -> Trade:
    return Trade(
        at=NOON,
        appid="wx1",
        mchid="19",
        sub_mchid="0",
        device="",
        transaction_id=f"4200{number}",
        out_trade_no=f"ORDER-{number}",
        openid="o",
        parts=parts,
        coupon_is_cash=is_cash,
        description="样例, 药品`\n",
        attach="",
        rate="0.60%",
        refund=back,
    )


@pytest.mark.parametrize(
    ("text", "rate"),
    [("0.60", "0.60"), ("0", "0"), ("100", "100"), ("100.1", "0.60"), ("-1", "0.60"), ("NaN", "0.60"), ("x", "0.60")],
)
def test_a_rate_that_is_none_is_the_usual_one(text: str, rate: str) -> None:
    assert sums.rate(text) == Decimal(rate)


@pytest.mark.parametrize(("fen", "fee"), [(1, 0), (83, 0), (84, 1), (250, 2), (4200, 25), (10000, 60)])
def test_a_fee_is_rounded_half_up(fen: int, fee: int) -> None:
    assert sums.fee(fen, Decimal("0.60")) == fee


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (12345, "123.45"), (-100, "-1.00")]
)
def test_fen_are_written_as_yuan_with_two_decimals(fen: int, text: str) -> None:
    assert sums.yuan(fen) == text


def test_a_share_is_rounded_down_and_the_last_takes_the_rest() -> None:
    paid = Parts(3, 2, 3, 1)
    assert sums.share(1, paid) == Parts(1, 0, 1, 0)
    assert sums.share(2, paid - Parts(1, 0, 1, 0)) == Parts(2, 2, 2, 1)

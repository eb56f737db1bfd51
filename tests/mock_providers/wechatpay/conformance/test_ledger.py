"""Random weeks of payments and refunds: the account, its fund flow and the trade bills never disagree."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from mock_providers import clock
from mock_providers.db import db
from mock_providers.wechatpay import bills, ledger, sums
from mock_providers.wechatpay.models import Order, Refund
from tests.mock_providers.wechatpay.conformance import bill

MCHID = "1900000001"
DAYS = 3


def week(seed: int) -> None:
    """Orders and refunds over some days, as the mock would keep them."""
    dice, start = random.Random(seed), clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(dice.randint(1, 12)):
        at = start + timedelta(seconds=dice.randrange(DAYS * 86400))
        kind = dice.choice(["", "NOCASH", "CASH"])
        total = dice.choice([1, 2, 99, 4200, dice.randint(1, 10**7)])
        off = sums.coupon_of(total) if kind else 0
        parts = sums.paid(total, off, kind == "CASH", sums.rate(dice.choice(["0", "0.38", "0.60", "1"])))
        order = Order(
            out_trade_no=f"RANDOM-{number}",
            transaction_id=f"4200{number}",
            prepay_id=f"wx{number}",
            prepaid_at=at,
            appid="wx1",
            mchid=MCHID,
            openid="o",
            person="P01",
            state="SUCCESS",
            total=total,
            payer_total=parts.payer,
            settled=parts.settled,
            fee=parts.fee,
            fee_rate="0.60%",
            coupon={"type": kind} if off else None,
            notify_url="https://a.example/",
            asked={"description": "样例"},
            signer="cert",
            created_at=at,
            closes_at=at,
            paid_at=at,
        )
        db.session.add(order)
        refunds(dice, order, number)
    db.session.flush()


def refunds(dice: random.Random, order: Order, number: int) -> None:
    left, at = order.parts, order.paid_at
    for count in range(dice.randint(0, 4)):
        if not left.total:
            return
        assert at
        at += timedelta(seconds=dice.randrange(2 * 86400))
        back = sums.share(dice.choice([left.total, dice.randint(1, left.total)]), left)
        state = dice.choice(["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"])
        ended = at + timedelta(seconds=dice.randrange(86400)) if state != "PROCESSING" else None
        refund = Refund(
            order=order,
            mchid=MCHID,
            out_refund_no=f"R{number}-{count}",
            refund_id=f"5030{number}{count}",
            state=state,
            ends="succeeded",
            amount=back.total,
            payer_amount=back.payer,
            settled=back.settled,
            fee=back.fee,
            asked={"amount": {}},
            signer="cert",
            created_at=at,
            ended_at=ended,
            succeeded_at=ended if state == "SUCCESS" else None,
        )
        db.session.add(refund)
        if state != "CLOSED":
            left -= back


@pytest.mark.parametrize("seed", range(3))
def test_the_account_the_fund_flow_and_the_trade_bills_agree(mocks: Flask, seed: int) -> None:
    with mocks.test_request_context():
        week(seed)
        start = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        left, net = ledger.opening(), Decimal(0)
        for day in range(DAYS + 9):
            since, until = start + timedelta(days=day), start + timedelta(days=day + 1)
            moves = ledger.moves(MCHID, since, until)
            assert ledger.balance(MCHID, since) == left
            for move in moves:
                left += move.amount
                assert move.balance == left
            net += trade_net(since.date()) + Decimal(returned(moves)) / 100
            assert Decimal(left - ledger.opening()) / 100 == net
        assert ledger.balance(MCHID) == left >= ledger.opening()
        db.session.rollback()


def trade_net(day: object) -> Decimal:
    """What the day's trade bill says the merchant got: settled less refunded less fees."""
    content = bills._content(MCHID, day, {"bill": "trade", "kind": "ALL"})  # type: ignore[arg-type]
    if content is None:
        return Decimal(0)
    found = bill.read(content).summary
    return Decimal(found["应结订单总金额"]) - Decimal(found["退款总金额"]) - Decimal(found["手续费总金额"])


def returned(moves: list[ledger.Move]) -> int:
    """Closed refunds come back on a later day; no trade bill says so."""
    return sum(move.amount for move in moves if move.remark == "退款关闭退回")

"""Bills as files: headings, rows with a backtick before each cell, a summary. Pure.

Columns and sums of WeChat Pay's trade bill (27) and fund-flow bill (11), protocol sheet §7.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mock_providers.wechatpay.sums import Parts, yuan

BOM = "\ufeff"
LINE = "\r\n"
TRADE = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识",
    "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额",
    "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态",
    "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额", "费率备注",
)  # fmt: skip
TRADE_SUMMARY = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额",
)  # fmt: skip
REFUND_COLUMNS = (
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
    "申请退款金额",
)
FLOW = (
    "记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型",
    "收支金额(元)", "账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号",
)  # fmt: skip
FLOW_SUMMARY = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
INCOME, EXPENSE = "收入", "支出"


@dataclass(frozen=True, kw_only=True)
class Trade:
    """A line of a trade bill: a payment, or (with `refund`) a refund. Amounts are positive."""

    at: datetime
    appid: str
    mchid: str
    sub_mchid: str
    device: str
    transaction_id: str
    out_trade_no: str
    openid: str
    parts: Parts
    coupon_is_cash: bool
    description: str
    attach: str
    rate: str
    refund: "Back | None" = None


@dataclass(frozen=True)
class Back:
    """What a refund adds to its line."""

    refund_id: str
    out_refund_no: str
    channel: str
    state: str


@dataclass(frozen=True)
class Move:
    """A line of a fund-flow bill. `amount` is signed: what comes in is positive."""

    at: datetime
    number: str
    flow: str
    kind: str
    amount: int
    balance: int
    applicant: str
    remark: str
    voucher: str


def trade_bill(trades: Sequence[Trade], only_payments: bool = False, fee_digits: int = 2) -> bytes:
    """Lines newest first, and their sums. `only_payments` leaves the columns of refunds out."""
    rows = [_trade_cells(trade, fee_digits) for trade in trades]
    heading: Iterable[str] = TRADE
    if only_payments:
        heading = [name for name in TRADE if name not in REFUND_COLUMNS]
        rows = [{name: row[name] for name in heading} for row in rows]
    sums = _trade_sums(trades)
    summary = [str(len(trades)), *(yuan(sums[name]) for name in TRADE_SUMMARY[1:])]
    summary[TRADE_SUMMARY.index("手续费总金额")] = _fee(sums["手续费总金额"], fee_digits)
    return _file(heading, [row.values() for row in rows], TRADE_SUMMARY, summary)


def _fee(fen: int, digits: int) -> str:
    return yuan(fen) + "0" * (digits - 2)


def _sides(trade: Trade) -> Mapping[str, int]:
    """The money columns of a line, in fen."""
    parts, back = trade.parts, trade.refund is not None
    coupon = parts.total - parts.payer
    return {
        "应结订单金额": 0 if back else parts.settled,
        "代金券金额": 0 if back else parts.total - parts.settled,
        "退款金额": parts.settled if back else 0,
        "充值券退款金额": coupon if back and trade.coupon_is_cash else 0,
        "手续费": -parts.fee if back else parts.fee,
        "订单金额": 0 if back else parts.total,
        "申请退款金额": parts.total if back else 0,
    }


def _trade_cells(trade: Trade, fee_digits: int) -> dict[str, str]:
    back = trade.refund
    sides = _sides(trade)
    cells = {
        "交易时间": _clock(trade.at),
        "公众账号ID": trade.appid,
        "商户号": trade.mchid,
        "特约商户号": trade.sub_mchid,
        "设备号": trade.device,
        "微信订单号": trade.transaction_id,
        "商户订单号": trade.out_trade_no,
        "用户标识": trade.openid,
        "交易类型": "JSAPI",
        "交易状态": "REFUND" if back else "SUCCESS",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "微信退款单号": back.refund_id if back else "0",
        "商户退款单号": back.out_refund_no if back else "0",
        "退款类型": back.channel if back else "",
        "退款状态": back.state if back else "",
        "商品名称": trade.description,
        "商户数据包": trade.attach,
        "费率": trade.rate,
        "费率备注": "",
        **{name: yuan(fen) for name, fen in sides.items()},
        "手续费": _fee(sides["手续费"], fee_digits),
    }
    return {name: cells[name] for name in TRADE}


def _trade_sums(trades: Sequence[Trade]) -> Mapping[str, int]:
    sums = dict.fromkeys(TRADE_SUMMARY, 0)
    of = {
        "应结订单总金额": "应结订单金额",
        "退款总金额": "退款金额",
        "充值券退款总金额": "充值券退款金额",
        "手续费总金额": "手续费",
        "订单总金额": "订单金额",
        "申请退款总金额": "申请退款金额",
    }
    for trade in trades:
        sides = _sides(trade)
        for name, column in of.items():
            sums[name] += sides[column]
    return sums


def flow_bill(moves: Sequence[Move]) -> bytes:
    """Lines as they happened, and their sums."""
    income = [move.amount for move in moves if move.amount >= 0]
    expense = [-move.amount for move in moves if move.amount < 0]
    summary = [str(len(moves)), str(len(income)), yuan(sum(income)), str(len(expense)), yuan(sum(expense))]
    return _file(FLOW, [_move_cells(move) for move in moves], FLOW_SUMMARY, summary)


def _move_cells(move: Move) -> list[str]:
    return [
        _clock(move.at),
        move.number,
        move.flow,
        move.kind.partition("/")[0],
        move.kind.rpartition("/")[2],
        EXPENSE if move.amount < 0 else INCOME,
        yuan(abs(move.amount)),
        yuan(move.balance),
        move.applicant,
        move.remark,
        move.voucher,
    ]


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _file(
    heading: Iterable[str], rows: Iterable[Iterable[str]], summary_heading: Iterable[str], summary: Iterable[str]
) -> bytes:
    lines = [",".join(heading), *map(_line, rows), ",".join(summary_heading), _line(summary)]
    return (BOM + LINE.join(lines) + LINE).encode()


def _line(cells: Iterable[str]) -> str:
    """A cell may hold neither the separator nor a line's end: what a merchant wrote is put in blanks."""
    return ",".join(f"`{cell.translate(BLANKS)}" for cell in cells)


BLANKS = str.maketrans({",": " ", "\r": " ", "\n": " ", "`": " "})

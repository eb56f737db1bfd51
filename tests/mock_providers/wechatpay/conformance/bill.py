"""Reading a bill as a merchant would: by its headings, with nothing of the mock."""

import gzip
import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from mock_providers import clock
from tests.mock_providers.wechatpay.merchant import Merchant

SUMMARY_STARTS = ("总交易单数", "资金流水总笔数")


@dataclass(frozen=True)
class Bill:
    headings: list[str]
    rows: list[dict[str, str]]
    summary: dict[str, str]

    def sum(self, column: str) -> Decimal:
        return sum((Decimal(row[column]) for row in self.rows), Decimal(0))


def read(content: bytes) -> Bill:
    """Headings, rows, summary. Every data cell stands behind a backtick."""
    assert content.startswith(b"\xef\xbb\xbf")
    lines = content.decode("utf-8-sig").split("\r\n")
    assert lines.pop() == ""
    cells = [line.split(",") for line in lines]
    at = next(n for n, row in enumerate(cells) if row[0] in SUMMARY_STARTS)
    assert at == len(cells) - 2
    rows = [bare(row) for row in cells[1:at]]
    named = [dict(zip(cells[0], row, strict=True)) for row in rows]
    return Bill(cells[0], named, dict(zip(cells[at], bare(cells[at + 1]), strict=True)))


def bare(cells: list[str]) -> list[str]:
    assert all(cell.startswith("`") for cell in cells)
    return [cell[1:] for cell in cells]


def today(merchant: Merchant) -> date:
    with merchant.client.application.app_context():
        return clock.now().date()


def yesterday(merchant: Merchant) -> date:
    return today(merchant) - timedelta(days=1)


def offer(merchant: Merchant, bill: str, day: date, **more: str) -> Any:
    extra = "".join(f"&{name}={value}" for name, value in more.items())
    return merchant.get(f"/v3/bill/{bill}?bill_date={day.isoformat()}{extra}")


def path_of(merchant: Merchant, offered: dict[str, str]) -> str:
    base = merchant.held["base_url"]
    assert offered["download_url"].startswith(f"{base}/v3/billdownload/file?token="), offered
    return offered["download_url"].removeprefix(base)


def fetched(merchant: Merchant, bill: str = "tradebill", day: date | None = None, **more: str) -> Bill:
    """Asked for, fetched, unpacked, and held against its hash."""
    answer = offer(merchant, bill, day or yesterday(merchant), **more)
    assert answer.status_code == 200, answer.text
    content = merchant.get(path_of(merchant, answer.json)).data
    if more.get("tar_type") == "GZIP":
        content = gzip.decompress(content)
    assert hashlib.sha1(content).hexdigest() == answer.json["hash_value"]
    return read(content)

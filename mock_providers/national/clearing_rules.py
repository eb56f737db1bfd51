"""Reconciliation: what the centre and an institution each count, line by line. Pure.

`stmt_rslt` of a line: 101 only the centre has it, 102 only the institution, 103 both but different (nhsa §2.9 INF).
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mock_providers.national import amounts

BALANCED, CENTRE_HAS_MORE, INSTITUTION_HAS_MORE, DIFFERENT = "0", "101", "102", "103"
COLUMNS = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag")
RESULT = (
    *("psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo"),
    *("medfee_sumamt", "fund_pay_sumamt", "acct_pay"),
)
SAYS = {
    CENTRE_HAS_MORE: "中心有,医药机构无",
    INSTITUTION_HAS_MORE: "医药机构有,中心无",
    DIFFERENT: "数据不一致",
}
UNPACKED_AT_MOST = 16 * 1024 * 1024


class Unreadable(ValueError):
    """A detail file that cannot be read; the text says why."""


@dataclass(frozen=True)
class Entry:
    """One settlement as one side has it. Amounts in fen; a refund's are negative."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    medfee_fen: int
    fund_fen: int
    account_fen: int
    refunded: str
    msgid: str = ""

    @property
    def facts(self) -> tuple[str, str, int, int, int]:
        """What both sides must agree on."""
        return self.mdtrt_id, self.psn_no, self.medfee_fen, self.fund_fen, self.account_fen


def compare(centre: Iterable[Entry], institution: Iterable[Entry]) -> list[tuple[Entry, str]]:
    """Every line that does not agree, and how."""
    ours, theirs = {e.setl_id: e for e in centre}, {e.setl_id: e for e in institution}
    found = [(entry, CENTRE_HAS_MORE) for number, entry in ours.items() if number not in theirs]
    for number, entry in theirs.items():
        if number not in ours:
            found.append((entry, INSTITUTION_HAS_MORE))
        elif entry.facts != ours[number].facts:
            found.append((ours[number], DIFFERENT))
    return found


def read(packed: bytes) -> list[Entry]:
    """The zip an institution uploaded: one text file, tab separated, without headings. Raises Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            (inside,) = archive.infolist()
            if inside.file_size > UNPACKED_AT_MOST:
                raise Unreadable("解压后文件过大")
            with archive.open(inside) as stream:
                text = stream.read(UNPACKED_AT_MOST + 1)
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise Unreadable("不是只含一个文本文件的zip") from error
    if len(text) > UNPACKED_AT_MOST:
        raise Unreadable("解压后文件过大")
    return [_entry(number, line) for number, line in enumerate(_lines(text), 1)]


def _lines(text: bytes) -> list[str]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return [line for line in text.decode(encoding).splitlines() if line.strip()]
        except UnicodeDecodeError:
            continue
    raise Unreadable("文本编码应为UTF-8")


def _entry(number: int, line: str) -> Entry:
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        raise Unreadable(f"第{number}行应有{len(COLUMNS)}列")
    named: Mapping[str, str] = dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))
    try:
        medfee, fund, account = (
            amounts.fen(named[name]) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
        )
    except ValueError as error:
        raise Unreadable(f"第{number}行金额格式不正确") from error
    numbers = (named["setl_id"], named["mdtrt_id"], named["psn_no"])
    return Entry(*numbers, medfee, fund, account, named["refd_setl_flag"])


def written(differences: Iterable[tuple[Entry, str]]) -> str:
    """The text of the result file."""
    rows = []
    for entry, result in differences:
        money = (amounts.yuan(fen) for fen in (entry.medfee_fen, entry.fund_fen, entry.account_fen))
        about = (entry.psn_no, entry.mdtrt_id, entry.setl_id, entry.msgid, result, entry.refunded, SAYS[result])
        rows.append("\t".join((*about, *map(str, money))) + "\n")
    return "".join(rows)

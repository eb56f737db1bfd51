"""1312 医保目录信息查询: the insurance catalogue in pages."""

from datetime import date
from typing import Any

from mock_providers import switches
from mock_providers.national import fields, policy, sale, setlinfo
from mock_providers.national.gateway import Call, transaction
from mock_providers.people import Item, world

PAGE_AT_MOST = 100
UPDATED = "2025-01-01 00:00:00"
switches.declare(
    "national.updt_time",
    "ignored",
    ("ignored", "since"),
    kind="choice",
    source="nhsa §2.11",
    why="1312 demands updt_time without saying what it does: ignored, or only rows changed since then",
)


@transaction("1312")
def catalogue(call: Call) -> dict[str, Any]:
    """Items that can be in an insurance order, by code, part of the name, level, list or charge type."""
    data = fields.node(call.input, "data")
    since = fields.text(data, "updt_time", 19, needed=True)
    number = fields.whole(data, "page_num", 1, 9999)
    size = fields.whole(data, "page_size", 1, PAGE_AT_MOST)
    rows = [row for item in world().items.values() if item.kind in sale.PAYABLE and (row := _row(item, call))]
    wanted = {
        name: fields.text(data, name, 30)
        for name in ("hilist_code", "med_chrgitm_type", "chrgitm_lv", "list_type", "lmt_used_flag", "vali_flag")
    }
    part = fields.text(data, "hilist_name", 200)
    rows = [
        row
        for row in rows
        if part in row["hilist_name"] and all(row[name] == value for name, value in wanted.items() if value)
    ]
    if switches.value("national.updt_time") == "since":
        rows = [row for row in rows if row["updt_time"] >= since]
    return _page(rows, number, size)


def _page(rows: list[dict[str, Any]], number: int, size: int) -> dict[str, Any]:
    pages = -(-len(rows) // size)
    here = rows[(number - 1) * size : number * size]
    return {
        "data": here,
        "pageNum": number,
        "pageSize": size,
        "size": len(here),
        "startRow": (number - 1) * size + 1 if here else 0,
        "pages": pages,
        "recordCounts": len(rows),
        "firstPage": number == 1,
        "lastPage": number >= pages,
    }


def _row(item: Item, call: Call) -> dict[str, Any]:
    rules = policy.in_force(call.received_at.date())
    return {
        "hilist_code": item.med_list_codg,
        "hilist_name": item.name,
        "insu_admdvs": rules.region,
        "begndate": date(2022, 1, 1).isoformat(),
        "enddate": None,
        "med_chrgitm_type": setlinfo.charge_type(item),
        "chrgitm_lv": item.level,
        "lmt_used_flag": "0",
        "list_type": "101" if item.kind == "drug" else "301",
        "med_use_flag": "1",
        "matn_used_flag": "0",
        "hilist_use_type": "1",
        "lmt_cpnd_type": "0",
        "wubi": "",
        "pinyin": "",
        "memo": item.spec,
        "vali_flag": "1",
        "rid": item.code,
        "updt_time": UPDATED,
    }

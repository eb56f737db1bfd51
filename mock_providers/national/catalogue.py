"""The catalogue in pages: 1312 医保目录, 1316 and 1317 what corresponds to what, 1318 price ceilings, 1319 self-pay
ratios; 1304 has nothing here; 1901 the dictionaries."""

from decimal import Decimal
from typing import Any

from mock_providers import switches
from mock_providers.national import dictionaries, fields, policy, sale, setlinfo
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.texts import Refused
from mock_providers.people import Item, world

PAGE_AT_MOST = 100
UPDATED = "2025-01-01 00:00:00"
DICTIONARY = fields.table("""
type C30 Y
parentValue C10
admdvs C6 Y
date D Y
valiFlag C3
""")
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
    part = fields.text(fields.node(call.input, "data"), "hilist_name", 200)
    rows = [_row(item, call) for item in _payable()]
    exact = ("hilist_code", "med_chrgitm_type", "chrgitm_lv", "list_type", "lmt_used_flag", "vali_flag")
    return _asked_for(call, [row for row in rows if part in row["hilist_name"]], exact)


@transaction("1304")
def ethnic_medicine(call: Call) -> dict[str, Any]:
    """民族药品目录查询: the sample catalogue has none."""
    return _asked_for(call, [], ())


@transaction("1316")
def mapped(call: Call) -> dict[str, Any]:
    """医疗目录与医保目录匹配信息: here every catalogue code is its own insurance code."""
    rows = [
        {
            "med_list_codg": item.med_list_codg,
            "hilist_code": item.med_list_codg,
            "list_type": _list_type(item),
            **_dates(item, call),
        }
        for item in _payable()
    ]
    return _asked_for(call, rows, ("med_list_codg", "hilist_code", "list_type", "vali_flag"))


@transaction("1317")
def mapped_here(call: Call) -> dict[str, Any]:
    """医药机构目录匹配信息: an institution's own item codes."""
    code = call.envelope["fixmedins_code"]
    rows = [
        {
            "fixmedins_code": code,
            "medins_list_codg": item.code,
            "medins_list_name": item.name,
            "list_type": _list_type(item),
            "med_list_codg": item.med_list_codg,
            "spec": item.spec,
            **_dates(item, call),
        }
        for item in _payable()
    ]
    return _asked_for(call, rows, ("fixmedins_code", "medins_list_codg", "list_type", "med_list_codg", "vali_flag"))


@transaction("1318")
def ceilings(call: Call) -> dict[str, Any]:
    """医保目录限价信息: items that have a ceiling."""
    rows = [
        {
            "hilist_code": item.med_list_codg,
            "hilist_lmtpric_type": "101",
            "overlmt_dspo_way": "1",
            "hilist_pric_uplmt_amt": (Decimal(item.price_limit_fen) / 100).quantize(Decimal("0.000001")),
            **_dates(item, call),
        }
        for item in _payable()
        if item.price_limit_fen is not None
    ]
    return _asked_for(call, rows, ("hilist_code", "hilist_lmtpric_type", "overlmt_dspo_way", "vali_flag"))


@transaction("1319")
def self_pay(call: Call) -> dict[str, Any]:
    """医保目录先自付比例信息: what a person pays first, 0 for 甲, all of it for 自费."""
    rows = [
        {
            "hilist_code": item.med_list_codg,
            "selfpay_prop_psn_type": "0",
            "selfpay_prop_type": "1",
            "selfpay_prop": setlinfo.ratio({"01": 0, "03": 10_000}.get(item.level, item.first_pay_bp)),
            **_dates(item, call),
        }
        for item in _payable()
    ]
    return _asked_for(call, rows, ("hilist_code", "selfpay_prop_psn_type", "selfpay_prop_type", "vali_flag"))


@transaction("1901")
def dictionary(call: Call) -> dict[str, Any]:
    """字典表查询: the values of one dictionary, by the name of the field that uses it."""
    data = fields.node(call.input, "data")
    fields.check(data, DICTIONARY)
    name, parent = fields.text(data, "type", 30), fields.text(data, "parentValue", 10)
    values = dictionaries.DICTIONARIES.get(name.lower())
    if values is None or parent or fields.text(data, "valiFlag", 3) == "0":
        raise Refused("NOTHING")
    rows = enumerate(values.items(), 1)
    return {"list": [_entry(name, value, label, place) for place, (value, label) in rows]}


def _entry(name: str, value: str, label: str, place: int) -> dict[str, Any]:
    about = {"type": name, "label": label, "value": value, "parent_value": ""}
    return {**about, "sort": place, "vali_flag": "1", "create_user": "", "create_date": UPDATED, "version": "1"}


def _payable() -> list[Item]:
    """What can be in an insurance order."""
    return [item for item in world().items.values() if item.kind in sale.PAYABLE]


def _list_type(item: Item) -> str:
    return "101" if item.kind == "drug" else "301"


def _dates(item: Item, call: Call) -> dict[str, Any]:
    return {
        "insu_admdvs": policy.in_force(call.received_at.date()).region,
        "begndate": "2022-01-01",
        "enddate": None,
        "memo": item.spec,
        "vali_flag": "1",
        "rid": item.code,
        "updt_time": UPDATED,
    }


def _asked_for(call: Call, rows: list[dict[str, Any]], exact: tuple[str, ...]) -> dict[str, Any]:
    """The page of rows whose `exact` fields are as asked."""
    data = fields.node(call.input, "data")
    since = fields.text(data, "updt_time", 19, needed=True)
    number = fields.whole(data, "page_num", 1, 9999)
    size = fields.whole(data, "page_size", 1, PAGE_AT_MOST)
    wanted = {name: value for name in exact if (value := fields.text(data, name, 50))}
    rows = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
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
    return {
        "hilist_code": item.med_list_codg,
        "hilist_name": item.name,
        "med_chrgitm_type": setlinfo.charge_type(item),
        "chrgitm_lv": item.level,
        "lmt_used_flag": "0",
        "list_type": _list_type(item),
        "med_use_flag": "1",
        "matn_used_flag": "0",
        "hilist_use_type": "1",
        "lmt_cpnd_type": "0",
        "wubi": "",
        "pinyin": "",
        **_dates(item, call),
    }

"""1301 西药中成药目录下载: a zip with one tab-separated text file, in the order two import tables agree on.

The columns of the other download transactions (1302-1315) are not in public sources: they answer that there is
nothing to download.
"""

import io
import zipfile
from datetime import timedelta
from typing import Any

from mock_providers import switches
from mock_providers.national import fields, files, policy
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.texts import Refused
from mock_providers.people import Item, world

VERSION, MADE = "F001", "2025-01-01 00:00:00"
OTHERS = ("1302", "1303", "1305", "1306", "1307", "1308", "1309", "1310", "1311", "1313", "1314", "1315")
COLUMNS = (
    *("med_list_codg", "drug_prodname", "genname_codg", "drug_genname", "chemname", "alis", "eng_name", "reg_name"),
    *("drugstdcode", "drug_dosform", "drug_dosform_name", "drug_type", "drug_type_name", "drug_spec"),
    *("drug_spec_code", "reg_dosform", "reg_spec", "reg_spec_code", "each_dos", "used_frqu", "acdbas"),
    *("nat_drug_no", "used_mtd", "tcmpat_flag", "prodplac_type", "prodplac_type_name", "prcunt_type", "otc_flag"),
    *("otc_flag_name", "pacmatl", "pacmatl_name", "pacspec", "pac_cnt", "efcc_atd", "rute", "manl", "begndate"),
    *("enddate", "min_useunt", "min_salunt", "min_unt", "min_pac_cnt", "min_pacunt", "min_prepunt"),
    *("minpacunt_name", "min_prepunt_name", "convrat", "drug_expy", "min_prcunt", "wubi", "pinyin", "subpck_fcty"),
    *("prodentp_code", "prodentp_name", "sp_lmtpric_drug_flag", "sp_drug_flag", "lmt_usescp", "lmt_used_flag"),
    *("drug_regno", "drug_regcert_begndate", "drug_regcert_enddate", "aprvno", "aprvno_begndate"),
    *("aprvno_enddate", "mkt_stas", "mkt_stas_name", "drug_reg_appvletr_elecacs", "splm_appy_appvletr_file"),
    *("nat_hi_druglist_memo", "bas_medn_flag_name", "bas_medn_flag", "advaltax_adjm_drug_flag"),
    *("advaltax_adjm_drug_name", "lstd_druglist_drug", "hi_nego_drug_flag", "hi_nego_drug_name", "nhc_drug_codg"),
    *("memo", "vali_flag", "rid", "crte_time", "updt_time", "ver", "ver_name", "chld_medc", "co_name"),
    *("conseval_drug", "dstr", "dstr_coner", "dstr_auth_file_elecacs", "nat_hi_druglist_dosform"),
    "nat_hi_druglist_chrgitm_lv",
)
ASKED = fields.table("ver C20")
switches.declare(
    "national.catalogue_downloads",
    "1301",
    ("1301",),
    kind="choice",
    source="nhsa §2.11",
    why="only the columns of 1301 are public; 1302 to 1315 answer 未查询到任何有效相关的记录",
)


@transaction("1301")
def drugs(call: Call) -> dict[str, Any]:
    """Western and patent medicine. `ver` 0 or empty: all of it; the newest version already held: nothing."""
    held = _version(call)
    rows = [] if held == VERSION else [_row(item, call) for item in world().items.values() if item.kind == "drug"]
    if held not in ("", "0", VERSION) and held > VERSION:
        raise Refused("NOTHING")
    text = "".join("\t".join(row[name] for name in COLUMNS) + "\n" for row in rows)
    name = f"xiyao_{VERSION}.txt"
    made = files.keep(call.envelope["fixmedins_code"], f"{name}.zip", zipped(name, text.encode()))
    return {
        "file_qury_no": made.number,
        "filename": made.filename,
        "dld_end_time": (call.received_at + timedelta(days=7)).strftime("%Y-%m-%d %H:%M:%S"),
        "data_cnt": len(rows),
    }


def _version(call: Call) -> str:
    data = fields.node(call.input, "data")
    fields.check(data, ASKED)
    return fields.text(data, "ver", 20)


def zipped(name: str, content: bytes) -> bytes:
    """One file in a zip; the same content gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _row(item: Item, call: Call) -> dict[str, str]:
    region = policy.in_force(call.received_at.date()).region
    is_patent = item.med_list_codg.startswith("Z")
    known = {
        "med_list_codg": item.med_list_codg,
        "drug_prodname": item.name,
        "drug_genname": item.name,
        "reg_name": item.name,
        "drug_type": "2" if is_patent else "1",
        "drug_type_name": "中成药" if is_patent else "西药",
        "drug_spec": item.spec,
        "reg_spec": item.spec,
        "tcmpat_flag": "1" if is_patent else "0",
        "otc_flag": "0" if item.prescription else "1",
        "otc_flag_name": "处方药" if item.prescription else "非处方药",
        "pacspec": item.spec,
        "begndate": "2022-01-01",
        "prodentp_name": "样例药业",
        "lmt_used_flag": "0",
        "mkt_stas": "1",
        "mkt_stas_name": "正常",
        "bas_medn_flag": "0",
        "bas_medn_flag_name": "否",
        "hi_nego_drug_flag": "1" if item.negotiated else "0",
        "hi_nego_drug_name": "是" if item.negotiated else "否",
        "memo": f"样例 {region}",
        "vali_flag": "1",
        "rid": item.code,
        "crte_time": MADE,
        "updt_time": MADE,
        "ver": VERSION,
        "ver_name": f"西药中成药_{VERSION}",
        "nat_hi_druglist_chrgitm_lv": item.level,
    }
    return {name: known.get(name, "") for name in COLUMNS}


def _nothing(call: Call) -> dict[str, Any]:
    _version(call)
    raise Refused("NOTHING")


for number in OTHERS:
    transaction(number)(_nothing)

"""The institutions' gateway: 1101 who somebody is, 1201 institutions, 1312 the catalogue, 2101 the price."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from yibao import clock, ids
from yibao.money import yuan
from yibao.providers.http import Unreachable, VendorRefused, send
from yibao.providers.national.facts import (
    CERT_TYPES,
    PHARMACY_PURCHASE,
    Institution,
    Insurance,
    Line,
    Person,
    Split,
    amount,
    credentials,
    insured,
    parsed,
    reason_of,
)

IDENTITY_CARD, OTHER_DOCUMENT = "02", "99"
INSTITUTION_TYPES = {"hospital": "1", "pharmacy": "2"}
SERIALS = itertools.count(clock.wall_ns() // 1000)  # not where the process before began


def person(name: str, id_type: str, id_number: str) -> Person:
    """1101: who has this document. VendorRefused UNKNOWN_PERSON, NOT_INSURED, DECEASED … if nobody."""
    is_card = id_type == "id_card"
    data = {
        "mdtrt_cert_type": IDENTITY_CARD if is_card else OTHER_DOCUMENT,
        "mdtrt_cert_no": id_number,
        "psn_cert_type": CERT_TYPES[id_type],
        "certno": id_number,
        "psn_name": name,
    }
    output = _gateway("1101", {"data": data})
    base = output.get("baseinfo") or {}
    if not base.get("psn_no"):
        raise Unreachable("1101 answered without baseinfo")
    rows = [_insurance(row) for row in output.get("insuinfo") or []]
    return Person(
        psn_no=str(base["psn_no"]),
        name=str(base.get("psn_name", "")),
        id_type=id_type,
        id_number=str(base.get("certno", "")).upper(),
        gender={"1": "male", "2": "female"}.get(str(base.get("gend", "")), ""),
        born_on=_day(base.get("brdy")),
        insurances=tuple(sorted(rows, key=lambda row: row.status != "1")),
        mother_id_number=_mother(base.get("exp_content")),
    )


def _mother(extension: Any) -> str:
    """The mother's ID number a birth certificate names, where the region puts it into `exp_content`."""
    try:
        told = json.loads(extension)
    except (TypeError, ValueError):
        return ""
    return str(told.get("mother_certno") or "").upper() if isinstance(told, dict) else ""


def institution(code: str) -> Institution:
    """1201: a designated institution by its code. VendorRefused UNKNOWN_INSTITUTION if there is none."""
    output = _gateway("1201", {"medinsinfo": {"fixmedins_type": _kind_of(code), "fixmedins_code": code}})
    for row in output.get("medinsinfo") or []:
        if row.get("fixmedins_code") == code:
            return _institution(row)
    raise VendorRefused("national", "UNKNOWN_INSTITUTION", "not a designated institution")


def institutions(kind: str) -> list[Institution]:
    """1201 without a code: every designated hospital or pharmacy."""
    output = _gateway("1201", {"medinsinfo": {"fixmedins_type": INSTITUTION_TYPES[kind]}})
    return sorted((_institution(row) for row in output.get("medinsinfo") or []), key=lambda found: found.code)


def catalogue_page(page: int, size: int, on: date, name: str = "", code: str = "") -> dict[str, Any]:
    """1312: a page of the insurance catalogue: {"data": [...], "recordCounts": …} as the platform gives it."""
    data = {
        "query_date": on.isoformat(),
        "hilist_code": code,
        "hilist_name": name,
        "updt_time": f"{on.isoformat()} 00:00:00",
        "page_num": page,
        "page_size": size,
    }
    return _gateway("1312", {"data": data})


def preview(
    patient: Person,
    institution_code: str,
    lines: Sequence[Line],
    at: datetime,
    use_account: bool = True,
    visit_kind: str = PHARMACY_PURCHASE,
) -> Split:
    """2101: what each side would pay. Nothing is booked. VendorRefused SPLIT_MISMATCH if it does not add up."""
    insurance = insured(patient)
    moment = at.strftime("%Y-%m-%d %H:%M:%S")
    bill = {
        "psn_no": patient.psn_no,
        "mdtrt_cert_type": IDENTITY_CARD if patient.id_type == "id_card" else OTHER_DOCUMENT,
        "mdtrt_cert_no": patient.id_number,
        "begntime": moment,
        "medfee_sumamt": yuan(sum(line.amount_fen for line in lines)),
        "insutype": insurance.kind,
        "acct_used_flag": "1" if use_account else "0",
        "med_type": visit_kind,
    }
    detail = [_gateway_line(line, moment) for line in lines]
    output = _gateway("2101", {"druginfo": bill, "drugdetail": detail}, institution_code, insurance.area)
    return _split(output.get("setlinfo") or {})


def gateway_signature(timestamp: str, secret: str, nonce: str) -> str:
    """SHA-256 of the four joined; the body is not covered."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def _gateway(infno: str, content: Mapping[str, Any], institution_code: str = "", area: str = "") -> dict[str, Any]:
    account = credentials()
    code = institution_code or account["fixmedins_code"]
    stamp, nonce = str(clock.wall_unix()), ids.nonce()
    envelope = {
        "infno": infno,
        "msgid": message_id(code),
        "mdtrtarea_admvs": code[1:7],
        "insuplc_admdvs": area,
        "recer_sys_code": account.get("recer_sys_code", "FSI_LOCAL"),
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "",
        "infver": "V1.0",
        "opter_type": "3",
        "opter": "yibao",
        "opter_name": "小程序",
        "inf_time": clock.now().strftime("%Y-%m-%d %H:%M:%S"),
        "fixmedins_code": code,
        "fixmedins_name": account.get("fixmedins_name", "海南医保小程序"),
        "sign_no": "",
        "input": content,
    }
    headers = {
        "Content-Type": "application/json",
        "x-tif-paasid": account["paas_id"],
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": gateway_signature(stamp, account["secret"], nonce),
    }
    url = account["gateway_url"]
    body = json.dumps(envelope, ensure_ascii=False).encode()
    answer = parsed(send("POST", url, base_url=url, headers=headers, body=body))
    if str(answer.get("infcode")) != "0":
        message = str(answer.get("err_msg") or "")
        if "infcode" not in answer:
            raise Unreachable(f"{infno} answered without infcode")
        raise VendorRefused("national", reason_of(message) or str(answer["infcode"]), message)
    output = answer.get("output")
    if not isinstance(output, dict):
        raise Unreachable(f"{infno} answered without output")
    return output


def message_id(institution_code: str) -> str:
    """Institution code (12), wall time (14), serial (4): unique for as long as anybody keeps it."""
    moment = datetime.fromtimestamp(clock.wall_unix(), clock.CHINA)
    return f"{institution_code}{moment:%Y%m%d%H%M%S}{next(SERIALS) % 10_000:04d}"


def _insurance(row: Mapping[str, Any]) -> Insurance:
    return Insurance(
        kind=str(row.get("insutype", "")),
        person_type=str(row.get("psn_type", "")),
        status=str(row.get("psn_insu_stas") or ""),
        area=str(row.get("insuplc_admdvs", "")),
        balance_fen=amount(row, "balc"),
        paused_on=str(row.get("paus_insu_date") or ""),
    )


def _institution(row: Mapping[str, Any]) -> Institution:
    kinds = {number: kind for kind, number in INSTITUTION_TYPES.items()}
    return Institution(
        code=str(row.get("fixmedins_code", "")),
        name=str(row.get("fixmedins_name", "")),
        kind=kinds.get(str(row.get("fixmedins_type")), "other"),
        level=str(row.get("hosp_lv") or ""),
        raw=dict(row),
    )


def _gateway_line(line: Line, moment: str) -> dict[str, Any]:
    return {
        "feedetl_sn": line.serial,
        "rxno": line.prescription_no,
        "rx_circ_flag": "1" if line.prescription_no else "0",
        "fee_ocur_time": moment,
        "med_list_codg": line.list_code,
        "medins_list_codg": line.own_code,
        "det_item_fee_sumamt": yuan(line.amount_fen),
        "cnt": str(line.quantity),
        "pric": yuan(line.price_fen),
        "drugtracinfo": [{"drug_trac_codg": code} for code in line.trace_codes],
    }


def _split(info: Mapping[str, Any]) -> Split:
    """`setlinfo` as fen. Every identity of nhsa §2.5 that concerns money is held against it."""
    total, pooled = amount(info, "medfee_sumamt"), amount(info, "fund_pay_sumamt")
    account, mutual = amount(info, "acct_pay"), amount(info, "acct_mulaid_pay")
    cash, part = amount(info, "psn_cash_pay"), amount(info, "psn_part_amt")
    classes = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    holds = (
        total == sum(amount(info, name) for name in classes)
        and total == pooled + part + amount(info, "hosp_part_amt")
        and part == account + cash
        and total == pooled + account + cash
        and 0 <= mutual <= account
        and min(total, pooled, cash) >= 0
    )
    if not holds or total == 0:
        raise VendorRefused("national", "SPLIT_MISMATCH", "the parts of the settlement do not add up")
    return Split(
        total_fen=total,
        pooled_fen=pooled,
        own_fen=account - mutual,
        mutual_fen=mutual,
        cash_fen=cash,
        balance_after_fen=amount(info, "balc"),
        visit_no=str(info.get("mdtrt_id") or ""),
        raw=dict(info),
    )


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _kind_of(code: str) -> str:
    """Institution codes begin with H (hospital-type) or P (pharmacy)."""
    return "2" if code.startswith("P") else "1"

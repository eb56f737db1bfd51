"""D005 电子处方信息查询, D006 审核结果查询, D007 取药结果查询: what became of a prescription."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import outcomes, switches
from mock_providers.db import db
from mock_providers.national import benefit, fields, ledger, prescriptions
from mock_providers.national import prescription_fields as tables
from mock_providers.national.centre import planned
from mock_providers.national.models import PrescriptionUse
from mock_providers.national.prescription_models import UploadedPrescription
from mock_providers.national.prescriptions import LONGEST_DAYS, Prescription
from mock_providers.national.spelling import camel, snake
from mock_providers.national.texts import Refused
from mock_providers.people import Item, Person, world

FORM = "%Y-%m-%d %H:%M:%S"
VERDICTS = {
    prescriptions.WAITING: ("0", "未审核", ""),
    prescriptions.ISSUED: ("1", "审核通过", "审核通过"),
    prescriptions.REJECTED: ("2", "审核不通过", "用药不适宜"),
}
TYPES = {"1": "西药处方"}

for _number in ("D005", "D006", "D007"):
    outcomes.declare(f"national.{_number}", "system_error", "unavailable")
switches.declare(
    "national.rx_check_codes",
    "0_1_2",
    ("0_1_2",),
    kind="choice",
    source="newtouch-cloud/openhis Output_D006 (names only)",
    why="rx_chk_stas_codg of D006 is 0 not audited, 1 passed, 2 rejected: its values are not published",
)


def detail(data: dict[str, Any]) -> dict[str, Any]:
    """D005: a prescription, for any institution that names its patient. Run out, used, revoked: told, not refused."""
    found, row = _asked(data)
    planned("national.D005", found.person, found.number)
    place, used = world().institutions[found.institution], prescriptions.is_used(found)
    dual = any(world().items[code].dual_channel for code in found.items)
    attribute = (row.asked["rx_exra_attr_code"] if row else "") or ("01" if dual else "02")
    business = row.asked["biz_type_code"] if row else "01"
    return {
        "hiRxno": found.number,
        "fixmedinsCode": place.code,
        "fixmedinsName": place.name,
        **_states(found),
        "prscTime": found.issued_at.strftime(FORM),
        "valiDays": str(found.valid_days),
        "valiEndTime": found.valid_until.strftime(FORM),
        "longRxFlag": "1" if found.long else "0",
        "bizTypeCode": business,
        "bizTypeName": tables.BUSINESS[business],
        "rxExraAttrCode": attribute,
        "rxExraAttrName": tables.ATTRIBUTES[attribute],
        "rxPaperFlag": "0" if found.electronic else "1",
        **(_uploaded(row, used) if row else _sample(found, used)),
    }


def audit(data: dict[str, Any]) -> dict[str, Any]:
    """D006: what the pharmacist said of it."""
    found, row = _asked(data, of_issuer=True)
    planned("national.D006", found.person, found.number)
    verdict, at = (prescriptions.audit_of(row), row.checked_at) if row else (prescriptions.ISSUED, found.issued_at)
    code, name, opinion = VERDICTS[verdict]
    said = prescriptions.status(found)
    return {
        "hiRxno": found.number,
        "pharName": row.signed["phar_name"] if row else "样药师",
        "pharCode": row.signed["phar_code"] if row else "HY460000000001",
        "rxChkStasCodg": code,
        "rxChkStasName": name,
        "rxChkOpnn": opinion,
        "rxChkTime": "" if verdict == prescriptions.WAITING or at is None else at.strftime(FORM),
        "rxStasCodg": said[0],
        "rxStasName": said[1],
    }


def taken(data: dict[str, Any]) -> dict[str, Any]:
    """D007: whether it was filled, when, and with what."""
    found, row = _asked(data, of_issuer=True)
    planned("national.D007", found.person, found.number)
    return {"hiRxno": found.number, **_states(found), **_filled(found, row)}


def _asked(data: dict[str, Any], of_issuer: bool = False) -> tuple[Prescription, UploadedPrescription | None]:
    """What was asked for, if who is named fits. Raises Refused."""
    asked = snake(data)
    fields.check(asked, tables.QUERY)
    if fields.text(asked, "fixmedins_code", 20) not in world().institutions:
        raise Refused("SIM-INST")
    found = prescriptions.find(fields.text(asked, "hi_rxno", 30))
    if found is None:
        raise Refused("SIM-NORX")
    patient, row = world().people[found.person], prescriptions.uploaded(found.number)
    shown = (fields.text(asked, "certno", 50).upper(), fields.text(asked, "psn_name", 50))
    if shown != (patient.id_number, patient.name):
        raise Refused("SIM-RXPERSON")
    if of_issuer and fields.text(asked, "fixmedins_code", 20) != found.institution:
        raise Refused("SIM-RXNOTOURS")
    if row and fields.text(asked, "mdtrt_id", 30, needed=of_issuer) not in ("", row.mdtrt_id):
        raise Refused("SIM-MDTRT")
    return found, row


def _states(found: Prescription) -> dict[str, str]:
    is_valid = prescriptions.status(found)
    used = prescriptions.USED if prescriptions.is_used(found) else prescriptions.UNUSED
    return {
        "rxStasCodg": is_valid[0],
        "rxStasName": is_valid[1],
        "rxUsedStasCodg": used[0],
        "rxUsedStasName": used[1],
    }


def _filled(found: Prescription, row: UploadedPrescription | None) -> dict[str, Any]:
    """The settlement that used a prescription. A sample that was used beforehand has none."""
    use = db.session.scalar(select(PrescriptionUse).where(PrescriptionUse.rxno == found.number))
    made = ledger.settlement(use.setl_id) if use else None
    if made is None:
        return {"setlTime": found.issued_at.strftime(FORM) if use else "", "seltdelts": []}
    forms = {line["med_list_codg"]: line["drug_dosform"] for line in (row.asked["rxdrugdetail"] if row else [])}
    lines = [line for line in made.detail["lines"] if line.get("rxno") == found.number]
    return {
        "setlTime": made.at.strftime(FORM),
        "seltdelts": [_sold(line, forms.get(line["med_list_codg"], "")) for line in lines],
    }


def _sold(line: Mapping[str, Any], form: str) -> dict[str, str]:
    item = world().by_list_code[line["med_list_codg"]]
    return {
        "medListCodg": item.med_list_codg,
        "drugGenname": item.name,
        "drugProdname": item.name,
        "drugDosform": form,
        "drugSpec": item.spec,
        "cnt": line["cnt"],
        "takeDrugFlag": "1",
    }


# D005 of an uploaded prescription: what the hospital sent


def _uploaded(row: UploadedPrescription, used: bool) -> dict[str, Any]:
    asked, patient = row.asked, world().people[row.person]
    whole = ("rx_used_way_codg", "rx_used_way_name", "rx_frqu_codg", "rx_frqu_name", "rx_dosunt", "rx_doscnt")
    visit = {
        **asked["mdtrtinfo"],
        "insutype": patient.insurance.type if patient.insurance else "",
        "phar_name": row.signed["phar_name"],
        "phar_chk_time": row.signed["phar_chk_time"],
    }
    lines = [{**line, "take_drug_flag": "1" if used else "0"} for line in asked["rxdrugdetail"]]
    return {
        **camel({name: asked[name] for name in (*whole, "rx_drord_dscr", "rx_drug_cnt", "rx_type_code")}),
        "rxTypeName": TYPES.get(asked["rx_type_code"], ""),
        "reptFlag": asked["rept_flag"] or "0",
        "rxDetlList": camel(lines),
        "rxOtpinfo": camel(visit),
        "rxDiseList": camel(asked["diseinfo"]),
    }


# D005 of a sample


def _sample(found: Prescription, used: bool) -> dict[str, Any]:
    items = [(world().items[code], packs) for code, packs in found.items.items()]
    return {
        "rxDrugCnt": f"{sum(found.items.values())}.00",
        "reptFlag": "0",
        "rxTypeCode": "1",
        "rxTypeName": TYPES["1"],
        "rxDetlList": [_line(item, packs, found, used) for item, packs in items],
        "rxOtpinfo": _visit(found, world().people[found.person]),
        "rxDiseList": [_diagnosis(found)],
    }


def _line(item: Item, packs: int, found: Prescription, used: bool) -> dict[str, str]:
    days = LONGEST_DAYS if found.long else 7
    return {
        "medListCodg": item.med_list_codg,
        "drugGenname": item.name,
        "drugProdname": item.name,
        "drugSpec": item.spec,
        "medcWayCodg": "1",
        "medcWayDscr": "口服",
        "medcBegntime": found.issued_at.strftime(FORM),
        "medcEndtime": _after(found.issued_at, days),
        "medcDays": f"{days}.00",
        "drugCnt": f"{packs}.0000",
        "drugDosunt": "盒",
        "otcFlag": "0" if item.prescription else "1",
        "takeDrugFlag": "1" if used else "0",
    }


def _after(at: datetime, days: int) -> str:
    return (at + timedelta(days=days)).strftime(FORM)


def _visit(found: Prescription, patient: Person) -> dict[str, str]:
    return {
        "medType": "11",
        "iptOtpNo": f"OP{found.number}",
        "otpIptFlag": "1",
        "patnName": patient.name,
        "patnAge": f"{benefit.age_on(patient.born_on, found.issued_at.date())}.0",
        "gend": "1" if patient.gender == "male" else "2",
        "psnNo": patient.psn_no,
        "certno": patient.id_number,
        "insutype": patient.insurance.type if patient.insurance else "",
        "prscDeptName": "全科",
        "prscDrName": "样医生",
        "pharName": "样药师",
        "pharChkTime": found.issued_at.strftime(FORM),
        "mdtrtTime": found.issued_at.strftime(FORM),
        "spDiseFlag": "0",
        "maindiagCode": found.diagnosis[0],
        "maindiagName": found.diagnosis[1],
    }


def _diagnosis(found: Prescription) -> dict[str, str]:
    code, name = found.diagnosis
    return {
        "diagType": "1",
        "maindiagFlag": "1",
        "diagSrtNo": "1",
        "diagCode": code,
        "diagName": name,
        "diagDept": "全科",
        "diagDrName": "样医生",
        "diagTime": found.issued_at.strftime(FORM),
    }

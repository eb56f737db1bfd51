"""What was done: 5201 visits, 5203 a settlement, 5204 its lines, 5206 yearly sums, 5301 chronic diseases (§2.10)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from mock_providers import switches
from mock_providers.db import CHINA, db
from mock_providers.national import fields, policy, setlinfo
from mock_providers.national.amounts import yuan
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.insured import insured_person
from mock_providers.national.models import Encounter, Settlement
from mock_providers.national.person import Standing, beginning, counter_of, standing
from mock_providers.national.texts import Refused
from mock_providers.national.transactions import hospital_level
from mock_providers.people import Person, world

VISITS = fields.table("""
psn_no C30 Y
begntime DT
endtime DT
med_type C6 med_type
mdtrt_id C30
""")
ONE = fields.table("""
psn_no C30 Y
setl_id C30 Y
mdtrt_id C30 Y
""")
LINES = fields.table("""
psn_no C30 Y
setl_id C30
mdtrt_id C30 Y
""")
SUMS = fields.table("""
psn_no C30 Y
cum_ym C6
""")
PERSON = fields.table("psn_no C30 Y")
DEDUCTIBLE, POOLED = "01", "02"
MONTH = re.compile(r"|(19|20)[0-9]{2}(0[1-9]|1[0-2])?")
switches.declare(
    "national.query_scope",
    "own",
    ("own", "all"),
    kind="choice",
    source="nhsa §2.10",
    why="whether 5201 to 5204 show an institution its own settlements, or everybody's",
)
switches.declare(
    "national.cum_type_code",
    "01_02",
    ("01_02",),
    kind="choice",
    source="nhsa §2.10 (SIM)",
    why="cum_type_code has no public dictionary: 01 deductible used, 02 pooled fund used; with cum_ym of six digits "
    "what one month added, else the year",
)


def _mine(call: Call) -> list[Any]:
    own = switches.value("national.query_scope") == "own"
    return [Settlement.institution == call.envelope["fixmedins_code"]] if own else []


@transaction("5201")
def visits(call: Call) -> dict[str, Any]:
    """就诊信息: encounters and pharmacy purchases of a person, newest last."""
    data = fields.node(call.input, "data")
    fields.check(data, VISITS)
    person = insured_person(call, data)
    patient = standing(person)
    rows = [*_encounters(call, data, patient), *_purchases(call, data, patient)]
    kind = fields.text(data, "med_type", 6)
    found = [row for _, row in sorted(rows, key=lambda pair: pair[0]) if kind in ("", row["med_type"])]
    if not found:
        raise Refused("NOTHING")
    return {"mdtrtinfo": found}


def _within(data: Mapping[str, Any], at: Any, mdtrt_id: Any) -> list[Any]:
    """Conditions for the period and the encounter that were asked for."""
    first, last = fields.moment(data, "begntime", False), fields.moment(data, "endtime", False)
    wanted = [at >= first] if first else []
    if last:
        wanted.append(at <= last)
    if number := fields.text(data, "mdtrt_id", 30):
        wanted.append(mdtrt_id == number)
    return wanted


def _encounters(call: Call, data: Mapping[str, Any], patient: Standing) -> list[tuple[datetime, dict[str, Any]]]:
    wanted = select(Encounter).where(
        Encounter.person == patient.person.id,
        Encounter.cancelled.is_(False),
        *_within(data, Encounter.begun_at, Encounter.mdtrt_id),
    )
    if switches.value("national.query_scope") == "own":
        wanted = wanted.where(Encounter.institution == call.envelope["fixmedins_code"])
    rows = []
    for one in db.session.scalars(wanted):
        visit = one.visit or {}
        kind = visit.get("med_type") or "11"
        about = {name: one.registered.get(name) for name in ("dept_code", "dept_name", "atddr_no", "dr_name", "caty")}
        row = _visit(patient, one.mdtrt_id, one.institution, one.insutype, one.begun_at, kind)
        rows.append((one.begun_at, {**row, **about, "ipt_otp_no": one.ipt_otp_no, **_disease(visit)}))
    return rows


def _purchases(call: Call, data: Mapping[str, Any], patient: Standing) -> list[tuple[datetime, dict[str, Any]]]:
    wanted = select(Settlement).where(
        Settlement.person == patient.person.id,
        Settlement.kind != "outpatient",
        *_mine(call),
        *_within(data, Settlement.at, Settlement.mdtrt_id),
    )
    rows = []
    for one in db.session.scalars(wanted):
        if one.refund_of:
            continue
        kind = one.setlinfo["med_type"]
        row = _visit(patient, one.mdtrt_id, one.institution, one.insutype, one.at, kind)
        rows.append((one.at, {**row, "ipt_otp_no": "", **_disease(one.detail.get("head") or {})}))
    return rows


def _visit(
    patient: Standing, mdtrt_id: str, institution: str, insutype: str, at: datetime, med_type: str
) -> dict[str, Any]:
    return {
        "mdtrt_id": mdtrt_id,
        **setlinfo.facts(patient.person, at),
        "insutype": insutype,
        "psn_type": patient.person_type,
        "insu_optins": patient.area,
        "begntime": at.strftime("%Y-%m-%d %H:%M:%S"),
        "endtime": at.strftime("%Y-%m-%d %H:%M:%S"),
        "mdtrt_cert_type": "02",
        "med_type": med_type,
        "fixmedins_code": institution,
        "fixmedins_name": world().institutions[institution].name,
        "vali_flag": "1",
    }


def _disease(source: Mapping[str, Any]) -> dict[str, Any]:
    return {name: source.get(name) or "" for name in ("dise_codg", "dise_name")}


def _settlement(call: Call, data: Mapping[str, Any], person: Person) -> Settlement:
    """The settlement the numbers name. A 2601 leaves none. Raises Refused SIM-NOSETL."""
    mdtrt_id, setl_id = fields.text(data, "mdtrt_id", 30), fields.text(data, "setl_id", 30)
    named = Settlement.setl_id == setl_id if setl_id else Settlement.mdtrt_id == mdtrt_id
    anybodys = switches.value("national.query_scope") == "all"
    for row in db.session.scalars(select(Settlement).where(named).order_by(Settlement.id)):
        is_mine = anybodys or row.institution == call.envelope["fixmedins_code"]
        if is_mine and (row.person, row.mdtrt_id) == (person.id, mdtrt_id):
            return row
    raise Refused("SIM-NOSETL")


@transaction("5203")
def settlement(call: Call) -> dict[str, Any]:
    """结算信息: 2102's header and what the platform keeps beside it."""
    data = fields.node(call.input, "data")
    fields.check(data, ONE)
    person = insured_person(call, data)
    row = _settlement(call, data, person)
    return {
        "setlinfo": {**setlinfo.spoken(row.setlinfo), **_beside(row, person)},
        "setldetail": setlinfo.spoken(row.detail["setldetail"]),
    }


def _beside(row: Settlement, person: Person) -> dict[str, Any]:
    place, head = world().institutions[row.institution], row.detail.get("head") or {}
    info, day = setlinfo.spoken(row.setlinfo), row.at.date().isoformat()
    level = hospital_level(place)
    return {
        "flxempe_flag": "1" if person.flexible else "0",
        "nwb_flag": "0",
        "insu_optins": standing(person).area,
        "emp_name": "",
        "pay_loc": "2",
        "fixmedins_code": place.code,
        "fixmedins_name": place.name,
        "hosp_lv": level,
        "fixmedins_poolarea": policy.in_force(row.at.date()).region,
        "lmtpric_hosp_lv": level,
        "dedc_hosp_lv": level,
        "begndate": day,
        "enddate": day,
        "psn_pay": info["psn_part_amt"],
        "cash_payamt": info["psn_cash_pay"],
        "refd_setl_flag": "1" if row.refunded or row.refund_of else "0",
        "year": str(row.year),
        **_disease(head),
        "invono": head.get("invono") or "",
        **_operator(row, head),
    }


def _operator(row: Settlement, head: Mapping[str, Any]) -> dict[str, str]:
    at = row.setlinfo["setl_time"]
    return {"opter_id": head.get("opter") or "", "opter_name": head.get("opter_name") or "", "opt_time": at}


@transaction("5204")
def lines(call: Call) -> Any:
    """费用明细: one row a line, as it was sent and as it was cut. The output is the array itself."""
    data = fields.node(call.input, "data")
    fields.check(data, LINES)
    row = _settlement(call, data, insured_person(call, data))
    sent, cuts = row.detail["lines"], setlinfo.spoken(row.detail["detlcutinfo"])
    return [_line(row, given, cut) for given, cut in zip(sent, cuts, strict=True)]


SENT = (
    *("sin_dos_dscr", "used_frqu_dscr", "prd_days", "medc_way_dscr", "med_list_codg", "medins_list_codg"),
    *("bilg_dept_codg", "bilg_dept_name", "bilg_dr_codg", "bilg_dr_name", "acord_dept_codg", "acord_dept_name"),
    *("orders_dr_code", "orders_dr_name", "hosp_appr_flag", "tcmdrug_used_way", "etip_flag", "etip_hosp_code"),
    *("dscg_tkdrug_flag", "matn_fee_flag"),
)


def _line(row: Settlement, given: Mapping[str, Any], cut: dict[str, Any]) -> dict[str, Any]:
    item = world().by_list_code[given["med_list_codg"]]
    list_type = "101" if item.kind == "drug" else "301"
    return {
        "mdtrt_id": row.mdtrt_id,
        "setl_id": row.setl_id,
        **cut,
        "rx_drord_no": given.get("rxno") or "",
        "med_type": row.setlinfo["med_type"],
        "fee_ocur_time": given.get("fee_ocur_time"),
        **{name: given.get(name) or "" for name in SENT},
        "hilist_code": item.med_list_codg,
        "hilist_name": item.name,
        "list_type": list_type,
        "medins_list_name": item.name,
        "prodname": item.name,
        "spec": item.spec,
        "dosform_name": "",
        "lmt_used_flag": "0",
        "hosp_prep_flag": "0",
        "prodplac_type": "",
        **_operator(row, row.detail.get("head") or {}),
    }


@transaction("5206")
def sums(call: Call) -> dict[str, Any]:
    """累计信息: what counts towards the yearly limits."""
    data = fields.node(call.input, "data")
    fields.check(data, SUMS)
    person, month = insured_person(call, data), fields.text(data, "cum_ym", 6)
    if not MONTH.fullmatch(month):
        raise Refused("SIM-FORMAT", name=fields.name_of("cum_ym"))
    year = int(month[:4]) if month else call.received_at.year
    if len(month) == 6:
        deductible, pooled = _of_month(person, year, int(month[4:]))
    else:
        counter = counter_of(person, year)
        deductible, pooled = counter.deductible_paid_fen, counter.pooled_used_fen
    about = {"insutype": standing(person).insutype, "year": str(year), "cum_ym": month or str(year)}
    said = ((DEDUCTIBLE, deductible), (POOLED, pooled))
    return {"cuminfo": [{**about, "cum_type_code": code, "cum": yuan(fen)} for code, fen in said]}


def _of_month(person: Person, year: int, month: int) -> tuple[int, int]:
    begins = datetime(year, month, 1, tzinfo=CHINA)
    ends = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CHINA)
    counted = Settlement.person == person.id, Settlement.at >= begins, Settlement.at < ends
    legs = func.sum(Settlement.deductible_fen), func.sum(Settlement.pooled_fen)
    deductible, pooled = db.session.execute(select(*legs).where(*counted)).one()
    return deductible or 0, pooled or 0


@transaction("5301")
def chronic(call: Call) -> dict[str, Any]:
    """慢特病备案."""
    data = fields.node(call.input, "data")
    fields.check(data, PERSON)
    person = insured_person(call, data)
    known = beginning()["chronic"].get(person.id)
    if not known:
        raise Refused("NOTHING")
    return {"feedetail": [_record(one) for one in known]}


def _record(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "opsp_dise_code": one["code"],
        "opsp_dise_name": one["name"],
        "begndate": one["begins"].isoformat(),
        "enddate": one["ends"].isoformat() if "ends" in one else None,
    }

"""Signing in, who a person is, which institutions there are, what a person is entitled to."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, serials, switches
from mock_providers.db import db
from mock_providers.national import fields, ledger, policy, sale, setlinfo
from mock_providers.national.amounts import yuan
from mock_providers.national.gateway import Call, transaction, withhold
from mock_providers.national.insured import OTHER, SOCIAL_CARD, TOKEN, insured_person, of_token
from mock_providers.national.models import SignIn
from mock_providers.national.person import Standing, has_check_character, is_sample, standing
from mock_providers.national.texts import Refused
from mock_providers.people import Institution, Person, world

SIGN_IN = fields.table("""
opter_no C20 Y
mac C20 Y
ip C20 Y
""")
SIGN_OUT = fields.table("""
sign_no C30 Y
opter_no C20 Y
""")
PERSON = fields.table("""
mdtrt_cert_type C3 Y mdtrt_cert_type
mdtrt_cert_no C50 Y
card_sn C32
begntime DT
psn_cert_type C6 psn_cert_type
certno C50
psn_name C50
""")
INSTITUTION = fields.table("""
fixmedins_type C6 Y fixmedins_type
fixmedins_name C200
fixmedins_code C12
""")
ENTITLEMENT = fields.table("""
psn_no C30 Y
insutype C6 Y insutype
fixmedins_code C12 Y
med_type C6 Y med_type
begntime DT Y
endtime DT
dise_codg C30
dise_name C500
oprn_oprt_code C30
oprn_oprt_name C500
matn_type C6
birctrl_type C6
""")
HOSPITAL_LEVELS = {"dictionary": {3: "02", 2: "05", 1: "08", 0: "11"}, "digit": {3: "3", 2: "2", 1: "1", 0: "0"}}
switches.declare(
    "national.newborn",
    "answered",
    ("answered", "refused"),
    kind="choice",
    source="domain §2.4, P06; nhsa §2.2",
    why="1101 by birth certificate of a newborn not yet insured: person, insuinfo [] and the mother in exp_content "
    "(SIM), or 该参保人的参保信息为空 as for everybody else",
)
switches.declare(
    "national.hosp_lv",
    "dictionary",
    ("dictionary", "digit"),
    kind="choice",
    source="nhsa §2.3 (INF)",
    why="1201 hosp_lv as 02 05 08 11 (grade A of each level, unrated), or as the level's digit",
)
switches.declare(
    "national.not_synced_person",
    "refused",
    ("refused",),
    kind="choice",
    source="domain P13 (SIM)",
    why="a person not yet in the provincial copy is refused with SIM-SYNC, one registered as deceased with "
    "SIM-DECEASED: distinct texts of ours, because public sources name none",
)


@transaction("9001", "signInSignOutService/signIn")
def sign_in(call: Call) -> dict[str, Any]:
    """签到: a number for this operator, good until 9002 or the end of the day."""
    node = fields.node(call.input, "signIn" if "signIn" in call.input else "data")
    fields.check(node, SIGN_IN)
    opter_no = fields.text(node, "opter_no", 20)
    row = SignIn(sign_no=str(10_000_000 + serials.number("sign_no")), opter_no=opter_no, at=call.received_at)
    db.session.add(row)
    return {"signinoutb": {"sign_time": _time(call.received_at), "sign_no": row.sign_no}}


@transaction("9002", "signInSignOutService/signOut")
def sign_out(call: Call) -> dict[str, Any]:
    """签退."""
    node = fields.node(call.input, "signOut" if "signOut" in call.input else "data")
    fields.check(node, SIGN_OUT)
    sign_no, opter_no = fields.text(node, "sign_no", 30), fields.text(node, "opter_no", 20)
    row = db.session.scalar(select(SignIn).where(SignIn.sign_no == sign_no, SignIn.opter_no == opter_no))
    if row is None or row.ended_at:
        raise Refused("SIM-SIGN")
    row.ended_at = call.received_at
    return {"signoutoutb": {"sign_time": _time(call.received_at)}}


@transaction("1101", "fsiPsnInfoService/queryPsnInfo")
def person_info(call: Call) -> dict[str, Any]:
    """人员基本信息获取: the registered person, whatever name the caller typed."""
    data = fields.node(call.input, "data")
    person = find_person(call, data)
    now = standing(person)
    if now.deceased_on:
        raise Refused("SIM-DECEASED")
    if now.in_provincial_copy_from and clock.now() < now.in_provincial_copy_from:
        raise Refused("SIM-SYNC")
    base: dict[str, Any] = {**setlinfo.facts(person, call.received_at), "exp_content": ""}
    if not now.insutype or now.status == "0":
        base["exp_content"] = _newborn(person, call.received_at)
        return {"baseinfo": base, "insuinfo": [], "idetinfo": []}
    return {"baseinfo": base, "insuinfo": [_insurance(now)], "idetinfo": []}


def _newborn(person: Person, now: datetime) -> str:
    """The mother of a newborn who has no insurance yet. Raises Refused NO_INSURANCE for anybody else."""
    days = timedelta(days=policy.in_force(now.date()).newborn_days)
    is_newborn = person.id_type == "birth_certificate" and now.date() - person.born_on <= days
    if not is_newborn or switches.value("national.newborn") == "refused":
        raise Refused("NO_INSURANCE")
    mother = world().people[person.mother]
    return json.dumps({"mother_name": mother.name, "mother_certno": mother.id_number}, ensure_ascii=False)


def _insurance(now: Standing) -> dict[str, Any]:
    return {
        "balc": yuan(now.balance_fen),
        "insutype": now.insutype,
        "psn_type": now.person_type,
        "psn_insu_stas": now.status,
        "psn_insu_date": now.person.enrolled_on.isoformat() if now.person.enrolled_on else None,
        "paus_insu_date": now.paused_on.isoformat() if now.paused_on and now.status != "1" else None,
        "cvlserv_flag": "0",
        "insuplc_admdvs": now.area,
        "emp_name": "",
    }


def find_person(call: Call, data: Mapping[str, Any]) -> Person:
    """Whose credential this is. Raises Refused: missing fields, bad numbers, nobody."""
    for name in ("mdtrt_cert_no", "certno"):  # before anything else is found wrong
        stated = str(data.get(name) or "").strip().upper()
        if has_check_character(stated) and not is_sample(stated):
            withhold(stated)
    fields.check(data, PERSON)
    kind, shown = fields.text(data, "mdtrt_cert_type", 3), fields.text(data, "mdtrt_cert_no", 50)
    document = fields.text(data, "psn_cert_type", 6)
    if kind == TOKEN:
        return of_token(shown, call)
    if kind == SOCIAL_CARD:
        fields.text(data, "card_sn", 32, needed=True)
    number = (fields.text(data, "certno", 50) or shown).upper()
    is_card = kind != OTHER and document in ("", "01")
    if not is_sample(number):
        withhold(number)
    if is_card and not has_check_character(number):
        raise Refused("SIM-IDCHECK")
    if not is_sample(number) and has_check_character(number):
        raise Refused("SIM-REALID")
    found = world().by_number.get(number)
    if found is None or (document and document != setlinfo.CERT_TYPES[found.id_type]):
        raise Refused("NO_PERSON")
    return found


@transaction("1201", "fsiFixMedInsService/queryFixMedIns")
def institutions(call: Call) -> dict[str, Any]:
    """医药机构信息: designated institutions of a type, by code or part of the name."""
    node = fields.node(call.input, "medinsinfo")
    fields.check(node, INSTITUTION)
    kind = fields.text(node, "fixmedins_type", 6)
    code = fields.text(node, "fixmedins_code", 12)
    name = fields.text(node, "fixmedins_name", 200)
    found = [
        place
        for place in world().institutions.values()
        if "not_designated" not in place.flags
        and _kind(place) == kind
        and code in ("", place.code)
        and name in place.name
    ]
    if not found:
        raise Refused("NOTHING")
    return {"medinsinfo": [_institution(place) for place in found]}


def _kind(place: Institution) -> str:
    return "2" if place.kind == "pharmacy" else "1"


def hospital_level(place: Institution) -> str | None:
    """hosp_lv of 1201 and 5203; a pharmacy has none."""
    levels = HOSPITAL_LEVELS[switches.value("national.hosp_lv")]
    return None if place.kind == "pharmacy" else levels[place.level]


def _institution(place: Institution) -> dict[str, Any]:
    return {
        "fixmedins_code": place.code,
        "fixmedins_name": place.name,
        "uscc": place.uscc,
        "fixmedins_type": _kind(place),
        "hosp_lv": hospital_level(place),
    }


@transaction("2001", "fsiPsnPriorityInfoService/queryPsnPriorityInfo")
def entitlements(call: Call) -> dict[str, Any]:
    """人员待遇享受检查: the pooled fund, and the own account of an employee."""
    data = fields.node(call.input, "data")
    fields.check(data, ENTITLEMENT)
    insutype = fields.text(data, "insutype", 6)
    place = sale.place(fields.text(data, "fixmedins_code", 12))
    begins = fields.moment(data, "begntime")
    assert begins is not None
    patient = standing(insured_person(call, data))
    rules = policy.in_force(begins.date())
    ledger.may_settle(patient, insutype, rules)
    share = policy.benefit_bp(rules, patient.status, begins.date(), patient.paused_on, patient.resumed_on)
    pooled = bool(share) and place.pooled
    fund = setlinfo.FUND[patient.insutype]
    rows = [_entitlement(patient, fund[0], pooled, begins, "" if pooled else "不享受统筹基金待遇")]
    if patient.insutype == "310":
        usable = not patient.frozen
        rows.append(_entitlement(patient, "310200", usable, begins, "" if usable else "个人账户已冻结"))
    return {"trtinfo": rows}


def _entitlement(patient: Standing, fund: str, enjoys: bool, begins: datetime, why: str) -> dict[str, Any]:
    return {
        "psn_no": patient.person.psn_no,
        "trt_chk_type": "1",
        "fund_pay_type": fund,
        "trt_enjymnt_flag": "1" if enjoys else "0",
        "begndate": begins.date().isoformat(),
        "enddate": f"{begins.year}-12-31",
        "trt_chk_rslt": why,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")

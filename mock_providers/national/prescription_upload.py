"""How a hospital's prescription becomes one: D001 预核验, D002 医保电子签名, D003 上传, and D004 撤销."""

import hashlib
import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.national import authorisation, fields, prescriptions, wire
from mock_providers.national import prescription_fields as tables
from mock_providers.national.centre import planned
from mock_providers.national.person import standing
from mock_providers.national.prescription_models import PrescriptionRevocation, UploadedPrescription
from mock_providers.national.spelling import plain, snake
from mock_providers.national.texts import Refused
from mock_providers.national.upload import PHARMACY, check_encounter
from mock_providers.people import Institution, Person, world

TOKEN, IDENTITY_CARD, SOCIAL_CARD = "01", "02", "03"
SHORT_DAYS = 3
FILES = (b"%PDF-", b"PK\x03\x04")
BY_ONLINE_HOSPITAL, SELF_PAID, OTHER_REASON = "02", "2", "6"
REJECTED = "audit_rejected"

outcomes.declare("national.D001", "system_error", "unavailable", "timeout", "refuse")
outcomes.declare("national.D002", "system_error", "unavailable", "timeout", "refuse")
outcomes.declare("national.D003", "system_error", "unavailable", "timeout", "refuse", REJECTED)
outcomes.declare("national.D004", "system_error", "unavailable", "timeout", "refuse")
switches.declare(
    "national.rx_audit_s",
    "0",
    (),
    kind="choice",
    source="newtouch-cloud/openhis (D006 exists; who audits when is not public)",
    why="seconds from D003 until the pharmacist's audit is done; nothing is sold against a prescription before",
)
switches.declare(
    "national.rx_upload_again",
    "refused",
    ("refused", "answered"),
    kind="choice",
    source="newtouch-cloud/openhis Input_D003: a trace code works once",
    why="D003 of an uploaded prescription with the same content is refused, or answered as the first time",
)
switches.declare(
    "national.rx_signature",
    "sm2",
    ("sm2",),
    kind="choice",
    source="newtouch-cloud/openhis Input_D002, Output_D002",
    why="D002 gives the file back as it came and, as signDigest, the platform's SM2 signature of originalValue: the "
    "stamp in the file and the form of the digest are not published",
)


def check(data: dict[str, Any]) -> dict[str, Any]:
    """D001: hold a prescription against every rule and give it its numbers.

    CHOICE: until it is uploaded the same hospRxno can be checked again, changed or not, and keeps its numbers.
    """
    asked = snake(data)
    fields.check(asked, tables.HEAD)
    visit = fields.node(asked, "mdtrtinfo")
    fields.check(visit, tables.VISIT)
    lines = fields.rows(asked, "rxdrugdetail", empty="EMPTY", at_most=100)
    diagnoses = fields.rows(asked, "diseinfo", empty="EMPTY", at_most=50)
    place = _hospital(fields.text(visit, "fixmedins_code", 20))
    person = _patient(visit)
    planned("national.D001", person.id, fields.text(asked, "hosp_rxno", 40))
    check_encounter(fields.text(visit, "mdtrt_id", 30), person, place)
    _check_credential(asked, person, place)
    _check_time(asked)
    for line in lines:
        _check_line(asked, line)
    _check_diagnoses(visit, diagnoses)
    row = _row(place, fields.text(asked, "hosp_rxno", 40))
    issued, until = fields.moment(asked, "prsc_time"), fields.moment(asked, "vali_end_time")
    assert issued and until
    row.person, row.mdtrt_id, row.step = person.id, fields.text(visit, "mdtrt_id", 30), prescriptions.CHECKED
    row.issued_at, row.valid_until = issued, until
    row.asked = {
        **_kept(asked, tables.HEAD),
        "mdtrtinfo": _kept(visit, tables.VISIT),
        "rxdrugdetail": [_kept(line, tables.LINE) for line in lines],
        "diseinfo": [_kept(one, tables.DIAGNOSIS) for one in diagnoses],
        "extras": plain(asked.get("extras")),
    }
    return {"rxTraceCode": row.trace_code, "hiRxno": row.hi_rxno}


def _kept(node: Mapping[str, Any], table: tuple[fields.Field, ...]) -> dict[str, str]:
    return {field.name: fields.text(node, field.name, max(field.size, 40)) for field in table}


def _hospital(code: str) -> Institution:
    place = world().institutions.get(code)
    if place is None:
        raise Refused("SIM-INST")
    if place.kind == PHARMACY:
        raise Refused("SIM-KIND")
    return place


def _patient(visit: Mapping[str, Any]) -> Person:
    person = world().by_psn_no.get(fields.text(visit, "psn_no", 30))
    if person is None:
        raise Refused("NO_PERSON")
    if (person.id_number, person.name) != (
        fields.text(visit, "certno", 50).upper(),
        fields.text(visit, "patn_name", 40),
    ):
        raise Refused("SIM-RXPERSON")
    if standing(person).deceased_on:
        raise Refused("SIM-DECEASED")
    return person


def _check_credential(asked: Mapping[str, Any], person: Person, place: Institution) -> None:
    """What the patient showed is theirs: an ecToken, an identity card, or a social security card."""
    kind = fields.text(asked, "mdtrt_cert_type", 3)
    business = fields.text(asked, "biz_type_code", 3)
    if business not in tables.BUSINESS:
        raise Refused("SIM-FORMAT", name=fields.name_of("biz_type_code"))
    if fields.text(asked, "rx_exra_attr_code", 3) not in ("", *tables.ATTRIBUTES):
        raise Refused("SIM-FORMAT", name=fields.name_of("rx_exra_attr_code"))
    shown = fields.text(asked, "mdtrt_cert_no", 50, needed=kind != TOKEN)
    if kind == SOCIAL_CARD:
        fields.text(asked, "card_sn", 32, needed=True)
    if kind != TOKEN:
        if shown.upper() != person.id_number:
            raise Refused("SIM-CERT")
        return
    if business == BY_ONLINE_HOSPITAL:
        fields.text(asked, "auth_no", 100, needed=True)
    if authorisation.holder(fields.text(asked, "ec_token", 64, needed=True), place.code) != person.id:
        raise Refused("SIM-TOKEN")


def _check_time(asked: Mapping[str, Any]) -> None:
    """It runs for `vali_days` whole days: 3 at most, 84 if it is a long one."""
    issued, until = fields.moment(asked, "prsc_time"), fields.moment(asked, "vali_end_time")
    days = int(fields.number(asked, "vali_days", 0, 10))
    is_long = fields.text(asked, "long_rx_flag", 3) == "1"
    if not 0 < days <= (prescriptions.LONGEST_DAYS if is_long else SHORT_DAYS):
        raise Refused("SIM-RXDAYS")
    if issued is None or until != issued + timedelta(days=days):
        raise Refused("SIM-RXTIME")


def _check_line(asked: Mapping[str, Any], line: Mapping[str, Any]) -> None:
    fields.check(line, tables.LINE)
    kind = fields.text(line, "rx_item_type_code", 30)
    if kind not in (*tables.WESTERN, tables.HERBS):
        raise Refused("SIM-FORMAT", name=fields.name_of("rx_item_type_code"))
    node, wanted = (line, tables.OF_WESTERN) if kind != tables.HERBS else (asked, tables.OF_HERBS[:-1])
    for name in wanted:
        fields.text(node, name, 100, needed=True)
    if fields.text(line, "hosp_appr_flag", 3) == SELF_PAID:
        reason = fields.text(line, "self_pay_rea", 6, needed=True)
        fields.text(line, "real_dscr", 1000, needed=reason == OTHER_REASON)
    item = world().by_list_code.get(fields.text(line, "med_list_codg", 50))
    if item is None or item.kind != "drug":
        raise Refused("SIM-CAT")
    if not fields.number(line, "drug_cnt", 4, 16):
        raise Refused("SIM-FORMAT", name=fields.name_of("drug_cnt"))


def _check_diagnoses(visit: Mapping[str, Any], diagnoses: list[Mapping[str, Any]]) -> None:
    for one in diagnoses:
        fields.check(one, tables.DIAGNOSIS)
    main = [fields.text(one, "diag_code", 30) for one in diagnoses if fields.text(one, "maindiag_flag", 3) == "1"]
    if main != [fields.text(visit, "maindiag_code", 30)]:
        raise Refused("SIM-RXMAIN")


def _row(place: Institution, hosp_rxno: str) -> UploadedPrescription:
    """The prescription this hospital numbers so: a new one, or one that can still be changed. Raises Refused."""
    row = db.session.scalar(
        select(UploadedPrescription).where(
            UploadedPrescription.institution == place.code, UploadedPrescription.hosp_rxno == hosp_rxno
        )
    )
    if row is None:
        digits = serials.fresh_digits("hi_rxno", 16)
        row = UploadedPrescription(
            hi_rxno=f"{place.code[1:7]}{clock.now():%Y%m%d}{digits}",
            trace_code=serials.fresh_digits("rx_trace_code", 20),
            institution=place.code,
            hosp_rxno=hosp_rxno,
        )
        db.session.add(row)
    elif row.step == prescriptions.UPLOADED:
        raise Refused("SIM-RXDUP")
    return row


def sign(data: dict[str, Any]) -> dict[str, Any]:
    """D002: the platform's signature over what will be uploaded."""
    asked = snake(data)
    fields.check(asked, tables.SIGNING)
    original = fields.text(asked, "original_value", 60_000)
    said = _decoded(original)
    place = _hospital(fields.text(asked, "fixmedins_code", 20))
    fields.check(said, tables.SIGNED)
    row = _of_hospital(said, place)
    planned("national.D002", row.person, row.hi_rxno)
    _check_file(asked, "original_rx_file")
    if row.step == prescriptions.UPLOADED:
        raise Refused("SIM-RXUPLOADED")
    _check_same(row, said)
    file = fields.text(asked, "original_rx_file", 8_000_000)
    row.signed, row.step = _kept(said, tables.SIGNED), prescriptions.SIGNED
    row.file_digest = hashlib.sha256(file.encode()).hexdigest()
    row.sign_digest = wire.sign(original, authorisation.platform())
    return {
        "rxFile": file,
        "signDigest": row.sign_digest,
        "signCertSn": serials.derive("rx-certificate", place.code, size=16).hex().upper(),
        "signCertDn": f"C=CN,O=NHSA,T={place.uscc},CN={place.name}",
    }


def _decoded(original: str) -> Mapping[str, Any]:
    try:
        said = json.loads(b64decode(original, validate=True))
    except (NotBase64, ValueError, RecursionError) as error:
        raise Refused("SIM-FORMAT", name=fields.name_of("original_value")) from error
    if not isinstance(said, dict):
        raise Refused("SIM-FORMAT", name=fields.name_of("original_value"))
    return snake(said)


def _check_file(asked: Mapping[str, Any], name: str) -> None:
    """A PDF or an OFD (which is a zip). Raises Refused."""
    try:
        begins = b64decode(fields.text(asked, name, 8_000_000)[:64], validate=True)
    except (NotBase64, ValueError) as error:
        raise Refused("SIM-RXFILE") from error
    if not begins.startswith(FILES):
        raise Refused("SIM-RXFILE")


def _of_hospital(said: Mapping[str, Any], place: Institution) -> UploadedPrescription:
    row = prescriptions.uploaded(fields.text(said, "hi_rxno", 30))
    if row is None:
        raise Refused("SIM-NORX")
    if row.institution != place.code:
        raise Refused("SIM-RXNOTOURS")
    return row


def _check_same(row: UploadedPrescription, said: Mapping[str, Any]) -> None:
    """The trace code and the patient are those of D001. Raises Refused."""
    visit = row.asked["mdtrtinfo"]
    if fields.text(said, "rx_trace_code", 20) != row.trace_code or clock.now() > row.valid_until:
        raise Refused("SIM-RXTRACE")
    same = ("mdtrt_id", "patn_name", "psn_cert_type", "certno", "fixmedins_code", "dr_code", "prsc_dr_name")
    if any(fields.text(said, name, 200) != visit[name] for name in same):
        raise Refused("SIM-RXPERSON")


def upload(data: dict[str, Any]) -> dict[str, Any]:
    """D003: from now on it can be sold against."""
    asked = snake(data)
    fields.check(asked, tables.UPLOAD)
    place = _hospital(fields.text(asked, "fixmedins_code", 20))
    row = _of_hospital(asked, place)
    fate = planned("national.D003", row.person, row.hi_rxno)
    _check_file(asked, "rx_file")
    again = row.step == prescriptions.UPLOADED
    if again and switches.value("national.rx_upload_again") == "refused":
        raise Refused("SIM-RXUPLOADED")
    _check_same(row, asked)
    file = hashlib.sha256(fields.text(asked, "rx_file", 8_000_000).encode()).hexdigest()
    shown = (_kept(asked, tables.SIGNED), fields.text(asked, "sign_digest", 4000), file)
    if row.step == prescriptions.CHECKED or shown != (row.signed, row.sign_digest, row.file_digest):
        raise Refused("SIM-RXSIGNED")
    if not again:
        row.step, row.passed = prescriptions.UPLOADED, fate != REJECTED
        row.checked_at = clock.now() + timedelta(seconds=int(switches.value("national.rx_audit_s")))
    return _told(row.hi_rxno)


def revoke(data: dict[str, Any]) -> dict[str, Any]:
    """D004: its hospital takes it back, unless it was filled or ran out. CHOICE: once more is success again."""
    asked = snake(data)
    fields.check(asked, tables.REVOCATION)
    place = _hospital(fields.text(asked, "fixmedins_code", 20))
    found = prescriptions.find(fields.text(asked, "hi_rxno", 30))
    if found is None:
        raise Refused("SIM-NORX")
    if found.institution != place.code:
        raise Refused("SIM-RXNOTOURS")
    planned("national.D004", found.person, found.number)
    if found.state == prescriptions.REVOKED:
        return _told(found.number)
    if prescriptions.is_used(found):
        raise Refused("SIM-RXUSED")
    if clock.now() > found.valid_until:
        raise Refused("SIM-RXSTATE")
    reason = fields.text(asked, "undo_rea", 200)
    db.session.add(PrescriptionRevocation(rxno=found.number, at=clock.now(), reason=reason))
    return _told(found.number)


def _told(rxno: str) -> dict[str, Any]:
    db.session.flush()
    found = prescriptions.find(rxno)
    assert found is not None, "it was there a moment ago"
    code, name = prescriptions.status(found)
    return {"hiRxno": rxno, "rxStasCodg": code, "rxStasName": name}

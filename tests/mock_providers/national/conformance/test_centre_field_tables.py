"""nhsa.md §3.3-§3.7 and D001-D007, every field of every table: missing, too long, of no dictionary; unknown ones.

The calls are made behind the seal, which test_payment_centre.py and test_prescription_centre.py break open.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import g

from mock_providers import spaces
from mock_providers.db import db
from mock_providers.national import fields, hainan, payback, payment, prescription_query, prescription_upload, upload
from mock_providers.national import payment_fields as paying
from mock_providers.national import prescription_fields as prescribing
from mock_providers.national.fields import Field
from mock_providers.national.spelling import camel_name
from mock_providers.national.texts import Refused
from tests.mock_providers.national.conformance.centre import Centre, Prescriber
from tests.mock_providers.national.conformance.fixtures import WORLD, Bureau, e3
from tests.mock_providers.national.conformance.test_field_tables import wrong

Door = Callable[[dict[str, Any]], dict[str, Any]]
Made = tuple[Door, dict[str, Any], dict[str, Any]]


def uploading(bureau: Bureau) -> tuple[Centre, dict[str, Any]]:
    centre = Centre(bureau)
    disease = {"diagType": "1", "diagCode": "J06.900", "valiFlag": "1"}
    return centre, centre.bill(e3(), payAuthNo=centre.grant("P3"), diseinfoList=[disease])


def head(bureau: Bureau) -> Made:
    _, data = uploading(bureau)
    return upload.upload, data, data


def disease(bureau: Bureau) -> Made:
    _, data = uploading(bureau)
    return upload.upload, data, data["diseinfoList"][0]


def bill_line(bureau: Bureau) -> Made:
    _, data = uploading(bureau)
    return upload.upload, data, data["feedetailList"][1]


def placing(bureau: Bureau) -> Made:
    centre, data = uploading(bureau)
    order = centre.upload(e3())
    named = {name: order[name] for name in ("payOrdId", "payToken", "payAuthNo")}
    asked = {**named, "orgCodg": data["orgCodg"], "orgBizSer": "S1"}
    return payment.place, asked, asked


def naming(door: Door) -> Callable[[Bureau], Made]:
    def make(bureau: Bureau) -> Made:
        centre = Centre(bureau)
        asked = centre.named(centre.upload(e3()))
        return door, asked, asked

    return make


def refunding(bureau: Bureau) -> Made:
    centre = Centre(bureau)
    order, _ = centre.paid(e3())
    asked = centre.refunding(order, "ALL", "162.00", "138.00", "0.00")
    return payback.refund, asked, asked


def insured(bureau: Bureau) -> Made:
    me = WORLD.people["P1"]
    asked = {"idNo": me.id_number, "userName": me.name, "idType": "01", "insuCode": "460100"}
    return hainan.insured, asked, asked


def checking(pick: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Bureau], Made]:
    def make(bureau: Bureau) -> Made:
        draft = Prescriber(bureau).draft({"B3": 2})
        return prescription_upload.check, draft, pick(draft)

    return make


def signing(bureau: Bureau) -> Made:
    hospital = Prescriber(bureau)
    draft = hospital.draft({"B3": 2})
    asked = hospital.signing(hospital.signed_fields(hospital.ask("uploadChk", draft), draft))
    return prescription_upload.sign, asked, asked


def sending(bureau: Bureau) -> Made:
    asked = Prescriber(bureau).ready({"B3": 2})
    return prescription_upload.upload, asked, asked


def revoking(bureau: Bureau) -> Made:
    hospital = Prescriber(bureau)
    asked = hospital.undoing(hospital.prescribe({"B3": 2}))
    return prescription_upload.revoke, asked, asked


def asking(door: Door) -> Callable[[Bureau], Made]:
    def make(bureau: Bureau) -> Made:
        hospital = Prescriber(bureau)
        asked = hospital.asking(hospital.prescribe({"B3": 2}))
        return door, asked, asked

    return make


TABLES: dict[str, tuple[Callable[[Bureau], Made], Sequence[Field]]] = {
    "6201": (head, paying.UPLOAD),
    "6201.diseinfoList": (disease, paying.DISEASE),
    "6201.feedetailList": (bill_line, paying.LINE),
    "6202": (placing, paying.PLACE),
    "6203": (refunding, paying.REFUND),
    "6301": (naming(payment.query), paying.NAMED),
    "6401": (naming(payment.revoke), paying.NAMED),
    "hos.query.insu": (insured, paying.INSURED),
    "D001": (checking(lambda draft: draft), prescribing.HEAD),
    "D001.mdtrtinfo": (checking(lambda draft: draft["mdtrtinfo"]), prescribing.VISIT),
    "D001.rxdrugdetail": (checking(lambda draft: draft["rxdrugdetail"][0]), prescribing.LINE),
    "D001.diseinfo": (checking(lambda draft: draft["diseinfo"][0]), prescribing.DIAGNOSIS),
    "D002": (signing, prescribing.SIGNING),
    "D003": (sending, prescribing.UPLOAD),
    "D004": (revoking, prescribing.REVOCATION),
    "D005": (asking(prescription_query.detail), prescribing.QUERY),
    "D006": (asking(prescription_query.audit), prescribing.QUERY),
    "D007": (asking(prescription_query.taken), prescribing.QUERY),
}


def answer(bureau: Bureau, door: Door, data: dict[str, Any]) -> str:
    """What the call refuses with, or ""; nothing of it stays."""
    with spaces.entered(bureau.app, bureau.space):
        g.write_mode = True
        try:
            door(data)
            return ""
        except Refused as refused:
            return refused.text
        finally:
            db.session.rollback()


@pytest.mark.parametrize("which", TABLES)
def test_every_field_of_a_table_is_held_against_it(bureau: Bureau, which: str) -> None:
    make, table = TABLES[which]
    door, data, node = make(bureau)
    assert answer(bureau, door, data) == ""
    for field in table:
        name = camel_name(field.name)
        sent = node.get(name)
        for value, says in wrong(field):
            node[name] = value
            said = answer(bureau, door, data)
            assert says in said, (which, name, str(value)[:40], said)
        if sent is None:
            del node[name]
        else:
            node[name] = sent
    assert answer(bureau, door, data) == ""


@pytest.mark.parametrize("which", TABLES)
def test_unknown_fields_are_tolerated_everywhere(bureau: Bureau, which: str) -> None:
    make, _ = TABLES[which]
    door, data, node = make(bureau)
    node |= {"unknownField": {"a": ["b"]}, "another": 1, "expContent": {"x": "y"}}
    assert answer(bureau, door, data) == ""


def test_every_field_has_a_chinese_name_in_a_refusal() -> None:
    unnamed = {f.name for _, table in TABLES.values() for f in table if fields.name_of(f.name) == f.name}
    assert unnamed == set()

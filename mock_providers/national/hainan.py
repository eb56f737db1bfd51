"""The older Hainan form of the payment centre: one path, the transaction in `transType`, and the insured query.

The names of `hos.query.insu`'s answer are those a public Hainan hospital system reads (extData.baseinfo, insuList
with psnType, insutype, extData.insuplcAdmdvs and empName, condList, mdtrtprovList, acctBalc, insuStatus); V1.
"""

from collections.abc import Mapping
from typing import Any

from flask import request

from mock_providers import clock, switches
from mock_providers.national import authorisation, fields, wire
from mock_providers.national import payment_fields as tables
from mock_providers.national.amounts import yuan
from mock_providers.national.centre import Call
from mock_providers.national.person import standing
from mock_providers.national.setlinfo import facts
from mock_providers.national.spelling import camel, plain, snake
from mock_providers.national.texts import Refused
from mock_providers.national.upload import check_identity
from mock_providers.people import Person, world

switches.declare(
    "national.insured_query_token",
    "checked",
    ("checked", "ignored"),
    kind="choice",
    source="nhsa §3.1 (input names only)",
    why="ecToken of hos.query.insu, if one is sent, must be this person's; or nobody looks at it",
)


def by_type(calls: Mapping[str, Call]) -> Call:
    """The call that the message's transType names. Raises Refused when it is called."""

    def run(data: dict[str, Any]) -> dict[str, Any]:
        call = calls.get(str(wire.parse(request.get_data()).get("transType")))
        if call is None:
            raise Refused("EMPTY", name="transType")
        return call(data)

    return run


def insured(data: dict[str, Any]) -> dict[str, Any]:
    """hos.query.insu: who somebody is, and under which scheme."""
    asked = snake(data)
    fields.check(asked, tables.INSURED)
    person = world().by_number.get(fields.text(asked, "id_no", 50).upper())
    if person is None:
        raise Refused("NO_PERSON")
    check_identity(person, {name: fields.text(asked, name, 50) for name in ("id_no", "user_name")})
    _check_token(asked, person)
    now = standing(person)
    if now.deceased_on:
        raise Refused("SIM-DECEASED")
    if now.in_provincial_copy_from and clock.now() < now.in_provincial_copy_from:
        raise Refused("SIM-SYNC")
    if not now.insutype or now.status == "0":
        raise Refused("NO_INSURANCE")
    if now.area != fields.text(asked, "insu_code", 6):
        raise Refused("SIM-AREA")
    balance = str(yuan(now.balance_fen))
    row = {
        "insutype": now.insutype,
        "psnType": now.person_type,
        "insuStatus": now.status,
        "acctBalc": balance,
        "extData": {"insuplcAdmdvs": now.area, "empName": ""},
    }
    return {
        "acctBalc": balance,
        "insuStatus": now.status,
        "insuList": [row],
        "condList": [],
        "mdtrtprovList": [],
        "extData": {"baseinfo": camel(plain(facts(person, clock.now())))},
    }


def _check_token(asked: Mapping[str, Any], person: Person) -> None:
    token = fields.text(asked, "ec_token", 64)
    if not token or switches.value("national.insured_query_token") == "ignored":
        return
    if authorisation.holder(token, fields.text(asked, "org_codg", 30)) != person.id:
        raise Refused("SIM-TOKEN")

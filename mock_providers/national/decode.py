"""1161 读卡, 1162 医保电子凭证解码: regional calls that read a card or decode a code through the gateway.

Their fields are those of public institution code (source S1 of the sheet); the answer is ec.query's (§4.2).
"""

from typing import Any

from mock_providers.national import credential, fields, localcfc
from mock_providers.national.gateway import Call, transaction, withhold
from mock_providers.national.person import is_sample
from mock_providers.national.texts import Refused
from mock_providers.people import world

READ = fields.table("""
mdtrt_cert_no C50 Y
card_sn C32 Y
businessType C5 Y
operatorId C64 Y
operatorName C64 Y
officeId C20 Y
officeName C30 Y
""")


@transaction("1161")
def card(call: Call) -> dict[str, Any]:
    """读社会保障卡: who the card is of, and a token for this institution."""
    data = fields.node(call.input, "data")
    fields.check(data, READ)
    number, business = fields.text(data, "mdtrt_cert_no", 50).upper(), fields.text(data, "businessType", 5)
    if business not in credential.BUSINESS:
        raise Refused("SIM-FORMAT", name=fields.name_of("businessType"))
    if not is_sample(number):
        withhold(number)
    person = world().by_number.get(number)
    if person is None:
        raise Refused("NO_PERSON")
    token = credential.grant(person, call.envelope["fixmedins_code"], business)
    return {"userName": person.name, "idNo": person.id_number, "idType": "01", "ecToken": token.token}


@transaction("1162")
def code(call: Call) -> dict[str, Any]:
    """电子凭证解码, as ec.query answers it."""
    data = {**fields.node(call.input, "data"), "orgId": call.envelope["fixmedins_code"]}
    try:
        return localcfc.query(data, call.envelope["fixmedins_code"])
    except localcfc.Refusal as refused:
        raise Refused("SIM-EC", text=refused.text) from refused

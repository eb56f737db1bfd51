"""Whom a transaction is about: the person of psn_no, and the credential that was shown."""

from collections.abc import Mapping
from typing import Any

from mock_providers.national import authorisation, fields
from mock_providers.national.gateway import Call, withhold
from mock_providers.national.person import is_sample, standing
from mock_providers.national.texts import Refused
from mock_providers.people import Person, world

TOKEN, IDENTITY_CARD, SOCIAL_CARD, OTHER = "01", "02", "03", "99"
KINDS = (TOKEN, IDENTITY_CARD, SOCIAL_CARD, OTHER)


def insured_person(call: Call, node: Mapping[str, Any]) -> Person:
    """The person of `psn_no`, whose region of insurance the envelope names. Raises Refused."""
    person = world().by_psn_no.get(fields.text(node, "psn_no", 30, needed=True))
    if person is None:
        raise Refused("NO_PERSON")
    area = fields.text(call.envelope, "insuplc_admdvs", 6, needed=True)
    now = standing(person)
    if now.insutype and area != now.area:
        raise Refused("SIM-AREA")
    return person


def of_token(shown: str, call: Call, businesses: tuple[str, ...] = ()) -> Person:
    """Who showed a credential that was decoded at this institution. Raises Refused SIM-TOKEN."""
    holder = authorisation.holder(shown, call.envelope["fixmedins_code"], businesses)
    if holder is None:
        raise Refused("SIM-TOKEN")
    return world().people[holder]


def check_credential(
    call: Call, node: Mapping[str, Any], person: Person, businesses: tuple[str, ...] = (), needed: bool = False
) -> None:
    """The credential shown is this person's. A social security card's number is the ID number. Raises Refused.

    `businesses`: for which of the credential's business types a token may have been decoded. A card's number may be
    left out where the sheet says c, unless `needed`.
    """
    kind = fields.one_of(node, "mdtrt_cert_type", KINDS)
    shown = fields.text(node, "mdtrt_cert_no", 50, needed or kind == TOKEN)
    if not shown:
        return
    if kind == TOKEN:
        holder = of_token(shown, call, businesses).id_number
    else:
        holder = shown.upper()
        if not is_sample(holder):
            withhold(holder)
    if holder != person.id_number:
        raise Refused("SIM-CERT")

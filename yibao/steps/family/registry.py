"""What the national platform says of a relative, in the words of this step."""

from yibao.errors import Refused
from yibao.providers import national
from yibao.providers.http import VendorRefused
from yibao.steps.family.rules import Registered

REFUSALS = {
    "UNKNOWN_PERSON": "FA_NOT_REGISTERED",
    "NOT_INSURED": "FA_NOT_REGISTERED",
    "NOT_SYNCED": "FA_DATA_NOT_SYNCED",
    "DECEASED": "PERSON_DECEASED",
}


def look_up(name: str, id_type: str, id_number: str) -> Registered | None:
    """1101; None for somebody without an entry. Raises Refused PERSON_DECEASED or FA_DATA_NOT_SYNCED.

    Unreachable, and a VendorRefused this step has no word for, mean: nothing is known yet.
    """
    try:
        person = national.person(name, id_type, id_number)
    except VendorRefused as refused:
        code = REFUSALS.get(refused.code)
        if code is None:
            raise
        if code == "FA_NOT_REGISTERED":
            return None
        raise Refused(code) from refused
    areas = tuple(insurance.area for insurance in person.insurances)
    return Registered(person.name, person.psn_no, person.born_on, areas, person.mother_id_number, person.id_number)

"""Who pays a mixed order, for whom, and whether the insurance bureau let them (protocol sheet §6.2, §6.5)."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from mock_providers import journal, people, switches
from mock_providers.wechatpay import rules
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.pay import person_of

OPENID_WRONG, SUB_OPENID_WRONG = 268510603, 268510604
IDENTITY_WRONG, NAME_WRONG, UNBOUND, UNRELATED = 268545961, 268545962, 268545963, 268545964
AUTHORISATION_WRONG, AUTHORISATION_UNKNOWN, BUREAU_SAYS_NO = 268547120, 268545967, 268510610
MISMATCH = "请确认AppID与OpenID是否正确，两者是否匹配"
NO_CREDENTIAL = Refusal("PARAM_ERROR", "微信号未绑定医保电子凭证", UNBOUND)
OTHER_ID = Refusal("PARAM_ERROR", "入参个人身份ID摘要和医保电子凭证绑卡身份ID摘要不匹配", IDENTITY_WRONG)
OTHER_NAME = Refusal("PARAM_ERROR", "入参用户姓名和医保电子凭证绑卡姓名不匹配", NAME_WRONG)
NOT_FAMILY = Refusal("PARAM_ERROR", "亲属关系不存在，请确认亲属信息是否正确", UNRELATED)
BAD_AUTHORISATION = Refusal("PARAM_ERROR", "PAY_AUTH_NO 校验失败，请重新获取授权", AUTHORISATION_WRONG)
NO_AUTHORISATION = Refusal("PARAM_ERROR", "医保局未查询到授权信息", AUTHORISATION_UNKNOWN)
BUREAU_REFUSED = Refusal("PARAM_ERROR", "医保局结算校验失败，请联系医保局确认", BUREAU_SAYS_NO)
SWITCH_OF = {
    **dict.fromkeys((IDENTITY_WRONG, NAME_WRONG, UNBOUND, UNRELATED), "wechatpay.medical_identity_error"),
    **dict.fromkeys((AUTHORISATION_WRONG, AUTHORISATION_UNKNOWN, BUREAU_SAYS_NO), "wechatpay.medical_bureau_error"),
}
BUREAU_MEANS = {"unknown": NO_AUTHORISATION, "number": BAD_AUTHORISATION, "order": BUREAU_REFUSED}
CARD_TYPES = {
    "id_card": ("ID_CARD", "HOUSEHOLD_REGISTRATION"),
    "birth_certificate": ("HOUSEHOLD_REGISTRATION",),
    "passport": ("FOREIGNER_PASSPORT", "FOREIGN_PERMANENT_RESIDENT"),
    "hk_permit": ("MAINLAND_TRAVEL_PERMIT_FOR_HK", "MAINLAND_TRAVEL_PERMIT_FOR_MO"),
    "tw_permit": ("MAINLAND_TRAVEL_PERMIT_FOR_TW",),
}


@dataclass(frozen=True)
class Said:
    """Somebody as the merchant described them."""

    name: str
    id_digest: str
    card_type: str


def worded(refusal: Refusal) -> Refusal:
    """A new refusal like this one, with the status and code that switches give to what was never published."""
    code, status = refusal.code, refusal.status
    if switch := SWITCH_OF.get(refusal.internal):
        said_status, code = switches.value(switch).split()
        status = int(said_status)
    elif code in ("RULE_LIMIT", "REQUEST_BLOCKED"):
        status = int(switches.value("wechatpay.medical_rule_status"))
    return Refusal(code, refusal.message, refusal.internal, status=status)


def opened(asked: Mapping[str, Any], key: str, unseal: Callable[[str, str], str]) -> Said:
    """`payer` or `relative` with its sealed fields opened. Raises Refusal."""
    sealed = asked[key]
    name, digested = (unseal(f"/{key}/{field}", sealed[field]) for field in ("name", "id_digest"))
    return Said(name, digested, sealed["card_type"])


def person_asked(asked: Mapping[str, Any]) -> str:
    """The sample person behind `openid` and `sub_openid`; "" where nobody knows openids. Raises Refusal."""
    found: list[str] = []
    for app, name, internal in (("appid", "openid", OPENID_WRONG), ("sub_appid", "sub_openid", SUB_OPENID_WRONG)):
        if name in asked:
            person = person_of(asked.get(app, ""), asked[name], MISMATCH, internal)
            if person not in (found or [person]):
                raise Refusal("PARAM_ERROR", MISMATCH, internal)
            found.append(person)
    return found[0]


def digest(id_number: str) -> str:
    """MD5 of the upper-cased number, as the merchant must send it."""
    return hashlib.md5(id_number.upper().encode(), usedforsecurity=False).hexdigest()


def check_payer(person: str, said: Said) -> None:
    """The payer must be who the credential says. Nothing is known where nobody told us the openid."""
    if not person:
        return
    holder = people.world().people[person]
    if holder.insurance is None:
        raise worded(NO_CREDENTIAL)
    if said.id_digest != digest(holder.id_number) or not _card_fits(said, holder):
        raise worded(OTHER_ID)
    if said.name != holder.name:
        raise worded(OTHER_NAME)


def _card_fits(said: Said, holder: people.Person) -> bool:
    if switches.value("wechatpay.card_type") == "ignored":
        return True
    return said.card_type in CARD_TYPES.get(holder.id_type, (said.card_type,))


def elsewhere(pay_order_id: str) -> bool:
    """Whether an order is of another bureau than the one next door, whose numbers are taken as they come."""
    find = current_app.extensions.get("bureau_order")
    return find is not None and switches.value("wechatpay.other_bureau") == "accept" and find(pay_order_id) is None


def check_relative(person: str, relative: Said | None, patient: str | None) -> None:
    """The relative is the patient the bureau authorised, or family by the sample people's facts."""
    if not person or relative is None:
        return
    world = people.world().people
    found = next((one for one in world.values() if digest(one.id_number) == relative.id_digest), None)
    if found is None or found.name != relative.name or not _card_fits(relative, found):
        raise worded(NOT_FAMILY)
    if found.id != patient if patient else not rules.related(world[person], found):
        raise worded(NOT_FAMILY)


def authorised(asked: Mapping[str, Any], person: str) -> str | None:
    """Whom the bureau let this payer pay for; None where there is no authorisation or no bureau. Raises Refusal."""
    check = current_app.extensions.get("check_authorisation")
    if check is None or "pay_auth_no" not in asked:
        return None
    fees = ("gov_fee", "self_fee", "other_fee", "cash_fee")
    amounts = {name: asked[f"med_ins_{name}"] for name in fees}
    granted = check(asked["pay_auth_no"], asked["pay_order_id"], amounts)
    if why := granted.get("refused"):
        if why == "unknown" and elsewhere(asked["pay_order_id"]):
            journal.explain(warning_bureau="neither payment number is our bureau's: taken for another bureau's")
            return None
        raise worded(BUREAU_MEANS[why])
    if person not in ("", granted["payer"]) or granted["family"] != asked.get("pay_for_relatives", False):
        raise worded(BAD_AUTHORISATION)
    return granted["patient"]

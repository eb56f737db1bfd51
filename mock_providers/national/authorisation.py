"""Who may act for whom: the national keys of a space, consent codes, and the payment numbers they turn into."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import Headers

from mock_providers import accounts, clock, journal, outcomes, serials, switches
from mock_providers.db import InSpace, Model, Moment, current_space, db
from mock_providers.errors import Problem
from mock_providers.national import credential, oidc_tokens, sm2, wire
from mock_providers.people import Person, world

PAAS, APP, PARTNER = "SIMPAAS", "SIMAPPID", "SIMPARTNER"
WECHAT, NATIONAL = "wechat", "national"
SAYS = {
    "success": (0, "success"),
    "partner": (10001, "partnerId不存在"),
    "signature": (10002, "签名验证失败"),
    "body": (10003, "请求参数不正确"),
    "code": (10004, "qrcode不存在或已失效"),
    "used": (10005, "qrcode已被使用"),
    "openid": (10006, "openid与授权用户不一致"),
    "sub": (10006, "sub与授权用户不一致"),
    "system": (-1, "系统繁忙,请稍后再试"),
    "headers": (10007, "请求头不正确"),
    "not_bound": (268545963, "微信号未绑定医保电子凭证"),
}
switches.declare(
    "national.pay_auth_ttl_s",
    "600",
    ("300", "600", "900"),
    kind="choice",
    source="nhsa §3.2; wechat §6.4",
    why="how many seconds a pay_auth_no can still start an order: sources say minutes, 5 to 15",
)
switches.declare(
    "national.auth_code_ttl_s",
    "900",
    (),
    kind="choice",
    source="wechat §6.4, §10.3",
    why="how many seconds an authCode of a channel's page lives is not published",
)
switches.declare(
    "national.auth_code_uses",
    "once",
    ("once", "many"),
    kind="choice",
    source="wechat §6.4",
    why="whether an authCode can be exchanged a second time is not published",
)
switches.declare(
    "national.sm2_user_id",
    "appSecret",
    ("appSecret", "default"),
    kind="choice",
    source="nhsa §3.10",
    why="four code bases sign under appSecret as the SM2 user id, one under 1234567812345678",
)
switches.declare(
    "national.centre_timestamp",
    "either",
    ("either", "ms", "datetime"),
    kind="choice",
    source="nhsa §3.10",
    why="timestamp of the encrypted message is milliseconds, in Tianjin yyyyMMddHHmmss: both are taken and "
    "milliseconds answered, or one of them both ways; its distance from now is not looked at",
)
switches.declare(
    "national.user_query_headers",
    "signature",
    ("signature", "all"),
    kind="choice",
    source="nhsa §3.2",
    why="god-portal-request-id (32 characters) and the form of god-portal-timestamp (milliseconds) are published, "
    "what happens without them is not: only the signature is looked at, or all three",
)
switches.declare(
    "national.user_query_identity",
    "openid_or_sub",
    ("openid_or_sub", "openid"),
    kind="choice",
    source="nhsa §3.2 knows WeChat's openid only (SIM)",
    why="an app that is not in WeChat says whose code it is by `sub`, the subject of the national log-in",
)
outcomes.declare("national.user_query", "system_error", "not_bound")


class Consent(InSpace, Model):
    """An authCode: `payer` agreed on their phone, for themselves or for `patient`."""

    __tablename__ = "national_consent"
    __table_args__ = (UniqueConstraint("space", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    payer: Mapped[str] = mapped_column(String(10))
    patient: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class PayAuthorisation(InSpace, Model):
    """A pay_auth_no or family_pay_auth_no, with the ecToken given beside it. It starts one order, `used_by`.

    `channel` is where it may be paid: wechat for a user known by openid, national for one known by sub.
    """

    __tablename__ = "national_pay_authorisation"
    __table_args__ = (UniqueConstraint("space", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    ec_token: Mapped[str] = mapped_column(String(40), index=True)
    payer: Mapped[str] = mapped_column(String(10))
    patient: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_by: Mapped[str] = mapped_column(String(64), default="")
    channel: Mapped[str] = mapped_column(String(10), default=WECHAT, server_default=WECHAT)


def public_id(shown: str) -> str:
    """The paas id of the space that was given this id (a paas id, an appId or a partnerId)."""
    return PAAS.ljust(26, "0") + shown[-6:]


@accounts.maker("national")
def make() -> dict[str, Any]:
    """A space's keys at the national platform; the same seed makes the same ones."""
    from mock_providers.national import gateway

    public, label = current_app.config["SETTINGS"].public_url, accounts.label()
    base = f"{public}/national"
    ours, theirs = (sm2.private_from(serials.derive("national-sm2", side, size=48)) for side in ("app", "platform"))
    mip = {
        "base_url": base,
        "partner_id": PARTNER + label,
        "partner_secret": serials.derive("national-partner", size=16).hex(),
        "app_id": APP.ljust(26, "0") + label,
        "app_secret": serials.derive("national-app", size=16).hex().upper(),
        "private_key": b64encode(ours).decode(),
        "public_key": b64encode(sm2.public_of(ours)).decode(),
        "platform_private_key": b64encode(theirs).decode(),
        "platform_public_key": b64encode(sm2.public_of(theirs)).decode(),
        "user_query_url": f"{public}/wechat/api/mipuserquery/userQuery",
        "notify_url": f"{public}/s/{current_space()}/callbacks/national/settlement",
    }
    return {
        "public_id": public_id(label),
        "gateway_url": base + gateway.PATH,
        "paas_id": public_id(label),
        "secret": serials.derive("national-secret", size=16).hex(),
        "fixmedins_code": "P46019900008",
        "mip": mip,
    }


def platform() -> wire.Party:
    """The payment centre's end of this space's channel."""
    mip = accounts.account("national")["mip"]
    party = wire.Party(mip["app_id"], mip["app_secret"], mip["platform_private_key"], mip["public_key"])
    how = {
        "user_id": switches.value("national.sm2_user_id"),
        "timestamp": switches.value("national.centre_timestamp"),
    }
    return replace(party, **how)


def known(person: str) -> Person:
    """A sample person. Raises Problem PERSON_UNKNOWN."""
    found = world().people.get(person)
    if found is None:
        raise Problem("PERSON_UNKNOWN", f"there is no sample person {person[:20]!r}")
    return found


def issue_authorisation(
    person: str, for_person: str | None = None, params: Mapping | None = None, lives: timedelta | None = None
) -> str:
    """What the consent page gives back: an authCode for `person`, paying for themselves or for `for_person`.

    `params` (the page's query) is not checked: its channel numbers are agreed offline. Raises Problem PERSON_UNKNOWN.
    """
    payer, patient = known(person).id, known(for_person or person).id
    code = serials.fresh_text("authCode", 32)
    expires_at = clock.now() + (lives or credential.seconds("national.auth_code_ttl_s"))
    db.session.add(Consent(code=code, payer=payer, patient=patient, expires_at=expires_at))
    return code


def user_query(partner_id: str, headers: Mapping[str, str] | Headers, body: bytes) -> dict[str, Any]:
    """The answer of `POST /api/mipuserquery/userQuery/<partnerId>`: an authCode becomes a payment number."""
    mip = accounts.account("national")["mip"]
    if partner_id != mip["partner_id"]:
        return _refuse("partner")
    if switches.value("national.user_query_headers") == "all" and not _has_headers(headers):
        return _refuse("headers")
    text = partner_id + headers.get("god-portal-timestamp", "")
    right = hmac.new(mip["partner_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), headers.get("god-portal-signature", "").encode()):
        journal.explain(string_to_sign=text, verdict="god-portal-signature differs")
        return _refuse("signature")
    try:
        asked = wire.parse(body)
    except wire.Malformed:
        return _refuse("body")
    code, openid, sub = (_text(asked, name) for name in ("qrcode", "openid", "sub"))
    if switches.value("national.user_query_identity") == "openid":
        sub = ""
    if not code or bool(openid) == bool(sub):
        return _refuse("body")
    return _exchange(code, openid, sub)


def _text(asked: Any, name: str) -> str:
    value = asked.get(name) if isinstance(asked, dict) else None
    return value if isinstance(value, str) else ""


def _has_headers(headers: Mapping[str, str] | Headers) -> bool:
    stamp, request = headers.get("god-portal-timestamp", ""), headers.get("god-portal-request-id", "")
    return len(stamp) == 13 and stamp.isdecimal() and len(request) == 32


def _refuse(reason: str) -> dict[str, Any]:
    number, message = SAYS[reason]
    return {"code": number, "message": message}


def _exchange(code: str, openid: str, sub: str) -> dict[str, Any]:
    consent = db.session.scalar(select(Consent).where(Consent.code == code))
    if consent is None or consent.expires_at <= clock.now():
        return _refuse("code")
    if consent.used_at is not None and switches.value("national.auth_code_uses") == "once":
        return _refuse("used")
    if openid and not _is_openid_of(consent.payer, openid):
        return _refuse("openid")
    if sub and oidc_tokens.subject(known(consent.payer)) != sub:
        return _refuse("sub")
    asked = outcomes.take("national.user_query", consent.payer)
    if asked:
        return _refuse("system" if asked == "system_error" else "not_bound")
    consent.used_at = clock.now()
    return _authorised(consent, NATIONAL if sub else WECHAT)


def _is_openid_of(payer: str, openid: str) -> bool:
    """Ask WeChat, if it is next door: the openid may be the mini program's or the official account's."""
    ask = current_app.extensions.get("person_of_openid")
    apps = ("wechat", "wechat_official_account")
    return ask is None or any(ask(accounts.account(app)["appid"], openid) == payer for app in apps)


def _authorised(consent: Consent, channel: str) -> dict[str, Any]:
    patient, now = known(consent.patient), clock.now()
    area = patient.insurance.area if patient.insurance else "460100"
    number = f"AUTH{area}{now:%Y%m%d%H%M%S}{serials.number('pay_auth_no'):07d}"
    lives = timedelta(seconds=int(switches.value("national.pay_auth_ttl_s")))
    token = f"{area}ec{serials.fresh_hex('ec_token', 30)}"
    people = {"payer": consent.payer, "patient": consent.patient, "channel": channel}
    db.session.add(PayAuthorisation(number=number, ec_token=token, expires_at=now + lives, **people))
    family = consent.payer != consent.patient
    return {
        **_refuse("success"),
        "user_name": patient.name,
        "user_card_no": patient.id_number,
        "pay_auth_no": "" if family else number,
        "family_pay_auth_no": number if family else "",
        "auth_no": serials.fresh_hex("auth_no", 64),
        "ec_token": token,
        "psn_no": patient.psn_no,
        "city_id": area,
    }


def authorisation(number: str = "", ec_token: str = "") -> PayAuthorisation | None:
    """What was given out under this payment number, or with this ecToken."""
    known_by = PayAuthorisation.number == number if number else PayAuthorisation.ec_token == ec_token
    return db.session.scalar(select(PayAuthorisation).where(known_by))


def spend(number: str, order: str) -> None:
    """This payment number is this order's from now on."""
    row = authorisation(number)
    assert row is not None, "it was looked up before"
    row.used_by = order


def is_usable(row: PayAuthorisation | None, order: str) -> bool:
    """Whether an authorisation may start, or already belongs to, this order."""
    if row is None:
        return False
    return row.used_by == order if row.used_by else row.expires_at > clock.now()


def holder(token: str, institution: str = "", businesses: tuple[str, ...] = ()) -> str | None:
    """Whose credential an ecToken or a payment number stands for, while it lives: a persona id.

    A token decoded at an institution is good there only (credential.holder); one from a consent is good anywhere.
    """
    if not token:
        return None
    row = authorisation(token) or authorisation(ec_token=token)
    if row is None:
        return credential.holder(token, institution, businesses)
    return row.patient if row.expires_at > clock.now() else None

"""The keys of this space, and others that are easily taken for them, as the verifiers of `explain` want them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select

from mock_providers import accounts, switches
from mock_providers.db import current_space, db
from mock_providers.explain.merchant import Ring, Seen
from mock_providers.explain.national import Secrets
from mock_providers.explain.parties import Channel
from mock_providers.explain.report import Mask
from mock_providers.explain.rsa import Key
from mock_providers.explain.wechat import App
from mock_providers.webhooks.endpoints import Endpoint, Own
from mock_providers.wechat.models import WechatUser
from mock_providers.wechatpay import wire

DIRECT, PARTNER = "wechatpay", "wechatpay_partner"
APPS = ("wechat", "wechat_official_account")
SECRET = re.compile(r"(secret|token|private_key|apiv[23]_key|aes_key)$")
AGES = ("", "next_", "old_")
_ACCOUNT: Any = accounts.Account.__table__.c

Held = dict[str, Any]


def _all(*vendors: str) -> list[tuple[str, str, Held]]:
    """(space, vendor, credentials) of every space; the space at hand has all of them."""
    for vendor in vendors:
        accounts.account(vendor)
    wanted = select(_ACCOUNT.space, _ACCOUNT.vendor, _ACCOUNT.secret).where(_ACCOUNT.vendor.in_(vendors))
    return [(row.space, row.vendor, row.secret) for row in db.session.execute(wanted)]


def mask() -> Mask:
    """Hides every secret of this space."""
    held = [accounts.all_held(), [row.credentials for row in db.session.scalars(select(Endpoint))]]
    users = db.session.scalars(select(WechatUser.session_key).where(WechatUser.session_key.is_not(None)))
    return Mask([*_secrets(held), *(key for key in users if key)])


def _secrets(given: Any, name: str = "") -> Iterator[str]:
    if isinstance(given, Mapping):
        for key, value in given.items():
            yield from _secrets(value, str(key))
    elif isinstance(given, list):
        for value in given:
            yield from _secrets(value, name)
    elif isinstance(given, str) and SECRET.search(name):
        yield given
        yield from (line for line in given.splitlines() if len(line) > 40)


def _public(certificate: str) -> Any:
    return wire.read_certificate(certificate)[0]


def ring(mchid: str = "", vendor: str = "", others: tuple[Seen, ...] = (), to: Own | None = None) -> Ring:
    """The merchant with this number (or of this account), with everything that may be taken for its own.

    `to`: the endpoint that looks at it, with an APIv3 key of its own; the account's may be mistaken for it.
    """
    found, keys = _ring(mchid, vendor, others), to.credentials if to else {}
    if "apiv3_key" not in keys:
        return found
    others_too = (found.apiv3_key, *found.other_apiv3_keys)
    return replace(found, apiv3_key=keys["apiv3_key"], other_apiv3_keys=others_too)


def _ring(mchid: str, vendor: str, others: tuple[Seen, ...]) -> Ring:
    here = current_space()
    rows = _all(DIRECT, PARTNER)
    mine = [(name, held) for space, name, held in rows if space == here]
    own_name, own = next(
        ((name, held) for name, held in mine if held["mchid"] == mchid or name == vendor),
        next((name, held) for name, held in mine if name == DIRECT),
    )
    keys: list[Key] = []
    serials: dict[str, str] = dict.fromkeys(own.get("replaced_serial_nos", ()), "serial_replaced")
    merchants: dict[str, str] = {}
    for space, name, held in rows:
        if (space, name) == (here, own_name):
            continue
        cause = "account" if space == here else "space"
        who = f"merchant {held['mchid']} of space {space}"
        keys.append(Key(who, _public(held["merchant_certificate"]), f"key_of_other_{cause}"))
        serials.setdefault(held["merchant_serial_no"], f"serial_of_other_{cause}")
        if space != here:
            merchants[held["mchid"]] = "mchid_of_other_space"
    platform = dict(_platform(own))
    for space, name, held in rows:
        for serial, key in _platform(held):
            serials.setdefault(
                serial.upper(), "serial_is_public_key_id" if "PUB_KEY" in serial else "serial_of_platform"
            )
            keys += [key] if (space, name) != (here, own_name) else []
    return Ring(
        own["mchid"],
        own["merchant_serial_no"],
        Key(f"merchant {own['mchid']}", _public(own["merchant_certificate"])),
        (*platform.values(), *keys),
        serials,
        merchants,
        here,
        own["apiv3_key"],
        tuple(held["apiv3_key"] for _, _, held in rows if held is not own),
        platform,
        (own["merchant_private_key"], own["merchant_private_key"].strip()),
        others,
        tuple(app["appid"] for app in map(accounts.account, APPS)),
        mask(),
    )


def _platform(held: Held) -> Iterator[tuple[str, Key]]:
    """WeChat Pay's keys towards one merchant, by the name a client knows them by."""
    for age in AGES:
        if serial := held.get(f"{age}platform_serial_no"):
            name = f"platform certificate {serial}"
            yield serial, Key(name, _public(held[f"{age}platform_certificate"]), "key_of_platform")
    public = accounts.public_key(held["public_key"])
    yield held["public_key_id"], Key(f"platform public key {held['public_key_id']}", public, "key_of_platform")


def hosts(*more: str) -> tuple[str, ...]:
    """Names this server is called by."""
    return (*more, urlsplit(current_app.config["SETTINGS"].public_url).netloc)


def app(vendor: str, to: Own | None = None) -> App:
    """An app's push secrets; those of the endpoint it goes `to`, if that has its own."""
    theirs, rows = accounts.account(vendor), _all(*APPS)
    own = to.keys(theirs) if to else theirs
    rest = [held for _, _, held in rows if held["appid"] != own["appid"]]
    rest += [theirs] if to and to.credentials else []
    return App(
        own["appid"],
        own["push_token"],
        own["encoding_aes_key"],
        tuple(held["push_token"] for held in rest),
        tuple(held["encoding_aes_key"] for held in rest),
        mask(),
    )


def session(appid: str, openid: str) -> tuple[str | None, list[str]]:
    """The session key in force of a user, and everybody else's."""
    from mock_providers.wechat.users import has_session

    rows = list(db.session.scalars(select(WechatUser).limit(500)))
    own = next((row for row in rows if row.openid == openid and appid in ("", row.appid)), None)
    others = [row.session_key for row in rows if row is not own and row.session_key]
    return (own.session_key if own and has_session(own) else None), others


def _elsewhere(here: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    found = []
    for space, _, held in _all("national"):
        value: Any = held
        for name in path:
            value = value[name]
        found += [str(value)] if space != current_space() else []
    return tuple(found)


def gateway(nonces: tuple[str, ...] = ()) -> Secrets:
    """The institution's gateway account."""
    held = accounts.account("national")
    systems = (held["mip"]["app_secret"], held["mip"]["partner_secret"])
    others = {"secret_of_other_space": _elsewhere(held, "secret"), "secret_of_other_system": systems}
    return Secrets(held["paas_id"], held["secret"], others, nonces, mask())


def portal() -> Secrets:
    """The partner account of the authorisation query."""
    held = accounts.account("national")
    systems = (held["secret"], held["mip"]["app_secret"])
    others = {"secret_of_other_space": _elsewhere(held, "mip", "partner_secret"), "secret_of_other_system": systems}
    return Secrets(held["mip"]["partner_id"], held["mip"]["partner_secret"], others, (), mask())


def channel(from_platform: bool, user_id: str = "", to: Own | None = None) -> Channel:
    """The payment centre's channel, for a message of the institution or of the platform (`to` an endpoint)."""
    usual = accounts.account("national")
    mip = (to.keys(usual) if to else usual)["mip"]
    elsewhere = [held["mip"] for space, _, held in _all("national") if space != current_space()]
    own, other = ("platform_public_key", "public_key") if from_platform else ("public_key", "platform_public_key")
    others = {mip[other]: "key_of_merchant" if from_platform else "key_of_platform"}
    others |= {one[own]: "key_of_other_space" for one in elsewhere if one[own] not in others}
    return Channel(
        mip["app_id"],
        mip["app_secret"],
        mip[own],
        user_id or switches.value("national.sm2_user_id"),
        others,
        mip["platform_private_key" if from_platform else "private_key"],
        tuple((one["app_id"], one["app_secret"]) for one in (*elsewhere, *([usual["mip"]] if to else []))),
        mask=mask(),
    )

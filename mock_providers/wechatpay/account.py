"""Two merchants per space: one that calls for itself, and a partner (服务商) that calls for its sub-merchant.

Each has its own certificate, and WeChat Pay shows each a platform certificate and a public key of its own.
"""

from datetime import datetime, timedelta
from typing import Any

from flask import current_app, g

from mock_providers import accounts, clock, keys, serials, switches, timers
from mock_providers.db import current_space, db
from mock_providers.wechatpay import wire


def _digits(kind: str, length: int) -> str:
    return str(int.from_bytes(serials.derive("wechatpay", kind, size=32))).zfill(length)[-length:]


def _certified(kind: str, common_name: str, organisation: str) -> tuple[str, str, str]:
    """(serial of 40 hex digits, private key, certificate)"""
    private, _ = keys.rsa_pem()
    serial = wire.serial_number(serials.derive("wechatpay", kind, size=20))
    made = wire.certificate(accounts.private_key(private), serial, common_name, organisation, clock.wall())
    return f"{serial:X}", private, made


DIRECT, PARTNER = "wechatpay", "wechatpay_partner"
MERCHANT_NAMES = {DIRECT: "样例商户", PARTNER: "样例服务商"}
PLATFORM = ("Tenpay.com sign", "Tenpay.com")


def _number(kind: str, default: str) -> str:
    return default if accounts.label() == "000000" else f"19{_digits(kind, 8)}"


def _minted(vendor: str, mchid: str, appid: str) -> dict[str, Any]:
    """Mint a merchant. The `…_private_key` of the platform never leaves this half."""
    of = "" if vendor == DIRECT else f"{vendor} "
    merchant_serial, merchant_key, merchant_certificate = _certified(f"{of}merchant", mchid, MERCHANT_NAMES[vendor])
    platform_serial, platform_key, platform_certificate = _certified(f"{of}platform", *PLATFORM)
    public_private, public = keys.rsa_pem()
    return {
        "public_id": mchid,
        "base_url": f"{current_app.config['SETTINGS'].public_url}/wechatpay",
        "mchid": mchid,
        "appid": appid,
        "apiv2_key": serials.derive("wechatpay", f"{of}apiv2", size=16).hex(),
        "apiv3_key": serials.derive("wechatpay", f"{of}apiv3", size=16).hex(),
        "merchant_serial_no": merchant_serial,
        "merchant_private_key": merchant_key,
        "merchant_certificate": merchant_certificate,
        "platform_serial_no": platform_serial,
        "platform_private_key": platform_key,
        "platform_certificate": platform_certificate,
        "public_key_id": f"PUB_KEY_ID_{_digits(f'{of}public key', 32)}",
        "public_key": public,
        "public_key_private_key": public_private,
    }


@accounts.maker(DIRECT, rsa_keys=3)
def make() -> dict[str, Any]:
    """The merchant that calls for itself (直连商户)."""
    return _minted(DIRECT, _number("mchid", "1900000001"), accounts.account("wechat")["appid"])


@accounts.maker(PARTNER, rsa_keys=3)
def make_partner() -> dict[str, Any]:
    """The partner, its official account, and the one sub-merchant it may call for."""
    sp_appid = official_appid()
    made = _minted(PARTNER, _number("sp_mchid", "1900000100"), sp_appid)
    return {
        **made,
        "sp_mchid": made["mchid"],
        "sp_appid": sp_appid,
        "sub_mchid": _number("sub_mchid", "1900000101"),
        "sub_appid": accounts.account("wechat")["appid"],
    }


def official_appid() -> str:
    """The official account's appid; the mini program's where the space has none."""
    second = "wechat_official_account"
    return accounts.account(second if second in accounts.MAKERS else "wechat")["appid"]


_TABLE = accounts.Account.__table__.c
_WHOSE = db.select(_TABLE.space, _TABLE.vendor).where(
    _TABLE.public_id == db.bindparam("mchid"), _TABLE.vendor.in_((DIRECT, PARTNER))
)


def find(mchid: str, space: str | None = None) -> str | None:
    """Remember who calls under this number; the space it lives in, None if nobody (in `space`) has it."""
    rows = db.session.execute(_WHOSE, {"mchid": mchid}).all()
    g.caller = next(((its_space, vendor) for its_space, vendor in rows if space in (None, its_space)), None)
    return g.caller[0] if g.caller else None


def mine() -> dict[str, Any]:
    """The merchant who calls: a partner if the Authorization named one, else the space's own merchant."""
    caller = g.get("caller")
    return accounts.account(caller[1] if caller and caller[0] == current_space() else DIRECT)


def merchant() -> str:
    """The merchant the business belongs to: the partner's sub-merchant, or the caller itself."""
    held = mine()
    return held.get("sub_mchid") or held["mchid"]


def of(sp_mchid: str | None) -> dict[str, Any]:
    """Whose keys belong to an order: the partner's, if it was made by one."""
    return accounts.account(PARTNER if sp_mchid else DIRECT)


def signing_key(credentials: dict[str, Any], signer: str) -> tuple[Any, str]:
    """WeChat Pay's private key and the name a client knows it by. `signer` is cert or pubkey."""
    if signer == "pubkey":
        return accounts.private_key(credentials["public_key_private_key"]), credentials["public_key_id"]
    return accounts.private_key(credentials["platform_private_key"]), credentials["platform_serial_no"]


def unsealing_key(credentials: dict[str, Any], named: str, mode: str) -> Any:
    """The private key for fields sealed with the key of this name; None if it is not ours, or not any more.

    A certificate that is listed but does not sign yet opens fields already, the one before for a while longer.
    """
    if mode in ("both", "pubkey") and named == credentials["public_key_id"]:
        return accounts.private_key(credentials["public_key_private_key"])
    if mode in ("both", "cert"):
        for age in ("", "next_", "old_"):
            if named == credentials.get(f"{age}platform_serial_no") and (age != "old_" or _still_opens(credentials)):
                return accounts.private_key(credentials[f"{age}platform_private_key"])
    return None


def _still_opens(credentials: dict[str, Any]) -> bool:
    hours = int(switches.value("wechatpay.old_certificate_hours"))
    return clock.now() < datetime.fromisoformat(credentials["platform_since"]) + timedelta(hours=hours)


def rotate_platform(vendor: str, hours: int) -> datetime:
    """List a new platform certificate now; from `hours` later it signs. Same transaction."""
    held = accounts.account(vendor)
    since = clock.now() + timedelta(hours=hours)
    serial, private, certificate = _certified(
        f"after {held.get('next_platform_serial_no', held['platform_serial_no'])}", *PLATFORM
    )
    accounts.change(
        vendor,
        next_platform_serial_no=serial,
        next_platform_private_key=private,
        next_platform_certificate=certificate,
        next_platform_since=since.isoformat(),
    )
    timers.at(since, "wechatpay.certificate", account=vendor, serial_no=serial)
    return since


@timers.handles("wechatpay.certificate")
def use_next(about: dict[str, Any]) -> None:
    """The listed certificate signs from now on. One that was replaced before its time does nothing."""
    held = accounts.account(about["account"])
    if held.get("next_platform_serial_no") != about["serial_no"]:
        return
    change: dict[str, Any] = {"platform_since": clock.now().isoformat(), "next_platform_since": None}
    for name in ("serial_no", "private_key", "certificate"):
        change[f"old_platform_{name}"] = held[f"platform_{name}"]
        change[f"platform_{name}"] = held[f"next_platform_{name}"]
        change[f"next_platform_{name}"] = None
    accounts.change(about["account"], **change)


def rotate_merchant(vendor: str) -> None:
    """The merchant has a new certificate and key; the old serial number is refused from now on. Same transaction."""
    held = accounts.account(vendor)
    kind = f"after {held['merchant_serial_no']}"
    serial, private, certificate = _certified(kind, held["mchid"], MERCHANT_NAMES[vendor])
    accounts.change(
        vendor,
        merchant_serial_no=serial,
        merchant_private_key=private,
        merchant_certificate=certificate,
        replaced_serial_nos=[*held.get("replaced_serial_nos", ()), held["merchant_serial_no"]],
    )

"""One merchant per space: its certificate, WeChat Pay's certificate, and WeChat Pay's public key."""

from typing import Any

from flask import current_app

from mock_providers import accounts, clock, keys, serials
from mock_providers.wechatpay import wire


def _digits(kind: str, length: int) -> str:
    return str(int.from_bytes(serials.derive("wechatpay", kind, size=32))).zfill(length)[-length:]


def _certified(kind: str, common_name: str, organisation: str) -> tuple[str, str, str]:
    """(serial of 40 hex digits, private key, certificate)"""
    private, _ = keys.rsa_pem()
    serial = wire.serial_number(serials.derive("wechatpay", kind, size=20))
    made = wire.certificate(accounts.private_key(private), serial, common_name, organisation, clock.wall())
    return f"{serial:X}", private, made


@accounts.maker("wechatpay")
def make() -> dict[str, Any]:
    """Mint the merchant. The `…_private_key` of the platform never leaves this half."""
    label = accounts.label()
    mchid = "1900000001" if label == "000000" else f"19{_digits('mchid', 8)}"
    merchant_serial, merchant_key, merchant_certificate = _certified("merchant", mchid, "样例商户")
    platform_serial, platform_key, platform_certificate = _certified("platform", "Tenpay.com sign", "Tenpay.com")
    public_private, public = keys.rsa_pem()
    return {
        "public_id": mchid,
        "base_url": f"{current_app.config['SETTINGS'].public_url}/wechatpay",
        "mchid": mchid,
        "appid": accounts.account("wechat")["appid"],
        "apiv3_key": serials.derive("wechatpay", "apiv3", size=16).hex(),
        "merchant_serial_no": merchant_serial,
        "merchant_private_key": merchant_key,
        "merchant_certificate": merchant_certificate,
        "platform_serial_no": platform_serial,
        "platform_private_key": platform_key,
        "platform_certificate": platform_certificate,
        "public_key_id": f"PUB_KEY_ID_{_digits('public key', 32)}",
        "public_key": public,
        "public_key_private_key": public_private,
    }


def mine() -> dict[str, Any]:
    """The merchant of the space at hand."""
    return accounts.account("wechatpay")


def signing_key(credentials: dict[str, Any], signer: str) -> tuple[Any, str]:
    """WeChat Pay's private key and the name a client knows it by. `signer` is cert or pubkey."""
    if signer == "pubkey":
        return accounts.private_key(credentials["public_key_private_key"]), credentials["public_key_id"]
    return accounts.private_key(credentials["platform_private_key"]), credentials["platform_serial_no"]

"""`/_mock/wechatpay/certificates`: WeChat Pay's certificates and the merchant's, and how they are exchanged."""

from typing import Any

from flask import Blueprint
from marshmallow import fields, validate

from mock_providers import accounts
from mock_providers.control.door import Strict, route
from mock_providers.db import db
from mock_providers.wechatpay import account

bp = Blueprint("control_certificates", __name__)
OWNERS = (account.DIRECT, account.PARTNER)


class Owner(Strict):
    account = fields.String(load_default=account.DIRECT, validate=validate.OneOf(OWNERS))


class Exchange(Owner):
    """`hours`: how long a platform certificate is listed before it signs; the vendor says at least 24."""

    which = fields.String(load_default="platform", validate=validate.OneOf(("platform", "merchant")))
    hours = fields.Integer(strict=True, load_default=24, validate=validate.Range(0, 24 * 366))


def _state(owner: str) -> dict[str, Any]:
    held = accounts.account(owner)
    return {
        "account": owner,
        "merchant": {"serial_no": held["merchant_serial_no"], "replaced": held.get("replaced_serial_nos", [])},
        "platform": {
            "serial_no": held["platform_serial_no"],
            "signs_since": held.get("platform_since"),
            "before": held.get("old_platform_serial_no"),
            "next": held.get("next_platform_serial_no"),
            "next_signs_from": held.get("next_platform_since"),
        },
    }


@route(bp, "GET", "/wechatpay/certificates", query=Owner)
def show_certificates(asked: dict[str, Any]) -> dict[str, Any]:
    """Which certificates are in use, listed, and gone."""
    found = _state(asked["account"])
    db.session.rollback()
    return found


@route(bp, "POST", "/wechatpay/certificates", body=Exchange)
def exchange_certificate(given: dict[str, Any]) -> dict[str, Any]:
    """A new platform certificate is listed and signs `hours` later; a new merchant certificate counts at once."""
    if given["which"] == "platform":
        account.rotate_platform(given["account"], given["hours"])
    else:
        account.rotate_merchant(given["account"])
    db.session.commit()
    return _state(given["account"])

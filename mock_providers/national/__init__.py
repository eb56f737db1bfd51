"""The national platform: the institutions' gateway, the mobile payment centre, the prescription centre, the books."""

import json

from flask import Blueprint, request

from mock_providers import accounts
from mock_providers.national import (
    authorisation,
    cashier,
    catalogue,
    catalogue_files,
    clearing,
    consent,
    decode,
    faces,
    files,
    gateway,
    localcfc,
    notify,
    oidc,
    oidc_tokens,
    outpatient,
    payment,
    pharmacy,
    prescription_centre,
    prescriptions,
    queries,
    reversal,
    stock,
    transactions,
)
from mock_providers.national.channel import settle_for_channel
from mock_providers.national.person import adjust, describe

NAME = "national"
bp = Blueprint(NAME, __name__)
for part in (cashier, consent, faces, gateway, localcfc, oidc, payment, prescription_centre):
    bp.register_blueprint(part.bp)
connect = payment.connect
prescriptions_of = prescriptions.of
LOGIN = (oidc, oidc_tokens)
GATEWAY = (
    catalogue,
    catalogue_files,
    clearing,
    decode,
    files,
    outpatient,
    pharmacy,
    queries,
    reversal,
    stock,
    transactions,
)
__all__ = ["NAME", "adjust", "bp", "describe", "notify", "prescriptions_of", "settle_for_channel", "space_of"]


def space_of() -> str | None:
    """The space whose paas id, appId or partner id this request shows."""
    if request.path.startswith(f"/{NAME}/oauth2/"):
        return oidc.space_of()
    shown = request.headers.get("x-tif-paasid") or _app_id() or _partner_id()
    return accounts.space_of(NAME, authorisation.public_id(shown)) if shown else None


def _app_id() -> str:
    if request.mimetype != "application/json":
        return ""
    try:
        message = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return ""
    shown = message.get("appId") if isinstance(message, dict) else ""
    return shown if isinstance(shown, str) else ""


def _partner_id() -> str:
    before, _, after = request.path.partition("/userQuery/")
    return after if before else ""

"""Whose insurance account was authorised: an authCode of a consent page becomes a payment number (nhsa §3.2)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from yibao import clock, ids
from yibao.providers.http import Unreachable, VendorRefused, send
from yibao.providers.national.facts import credentials, parsed

PATH = "/api/mipuserquery/userQuery"


@dataclass(frozen=True)
class Payer:
    """Whose insurance account was authorised. `for_relative`: the user pays out of a relative's credential."""

    name: str
    id_number: str
    pay_auth_no: str
    for_relative: bool
    psn_no: str


def authorised_payer(auth_code: str, sub: str) -> Payer:
    """The payer of a code of the national app's own page; `sub` is who the log-in says the user is."""
    return user_query(credentials()["mip"]["base_url"] + PATH, {"qrcode": auth_code, "sub": sub})


def cashier_url(pay_order_id: str) -> str:
    """The national app's cashier for an order."""
    return f"{credentials()['oauth']['issuer']}/cashier/{quote(pay_order_id, safe='')}"


def user_query(base_url: str, asked: Mapping[str, str]) -> Payer:
    """Ask who authorised a payment, and for the number that pays once. VendorRefused if the code is no good."""
    mip = credentials()["mip"]
    partner, timestamp = mip["partner_id"], str(clock.wall_unix() * 1000)
    headers = {
        "Content-Type": "application/json",
        "god-portal-timestamp": timestamp,
        "god-portal-request-id": ids.nonce(),
        "god-portal-signature": portal_signature(mip["partner_secret"], partner, timestamp),
    }
    body = json.dumps(dict(asked)).encode()
    reply = send("POST", f"{base_url}/{partner}", base_url=base_url, headers=headers, body=body)
    if reply.status != 200:
        raise Unreachable(f"HTTP {reply.status}")
    answer = parsed(reply)
    if answer.get("code") != 0:
        raise VendorRefused("user query", answer.get("code", ""), str(answer.get("message", "")))
    own, family = answer.get("pay_auth_no") or "", answer.get("family_pay_auth_no") or ""
    if bool(own) == bool(family):
        raise Unreachable("the user query must give exactly one payment authorisation")
    return Payer(
        name=str(answer.get("user_name", "")),
        id_number=str(answer.get("user_card_no", "")).upper(),
        pay_auth_no=own or family,
        for_relative=bool(family),
        psn_no=str(answer.get("psn_no") or ""),
    )


def portal_signature(secret: str, partner: str, timestamp: str) -> str:
    return hmac.new(secret.encode(), f"{partner}{timestamp}".encode(), hashlib.sha256).hexdigest()

"""`/_mock/people`, `credentials`, `spaces`: who lives here, which keys they use, and other testers' worlds."""

import shutil
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from flask import Blueprint, current_app
from marshmallow import fields, validate
from sqlalchemy import delete, select

from mock_providers import accounts, clock, people, spaces
from mock_providers.control.door import BIGGEST, Page, Strict, route
from mock_providers.control.reset import empty
from mock_providers.control.time import Instant
from mock_providers.control.walk import lock
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.spaces import Space

bp = Blueprint("control_world", __name__)
CREDENTIALS: dict[str, Any] = {
    "wechat": "base_url appid secret original_id push_token encoding_aes_key templates",
    "wechat_official_account": "base_url appid secret original_id push_token encoding_aes_key",
    "wechatpay": "base_url mchid appid apiv2_key apiv3_key merchant_serial_no merchant_private_key "
    "merchant_certificate platform_serial_no platform_certificate public_key_id public_key",
    "wechatpay_partner": "base_url mchid appid apiv2_key apiv3_key merchant_serial_no merchant_private_key "
    "merchant_certificate platform_serial_no platform_certificate public_key_id public_key "
    "sp_mchid sp_appid sub_mchid sub_appid",
    "alipay": "gateway_url app_id seller_id app_private_key app_public_key alipay_public_key aes_key alipay_cert",
    "national": "gateway_url paas_id secret fixmedins_code mip oauth",
}
INNER = {
    "alipay_cert": "app_id app_private_key app_cert alipay_cert alipay_root_cert",
    "mip": "base_url partner_id partner_secret app_id app_secret private_key public_key platform_public_key",
    "oauth": "issuer client_id client_secret redirect_uris",
}


MONEY = validate.Range(0, 10**9)


class Adjustment(Strict):
    """What the bureau knows of somebody."""

    balance_fen = fields.Integer(strict=True, validate=MONEY)
    suspense_fen = fields.Integer(strict=True, validate=MONEY)
    deductible_paid_fen = fields.Integer(strict=True, validate=MONEY)
    pooled_used_fen = fields.Integer(strict=True, validate=MONEY)
    mutual_used_fen = fields.Integer(strict=True, validate=MONEY)
    status = fields.String(validate=validate.OneOf(["0", "1", "2", "4"]))
    insutype = fields.String(validate=validate.OneOf(["310", "390"]))
    person_type = fields.String(validate=validate.Regexp(r"^\d{4}$"))
    area = fields.String(validate=validate.Regexp(r"^\d{6}$"))
    frozen = fields.Boolean(truthy={True}, falsy={False})
    mutual_aid_from = fields.String(allow_none=True, validate=validate.Length(1, 10))
    paused_on = fields.String(allow_none=True, validate=validate.Length(10, 10))
    resumed_on = fields.String(allow_none=True, validate=validate.Length(10, 10))
    deceased_on = fields.String(allow_none=True, validate=validate.Length(10, 10))
    in_provincial_copy_from = fields.String(allow_none=True, validate=validate.Length(10, 40))


class NewSpace(Strict):
    name = fields.String(required=True, validate=validate.Length(1, 64))
    seed = fields.Integer(strict=True, validate=validate.Range(0, BIGGEST))
    start = Instant()


def _national() -> Any:
    from mock_providers import national

    return national


def person(id_: str) -> people.Person:
    """The sample person. Raises Problem PERSON_UNKNOWN."""
    found = people.world().people.get(id_)
    if found is None:
        raise Problem("PERSON_UNKNOWN", f"there is no sample person {id_[:20]!r}")
    return found


def shown(who: people.Person) -> dict[str, Any]:
    """Facts of the data file, and under `bureau` what the national platform knows of them now."""
    facts = {key: _plain(value) for key, value in asdict(who).items() if value not in (None, "")}
    describe = getattr(_national(), "describe", None)
    papers: Any = getattr(_national(), "prescriptions_of", lambda person: [])
    bureau = _plain(describe(who.id)) if describe else None
    return {"sample": True, **facts, "prescriptions": papers(who.id), "bureau": bureau}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


@route(bp, "GET", "/people", query=Page)
def list_people(asked: dict[str, Any]) -> dict[str, Any]:
    """The sample people (样例人物); all are invented."""
    everyone = list(people.world().people.values())
    after, limit = asked["after"], asked["limit"]
    more = after + limit < len(everyone)
    return {
        "items": [shown(who) for who in everyone[after : after + limit]],
        "next": str(after + limit) if more else None,
    }


@route(bp, "GET", "/people/<id_>")
def show_person(id_: str) -> dict[str, Any]:
    """One person with balances, insurance, relations."""
    return shown(person(id_))


@route(bp, "POST", "/people/<id_>", body=Adjustment)
def adjust_person(id_: str, given: dict[str, Any]) -> dict[str, Any]:
    """Set what the bureau knows of a person."""
    who = person(id_)
    if given.get("mutual_aid_from"):
        person(given["mutual_aid_from"])
    adjust = getattr(_national(), "adjust", None)
    if adjust is None:
        raise Problem("STATE_CONFLICT", "the national platform cannot be adjusted here")
    adjust(who.id, **given)
    db.session.commit()
    return shown(who)


@route(bp, "GET", "/credentials")
def credentials() -> dict[str, Any]:
    """Keys and ids of this space for the app under test; made on first use."""
    found = {}
    held = accounts.all_held()
    for vendor, names in CREDENTIALS.items():
        if vendor in held:
            found[vendor] = _of(held[vendor], names)
    db.session.rollback()
    return found


def _of(held: dict[str, Any], names: str) -> dict[str, Any]:
    return {
        name: _of(held[name], INNER[name]) if name in INNER else held[name] for name in names.split() if name in held
    }


def space_line(name: str) -> dict[str, Any]:
    seed = db.session.scalar(select(Space.seed).where(Space.name == name))
    return {"name": name, "seed": seed, "now": clock.now(name).isoformat(), "frozen": clock.is_frozen(name)}


@route(bp, "GET", "/spaces", query=Page)
def list_spaces(asked: dict[str, Any]) -> dict[str, Any]:
    """All testers' worlds."""
    every = spaces.names()
    after, limit = asked["after"], asked["limit"]
    more = after + limit < len(every)
    return {
        "items": [space_line(name) for name in every[after : after + limit]],
        "next": str(after + limit) if more else None,
    }


@route(bp, "POST", "/spaces", body=NewSpace)
def add_space(given: dict[str, Any]) -> dict[str, Any]:
    """Make a world; its clock begins at `start` or where the server's new spaces begin."""
    settings = current_app.config["SETTINGS"]
    start = given["start"].isoformat() if "start" in given else settings.start
    spaces.create(given["name"], given.get("seed", settings.seed), clock.starting_offset_ms(start))
    db.session.commit()
    return space_line(given["name"])


@route(bp, "DELETE", "/spaces/<name>")
def remove_space(name: str) -> dict[str, Any]:
    """Delete a world with everything in it; says what was removed."""
    if name == "default":
        raise Problem("STATE_CONFLICT", "the space default always exists; reset it instead")
    spaces.named(name)
    db.session.rollback()
    with lock(name):
        removed = empty(current_app._get_current_object(), name, "all", keep=False)  # type: ignore[attr-defined]
        db.session.execute(delete(Space).where(Space.name == name))
        db.session.commit()
        shutil.rmtree(current_app.config["SETTINGS"].data / "snapshots" / name, ignore_errors=True)
    return {"removed": removed}

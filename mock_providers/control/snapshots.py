"""`/_mock/snapshots`: this space as it was, and back to it; `/_mock/events/<id>/rewind`: to before an event."""

import shutil
import sqlite3
from typing import Any

from flask import Blueprint, current_app, request
from marshmallow import ValidationError, fields, validate

from mock_providers import accounts, clock, people
from mock_providers.control.door import ID, Page, Strict, fresh, route
from mock_providers.control.time import Instant
from mock_providers.db import current_space, db
from mock_providers.errors import Problem
from mock_providers.national import credential, oidc_tokens
from mock_providers.snapshots import cabinet, keeper, parcel, shelf
from mock_providers.snapshots.cabinet import Cabinet
from mock_providers.wechat import users

bp = Blueprint("control_snapshots", __name__)
LARGEST_IMPORT = 256 * 1024 * 1024
A_NAME = validate.Regexp(cabinet.NAME, error="1 to 64 of a-z, 0-9, . _ and -, a letter or digit first")


class NewSnapshot(Strict):
    name = fields.String(required=True, validate=A_NAME)


class Import(Strict):
    name = fields.String(validate=A_NAME)
    snapshot = fields.Dict(keys=fields.String(), required=True)


class Which(Strict):
    name = fields.String(required=True, validate=A_NAME)


def _app() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]


def _mine() -> Cabinet:
    return keeper.of(_app(), current_space())


def _kept(place: Cabinet) -> dict[str, int]:
    """What there is, and what there may be: beyond it the oldest go."""
    every = place.named()
    return {
        "snapshots": len(every),
        "snapshots_at_most": cabinet.KEPT_AT_MOST,
        "bytes": sum(map(cabinet.size, every)),
        "bytes_at_most": cabinet.BYTES_AT_MOST,
    }


def _folder(place: Cabinet, name: str) -> Any:
    folder = place.folder(name)
    if not cabinet.NAME.match(name) or folder not in place.named():
        raise Problem("NOT_FOUND", f"there is no snapshot {name[:64]!r} in this space")
    return folder


@route(bp, "GET", "/snapshots", query=Page)
def list_snapshots(asked: dict[str, Any]) -> dict[str, Any]:
    """The snapshots of this space, oldest first, and what may be kept."""
    place = _mine()
    every, after, limit = place.named(), asked["after"], asked["limit"]
    more = after + limit < len(every)
    return {
        "items": [keeper.shown(folder) for folder in every[after : after + limit]],
        "next": str(after + limit) if more else None,
        "kept": _kept(place),
    }


@route(bp, "POST", "/snapshots", body=NewSnapshot)
def save(given: dict[str, Any]) -> dict[str, Any]:
    """Save this space under a name: both halves, clock, numbers, switches, plans, faults and what is on its way."""
    fresh()
    place = _mine()
    _, dropped = keeper.save(_app(), current_space(), given["name"])
    return {**keeper.shown(place.folder(given["name"])), "dropped": dropped, "kept": _kept(place)}


@route(bp, "DELETE", "/snapshots", query=Which)
def delete(asked: dict[str, Any], *_: Any) -> dict[str, Any]:
    """Forget one."""
    place = _mine()
    shutil.rmtree(_folder(place, asked["name"]))
    return {"deleted": asked["name"], "kept": _kept(place)}


@route(bp, "POST", "/snapshots/<name>/restore")
def restore(name: str) -> dict[str, Any]:
    """Put this space back as it was saved; other spaces go on untouched. What was in flight is sent again."""
    folder = _folder(_mine(), name)
    return _put_back(folder)


def _put_back(folder: Any) -> dict[str, Any]:
    fresh()
    one, done = keeper.restore(_app(), current_space(), folder)
    db.session.rollback()
    return {
        "restored": one.name,
        "saved_at": one.at,
        "events": one.events,
        "rows": {"removed": done.removed, "added": done.added},
        "renumbered": done.shift,
    }


@route(bp, "POST", "/events/" + ID + "/rewind")
def rewind(id_: int) -> dict[str, Any]:
    """Back to before an event: to its checkpoint, else to the newest snapshot that is older than it."""
    fresh()
    found = keeper.before_event(_app(), current_space(), id_)
    db.session.rollback()
    if found is None:
        detail = (
            f"nothing was saved before event {id_}: save a snapshot before it next time, or set the switch "
            "control.checkpoints to how many of the last events you want to rewind to"
        )
        raise Problem("STATE_CONFLICT", detail)
    folder, undone = found
    exact = folder.parent.name == cabinet.EVENTS
    return {"event": id_, "exact": exact, "events_undone": undone, **_put_back(folder)}


@route(bp, "GET", "/snapshots/<name>/export")
def export(name: str) -> dict[str, Any]:
    """One document without private keys, secrets, tokens and session keys, and without the bytes of calls."""
    neighbour = current_app.config["NEIGHBOUR"]
    return parcel.packed(_folder(_mine(), name), neighbour.private_tables() if neighbour else (), _ids())


def _ids() -> dict[str, str]:
    """What this space calls its apps, addresses and people, by a name every space knows."""
    held = accounts.all_held()
    found = parcel.public_ids(held)
    for who in people.world().people.values():
        found[f"{who.id}.unionid"] = users.unionid_of(who.id)
        found[f"{who.id}.ec_index"] = credential.index_of(who)
        found[f"{who.id}.sub"] = oidc_tokens.subject(who)
        for app in ("wechat", "wechat_official_account"):
            found[f"{who.id}.{app}"] = users.openid_of(held[app]["appid"], who.id)
    base = current_app.config["SETTINGS"].public_url
    return {**found, "address": f"{base}/s/{current_space()}/", "base": base}


@bp.before_app_request
def _make_room() -> None:
    if request.endpoint == f"{bp.name}.take_in_post":
        request.max_content_length = LARGEST_IMPORT


@route(bp, "POST", "/snapshots/import", body=Import)
def take_in(given: dict[str, Any]) -> dict[str, Any]:
    """Keep an exported document as a snapshot of this space; restore it to go on from there."""
    document = given["snapshot"]
    about = document.get("about")
    name = given.get("name") or (about.get("name") if isinstance(about, dict) else None) or "imported"
    if not isinstance(name, str) or not cabinet.NAME.match(name):
        raise Problem("FIELD_INVALID", "name it", {"name": ["is not a name of a snapshot"]})
    ids = _ids()
    db.session.commit()
    place = _mine()
    folder = place.folder(name)
    if folder.exists():
        raise Problem("STATE_CONFLICT", f"there is a snapshot {name} already; delete it or choose another name")
    try:
        with place.filling(folder) as part:
            known = parcel.unpack(document, part, ids)
            Instant().deserialize(known["at"])
            made = cabinet.About(at=known["at"], events=keeper.events_in(part), **_as_ours(name))
            cabinet.describe(part, made)
            keeper.rehearse(_app(), current_space(), part)
    except (parcel.Malformed, ValidationError, sqlite3.Error, shelf.Unfit, KeyError, RecursionError) as error:
        raise Problem(
            "FIELD_INVALID", "this is not an exported snapshot", {"snapshot": [str(error)[:200]]}
        ) from error
    dropped = place.bounded()
    return {**keeper.shown(folder), "dropped": dropped, "kept": _kept(place)}


def _as_ours(name: str) -> dict[str, Any]:
    wall = clock.wall().isoformat()
    return {"name": name, "wall": wall, "wall_ns": clock.wall_ns(), "newest_event": 0, "imported": True}

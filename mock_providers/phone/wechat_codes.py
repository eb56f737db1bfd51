"""The user's WeChat and whatever leads into a mini program: a code to scan, a scheme or link to open."""

import binascii
from base64 import b64decode, b64encode
from typing import Any

from flask import Blueprint, request

from mock_providers import switches
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.phone import sight, tap
from mock_providers.wechat import codes, links

bp = Blueprint("phone_wechat_codes", __name__)
WAYS = {"camera": (1047, 1011), "long_press": (1048, 1012), "album": (1049, 1013)}

switches.declare(
    "wechat.scan_path_scene",
    "encoded",
    ("encoded", "plain"),
    kind="choice",
    source="wechat.md §8",
    why="the scene in the `path` of wx.scanCode: URL-encoded on iOS, as it is on Android, by reports of integrators",
)


@bp.get("/phone/wechat/code")
def followed_code() -> dict[str, Any]:
    """What a mini-program code leads to, for a scanner that is not WeChat."""
    place = codes.read(request.full_path)
    if place is None:
        raise Problem("NOT_FOUND", "this address is the content of no code", {"code": ["unknown"]})
    return _landed(place, "camera")


@bp.post("/phone/wechat/scan")
def scanned_code() -> dict[str, Any]:
    """wx.scanCode: `content` is what a code says, or `image_base64` a picture of one; `way` is how it was met."""
    said = tap.given(optional=("content", "image_base64", "way", "outcome", "appid"))
    way = tap.choice(said, "way", *WAYS)
    if tap.choice(said, "outcome", "scanned", "cancel") == "cancel":
        return {"errMsg": "scanCode:fail cancel"}
    content = tap.text(said, "content") or _seen(tap.text(said, "image_base64"))
    place = codes.read(content)
    raw = b64encode(content.encode()).decode()
    answer = {"result": content, "scanType": "QR_CODE", "charSet": "UTF-8", "rawData": raw, "errMsg": "scanCode:ok"}
    if place is None:
        return answer
    if not place.square:
        answer["scanType"] = "WX_CODE"
    if place.appid != tap.appid(said):
        return answer | {"result": "", **_landed(place, way)}
    return answer | {"path": _path(place), **_landed(place, way)}


@bp.post("/phone/wechat/open-link")
def opened_link() -> dict[str, Any]:
    """A URL scheme or URL link is tapped: what App.onLaunch of the mini program gets."""
    said = tap.given("link")
    answer = links.opened(tap.text(said, "link"))
    db.session.commit()
    return answer


def _seen(picture: str) -> str:
    if not picture:
        raise Problem("FIELD_INVALID", "send content or image_base64", {"content": ["missing"]})
    try:
        return sight.read(b64decode(picture.partition(";base64,")[2] or picture, validate=True))
    except binascii.Error:
        raise Problem("FIELD_INVALID", "image_base64 is not base64", {"image_base64": ["not base64"]}) from None
    except sight.Unreadable as why:
        raise Problem("FIELD_INVALID", f"no code can be read: {why}", {"image_base64": [str(why)]}) from None


def _path(place: codes.Place) -> str:
    """The `path` a mini program gets when it scans a code of its own."""
    if place.scene:
        encoded = switches.value("wechat.scan_path_scene") == "encoded"
        return f"{place.page}?scene={codes.encoded(place.scene) if encoded else place.scene}"
    return f"{place.page}?{place.query}" if place.query else place.page


def _landed(place: codes.Place, way: str) -> dict[str, Any]:
    return {
        "appId": place.appid,
        "envVersion": place.env_version,
        "launch": codes.launch(place, WAYS[way][1 if place.square else 0]),
    }

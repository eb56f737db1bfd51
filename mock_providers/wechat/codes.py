"""Mini-program codes. WeChat's round code cannot be made by anybody else: ours is a QR code over `content()`.

The content is an address of this server, so that any scanner gets something, and the phone (`scan`) finds page and
scene in it.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from flask import Response, current_app
from sqlalchemy import func, select

from mock_providers import outcomes, switches
from mock_providers.db import current_space, db
from mock_providers.journal import explain
from mock_providers.wechat import app_pages, limits, pictures, users
from mock_providers.wechat.door import Refused, api, body, caller, planned
from mock_providers.wechat.models import UncheckedPage

A_MINUTE = 5_000
LIMITED = 100_000
UNCHECKED_PAGES = 60_000
SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+")
WIDTHS = range(280, 1281)
ADDRESS = "/_mock/phone/wechat/code"
TROUBLE = ("system_error", "rate_limited", "daily_quota", "unauthorized", "http_500")

outcomes.declare("wechat.getwxacodeunlimit", *TROUBLE)
outcomes.declare("wechat.getwxacode", *TROUBLE)
outcomes.declare("wechat.createwxaqrcode", *TROUBLE)
for name, default, choices, why in (
    ("code_width", "40097", ("40097", "nearest"), "what a width outside 280 to 1280 answers"),
    (
        "code_scene_characters",
        "40129",
        ("40129", "40169"),
        "which of the two scene errors a forbidden character gets",
    ),
    ("code_not_json", "47001", ("47001", "40169"), "which code a body gets that is not JSON; both texts say so"),
    ("code_unchecked_pages", "45029", ("45029", "40097"), "what the 60,001st page with check_path false answers"),
):
    switches.declare(
        f"wechat.{name}", default, choices, kind="choice", source="wechat.md §6.1", why=f"{why} is not published"
    )
switches.declare(
    "wechat.code_transparent",
    "png",
    ("png", "jpeg"),
    kind="choice",
    source="wechat.md §6.1",
    why="a JPEG cannot be transparent: with is_hyaline the bytes are a PNG, the Content-Type stays image/jpeg",
)


@dataclass(frozen=True)
class Place:
    """Where a code leads. `scene` of getwxacodeunlimit; the other two have a query instead; `square`: the old one."""

    appid: str
    page: str
    scene: str = ""
    query: str = ""
    env_version: str = "release"
    square: bool = False


@dataclass(frozen=True)
class Look:
    """How a code is drawn."""

    width: int = 430
    colour: pictures.Colour = (0, 0, 0)
    transparent: bool = False


@api("/wxa/getwxacodeunlimit", "POST")
def getwxacodeunlimit() -> Response:
    """A code for a page and a scene; as many as one likes."""
    users.mini_program_only(45063)
    given = _given()
    scene, env_version, look = _scene(given), app_pages.env_version(given), _look(given)
    page, is_checked = _page(given)
    planned("wechat.getwxacodeunlimit", ref=scene)
    if not limits.spend(f"{caller()}.minute.getwxacodeunlimit", A_MINUTE, limits.MINUTE):
        raise Refused(45009)
    if not is_checked:
        _remember(page)
    return _drawn(Place(users.own_appid(), page, scene, "", env_version), look)


@api("/wxa/getwxacode", "POST")
def getwxacode() -> Response:
    """A code for a page with its query; of these and the QR codes there are 100,000 in all."""
    users.mini_program_only(45063)
    given = body()
    page, query = _path(given, 1024)
    place = Place(users.own_appid(), page, "", query, app_pages.env_version(given))
    look = _look(given)
    planned("wechat.getwxacode")
    _count()
    return _drawn(place, look)


@api("/cgi-bin/wxaapp/createwxaqrcode", "POST")
def createwxaqrcode() -> Response:
    """The older square code for a page with its query."""
    users.mini_program_only(45063)
    given = body()
    page, query = _path(given, 128)
    look = Look(_width(given))
    planned("wechat.createwxaqrcode")
    _count()
    return _drawn(Place(users.own_appid(), page, "", query, square=True), look)


def content(place: Place) -> str:
    """What our code says: an address of this server with appid, page, scene or query, version."""
    told = {"a": place.appid, "p": place.page, "s": place.scene, "q": place.query, "v": place.env_version}
    told["k"] = "square" if place.square else ""
    prefix = "" if current_space() == "default" else f"/s/{current_space()}"
    said = urlencode({name: value for name, value in told.items() if value}, safe="/")
    return f"{current_app.config['SETTINGS'].public_url}{prefix}{ADDRESS}?{said}"


def read(said: str) -> Place | None:
    """The place a code's content names; None if it is no code of ours."""
    try:
        parts = urlsplit(said)
    except ValueError:
        return None
    told = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if not parts.path.endswith(ADDRESS) or not told.get("a") or not told.get("p"):
        return None
    scene, query = told.get("s", ""), told.get("q", "")
    return Place(told["a"], told["p"], scene, query, told.get("v", "release"), told.get("k") == "square")


def launch(place: Place, scene: int) -> dict[str, Any]:
    """What App.onLaunch gets. The scene of a code arrives URL-encoded."""
    query = {"scene": encoded(place.scene)} if place.scene else app_pages.query_of(place.query)
    return {"path": place.page, "query": query, "scene": scene, "referrerInfo": {}}


def encoded(scene: str) -> str:
    """As encodeURIComponent does it."""
    return quote(scene, safe="-_.!~*'()")


def _given() -> dict[str, Any]:
    try:
        return body()
    except Refused as refused:
        raise Refused(int(switches.value("wechat.code_not_json"))) if refused.errcode == 47001 else refused from None


def _scene(given: dict[str, Any]) -> str:
    scene = given.get("scene")
    if scene is None or scene == "":
        explain(scene="missing")
        raise Refused(40169)
    if not isinstance(scene, str):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    if len(scene) > 32:
        raise Refused(40169)
    if not SCENE.fullmatch(scene):
        explain(scene="has a character that is not allowed; encode it in another way than with %")
        raise Refused(int(switches.value("wechat.code_scene_characters")))
    return scene


def _page(given: dict[str, Any]) -> tuple[str, bool]:
    """(page of a code, whether it was held against the published ones, as the caller wants it)"""
    page, check = given.get("page"), _flag(given, "check_path", True)
    if page is None or page == "":
        page, check = app_pages.home(), True
    if not isinstance(page, str) or len(page) > 1024 or page.startswith("/") or "?" in page:
        explain(page="a page has no leading / and no query")
        raise Refused(41030)
    if check and not app_pages.is_published(page):
        explain(page="not published, see the switch wechat.published_pages", published=app_pages.published())
        raise Refused(41030)
    return page, check


def _remember(page: str) -> None:
    if db.session.scalar(select(UncheckedPage.id).where(UncheckedPage.path == page)) is not None:
        return
    if (db.session.scalar(select(func.count(UncheckedPage.id))) or 0) >= UNCHECKED_PAGES:
        raise Refused(int(switches.value("wechat.code_unchecked_pages")))
    db.session.add(UncheckedPage(path=page))


def _path(given: dict[str, Any], at_most: int) -> tuple[str, str]:
    """(page, query) of a path."""
    path = given.get("path")
    if not isinstance(path, str) or not 0 < len(path.encode()) <= at_most:
        raise Refused(40159)
    page, _, query = path.removeprefix("/").partition("?")
    if page and not app_pages.is_published(page):
        explain(path="not published, see the switch wechat.published_pages", published=app_pages.published())
        raise Refused(41030)
    if not (page := page or app_pages.home()):
        raise Refused(41030)
    return page, query


def _count() -> None:
    if not limits.spend(f"{caller()}.forever.codes", LIMITED, limits.FOREVER):
        raise Refused(45029)


def _look(given: dict[str, Any]) -> Look:
    auto, transparent = _flag(given, "auto_color", False), _flag(given, "is_hyaline", False)
    colour = _colour(given.get("line_color"))
    return Look(_width(given), (0, 0, 0) if auto else colour, transparent)


def _width(given: dict[str, Any]) -> int:
    width = given.get("width")
    if width is None:
        return 430
    if isinstance(width, bool) or not isinstance(width, int | float) or width != int(width):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    if int(width) in WIDTHS:
        return int(width)
    if switches.value("wechat.code_width") == "nearest":
        return min(max(int(width), WIDTHS[0]), WIDTHS[-1])
    explain(width="280 to 1280")
    raise Refused(40097)


def _colour(given: object) -> pictures.Colour:
    """line_color: three numbers, or numbers as text as one Go SDK sends them."""
    if given is None:
        return (0, 0, 0)
    if not isinstance(given, dict):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    red, green, blue = (_shade(given.get(name, 0)) for name in "rgb")
    return red, green, blue


def _shade(value: object) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255):
        explain(line_color="r, g and b are 0 to 255")
        raise Refused(40097)
    return int(text)


def _flag(given: dict[str, Any], name: str, default: bool) -> bool:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    return value


def _drawn(place: Place, look: Look) -> Response:
    transparent = look.transparent and switches.value("wechat.code_transparent") == "png"
    picture = pictures.code(content(place), look.width, look.colour, transparent)
    return Response(picture, content_type="image/jpeg")

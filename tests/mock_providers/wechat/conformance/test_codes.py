"""Mini-program codes: checks 64 to 66 of wechat.md §11, and every field and error of §6.1."""

import io
from base64 import b64encode

import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from mock_providers import spaces
from mock_providers.db import db
from mock_providers.phone import sight
from mock_providers.wechat import codes
from mock_providers.wechat.models import UncheckedPage, WechatUse
from tests.mock_providers.wechat.conformance.test_face import official_token
from tests.mock_providers.wechat.conftest import World

PATH = "/wxa/getwxacodeunlimit"
EVERY_CHARACTER = ("0189AZaz!#$&'()*+,/:;=?@-._~", "b" * 32)


def made(world: World, path: str = PATH, /, **body: object) -> TestResponse:
    asked = {"scene": "a=1"} if path == PATH else {}
    answer = world.send(path, asked | body, access_token=world.token())
    assert answer.status_code == 200 and "Transfer-Encoding" not in answer.headers
    return answer


def refused(answer: TestResponse) -> int:
    assert answer.content_type == "application/json; encoding=utf-8"
    return answer.get_json(force=True)["errcode"]


def picture(answer: TestResponse, form: str = "JPEG") -> Image.Image:
    assert answer.headers["Content-Type"] == "image/jpeg"
    opened = Image.open(io.BytesIO(answer.data))
    assert opened.format == form
    return opened


def scanned(world: World, answer: TestResponse, **other: object) -> dict:
    return world.phone("scan", image_base64=b64encode(answer.data).decode(), **other)


def test_w64_a_code_is_a_jpeg_under_exactly_that_type(world: World) -> None:
    answer = made(world, page="pages/index/index")
    assert answer.headers["Content-Type"] == "image/jpeg" and answer.data[:2] == b"\xff\xd8"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert picture(answer).size == (430, 430)
    assert made(world, page="pages/index/index").data == answer.data


def test_w64_the_code_scans_and_leads_to_page_and_scene(world: World) -> None:
    said = scanned(world, made(world, page="pages/family/index", scene="id=7&x/y"))
    assert said["errMsg"] == "scanCode:ok" and said["scanType"] == "WX_CODE"
    assert said["path"] == "pages/family/index?scene=id%3D7%26x%2Fy"
    launch = {"path": "pages/family/index", "query": {"scene": "id%3D7%26x%2Fy"}, "scene": 1047, "referrerInfo": {}}
    assert said["launch"] == launch and said["envVersion"] == "release" and said["appId"] == world.account["appid"]
    assert world.client.get(said["result"]).get_json()["launch"] == launch


@pytest.mark.parametrize("scene", EVERY_CHARACTER)
def test_w65_a_scene_of_all_allowed_characters_is_taken(world: World, scene: str) -> None:
    said = scanned(world, made(world, scene=scene))
    assert said["path"] == f"pages/index/index?scene={codes.encoded(scene)}"
    world.switch("wechat.scan_path_scene", "plain")
    assert scanned(world, made(world, scene=scene))["path"] == f"pages/index/index?scene={scene}"


REFUSED = [
    ({"scene": "a" * 33}, 40169, "invalid length for scene, or the data is not json string"),
    ({"scene": ""}, 40169, "invalid length for scene, or the data is not json string"),
    ({"scene": None}, 40169, "invalid length for scene"),
    ({"scene": "a%20b"}, 40129, "invalid scene"),
    ({"scene": "样例"}, 40129, "invalid scene"),
    ({"scene": "a b"}, 40129, "invalid scene"),
    ({"scene": 'a"b'}, 40129, "invalid scene"),
    ({"scene": 5}, 47001, "data format error"),
    ({"page": "pages/nowhere/index"}, 41030, "invalid page"),
    ({"page": "/pages/index/index"}, 41030, "invalid page"),
    ({"page": "pages/index/index?a=1"}, 41030, "invalid page"),
    ({"page": 5}, 41030, "invalid page"),
    ({"page": "p" * 1025, "check_path": False}, 41030, "invalid page"),
    ({"env_version": "beta"}, 40097, "invalid args"),
    ({"env_version": 1}, 40097, "invalid args"),
    ({"width": 279}, 40097, "invalid args"),
    ({"width": 1281}, 40097, "invalid args"),
    ({"width": "430"}, 47001, "data format error"),
    ({"width": 300.5}, 47001, "data format error"),
    ({"width": True}, 47001, "data format error"),
    ({"check_path": "false"}, 47001, "data format error"),
    ({"auto_color": 1}, 47001, "data format error"),
    ({"is_hyaline": "no"}, 47001, "data format error"),
    ({"line_color": "black"}, 47001, "data format error"),
    ({"line_color": {"r": 256, "g": 0, "b": 0}}, 40097, "invalid args"),
    ({"line_color": {"r": "x", "g": 0, "b": 0}}, 40097, "invalid args"),
    ({"line_color": {"r": -1}}, 40097, "invalid args"),
    ({"line_color": {"r": True}}, 40097, "invalid args"),
]


def test_w65_every_bad_field_is_refused_in_json(world: World) -> None:
    for body, errcode, text in REFUSED:
        answer = made(world, **body)
        assert (body, refused(answer)) == (body, errcode)
        assert answer.get_json(force=True)["errmsg"].startswith(text)


def test_w65_an_unpublished_page_passes_where_nobody_looks(world: World) -> None:
    assert refused(made(world, page="pages/new/index")) == 41030
    answer = made(world, page="pages/new/index", check_path=False)
    assert scanned(world, answer)["launch"]["path"] == "pages/new/index"


def test_w65_published_pages_are_a_setting_of_the_space(world: World) -> None:
    world.switch("wechat.published_pages", "shop/home, shop/item/*")
    assert scanned(world, made(world))["launch"]["path"] == "shop/home"
    assert made(world, page="shop/item/7").content_type == "image/jpeg"
    assert refused(made(world, page="pages/index/index")) == 41030
    world.switch("wechat.published_pages", "-")
    assert refused(made(world)) == 41030


@pytest.mark.parametrize("version", ["release", "trial", "develop"])
def test_w65_the_three_versions_are_taken(world: World, version: str) -> None:
    assert scanned(world, made(world, env_version=version))["envVersion"] == version


def test_w66_five_thousand_a_minute(world: World) -> None:
    made(world)
    with spaces.entered(world.app, "default"):
        used = db.session.scalars(select(WechatUse).where(WechatUse.name.endswith(".getwxacodeunlimit"))).one()
        assert used.n == 1
        used.n = codes.A_MINUTE - 1
        db.session.commit()
    assert codes.A_MINUTE == 5000 and made(world).content_type == "image/jpeg"
    answer = made(world)
    assert refused(answer) == 45009 and answer.get_json(force=True)["errmsg"].startswith("reach max api")
    world.advance(60)
    assert made(world).content_type == "image/jpeg"


def test_w66_an_official_accounts_token_is_45063(world: World) -> None:
    for path in (PATH, "/wxa/getwxacode", "/cgi-bin/wxaapp/createwxaqrcode"):
        answer = world.send(path, {"scene": "a"}, access_token=official_token(world))
        assert refused(answer) == 45063
        assert answer.get_json(force=True)["errmsg"].startswith("accesstoken is not xiaochengxu")


def test_w66_method_token_and_body_are_refused_in_json(world: World) -> None:
    token = world.token()
    assert refused(world.client.get(f"/wechat{PATH}", query_string={"access_token": token})) == 43002
    assert refused(world.send(PATH, {"scene": "a"})) == 41001
    assert refused(world.send(PATH, {"scene": "a"}, access_token="98_unknown")) == 40001
    assert refused(world.send(PATH, b"", access_token=token)) == 44002
    assert refused(world.send(PATH, b"scene=a", access_token=token)) == 47001
    world.switch("wechat.code_not_json", "40169")
    assert refused(world.send(PATH, b"scene=a", access_token=token)) == 40169


def test_w66_trouble_can_be_planned(world: World) -> None:
    for outcome, errcode in (("system_error", -1), ("daily_quota", 45009), ("unauthorized", 48001)):
        world.plan("wechat.getwxacodeunlimit", outcome)
        assert refused(made(world)) == errcode


@pytest.mark.parametrize("width", [280, 333, 430, 1280])
def test_a_code_is_as_wide_as_asked_and_scans(world: World, width: int) -> None:
    answer = made(world, width=width, scene="s" * 32)
    assert picture(answer).size == (width, width)
    assert scanned(world, answer)["launch"]["query"] == {"scene": "s" * 32}


def test_a_width_out_of_range_can_be_drawn_at_the_nearest(world: World) -> None:
    world.switch("wechat.code_width", "nearest")
    assert picture(made(world, width=1)).size == (280, 280)
    assert picture(made(world, width=9999)).size == (1280, 1280)


@pytest.mark.parametrize("colour", [{"r": 10, "g": 90, "b": 200}, {"r": "10", "g": "90", "b": "200"}])
def test_lines_have_the_colour_asked_for_in_numbers_or_text(world: World, colour: dict) -> None:
    answer = made(world, line_color=colour)
    assert near(ink(picture(answer)), (10, 90, 200))
    assert scanned(world, answer)["scanType"] == "WX_CODE"
    assert near(ink(picture(made(world, line_color=colour, auto_color=True))), (0, 0, 0))


def ink(code: Image.Image) -> tuple[int, ...]:
    """The colour of the first module, a part of the finder pattern."""
    seen = code.convert("RGB")
    edge = next(n for n in range(seen.width) if sum(seen.getpixel((n, n))) < 600)
    return seen.getpixel((edge + 3, edge + 3))


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))


def test_a_transparent_code_is_a_png_under_the_same_type(world: World) -> None:
    answer = made(world, is_hyaline=True)
    seen = picture(answer, "PNG")
    assert seen.mode == "RGBA" and seen.getpixel((0, 0))[3] == 0
    assert scanned(world, answer)["scanType"] == "WX_CODE"
    world.switch("wechat.code_transparent", "jpeg")
    assert made(world, is_hyaline=True).data[:2] == b"\xff\xd8"


def test_pages_nobody_looks_at_are_counted_once_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes.UNCHECKED_PAGES == 60_000
    monkeypatch.setattr(codes, "UNCHECKED_PAGES", 2)
    for page in ("pages/a", "pages/b", "pages/a"):
        assert made(world, page=page, check_path=False).content_type == "image/jpeg"
    assert refused(made(world, page="pages/c", check_path=False)) == 45029
    with spaces.entered(world.app, "default"):
        assert len(db.session.scalars(select(UncheckedPage)).all()) == 2


@pytest.mark.parametrize(("way", "scene"), [("camera", 1047), ("long_press", 1048), ("album", 1049)])
def test_the_way_a_code_was_met_is_told(world: World, way: str, scene: int) -> None:
    assert scanned(world, made(world), way=way)["launch"]["scene"] == scene


def test_a_scan_in_another_mini_program_tells_no_path(world: World) -> None:
    said = scanned(world, made(world), appid="wx0123456789abcdef")
    assert said["result"] == "" and "path" not in said and said["scanType"] == "WX_CODE"


def test_any_other_code_is_its_text(world: World) -> None:
    said = world.phone("scan", content="https://example.invalid/样")
    assert said == {
        "result": "https://example.invalid/样",
        "scanType": "QR_CODE",
        "charSet": "UTF-8",
        "rawData": b64encode("https://example.invalid/样".encode()).decode(),
        "errMsg": "scanCode:ok",
    }
    assert world.phone("scan", content="x", outcome="cancel") == {"errMsg": "scanCode:fail cancel"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": 5},
        {"image_base64": "***"},
        {"image_base64": b64encode(b"no picture").decode()},
        {"content": "x", "way": "by ear"},
        {"content": "x", "other": 1},
    ],
)
def test_a_scan_of_nothing_is_a_problem(world: World, body: dict) -> None:
    assert world.phone("scan", 400, **body)["code"] in ("FIELD_INVALID", "OUTCOME_UNKNOWN")


def test_an_address_that_is_no_code_is_not_found(world: World) -> None:
    assert world.client.get("/_mock/phone/wechat/code?x=1").status_code == 404
    assert world.client.get("/_mock/phone/wechat/code").status_code == 404


def test_a_white_picture_and_half_a_code_are_unreadable(world: World) -> None:
    code = picture(made(world))
    for seen in (Image.new("RGB", (300, 300), "white"), code.crop((0, 0, 430, 200)), Image.new("L", (5000, 4), 0)):
        out = io.BytesIO()
        seen.save(out, "PNG")
        with pytest.raises(sight.Unreadable):
            sight.read(out.getvalue())


def test_the_limited_codes_carry_a_query(world: World) -> None:
    said = scanned(world, made(world, "/wxa/getwxacode", path="pages/pay/index?a=1&b=%E6%A0%B7"))
    assert said["launch"] == {
        "path": "pages/pay/index",
        "query": {"a": "1", "b": "%E6%A0%B7"},
        "scene": 1047,
        "referrerInfo": {},
    }
    square = scanned(world, made(world, "/cgi-bin/wxaapp/createwxaqrcode", path="pages/pay/index?a=1"))
    assert square["scanType"] == "QR_CODE" and square["path"] == "pages/pay/index?a=1"
    assert square["launch"]["scene"] == 1011


def test_the_limited_codes_refuse_bad_paths(world: World) -> None:
    for path, body, errcode in (
        ("/wxa/getwxacode", {"path": ""}, 40159),
        ("/wxa/getwxacode", {}, 40159),
        ("/wxa/getwxacode", {"path": "p" * 1025}, 40159),
        ("/wxa/getwxacode", {"path": "pages/nowhere"}, 41030),
        ("/wxa/getwxacode", {"path": "pages/index/index", "width": 10}, 40097),
        ("/cgi-bin/wxaapp/createwxaqrcode", {"path": "pages/index/index?" + "q" * 128}, 40159),
        ("/cgi-bin/wxaapp/createwxaqrcode", {"path": 5}, 40159),
    ):
        assert (body, refused(made(world, path, **body))) == (body, errcode)


def test_a_hundred_thousand_limited_codes_in_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes.LIMITED == 100_000
    monkeypatch.setattr(codes, "LIMITED", 2)
    assert made(world, "/wxa/getwxacode", path="pages/pay/index").content_type == "image/jpeg"
    assert made(world, "/cgi-bin/wxaapp/createwxaqrcode", path="pages/pay/index").content_type == "image/jpeg"
    answer = made(world, "/wxa/getwxacode", path="pages/pay/index")
    assert refused(answer) == 45029


def test_a_code_of_another_space_leads_into_that_space(world: World) -> None:
    with spaces.entered(world.app, "default"):
        spaces.create("other", 7, 0)
        db.session.commit()
    other = World(world.app, world.client, "other")
    said = other.phone("scan", image_base64=b64encode(made(other).data).decode())
    assert "/s/other/" in said["result"] and said["path"].startswith("pages/index/index")
    assert world.client.get(said["result"]).get_json()["appId"] == other.account["appid"]

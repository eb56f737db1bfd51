"""Pictures of papers: known by content, kept clean, each once."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from urllib3 import encode_multipart_formdata

from tests.yibao.family.conftest import Hand, picture
from yibao import policy
from yibao.errors import Refused
from yibao.steps.family import pictures

LIMITS = policy.load("hn")[-1].pictures


@pytest.fixture
def key(lin: Hand) -> str:
    """A draft for a child, waiting for pictures."""
    key = lin.start()
    lin.enter(key, "P04")
    return key


def refusal(given: bytes) -> str:
    with pytest.raises(Refused) as caught:
        pictures.clean(given, LIMITS)
    return caught.value.code


def png_head(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = zlib.compress(b"\0" * 100)
    body = b"IDAT" + data
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(head))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", len(data))
        + body
        + struct.pack(">I", zlib.crc32(body))
    )


@pytest.mark.parametrize("kind", ["id_card", "household_register", "birth_certificate", "kinship_notary"])
def test_any_one_of_four_papers_is_enough_for_a_child(lin: Hand, key: str, kind: str) -> None:
    assert lin.upload(key, kind).status_code == 201
    assert lin.state(key) == "MATERIAL_OK"


@pytest.mark.parametrize("kind", ["id_card", "household_register"])
def test_either_paper_is_enough_for_an_adult(lin: Hand, kind: str) -> None:
    key = lin.start()
    lin.enter(key, "P07")
    assert lin.upload(key, kind).status_code == 201
    assert lin.state(key) == "MATERIAL_OK"


@pytest.mark.parametrize("kind", ["passport_page", "selfie", "", "🙂", "x" * 31])
def test_a_paper_that_does_not_fit_is_refused(lin: Hand, key: str, kind: str) -> None:
    assert lin.upload(key, kind).get_json()["code"] in ("MATERIAL_TYPE", "FIELD_INVALID")
    assert lin.state(key) == "INFO_OK"


def test_a_picture_over_five_mebibytes_is_refused(lin: Hand, key: str) -> None:
    big = picture() + b"\0" * (5 * 1024 * 1024)
    assert lin.upload(key, "id_card", big).get_json()["code"] == "MATERIAL_TOO_BIG"
    huge = picture() + b"\0" * (9 * 1024 * 1024)
    assert lin.upload(key, "id_card", huge).get_json()["code"] == "BODY_TOO_BIG"


def test_a_picture_that_is_too_small_is_refused(lin: Hand, key: str) -> None:
    assert lin.upload(key, "id_card", picture(800, 599)).get_json()["code"] == "MATERIAL_TOO_SMALL"


def test_the_same_picture_twice_is_refused_whatever_it_is_called(lin: Hand, key: str) -> None:
    content = picture()
    assert lin.upload(key, "id_card", content).status_code == 201
    assert lin.upload(key, "household_register", content).get_json()["code"] == "MATERIAL_DUPLICATE"


def test_a_file_is_kept_once_under_its_hash_and_for_nobody_else_to_read(lin: Hand, key: str, tmp_path: Path) -> None:
    stored = lin.upload(key, "id_card", picture()).get_json()
    files = list((tmp_path / "materials" / "default").iterdir())
    assert [file.name for file in files] == [f"{stored['sha256']}.jpg"]
    assert files[0].stat().st_mode & 0o777 == 0o600


def test_where_a_picture_was_taken_is_forgotten_and_its_turn_is_kept() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SAMPLE CAMERA"
    given = picture(900, 600, exif=exif)
    assert b"SAMPLE CAMERA" in given
    kept = pictures.clean(given, LIMITS)
    with Image.open(io.BytesIO(kept.content)) as again:
        assert (again.size, dict(again.getexif())) == ((600, 900), {})


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "I;16", "CMYK"])
def test_every_kind_of_colour_is_taken(mode: str) -> None:
    out = io.BytesIO()
    Image.new("L", (600, 600)).convert("RGB" if mode in ("RGBA", "CMYK", "P") else "L").convert(mode).save(
        out, "JPEG" if mode == "CMYK" else "PNG"
    )
    assert pictures.clean(out.getvalue(), LIMITS).width == 600


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"GIF89a" + b"\0" * 100,
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        picture()[:2000],
        picture(kind="PNG")[:-400],
        png_head(700, 700),
    ],
)
def test_what_is_not_a_whole_jpeg_or_png_is_refused(given: bytes) -> None:
    assert refusal(given) == "MATERIAL_TYPE"


@pytest.mark.parametrize("size", [(8000, 8000), (20_000, 20_000), (60_000, 60_000)])
def test_a_small_file_that_claims_to_be_huge_is_never_decoded(size: tuple[int, int]) -> None:
    assert refusal(png_head(*size)) == "MATERIAL_TOO_BIG"


def test_an_upload_without_its_parts_names_them(lin: Hand, key: str) -> None:
    def send(parts: dict[str, Any]) -> dict[str, Any]:
        data, content_type = encode_multipart_formdata(parts)
        headers = {"Authorization": f"Bearer {lin.tokens['access_token']}", "Content-Type": content_type}
        return lin.client.post(f"/api/v1/bindings/{key}/materials", data=data, headers=headers).get_json()

    assert list(send({"type": "id_card"})["fields"]) == ["file"]
    assert list(send({"file": ("x.png", b"")})["fields"]) == ["type"]
    assert list(send({"type": "id_card", "x": "y", "file": ("x.png", b"")})["fields"]) == ["x"]


def test_after_signing_no_more_pictures_are_taken(lin: Hand, key: str) -> None:
    lin.papers(key)
    lin.sign(key)
    assert lin.upload(key, "household_register").get_json()["code"] == "STATE_CONFLICT"

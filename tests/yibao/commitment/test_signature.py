"""Which pictures are a signature."""

import base64
import io
from typing import Any

import pytest
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from yibao.errors import Refused
from yibao.steps.commitment import rules, signature


def encoded(picture: Image.Image, kind: str = "PNG", **more: Any) -> str:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return base64.b64encode(out.getvalue()).decode()


def paper(*lines: Any, size: tuple[int, int] = (600, 200), mode: str = "RGB", ground: Any = "white") -> Image.Image:
    picture = Image.new(mode, size, ground)
    for line in lines:
        ImageDraw.Draw(picture).line(line, "black", 4)
    return picture


LINE = [(50, 150), (300, 40), (520, 160)]


def refusal(png_base64: str) -> str:
    with pytest.raises(Refused) as caught:
        signature.clean(png_base64)
    return caught.value.code


def test_ink_on_white_and_ink_on_nothing_are_both_signatures() -> None:
    assert signature.clean(encoded(paper(LINE)))
    assert signature.clean(encoded(paper(LINE, mode="RGBA", ground=(0, 0, 0, 0))))


def test_the_same_ink_gives_the_same_bytes_whatever_was_written_beside_it() -> None:
    note = PngInfo()
    note.add_text("GPS", "20.04,110.19")
    plain, told = encoded(paper(LINE)), encoded(paper(LINE), pnginfo=note)
    assert plain != told
    assert signature.clean(plain) == signature.clean(told)
    assert b"GPS" not in signature.clean(told)


@pytest.mark.parametrize(
    "picture",
    [
        paper(),
        paper(mode="RGBA", ground=(0, 0, 0, 0)),
        paper([(300, 100), (303, 100)]),
        paper([(0, 0), (12, 12)]),
        paper(ground=(235, 235, 235)),
    ],
)
def test_a_blank_page_and_a_dot_are_not(picture: Image.Image) -> None:
    assert refusal(encoded(picture)) == "LETTER_SIGNATURE_EMPTY"


@pytest.mark.parametrize(
    "png_base64",
    [
        "not base64 at all!",
        "样例",
        base64.b64encode(b"hello").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\xff" * 300).decode(),
        encoded(paper(LINE), "JPEG"),
        encoded(paper(LINE, size=(601, 200))),
        encoded(paper(LINE, size=(200, 600))),
        encoded(paper(LINE))[:400],
        base64.b64encode(base64.b64decode(encoded(paper(LINE))) + b"\0" * 205_000).decode(),
    ],
)
def test_what_is_not_a_small_png_of_600_by_200_is_refused(png_base64: str) -> None:
    assert refusal(png_base64) == "LETTER_SIGNATURE_BAD"


def test_a_moving_picture_is_not_a_signature() -> None:
    frames = [paper(LINE), paper([(10, 10), (500, 190)])]
    assert refusal(encoded(frames[0], save_all=True, append_images=frames[1:])) == "LETTER_SIGNATURE_BAD"


@pytest.mark.parametrize("strokes", [[[[1, 1, 0]]], [[[1, 1, 0], [5, 5, 9]]], [[[9, 9, 0]]] * 50])
def test_a_pen_that_hardly_moved_signed_nothing(strokes: Any) -> None:
    with pytest.raises(Refused) as caught:
        rules.check_strokes(strokes)
    assert caught.value.code == "LETTER_SIGNATURE_EMPTY"


def test_a_pen_that_travelled_signed() -> None:
    rules.check_strokes([[[0, 0, 0], [20, 0, 10]], [[0, 0, 20], [0, 20, 30]]])

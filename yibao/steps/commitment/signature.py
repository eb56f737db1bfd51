"""The picture of a signature: checked by content, cleaned of everything but its ink."""

import base64
import binascii
import io
from typing import TYPE_CHECKING

from yibao.errors import Refused

if TYPE_CHECKING:
    from PIL import Image

SIZE = (600, 200)
MOST_BYTES = 200 * 1024
INK_BELOW = 160
INK_AT_LEAST = 60
SPREAD_AT_LEAST = 20


def clean(png_base64: str) -> bytes:
    """The signature as a grey PNG without metadata.

    Raises Refused LETTER_SIGNATURE_BAD for anything but a PNG of 600×200 within 200 KiB, LETTER_SIGNATURE_EMPTY
    for a blank one or a single dot.
    """
    from PIL import Image

    content = _decoded(png_base64)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.size != SIZE or getattr(picture, "n_frames", 1) != 1:
                raise Refused("LETTER_SIGNATURE_BAD", f"the picture is {picture.size[0]}×{picture.size[1]}")
            paper = Image.new("RGBA", SIZE, "white")
            paper.alpha_composite(picture.convert("RGBA"))
    except Refused:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        raise Refused("LETTER_SIGNATURE_BAD", "the picture cannot be read") from error
    grey = paper.convert("L")
    _check_ink(grey)
    out = io.BytesIO()
    grey.save(out, "PNG", optimize=True)
    return out.getvalue()


def _decoded(png_base64: str) -> bytes:
    try:
        content = base64.b64decode(png_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("LETTER_SIGNATURE_BAD", "png_base64 is not base64") from None
    if len(content) > MOST_BYTES:
        raise Refused("LETTER_SIGNATURE_BAD", f"the picture has more than {MOST_BYTES} bytes")
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise Refused("LETTER_SIGNATURE_BAD", "the picture is not a PNG")
    return content


def _check_ink(grey: "Image.Image") -> None:
    ink = grey.point(lambda value: 255 if value < INK_BELOW else 0)
    box = ink.getbbox()
    dark = ink.histogram()[255]
    if box is None or dark < INK_AT_LEAST or max(box[2] - box[0], box[3] - box[1]) < SPREAD_AT_LEAST:
        raise Refused("LETTER_SIGNATURE_EMPTY")

"""The pictures we make: a code that scans, and a snapshot that shows no face. Pillow is loaded when one is drawn.

Rule of the file: what is drawn comes in as arguments; the same arguments give the same bytes.
"""

from functools import cache
from io import BytesIO
from typing import Any

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
QUIET = 4


def code(content: str, width: int, colour: Colour, transparent: bool) -> bytes:
    """A square QR code, `width` pixels wide: JPEG, or PNG if the ground is to be transparent."""
    import segno
    from PIL import Image

    modules = [[bool(dark) for dark in row] for row in segno.make(content, error="m", micro=False).matrix]
    side = len(modules)
    grain = width // (side + 2 * QUIET)
    small = Image.new("L", (side, side))
    small.putdata([255 if dark else 0 for row in modules for dark in row])
    ink = Image.new("L", (width, width))
    edge = (width - side * grain) // 2
    ink.paste(small.resize((side * grain, side * grain), Image.Resampling.NEAREST), (edge, edge))
    if transparent:
        drawn = Image.new("RGBA", (width, width), (*colour, 0))
        drawn.putalpha(ink)
        return _bytes(drawn, "PNG")
    ground = Image.new("RGB", (width, width), WHITE)
    ground.paste(colour, (0, 0, width, width), ink)
    return _bytes(ground, "JPEG", quality=92, subsampling=0)


def snapshot(*lines: str) -> bytes:
    """A portrait-sized JPEG that says it is a sample and shows nobody."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (480, 640), (236, 239, 241))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((12, 12, 467, 627), outline=(120, 130, 140), width=3)
    pen.ellipse((120, 90, 360, 400), outline=(176, 184, 190), width=4)
    pen.text((240, 245), "SAMPLE", fill=(150, 40, 40), font=_font(56), anchor="mm")
    for row, line in enumerate(("no photograph: nobody was recorded", *lines)):
        said = line.encode("ascii", "replace").decode()
        pen.text((240, 450 + 36 * row), said, fill=(60, 70, 80), font=_font(20), anchor="mm")
    return _bytes(picture, "JPEG", quality=85)


@cache
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _bytes(picture: Any, form: str, **how: Any) -> bytes:
    out = BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()

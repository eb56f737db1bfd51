"""A picture of a paper: known by its content, turned upright, and kept without anything but its pixels."""

import hashlib
import io
from dataclasses import dataclass
from typing import Any

from yibao.errors import Refused
from yibao.policy import Pictures

MAGIC = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}


@dataclass(frozen=True)
class Picture:
    """`given_sha256` is of the file as it came, `sha256` of what is kept."""

    content: bytes
    kind: str
    sha256: str
    given_sha256: str
    width: int
    height: int


def clean(given: bytes, limits: Pictures) -> Picture:
    """The picture as it is kept. Raises Refused MATERIAL_TOO_BIG, MATERIAL_TOO_SMALL or MATERIAL_TYPE."""
    if len(given) > limits.max_bytes:
        raise Refused("MATERIAL_TOO_BIG")
    kind = next((kind for magic, kind in MAGIC.items() if given.startswith(magic)), None)
    if kind is None:
        raise Refused("MATERIAL_TYPE", "the file is neither JPEG nor PNG")
    from PIL import Image

    try:
        upright = _upright(given, kind, limits)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused("MATERIAL_TOO_BIG", "the picture has too many pixels") from error
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        raise Refused("MATERIAL_TYPE", "the picture cannot be read") from error
    out = io.BytesIO()
    upright.save(out, "JPEG" if kind == "jpg" else "PNG", **({"quality": 90} if kind == "jpg" else {}))
    content = out.getvalue()
    digests = hashlib.sha256(content).hexdigest(), hashlib.sha256(given).hexdigest()
    return Picture(content, kind, *digests, upright.width, upright.height)


def _upright(given: bytes, kind: str, limits: Pictures) -> Any:
    """The decoded pixels, in plain colours. The size is looked at before anything is decoded."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(given), formats=["JPEG" if kind == "jpg" else "PNG"]) as picture:
        if picture.width * picture.height > limits.max_pixels:
            raise Refused("MATERIAL_TOO_BIG", "the picture has too many pixels")
        if min(picture.size) < limits.min_side:
            raise Refused("MATERIAL_TOO_SMALL")
        turned = ImageOps.exif_transpose(picture)
        if not turned.has_transparency_data:
            return turned.convert("RGB")
        layer = turned.convert("RGBA")
        plain = Image.new("RGB", layer.size, "white")
        plain.paste(layer, mask=layer.getchannel("A"))
        return plain

"""The phone's camera: reads a straight, whole QR code from a picture, as this server and most programs draw it.

No error correction and no perspective: a photograph of a screen is beyond it.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

SIDES = range(21, 178, 4)
PIXELS_AT_MOST = 4096
MASKS: tuple[Callable[[int, int], int], ...] = (
    lambda y, x: (y + x) % 2,
    lambda y, x: y % 2,
    lambda y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)
Modules = list[list[bool]]


class Unreadable(Exception):
    """No code the camera can make out; the text says why."""


def read(picture: bytes) -> str:
    """What the code in a picture says. Raises Unreadable."""
    modules = _modules(picture)
    error, mask = _format(modules)
    return _text(_data(modules, error, mask), len(modules))


def _modules(picture: bytes) -> Modules:
    """Dark and light, module by module."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(picture)) as opened:
            if max(opened.size) > PIXELS_AT_MOST:
                raise Unreadable(f"at most {PIXELS_AT_MOST} pixels a side")
            seen = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Unreadable("no picture") from error
    white = Image.new("RGBA", seen.size, "white")
    grey = Image.alpha_composite(white, seen).convert("L")
    low, high = grey.getextrema()
    middle = (int(low) + int(high)) // 2  # type: ignore[arg-type]
    dark = grey.point([255 if shade <= middle else 0 for shade in range(256)])
    box = dark.getbbox()
    if high == low or box is None:
        raise Unreadable("nothing is drawn on it")
    left, top, right, bottom = box
    run = next((x for x in range(left, right) if not dark.getpixel((x, top))), right) - left
    side = round((right - left) / (run / 7))
    if side not in SIDES or abs((right - left) - (bottom - top)) > run:
        raise Unreadable("no straight QR code")
    grain = (right - left) / side
    spots = [int((n + 0.5) * grain) for n in range(side)]
    return [[bool(dark.getpixel((left + x, top + y))) for x in spots] for y in spots]


def _format(modules: Modules) -> tuple[int, int]:
    """(error level, mask) from the fifteen modules beside the upper left corner."""
    from segno import consts

    row = [modules[8][x] for x in (0, 1, 2, 3, 4, 5, 7, 8)]
    column = [modules[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    bits = sum(1 << (14 - n) for n, dark in enumerate(row + column) if dark)
    if bits not in consts.FORMAT_INFO:
        raise Unreadable("its format is damaged")
    found = consts.FORMAT_INFO.index(bits)
    return found >> 3, found & 7


def _data(modules: Modules, error: int, mask: int) -> bytes:
    """The data codewords in order, the correction ones left out."""
    from segno import consts

    table: Any = consts.ECC
    version = (len(modules) - 17) // 4
    raw = _codewords(modules, version, mask)
    blocks = table[version][error]
    lengths = [block.num_data for block in blocks for _ in range(block.num_blocks)]
    found: list[bytearray] = [bytearray() for _ in lengths]
    codewords = iter(raw)
    for n in range(max(lengths)):
        for block, length in zip(found, lengths, strict=True):
            if n < length:
                block.append(next(codewords, 0))
    return b"".join(found)


def _codewords(modules: Modules, version: int, mask: int) -> bytes:
    bits = [modules[y][x] ^ (MASKS[mask](y, x) == 0) for y, x in _way(version)]
    octets = zip(*[iter(bits)] * 8, strict=False)
    return bytes(sum(1 << (7 - n) for n, bit in enumerate(octet) if bit) for octet in octets)


def _way(version: int) -> Iterator[tuple[int, int]]:
    """The data modules in reading order: pairs of columns from the right, up and down in turn."""
    free = _free(version)
    side, up = len(free), True
    for right in (x for x in range(side - 1, 0, -1) if (x > 6 and x % 2 == 0) or (x < 6 and x % 2 == 1)):
        for y in range(side - 1, -1, -1) if up else range(side):
            yield from ((y, x) for x in (right, right - 1) if free[y][x])
        up = not up


def _free(version: int) -> Modules:
    import segno
    from segno import consts

    blank: Any = segno.make("", version=version, mode="byte", micro=False, boost_error=False)
    data = (consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT)
    free = [[kind in data for kind in row] for row in blank.matrix_iter(border=0, verbose=True)]
    free[8][len(free) - 9] = True  # segno counts one module too many to the format
    return free


def _text(data: bytes, side: int) -> str:
    """The text of one byte segment."""
    bits = "".join(f"{octet:08b}" for octet in data)
    counter = 8 if side <= 53 else 16
    if bits[:4] != "0100":
        raise Unreadable("only byte text is read, no numbers-only and no Kanji codes")
    start = 4 + counter
    length = int(bits[4:start], 2)
    octets = [int(bits[at : at + 8], 2) for at in range(start, start + 8 * length, 8) if at + 8 <= len(bits)]
    try:
        return bytes(octets).decode()
    except UnicodeDecodeError as error:
        raise Unreadable("what it says is damaged") from error

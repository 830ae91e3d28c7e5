"""What was found, drawn into the image."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Box = tuple[int, int, int, int]


def colour_of(label: str) -> tuple[int, int, int]:
    """Always the same for a label, also tomorrow."""
    hue = zlib.crc32(label.rstrip("-0123456789").encode()) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, 0.4, 0.8)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_boxes(image: Image.Image, boxes: Sequence[tuple[str, Box]]) -> Image.Image:
    """Frames with captions; the first one is on top."""
    result = image.convert("RGB")
    draw = ImageDraw.Draw(result)
    size = max(12, result.height // 24)
    font = ImageFont.load_default(size)
    for label, (left, top, right, bottom) in reversed(boxes):
        colour = colour_of(label)
        draw.rectangle(
            (left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour, width=max(2, size // 6)
        )
        width = round(draw.textlength(label, font))
        x = max(0, min(left, result.width - width - 8))
        y = top - size - 8 if top >= size + 8 else top
        draw.rectangle((x, y, x + width + 8, y + size + 8), fill=colour)
        draw.text((x + 4, y + 2), label, "white", font)
    return result


def cut_out(image: Image.Image, mask: Image.Image) -> Image.Image:
    """What the mask covers; the rest is transparent."""
    result = image.convert("RGB")
    result.putalpha(mask.convert("L").resize(result.size))
    return result

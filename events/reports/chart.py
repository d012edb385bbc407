"""Events by day as a picture, without words: what it shows stands beside it in text."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from PIL import ImageFont

WIDTH, HEIGHT = 600, 200  # as mails show it
SCALE = 2  # drawn this much larger, for dense screens
LEFT, RIGHT, TOP, BOTTOM = 12, 12, 28, 30
# On a ground of its own, so that it is the same in light mails and in dark ones.
GROUND, GRID, TEXT, BAR, UNKNOWN = "#ffffff", "#dde1e6", "#4b5563", "#2563c9", "#e8e3d3"
MOST_LABELS = 8


def draw(days: Sequence[tuple[date, int]], unknown: Collection[date] = ()) -> bytes:
    """A bar for each day, as PNG.

    Args:
        unknown: days of which events may be missing; their ground is shaded.
    """
    from PIL import Image, ImageDraw  # of no use to a web process, and 4 MB of it

    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), GROUND)
    canvas = ImageDraw.Draw(image)
    left, right = LEFT * SCALE, (WIDTH - RIGHT) * SCALE
    top, ground = TOP * SCALE, (HEIGHT - BOTTOM) * SCALE
    most = max((count for _day, count in days), default=0)
    width = (right - left) / max(len(days), 1)
    gap = min(width * 0.2, 6 * SCALE)
    for place, (day, count) in enumerate(days):
        start, end = left + place * width, left + (place + 1) * width
        if day in unknown:
            canvas.rectangle((start, top, end - 1, ground), fill=UNKNOWN)
        if count:
            height = max((ground - top) * count / most, SCALE)
            canvas.rectangle((start + gap / 2, ground - height, end - gap / 2 - 1, ground), fill=BAR)
    canvas.line((left, top, right, top), fill=GRID, width=SCALE)
    canvas.line((left, ground, right, ground), fill=TEXT, width=SCALE)
    font = _font()
    canvas.text((left, top - 5 * SCALE), grouped(most), fill=TEXT, font=font, anchor="ls")
    step = -(-len(days) // MOST_LABELS)
    for place in range(0, len(days), max(step, 1)):
        middle = left + (place + 0.5) * width
        anchor, at = ("ls", left) if place == 0 and len(days) > MOST_LABELS else ("ms", middle)
        label = f"{days[place][0]:%m-%d}"
        canvas.text((at, ground + 21 * SCALE), label, fill=TEXT, font=font, anchor=anchor)
    file = io.BytesIO()
    image.quantize(32).save(file, "PNG", optimize=True)
    return file.getvalue()


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(16 * SCALE)

"""Drawing the histogram: SVG made here, so that it needs no script and obeys the colours of the page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from events.nexmo.catalog import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from events.reading.histogram import Bar, Histogram

HEIGHT, WIDTH, GAP = 100, 12, 2  # of the drawing's own units; the page stretches them
ORDER = (*dict.fromkeys(slug for _, slug, _ in FAMILIES), "other")
TITLES = {slug: title for _, slug, title in FAMILIES} | {"other": "Other"}


def draw(found: Histogram, address: Callable[[Bar], str]) -> SafeString:
    """The bars as SVG, each a link to the events of its stretch of time, from `address`.

    For eyes and pointers only: beside it stand a sentence and a table with the same links.
    """
    most = max((bar.total for bar in found.bars), default=0) or 1
    parts = [_bar(bar, place, most, address(bar), found.unit) for place, bar in enumerate(found.bars)]
    return mark_safe(  # noqa: S308 - numbers, slugs of ours, and what was escaped
        f'<svg class="bars" viewBox="0 0 {len(found.bars) * WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true">'
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line x1="0" y1="0" x2="0" y2="6"/></pattern></defs>' + "".join(parts) + "</svg>"
    )


def _bar(bar: Bar, place: int, most: int, href: str, unit: str) -> str:
    left = place * WIDTH
    words = f"{label(bar.start, unit)}: {'not looked at yet' if not bar.known else f'{bar.total:,}'}"
    if not bar.covered:
        words += ", not known to be complete"
    shapes = [f'<rect class="slot" x="{left}" y="0" width="{WIDTH}" height="{HEIGHT}"/>']
    if not bar.covered or not bar.known:
        shapes.append(f'<rect class="hatched" x="{left}" y="0" width="{WIDTH}" height="{HEIGHT}"/>')
    top = float(HEIGHT)
    for slug in ORDER:
        if count := bar.counts[slug]:
            height = max(HEIGHT * count / most, 0.8)
            top -= height
            shapes.append(
                f'<rect class="family-{slug}" x="{left + GAP / 2:g}" y="{max(top, 0):.1f}" width="{WIDTH - GAP}" '
                f'height="{height:.1f}"/>'
            )
    return f'<a href="{escape(href)}" tabindex="-1"><title>{escape(words)}</title>{"".join(shapes)}</a>'


def label(moment: datetime, unit: str) -> str:
    """A bar's beginning in words, as exact as its unit."""
    at = moment if unit in ("day", "week", "month", "year") else timezone.localtime(moment)
    return at.strftime(
        {"day": "%Y-%m-%d", "week": "week of %Y-%m-%d", "month": "%Y-%m", "year": "%Y"}.get(unit, "%Y-%m-%d %H:%M %Z")
    )


def legend(found: Histogram) -> list[tuple[str, str, int]]:
    """Slug, title and count of each family that is in the picture."""
    totals = {slug: sum(bar.counts[slug] for bar in found.bars) for slug in ORDER}
    return [(slug, TITLES[slug], count) for slug, count in totals.items() if count]


def in_words(found: Histogram) -> str:
    """The picture as a sentence."""
    busiest = max(found.bars, key=lambda bar: bar.total)
    until = f" to {label(found.bars[-1].start, found.unit)}" if len(found.bars) > 1 else ""
    events = "event" if found.total == 1 else "events"
    text = f"{found.total:,} {events} by {found.unit}, {label(found.bars[0].start, found.unit)}{until}"
    if busiest.total:
        text += f"; the most, {busiest.total:,}, in {label(busiest.start, found.unit)}"
    unknown = sum(1 for bar in found.bars if not bar.known)
    if unknown:
        text += f". {unknown} of {len(found.bars)} bars were not looked at yet"
    gaps = sum(1 for bar in found.bars if not bar.covered)
    return f"{text}. {gaps} of {len(found.bars)} bars are not known to be complete." if gaps else f"{text}."
